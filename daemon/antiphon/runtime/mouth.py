"""Floor 4. The mouth: the thread that owns the speaker, plays replies and chimes, and tells what was heard of them.

The sound card pulls periods from the jitter buffer on the driver's own thread, which only copies. All else, opening,
resampling, and telling facts when device time makes them true, is done here. One lock guards the buffer, held for
microseconds.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Condition, Lock
from threading import Event as Flag

import numpy as np

from antiphon.audio.chime import chime
from antiphon.audio.jitter import Fact, JitterBuffer, JitterPlan
from antiphon.audio.resample import Resampler
from antiphon.conversation.effects import ChimeName
from antiphon.conversation.events import Event, Finished, Hushed, MouthFailed, Sounded
from antiphon.errors import DeviceError, Problem
from antiphon.pcm import LINK_RATE_HZ, Samples, bytes_of, ms_of, samples_of
from antiphon.ports import Post, Speaker, StreamFormat
from antiphon.runtime.thread import OwnerThread

IDLE_S = 1.0
"""While the speaker is closed, life is shown this often."""
LOOK_S = 0.1
"""While it is open, it is looked after this often."""
RETRY_S = 1.0
"""A speaker that could not be opened is not tried again before this time is over."""


@dataclass(frozen=True, slots=True)
class MouthPlan:
    """The mouth's limits, in milliseconds."""

    chime_level_db: float | None
    """How loud chimes are, in dBFS; None is silence."""
    jitter: JitterPlan
    linger_ms: float = 3000.0
    """After the last sound, how long the speaker stays open when nobody prepared for more."""
    stall_ms: float = 1000.0
    """When the sound card has asked for nothing for this long, the speaker is taken for dead."""


class Mouth:
    """Thread "mouth". All public methods return at once and may be called from any thread; `stop` alone waits."""

    def __init__(self, speaker: Speaker, post: Post, plan: MouthPlan) -> None:
        """Nothing is opened before the first `prepare`, `chime` or `play`."""
        self._speaker, self._post, self._plan = speaker, post, plan
        self._news = Condition(Lock())
        self._thread = OwnerThread("mouth", self._run, self._wake)
        self._commands: deque[Callable[[], None]] = deque()
        # Guarded by the lock, as the driver's thread comes to them:
        self._buffer: JitterBuffer | None = None
        self._chime = np.zeros(0, np.int16)  # what is left of it
        self._pulls = 0
        # The mouth's thread only:
        self._resampler: Resampler | None = None
        self._resampled = ""  # the reply that is being resampled
        self._prepared = False
        self._last_sound_s = 0.0
        self._last_look_s = self._last_pull_s = 0.0
        self._pulls_seen = 0
        self._retry_at_s = 0.0
        self.format: StreamFormat | None = None
        """What the open speaker is; None while it is closed."""
        self.progress = 0
        """Grows with time while the thread lives: for the watchdog."""

    @property
    def underflows(self) -> int:
        """How often the sound card has run dry since the speaker was opened."""
        return self._speaker.underflows()

    @property
    def underruns(self) -> int:
        """How often a reply was interrupted because its sound came too late."""
        return self._buffer.underruns if self._buffer else 0

    @property
    def depth_ms(self) -> float:
        """How much of a reply must be there before it begins."""
        return self._buffer.depth_ms if self._buffer else self._plan.jitter.start_ms

    # ── what it is asked for ─────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin, with the speaker closed."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Close the speaker and end; raises ZombieThread when the sound system hangs."""
        self._thread.stop(timeout_s)

    def prepare(self) -> None:
        """Open the speaker, so that the first sound is not late, and keep it open until `release`."""
        self._ask(partial(self._prepare, True))

    def release(self) -> None:
        """Nothing more is expected: the speaker closes some seconds after the last sound."""
        self._ask(partial(self._prepare, False))

    def chime(self, name: ChimeName) -> None:
        """Sound a chime now, over whatever plays."""
        self._ask(partial(self._begin_chime, name))

    def play(self, reply: str, pcm: bytes) -> None:
        """Append `pcm` (mono s16le, 24 kHz) to `reply`, or begin it → Sounded."""
        self._ask(partial(self._play, reply, pcm))

    def end(self, reply: str) -> None:
        """No more of `reply` will be given → Finished."""
        self._ask(partial(self._end, reply))

    def hush(self, reply: str) -> None:
        """Silence `reply` from the card's next period on → Hushed."""
        with self._news:
            if self._buffer is not None:
                self._buffer.hush(reply, time.monotonic())
            else:
                self._commands.append(partial(self._hush, reply))
            self._news.notify()

    def withdraw(self, reply: str) -> None:
        """Drop `reply` if none of it went to the card → Hushed, 0 ms; else play what there is → Sounded."""
        with self._news:
            if self._buffer is not None:
                self._buffer.withdraw(reply, time.monotonic())
            else:
                self._commands.append(partial(self._withdraw, reply))
            self._news.notify()

    def _ask(self, command: Callable[[], None]) -> None:
        with self._news:
            self._commands.append(command)
            self._news.notify()

    def _wake(self) -> None:
        with self._news:
            self._news.notify()

    # ── the driver's thread ──────────────────────────────────────────────────────────────────────

    def _pull(self, frames: int, heard_at_s: float) -> bytes:
        """ports.Speaker's pull. Nothing in it can raise; it waits for the lock at most while a piece is appended."""
        with self._news:
            self._pulls += 1
            if self._buffer is None:
                return bytes(2 * frames)
            due_s = self._buffer.next_due_s()
            period = self._buffer.take(frames, heard_at_s)
            part, self._chime = self._chime[:frames], self._chime[frames:]
            if self._buffer.next_due_s() != due_s:
                self._news.notify()
        return bytes_of(_mixed(period, part) if len(part) else period)

    # ── its thread ───────────────────────────────────────────────────────────────────────────────

    def _run(self, stopping: Flag) -> None:
        while not stopping.is_set():
            self._turn()
        self._close()

    def _turn(self) -> None:
        """Tell what has become true, do what was asked for, and look after the speaker."""
        with self._news:
            if not self._commands:
                self._news.wait(self._patience_s())
            command = self._commands.popleft() if self._commands else None
            facts = self._buffer.due(time.monotonic()) if self._buffer else []
        for fact in facts:
            self._post(self._told(fact))
        if command is not None:
            command()
        if self.format is not None:
            self._look_after(self.format, time.monotonic())
        self.progress += 1

    def _patience_s(self) -> float:
        """How long to wait when nothing happens."""
        due_s = self._buffer.next_due_s() if self._buffer else None
        look_s = LOOK_S if self.format else IDLE_S
        return look_s if due_s is None else min(look_s, max(0.0, due_s - time.monotonic()))

    def _told(self, fact: Fact) -> Event:
        assert self._buffer is not None
        heard_ms = ms_of(fact.heard_frames, self._buffer.rate_hz)
        if fact.what == "sounded":
            return Sounded(fact.reply)
        return Finished(fact.reply, heard_ms) if fact.what == "finished" else Hushed(fact.reply, heard_ms)

    def _prepare(self, prepared: bool) -> None:
        self._prepared = prepared
        if prepared:
            self._ready()

    def _begin_chime(self, name: ChimeName) -> None:
        level_db = self._plan.chime_level_db
        if level_db is not None and (buffer := self._ready()) is not None:
            sound = chime(name, buffer.rate_hz, level_db)
            with self._news:
                self._chime = sound

    def _play(self, reply: str, pcm: bytes) -> None:
        if (buffer := self._ready()) is None:
            return
        samples = self._resampler_of(reply, buffer.rate_hz).take(samples_of(pcm))
        with self._news:
            buffer.push(reply, samples)

    def _end(self, reply: str) -> None:
        if (buffer := self._ready()) is None:
            return
        tail = self._resampler_of(reply, buffer.rate_hz).flush()
        with self._news:
            buffer.push(reply, tail)
            buffer.end(reply)

    def _hush(self, reply: str) -> None:
        """A hush that came before the speaker was ever open."""
        if self._buffer is None:
            self._post(Hushed(reply, 0.0))
        else:
            self.hush(reply)

    def _withdraw(self, reply: str) -> None:
        """A withdrawal that came before the speaker was ever open; what was asked for before it may have opened it."""
        if self._buffer is None:
            self._post(Hushed(reply, 0.0))
        else:
            self.withdraw(reply)

    def _resampler_of(self, reply: str, rate_hz: int) -> Resampler:
        """The resampler of this reply: a stream of its own."""
        if self._resampler is None or self._resampled != reply:
            self._resampler, self._resampled = Resampler(LINK_RATE_HZ, rate_hz), reply
        return self._resampler

    # ── the speaker ──────────────────────────────────────────────────────────────────────────────

    def _ready(self) -> JitterBuffer | None:
        """The buffer of the open speaker, which is opened when it was closed; None when it cannot be."""
        now_s = time.monotonic()
        if self.format is None and now_s >= self._retry_at_s:
            try:
                self._opened(self._speaker.open(self._pull))
            except DeviceError as error:
                self._retry_at_s = now_s + RETRY_S
                self._post(MouthFailed(error.problem()))
        return self._buffer if self.format else None

    def _opened(self, stream: StreamFormat) -> None:
        self.format = stream
        self._last_sound_s = self._last_pull_s = self._last_look_s = time.monotonic()
        with self._news:
            if self._buffer is None or self._buffer.rate_hz != stream.rate_hz:
                self._buffer = JitterBuffer(stream.rate_hz, self._plan.jitter, self.depth_ms)
        self._resampler = None

    def _look_after(self, stream: StreamFormat, now_s: float) -> None:
        """Close the speaker when it has been quiet for long enough; notice when the card no longer asks."""
        with self._news:
            pulls, sounding = self._pulls, bool(len(self._chime) or (self._buffer and self._buffer.playing))
        if sounding or self._prepared:
            self._last_sound_s = now_s
        # When this thread itself did not run, nor could the card's: a process that was stopped is not a dead card.
        if pulls != self._pulls_seen or now_s - self._last_look_s > 5 * LOOK_S:
            self._pulls_seen, self._last_pull_s = pulls, now_s
        self._last_look_s = now_s
        if now_s - self._last_pull_s > self._plan.stall_ms / 1000:
            self._failed(stream)
        elif now_s - self._last_sound_s > self._plan.linger_ms / 1000:
            self._close()

    def _failed(self, stream: StreamFormat) -> None:
        self._close()
        with self._news:
            self._buffer, self._chime = None, np.zeros(0, np.int16)
        wrong = f"the speaker {stream.device!r}: it has asked for no sound for {self._plan.stall_ms:g} ms"
        remedy = "Check its cable and the sound server; `antiphon doctor` tells more"
        self._post(MouthFailed(Problem("device", f"{wrong}. {remedy}")))

    def _close(self) -> None:
        if self.format is not None:
            self._speaker.close()
            self.format = None


def _mixed(period: Samples, over: Samples) -> Samples:
    """`over` added to the front of `period`; what is too loud is clipped."""
    wide = period.astype(np.int32)
    wide[: len(over)] += over
    return np.clip(wide, -32_768, 32_767).astype(np.int16)
