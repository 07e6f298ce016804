"""Floor 1. One reply on its way to the card: which frames wait, which were given, and when each of those sounds.

Frames have numbers, from 0 on. They are given in order; what was given and not heard can be put back, and given again.
It knows no clock and no other reply: jitter.py decides when it plays.
"""

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from antiphon.audio.resample import Resampler
from antiphon.pcm import Samples


@dataclass(slots=True)
class _Span:
    """Frames from number `first` on that sound without a break from `at_s` on."""

    at_s: float
    first: int
    frames: int

    def heard(self, now_s: float, rate_hz: int) -> int:
        """How many of them are audible or past at `now_s`."""
        return min(self.frames, max(0, math.floor((now_s - self.at_s) * rate_hz + 1e-6)))

    def end_s(self, rate_hz: int) -> float:
        return self.at_s + self.frames / rate_hz


@dataclass(slots=True, eq=False)
class Playing:
    """One reply. `fade_frames` is how long it takes to fall silent, or to come back: at once is a click."""

    name: str
    fade_frames: int
    at: int = 0
    """The number of the next frame to give."""
    waiting: int = 0
    """How many frames there are from that one on."""
    given: int = 0
    """How many different frames the card was given, less what was put back."""
    sounded: bool = False
    """That it sounds was told, or will be."""
    flowing: bool = False
    """It has reached the depth and plays."""
    sounding: bool = False
    """The last frame of the last period was one of its own: to stop now needs a fade."""
    falling: bool = False
    """It fades out, and is then held, hushed, or begins anew where the fade began."""
    dry: bool = False
    """It played out all there was, and has not ended: an underrun if more comes."""
    underran: bool = False
    held: bool = False
    ended: bool = False
    hushed: bool = False
    _ahead: deque[Samples] = field(default_factory=deque)
    _behind: deque[Samples] = field(default_factory=deque)  # given, and perhaps to be put back; ends at `at`
    _ledger: list[_Span] = field(default_factory=list)
    _faded: int = 0  # frames that it is away from its full level
    _turned_at: int = 0  # where the last fade began
    _kept_from: int = 0  # the number of the first frame in `_behind`
    _last: int = 0  # the last sample given

    # ── what comes in ────────────────────────────────────────────────────────────────────────────

    def push(self, samples: Samples) -> None:
        """Append."""
        self._ahead.append(samples)
        self.waiting += len(samples)

    def fall(self) -> None:
        """Fade out from the next frame on, where it sounds."""
        if self.sounding and not self.falling:
            self.falling = True
            if not self._faded:
                self._turned_at = self.at

    def clear(self) -> None:
        """Nothing of it waits any more."""
        self._ahead.clear()
        self.waiting = 0
        self.sounding = self.falling = False

    # ── what goes out ────────────────────────────────────────────────────────────────────────────

    def give(self, period: Samples) -> tuple[int, int]:
        """Fill the front of `period`: how many frames of it, and how many of these are the reply's own.

        One that fades out with too little left goes on with its last sample: that makes no click.
        """
        room = min(len(period), self.fade_frames - self._faded) if self.falling else len(period)
        own = self._move(period[:room])
        if own:
            self._last = int(period[own - 1])
        filled = room if self.falling else own
        period[own:filled] = self._last
        if self.falling or self._faded:
            self._shape(period[:filled])
        self.sounding = self.sounding or filled > 0
        if self.falling and self._faded >= self.fade_frames:
            self._fallen()
        return filled, own

    def _move(self, period: Samples) -> int:
        done = 0
        while self._ahead and done < len(period):
            chunk = self._ahead.popleft()
            part, rest = chunk[: len(period) - done], chunk[len(period) - done :]
            period[done : done + len(part)] = part
            done += len(part)
            self._behind.append(part)
            if len(rest):
                self._ahead.appendleft(rest)
        self.at += done
        self.waiting -= done
        return done

    def _shape(self, period: Samples) -> None:
        """Down, or up again. Both fades of the same frames add up to what they are."""
        steps = np.arange(len(period), dtype=np.float32)
        faded = self._faded + steps if self.falling else np.maximum(self._faded - steps, 0)
        period[:] = np.rint(period * (1 - faded / np.float32(self.fade_frames)))
        self._faded += len(period) if self.falling else -min(self._faded, len(period))

    def _fallen(self) -> None:
        self.falling = self.sounding = False
        if self.hushed:
            self.clear()
        else:
            self._rewind(self._turned_at)

    def _rewind(self, to: int) -> None:
        while self.at > to:
            part = self._behind.pop()
            kept = max(0, len(part) - (self.at - to))
            if kept:
                self._behind.append(part[:kept])
            self._ahead.appendleft(part[kept:])
            self.at -= len(part) - kept
            self.waiting += len(part) - kept

    # ── what is heard ────────────────────────────────────────────────────────────────────────────

    def mark(self, first: int, frames: int, at_s: float, rate_hz: int) -> None:
        """Enter that `frames` frames, from number `first` on, sound from `at_s` on.

        They join the span before them while that tells the time within 2 ms.
        """
        self.given = max(self.given, first + frames)
        last = self._ledger[-1] if self._ledger else None
        if last and last.first + last.frames == first and abs(last.end_s(rate_hz) - at_s) < 0.002:
            last.frames += frames
        else:
            self._ledger.append(_Span(at_s, first, frames))

    def heard(self, now_s: float, rate_hz: int) -> int:
        """How many frames are audible or past at `now_s`; what was faded out and in again counts once."""
        ends = [span.first + heard for span in self._ledger if (heard := span.heard(now_s, rate_hz))]
        return max(ends, default=0)

    def last_heard_s(self, rate_hz: int) -> float:
        """When the last frame given so far has sounded; minus infinity when there was none."""
        return self._ledger[-1].end_s(rate_hz) if self._ledger else -math.inf

    def forget(self, now_s: float, rate_hz: int) -> None:
        """Let go of the frames that will not be put back, as they were heard."""
        heard = min(self.heard(now_s, rate_hz), self._turned_at if self.falling else self.at)
        while self._behind and self._kept_from + len(self._behind[0]) <= heard:
            self._kept_from += len(self._behind.popleft())

    # ── when a card is gone ──────────────────────────────────────────────────────────────────────

    def put_back(self, at_s: float, rate_hz: int) -> None:
        """The card fell silent at `at_s`: what was given and not heard by then waits again; it will fade in."""
        self.given = self.heard(at_s, rate_hz)
        self._ledger = [
            _Span(span.at_s, span.first, heard) for span in self._ledger if (heard := span.heard(at_s, rate_hz))
        ]
        self._rewind(max(self._kept_from, min(self.given, self._turned_at if self.falling else self.at)))
        self._turned_at, self._faded = self.at, self.fade_frames if self.at else 0
        self.sounding = self.falling = False

    def change_rate(self, from_hz: int, to_hz: int, fade_frames: int) -> None:
        """What waits, at another rate, and so all numbers of frames; nothing may be with a card."""
        if self._ahead:
            resampler = Resampler(from_hz, to_hz)
            waiting = [resampler.take(np.concatenate(self._ahead)), resampler.flush()]
            self._ahead = deque(waiting)
            self.waiting = sum(map(len, waiting))
        self._behind.clear()
        self._ledger = [
            _Span(span.at_s, _scaled(span.first, from_hz, to_hz), _scaled(span.frames, from_hz, to_hz))
            for span in self._ledger
        ]
        self.given = _scaled(self.given, from_hz, to_hz)
        self.at = self._kept_from = self._turned_at = _scaled(self.at, from_hz, to_hz)
        self._faded = fade_frames if self._faded else 0
        self.fade_frames = fade_frames


def _scaled(frames: int, from_hz: int, to_hz: int) -> int:
    return round(frames * to_hz / from_hz)
