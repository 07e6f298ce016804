"""From an earlier package to this one with the settings kept, and a purge that leaves nothing behind."""

import pytest

from board import packages
from board.appliance import Appliance
from board.rig.machine import Machine
from board.rig.ways import Uml

pytestmark = pytest.mark.board

LISTED = "cd /; find . -xdev ! -type d ! -path './proc/*' ! -path './sys/*' ! -path './run/*' ! -path './tmp/*'"
NOT_OURS = (
    *("./var/log/", "./var/lib/dpkg/", "./var/cache/", "./var/lib/systemd/", "./var/tmp/", "./etc/board/", "./root/"),
    *(
        "./etc/passwd",
        "./etc/group",
        "./etc/shadow",
        "./etc/gshadow",
        "./etc/subuid",
        "./etc/subgid",
        "./etc/.pwd.lock",
    ),
    *("./var/lib/cloud", "./var/lib/private"),
)
"""What any package moves, and what the tests have put there: that must hold no name of ours, and is searched for it."""


@pytest.fixture(scope="module")
def fresh(disk, folder):
    """A machine of its own: Debian, and nothing else yet."""
    own = folder / "upgraded"
    own.mkdir()
    with Machine(Uml(), disk, own) as running:
        yield running


def files(machine):
    listed = machine.get(LISTED, 120).splitlines()
    return {name for name in listed if not name.startswith(NOT_OURS)}


def people(machine):
    return machine.get("getent passwd | cut -d: -f1; getent group | cut -d: -f1").split()


def test_an_upgrade_keeps_what_the_owner_has_set(fresh, package, folder, table):
    before = files(fresh), people(fresh)
    appliance = Appliance(fresh)
    result = appliance.install(packages.earlier(package, folder))
    assert result.status == 0, str(result)
    appliance.settle({"realtime": {"voice": "rms"}})
    appliance.cloud("--quick")
    appliance.start()
    ours = "/etc/antiphon/antiphon.yaml /etc/antiphon/stepfun_api_key"
    kept = f"sha256sum {ours}; stat -c '%U %G %a' {ours}"
    fresh.get("antiphon volume 40", 30)
    owned, old = fresh.get(kept), appliance.pid
    result = appliance.install(package)
    assert result.status == 0, str(result)
    assert fresh.get(kept) == owned
    appliance.told("ready", 60)
    assert appliance.pid not in (0, old)
    assert appliance.show("ActiveState") == "active"
    assert "40" in fresh.get("antiphon volume", 30)
    version = fresh.get("dpkg-query -W -f '${Version}' antiphon")
    assert "rms" in fresh.get("antiphon check | grep realtime.voice")
    table.add("package", "upgrade from an earlier one", f"to {version}: settings, key and volume kept; it runs again")
    removed_and_purged(fresh, appliance, before, table)


def removed_and_purged(machine, appliance, before, table):
    """Remove keeps the settings, purge nothing at all."""
    machine.get("dpkg --remove antiphon", 120)
    assert machine.get("ls /etc/antiphon/antiphon.yaml /etc/antiphon/stepfun_api_key")
    assert machine.run("pgrep -u antiphon").output == ""
    machine.get("dpkg --purge antiphon", 120)
    files_before, people_before = before
    assert files(machine) - files_before == set()
    assert files_before - files(machine) == set()
    assert people(machine) == people_before
    named = machine.run("cd /; find . -xdev -iname '*antiphon*' ! -path './proc/*' ! -path './sys/*'").output.split()
    assert [name for name in named if not name.startswith("./var/lib/dpkg")] == []
    assert machine.run("systemctl list-unit-files --no-legend 'antiphon*'").output == ""
    table.add(
        "package", "purge", "no file, no user, no group, no unit of ours left (all files listed before and after)"
    )
