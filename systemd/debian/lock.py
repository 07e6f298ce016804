# ruff: noqa: INP001 - a script, no module
"""Write wheels.lock: every Python package of the .deb, one version for all its kinds, with the hashes of its files.

Run by `make lock` in the project's environment, of any supported Python. What must be compiled is locked as source.
"""

import json
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHONS = ("3.11", "3.12", "3.13")  # of Debian 12 and 13, and what else `make install` may find
MACHINES = ("x86_64", "aarch64")
GLIBC = 36  # 2.36: Debian 12's
SOURCES = ("lgpio", "PyAudio", "spidev", "systemd-python")  # no wheels, or none for all of the above: built by build.sh
LEFT_OUT = (
    "pycparser",
    "PyJWT",
    "setuptools",
    "types-protobuf",
)  # named by cffi, mcp, colorzero, livekit; never imported
ABOUT = """\
# The Python packages of the .deb, written by `make lock`. Nothing else is fetched when it is built.
"""


def main() -> None:
    """Resolve once, fetch for every kind of machine, write the lock."""
    names = sorted(resolved(), key=str.lower)
    lines = [ABOUT]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        for one in names:
            name = one.partition("==")[0]
            for options in (
                [["--no-binary=:all:"]] if name in SOURCES else [platform(p, m) for p in PYTHONS for m in MACHINES]
            ):
                fetch(one, options, store / name)
            hashes = sorted(sha256(file.read_bytes()).hexdigest() for file in (store / name).iterdir())
            lines.append(one + "".join(f" \\\n    --hash=sha256:{digest}" for digest in hashes) + "\n")
    (HERE / "wheels.lock").write_text("".join(lines))


def resolved() -> list[str]:
    """`name==version` of all that antiphon needs on a board."""
    report = pip(
        "install", "--dry-run", "--ignore-installed", "--quiet", "--report=-", f"{ROOT}[systemd,echo,mcp,board]"
    )
    found = {item["metadata"]["name"]: item["metadata"]["version"] for item in json.loads(report)["install"]}
    return [f"{name}=={version}" for name, version in found.items() if name not in (*LEFT_OUT, "antiphon")]


def platform(python: str, machine: str) -> list[str]:
    """pip's options for a Python and a machine that are not this one's."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)] + [f"manylinux2014_{machine}"]
    kind = "cp" + python.replace(".", "")
    return [
        "--only-binary=:all:", f"--python-version={python}", "--implementation=cp",
        f"--abi={kind}", "--abi=abi3", "--abi=none", *(f"--platform={tag}" for tag in tags),
    ]  # fmt: skip


def fetch(requirement: str, options: list[str], folder: Path) -> None:
    """One file of one package into `folder`."""
    pip("download", "--quiet", "--no-deps", f"--dest={folder}", *options, requirement)


def pip(*words: str) -> str:
    """What pip prints; pip's own complaint ends this."""
    command = [sys.executable, "-m", "pip", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own words


if __name__ == "__main__":
    main()
