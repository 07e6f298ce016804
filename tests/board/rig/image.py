"""The Debian system of the machine: a disk image, made once and never written to again.

It holds what any Debian has, the sound and speech that the room needs, and what `guest/` adds. The appliance is not in
it: tests install that, as its owner would. All that the appliance's package depends on is there, as a machine that is
being proved has no way to Debian.
"""

import shutil
from collections.abc import Sequence
from inspect import getsource
from pathlib import Path

from board.rig.host import cache, key_of, made_once, require_root, run, tell

GUEST = Path(__file__).parent / "guest"
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "kmod", "dbus", "procps", "iproute2", "ca-certificates", "python3"),
    *("alsa-utils", "flite", "espeak-ng", "libsndfile1"),
)
"""The system, and what the simulated cloud and the person in the room need."""

SIZE = "4G"
_NOT_WANTED = ("doc", "man", "locale", "info")
# An unattended machine: nobody logs in, and nothing happens by the calendar that a test has not asked for.
_MASKED = (
    *("getty@tty1.service", "console-getty.service", "serial-getty@ttyS0.service", "serial-getty@ttyS1.service"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer"),
)


def image(release: str, depends: Sequence[str]) -> Path:
    """The disk of a Debian `release` with the packages `depends`, from the cache or made now (a minute)."""
    files = sorted(path for path in GUEST.rglob("*") if path.is_file())
    names = [(path.relative_to(GUEST).as_posix(), path.stat().st_mode) for path in files]
    place = cache() / f"image-{release}-{key_of(PACKAGES, sorted(depends), names, getsource(_fill), SIZE, *files)}"
    with made_once(place) as folder:
        if folder is not None:
            require_root("the machine's disk")
            tell(f"a disk with Debian {release}: some minutes, once")
            _fill(folder / "tree", release, depends)
            run(
                "/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", folder / "tree", folder / "disk.raw", SIZE
            )
            shutil.rmtree(folder / "tree")
    return place / "disk.raw"


def _fill(tree: Path, release: str, depends: Sequence[str]) -> None:
    """Debian, then what tests add to it, then what makes it this machine and no other."""
    lean = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _NOT_WANTED]
    lean.append("--dpkgopt=path-include=/usr/share/doc/antiphon*")
    wanted = ",".join(dict.fromkeys([*PACKAGES, *depends]))
    options = ["--variant=minbase", "--aptopt=APT::Install-Recommends false", f"--include={wanted}"]
    run("mmdebstrap", "-q", *options, *lean, release, tree)
    # What is in guest/ goes where it stands; no owner or folder of this host goes with it.
    run("cp", "-r", "--preserve=mode", "--no-preserve=ownership", "-T", GUEST, tree)
    units = tree / "etc" / "systemd" / "system"
    for unit in _MASKED:
        (units / unit).symlink_to("/dev/null")
    (units / "default.target").unlink(missing_ok=True)
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    for unit in units.glob("*.service"):
        if not unit.is_symlink():
            (wants / unit.name).symlink_to(f"/etc/systemd/system/{unit.name}")
    (tree / "etc" / "machine-id").write_text("", encoding="utf-8")
    for rest in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(tree / rest, ignore_errors=True)
        (tree / rest).mkdir(parents=True)
