"""The faults a test can ask for, which requests they strike, and how the bytes of an answer end early. Pure.

Requests are the POSTs to /generate, counted from 0; a connection that is refused counts as the request it would have
brought. Where a fault is of every URL, it strikes while the next such request is one of those it is for.
"""

from dataclasses import dataclass
from enum import Enum

from antiphon.errors import SettingsError
from antiphon.simulator.faults import parse

GARBAGE = ("noise", "text", "no-data", "stereo", "short")
_NEEDS_NUMBER = ("status", "loading", "odd-chunks", "rate", "slow", "health")


class Kind(Enum):
    """What goes wrong. The comment says what `at` and `detail` of the fault mean."""

    REFUSE = "refuse"  # the TCP connection is reset as soon as it is made
    NO_ANSWER = "no-answer"  # every URL: requests are read, and nothing is ever said
    PORTAL = "portal"  # every URL is answered 200 with a page of HTML, as a captive portal does
    HEALTH = "health"  # at: the status that answers GET /health; detail: its body, as text
    HANG_UP = "hang-up"  # the connection ends when the request has been received
    RESET = "reset"  # at: bytes of the body that still leave; detail "wire": status line and framing count too
    CUT = "cut"  # at, detail: the same; then the connection ends, without the last chunk
    STALL = "stall"  # at, detail: the same; then nothing leaves, and the connection stays
    STATUS = "status"  # at: the HTTP status; detail: what its JSON says
    LIST_422 = "list-422"  # 422 with a list, as if there were no text
    TEXT_500 = "text-500"  # 500 in plain text, and the connection ends
    BUSY = "busy"  # 429
    SILENCE = "silence"  # at: milliseconds between the header and the first sound; 0: no sound until the timeout
    EMPTY = "empty"  # the answer has no sound
    GARBAGE = "garbage"  # the WAV header is not one; detail: one of GARBAGE, noise if blank
    ODD_CHUNKS = "odd-chunks"  # at: bytes of each HTTP chunk, so that an odd number splits samples and header
    RATE = "rate"  # at: the rate that the header claims, in Hz
    SLOW = "slow"  # at: how fast the reply is made, in percent of real time
    DEAD = "dead"  # the model process is dead from the first of these requests on, and /health knows nothing of it
    LOADING = "loading"  # at: milliseconds from the start in which the model loads and requests wait unseen


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `requests` counts from 0, and () means all."""

    kind: Kind
    at: int = 0
    detail: str = ""
    requests: tuple[int, ...] = ()

    def strikes(self, request: int) -> bool:
        """True when this request is to suffer it."""
        return not self.requests or request in self.requests


def parse_fault(text: str) -> Fault:
    """Read `kind[=at[:detail]][@requests]`, such as "cut=48044@0", "status=503:Later@1-3" or "dead@5".

    Raises SettingsError.
    """
    kind, at, detail, requests = parse(text, Kind, "requests")
    if kind is Kind.GARBAGE and detail and detail not in GARBAGE:
        raise SettingsError(f"fault {text!r}: the garbage is one of {', '.join(GARBAGE)}")
    if kind in (Kind.RESET, Kind.CUT, Kind.STALL) and detail not in ("", "wire"):
        raise SettingsError(f"fault {text!r}: after the colon may stand only 'wire'")
    if at < 0 or (kind.value in _NEEDS_NUMBER and not at):
        raise SettingsError(f"fault {text!r}: {kind.value} needs a number above 0, such as {kind.value}=500")
    return Fault(kind, at, detail, requests)


class Faults:
    """All faults of one simulated server."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        """In the order of the command line: of a kind the first that strikes counts."""
        self._faults = faults

    def of(self, kind: Kind, request: int) -> Fault | None:
        """The fault of this kind that strikes `request`."""
        return next((fault for fault in self._faults if fault.kind is kind and fault.strikes(request)), None)

    def dead_by(self, request: int) -> bool:
        """True when the model process is dead as `request` comes."""
        dead = (fault for fault in self._faults if fault.kind is Kind.DEAD)
        return any(not fault.requests or request >= min(fault.requests) for fault in dead)

    @property
    def loading_s(self) -> float:
        """How long the model loads."""
        return max((fault.at for fault in self._faults if fault.kind is Kind.LOADING), default=0) / 1000

    def ending(self, request: int) -> "Ending | None":
        """How the answer to `request` ends early."""
        for kind in (Kind.RESET, Kind.CUT, Kind.STALL):
            if fault := self.of(kind, request):
                return Ending(kind, fault.at, on_wire=fault.detail == "wire")
        return None


class Ending:
    """Counts the bytes of one answer up to where it ends."""

    def __init__(self, kind: Kind, left: int, *, on_wire: bool) -> None:
        """`left` bytes still leave: of the body, or with `on_wire` of all that is sent."""
        self.kind = kind
        self._left = left
        self._on_wire = on_wire
        self._begun = on_wire  # when only the body counts, the status line leaves in any case

    @property
    def come(self) -> bool:
        """True when nothing may leave any more."""
        return self._begun and self._left <= 0

    def allowed(self, before: bytes, body: bytes, after: bytes) -> bytes:
        """What may still leave of `body` and its framing; not to be asked when the end has `come`."""
        self._begun = True
        if self._on_wire:
            whole = before + body + after
            part, self._left = whole[: self._left], self._left - len(whole)
            return part
        part, self._left = body[: self._left], self._left - len(body)
        return before + part + (after if len(part) == len(body) else b"")


def garbled_header(good: bytes, how: str) -> bytes:
    """What leaves in place of the WAV header `good`."""
    match how:
        case "text":
            return b"Sorry, this is a sentence and not sound."
        case "no-data":
            return good[:36] + b"LIST" + good[40:]
        case "stereo":
            return good[:22] + b"\x02\x00" + good[24:]
        case "short":
            return good[:20]
        case _:
            return bytes((value * 151 + index * 89 + 7) % 256 for index, value in enumerate(good))
