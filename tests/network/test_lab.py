"""The lab itself: it is there, it is a network, and nothing of it is left behind."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from network.lab import CLOUD, CLOUD_V4, LAN, LAN_V4, lab, why_no_lab

TESTS = Path(__file__).parents[1]
PATIENCE_S = 30.0

pytestmark = [pytest.mark.network, pytest.mark.skipif(bool(why_no_lab()), reason=why_no_lab())]


def test_every_host_is_a_network_of_its_own():
    with lab() as network:
        hosts = (network.router, network.device, network.cloud, network.lan)
        spaces = {Path(f"/proc/{host.pid}/ns/net").readlink() for host in hosts}
        assert len(spaces | {Path("/proc/self/ns/net").readlink()}) == len(hosts) + 1


def test_names_are_told_by_the_lab_alone():
    with lab() as network:
        for name, address in ((CLOUD, CLOUD_V4), (LAN, LAN_V4)):
            assert network.device.run("getent", "ahostsv4", name).split()[0] == address
        network.order_names("unknown")
        with pytest.raises(AssertionError):
            network.device.run("getent", "hosts", CLOUD)
        assert network.names.said("asked")


def test_the_cloud_is_cut_off_by_itself():
    """Nothing listens there, so whoever is reached refuses."""
    program = "import socket, sys; s = socket.socket(); s.settimeout(10); s.connect((sys.argv[1], 9))"

    def reached(network, address):
        with pytest.raises(AssertionError) as failed:
            network.device.run(sys.executable, "-c", program, address)
        return "ConnectionRefusedError" in str(failed.value)

    with lab() as network:
        assert reached(network, CLOUD_V4)
        network.cut_cloud_off()
        assert not reached(network, CLOUD_V4)
        assert reached(network, LAN_V4)
        network.join_cloud()
        assert reached(network, CLOUD_V4)


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails):
    pids = []
    try:
        with lab() as network:
            pids = [network.router.pid, network.device.pid, network.cloud.pid, network.lan.pid, network.names.pid]
            folder = network.folder
            assert not fails
    except AssertionError:
        assert fails
    assert pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not folder.exists()


def test_it_dies_with_whoever_made_it():
    """Even one that is killed, and cleans nothing up."""
    program = (
        "from network.lab import lab\n"
        "with lab() as made:\n"
        "    print(*[one.pid for one in (made.router, made.device, made.cloud, made.lan, made.names)], flush=True)\n"
        "    input()\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    maker = subprocess.Popen(
        [sys.executable, "-c", program], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with maker:
        pids = [int(pid) for pid in maker.stdout.readline().split()]
        ends = [os.pidfd_open(pid) for pid in pids]
        maker.kill()
        for end in ends:
            assert select.select([end], [], [], PATIENCE_S)[0], "it lives on"
            os.close(end)
    assert len(pids) == 5
