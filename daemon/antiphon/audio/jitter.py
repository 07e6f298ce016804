"""Floor 1. The jitter buffer: evens out how replies arrive, and knows what of them has been *heard*.

It is asked for periods by the sound card's pull, each with the moment it will be audible; from these it keeps a ledger
of which frames sound when. It has no clock: all times are arguments, in seconds of one monotonic clock. It is not
locked: who shares it between threads holds a lock of his own.
"""

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from antiphon.pcm import Samples, frames_in, ms_of

REMEMBERED = 8
"""Replies whose end is remembered, so that late audio is refused and a late hush is answered."""


@dataclass(frozen=True, slots=True)
class JitterPlan:
    """How deep the buffer is, in milliseconds of sound that must be there before a reply begins."""

    start_ms: float
    most_ms: float
    least_ms: float = 20.0
    """Calm makes it no shallower than this, or than `most_ms`; the first underrun begins here."""
    fade_ms: float = 8.0
    """How long a hushed reply fades: at once is a click."""
    growth: float = 1.6
    """An underrun multiplies the depth by this."""
    shrink: float = 0.92
    """A reply without an underrun multiplies it by this."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is true from `at_s` on."""

    what: Literal["sounded", "finished", "hushed"]
    reply: str
    at_s: float
    heard_frames: int


class JitterBuffer:
    """One queue of replies, played one after the other, each from its first to its last frame."""

    def __init__(self, rate_hz: int, plan: JitterPlan, depth_ms: float | None = None) -> None:
        """For frames at `rate_hz`; `depth_ms` carries over what another buffer has learned."""
        self.rate_hz = rate_hz
        self._plan = plan
        self._least_ms = min(plan.least_ms, plan.most_ms)
        self.depth_ms = plan.start_ms if depth_ms is None else depth_ms
        """How much sound must be there before a reply begins: what it adds, at most, to the first sound."""
        self.underruns = 0
        self._card = _CardTime(rate_hz)
        self._queue: deque[_Reply] = deque()
        self._known: OrderedDict[str, _Reply] = OrderedDict()
        self._facts: list[Fact] = []

    @property
    def playing(self) -> bool:
        """Whether anything is still to be played or to be told."""
        return bool(self._queue or self._facts)

    # ── what comes in ────────────────────────────────────────────────────────────────────────────

    def push(self, reply: str, samples: Samples) -> None:
        """Append to `reply`, or begin it after the one before, which thereby ends; refused after its end or hush."""
        one = self._known.get(reply)
        if one is None:
            one = self._begin(reply)
        if one.ended or len(samples) == 0:
            return
        if one.dry:
            self.underruns += 1
            one.underran, one.flowing = True, False
            self.depth_ms = min(self._plan.most_ms, max(self.depth_ms, self._least_ms) * self._plan.growth)
            one.dry = False
        one.chunks.append(samples)
        one.waiting += len(samples)

    def end(self, reply: str) -> None:
        """No more of `reply` will be pushed; it finishes when its last frame has been heard."""
        one = self._known.get(reply)
        if one is None:
            one = self._begin(reply)
        one.ended = True
        self._settle(one)

    def hush(self, reply: str, now_s: float) -> None:
        """Silence `reply` from the next period on, with a short fade; nothing more of it is taken in."""
        one = self._known.get(reply)
        if one is None:
            one = self._remember(reply)
        one.ended = True
        if one.hushed:
            return
        one.hushed = True
        if one not in self._queue:
            self._recut(one, now_s)
            return
        one.fade(frames_in(self._plan.fade_ms, self.rate_hz) if one.taken else 0)
        self._settle(one, now_s)

    def withdraw(self, reply: str, now_s: float) -> None:
        """Silence `reply` if none of it went to the card; else do nothing: it will be heard."""
        one = self._known.get(reply)
        if one is None or not one.taken:
            self.hush(reply, now_s)

    def _begin(self, reply: str) -> "_Reply":
        if self._queue and not self._queue[-1].ended:
            self.end(self._queue[-1].name)
        one = self._remember(reply)
        self._queue.append(one)
        return one

    def _remember(self, reply: str) -> "_Reply":
        one = self._known[reply] = _Reply(reply)
        queued = {id(other) for other in self._queue}
        for name in [name for name, old in self._known.items() if id(old) not in queued][: -REMEMBERED - 1]:
            del self._known[name]
        return one

    # ── what goes out ────────────────────────────────────────────────────────────────────────────

    def take(self, frames: int, heard_at_s: float) -> Samples:
        """The next `frames` frames, the first audible at `heard_at_s`; silence where there is nothing to play."""
        period = np.zeros(frames, np.int16)
        audible_s = self._card.audible_s(frames, heard_at_s)
        at = 0
        while at < frames and self._queue:
            one = self._queue[0]
            one.flowing = one.flowing or one.ended or ms_of(one.waiting, self.rate_hz) >= self.depth_ms
            if not one.flowing:
                break
            copied = one.copy_into(period[at:])
            if copied:
                self._sound(one, audible_s + at / self.rate_hz, copied)
                at += copied
            if not one.ended and at < frames:
                one.dry = one.waiting == 0
                break
            self._settle(one)
        return period

    def _sound(self, one: "_Reply", at_s: float, frames: int) -> None:
        if one.taken == 0:
            self._tell(Fact("sounded", one.name, at_s, 0))
        one.taken += frames
        one.mark(at_s, frames, self.rate_hz)

    def _settle(self, one: "_Reply", now_s: float = -math.inf) -> None:
        """Tell the end of a reply that has ended and is all with the card."""
        if not one.ended or one.waiting or one not in self._queue:
            return
        self._queue.remove(one)
        at_s = max(one.last_heard_s(self.rate_hz), now_s) if one.hushed else one.last_heard_s(self.rate_hz)
        self._tell(Fact("hushed" if one.hushed else "finished", one.name, at_s, one.taken))
        if not (one.underran or one.hushed) and one.taken:
            # What the owner began below the least stays there: calm never makes it deeper.
            self.depth_ms = min(self.depth_ms, max(self._least_ms, self.depth_ms * self._plan.shrink))

    def _recut(self, one: "_Reply", now_s: float) -> None:
        """A hush that came too late to cut anything: what would be told as finished is told as hushed."""
        self._facts = [fact for fact in self._facts if (fact.what, fact.reply) != ("finished", one.name)]
        self._tell(Fact("hushed", one.name, max(one.last_heard_s(self.rate_hz), now_s), one.taken))

    # ── what is heard ────────────────────────────────────────────────────────────────────────────

    def heard_frames(self, reply: str, now_s: float) -> int:
        """How many frames of `reply` are audible or past at `now_s`; the moments asked for need no order."""
        one = self._known.get(reply)
        return 0 if one is None else sum(span.heard(now_s, self.rate_hz) for span in one.ledger)

    def next_due_s(self) -> float | None:
        """When the next fact becomes true."""
        return self._facts[0].at_s if self._facts else None

    def due(self, now_s: float) -> list[Fact]:
        """The facts that are true by `now_s` and were not told yet, oldest first."""
        told = []
        while self._facts and self._facts[0].at_s <= now_s:
            told.append(self._facts.pop(0))
        return told

    def _tell(self, fact: Fact) -> None:
        self._facts.append(fact)
        # To 0.1 ms, so that rounding never tells the next reply's beginning before this one's end.
        self._facts.sort(key=lambda one: round(one.at_s, 4))


@dataclass(slots=True)
class _Span:
    """Frames that sound without a break from `at_s` on."""

    at_s: float
    frames: int

    def heard(self, now_s: float, rate_hz: int) -> int:
        return min(self.frames, max(0, math.floor((now_s - self.at_s) * rate_hz + 1e-6)))


@dataclass(slots=True, eq=False)
class _Reply:
    """One reply: what of it waits, and the ledger of what was given to the card."""

    name: str
    chunks: deque[Samples] = field(default_factory=deque)
    waiting: int = 0
    taken: int = 0
    ledger: list[_Span] = field(default_factory=list)
    flowing: bool = False
    """It has reached the depth and plays."""
    dry: bool = False
    """It played out all there was, and has not ended: an underrun if more comes."""
    underran: bool = False
    ended: bool = False
    hushed: bool = False

    def copy_into(self, period: Samples) -> int:
        """Move as many waiting frames as fit to the front of `period`; how many."""
        done = 0
        while self.chunks and done < len(period):
            chunk = self.chunks[0]
            part = chunk[: len(period) - done]
            period[done : done + len(part)] = part
            done += len(part)
            if len(part) == len(chunk):
                self.chunks.popleft()
            else:
                self.chunks[0] = chunk[len(part) :]
        self.waiting -= done
        return done

    def fade(self, frames: int) -> None:
        """Keep only the next `frames` frames, falling to nothing."""
        tail = np.zeros(min(frames, self.waiting), np.int16)
        kept = self.copy_into(tail)
        self.chunks.clear()
        self.waiting = kept
        if kept:
            slope = np.linspace(1.0, 0.0, kept, endpoint=False, dtype=np.float32)
            self.chunks.append((tail * slope).astype(np.int16))

    def mark(self, at_s: float, frames: int, rate_hz: int) -> None:
        """Enter into the ledger; joins the span before it while that tells the time within 2 ms."""
        if self.ledger and abs(self.ledger[-1].at_s + self.ledger[-1].frames / rate_hz - at_s) < 0.002:
            self.ledger[-1].frames += frames
        else:
            self.ledger.append(_Span(at_s, frames))

    def last_heard_s(self, rate_hz: int) -> float:
        """When its last frame given so far has sounded; minus infinity when there was none."""
        return self.ledger[-1].at_s + self.ledger[-1].frames / rate_hz if self.ledger else -math.inf


class _CardTime:
    """Smooths the moments the card's callback names: it is late when this process was busy, and never early."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._next_s: float | None = None

    def audible_s(self, frames: int, heard_at_s: float) -> float:
        """When this period really sounds: in step with the last one; early is believed at once, late by and by."""
        at_s = heard_at_s
        if self._next_s is not None and 0 < heard_at_s - self._next_s < 0.1:
            at_s = self._next_s + 0.1 * (heard_at_s - self._next_s)
        self._next_s = at_s + frames / self._rate_hz
        return at_s
