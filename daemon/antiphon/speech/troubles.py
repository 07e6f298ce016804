"""What can go wrong with StepFun's services over HTTP, as sentences: whose fault, and what to do next.

What can go wrong with any server (names, cables, certificates) is in reasons.py; what statuses and errors of a service
mean, in meanings.py.
"""

from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientHttpProxyError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    InvalidURL,
    ServerDisconnectedError,
)

from antiphon import reasons
from antiphon.errors import Garbled, LinkError, Lost, Refused
from antiphon.speech import meanings
from antiphon.speech.meanings import Where, explain_event

__all__ = [
    "SPEAK",
    "Where",
    "endless",
    "explain",
    "explain_event",
    "explain_status",
    "silent",
    "soundless",
    "stalled",
    "too_long",
]

SPEAK: Final = Where()


def explain(error: Exception, host: str, where: Where = SPEAK) -> LinkError:
    """What aiohttp or the system raised, as an error with one sentence; `host` is the server's name alone."""
    match error:
        case LinkError():
            return error
        case InvalidURL():
            return Refused(f"{where.url} is not an address: give one like {where.example}")
        case ClientProxyConnectionError() | ClientHttpProxyError():
            return Lost(
                f"The proxy of realtime.proxy did not connect to {host}: check that it runs and lets it through"
            )
        case ClientConnectorCertificateError() if isinstance(error.certificate_error, Exception):
            return reasons.explain_os(error.certificate_error, host, where.url)
        case ClientConnectorError():
            return reasons.explain_os(error.os_error, host, where.url)
        case ServerDisconnectedError():
            return Lost(f"{host} hung up before it answered: try it again")
        case ClientPayloadError():
            return Lost(f"{host} broke off in the middle of its answer: try it again")
        case ClientResponseError():
            return Garbled(f"{host} does not speak HTTP: check the port in {where.url}")
        case _:
            return reasons.explain_os(error, host, where.url)


def explain_status(status: int, body: bytes, host: str, where: Where = SPEAK, path: str = "") -> LinkError:
    """See meanings.explain_status."""
    return meanings.explain_status(status, body, host, where, path)


def silent(host: str, after_ms: float) -> Lost:
    """Asked, and no sound came."""
    return Lost(f"{host} has not begun to speak within {after_ms / 1000:g} s: check the network, and try it again")


def stalled(host: str, after_ms: float) -> Lost:
    """It stopped in the middle."""
    return Lost(f"{host} fell silent in the middle, for {after_ms / 1000:g} s: try it again")


def soundless(host: str) -> Lost:
    """A whole answer with no sound in it."""
    return Lost(f"{host} answered without a sound: try it again, or put it in other words")


def endless(host: str, where: Where = SPEAK) -> Garbled:
    """More speech than a text can have."""
    return Garbled(f"{host} does not come to an end: check {where.url}")


def too_long(characters: int, most: int) -> Refused:
    """More text than is said in one go."""
    return Refused(f"That is too long to be said: {characters} characters, {most} at most; say it in parts")
