"""Floor 4. The mouth: the thread that owns the speaker, plays replies and chimes, and tells what was heard of them.

The sound card pulls periods from the jitter buffer on the driver's own thread, which only copies. All else, opening,
resampling, and telling facts when device time makes them true, is done here. One lock guards the buffer, held for
microseconds, or longer when a speaker comes back at another rate and what waits for it is resampled.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Condition, Lock
from threading import Event as Flag
from typing import TypeAlias

import numpy as np

from antiphon.audio.chime import chime
from antiphon.audio.jitter import Fact, JitterBuffer, JitterPlan
from antiphon.audio.loudness import Gain
from antiphon.audio.resample import Resampler
from antiphon.conversation.effects import ChimeName
from antiphon.conversation.events import Event, Finished, Hushed, MouthFailed, MouthOpened, Sounded
from antiphon.errors import DeviceError, Problem
from antiphon.pcm import LINK_RATE_HZ, Samples, bytes_of, ms_of, samples_of
from antiphon.ports import Post, Speaker, StreamFormat
from antiphon.runtime.thread import OwnerThread

IDLE_S = 1.0
"""While the speaker is closed, life is shown this often."""
LOOK_S = 0.05
"""While it is open, it is looked after this often."""
DROP_MS = 60.0
"""What a card still has of a hushed reply is dropped, click or not, if it is more than this and than two periods."""

Played: TypeAlias = Callable[[Samples, int, float], None]
"""`played(samples, rate_hz, heard_at_s)`: they go to the card, and sound from then on (time.monotonic). Only queues."""


@dataclass(frozen=True, slots=True)
class MouthPlan:
    """The mouth's limits, in milliseconds."""

    chime_level_db: float | None
    """How loud chimes are, in dBFS; None is silence."""
    jitter: JitterPlan
    ring_level_db: float | None = None
    """How loud a timer is, in dBFS: it is heard where chimes are not wanted, too. None: nothing rings here."""
    linger_ms: float = 3000.0
    """After the last sound, how long the speaker stays open when nobody prepared for more."""
    stall_ms: float = 450.0
    """When the sound card has asked for nothing for this long, or for four periods, the speaker is taken for dead."""
    retry_ms: float = 1000.0
    """A speaker that has failed is tried again this often."""


class Mouth:
    """Thread "mouth". All public methods return at once and may be called from any thread; `stop` alone waits.

    When the speaker fails, MouthFailed is posted, once, and the speaker is tried again each second, until it plays and
    MouthOpened is posted. That ends no reply: each waits, to go on from the first frame that was not heard; whoever
    does not want it any more hushes it, and is told what was heard. Chimes do not wait. Where the sound system hangs
    for good (MouthFailed.hung) nothing is tried again.
    """

    def __init__(self, speaker: Speaker, post: Post, plan: MouthPlan, played: Played | None = None) -> None:
        """Nothing is opened before the first `prepare`, `chime` or `play`.

        `played` is told of every period that goes to the card, silent ones as well, on the driver's thread.
        """
        self._speaker, self._post, self._plan, self._played = speaker, post, plan, played
        self._news = Condition(Lock())
        self._thread = OwnerThread("mouth", self._run, self._wake)
        self._commands: deque[Callable[[], None]] = deque()
        # Guarded by the lock, as the driver's thread comes to them:
        self._buffer = JitterBuffer(LINK_RATE_HZ, plan.jitter)
        self._live = False  # what the card pulls is played: not before its rate is known
        self._chime = np.zeros(0, np.int16)  # what is left of it
        self._pulls = 0
        self._pulled_s = 0.0
        self._gain = Gain()  # applied on the driver's thread alone
        # The mouth's thread only:
        self._resampler: Resampler | None = None
        self._resampled = ""  # the reply that is being resampled
        self._prepared = False
        self._failing = False  # MouthFailed was posted, and MouthOpened not
        self._last_sound_s = self._last_look_s = 0.0
        self._silent_s = 0.0  # how long the card has asked for nothing
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
        return self._buffer.underruns

    @property
    def depth_ms(self) -> float:
        """How much of a reply must be there before it begins."""
        return self._buffer.depth_ms

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
        """Silence `reply` from the card's next period on → Hushed.

        A card that has more of it than two periods is made to drop it: the speaker is closed, and opened again.
        """
        with self._news:
            self._buffer.hush(reply, time.monotonic())
            self._commands.appendleft(partial(self._drop, reply))
            self._news.notify()

    def duck(self, reply: str) -> None:
        """Fall silent in the middle of `reply` from the card's next period on, and hold it; nothing is told of that.

        What a card has already is still heard: with more than two periods that is late.
        """
        with self._news:
            self._buffer.duck(reply)

    def resume(self, reply: str) -> None:
        """Go on with `reply` where its fade began, so that nothing of it is lost."""
        with self._news:
            self._buffer.resume(reply)

    def withdraw(self, reply: str) -> None:
        """Drop `reply` if none of it went to the card → Hushed, 0 ms; else play what there is → Sounded."""
        with self._news:
            self._buffer.withdraw(reply, time.monotonic())
            self._news.notify()

    def set_gain(self, gain: float) -> None:
        """All that sounds, chimes too, is multiplied by `gain` (0 to 1) from the card's next period on."""
        self._gain.wanted = gain

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
            self._pulled_s = time.monotonic()
            if not self._live:
                return bytes(2 * frames)
            due_s, rate_hz = self._buffer.next_due_s(), self._buffer.rate_hz
            period = self._buffer.take(frames, heard_at_s)
            part, self._chime = self._chime[:frames], self._chime[frames:]
            if self._buffer.next_due_s() != due_s:
                self._news.notify()
        if len(part):
            period = _mixed(period, part)
        period = self._gain.apply(period)
        if self._played is not None:
            self._played(period, rate_hz, heard_at_s)
        return bytes_of(period)

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
            facts, rate_hz = self._buffer.due(time.monotonic()), self._buffer.rate_hz
        for fact in facts:
            self._post(_told(fact, rate_hz))
        if command is not None:
            command()
        if self.format is not None:
            self._look_after(self.format, time.monotonic())
        elif self._failing:
            self._open()
        self.progress += 1

    def _patience_s(self) -> float:
        """How long to wait when nothing happens."""
        now_s, due_s = time.monotonic(), self._buffer.next_due_s()
        look_s = LOOK_S if self.format else IDLE_S
        if self._failing and self.format is None and not self._speaker.hung:
            look_s = min(look_s, self._retry_at_s - now_s)
        return max(0.0, look_s if due_s is None else min(look_s, due_s - now_s))

    def _prepare(self, prepared: bool) -> None:
        self._prepared = prepared
        if prepared:
            self._open()

    def _begin_chime(self, name: ChimeName) -> None:
        level_db = self._plan.ring_level_db if name == "timer" else self._plan.chime_level_db
        if level_db is not None and self._open():
            sound = chime(name, self._buffer.rate_hz, level_db)
            with self._news:
                self._chime = sound

    def _play(self, reply: str, pcm: bytes) -> None:
        self._open()
        samples = self._resampler_of(reply).take(samples_of(pcm))
        with self._news:
            self._buffer.push(reply, samples)

    def _end(self, reply: str) -> None:
        self._open()
        tail = self._resampler_of(reply).flush()
        with self._news:
            self._buffer.push(reply, tail)
            self._buffer.end(reply)

    def _drop(self, reply: str) -> None:
        """A hushed reply that is with the card would still be heard for longer than its fade: silence the card."""
        if self.format is None:
            return
        most_ms = max(DROP_MS, ms_of(2 * self.format.block_frames, self.format.rate_hz) + self._plan.jitter.fade_ms)
        with self._news:
            ahead_ms = self._buffer.ahead_ms(reply, time.monotonic())
        if ahead_ms > most_ms:
            self._close()
            if self._prepared or self._buffer.playing:
                self._open()

    def _resampler_of(self, reply: str) -> Resampler:
        """The resampler of this reply: a stream of its own."""
        if self._resampler is None or self._resampled != reply:
            self._resampler, self._resampled = Resampler(LINK_RATE_HZ, self._buffer.rate_hz), reply
        return self._resampler

    # ── the speaker ──────────────────────────────────────────────────────────────────────────────

    def _open(self) -> bool:
        """Open the speaker when it is closed, and did not fail just now; whether it is open."""
        if self.format is None and not self._speaker.hung and time.monotonic() >= self._retry_at_s:
            try:
                self._opened(self._speaker.open(self._pull))
            except DeviceError as error:
                self._fail(error.problem())
        return self.format is not None

    def _opened(self, stream: StreamFormat) -> None:
        self.format = stream
        self._silent_s = 0.0
        self._last_sound_s = self._last_look_s = time.monotonic()
        with self._news:
            if self._buffer.rate_hz != stream.rate_hz:
                if self._resampler is not None:
                    self._buffer.push(self._resampled, self._resampler.flush())
                self._buffer.change_rate(stream.rate_hz)
                self._resampler = None
            self._pulls_seen, self._live = self._pulls, True

    def _look_after(self, stream: StreamFormat, now_s: float) -> None:
        """Close the speaker when it has been quiet for long enough; notice when the card no longer asks."""
        with self._news:
            pulls, sounding = self._pulls, bool(len(self._chime)) or self._buffer.playing
        if sounding or self._prepared:
            self._last_sound_s = now_s
        # A process that was stopped is not a dead card: of the time since the last look, no more counts than is usual.
        self._silent_s += min(now_s - self._last_look_s, 2 * LOOK_S)
        self._last_look_s = now_s
        if pulls != self._pulls_seen:
            self._pulls_seen, self._silent_s = pulls, 0.0
            self._recover()
        period_ms = ms_of(stream.block_frames, stream.rate_hz)
        if self._silent_s > max(self._plan.stall_ms, 4 * period_ms) / 1000:
            self._stalled(stream, self._pulled_s + period_ms / 1000)
        elif now_s - self._last_sound_s > self._plan.linger_ms / 1000:
            self._close()

    def _recover(self) -> None:
        """It asks for sound."""
        if self._failing:
            self._failing = False
            self._post(MouthOpened())

    def _stalled(self, stream: StreamFormat, silent_at_s: float) -> None:
        """The card has died, at the latest when it should have asked for the next period."""
        self._chime = np.zeros(0, np.int16)
        self._release(silent_at_s)
        wrong = f"it has asked for no sound for {self._plan.stall_ms:g} ms"
        remedy = "Check its cable and the sound server; `antiphon doctor` tells more"
        self._fail(DeviceError(f"the speaker {stream.device!r}", wrong, remedy).problem())

    def _fail(self, problem: Problem) -> None:
        self._retry_at_s = time.monotonic() + self._plan.retry_ms / 1000
        if not self._failing or self._speaker.hung:  # that it hangs is news, once: nothing is tried after it
            self._failing = True
            self._post(MouthFailed(problem, hung=self._speaker.hung))

    def _close(self) -> None:
        """Close the speaker if it is open; one that hangs in that has failed."""
        stream = self.format
        if stream is None:
            return
        self._release()
        if self._speaker.hung:
            wrong, remedy = "the sound system does not let go of it", "Only a new start of this program helps"
            self._fail(DeviceError(f"the speaker {stream.device!r}", wrong, remedy).problem())

    def _release(self, silent_at_s: float | None = None) -> None:
        """Close it; what it had and had not played, by then or by `silent_at_s`, waits again."""
        with self._news:
            self._live = False
        self._speaker.close()
        self.format = None
        with self._news:
            self._buffer.put_back(time.monotonic() if silent_at_s is None else silent_at_s)


def _told(fact: Fact, rate_hz: int) -> Event:
    heard_ms = ms_of(fact.heard_frames, rate_hz)
    if fact.what == "sounded":
        return Sounded(fact.reply)
    return Finished(fact.reply, heard_ms) if fact.what == "finished" else Hushed(fact.reply, heard_ms)


def _mixed(period: Samples, over: Samples) -> Samples:
    """`over` added to the front of `period`; what is too loud is clipped."""
    wide = period.astype(np.int32)
    wide[: len(over)] += over
    return np.clip(wide, -32_768, 32_767).astype(np.int16)
