"""The network fails while the appliance sleeps: doctor and log name it in words, and it comes back by itself.

Each scene breaks one thing, reads what the daemon says of its calls, asks the doctor, and mends it. How long the daemon
then takes is counted in calls: one may be on its way in vain when the network is mended, and a resolver that waits for
an old question may cost one more.
"""

from dataclasses import dataclass

import pytest

from network.lab import CLOUD, CLOUD_V4, CLOUD_V6, why_no_lab
from network.scenery import PATIENCE_S, TLS_PORT, at_home

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(bool(why_no_lab()), reason=why_no_lab()),
]

VAIN_CALLS = 2
SILENT = "did not answer in time"
NO_DNS = "No DNS server answers"


@dataclass(frozen=True)
class Outage:
    """What fails, and what must be said of it."""

    check: str
    """Of the doctor's, the one that fails: all others are well, or not tried."""
    says: str
    remedy: str
    why: str
    """The daemon's words for a call that it cannot open."""
    begin: object
    end: object


def forward(*rules):
    return lambda lab: lab.rule(*rules)


def told(order):
    return lambda lab: lab.order_names(order)


def names_are_back(lab):
    lab.know(CLOUD, CLOUD_V4)


OUTAGES = {
    "the cable is pulled, at the other end": Outage(
        *("network", "eth0 is not connected", "cable", NO_DNS),
        lambda lab: lab.pull_cable(),
        lambda lab: lab.plug_cable(),
    ),
    "the interface goes down": Outage(
        *("network", "eth0 is switched off", "switch it on", NO_DNS),
        lambda lab: lab.switch_off(),
        lambda lab: lab.switch_on(),
    ),
    "what is sent is dropped": Outage(
        *("port", SILENT, "firewall", SILENT),
        forward('oifname "cloud0" drop'),
        lambda lab: lab.clear(),
    ),
    "what comes back is dropped": Outage(
        *("port", SILENT, "firewall", SILENT),
        forward('iifname "cloud0" drop'),
        lambda lab: lab.clear(),
    ),
    "both are dropped": Outage(
        *("port", SILENT, "firewall", SILENT),
        forward('oifname "cloud0" drop', 'iifname "cloud0" drop'),
        lambda lab: lab.clear(),
    ),
    "the name server is silent": Outage(*("name", NO_DNS, "router", NO_DNS), told("silent"), names_are_back),
    "the name server is broken": Outage(*("name", NO_DNS, "router", NO_DNS), told("broken"), names_are_back),
    "the name is unknown": Outage(
        *("name", "not known", "realtime.url", "is not known to this network's DNS"),
        told("unknown"),
        names_are_back,
    ),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_is_named_and_survived(outage):
    with at_home("log.level=debug") as scene:
        scene.daemon.wait_for("link-opened")
        assert scene.failing() == {}
        after = len(scene.daemon.lines)
        outage.begin(scene.lab)
        scene.hang_up()  # calls that are open live on without names, and those in a black hole hear nothing of it
        lost = scene.daemon.wait_for("link-closed", after, PATIENCE_S)
        missed = scene.daemon.wait_until(
            lambda line: line["what"] == "link-closed" and line["call"] > lost["call"],
            after,
            PATIENCE_S,
            "a second loss",
        )
        assert lost["level"] == missed["level"] == "warning"
        assert CLOUD in missed["why"]
        assert outage.why in missed["why"]
        [[check, finding]] = scene.failing().items()
        assert check == outage.check
        assert outage.says in finding["says"]
        assert outage.remedy in finding["remedy"]

        tried = len(scene.daemon.said("link-closed"))
        outage.end(scene.lab)
        scene.daemon.wait_for("link-opened", len(scene.daemon.lines) - 1, PATIENCE_S)
        assert len(scene.daemon.said("link-closed")) - tried <= VAIN_CALLS
        assert scene.failing() == {}
        assert scene.ends_well()


def test_an_address_that_leads_nowhere_is_passed_over():
    """Half of IPv6: the name has an AAAA record, and its packets are dropped. IPv4 serves the call, at once."""
    with at_home() as scene:
        scene.daemon.wait_for("link-opened")
        after = len(scene.daemon.lines)
        scene.lab.know(CLOUD, CLOUD_V6, CLOUD_V4)
        scene.lab.rule(f"ip6 daddr {CLOUD_V6} drop")
        scene.hang_up()
        scene.daemon.wait_for("link-opened", after, PATIENCE_S)
        assert len(scene.daemon.said("link-closed", after)) == 1, "the call that was hung up, and no other"
        code, found = scene.doctor()
        assert code == 0
        assert found["port"]["verdict"] == "warn"
        assert f"not at {CLOUD_V6}" in found["port"]["says"]
        assert "IPv6" in found["port"]["remedy"]
        assert scene.ends_well()


def test_an_address_that_works_is_used():
    """The other half: IPv6 as it should be."""
    with at_home() as scene:
        scene.daemon.wait_for("link-opened")
        after = len(scene.daemon.lines)
        scene.lab.know(CLOUD, CLOUD_V6, CLOUD_V4)
        scene.lab.rule(f"ip daddr {CLOUD_V4} tcp dport {TLS_PORT} drop")
        scene.hang_up()
        scene.daemon.wait_for("link-opened", after, PATIENCE_S)
        assert scene.ends_well()
