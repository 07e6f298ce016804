"""The key: in no process list, no environment, no log, and in no file that others may read."""

import pytest

from board.appliance import KEY

pytestmark = pytest.mark.board

# Our own command lines hold it too, and the shell's: it is put together inside.
SOUGHT = f"{KEY[:12]}''{KEY[12:]}"


def found(machine, command):
    """Where it was found."""
    return machine.run(command, 120).output.split()


def test_the_key_is_nowhere_it_must_not_be(appliance, pi, table):
    """After calls, a refused key, a crash and the tests before. What the simulated cloud knew of it is taken away."""
    machine = appliance.machine
    appliance.cloud("--quick", key="sk-another")
    appliance.told("link-closed", 60)
    machine.get(f"kill -ABRT {appliance.pid}")
    appliance.told("ready", 60)
    machine.get("systemctl stop cloud; rm -rf /etc/board/cloud /var/lib/cloud/*")
    machine.run("antiphon status; antiphon status --json; antiphon check", 60)
    as_antiphon = "setpriv --reuid antiphon --regid antiphon --init-groups"
    places = {
        "process list": f"k={SOUGHT}; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -F -- $k",
        "environments": f"k={SOUGHT}; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -F -- $k",
        "journal": f"k={SOUGHT}; journalctl -o export --no-pager | grep -aF -- $k",
        "status, check": f"k={SOUGHT}; (antiphon status; antiphon status --json; antiphon check) 2>&1 | grep -F -- $k",
        "core dumps": f"k={SOUGHT}; grep -rlaF -- $k /var/lib/systemd/coredump /var/crash 2>/dev/null",
        "files others may read": f"k={SOUGHT}; find / -xdev -type f -perm /077 -print0 | xargs -0 grep -laF -- $k",
        "files the service wrote": f"k={SOUGHT}; grep -rlaF -- $k /var/lib/antiphon /run/antiphon /tmp /var/tmp",
        "files antiphon may read": f"k={SOUGHT}; cd /; {as_antiphon} grep -rlaF -- $k /etc /var /run /tmp 2>/dev/null",
    }
    where = {name: hits for name, command in places.items() if (hits := found(machine, command))}
    # What systemd gives to the service, and to nobody else.
    assert where.pop("files antiphon may read") == ["/run/credentials/antiphon.service/stepfun_api_key"]
    assert where == {}, str(where)
    assert machine.get("stat -c '%U %a' /etc/antiphon/stepfun_api_key") == "root 600"
    assert found(machine, f"k={SOUGHT}; grep -lsF -d skip -- $k /etc/antiphon/*") == [
        "/etc/antiphon/stepfun_api_key"
    ], "not found"
    appliance.as_it_was()
    table.add(
        "key", "searched for in a whole machine", f"in none of {len(places)} places: {', '.join(places)}", found=0
    )
