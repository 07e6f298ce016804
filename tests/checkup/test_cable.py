"""What is wrong with this machine's own end of the network. tests/network shows it with cables that are pulled."""

import pytest

from antiphon.checkup.cable import Interface, check_cable, interfaces

V4 = ("192.168.1.20",)


def interface(name="eth0", *, on=True, connected=True, addresses=V4, leads_out=True):
    return Interface(name, on, connected, addresses, leads_out)


# ── what is judged ──


def test_an_interface_with_a_way_out():
    finding = check_cable([interface("usb0", on=False, leads_out=False), interface()])
    assert finding.verdict == "ok"
    assert "eth0" in finding.says
    assert V4[0] in finding.says


def test_no_interface_at_all():
    finding = check_cable([])
    assert finding.verdict == "fail"
    assert finding.remedy


@pytest.mark.parametrize(
    ("trouble", "words", "remedy"),
    [
        ({"on": False, "connected": False, "addresses": ()}, "switched off", "switch it on"),
        ({"connected": False}, "not connected", "cable"),
        ({"addresses": ()}, "no address", "DHCP"),
    ],
)
@pytest.mark.parametrize("leads_out", [True, False])
def test_what_is_wrong_with_the_only_one(trouble, words, remedy, leads_out):
    finding = check_cable([interface(**trouble, leads_out=leads_out)])
    assert finding.verdict == "fail"
    assert words in finding.says
    assert remedy in finding.remedy


def test_of_several_the_way_out_is_meant():
    """A bridge for containers has an address, and leads nowhere."""
    finding = check_cable([interface("docker0", leads_out=False), interface(connected=False)])
    assert finding.verdict == "fail"
    assert "eth0 is not connected" in finding.says
    assert "docker0" not in finding.says


def test_of_several_that_fail_each_is_named_and_the_nearest_to_working_first():
    off = interface("wlan0", on=False, connected=False, addresses=(), leads_out=False)
    finding = check_cable([off, interface(connected=False, addresses=(), leads_out=False)])
    assert finding.says == "eth0 is not connected, wlan0 is switched off"
    assert "cable" in finding.remedy


def test_a_network_without_a_way_out_may_be_all_that_is_wanted():
    finding = check_cable([interface(leads_out=False)])
    assert finding.verdict == "warn"
    assert "beyond" in finding.says


# ── what the kernel says ──

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	0009A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
{iface}	00000000	0109A8C0	{flags}	0	0	0	00000000	0	0	0
"""
ROUTES_V6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe800000000000000000000000000001 00000400 00000001 00000000 {flags} {iface}\n"
)


def found(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return {one.name: one for one in interfaces(tmp_path)}


@pytest.fixture
def some_name():
    names = [one.name for one in interfaces()]
    return names[0] if names else pytest.skip("this machine has no network interface but its loopback")


def test_the_way_out_is_read_from_the_routes(tmp_path, some_name):
    assert not any(one.leads_out for one in found(tmp_path).values())
    assert found(tmp_path, route=ROUTES.format(iface=some_name, flags="0003"))[some_name].leads_out
    assert not found(tmp_path, route=ROUTES.format(iface=some_name, flags="0203"))[some_name].leads_out


def test_a_way_by_ipv6_will_do(tmp_path, some_name):
    assert found(tmp_path, ipv6_route=ROUTES_V6.format(iface=some_name, flags="00000003"))[some_name].leads_out
    assert not found(tmp_path, ipv6_route=ROUTES_V6.format(iface=some_name, flags="00200200"))[some_name].leads_out


def test_addresses_that_lead_nowhere_are_none(tmp_path, some_name):
    far, near = "20010db8000000000000000000000001", "fe800000000000000000000000000001"
    text = "".join(f"{address} 02 40 00 80 {some_name}\n" for address in (near, far))
    addresses = found(tmp_path, if_inet6=text)[some_name].addresses
    assert "2001:db8::1" in addresses
    assert not any(address.startswith("fe80") for address in addresses)


def test_the_loopback_is_no_network():
    assert "lo" not in [one.name for one in interfaces()]
