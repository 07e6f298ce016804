"""What the rig needs of the host: a cache, programs to run, and an error that says what to do next."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

CACHE_VARIABLE = "ANTIPHON_BOARD_CACHE"
REPOSITORY = Path(__file__).resolve().parents[3]
_BEGAN_S = time.monotonic()


class RigError(Exception):
    """The rig itself failed, not the appliance: one sentence, and what to do."""


def cache() -> Path:
    """Where kernels and images are kept: $ANTIPHON_BOARD_CACHE, else a folder of the user's cache."""
    folder = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "antiphon-board")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tell(text: str) -> None:
    """A line for who waits."""
    print(f"board: {time.monotonic() - _BEGAN_S:6.1f} s  {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, cwd: Path | None = None, timeout_s: float = 1800, log: Path | None = None) -> str:
    """What `command` prints. Raises RigError with its last words; with `log` all of them are kept there too."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, errors="replace", timeout=timeout_s, check=False,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise RigError(f"{words[0]} is not installed: `make board` installs what it needs") from missing
    except subprocess.TimeoutExpired as late:
        raise RigError(f"{' '.join(words[:4])} took more than {timeout_s:.0f} s") from late
    if log is not None:
        log.write_text(done.stdout, encoding="utf-8")
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise RigError(f"{' '.join(words[:6])} ended with status {done.returncode}:\n{last}")
    return done.stdout


def require_root(what: str) -> None:
    """Raises RigError where we may not make `what`."""
    if os.geteuid() != 0:
        raise RigError(f"{what} is made by root alone: run `sudo make board` once; what it makes is kept in {cache()}")


def key_of(*parts: object) -> str:
    """A short name for what a cached thing was made from: files count by what is in them."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


@contextmanager
def made_once(place: Path) -> Iterator[Path | None]:
    """Yields a fresh folder to fill, which becomes `place` when all went well; None when `place` is there already.

    Two runs at once wait for each other.
    """
    with place.with_name(place.name + ".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if place.exists():
            yield None
            return
        partial = place.with_name(place.name + ".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(place)


def fetch(folder: Path, packages: Sequence[str]) -> None:
    """Download Debian packages into `folder`, and unpack them there in `tree`."""
    folder.mkdir(parents=True, exist_ok=True)
    run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *packages, cwd=folder)
    for package in sorted(folder.glob("*.deb")):
        run("dpkg-deb", "-x", package, folder / "tree")
        package.unlink()
