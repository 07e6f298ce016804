"""The two kernels of the machine, both from Debian's own packages: one for user-mode Linux, one for QEMU.

A Kernel is a folder of the cache: the kernel itself, and a disk image with its modules, which the guest mounts.
"""

import os
import shutil
from dataclasses import dataclass
from inspect import getsource
from pathlib import Path

from board.rig.host import RigError, cache, fetch, key_of, made_once, run, tell

HERE = Path(__file__).parent
SERIES = "6.12"
"""Debian 13's; Debian 12 has it among its security updates."""


@dataclass(frozen=True)
class Kernel:
    """Where a kernel is."""

    folder: Path

    @property
    def program(self) -> Path:
        """The kernel itself: a program of the host for user-mode Linux, an image for QEMU."""
        return self.folder / "linux"

    @property
    def modules(self) -> Path:
        """An ext4 image labelled "modules", for /usr/lib/modules."""
        return self.folder / "modules.img"


# ── user-mode Linux ──────────────────────────────────────────────────────────────────────────────


def uml() -> Kernel:
    """Linux as a program of this host: what runs in it computes at the host's own speed."""
    version = _version(f"linux-source-{SERIES}")
    place = cache() / f"kernel-uml-{version}-{key_of(HERE / 'uml.config', getsource(_build_uml))}"
    with made_once(place) as folder:
        if folder is not None:
            tell(f"kernel {version} for user-mode Linux: some minutes, once")
            _build_uml(folder)
    return Kernel(place)


def _build_uml(folder: Path) -> None:
    fetch(folder / "source", [f"linux-source-{SERIES}"])
    source = _unpacked(folder / "source")
    # The config has no entry to choose the frequency on this architecture: its default is the only one there is.
    kconfig = source / "arch" / "um" / "Kconfig"
    text = kconfig.read_text(encoding="utf-8")
    head, found, tail = text.partition("config HZ\n")
    if found:
        kconfig.write_text(head + found + tail.replace("default 100", "default 250", 1), encoding="utf-8")
    build = folder / "build"
    build.mkdir()
    make = ("make", "-s", "-C", source, "ARCH=um", f"O={build}")
    run(*make, "defconfig")
    with (build / ".config").open("a", encoding="utf-8") as config:  # of two lines for one thing the last counts
        config.write((HERE / "uml.config").read_text(encoding="utf-8"))
    run(*make, "olddefconfig")
    _check_config(build / ".config")
    run(*make, f"-j{os.cpu_count()}", "linux", "modules", log=folder / "build.log")
    run(*make, f"INSTALL_MOD_PATH={folder / 'tree'}", "INSTALL_MOD_STRIP=1", "modules_install")
    run("strip", "-o", folder / "linux", build / "linux")
    _modules_image(folder, folder / "tree" / "lib" / "modules")
    for done in ("source", "build", "tree"):
        shutil.rmtree(folder / done)


def _unpacked(folder: Path) -> Path:
    """The kernel's source tree, out of the archive in Debian's package."""
    archive = folder / "tree" / "usr" / "src" / f"linux-source-{SERIES}.tar.xz"
    run("tar", "-C", folder, "-xf", archive)
    return folder / f"linux-source-{SERIES}"


def _check_config(config: Path) -> None:
    """Raises RigError when the kernel's own rules have left out something that is wanted."""
    wanted = [line for line in (HERE / "uml.config").read_text(encoding="utf-8").splitlines() if "=" in line[:60]]
    has = set(config.read_text(encoding="utf-8").splitlines())
    missing = [line for line in wanted if line.startswith("CONFIG_") and line not in has]
    if missing:
        raise RigError(f"the kernel's configuration refuses {', '.join(missing)}: see tests/board/rig/uml.config")


# ── Debian's kernel, for QEMU ────────────────────────────────────────────────────────────────────


def qemu() -> Kernel:
    """Debian's own kernel for PCs, with gpio-sim, which no kernel of Debian has, built beside it."""
    release = _release()
    how = (getsource(step) for step in (_build_qemu, _gpio_sim, _initrd))
    place = cache() / f"kernel-qemu-{release}-{key_of(HERE / 'initrd.sh', *how)}"
    with made_once(place) as folder:
        if folder is not None:
            tell(f"kernel {release} for QEMU: a minute, once")
            _build_qemu(folder, release)
    return Kernel(place)


def _release() -> str:
    """The name of the kernel that Debian's meta package stands for: 6.12.1-amd64."""
    depends = run("apt-cache", "depends", f"linux-image-{SERIES}-amd64")
    for line in depends.splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith("linux-image-"):
            return name.removeprefix("linux-image-")
    raise RigError(f"Debian has no linux-image-{SERIES}-amd64 here: run apt-get update, or look into {__file__}")


def _build_qemu(folder: Path, release: str) -> None:
    bare = release.removesuffix("-amd64")
    names = [f"linux-image-{release}", f"linux-headers-{release}", f"linux-headers-{bare}-common"]
    fetch(folder / "debs", [*names, f"linux-kbuild-{bare}", f"linux-source-{SERIES}"])
    tree = folder / "debs" / "tree"
    modules = next(path for path in (tree / "usr/lib/modules", tree / "lib/modules") if path.exists())
    shutil.copy(_gpio_sim(folder, tree, release), modules / release / "kernel" / "drivers" / "gpio" / "gpio-sim.ko")
    for link in ("build", "source"):
        (modules / release / link).unlink(missing_ok=True)
    stage = folder / "tree" / "lib"
    stage.mkdir(parents=True)
    modules.rename(stage / "modules")
    run("/sbin/depmod", "-b", folder / "tree", release)
    shutil.copy(tree / "boot" / f"vmlinuz-{release}", folder / "linux")
    _initrd(folder, release)
    _modules_image(folder, stage / "modules")
    for done in ("debs", "tree", "gpio-sim", "initrd"):
        shutil.rmtree(folder / done)


def _gpio_sim(folder: Path, tree: Path, release: str) -> Path:
    """The module that makes GPIO lines out of nothing, built from the same version's source."""
    place = folder / "gpio-sim"
    place.mkdir()
    source = f"linux-source-{SERIES}"
    wanted = [f"{source}/drivers/gpio/gpio-sim.c", f"{source}/kernel/irq/irq_sim.c"]
    run("tar", "-C", place, "--strip-components=3", "-xf", tree / "usr" / "src" / f"{source}.tar.xz", *wanted)
    (place / "gpio-sim.c").rename(place / "lines.c")
    irq = place / "irq_sim.c"
    # irq_to_desc() is not there for modules; this call does both steps.
    text = irq.read_text(encoding="utf-8")
    irq.write_text(
        text.replace("handle_simple_irq(irq_to_desc(irqnum))", "generic_handle_irq(irqnum)"), encoding="utf-8"
    )
    (place / "Makefile").write_text("obj-m := gpio-sim.o\ngpio-sim-y := lines.o irq_sim.o\n", encoding="utf-8")
    headers = tree / "usr" / "src" / f"linux-headers-{release}"
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text(encoding="utf-8").replace("/usr/src/", f"{tree}/usr/src/"), encoding="utf-8")
    (headers / "vmlinux").unlink(missing_ok=True)  # with it the build asks for a program that writes type information
    run("make", "-C", headers, f"M={place}", "modules", log=folder / "gpio-sim.log")
    run("strip", "--strip-debug", place / "gpio-sim.ko")
    return place / "gpio-sim.ko"


def _initrd(folder: Path, release: str) -> None:
    """What mounts the disk: busybox, a script, and the modules that a virtual disk and its file system need."""
    place = folder / "initrd"
    for name in ("bin", "dev", "root", "modules"):
        (place / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", place / "bin" / "busybox")
    shutil.copy(HERE / "initrd.sh", place / "init")
    (place / "init").chmod(0o755)
    order: dict[str, None] = {}
    for name in ("virtio_pci", "virtio_blk", "ext4"):
        for line in run("/sbin/modprobe", "-d", folder / "tree", "-S", release, "--show-depends", name).splitlines():
            if line.startswith("insmod "):
                order[line.split()[1]] = None
    for number, path in enumerate(order, start=10):
        target = place / "modules" / f"{number}-{Path(path).name.removesuffix('.xz')}"
        if path.endswith(".xz"):
            run("sh", "-c", f"xz -dc '{path}' > '{target}'")
        else:
            shutil.copy(path, target)
    run("sh", "-c", f"cd '{place}' && find . | cpio -o -H newc --quiet > '{folder / 'initrd.img'}'")


# ── both ─────────────────────────────────────────────────────────────────────────────────────────


def _version(package: str) -> str:
    for line in run("apt-cache", "policy", package).splitlines():
        name, _, version = line.strip().partition(": ")
        if name == "Candidate" and version != "(none)":
            return version.partition("-")[0]
    raise RigError(
        f"Debian has no {package} here: run apt-get update, or add Debian's security updates to apt's sources"
    )


def _modules_image(folder: Path, modules: Path) -> None:
    """An image that is as large as it must be, and a little more."""
    for link in modules.glob("*/build"):
        link.unlink()
    size_mb = 24 + 13 * sum(path.stat().st_size for path in modules.rglob("*") if path.is_file()) // 10_000_000
    image = folder / "modules.img"
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "modules", "-d", modules, image, f"{size_mb}M")
