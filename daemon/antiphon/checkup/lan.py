"""The servers on the owner's own network: name, port, door and model of each, in the owner's order.

A door that is open proves nothing of the model behind it: that is asked to say a word, as on the appliance's trials.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from antiphon.app import make_links
from antiphon.checkup.finding import Finding
from antiphon.checkup.network import LIMIT_S, Step, Target, in_order, knock, way_to
from antiphon.ports import LinkMaker
from antiphon.settings import Settings


def lan_targets(settings: Settings) -> list[Target]:
    """Those that are in use."""
    urls = settings.generate.urls if "generate" in settings.links else ()
    return [Target.of_url(url, "generate.urls", "lan ") for url in urls]


def check_lan(settings: Settings, limit_s: float = LIMIT_S, *, connected: bool = True) -> Iterator[Finding]:
    """For each server "lan name", "lan port", "lan tls" (where it is used), "lan door" and "lan model".

    `connected` False: nothing beyond this machine can be reached, and is not tried.
    """
    if "generate" not in settings.links:
        yield Finding("lan", "skip", "not in use: links leaves generate out")
        return
    if not settings.generate.urls:
        yield Finding("lan", "skip", "not in use: generate.urls names no server")
        return
    makers = make_links(settings.model_copy(update={"links": ("generate",)}), None).values()
    for url, target, make_link in zip(settings.generate.urls, lan_targets(settings), makers, strict=True):
        failed = "" if connected or target.is_here else "network"
        yield from in_order([*way_to(target, limit_s), *_behind_the_door(urlsplit(url).netloc, make_link)], failed)


def _behind_the_door(host: str, make_link: LinkMaker) -> list[Step]:
    return [
        ("lan door", lambda: _check("lan door", make_link, f"{host} is a speech server, and opened in", trial=False)),
        ("lan model", lambda: _check("lan model", make_link, f"the model of {host} spoke in", trial=True)),
    ]


def _check(check: str, make_link: LinkMaker, good: str, *, trial: bool) -> Finding:
    """Open a call as the appliance does; its limits are those of the settings."""
    problem, took_s = knock(make_link, trial=trial)
    if problem is not None:
        return Finding.of_problem(check, problem)
    return Finding(check, "ok", f"{good} {took_s * 1000:.0f} ms")
