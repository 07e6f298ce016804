"""The way to the service, step by step: its name, its port, its certificate, and a call with the owner's key.

Each step has a limit of its own, and what depends on a step that failed is not tried.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from antiphon import reasons
from antiphon.app import make_links
from antiphon.checkup.finding import Finding, in_time
from antiphon.conversation.events import Event, LinkClosed, LinkOpened, ServiceComplained
from antiphon.errors import Problem
from antiphon.ports import LinkMaker
from antiphon.secret import Secret
from antiphon.settings import Settings, is_loopback

LIMIT_S = 5.0
MOST_ADDRESSES = 8
COMPLAINTS_S = 0.5
"""How long a call stays open for the service to complain, of an unknown voice for instance."""

_BY_NAME = "if it stays so, tell whoever keeps the addresses of that name"
_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}

Step: TypeAlias = tuple[str, Callable[[], Finding]]
"""The name of a check, and the check."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom this machine itself connects to: a service, or the proxy before it."""

    host: str
    port: int
    tls: bool
    where: str = "realtime.url"
    """The setting that names it."""
    kind: str = ""
    """What the names of its checks begin with."""

    @classmethod
    def of_url(cls, url: str, where: str, kind: str = "") -> "Target":
        """Of an address that the settings have checked."""
        parts = urlsplit(url)
        port, tls = parts.port or _PORTS[parts.scheme], parts.scheme in ("wss", "https")
        return cls(str(parts.hostname), port, tls, where, kind)

    @property
    def is_here(self) -> bool:
        """It is on this machine, which needs no network."""
        return is_loopback(f"//[{self.host}]" if ":" in self.host else f"//{self.host}")


def target_of(settings: Settings) -> Target:
    """The proxy when there is one, else the service."""
    realtime = settings.realtime
    if realtime.proxy:
        return Target.of_url(realtime.proxy, "realtime.proxy")
    return Target.of_url(realtime.url, "realtime.url")


def check_network(
    settings: Settings, key: Secret | None, limit_s: float = LIMIT_S, *, connected: bool = True, call: bool = True
) -> Iterator[Finding]:
    """Findings "name", "port", "tls" (where it is used) and "service", unless the owner has no key to `call` with.

    `key` None is for a service that needs none. Not `connected`: nothing beyond this machine is tried.
    """
    target = target_of(settings)
    last = check_service if call else _not_called
    steps = [*way_to(target, limit_s), ("service", lambda: last(settings, key, limit_s))]
    yield from in_order(steps, "" if connected or target.is_here else "network")


def _not_called(*_: object) -> Finding:
    return Finding("service", "skip", "not tried, without a key")


def way_to(target: Target, limit_s: float) -> list[Step]:
    """The steps to its door."""
    steps: list[Step] = [
        (f"{target.kind}name", lambda: check_name(target, limit_s)),
        (f"{target.kind}port", lambda: check_port(target, limit_s)),
    ]
    if target.tls:
        steps.append((f"{target.kind}tls", lambda: check_tls(target, limit_s)))
    return steps


def in_order(steps: Iterable[Step], failed: str = "") -> Iterator[Finding]:
    """One after the other, until one fails; `failed` is what did so before."""
    for check, step in steps:
        if failed:
            yield Finding(check, "skip", f"not tried, as {failed!r} failed")
            continue
        finding = step()
        if finding.verdict == "fail":
            failed = check
        yield finding


def check_name(target: Target, limit_s: float = LIMIT_S) -> Finding:
    """Ask for the addresses of the name."""
    try:
        found = in_time(lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM), limit_s)
    except TimeoutError:  # not the service is silent, but who should know its name; the resolver says so only later
        return _failed("name", socket.gaierror(socket.EAI_AGAIN, "no answer in time"), target)
    except (OSError, UnicodeError) as error:
        return _failed("name", error, target)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if addresses == [target.host]:
        return Finding(f"{target.kind}name", "ok", f"{target.host} is an address")
    return Finding(f"{target.kind}name", "ok", f"{target.host} is {', '.join(addresses[:3])}")


def check_port(target: Target, limit_s: float = LIMIT_S) -> Finding:
    """Connect, to each address of the name: one that answers is enough, but one that is silent is waited for."""
    check, says = f"{target.kind}port", f"{target.host} listens on port {target.port}"
    try:
        found = in_time(lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM), limit_s)
    except (OSError, UnicodeError) as error:
        return _failed("port", error, target)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))[:MOST_ADDRESSES]
    with ThreadPoolExecutor(len(addresses)) as side_by_side:
        errors = list(side_by_side.map(lambda address: _refusal(address, target.port, limit_s), addresses))
    if errors[0] is not None and None not in errors:
        return _failed("port", errors[0], target)
    silent = [address for address, error in zip(addresses, errors, strict=True) if isinstance(error, TimeoutError)]
    if silent:
        remedy = "mend IPv6 in the router, or switch it off there" if ":" in silent[0] else _BY_NAME
        return Finding(check, "warn", f"{says}, but not at {', '.join(silent)}", remedy)
    return Finding(check, "ok", says)


def _refusal(address: str, port: int, limit_s: float) -> OSError | None:
    """Why nobody can be reached there."""
    try:
        socket.create_connection((address, port), limit_s).close()
    except OSError as error:
        return error
    return None


def check_tls(target: Target, limit_s: float = LIMIT_S) -> Finding:
    """Shake hands, and judge the certificate as the call will."""
    try:
        version = in_time(lambda: _shake_hands(target, limit_s), limit_s + 1)
    except (OSError, UnicodeError) as error:
        return _failed("tls", error, target)
    return Finding(f"{target.kind}tls", "ok", f"{target.host} speaks {version}, and its certificate is good")


def check_service(settings: Settings, key: Secret | None, limit_s: float = LIMIT_S) -> Finding:
    """Open a call with the key, as the appliance does, and close it when the service has said hello."""
    hasty = settings.realtime.model_copy(update={"open_timeout_ms": round(limit_s * 1000)})
    links = make_links(settings.model_copy(update={"realtime": hasty}), key)
    problem, took_s = knock(links["realtime"], trial=True, linger_s=COMPLAINTS_S)
    if problem is not None:
        return Finding.of_problem("service", problem)
    return Finding("service", "ok", f"{hasty.model} answered in {took_s * 1000:.0f} ms")


def knock(make_link: LinkMaker, *, trial: bool, linger_s: float = 0.0) -> tuple[Problem | None, float]:
    """What is wrong with a call, if anything, and how many seconds it took to open; it stays open for `linger_s`."""
    return asyncio.run(_knock(make_link, linger_s, trial=trial))


async def _knock(make_link: LinkMaker, linger_s: float, *, trial: bool) -> tuple[Problem | None, float]:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    problems: list[Problem] = []
    opened_s: list[float] = []

    def post(event: Event) -> None:
        match event:
            case LinkOpened():
                opened_s.append(loop.time() - began_s)
                if linger_s:
                    loop.call_later(linger_s, link.close)
                else:
                    link.close()
            case ServiceComplained(problem=problem):
                problems.append(problem)
                link.close()
            case LinkClosed(problem=Problem() as problem):
                problems.append(problem)

    link = make_link(1, (), post, trial=trial)
    await link.run()
    return (problems[0] if problems else None), (opened_s[0] if opened_s else 0.0)


def _connect(target: Target, limit_s: float) -> socket.socket:
    return socket.create_connection((target.host, target.port), limit_s)


def _shake_hands(target: Target, limit_s: float) -> str:
    """The version of TLS that was agreed on."""
    context = ssl.create_default_context()
    with _connect(target, limit_s) as plain, context.wrap_socket(plain, server_hostname=target.host) as secure:
        return str(secure.version())


def _failed(check: str, error: Exception, target: Target) -> Finding:
    host = f"{target.host}:{target.port}" if target.kind and check != "name" else target.host  # of several, which one
    return Finding.of_problem(target.kind + check, reasons.explain_os(error, host, target.where).problem())
