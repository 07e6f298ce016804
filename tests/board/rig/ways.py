"""The two ways to run the machine: Linux as a program of this host (uml), or a whole PC by emulation (qemu).

Both take the same disk image, and keep what is written in a file of their own; both are told of the shared folder, and
have a serial line to the agent inside. A way says which program to start; the machine starts and ends it.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from board.rig import kernels
from board.rig.host import run
from board.rig.kernels import Kernel


@dataclass(frozen=True)
class Place:
    """What one machine is made of."""

    image: Path
    """The disk as it was made; nobody writes to it."""
    folder: Path
    """The machine's own: what it has written to its disk, and its console."""
    share: Path
    memory_mb: int
    line_fd: int
    """An end of a socket pair: the serial line to the agent. The program inherits it."""


class Way(Protocol):
    """How to run it."""

    name: str

    def command(self, place: Place) -> list[str]:
        """The program and its arguments; what it prints is the machine's console."""
        ...

    def environment(self) -> Mapping[str, str]:
        """What the program sees."""
        ...

    def prepare(self) -> None:
        """In the child, before the program starts."""
        ...


_QUIET = ("quiet", "systemd.show_status=0", "TERM=dumb")


@dataclass
class Uml:
    """User-mode Linux: computes at the host's own speed, boots in seconds, has one processor."""

    virtual_clock: bool = False
    """Time in which nothing happens is skipped: a day of sleep takes seconds."""
    name: str = "uml"
    kernel: Kernel = field(default_factory=kernels.uml)

    def command(self, place: Place) -> list[str]:
        """`ubda` is the disk, `ubdb` the modules, `ssl0` the line."""
        clock = ["time-travel", "init=/usr/local/sbin/board-into-memory"] if self.virtual_clock else []
        return [
            str(self.kernel.program),
            f"mem={place.memory_mb}M",
            f"ubd0={place.folder / 'written.cow'},{place.image}",
            f"ubd1r={self.kernel.modules}",
            *("root=/dev/ubda", "rw"),
            *("con0=null,fd:1", "con=null", f"ssl0=fd:{place.line_fd}", "ssl=null"),
            *(f"uml_dir={place.folder}/", "umid=machine"),
            *(f"board.share={place.share}", "board.line=/dev/ttyS0"),
            *_QUIET,
            *clock,
        ]

    def environment(self) -> Mapping[str, str]:
        """Its memory is a file in the folder that TMPDIR names; it should not be on a disk."""
        return {**os.environ, "TMPDIR": "/dev/shm"}

    def prepare(self) -> None:
        """One processor of the host, as its system calls are four times faster when nothing moves between two."""
        os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})


@dataclass
class Qemu:
    """A whole PC with Debian's own kernel, emulated: nothing is special about it but its slowness."""

    name: str = "qemu"
    clock: str = "utc"
    """What its battery-backed clock says when it is switched on: utc, or a date such as 1970-01-01."""
    kernel: Kernel = field(default_factory=kernels.qemu)

    def command(self, place: Place) -> list[str]:
        """`vda` is the disk, `vdb` the modules, the second serial port the line."""
        written = place.folder / "written.qcow2"
        if not written.exists():
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", place.image, "-F", "raw", written)
        drives = (
            ("disk", f"file={written},format=qcow2,backing.file.locking=off"),  # user-mode Linux has it locked
            ("modules", f"file={self.kernel.modules},format=raw,readonly=on"),
        )
        return [
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *(
                "-M",
                "pc",
                "-accel",
                "tcg,thread=multi,tb-size=512",
                "-cpu",
                "max",
                "-smp",
                "2",
                "-m",
                str(place.memory_mb),
            ),
            *("-kernel", str(self.kernel.program), "-initrd", str(self.kernel.folder / "initrd.img")),
            *("-append", " ".join(["console=ttyS0 mitigations=off panic=-1 board.line=/dev/ttyS1", *_QUIET])),
            *(word for name, drive in drives for word in ("-drive", f"{drive},if=none,id={name},cache=unsafe")),
            *(word for name, _ in drives for word in ("-device", f"virtio-blk-pci,drive={name}")),
            *("-device", "virtio-rng-pci", "-rtc", f"base={self.clock}"),
            *("-serial", "stdio", "-chardev", f"socket,id=line,fd={place.line_fd}", "-serial", "chardev:line"),
            *("-fsdev", f"local,id=share,path={place.share},security_model=none,multidevs=remap"),
            *("-device", "virtio-9p-pci,fsdev=share,mount_tag=share"),
        ]

    def environment(self) -> Mapping[str, str]:
        """As we have it."""
        return os.environ

    def prepare(self) -> None:
        """Nothing: both its processors may run on all of the host's."""
