"""What can go wrong with StepFun's text to speech, as sentences: whose fault, and what to do next.

What can go wrong with any server (names, cables, certificates) is in reasons.py. Statuses and their meaning:
StepFun's error code page, and its Step Plan pages for the two families of addresses.
"""

from dataclasses import dataclass
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
from antiphon.speech.wire import is_page, said


@dataclass(frozen=True, slots=True)
class Where:
    """The settings that a service's errors name."""

    url: str = "speech.url"
    model: str = "speech.model"
    voice: str = "speech.voice"


SPEAK: Final = Where()

_PATHS = "a Step Plan key needs {where.url} with /step_plan/v1, a pay-as-you-go key /v1"
_STATUSES = {
    400: "{host} does not accept the text (400): check {where.model} and {where.voice}",
    401: "{host} does not know the API key (401): check it, and that it was made on the same site, as keys of "
    "stepfun.com and of stepfun.ai do not work on the other",
    402: "{host} says the balance is used up (402): top it up, or mend the address, as " + _PATHS,
    403: "{host} does not let this API key in (403): check the key's rights, and that it was made on the same site",
    404: "{host} has no such service or model (404): check {where.url} and {where.model}, as " + _PATHS,
    451: "{host} does not say this for its content rules (451): put it in other words",
}


def explain(error: Exception, host: str, where: Where = SPEAK) -> LinkError:
    """What aiohttp or the system raised, as an error with one sentence; `host` is the server's name alone."""
    match error:
        case LinkError():
            return error
        case InvalidURL():
            return Refused(f"{where.url} is not an address: give one like https://api.stepfun.com/v1")
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
            return Lost(f"{host} broke off in the middle of the speech: try it again")
        case ClientResponseError():
            return Garbled(f"{host} does not speak HTTP: check the port in {where.url}")
        case _:
            return reasons.explain_os(error, host, where.url)


def explain_status(status: int, body: bytes, host: str, where: Where = SPEAK) -> LinkError:
    """A request that was answered by anything but speech; of `body` its beginning."""
    why = f" ({line})" if (line := said(body)) else ""
    if status in _STATUSES:
        return Refused(_STATUSES[status].format(host=host, where=where) + why)
    if status == 429:
        return Lost(f"{host} has had too many requests (429): wait a moment, then try it again{why}")
    if status >= 500:
        return Lost(f"{host} is in trouble itself ({status}): try it again later{why}")
    if 300 <= status < 400:
        return Refused(f"{host} sends us to another address ({status}): put the right one into {where.url}")
    if is_page(body):
        return reasons.web_page(host, status, where.url)
    if 200 <= status < 300:
        return Garbled(f"{host} does not answer with speech ({status}): check {where.url}{why}")
    return Refused(f"{host} refused the request ({status}): check {where.url}{why}")


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
