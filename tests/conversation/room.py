"""The room of a world in virtual time: what there is to hear, the ear that hears it, and the mouth.

Sound is a tape of grains of 20 ms, each with a number of its own from 1 on, that is in all of its samples: whoever
gets a piece of it knows which piece, and a sample lost or doubled shows. It holds voice where somebody has spoken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Literal, Protocol

from antiphon.conversation import events as ev
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_ms, frames_in

GRAIN_MS = 20
PREROLL_MS = 2000
BEGAN_MS, ENDED_MS = 120, 700
"""Of speech, and of silence after it, by the ear's own judgement."""
NEAR_MS, SURE_MS, GONE_MS = 160, 280, 250
"""Of voice over a reply until it may be somebody, until it is, and of silence until he is gone."""
DECAY_S = 0.25
"""How long the room sounds on after a reply."""

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

    @staticmethod
    def at(time_s: float) -> int:
        """The first position that is all after this moment."""
        return ceil(time_s * 1000 / GRAIN_MS - 1e-6)

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

    def __init__(self, time: Time, room: Room, block_ms: int, *, full: bool = False) -> None:
        """`full`: it can tell us from others while we sound; as long as `cancelled` says so."""
        self._time, self._room, self.block_s = time, room, block_ms / 1000
        self.is_open = self.streams = False
        self.heard_began = self.heard_ended = self.heard_near = 0  # positions at which it last said so
        self._sent = self.streams_from = self.deaf_until = 0
        self._clock = 0  # of the blocks: one that is not the latest has stopped
        self._restart()
        self._full, self.cancelled = full, True
        self.we_sound: Callable[[], bool] = lambda: False
        self._near = Near()
        self._near_first = full and time.chance.random() < 0.5

    def open(self) -> None:
        self._time.after(0.05, self._opened)

    def close(self) -> None:
        self.is_open = self.streams = False
        self._clock += 1
        self._time.after(0.02, lambda: self._time.happen(ev.EarClosed()))

    def stream(self, preroll_ms: float, after_s: float | None) -> None:
        if self.streams or not self.is_open:
            return
        self._sent = max(self._sent, self._room.here - round(preroll_ms / GRAIN_MS))
        if after_s is not None:
            self.deaf_until = self._room.at(after_s)
            self._sent = max(self._sent, self.deaf_until)
        self._begin()
        self.streams_from = self._sent
        if self._sent < self._room.here:
            self._capture()

    def rest(self) -> None:
        self.streams = False
        self._sent, self.deaf_until = min(self._sent, self._room.here), min(self.deaf_until, self._room.here)
        self._clock += 1

    def wake(self) -> None:
        """It has heard the wake word."""
        if not self.is_open:
            return
        first = min(max(self._sent, self._room.here - PREROLL_MS // GRAIN_MS), self._room.here)
        self._sent = max(self._sent, self._room.here)
        edges = self._judge(first, self._room.here) if self.streams else []
        if not self.streams:
            self.streams_from = first
            self._begin()
        self._time.happen(ev.Woke("hey", 0.9, self._room.sound(first, self._room.here), self._time.now))
        self._say(edges)

    def _opened(self) -> None:
        self.is_open, self._sent = True, self._room.here
        self._time.happen(ev.EarOpened())

    def _begin(self) -> None:
        self.streams = True
        self._restart()
        self._clock += 1
        clock = self._clock
        self._time.after(self.block_s, lambda: self._block(clock))

    def _block(self, clock: int) -> None:
        if clock != self._clock:
            return
        self._time.after(self.block_s, lambda: self._block(clock))
        if self._sent < self._room.here:
            self._say(self._judge(*self._capture()))

    def _capture(self) -> tuple[int, int]:
        """The next piece comes out: from where to where it goes."""
        first, self._sent = self._sent, self._room.here
        voice_ms = GRAIN_MS * self._room.voiced_between(first, self._sent)
        self._time.happen(ev.Captured(self._room.sound(first, self._sent), voice_ms))
        return first, self._sent

    def _restart(self) -> None:
        self._speaking, self._voice_ms, self._silence_ms = False, 0, 0

    def _judge(self, first: int, end: int) -> list[ev.Endpointed | ev.NearEnd]:
        """What it makes of a block: of turns, and of who speaks over us."""
        turns, near = self._judge_turn(first, end), self._judge_near(first, end)
        return [*near, *turns] if self._near_first else [*turns, *near]

    def _judge_near(self, first: int, end: int) -> list[ev.NearEnd]:
        if not (self._full and self.cancelled and self.we_sound()):
            self._near = Near()
            return []
        edges = (self._near.hear(bool(self._room.voiced([at]))) for at in range(first, end))
        return [ev.NearEnd(edge) for edge in edges if edge]

    def _judge_turn(self, first: int, end: int) -> list[ev.Endpointed]:
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

    def _say(self, edges: list[ev.Endpointed | ev.NearEnd]) -> None:
        for edge in edges:
            if isinstance(edge, ev.NearEnd):
                self.heard_near = self._room.here if edge.edge == "began" else self.heard_near
            elif edge.edge == "began":
                self.heard_began = self._room.here
            else:
                self.heard_ended = self._room.here
            self._time.happen(edge)


class Near:
    """audio/near_end.py in small, a grain at a time."""

    def __init__(self) -> None:
        self._said: Literal["", "began", "sure"] = ""
        self._voice_ms = self._silence_ms = 0

    def hear(self, voice: bool) -> Literal["began", "sure", "ended"] | None:
        if not voice:
            self._silence_ms += GRAIN_MS
            if self._silence_ms < GONE_MS:
                return None
            was, self._said, self._voice_ms = self._said, "", 0
            return "ended" if was else None
        self._voice_ms, self._silence_ms = self._voice_ms + GRAIN_MS, 0
        if self._voice_ms >= NEAR_MS and not self._said:
            self._said = "began"
            return "began"
        if self._voice_ms >= SURE_MS and self._said == "began":
            self._said = "sure"
            return "sure"
        return None


@dataclass(eq=False)
class _Playing:
    ms: float = 0.0
    at_ms: float = 0.0
    """So much of it was heard by `at_s`."""
    at_s: float = 0.0
    taken: bool = False
    """Some of it went to the card: it will be heard, unless it is hushed."""
    sounded: bool = False
    held: bool = False
    ended: bool = False
    over: bool = False
    plans: int = 0
    """How often its end was reckoned: only the latest counts."""

    def move(self, now: float) -> None:
        if self.sounded and not self.held:
            self.at_ms = min(self.ms, self.at_ms + 1000 * (now - self.at_s))
        self.at_s = now


class Mouth:
    """runtime/mouth.py in small. `on_sound` is told of each reply that can be heard, `on_end` how much of it was."""

    def __init__(self, time: Time, on_sound: Callable[[str], None], on_end: Callable[[str, float], None]) -> None:
        self._time, self._on_sound, self._on_end = time, on_sound, on_end
        self._playing: dict[str, _Playing] = {}
        self._hushed: set[str] = set()
        self._silent_s = 0.0
        self._fades_s = time.chance.choice((DECAY_S, 10.0))  # while a reply is held, how long the ear attends to it

    @property
    def held(self) -> bool:
        """A reply is held in the middle."""
        return any(one.held for one in self._playing.values())

    @property
    def audible(self) -> bool:
        """A reply can be heard now."""
        for one in self._playing.values():
            one.move(self._time.now)
        return any(one.sounded and not one.held and one.at_ms < one.ms for one in self._playing.values())

    def sounds(self) -> bool:
        """As the ear knows it: a reply is on its way, or the room sounds on after it."""
        if any(one.sounded and not one.held for one in self._playing.values()):
            return True
        return self._time.now - self._silent_s < (self._fades_s if self.held else DECAY_S)

    def play(self, reply: str, pcm: bytes) -> None:
        one = self._playing.setdefault(reply, _Playing())
        assert len(self._playing) == 1, f"several replies play: {list(self._playing)}"
        assert reply not in self._hushed, f"{reply} was hushed, and plays"
        one.move(self._time.now)
        one.ms += bytes_ms(pcm)
        if one.ms >= _STARTS_MS:
            self._take(reply, one)

    def end(self, reply: str) -> None:
        one = self._playing[reply]
        self._take(reply, one)
        one.move(self._time.now)
        one.ended = True
        if not one.held or one.at_ms >= one.ms:
            self._reckon(reply, one)

    def duck(self, reply: str) -> None:
        one = self._playing[reply]
        assert one.sounded and not one.held, f"{reply} is held, and cannot be"  # noqa: PT018 (one thought)
        one.move(self._time.now)
        one.held, self._silent_s = True, self._time.now
        if not (one.ended and one.ms - one.at_ms < 1000 * _AHEAD_S):  # else the card has all of it
            one.plans += 1

    def resume(self, reply: str) -> None:
        one = self._playing[reply]
        assert one.held, f"{reply} goes on, and was not held"
        one.move(self._time.now)
        one.held = False
        if one.ended:
            self._reckon(reply, one)

    def hush(self, reply: str) -> None:
        self._drop(reply, 0.02)

    def withdraw(self, reply: str) -> None:
        if not self._playing[reply].taken:
            self._drop(reply, 0.01)

    def _drop(self, reply: str, after_s: float) -> None:
        one = self._playing.pop(reply, _Playing())
        one.move(self._time.now)
        one.over, self._silent_s = True, self._time.now
        self._hushed.add(reply)
        self._time.after(after_s, lambda: self._time.happen(ev.Hushed(reply, one.at_ms)))

    def _take(self, reply: str, one: _Playing) -> None:
        if not (one.taken or one.over):
            one.taken = True
            self._time.after(_AHEAD_S, lambda: self._sound(reply, one))

    def _sound(self, reply: str, one: _Playing) -> None:
        if not one.over:
            one.sounded, one.at_s = True, self._time.now
            self._on_sound(reply)
            self._time.happen(ev.Sounded(reply))

    def _reckon(self, reply: str, one: _Playing) -> None:
        """When its last sample will have been heard, if nothing comes between."""
        one.plans += 1
        plan, ahead_s = one.plans, 0.0 if one.sounded else _AHEAD_S
        self._time.after(ahead_s + (one.ms - one.at_ms) / 1000, lambda: self._finish(reply, one, plan))

    def _finish(self, reply: str, one: _Playing, plan: int) -> None:
        if not one.over and plan == one.plans:
            one.over, self._silent_s = True, self._time.now
            if one.held:  # the card had all of it
                one.at_ms = one.ms
            one.move(self._time.now)
            del self._playing[reply]
            self._on_end(reply, one.at_ms)
            self._time.happen(ev.Finished(reply, one.at_ms))
