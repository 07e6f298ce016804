"""This machine's own end of the network: an interface that is on, connected and has an address, and a way out.

What the kernel says of this network namespace, and nobody else is asked: ioctls of netdevice(7), and /proc/net.
"""

import fcntl
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from antiphon.checkup.finding import Finding

_IFF_UP, _IFF_LOOPBACK, _IFF_RUNNING = 0x1, 0x8, 0x40
_SIOCGIFFLAGS, _SIOCGIFADDR = 0x8913, 0x8915
_IFREQ = struct.Struct("16s24x")
_RTF_REJECT = 0x200  # a route that says no
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface, the loopback excepted."""

    name: str
    on: bool
    connected: bool
    """A cable with somebody at its other end, or a Wi-Fi that has been joined."""
    addresses: tuple[str, ...]
    """Those that somebody gave it: link-local ones lead nowhere."""
    leads_out: bool
    """The way to all that is not on this network goes through it."""


def check_cable(found: Sequence[Interface] | None = None) -> Finding:
    """Judge what there is; `found` stands for it."""
    found = interfaces() if found is None else found
    if not found:
        return Finding("network", "fail", "there is no network interface", "plug in its adapter; `ip link` lists them")
    good = [one for one in found if one.on and one.connected and one.addresses]
    ways = [one for one in found if one.leads_out]
    if out := [one for one in good if one.leads_out]:
        return Finding("network", "ok", f"{out[0].name} has {out[0].addresses[0]}, and a way out")
    if good and not ways:
        says = f"{good[0].name} has {good[0].addresses[0]}, but no way beyond its own network"
        return Finding("network", "warn", says, "check the router, and the gateway that it gives (ip route)")
    suspects = ways or sorted(found, key=lambda one: (one.connected, one.on), reverse=True)
    troubles = [_trouble(one) for one in suspects]
    says = ", ".join(f"{one.name} {wrong}" for one, (wrong, _) in zip(suspects[:_SHOWN], troubles, strict=False))
    return Finding("network", "fail", says, troubles[0][1])


def _trouble(one: Interface) -> tuple[str, str]:
    """What is wrong with it, and the remedy."""
    if not one.on:
        return "is switched off", f"switch it on: sudo ip link set {one.name} up; a Wi-Fi: sudo rfkill unblock wifi"
    if not one.connected:
        return "is not connected", "plug the cable in, at both ends; a Wi-Fi: join it (nmtui), or come closer"
    return "has no address", "check that the router gives addresses (DHCP), or set one (nmtui)"


def interfaces(net: Path = Path("/proc/net")) -> list[Interface]:
    """What the kernel knows; `net` is where it writes of routes."""
    found = []
    ways = _ways_out(net)
    later = _addresses_v6(net)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            flags = struct.unpack_from("H", _ask(asking, _SIOCGIFFLAGS, name), 16)[0]
            if flags & _IFF_LOOPBACK:
                continue
            addresses = (*_addresses_v4(asking, name), *later.get(name, ()))
            on, connected = bool(flags & _IFF_UP), bool(flags & _IFF_RUNNING)
            found.append(Interface(name, on, connected, addresses, name in ways))
    return found


def _ask(asking: socket.socket, what: int, name: str) -> bytes:
    return fcntl.ioctl(asking.fileno(), what, _IFREQ.pack(name.encode()))


def _addresses_v4(asking: socket.socket, name: str) -> list[str]:
    try:
        address = socket.inet_ntoa(_ask(asking, _SIOCGIFADDR, name)[20:24])
    except OSError:  # it has none
        return []
    return [] if ip_address(address).is_link_local else [address]


def _addresses_v6(net: Path) -> dict[str, list[str]]:
    """By interface; /proc/net/if_inet6 has address, index, prefix, scope, flags, name."""
    found: dict[str, list[str]] = {}
    for address, *_, name in _rows(net / "if_inet6"):
        told = ip_address(bytes.fromhex(address))
        if not told.is_link_local:
            found.setdefault(name, []).append(str(told))
    return found


def _ways_out(net: Path) -> set[str]:
    """The interfaces of default routes, proc_net(5): all of the destination and its mask is zero."""
    ways = {row[0] for row in _rows(net / "route")[1:] if int(row[1], 16) == int(row[7], 16) == 0 and _leads(row[3])}
    ways |= {row[9] for row in _rows(net / "ipv6_route") if int(row[0], 16) == int(row[1], 16) == 0 and _leads(row[8])}
    return ways


def _leads(flags: str) -> bool:
    return not int(flags, 16) & _RTF_REJECT


def _rows(path: Path) -> list[list[str]]:
    """The words of each line; none where the kernel has no such protocol."""
    try:
        return [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except FileNotFoundError:
        return []
