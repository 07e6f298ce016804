"""Floor 1. The jitter buffer: evens out how replies arrive, and knows what of them has been *heard*.

It is asked for periods by the sound card's pull, each with the moment it will be audible; from these it keeps a ledger
of which frames sound when. It has no clock: all times are arguments, in seconds of one monotonic clock. It is not
locked: who shares it between threads holds a lock of his own.
"""

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from antiphon.audio.playing import Playing
from antiphon.pcm import Samples, frames_in, ms_of

REMEMBERED = 8
"""Replies whose end is remembered, so that late audio is refused and a late hush is answered."""

KEPT_S = 2.0
"""What should have been heard is kept for so long: that the card has died is noticed late."""


@dataclass(frozen=True, slots=True)
class JitterPlan:
    """How deep the buffer is, in milliseconds of sound that must be there before a reply begins."""

    start_ms: float
    most_ms: float
    least_ms: float = 20.0
    """Calm makes it no shallower than this, or than `most_ms`; the first underrun begins here."""
    fade_ms: float = 8.0
    """How long a reply takes to fall silent, or to come back: at once is a click."""
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

    def __init__(self, rate_hz: int, plan: JitterPlan) -> None:
        """For frames at `rate_hz`, until `change_rate`."""
        self.rate_hz = rate_hz
        self._plan = plan
        self._least_ms = min(plan.least_ms, plan.most_ms)
        self.depth_ms = plan.start_ms
        """How much sound must be there before a reply begins: what it adds, at most, to the first sound."""
        self.underruns = 0
        self._card = _CardTime(rate_hz)
        self._queue: deque[Playing] = deque()
        self._known: OrderedDict[str, Playing] = OrderedDict()
        self._facts: list[Fact] = []

    @property
    def playing(self) -> bool:
        """Whether anything is still to be played or to be told; a reply that is held is."""
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
        one.push(samples)

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
        one.fall()
        if not one.falling:
            one.clear()
        self._settle(one, now_s)

    def withdraw(self, reply: str, now_s: float) -> None:
        """Silence `reply` if none of it went to the card; else do nothing: it will be heard."""
        one = self._known.get(reply)
        if one is None or not one.given:
            self.hush(reply, now_s)

    def duck(self, reply: str) -> None:
        """Hold `reply` from the next period on, with a short fade; what waits behind it waits on.

        It goes on taking in what is pushed. One that is unknown, hushed, or all with the card is left alone.
        """
        one = self._known.get(reply)
        if one is not None and one in self._queue and not one.hushed:
            one.held = True
            one.fall()

    def resume(self, reply: str) -> None:
        """Let `reply` go on where its fade began: what was faded out comes again, fading in, and nothing is lost."""
        one = self._known.get(reply)
        if one is not None:
            one.held = False

    def _begin(self, reply: str) -> Playing:
        if self._queue and not self._queue[-1].ended:
            self.end(self._queue[-1].name)
        one = self._remember(reply)
        self._queue.append(one)
        return one

    def _remember(self, reply: str) -> Playing:
        one = self._known[reply] = Playing(reply, frames_in(self._plan.fade_ms, self.rate_hz))
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
        while at < frames and self._queue and self._goes_on(self._queue[0]):
            one = self._queue[0]
            first = one.at
            filled, own = one.give(period[at:])
            if own:
                self._sound(one, first, own, audible_s + at / self.rate_hz)
            at += filled
            if not one.ended and not one.waiting and at < frames and not one.held:
                one.dry, one.sounding = True, False
                break
            self._settle(one)
        return period

    def _goes_on(self, one: Playing) -> bool:
        if one.falling or one.held:
            return one.falling
        one.flowing = one.flowing or one.ended or ms_of(one.waiting, self.rate_hz) >= self.depth_ms
        return one.flowing

    def _sound(self, one: Playing, first: int, frames: int, at_s: float) -> None:
        if not one.sounded:
            one.sounded = True
            self._tell(Fact("sounded", one.name, at_s, 0))
        one.mark(first, frames, at_s, self.rate_hz)

    def _settle(self, one: Playing, now_s: float = -math.inf) -> None:
        """Tell the end of a reply that has ended and is all with the card."""
        if not one.ended or one.waiting or one.falling or one not in self._queue:
            return
        self._queue.remove(one)
        at_s = max(one.last_heard_s(self.rate_hz), now_s) if one.hushed else one.last_heard_s(self.rate_hz)
        self._tell(Fact("hushed" if one.hushed else "finished", one.name, at_s, one.given))
        if not (one.underran or one.hushed) and one.given:
            # What the owner began below the least stays there: calm never makes it deeper.
            self.depth_ms = min(self.depth_ms, max(self._least_ms, self.depth_ms * self._plan.shrink))

    def _recut(self, one: Playing, now_s: float) -> None:
        """A hush that came too late to cut anything: what would be told as finished is told as hushed."""
        self._facts = [fact for fact in self._facts if (fact.what, fact.reply) != ("finished", one.name)]
        self._tell(Fact("hushed", one.name, max(one.last_heard_s(self.rate_hz), now_s), one.given))

    # ── what is heard ────────────────────────────────────────────────────────────────────────────

    def heard_frames(self, reply: str, now_s: float) -> int:
        """How many frames of `reply` are audible or past at `now_s`; the moments asked for need no order."""
        one = self._known.get(reply)
        return 0 if one is None else one.heard(now_s, self.rate_hz)

    def ahead_ms(self, reply: str, now_s: float) -> float:
        """How long `reply` would still be heard if the card were given nothing more."""
        one = self._known.get(reply)
        return 0.0 if one is None else max(0.0, 1000 * (one.last_heard_s(self.rate_hz) - now_s))

    def next_due_s(self) -> float | None:
        """When the next fact becomes true."""
        return self._facts[0].at_s if self._facts else None

    def due(self, now_s: float) -> list[Fact]:
        """The facts that are true by `now_s` and were not told yet, oldest first."""
        told = []
        while self._facts and self._facts[0].at_s <= now_s:
            told.append(self._facts.pop(0))
        for one in self._known.values():
            one.forget(now_s - KEPT_S, self.rate_hz)
        return told

    def _tell(self, fact: Fact) -> None:
        self._facts.append(fact)
        # To 0.1 ms, so that rounding never tells the next reply's beginning before this one's end.
        self._facts.sort(key=lambda one: round(one.at_s, 4))

    # ── when a card is gone ──────────────────────────────────────────────────────────────────────

    def put_back(self, at_s: float) -> None:
        """The card fell silent at `at_s`, and what it had and had not played by then is lost.

        Of every reply whose end was not told it waits again, to go on from the first frame not heard; a hushed one is
        over. What was told stays told.
        """
        self._card = _CardTime(self.rate_hz)
        untrue = [fact for fact in self._facts if fact.at_s > at_s]
        silent = {fact.reply for fact in untrue if fact.what == "sounded"}
        ends = {fact.reply for fact in untrue if fact.what != "sounded"}
        lost = {name: one for name, one in self._known.items() if one in self._queue or name in ends}
        self._facts = [fact for fact in self._facts if fact not in untrue or fact.reply not in lost]
        self._queue = deque(lost.values())
        for name, one in lost.items():
            one.put_back(at_s, self.rate_hz)
            one.sounded = one.sounded and name not in silent
            if one.hushed:
                one.clear()
            self._settle(one, at_s)

    def change_rate(self, rate_hz: int) -> None:
        """All frames, what waits as well as what is told of them, are at `rate_hz` from here on; no card has any."""
        if rate_hz == self.rate_hz:
            return
        fade_frames = frames_in(self._plan.fade_ms, rate_hz)
        for one in self._known.values():
            one.change_rate(self.rate_hz, rate_hz, fade_frames)
        ratio = rate_hz / self.rate_hz
        self._facts = [replace(fact, heard_frames=round(fact.heard_frames * ratio)) for fact in self._facts]
        self.rate_hz, self._card = rate_hz, _CardTime(rate_hz)


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
