"""The ear's thread: opens, closes, listens and says what went wrong, on a microphone that is driven by hand."""

import contextlib
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import numpy as np
import pytest

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.trigger import Trigger, WakeWord
from antiphon.conversation.events import Captured, EarClosed, EarOpened, EchoJudged, Woke
from antiphon.devices.fake_sound import FakeMicrophone
from antiphon.errors import DeviceError
from antiphon.pcm import samples_of
from antiphon.ports import Block
from antiphon.runtime.ear import Ear, EarPlan
from antiphon.runtime.echo import Cleaned
from antiphon.runtime.liveness import Liveness, Progress

BOUND_S = 20


class LoudIsWord:
    words = ("hey",)

    def __init__(self):
        self.forgotten = 0

    def hear(self, samples):
        return [[float(len(samples) > 0 and samples.max() > 20_000)]]

    def forget(self):
        self.forgotten += 1


class Mute:
    def voiced(self, samples):
        return [False] * (len(samples) // 320)

    def forget(self):
        pass


class Rig:
    def __init__(self, microphone: FakeMicrophone, stall_ms: float = 60_000, echo=None) -> None:
        self.microphone = microphone
        self.events: SimpleQueue = SimpleQueue()
        self.engine = LoudIsWord()
        trigger = Trigger([WakeWord("hey", 0.5, refractory_ms=1000)])
        plan = EarPlan(preroll_ms=200, stall_ms=stall_ms)
        self.ear = Ear(microphone, self.engine, Mute(), trigger, None, self.events.put, plan, echo)

    def event(self):
        return self.events.get(timeout=BOUND_S)

    def open(self):
        self.ear.open()
        assert self.event() == EarOpened()


@contextlib.contextmanager
def running(microphone: FakeMicrophone | None = None, **plan) -> Iterator[Rig]:
    rig = Rig(microphone or FakeMicrophone(), **plan)
    rig.ear.start()
    try:
        yield rig
    finally:
        rig.ear.stop(BOUND_S)


QUIET = np.full(1280, 100, np.int16)
WORD = np.full(1280, 25_000, np.int16)


def test_begins_closed():
    with running() as rig:
        rig.ear.close()
        assert rig.event() == EarClosed()
        assert rig.microphone.opened == 0


def test_opens_and_closes_the_microphone():
    with running() as rig:
        rig.open()
        assert rig.microphone.is_open
        assert rig.ear.format == rig.microphone.format
        rig.ear.close()
        assert rig.event() == EarClosed()
        assert not rig.microphone.is_open
        assert rig.ear.format is None


def test_every_request_is_answered():
    with running() as rig:
        rig.open()
        rig.open()
        assert rig.microphone.opened == 1
        rig.ear.close()
        rig.ear.close()
        assert [rig.event(), rig.event()] == [EarClosed(), EarClosed()]


def test_a_microphone_that_cannot_be_opened_is_an_event():
    microphone = FakeMicrophone()
    microphone.refusal = DeviceError("the microphone", "another program holds it", "Close that one")
    with running(microphone) as rig:
        rig.ear.open()
        assert rig.event() == EarClosed(microphone.refusal.problem())
        microphone.refusal = None
        rig.open()


@pytest.mark.parametrize("channels", [1, 2])
def test_from_the_word_to_rest(channels):
    with running(FakeMicrophone(channels=channels)) as rig:
        rig.open()
        for _ in range(5):
            rig.microphone.hear(QUIET)
        rig.microphone.hear(WORD)
        woke = rig.event()
        assert isinstance(woke, Woke)
        assert len(samples_of(woke.preroll)) == pytest.approx(4800, abs=32)  # 200 ms at 24 kHz
        rig.microphone.hear(QUIET)
        assert isinstance(rig.event(), Captured)
        rig.ear.rest()
        rig.microphone.hear(QUIET)
        rig.ear.stream()
        rig.microphone.hear(QUIET)
        assert len(samples_of(rig.event().pcm)) == pytest.approx(1920, abs=32)
        rig.ear.close()
        assert rig.event() == EarClosed()


def test_streams_what_is_kept_at_once():
    with running() as rig:
        rig.open()
        rig.microphone.hear(QUIET)
        rig.microphone.hear(QUIET)
        rig.ear.stream(200)
        assert len(samples_of(rig.event().pcm)) == pytest.approx(2 * 1920, abs=32)


def test_what_a_closed_microphone_still_delivers_is_not_heard():
    with running() as rig:
        rig.open()
        stale = rig.microphone._deliver
        rig.ear.close()
        assert rig.event() == EarClosed()
        rig.open()
        rig.ear.stream()
        old, rig.microphone._deliver = rig.microphone._deliver, stale
        rig.microphone.hear(WORD)
        rig.microphone._deliver = old
        rig.microphone.hear(QUIET)
        assert isinstance(rig.event(), Captured)
        assert rig.ear.progress == 1


def test_closing_zeroes_what_was_kept():
    with running() as rig:
        rig.open()
        rig.microphone.hear(QUIET)
        rig.ear.stream(200)
        rig.event()
        ring = rig.ear._hearing._kept._ring
        assert ring.any()
        rig.ear.close()
        rig.event()
        assert not ring.any()


def test_closing_drops_what_nobody_has_heard_yet():
    """The driver has delivered it, and the ear was busy."""
    with running() as rig:
        rig.open()
        rig.ear.stream()
        busy, go_on = threading.Event(), threading.Event()

        def keep_busy():
            busy.set()
            assert go_on.wait(BOUND_S)

        rig.ear._inbox.put(keep_busy)
        assert busy.wait(BOUND_S)
        rig.ear.close()
        rig.ear.open()
        blocks = rig.ear._blocks
        for _ in range(5):
            rig.microphone.hear(QUIET)
        assert len(blocks) == 5
        go_on.set()
        assert [rig.event(), rig.event()] == [EarClosed(), EarOpened()]
        assert not blocks
        rig.ear.stream()
        rig.microphone.hear(QUIET)
        assert len(samples_of(rig.event().pcm)) == pytest.approx(1920, abs=32)
        assert rig.ear.progress == 1


class SlowToClose(FakeMicrophone):
    """A driver that takes its time to close, until the test lets it."""

    def __init__(self):
        super().__init__()
        self.closing, self.let_go = threading.Event(), threading.Event()

    def close(self):
        self.closing.set()
        assert self.let_go.wait(BOUND_S)
        super().close()


def test_what_was_kept_is_zeroed_before_the_driver_has_closed():
    microphone = SlowToClose()
    with running(microphone) as rig:
        rig.open()
        microphone.hear(QUIET)
        rig.ear.stream(200)
        rig.event()
        ring = rig.ear._hearing._kept._ring
        assert ring.any()
        rig.ear.close()
        assert microphone.closing.wait(BOUND_S)
        assert not ring.any()
        microphone.let_go.set()
        assert rig.event() == EarClosed()


def test_what_nobody_has_heard_yet_is_dropped_before_the_driver_has_closed_and_after():
    microphone = SlowToClose()
    with running(microphone) as rig:
        rig.open()
        busy, go_on = threading.Event(), threading.Event()

        def keep_busy():
            busy.set()
            assert go_on.wait(BOUND_S)

        rig.ear._inbox.put(keep_busy)
        assert busy.wait(BOUND_S)
        rig.ear.close()
        blocks = rig.ear._blocks
        microphone.hear(QUIET)
        assert len(blocks) == 1
        go_on.set()
        assert microphone.closing.wait(BOUND_S)
        assert not blocks
        microphone.hear(QUIET)
        assert len(blocks) == 1
        microphone.let_go.set()
        assert rig.event() == EarClosed()
        assert not blocks


def test_what_was_held_back_in_doubt_is_dropped_before_the_driver_has_closed():
    microphone = SlowToClose()
    with running(microphone) as rig:
        rig.open()
        rig.ear.stream()
        microphone.hear(QUIET)
        assert isinstance(rig.event(), Captured)
        microphone.lose(3200)
        microphone.hear(QUIET)
        held = rig.ear._continuity._held
        looked = threading.Event()
        rig.ear._inbox.put(looked.set)
        assert looked.wait(BOUND_S)
        assert len(held) == 1
        rig.ear.close()
        assert microphone.closing.wait(BOUND_S)
        assert not held
        microphone.let_go.set()
        assert rig.event() == EarClosed()


def test_a_word_over_the_tail_of_our_own_sound_is_whole():
    with running() as rig:
        rig.open()
        for _ in range(3):
            rig.microphone.hear(QUIET)
        rig.ear.stream(0, after_s=60.0)
        rig.microphone.hear(WORD)
        woke = rig.event()
        assert isinstance(woke, Woke)
        assert len(samples_of(woke.preroll)) == pytest.approx(4800, abs=32)
        rig.microphone.hear(QUIET)
        assert isinstance(rig.event(), Captured)


def test_nothing_from_before_a_moment_is_let_out():
    with running() as rig:
        rig.open()
        for _ in range(3):
            rig.microphone.hear(QUIET)
        rig.ear.stream(200, after_s=0.22)
        assert len(samples_of(rig.event().pcm)) == pytest.approx(480, abs=32)


def test_a_block_without_its_moment_is_placed_by_its_arrival():
    with running() as rig:
        rig.open()
        for number in range(3):
            rig.microphone._deliver(Block(bytes(2560), number * 0.08, 50 + number * 0.08, overflowed=False))
        rig.ear.stream(200, after_s=50.10)
        assert len(samples_of(rig.event().pcm)) == pytest.approx(1440, abs=32)


def test_counts_its_progress_and_level():
    with running() as rig:
        rig.open()
        rig.ear.stream()
        for _ in range(3):
            rig.microphone.hear(np.full(1280, 16_384, np.int16))
            rig.event()
        assert rig.ear.level_db == pytest.approx(-6.02, abs=0.01)
        rig.microphone.hear(np.full(1280, 164, np.int16))
        rig.event()
        assert rig.ear.level_db == pytest.approx(-46.01, abs=0.01)
        assert rig.ear.loudest.level_db == pytest.approx(-6.02, abs=0.01)
        rig.ear.close()
        rig.event()
        assert rig.ear.level_db == rig.ear.loudest.level_db == SILENCE_DB
        assert rig.ear.progress == 4


def test_lost_frames_are_filled_and_counted():
    with running() as rig:
        rig.open()
        rig.ear.stream()
        rig.microphone.hear(QUIET)
        rig.microphone.lose(3200)
        rig.microphone.hear(QUIET, overflowed=True)
        got = sum(len(samples_of(rig.event().pcm)) for _ in range(3))
        assert got == pytest.approx((2 * 1280 + 3200) * 1.5, abs=32)
        assert (rig.ear.losses.overflows, rig.ear.losses.filled_frames) == (1, 3200)


def test_a_stream_that_ends_by_itself_is_told():
    with running() as rig:
        rig.open()
        rig.microphone.end()
        problem = rig.event().problem
        assert problem.fault == "device"
        assert "'fake microphone': its stream has ended by itself" in problem.sentence
        assert not rig.microphone.is_open
        rig.open()


def test_a_microphone_that_falls_silent_is_told_and_can_be_opened_again():
    with running(stall_ms=20) as rig:
        rig.ear.open()
        assert rig.event() == EarOpened()
        assert "has given no sound for 20 ms" in rig.event().problem.sentence
        assert not rig.microphone.is_open
        rig.ear.open()
        assert rig.event() == EarOpened()


@pytest.mark.parametrize("hung", [False, True])
def test_says_whether_the_sound_system_hangs(hung):
    microphone = FakeMicrophone()
    with running(microphone) as rig:
        rig.open()
        microphone.hung = hung
        microphone.end()
        assert rig.event().hung is hung
        microphone.refusal = DeviceError("the microphone", "it hangs", "Wait")
        rig.ear.open()
        assert rig.event() == EarClosed(microphone.refusal.problem(), hung=hung)
        rig.ear.close()
        assert rig.event() == EarClosed(hung=hung)


def test_a_microphone_that_trickles_is_told():
    """Its clock goes at half the speed of ours, so no block is missing and none comes in time."""
    with running(stall_ms=450) as rig:
        rig.ear.open()
        assert rig.event() == EarOpened()
        for number in range(30):
            rig.microphone.late_s = number * 0.08
            rig.microphone.hear(QUIET)
        assert "comes too slowly, and is 450 ms behind time" in rig.event().problem.sentence
        assert not rig.microphone.is_open


def test_a_machine_that_was_busy_is_no_fault_of_the_microphone():
    """Half a second of blocks comes late, and a second is lost; both are over."""
    with running(stall_ms=450) as rig:
        rig.ear.open()
        assert rig.event() == EarOpened()
        rig.microphone.hear(QUIET)
        rig.microphone.late_s = 0.6
        rig.microphone.hear(np.tile(QUIET, 8))
        rig.microphone.late_s = 0.0
        rig.microphone.lose(16_000)
        rig.microphone.hear(QUIET, overflowed=True)
        rig.microphone.hear(np.tile(QUIET, 30))
        rig.ear.close()
        assert rig.event() == EarClosed()


class Told:
    """An Echo that takes nothing out."""

    sounding = False

    def __init__(self):
        self.told = []

    def begin(self, rate_hz):
        self.told.append(("begin", rate_hz))
        return [EchoJudged(True, 30.0, 0.0, 0.0)]

    def clean(self, samples, captured_s):
        self.told.append((len(samples), round(captured_s, 6)))
        return Cleaned(samples, samples)

    def judge(self, marks):
        return []

    def own_word(self, word):
        return True

    def forget(self):
        self.told.append(("forget",))


def test_the_echo_path_hears_of_all():
    """What was lost has its place in time too."""
    echo = Told()
    with running(echo=echo) as rig:
        rig.open()
        assert rig.event() == EchoJudged(True, 30.0, 0.0, 0.0)
        rig.microphone.hear(QUIET)
        rig.microphone.lose(3200)
        rig.microphone.hear(QUIET, overflowed=True)
        rig.ear.close()
        assert rig.event() == EarClosed()
    assert echo.told == [("begin", 16_000), (1280, 0.0), (3200, 0.08), (1280, 0.28), ("forget",)]


def test_a_word_of_our_own_is_counted():
    with running(echo=Told()) as rig:
        rig.open()
        rig.event()
        rig.microphone.hear(WORD)
        rig.ear.close()
        assert rig.event() == EarClosed()
        assert rig.ear.own_words == 1


def test_stop_closes_the_microphone():
    with running() as rig:
        rig.open()
    assert not rig.microphone.is_open


class HangingMicrophone(FakeMicrophone):
    """A driver that never comes back from opening, until the test lets it."""

    def __init__(self):
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def open(self, deliver):
        self.entered.set()
        assert self.let_go.wait(BOUND_S)
        return super().open(deliver)


def test_an_ear_that_hangs_in_its_driver_shows_no_life():
    """Else the watchdog would be fed for ever by an appliance that is deaf."""
    microphone = HangingMicrophone()
    with running(microphone) as rig:
        liveness = Liveness()
        rig.ear.open()
        assert microphone.entered.wait(BOUND_S)
        liveness.advanced(Progress(rig.ear.progress, mouth=1))
        assert not liveness.advanced(Progress(rig.ear.progress, mouth=2))
        microphone.let_go.set()
        assert rig.event() == EarOpened()
