"""A small network of its own, for processes as they are: a device, its router, a cloud, and a server on the LAN.

        device eth0 ── router ── eth0 cloud          203.0.113.2, voice.cloud.test
        10.77.0.2        │
                         └────── eth0 lan            10.77.2.2, box.lan.test

Each host is a network namespace and a mount namespace (its own hosts, resolv.conf, nsswitch.conf), all in one user
namespace: no root is needed, root works as well, and the machine's own network is never touched. A namespace has no
name. It lives as long as the process that keeps it, which ends when its standard input does, and so when we do.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from antiphon.staging import Actor, StageError

HERE = Path(__file__).parent
INSIDE = str(HERE / "inside.py")
SERVICES = str(HERE / "services.py")
TLS = HERE.parent / "data" / "tls"
ENVIRON = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C"}  # not all look there
KEEP = ("sh", "-c", "echo kept; exec cat")

ROUTER_V4, ROUTER_V6 = "10.77.0.1", "fd77:0::1"
DEVICE_V6 = "fd77:0::2"
CLOUD, CLOUD_V4, CLOUD_V6 = "voice.cloud.test", "203.0.113.2", "fd77:1::2"
LAN, LAN_V4 = "box.lan.test", "10.77.2.2"
CLOUD_ROUTER_V4, CLOUD_ROUTER_V6 = "203.0.113.1", "fd77:1::1"
FORBIDDEN = ("operation not permitted", "permission denied", "no space left on device")  # the last: a limit of 0
PORTAL_PORT, PORTAL_TLS_PORT = 8080, 8443


class Host:
    """One machine of the lab."""

    def __init__(self, name, keeper):
        self.name = name
        self.pid = keeper.pid

    def program(self, *program):
        """For Actor: what Python is given in place of `program`, so that this runs here."""
        return (INSIDE, str(self.pid), *program)

    def run(self, *command, text=None):
        """Run a command of the system here, to its end."""
        enter = ["nsenter", "--target", str(self.pid), "--user", "--preserve-credentials", "--net", "--mount", "--"]
        done = subprocess.run(
            [*enter, *command], env=ENVIRON, input=text, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode:
            raise failure(f"{self.name}: {' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, arguments):
        """`ip ARGUMENTS`."""
        return self.run("ip", *arguments.split())

    def antiphon(self, *arguments, environ):
        """The verb's end: returncode, stdout, stderr."""
        command = [sys.executable, *self.program("-m", "antiphon"), *map(str, arguments)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


class Lab:
    """The network, with all cables plugged in; it is gone at the end of the block. Build it with `lab()`."""

    def __init__(self, stack):
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-lab-")))
        self.router = self._host("router")
        self.device, self.cloud, self.lan = (self._host(name, self.router.pid) for name in ("device", "cloud", "lan"))
        self.router.ip("link set lo up")
        self._lay(self.device, "device0", f"{ROUTER_V4}/24", "10.77.0.2/24", f"{ROUTER_V6}/64", f"{DEVICE_V6}/64")
        self._lay(
            *(self.cloud, "cloud0", f"{CLOUD_ROUTER_V4}/24", f"{CLOUD_V4}/24"),
            *(f"{CLOUD_ROUTER_V6}/64", f"{CLOUD_V6}/64"),
        )
        self._lay(self.lan, "lan0", "10.77.2.1/24", f"{LAN_V4}/24", "fd77:2::1/64", "fd77:2::2/64")
        self.router.run(
            "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
        )
        self._furnish(self.device)
        self.names = self.actor(self.router, "names", "names", ROUTER_V4)
        self.know(CLOUD, CLOUD_V4)
        self.know(LAN, LAN_V4)

    # ── its making ──

    def _host(self, name, within=None):
        enter = [] if within is None else ["nsenter", "--target", str(within), "--user", "--preserve-credentials", "--"]
        own_user = ["--user", "--map-root-user"] if within is None else []
        keeper = self._stack.enter_context(
            subprocess.Popen(
                [*enter, "unshare", *own_user, "--net", "--mount", "--", *KEEP],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=ENVIRON,
            )
        )
        if keeper.stdout.readline() != "kept\n":
            raise failure(f"{name}: {keeper.stderr.read().strip()}")
        return Host(name, keeper)

    def _lay(self, host, end, v4, host_v4, v6, host_v6):
        """A cable from the router's `end` to eth0 of `host`, which leaves all else to the router."""
        self.router.ip(f"link add name {end} type veth peer name eth0 netns {host.pid}")
        self.router.ip(f"addr add {v4} dev {end}")
        self.router.ip(f"addr add {v6} dev {end} nodad")
        self.router.ip(f"link set {end} up")
        host.ip("link set lo up")
        host.ip(f"addr add {host_v4} dev eth0")
        host.ip(f"addr add {host_v6} dev eth0 nodad")
        host.ip("link set eth0 up")
        self._route(host, v4.partition("/")[0], v6.partition("/")[0])

    def _route(self, host, v4, v6):
        host.ip(f"route replace default via {v4}")
        host.ip(f"-6 route replace default via {v6}")

    def _furnish(self, host):
        """Names are asked of the router alone, whatever this machine does."""
        files = {
            "resolv.conf": f"nameserver {ROUTER_V4}\n",
            "hosts": "127.0.0.1 localhost\n::1 localhost\n",
            "nsswitch.conf": "hosts: files dns\n",
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)
            host.run("mount", "--bind", str(self.folder / name), f"/etc/{name}")

    def actor(self, host, name, *arguments):
        """One of services.py, listening."""
        made = Actor(name, arguments, os.environ, host.program(SERVICES))
        self._stack.callback(made.stop)
        made.wait_for("listening")
        return made

    # ── names ──

    def know(self, name, *addresses):
        """The name server answers, with these addresses for `name`."""
        self.order_names(f"answer {name} {' '.join(addresses)}")

    def order_names(self, order):
        """See services.NameServer; returns when it is so."""
        after = len(self.names.lines)
        self.names.tell(order)
        self.names.wait_for("obeyed", after)

    # ── cables and firewalls ──

    def pull_cable(self):
        """The router's end goes; eth0 stays up, without a carrier."""
        self.router.ip("link set device0 down")

    def plug_cable(self):
        """Put it back; the router's routes come with its addresses."""
        self.router.ip("link set device0 up")

    def switch_off(self):
        """The device's own end goes down, as a network manager does to an interface; its routes go with it."""
        self.device.ip("link set eth0 down")

    def switch_on(self):
        """As the network manager does it: with the way to the router."""
        self._bring_up(self.device, DEVICE_V6, ROUTER_V4, ROUTER_V6)

    def cut_cloud_off(self):
        """The far end of the cloud's cable goes; device, router and LAN have what they had."""
        self.cloud.ip("link set eth0 down")

    def join_cloud(self):
        """Put it back."""
        self._bring_up(self.cloud, CLOUD_V6, CLOUD_ROUTER_V4, CLOUD_ROUTER_V6)

    def _bring_up(self, host, v6, router_v4, router_v6):
        host.ip("link set eth0 up")
        host.ip(f"addr replace {v6}/64 dev eth0 nodad")  # IPv6 addresses go with the interface
        self._route(host, router_v4, router_v6)

    def rule(self, *rules):
        """The router's firewall, until `clear`; nobody is told what it drops."""
        chain = "type filter hook forward priority 0; policy accept;"
        table = "\n".join(["table inet lab {", "chain forward {", chain, *rules, "}", "}"]) + "\n"
        self.router.run("nft", "-f", "-", text=table)

    def clear(self):
        """All is passed on again."""
        self.router.run("nft", "flush", "ruleset")

    # ── a login page ──

    def open_portal(self):
        """From now on every call of the device ends at the router's login page; names are still told."""
        self.actor(
            self.router, "portal", "portal", ROUTER_V4, str(PORTAL_PORT), str(PORTAL_TLS_PORT), str(TLS / "portal.pem")
        )
        self.rule('iifname "device0" drop')
        chain = "type nat hook prerouting priority -100;"
        ways = [
            f'iifname "device0" tcp dport 443 redirect to :{PORTAL_TLS_PORT}',
            f'iifname "device0" meta l4proto tcp redirect to :{PORTAL_PORT}',
        ]
        table = "\n".join(["table ip login {", "chain ways {", chain, *ways, "}", "}"]) + "\n"
        self.router.run("nft", "-f", "-", text=table)


class NoLabError(Exception):
    """The kernel, or whoever runs us, forbids what a lab is made of."""


def failure(sentence):
    """The error for a command that failed: only what is forbidden here is no fault of the lab's."""
    if any(words in sentence.lower() for words in FORBIDDEN):
        return NoLabError(f"network namespaces are forbidden here: {sentence}")
    return AssertionError(sentence)


@contextmanager
def lab():
    """A Lab; raises NoLabError where there can be none, and AssertionError or OSError for a lab that is broken."""
    with ExitStack() as stack:
        yield Lab(stack)


@cache
def why_no_lab():
    """Why there can be none on this machine, or "". One that is broken is not forbidden: its scenes run, and fail."""
    try:
        with lab() as made:
            made.rule('oifname "cloud0" drop')
            made.clear()
    except NoLabError as error:
        return str(error)
    except (AssertionError, OSError, StageError) as error:
        print(f"the lab is broken: {error}", file=sys.stderr)
    return ""
