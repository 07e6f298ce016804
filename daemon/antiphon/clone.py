"""Floor 0. Whether this program runs in a clone of its repository, with Makefile and pages beside it, or installed.

It decides nothing but words: what helps in a clone is not there in a package.
"""

import shlex
import sys
from pathlib import Path
from typing import Final


def clone_of(module: Path) -> Path | None:
    """The clone that the module daemon/antiphon/NAME.py lies in; None where it is installed."""
    folder = module.parents[2]
    return folder if (folder / "Makefile").is_file() and (folder / "daemon").is_dir() else None


def where_pages_are(clone: Path | None, prefix: Path) -> Path:
    """Folder of docs/ and hardware/, as people name it; `prefix` is the environment's, as /usr/lib/antiphon."""
    return Path() if clone else prefix.parents[1] / "share" / "doc" / "antiphon"


def without_a_card(clone: Path | None) -> str:
    """What can be done on a machine that has no sound card: the end of a sentence."""
    if clone:
        return "`make run` shows a whole turn on a simulated one"
    return "`antiphon ask QUESTION.wav` does a whole turn without"


def gpio_is_missing(clone: Path | None) -> str:
    """What to do where the Python packages for GPIO lines and SPI are not there: the beginning of a sentence."""
    return "Run `make setup GPIO=1`" if clone else "Install antiphon again: it brings that along"


CLONE: Final = clone_of(Path(__file__).resolve())
"""The clone that this program runs in; None where it is installed."""
WITHOUT_A_CARD: Final = without_a_card(CLONE)

GPIO_IS_MISSING: Final = gpio_is_missing(CLONE)
SETUP: Final = "antiphon setup" if CLONE else "sudo antiphon setup"
"""In a clone sudo would not find it."""


def page(name: str) -> str:
    """Where a page is that is docs/NAME or hardware/NAME in a clone."""
    return str(where_pages_are(CLONE, Path(sys.prefix)) / name)


def program(called: str | None = None, clone: Path | None = CLONE) -> str:
    """How a shell calls this program, also with sudo, which finds nothing of a clone's; `called` is argv[0]."""
    path = Path(sys.argv[0] if called is None else called)
    return shlex.quote(str(path)) if clone and path.name == "antiphon" else "antiphon"
