"""The appliance's Debian package: the one that `make deb` has made, what it depends on, and an earlier one of it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from board.rig.host import REPOSITORY, RigError, run

DEB_VARIABLE = "ANTIPHON_BOARD_DEB"
RELEASES = {"12": "bookworm", "13": "trixie"}


def newest() -> Path:
    """The package to prove: $ANTIPHON_BOARD_DEB, else the newest in build/deb for this architecture."""
    if named := os.environ.get(DEB_VARIABLE):
        return Path(named)
    architecture = run("dpkg", "--print-architecture").strip()
    found = sorted(
        (REPOSITORY / "build" / "deb").glob(f"antiphon_*_{architecture}.deb"), key=lambda p: p.stat().st_mtime
    )
    if not found:
        raise RigError("there is no package to prove: run `make deb` first")
    return found[-1]


def release_of(package: Path) -> str:
    """The Debian that it is made for, which its version says: 0.1.0+deb13 is for trixie."""
    version = run("dpkg-deb", "-f", package, "Version").strip()
    return RELEASES[version.rpartition("+deb")[2]]


def depends(package: Path) -> list[str]:
    """What it wants installed beside it; of alternatives the first."""
    fields = run("dpkg-deb", "-f", package, "Depends", "Pre-Depends", "Recommends")
    return sorted(set(_names(re.split(r"[,\n]", re.sub(r"(?m)^\S+:", "", fields)))))


def _names(wanted: Iterable[str]) -> Iterable[str]:
    for one in wanted:
        name = re.split(r"[\s(|:]", one.strip(), maxsplit=1)[0]
        if name and name != "antiphon":
            yield name


def earlier(package: Path, folder: Path, version: str = "0.0.1") -> Path:
    """The same as an earlier version, whose settings as shipped were others: an upgrade finds something to merge."""
    tree = folder / "earlier"
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN" / "control"
    text = control.read_text(encoding="utf-8")
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", text), encoding="utf-8")
    shipped = tree / "etc" / "antiphon" / "antiphon.yaml"
    if shipped.exists():
        shipped.write_text(shipped.read_text(encoding="utf-8") + "# As it was shipped earlier.\n", encoding="utf-8")
    made = folder / f"antiphon_{version}_earlier.deb"
    run("dpkg-deb", "-Znone", "-b", tree, made)
    return made
