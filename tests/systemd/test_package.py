"""What the package and `make install` are made of: settings that say the defaults, pinned packages, sound scripts."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from antiphon.config_files import read_layers
from antiphon.settings import Settings, load

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
DEBIAN = SYSTEMD / "debian"
OURS = {"antiphon"}
WHOLE_PATTERN = re.compile(r"^(\S+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)

needs_sysusers = pytest.mark.skipif(
    shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed"
)


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def uncommented(text):
    """The settings that are shown in comments: what has no space after its #, or is indented as YAML is."""
    return "\n".join(line[1:] for line in text.splitlines() if re.match(r"#(\w+:|  \w+:)", line))


def pinned():
    return {canonical(name): hashes for name, _, hashes in WHOLE_PATTERN.findall((DEBIAN / "wheels.lock").read_text())}


# ── the settings that are installed ──────────────────────────────────────────────────────────────


def test_the_installed_settings_change_nothing():
    assert yaml.safe_load((ROOT / "config" / "etc.yaml").read_text()) is None
    assert load(read_layers(ROOT / "config" / "etc.yaml", {}, [])).settings == Settings()


def test_what_they_show_are_the_defaults(tmp_path):
    shown = tmp_path / "shown.yaml"
    shown.write_text(uncommented((ROOT / "config" / "etc.yaml").read_text()))
    assert {"board", "microphone", "speaker", "realtime", "generate"} <= set(yaml.safe_load(shown.read_text()))
    assert load(read_layers(shown, {}, [])).settings == Settings()


# ── the Python packages ──────────────────────────────────────────────────────────────────────────


def test_every_line_of_the_lock_is_a_version_with_hashes():
    lock = (DEBIAN / "wheels.lock").read_text()
    rest = WHOLE_PATTERN.sub("", lock)
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []
    assert len(pinned()) > 30


def test_all_that_the_daemon_needs_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["systemd"], *extras["echo"], *extras["board"]]
    names = {canonical(re.match(r"[\w.-]+", one)[0]) for one in wanted}
    assert names - OURS - set(pinned()) == set()


def test_what_has_a_wheel_for_each_machine_is_locked_for_each():
    # numpy has one a Python and a machine: 3.11, 3.12 and 3.13 on x86-64 and arm64.
    assert pinned()["numpy"].count("--hash") == 6
    assert pinned()["systemd-python"].count("--hash") == 1, "its source"


# ── the files around the unit ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm", "inside.sh", "prune.sh", "pages.sh", "tried.sh"])
def test_the_scripts_are_sound_for_a_plain_shell(script):
    verdict = subprocess.run(["sh", "-n", DEBIAN / script], capture_output=True, text=True, timeout=60, check=False)
    assert (verdict.returncode, verdict.stderr) == (0, "")


@pytest.mark.parametrize("script", ["install.sh", "debian/build.sh", "debian/try.sh"])
def test_those_that_make_calls_are_sound_and_can_be_run(script):
    verdict = subprocess.run(["bash", "-n", SYSTEMD / script], capture_output=True, text=True, timeout=60, check=False)
    assert (verdict.returncode, verdict.stderr) == (0, "")
    assert (SYSTEMD / script).stat().st_mode & 0o111


@needs_sysusers
def test_the_user_and_its_groups_are_made(tmp_path):
    (tmp_path / "etc").mkdir()
    made = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "antiphon.sysusers"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    groups = dict(re.findall(r"^(\w+):[^:]*:\d+:(.*)$", (tmp_path / "etc" / "group").read_text(), re.MULTILINE))
    assert dict.fromkeys(("audio", "gpio", "spi"), "antiphon").items() <= groups.items()
    assert re.search(
        r"^antiphon:.*:/var/lib/antiphon:.*nologin$", (tmp_path / "etc" / "passwd").read_text(), re.MULTILINE
    )


def test_purging_takes_back_all_that_installing_makes():
    postrm = (DEBIAN / "postrm").read_text()
    paths = [line.split()[1] for line in (SYSTEMD / "antiphon.tmpfiles").read_text().splitlines() if line[0] == "d"]
    assert paths == ["/var/lib/antiphon"]
    for path in (*paths, "/etc/antiphon", "/etc/systemd/system/antiphon.service.d"):
        assert f" {path}" in postrm
    made = re.search(r"^GROUPS_MADE=(.*)$", postrm, re.MULTILINE)[1]
    for other in (DEBIAN / "postinst", SYSTEMD / "install.sh"):
        assert f"GROUPS_MADE={made}" in other.read_text()


def test_the_wheel_takes_files_along_that_are_there():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    taken = wheel["force-include"]
    assert taken == {"hardware/boards": "antiphon/boards", "config/demo.yaml": "antiphon/demo.yaml"}
    assert all((ROOT / one).exists() for one in taken)


# ── the pages ────────────────────────────────────────────────────────────────────────────────────

NOT_TAKEN = {"LICENSE", "systemd/vox-serve"}
"""Debian has the licence elsewhere; a server is no part of the appliance."""


def test_the_pages_that_are_installed_lead_to_one_another(tmp_path):
    done = subprocess.run(
        ["sh", DEBIAN / "pages.sh", tmp_path], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    pages = sorted(tmp_path.rglob("*.md"))
    assert tmp_path / "docs" / "lan-server.md" in pages
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in link:
                named = (page.parent / link).resolve()
                assert named.exists() or str(named.relative_to(tmp_path)) in NOT_TAKEN, (page, link)


# ── what is purged ───────────────────────────────────────────────────────────────────────────────


def test_a_group_that_somebody_else_is_in_outlives_the_purge(tmp_path):
    """The part about groups, with commands of our own: the rest would purge this machine."""
    made = tmp_path / "made"
    made.write_text("gpio\nspi\n")
    commands = {
        "getent": 'case $2 in antiphon) echo "antiphon:x:990:pi";; gpio) echo "gpio:x:991:";; *) exit 2;; esac',
        "groupdel": f'echo "$1" >>{tmp_path}/deleted',
    }
    for name, script in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    postrm = (DEBIAN / "postrm").read_text()
    loop = postrm[postrm.index("  for group in") : postrm.index('  rm -f "$GROUPS_MADE"')]
    subprocess.run(
        ["sh", "-euc", loop],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "GROUPS_MADE": str(made)}, timeout=60, check=True,
    )  # fmt: skip
    assert (tmp_path / "deleted").read_text() == "gpio\n"


# ── the Makefile ─────────────────────────────────────────────────────────────────────────────────


def told_to_make(*arguments):
    """The commands that make would run, with everything to be made anew."""
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", "-C", ROOT, *arguments]
    environ = {"PATH": os.environ["PATH"]}  # nothing of a make that runs the tests
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(("gpio", "built"), [("1", True), ("", False)])
def test_setup_builds_what_gpio_lines_need_where_it_is_told_to(gpio, built):
    assert (".[board]" in told_to_make("setup", f"GPIO={gpio}")) == built


def test_a_package_is_for_the_debian_of_this_machine_or_as_it_is_told():
    here = re.search(r"^VERSION_CODENAME=(.*)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    suite = here[1] if here and here[1] in {"bookworm", "trixie"} else "trixie"
    assert f"systemd/debian/build.sh {suite} " in told_to_make("deb")
    assert "systemd/debian/build.sh trixie arm64" in told_to_make("deb", "SUITE=trixie", "ARCH=arm64")
