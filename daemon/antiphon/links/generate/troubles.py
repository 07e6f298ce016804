"""What can go wrong with a server on the LAN, as sentences: whose fault, and what to do next.

`host` is "name:port", as the owner wrote it. vox-serve's statuses and bodies: its launch.py, and FastAPI's.
"""

import errno
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientPayloadError,
    ClientResponseError,
    InvalidURL,
    ServerDisconnectedError,
)

from antiphon.errors import Garbled, LinkError, Lost, Refused
from antiphon.links.generate.wire import detail, is_page
from antiphon.reasons import errnos, explain_os, web_page

SETTING: Final = "generate.urls"

_NO_WAY_OF_OURS: Final = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class Busy(Lost):
    """The server has put the question back: it may be asked again."""


class Silent(Lost):
    """The server was asked, and in all its time it has said nothing."""


def explain(error: Exception, host: str) -> LinkError:
    """What aiohttp or the system raised, as an error with one sentence."""
    match error:
        case LinkError():
            return error
        case InvalidURL():
            return not_an_address()
        case ClientConnectorCertificateError() if isinstance(error.certificate_error, Exception):
            return explain_os(error.certificate_error, host, SETTING)
        case ClientConnectorError():
            return explain_os(error.os_error, host, SETTING)
        case ServerDisconnectedError():
            return Lost(f"{host} hung up before it answered: look at its log; it will be tried again")
        case ClientPayloadError():
            return Lost(f"{host} broke off: look at its log; it will be tried again")
        case ClientResponseError():
            return Garbled(f"{host} does not speak HTTP: check the port in {SETTING}")
        case _:
            return explain_os(error, host, SETTING)


def is_gone(error: Exception) -> bool:
    """Nothing listens there any more: the server has ended, and all that it was doing.

    Of several addresses, those that no network of ours leads to count for nothing; all others must have refused us.
    """
    if not isinstance(error, ClientConnectorError):
        return False
    return errnos(error.os_error) - _NO_WAY_OF_OURS == {errno.ECONNREFUSED}


def explain_status(status: int, kind: str, body: bytes, host: str) -> LinkError:
    """A request that was answered by anything but what was asked for; of `body`, whose media type is `kind` or "", its
    beginning.
    """
    said = f" ({line})" if (line := detail(body)) else ""
    if status == 429:
        return Busy(f"{host} is too busy to answer (429): it will be tried again{said}")
    if status == 422:
        return Refused(f"{host} does not understand our question (422): use vox-serve 0.1 or later there{said}")
    if status >= 500:
        return Lost(f"{host} failed ({status}): look at its log; it will be tried again{said}")
    if 300 <= status < 400:
        return Refused(f"{host} sends us to another address ({status}): put the right one into {SETTING}")
    if 200 <= status < 300:
        if is_page(kind, body):
            return web_page(host, status, SETTING)
        what = f"is {kind}" if kind else "has no content type"
        return Refused(f"{host} does not answer as vox-serve does: what comes {what} ({status}); check {SETTING}")
    return Refused(f"{host} is not vox-serve, or refuses us ({status}): check {SETTING}{said}")


def not_speech(why: Exception, host: str) -> Garbled:
    """The wire could not read the answer; it does not know whose it is."""
    return Garbled(f"{host} does not answer as vox-serve does: {why}; check {SETTING}")


def not_an_address() -> Refused:
    """The plan's URL cannot be used."""
    return Refused(f"{SETTING} holds what is not an address: give one like http://192.168.1.20:8000")


def model_is_silent(host: str, after_ms: float) -> Silent:
    """It took the question, and no speech came: the door is open, and nobody is at home."""
    return Silent(
        f"{host} takes questions, but its model has not answered in {_seconds(after_ms)}: it may be dead, or still "
        "loading; if it stays so, restart vox-serve"
    )


def model_is_slow(host: str, took_ms: float, had_ms: float) -> Lost:
    """It speaks, but needs longer than was left for the question when it had shown that."""
    return Lost(
        f"{host} needs about {_seconds(took_ms)} before it speaks, and the question had only {_seconds(had_ms)} left: "
        "raise generate.first_sound_ms, or give it a faster card"
    )


def too_slow(host: str, after_ms: float) -> Silent:
    """It has not even taken the question."""
    return Silent(f"{host} has not taken the question in {_seconds(after_ms)}: check the network, and how busy it is")


def stalled(host: str, after_ms: float) -> Lost:
    """It stopped in the middle of a reply."""
    return Lost(
        f"{host} fell silent in the middle of a reply, for {_seconds(after_ms)}: its model may have died; if it does "
        "not answer again, restart vox-serve"
    )


def no_answer(host: str) -> Lost:
    """A whole answer with no sound in it."""
    return Lost(f"{host} answered without a sound: say it again")


def endless(host: str) -> Garbled:
    """More speech than any reply has."""
    return Garbled(f"{host} does not come to an end: restart vox-serve")


def all_seats_taken(host: str, count: int) -> Lost:
    """Many replies were left behind, and now it says nothing."""
    return Lost(
        f"{host} has no time for us: it is still busy with {count} replies that nobody hears, or its model is dead; it "
        "will be tried again; if it stays so, restart vox-serve"
    )


def shortened(kept_ms: float, left_out_ms: float) -> Refused:
    """The question was too long."""
    return Refused(
        f"A server on the LAN takes a minute of speech at most: the first {left_out_ms / 1000:.1f} s were left out, "
        f"the last {kept_ms / 1000:.1f} s were asked; ask in shorter turns"
    )


def _seconds(ms: float) -> str:
    return f"{round(ms / 1000, 2):g} s"
