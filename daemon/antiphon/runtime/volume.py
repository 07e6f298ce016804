"""Floor 4. The volume's keeper: the thread that turns the card's mixer, or the gain in the mouth, and keeps the volume.

A mixer may hang, as of a USB card that is being pulled; so nobody waits for it but this thread. Rule: the mixer has
it; until the mixer has worked for the first time, the gain has. What works and then fails will be what it was told
last as soon as it is back: the card is gone meanwhile, and nothing sounds.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from threading import Event as Flag

from antiphon.audio.loudness import gain_of
from antiphon.conversation.events import VolumeChanged
from antiphon.errors import DeviceError
from antiphon.ports import Log, LogLevel, Mixer, Post
from antiphon.runtime.kept import KeptVolume
from antiphon.runtime.thread import OwnerThread

FULL = 100
NEVER_S = math.inf


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """The keeper's times, in seconds."""

    look_s: float = 10.0
    """The mixer is looked at this often, as others turn it too; one that fails is tried again, ever more seldom."""
    look_at_most_s: float = 3600.0
    keep_s: float = 2.0
    """A volume is written down when it has stood for so long: a button that is held writes once."""
    keep_again_s: float = 300.0
    """What could not be written down, as on a full disk, is tried again this often, and at the end."""


@dataclass(frozen=True, slots=True)
class VolumeMeans:
    """What there is to turn, and where the volume is kept."""

    mixer: Mixer | None
    """The card's; None where only the sound itself can be made quieter."""
    named: bool
    """The owner says that there is one: it is a trouble if not."""
    kept: KeptVolume
    cards: Callable[[], object] = lambda: None
    """Differs when a card has come or gone: a mixer that differs then is a new one, and nobody's wish."""


class SoftMixer:
    """A ports.Mixer that makes the sound itself quieter."""

    def __init__(self, set_gain: Callable[[float], None]) -> None:
        """`set_gain` takes the factor, 0 to 1, as Mouth.set_gain does."""
        self._set_gain, self._percent = set_gain, FULL

    def set(self, percent: int) -> None:
        """See ports.Mixer."""
        self._percent = percent
        self._set_gain(gain_of(percent))

    def get(self) -> int:
        """See ports.Mixer."""
        return self._percent

    def close(self) -> None:
        """See ports.Mixer: nothing is held."""


class VolumeKeeper:
    """Thread "volume". `set` and `look` return at once and may be called from any thread; `stop` alone waits.

    VolumeChanged is posted at the start, after each `set`, and when somebody else has turned the mixer.
    """

    def __init__(
        self,
        means: VolumeMeans,
        soft: Mixer,
        first: int | None,
        post: Post,
        log: Log,
        plan: VolumePlan = VolumePlan(),
    ) -> None:
        """It begins with what was kept, else with `first`, else as the mixer is. Without a mixer, `soft` has it."""
        self._mixer, self._soft = means.mixer or soft, soft
        self._named, self._kept, self._cards = means.named, means.kept, means.cards
        self._first, self._post, self._log, self._plan = first, post, log, plan
        self._news = Condition()
        self._thread = OwnerThread("volume", self._run, self._wake)
        # Guarded by the lock:
        self._wanted: int | None = None
        self._look_now = False
        # The thread's only:
        self._percent: int | None = None  # None: the mixer is left as it is, and was not seen yet
        self._worked = means.mixer is None
        self._failing = False
        self._seen_cards: object = None
        self._usual_s = NEVER_S if means.mixer is None else plan.look_s
        self._pause_s = self._usual_s
        self._look_at_s = self._keep_at_s = NEVER_S

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Write down what is to be kept, and end; raises ZombieThread when the mixer hangs."""
        self._thread.stop(timeout_s)

    def set(self, percent: int) -> None:
        """Make it that loud, 0 to 100 → VolumeChanged. Of several at once the last counts."""
        with self._news:
            self._wanted = percent
            self._news.notify()

    def look(self) -> None:
        """The speaker is back: its mixer is to be what it was."""
        with self._news:
            self._look_now = True
            self._news.notify()

    def _wake(self) -> None:
        with self._news:
            self._news.notify()

    # ── its thread ───────────────────────────────────────────────────────────────────────────────

    def _run(self, stopping: Flag) -> None:
        self._seen_cards = self._cards()
        kept = self._kept.load()
        first = self._first if kept is None else kept
        if first is None:
            self._see()
        else:
            self._apply(first)
        while not stopping.is_set():
            self._turn(stopping)
        if self._keep_at_s < NEVER_S:
            self._write_down()
        self._mixer.close()

    def _turn(self, stopping: Flag) -> None:
        with self._news:
            if self._wanted is None and not self._look_now and not stopping.is_set():
                self._news.wait(self._patience_s())
            wanted, self._wanted = self._wanted, None
            look, self._look_now = self._look_now, False
        if wanted is not None:
            self._apply(wanted)
            self._keep_at_s = time.monotonic() + self._plan.keep_s
        elif look or time.monotonic() >= self._look_at_s:
            self._look_after(anew=look)
        if time.monotonic() >= self._keep_at_s:
            self._write_down()

    def _patience_s(self) -> float | None:
        due_s = min(self._look_at_s, self._keep_at_s)
        return None if due_s == NEVER_S else max(0.0, due_s - time.monotonic())

    def _write_down(self) -> None:
        self._keep_at_s = NEVER_S
        if self._percent is not None and not self._kept.save(self._percent):
            self._keep_at_s = time.monotonic() + self._plan.keep_again_s

    # ── the mixer ────────────────────────────────────────────────────────────────────────────────

    def _apply(self, percent: int) -> None:
        """Make it so loud, by the mixer or without."""
        self._percent = percent
        self._turn_mixer(percent)
        if not self._worked:
            self._soft.set(percent)
        self._post(VolumeChanged(percent))

    def _look_after(self, *, anew: bool) -> None:
        """One that was away, or is another, gets what it should be; else it is seen what others have made of it."""
        before, self._seen_cards = self._seen_cards, self._cards()
        anew = anew or self._failing or before != self._seen_cards
        if anew and self._percent is not None:
            self._turn_mixer(self._percent)
        else:
            self._see()

    def _turn_mixer(self, percent: int) -> None:
        try:
            self._mixer.set(percent)
        except DeviceError as error:
            self._fail(error)
        else:
            self._work()

    def _see(self) -> None:
        try:
            percent = self._mixer.get()
        except DeviceError as error:
            if self._percent is None and not self._failing:
                self._post(VolumeChanged(self._soft.get()))
            self._fail(error)
            return
        self._work()
        if percent != self._percent:
            if self._percent is not None:  # somebody has turned it: that is kept, as the owner's wish
                self._keep_at_s = time.monotonic() + self._plan.keep_s
            self._percent = percent
            self._post(VolumeChanged(percent))

    def _work(self) -> None:
        if not self._worked:
            self._worked = True
            if self._soft.get() < FULL:
                self._soft.set(FULL)
        if self._failing:
            self._failing = False
            self._log.write("info", "mixer-back")
        self._pause_s = self._usual_s
        self._look_at_s = time.monotonic() + self._pause_s

    def _fail(self, error: DeviceError) -> None:
        if self._failing:
            self._pause_s = min(2 * self._pause_s, self._plan.look_at_most_s)
        else:
            self._failing = True
            how = "" if self._worked else "; until then the sound itself is made quieter"
            level: LogLevel = "warning" if self._worked or self._named else "info"
            self._log.write(level, "mixer-failed", sentence=f"{error}{how}")
        self._look_at_s = time.monotonic() + self._pause_s
