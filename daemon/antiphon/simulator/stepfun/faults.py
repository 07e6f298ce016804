"""The faults a test can ask for, which connection they strike, and what they do to the stream of events. Pure.

Events are counted from 1 on each connection, as they go out; a fault "at event k" strikes when k-1 have gone.
"""

import json
import random
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from antiphon.errors import SettingsError
from antiphon.simulator.faults import parse

Json: TypeAlias = dict[str, Any]

HUGE_BYTES = 2 * 1024 * 1024
GARBAGE = ("not-json", "wrong-types", "binary", "truncated", "huge", "not-object", "bad-base64")


class Kind(Enum):
    """What goes wrong. The comment says what `at` and `detail` of the fault mean."""

    REFUSE = "refuse"  # the TCP connection is reset as soon as it is made
    STATUS = "status"  # at: the HTTP status that answers the upgrade
    SLOW_UPGRADE = "slow-upgrade"  # at: milliseconds before the upgrade is answered
    STALL_AT_EVENT = "stall-at-event"  # at: event; not a byte leaves any more, not even a pong
    CLOSE_AT_EVENT = "close-at-event"  # at: event; detail: the WebSocket close code, 1011 if blank
    CUT_AT_EVENT = "cut-at-event"  # at: event; the stream ends there, without a close frame
    RESET_AT_EVENT = "reset-at-event"  # at: event; the connection is reset
    CUT_AT_BYTE = "cut-at-byte"  # at: bytes that still leave, the answer to the upgrade included
    GARBAGE_AT_EVENT = "garbage-at-event"  # at: event; detail: one of GARBAGE, not-json if blank
    UNKNOWN_AT_EVENT = "unknown-at-event"  # at: event, before which one of an unknown type is sent
    DUPLICATE_EVENT = "duplicate-event"  # at: event that is sent twice
    LATE_EVENT = "late-event"  # at: event; detail: how many later ones overtake it, 1 if blank
    NO_STOP = "no-stop"  # at: turn whose speech_stopped never comes
    NO_SPEECH = "no-speech"  # at: turn that is answered "no speech found"
    SERVER_ERROR = "server-error"  # at: response that fails midway; detail: done (if blank) or nothing follows
    EMPTY_REPLY = "empty-reply"  # at: response that has neither words nor sound
    OTHER_VOICE = "other-voice"  # detail: the voice that is silently used instead
    # Text to speech; what is counted is its requests, from 0:
    SPEECH_STATUS = "speech-status"  # at: the HTTP status that answers
    SPEECH_SLOW = "speech-slow"  # at: milliseconds before the answer begins
    SPEECH_STALL = "speech-stall"  # at: bytes of sound, after which nothing comes any more
    SPEECH_CUT = "speech-cut"  # at: bytes of sound, after which the connection breaks
    SPEECH_ERROR_EVENT = "speech-error-event"  # of a stream of events, after which nothing comes; detail: its message
    # Each other HTTP service, which counts its own requests from 0. An answer's events count from 1, one that is not
    # a stream is one event, and 0 is the first:
    CHAT_STATUS = "chat-status"  # at: the HTTP status that answers
    CHAT_SLOW = "chat-slow"  # at: milliseconds before the answer begins
    CHAT_STALL = "chat-stall"  # at: event in whose place nothing comes any more
    CHAT_CUT = "chat-cut"  # at: event in whose midst the connection breaks
    CHAT_ERROR_EVENT = "chat-error-event"  # at: event in whose place an error comes and all ends; detail: its message
    ASR_STATUS = "asr-status"  # these five mean the same
    ASR_SLOW = "asr-slow"
    ASR_STALL = "asr-stall"
    ASR_CUT = "asr-cut"
    ASR_ERROR_EVENT = "asr-error-event"
    TRANSCRIPTIONS_STATUS = "transcriptions-status"  # these four, and those below, mean the same too
    TRANSCRIPTIONS_SLOW = "transcriptions-slow"
    TRANSCRIPTIONS_STALL = "transcriptions-stall"
    TRANSCRIPTIONS_CUT = "transcriptions-cut"
    FILES_STATUS = "files-status"
    FILES_SLOW = "files-slow"
    FILES_STALL = "files-stall"
    FILES_CUT = "files-cut"
    VOICES_STATUS = "voices-status"
    VOICES_SLOW = "voices-slow"
    VOICES_STALL = "voices-stall"
    VOICES_CUT = "voices-cut"
    ASR_FILE_STATUS = "asr-file-status"
    ASR_FILE_SLOW = "asr-file-slow"
    ASR_FILE_STALL = "asr-file-stall"
    ASR_FILE_CUT = "asr-file-cut"
    # Text to speech over a WebSocket; what is counted is its upgrades, from 0:
    STREAM_STATUS = "stream-status"  # at: the HTTP status that answers the upgrade
    STREAM_SLOW = "stream-slow"  # at: milliseconds from a sentence to its first sound
    STREAM_STALL = "stream-stall"  # at: bytes of sound, after which nothing comes any more
    STREAM_CUT = "stream-cut"  # at: bytes of sound, after which the stream ends without a close frame
    STREAM_ERROR = "stream-error"  # at: sentence in whose place the error comes; detail: its code, 503 if blank
    # Live recognition; counted are connections, as above:
    DICTATION_ERROR = (
        "dictation-error"  # at: turn in place of whose text an error comes; detail: its code, risk_blocked if blank
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `at` counts from 1, and 0 means every one; `connections` counts from 0, and () means all."""

    kind: Kind
    at: int = 0
    detail: str = ""
    connections: tuple[int, ...] = ()

    def strikes(self, connection: int) -> bool:
        """True when this connection is to suffer it."""
        return not self.connections or connection in self.connections


def parse_fault(text: str) -> Fault:
    """Read `kind[=at[:detail]][@connections]`, such as "close-at-event=5:1011@0" or "other-voice=:rms@0-2,4".

    Raises SettingsError.
    """
    kind, at, detail, connections = parse(text, Kind, "connections")
    if kind is Kind.GARBAGE_AT_EVENT and detail and detail not in GARBAGE:
        raise SettingsError(f"fault {text!r}: the garbage is one of {', '.join(GARBAGE)}")
    if kind in (Kind.CLOSE_AT_EVENT, Kind.LATE_EVENT) and detail and not detail.isdecimal():
        raise SettingsError(f"fault {text!r}: after the colon stands a whole number")
    return Fault(kind, at, detail, connections)


# ── what leaves ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Frame:
    """Send one WebSocket frame: text, or binary."""

    payload: str | bytes


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection: with a close frame of `code`, or (None) by ending the stream without one."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stall:
    """Let no byte leave any more."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection."""


Act: TypeAlias = Frame | Close | Stall | Reset


class FaultyStream:
    """Turns the events of one connection into what really leaves. After Close, Stall and Reset nothing does."""

    def __init__(self, faults: tuple[Fault, ...], rng: random.Random) -> None:
        """`faults` are this connection's; `rng` makes the garbage."""
        self._faults = {(fault.kind, fault.at): fault for fault in faults}
        self._rng = rng
        self._count = 0
        self._late: list[tuple[int, str]] = []
        self.over = False

    def acts(self, event: Json) -> list[Act]:
        """What to do in place of sending `event`."""
        if self.over:
            return []
        self._count += 1
        ending = self._ending()
        if ending is not None:
            self.over = True
            return [ending]
        acts = self._body(event)
        due = [text for count, text in self._late if count <= self._count]
        self._late = [(count, text) for count, text in self._late if count > self._count]
        return acts + [Frame(text) for text in due]

    def _fault(self, kind: Kind) -> Fault | None:
        return self._faults.get((kind, self._count)) or self._faults.get((kind, 0))

    def _ending(self) -> Act | None:
        if closing := self._fault(Kind.CLOSE_AT_EVENT):
            return Close(int(closing.detail or 1011))
        if self._fault(Kind.CUT_AT_EVENT):
            return Close(None)
        if self._fault(Kind.STALL_AT_EVENT):
            return Stall()
        if self._fault(Kind.RESET_AT_EVENT):
            return Reset()
        return None

    def _body(self, event: Json) -> list[Act]:
        text = _text(event)
        if late := self._fault(Kind.LATE_EVENT):
            self._late.append((self._count + int(late.detail or 1), text))
            return []
        if garbage := self._fault(Kind.GARBAGE_AT_EVENT):
            return spoil(event, garbage.detail or "not-json", self._rng)
        if self._fault(Kind.UNKNOWN_AT_EVENT):
            return [
                Frame(json.dumps({"event_id": "unknown", "type": "rate_limits.updated", "rate_limits": []})),
                Frame(text),
            ]
        if self._fault(Kind.DUPLICATE_EVENT):
            return [Frame(text), Frame(text)]
        return [Frame(text)]


def spoil(event: Json, how: str, rng: random.Random) -> list[Act]:
    """`event` amid or as garbage. Extra garbage goes before the event; else the event itself is the garbage."""
    text = _text(event)
    match how:
        case "not-json":
            return [Frame("".join(rng.choices('{}[]":,abc \\u0', k=40)) + "}"), Frame(text)]
        case "not-object":
            return [Frame(rng.choice(["[]", "null", "3", '"response.done"'])), Frame(text)]
        case "binary":
            return [Frame(rng.randbytes(64)), Frame(text)]
        case "huge":
            return [Frame(json.dumps({"type": "response.text.delta", "delta": "x" * HUGE_BYTES})), Frame(text)]
        case "truncated":
            return [Frame(text[: rng.randrange(1, len(text))])]
        case "bad-base64":
            return [Frame(json.dumps(_sounding(event, "AAA*"))), Frame(text)]
        case _:
            return [Frame(json.dumps({key: _other_type(value, rng) for key, value in event.items()}))]


def _text(event: Json) -> str:
    """`event` as a frame; half a character, which a client may have sent as an escape, becomes a question mark."""
    return json.dumps(event, ensure_ascii=False).encode(errors="replace").decode()


def _sounding(event: Json, sound: str) -> Json:
    """An audio delta with this sound, of the service that says `event`."""
    if str(event.get("type")).startswith("tts.") and isinstance(event.get("data"), dict):
        data = {"session_id": event["data"].get("session_id"), "status": "unfinished", "audio": sound}
        return {"type": "tts.response.audio.delta", "data": data}
    return {"type": "response.audio.delta", "delta": sound}


def _other_type(value: object, rng: random.Random) -> object:
    other: list[object] = [None, 7, -0.5, True, "", [], {}, [value]]
    return rng.choice([choice for choice in other if type(choice) is not type(value)])
