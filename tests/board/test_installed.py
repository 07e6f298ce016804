"""Installed from its package, enabled, rebooted: what a new owner has, and what it costs."""

import re

import pytest

from board.rig.host import run

pytestmark = pytest.mark.board


def test_it_is_ready_after_a_reboot_by_itself(installed, table):
    assert installed.show("UnitFileState") == "enabled"
    assert installed.show("ActiveState") == "active", installed.state()
    began, ready = installed.booted_s
    assert 0 < ready - began < 30
    table.add("start", "READY after a reboot", f"{ready - began:.1f} s after its start, {ready:.1f} s after power-on",
              start_s=ready - began, boot_s=ready)  # fmt: skip


def test_it_is_nobody_and_in_its_groups_only(installed, table):
    groups = installed.machine.get(
        f"id -Gn antiphon; cat /proc/{installed.pid}/status | grep -E '^(Uid|CapEff|NoNewPrivs)'"
    )
    names, uid, capabilities, new = groups.splitlines()
    assert set(names.split()) == {"antiphon", "audio", "gpio", "spi"}
    assert uid.split()[1] != "0"
    assert int(capabilities.split()[1], 16) == 0
    assert new.split()[1] == "1"
    table.add("unit", "its user", "in audio, gpio and spi; no capability, and none to be had")


def test_systemd_finds_nothing_to_complain_of(installed, table):
    checked = installed.machine.run("systemd-analyze verify antiphon.service 2>&1")
    assert (checked.status, checked.output) == (0, "")
    said = installed.machine.get("systemd-analyze security antiphon --no-pager")
    exposure = float(re.search(r"exposure level for antiphon.service: ([\d.]+)", said).group(1))
    assert exposure <= 1.5, said
    table.add("unit", "systemd-analyze verify", "clean")
    table.add("unit", "systemd-analyze security", f"{exposure} of 10", exposure=exposure)


def test_its_files_are_as_packaged(installed, table):
    """dpkg finds none changed but the settings, and nobody but root may change one."""
    changed = installed.machine.run("dpkg --verify antiphon").output.splitlines()
    assert [line for line in changed if "/etc/antiphon/antiphon.yaml" not in line] == []
    loose = installed.machine.get(
        "find /usr/lib/antiphon /usr/bin/antiphon ! -user root -o ! -type l -perm /022 | head"
    )
    assert loose == ""
    table.add("package", "its files, after a start", "as packaged; root's, and nobody else may write to them")


def test_the_package_has_a_size(package, table):
    installed_kb = int(run("dpkg-deb", "-f", package, "Installed-Size"))
    table.add("package", "its size", f"{package.stat().st_size / 1e6:.0f} MB, {installed_kb / 1000:.0f} MB installed",
              package_mb=package.stat().st_size / 1e6, installed_mb=installed_kb / 1000)  # fmt: skip
