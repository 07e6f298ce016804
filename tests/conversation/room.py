"""The room of a world in virtual time: what there is to hear, the ear that hears it, and the mouth.

Sound is a tape of grains of 20 ms, each with a number of its own from 1 on, that is in all of its samples: whoever
gets a piece of it knows which piece, and a sample lost or doubled shows. It holds voice where somebody has spoken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from antiphon.conversation import events as ev
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_ms, frames_in

GRAIN_MS = 20
PREROLL_MS = 2000
BEGAN_MS, ENDED_MS = 120, 700
"""Of speech, and of silence after it, by the ear's own judgement."""

_FRAMES = frames_in(GRAIN_MS, LINK_RATE_HZ)
_NUMBERS = 65_535  # of 16 bits; after 22 minutes they begin anew
_STARTS_MS = 60.0  # of a reply, before the mouth begins it
_AHEAD_S = 0.03  # from the card to the air


class Time(Protocol):
    """What a room knows of the world."""

    now: float
    chance: Random

    def after(self, seconds: float, do: Callable[[], None]) -> None: ...
    def happen(self, event: ev.Event) -> None: ...


class Room:
    """The tape. Positions are grains since time 0."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._loud = bytearray()

    @property
    def here(self) -> int:
        """The position that is being heard now."""
        return int(self._time.now * 1000 / GRAIN_MS + 1e-6)

    def speak(self, first: int, end: int) -> None:
        """There is voice from `first` up to `end`."""
        self._loud.extend(bytes(max(0, end - len(self._loud))))
        self._loud[first:end] = b"\1" * (end - first)

    def fall_silent(self) -> None:
        """Nobody speaks from here on."""
        del self._loud[self.here :]

    def voiced(self, grains: Iterable[int]) -> int:
        """How many of them hold voice."""
        return sum(self._loud[at] for at in grains if 0 < at < len(self._loud))

    def voiced_between(self, first: int, end: int) -> int:
        return self._loud.count(1, first, end)

    def sound(self, first: int, end: int) -> bytes:
        """What can be heard there, mono s16le 24 kHz."""
        return b"".join((at % _NUMBERS + 1).to_bytes(2, "little") * _FRAMES for at in range(first, end))

    def grains(self, pcm: bytes) -> list[int]:
        """The positions of a piece of sound; 0 for silence that somebody made."""
        assert len(pcm) % (_FRAMES * SAMPLE_BYTES) == 0, "a grain was cut"
        numbers = memoryview(pcm).cast("H")
        assert numbers[::_FRAMES].tolist() == numbers[_FRAMES - 1 :: _FRAMES].tolist(), "grains were cut and joined"
        here = self.here
        return [here - (here - (one - 1)) % _NUMBERS if one else 0 for one in numbers[::_FRAMES].tolist()]


class Ear:
    """runtime/hearing.py in small: silent at rest, every grain once while it streams, and a judgement of its own."""

    def __init__(self, time: Time, room: Room, block_ms: int) -> None:
        self._time, self._room, self._block_s = time, room, block_ms / 1000
        self.is_open = self.streams = False
        self.heard_began = self.heard_ended = 0  # positions at which it last said so
        self._sent = self.streams_from = 0
        self._clock = 0  # of the blocks: one that is not the latest has stopped
        self._restart()

    def open(self) -> None:
        self._time.after(0.05, self._opened)

    def close(self) -> None:
        self.is_open = self.streams = False
        self._clock += 1
        self._time.after(0.02, lambda: self._time.happen(ev.EarClosed()))

    def stream(self, preroll_ms: float) -> None:
        if self.streams or not self.is_open:
            return
        self._sent = max(self._sent, self._room.here - round(preroll_ms / GRAIN_MS))
        self._begin()
        self.streams_from = self._sent
        if self._sent < self._room.here:
            self._capture()

    def rest(self) -> None:
        self.streams = False
        self._clock += 1

    def wake(self) -> None:
        """It has heard the wake word."""
        if not self.is_open:
            return
        first = max(self._sent, self._room.here - PREROLL_MS // GRAIN_MS)
        self._sent = self._room.here
        edges = self._judge(first, self._sent) if self.streams else []
        if not self.streams:
            self.streams_from = first
            self._begin()
        self._time.happen(ev.Woke("hey", 0.9, self._room.sound(first, self._sent), self._time.now))
        self._say(edges)

    def _opened(self) -> None:
        self.is_open, self._sent = True, self._room.here
        self._time.happen(ev.EarOpened())

    def _begin(self) -> None:
        self.streams = True
        self._restart()
        self._clock += 1
        clock = self._clock
        self._time.after(self._block_s, lambda: self._block(clock))

    def _block(self, clock: int) -> None:
        if clock != self._clock:
            return
        self._time.after(self._block_s, lambda: self._block(clock))
        self._say(self._judge(*self._capture()))

    def _capture(self) -> tuple[int, int]:
        """The next piece comes out: from where to where it goes."""
        first, self._sent = self._sent, self._room.here
        voice_ms = GRAIN_MS * self._room.voiced_between(first, self._sent)
        self._time.happen(ev.Captured(self._room.sound(first, self._sent), voice_ms))
        return first, self._sent

    def _restart(self) -> None:
        self._speaking, self._voice_ms, self._silence_ms = False, 0, 0

    def _judge(self, first: int, end: int) -> list[ev.Endpointed]:
        """audio/endpoint.py, by blocks."""
        voice_ms = GRAIN_MS * self._room.voiced_between(first, end)
        silence_ms = GRAIN_MS * (end - first) - voice_ms
        if self._speaking:
            self._silence_ms = 0 if voice_ms else self._silence_ms + silence_ms
            if self._silence_ms < ENDED_MS:
                return []
            self._restart()
            return [ev.Endpointed("ended")]
        self._voice_ms = self._voice_ms + voice_ms if voice_ms else max(0, self._voice_ms - silence_ms)
        if self._voice_ms < BEGAN_MS:
            return []
        self._speaking, self._silence_ms = True, 0
        return [ev.Endpointed("began")]

    def _say(self, edges: list[ev.Endpointed]) -> None:
        for edge in edges:
            if edge.edge == "began":
                self.heard_began = self._room.here
            else:
                self.heard_ended = self._room.here
            self._time.happen(edge)


@dataclass(eq=False)
class _Playing:
    ms: float = 0.0
    taken: bool = False
    """Some of it went to the card: it will be heard, unless it is hushed."""
    sounded_s: float | None = None
    over: bool = False


class Mouth:
    """runtime/mouth.py in small. `on_sound` is told of each reply that can be heard."""

    def __init__(self, time: Time, on_sound: Callable[[str], None]) -> None:
        self._time, self._on_sound = time, on_sound
        self._playing: dict[str, _Playing] = {}
        self._hushed: set[str] = set()

    def play(self, reply: str, pcm: bytes) -> None:
        one = self._playing.setdefault(reply, _Playing())
        assert len(self._playing) == 1, f"several replies play: {list(self._playing)}"
        assert reply not in self._hushed, f"{reply} was hushed, and plays"
        one.ms += bytes_ms(pcm)
        if one.ms >= _STARTS_MS:
            self._take(reply, one)

    def end(self, reply: str) -> None:
        one = self._playing[reply]
        self._take(reply, one)
        left_s = one.ms / 1000 if one.sounded_s is None else max(0.0, one.sounded_s + one.ms / 1000 - self._time.now)
        self._time.after(_AHEAD_S + left_s, lambda: self._finish(reply, one))

    def hush(self, reply: str) -> None:
        self._drop(reply, 0.02)

    def withdraw(self, reply: str) -> None:
        if not self._playing[reply].taken:
            self._drop(reply, 0.01)

    def _drop(self, reply: str, after_s: float) -> None:
        one = self._playing.pop(reply, _Playing())
        one.over = True
        self._hushed.add(reply)
        heard_ms = 0.0 if one.sounded_s is None else 1000 * (self._time.now - one.sounded_s)
        self._time.after(after_s, lambda: self._time.happen(ev.Hushed(reply, heard_ms)))

    def _take(self, reply: str, one: _Playing) -> None:
        if not (one.taken or one.over):
            one.taken = True
            self._time.after(_AHEAD_S, lambda: self._sound(reply, one))

    def _sound(self, reply: str, one: _Playing) -> None:
        if not one.over:
            one.sounded_s = self._time.now
            self._on_sound(reply)
            self._time.happen(ev.Sounded(reply))

    def _finish(self, reply: str, one: _Playing) -> None:
        if not one.over:
            one.over = True
            del self._playing[reply]
            self._time.happen(ev.Finished(reply, one.ms))
