"""What can go wrong with StepFun's services over WebSocket, as sentences: whose fault, and what to do next.

What can go wrong with any server (names, cables, certificates) is in reasons.py; what statuses and errors of a service
mean, in meanings.py. A sentence may end with the service's own words: whoever knows the key takes it out of them.
"""

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
from antiphon.speech import meanings
from antiphon.speech.meanings import Where


def explain(error: Exception, host: str, where: Where, path: str = "", proxy: str | None = None) -> LinkError:
    """The failure to open a connection to `host` (its name alone) as an error with one sentence; `path` is the
    address's, or all of the address; a `proxy` is on the way to what is encrypted alone.
    """
    match error:
        case LinkError():
            return error
        case InvalidStatus():
            status = error.response.status_code
            if 200 <= status < 300:
                return reasons.web_page(host, status, where.url)
            return meanings.explain_status(status, bytes(error.response.body or b""), host, where, path)
        case InvalidProxy() | ImportError():
            return Refused("realtime.proxy cannot be used: give an address like http://host:port, or leave it empty")
        case ProxyError():
            return Lost(
                f"The proxy of realtime.proxy did not connect to {host}: check that it runs and lets it through"
            )
        case InvalidURI() | UnicodeError():
            return Refused(f"{where.url} is not an address: give one like {where.example}")
        case InvalidMessage() if isinstance(error.__cause__, EOFError | OSError):
            return Lost(f"{host} hung up before it answered: it will be tried again")
        case InvalidHandshake() | SecurityError():
            return Garbled(f"{host} does not speak as this service does: check {where.url}")
        case ConnectionClosed():
            return explain_close(error, host, where)
        case OSError() if proxy and path.startswith(("https:", "wss:")):
            return reasons.explain_os(error, f"{host} (through realtime.proxy)", where.url)
        case OSError():
            return reasons.explain_os(error, host, where.url)
        case _:
            return Lost(f"The call to {host} failed ({type(error).__name__}): it will be tried again")


def explain_close(closed: ConnectionClosed, host: str, where: Where) -> LinkError:
    """A call that was open, and that we did not end."""
    ours, theirs = closed.sent, closed.rcvd
    if isinstance(closed.__cause__, PayloadTooBig) or (ours is not None and ours.code == 1009 and theirs is None):
        return Garbled(f"{host} sent a message larger than any it should: if it does so again, tell its maker")
    if theirs is None and ours is not None and ours.code == 1011:
        return Lost(f"{host} stopped answering: check the network; it will be tried again")
    if theirs is None and ours is not None and ours.code in (1002, 1007):
        return Garbled(f"{host} broke the WebSocket protocol: check {where.url} and realtime.proxy")
    said = meanings.one_line(theirs.reason) if theirs is not None else ""
    return Lost(f"{host} {how_it_ended(closed)}: it will be tried again" + (f" ({said})" if said else ""))


def how_it_ended(closed: ConnectionClosed) -> str:
    """Whether they said goodbye."""
    theirs = closed.rcvd
    return f"closed the call (code {theirs.code})" if theirs is not None else "hung up in the middle of the call"
