"""What can go wrong with a call to StepFun, as sentences: whose fault, and what to do next.

What can go wrong with any server (names, cables, certificates) is in reasons.py.

A sentence may end with the service's own words, at any length: link.py takes the key out of them, then cuts them.
Statuses and their meaning: StepFun's error code page, and its Step Plan pages for the two families of addresses.
"""

import json

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    PayloadTooBig,
    ProxyError,
    SecurityError,
)

from antiphon import reasons
from antiphon.errors import Garbled, LinkError, Lost, Refused

SESSION_LIMIT_S = 30 * 60.0
"""StepFun's guide: a session lasts 30 minutes at most. How it is ended is not told."""

_PATHS = "a Step Plan key needs realtime.url with /step_plan/v1/realtime, a pay-as-you-go key /v1/realtime"

_STATUSES = {
    400: "{host} refused the request (400): check realtime.model, and that the API key is whole",
    401: "{host} does not know the API key (401): check it, and that it was made on the same site, as keys of "
    "stepfun.com and of stepfun.ai do not work on the other",
    402: "{host} says the balance is used up (402): top it up, or mend the address, as " + _PATHS,
    403: "{host} does not let this API key in (403): check the key's rights, and that it was made on the same site",
    404: "{host} has no such service or model (404): check realtime.url and realtime.model, as " + _PATHS,
    451: "{host} refused for its content rules (451): change realtime.instructions",
}

_WHERE = "realtime.url"


def explain(error: Exception, host: str) -> LinkError:
    """The failure to open a connection to `host` (its name alone) as an error with one sentence."""
    match error:
        case LinkError():
            return error
        case InvalidStatus():
            return explain_status(error.response.status_code, bytes(error.response.body or b""), host)
        case InvalidProxy() | ImportError():
            return Refused("realtime.proxy cannot be used: give an address like http://host:port, or leave it empty")
        case ProxyError():
            return Lost(
                f"The proxy of realtime.proxy did not connect to {host}: check that it runs and lets it through"
            )
        case InvalidURI() | UnicodeError():
            return Refused("realtime.url is not an address: give one like wss://api.stepfun.com/v1/realtime")
        case InvalidMessage() if isinstance(error.__cause__, EOFError | OSError):
            return Lost(f"{host} hung up before it answered: it will be tried again")
        case InvalidHandshake() | SecurityError():
            return Garbled(f"{host} does not speak as a realtime service does: check realtime.url")
        case ConnectionClosed():
            return explain_close(error, host, 0.0)
        case OSError():
            return reasons.explain_os(error, host, _WHERE)
        case _:
            return Lost(f"The call to {host} failed ({type(error).__name__}): it will be tried again")


def explain_status(status: int, body: bytes, host: str) -> LinkError:
    """An upgrade that was answered by an HTTP `status` instead."""
    said = _said(body)
    if status in _STATUSES:
        return Refused(_STATUSES[status].format(host=host) + said)
    if status == 429:
        return Lost(f"{host} has had too many calls (429): wait a moment, or end other calls of this account{said}")
    if status >= 500:
        return Lost(f"{host} is in trouble itself ({status}): wait, it will be tried again{said}")
    if 300 <= status < 400:
        return Refused(f"{host} sends us to another address ({status}): put the right one into realtime.url")
    if 200 <= status < 300:
        return reasons.web_page(host, status, _WHERE)
    return Refused(f"{host} refused the call ({status}): check realtime.url{said}")


def explain_close(closed: ConnectionClosed, host: str, age_s: float) -> LinkError:
    """A call that had been open for `age_s` seconds and that we did not end."""
    ours, theirs = closed.sent, closed.rcvd
    if isinstance(closed.__cause__, PayloadTooBig) or (ours is not None and ours.code == 1009 and theirs is None):
        return Garbled(f"{host} sent a message larger than any it should: if it does so again, tell its maker")
    if theirs is None and ours is not None and ours.code == 1011:
        return Lost(f"{host} stopped answering: check the network; it will be tried again")
    if theirs is None and ours is not None and ours.code in (1002, 1007):
        return Garbled(f"{host} broke the WebSocket protocol: check realtime.url and realtime.proxy")
    how = f"closed the call (code {theirs.code})" if theirs is not None else "hung up in the middle of the call"
    if age_s >= SESSION_LIMIT_S - 60:
        return Lost(f"{host} {how} after {age_s / 60:.0f} minutes, its limit being 30: a new call will do")
    return Lost(f"{host} {how}: it will be tried again{_reason(theirs.reason if theirs is not None else '')}")


def _said(body: bytes) -> str:
    """The message of StepFun's error envelope, or nothing."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return _reason(message) if isinstance(message, str) else ""


def _reason(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f" ({line})" if line else ""
