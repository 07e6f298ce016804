"""The mouth's thread: what the card pulls is what was said, and facts are told when they are true."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from queue import SimpleQueue

import numpy as np
import pytest

from antiphon.audio.jitter import JitterPlan
from antiphon.conversation.events import Finished, Hushed, MouthFailed, MouthOpened, Sounded
from antiphon.devices.fake_sound import FakeSpeaker
from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.runtime.mouth import Mouth, MouthPlan

BOUND_S = 20
LATER_S = 1e6


class Rig:
    def __init__(self, speaker: FakeSpeaker, **plan) -> None:
        self.speaker = speaker
        self.events: SimpleQueue = SimpleQueue()
        plan = {
            "chime_level_db": -26.0,
            "ring_level_db": -26.0,
            "stall_ms": 1e9,
            "linger_ms": 1e9,
            "jitter": JitterPlan(start_ms=40, most_ms=500),
        } | plan
        self.played: list[tuple[np.ndarray, int, float]] = []
        self.mouth = Mouth(speaker, self.events.put, MouthPlan(**plan), lambda *what: self.played.append(what))

    def event(self):
        return self.events.get(timeout=BOUND_S)

    def settle(self) -> None:
        """Wait until the mouth's thread has done all it was asked for so far."""
        done: SimpleQueue = SimpleQueue()
        self.mouth._ask(lambda: done.put(True))
        done.get(timeout=BOUND_S)

    def say(self, reply: str, sound: np.ndarray, *, end: bool = True) -> None:
        self.mouth.play(reply, bytes_of(sound))
        if end:
            self.mouth.end(reply)
        self.settle()


@contextlib.contextmanager
def running(speaker: FakeSpeaker | None = None, **plan) -> Iterator[Rig]:
    rig = Rig(speaker or FakeSpeaker(), **plan)
    rig.mouth.start()
    try:
        yield rig
    finally:
        rig.mouth.stop(BOUND_S)
    assert not rig.speaker.is_open


def ramp(frames: int) -> np.ndarray:
    return np.arange(1, frames + 1).astype(np.int16)


def test_opens_nothing_before_it_is_needed():
    with running() as rig:
        rig.settle()
        assert not rig.speaker.is_open
        rig.mouth.prepare()
        rig.settle()
        assert rig.speaker.is_open
        assert rig.mouth.format == rig.speaker.format


def test_plays_a_reply_and_tells_its_life():
    with running() as rig:
        rig.say("a", ramp(1200))
        sound = rig.speaker.play(4)
        assert sound[:1200].tolist() == ramp(1200).tolist()
        assert not sound[1200:].any()
        assert [rig.event(), rig.event()] == [Sounded("a"), Finished("a", 50.0)]


def test_facts_wait_for_device_time():
    with running() as rig:
        rig.say("later", ramp(1200))
        rig.speaker.play(4, heard_at_s=time.monotonic() + LATER_S)
        rig.say("empty", ramp(0))
        assert rig.event() == Finished("empty", 0.0)  # though it was said after
        assert rig.events.empty()


def test_any_card_rate():
    with running(FakeSpeaker(rate_hz=48_000, block_frames=960)) as rig:
        tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(4800) / 24_000)).astype(np.int16)
        rig.say("a", tone)
        sound = rig.speaker.play(11)
        expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(9600) / 48_000)
        assert np.abs(sound[:9600] - expected)[100:-100].max() < 4
        assert not sound[9600:].any()
        assert [rig.event(), rig.event()] == [Sounded("a"), Finished("a", 200.0)]


def test_pieces_of_a_reply_join_without_a_seam():
    with running(FakeSpeaker(rate_hz=48_000, block_frames=960)) as rig:
        tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(4800) / 24_000)).astype(np.int16)
        for at in range(0, 4800, 100):
            rig.mouth.play("a", bytes_of(tone[at : at + 100]))
        rig.mouth.end("a")
        rig.settle()
        sound = rig.speaker.play(11)
        expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(9600) / 48_000)
        assert np.abs(sound[:9600] - expected)[100:-100].max() < 4


def test_hush_acts_on_the_next_period_and_says_what_was_heard():
    with running() as rig:
        rig.say("a", np.full(24_000, 9000, np.int16))
        rig.speaker.play(5)
        assert rig.event() == Sounded("a")
        rig.mouth.hush("a")
        sound = rig.speaker.play(2)
        assert sound[0] == 9000
        assert not sound[192:].any()  # faded within 8 ms
        assert rig.event() == Hushed("a", pytest.approx(108.0, abs=0.1))


def test_what_a_deep_card_still_has_of_a_hushed_reply_is_dropped_and_was_not_heard():
    with running() as rig:
        rig.mouth.prepare()
        rig.say("a", np.full(24_000, 9000, np.int16))
        rig.speaker.play(25, heard_at_s=time.monotonic() + LATER_S)
        rig.mouth.hush("a")
        assert rig.event() == Hushed("a", 0.0)
        rig.settle()
        assert rig.speaker.opened == 2  # it is open again for what is to come
        assert not rig.speaker.play(3).any()


def test_what_two_periods_hold_is_not_dropped():
    with running() as rig:
        rig.say("a", np.full(24_000, 9000, np.int16))
        now_s = time.monotonic()
        rig.speaker.play(2, heard_at_s=now_s)
        rig.mouth.hush("a")
        rig.speaker.play(1, heard_at_s=now_s + 0.04)
        assert [rig.event(), rig.event()] == [Sounded("a"), Hushed("a", pytest.approx(48.0, abs=0.1))]
        assert rig.speaker.opened == 1


def test_audio_after_the_hush_is_not_played():
    with running() as rig:
        rig.say("a", np.full(2400, 9000, np.int16), end=False)
        rig.speaker.play(1)
        rig.mouth.hush("a")
        rig.say("a", np.full(2400, 9000, np.int16))
        assert not rig.speaker.play(8)[192:].any()


def test_hush_of_what_was_never_played():
    with running() as rig:
        rig.mouth.hush("a")
        assert rig.event() == Hushed("a", 0.0)
        rig.say("b", ramp(0))
        assert rig.event() == Finished("b", 0.0)
        rig.mouth.hush("c")
        assert rig.event() == Hushed("c", 0.0)


def test_what_no_card_has_taken_can_be_withdrawn():
    with running() as rig:
        rig.mouth.withdraw("never")
        assert rig.event() == Hushed("never", 0.0)
        rig.say("a", np.full(2400, 9000, np.int16), end=False)
        rig.mouth.withdraw("a")
        assert rig.event() == Hushed("a", 0.0)
        assert not rig.speaker.play(8).any()


def test_what_the_card_has_taken_of_is_played_to_its_end():
    with running() as rig:
        rig.say("a", np.full(2400, 9000, np.int16), end=False)
        rig.speaker.play(1)
        rig.mouth.withdraw("a")
        rig.say("a", np.full(2400, 9000, np.int16))
        rig.speaker.play(12)
        assert rig.event() == Sounded("a")
        assert rig.event() == Finished("a", pytest.approx(200.0, abs=1))


def test_a_chime_is_mixed_over_the_reply_and_clipped():
    with running() as rig:
        rig.say("a", np.full(24_000, 32_000, np.int16))
        rig.mouth.chime("wake")
        rig.settle()
        sound = rig.speaker.play(10)
        assert sound.max() == 32_767
        assert sound.min() < 32_000
        assert (sound[-50:] == 32_000).all()


def test_a_chime_alone_opens_the_speaker_and_posts_nothing():
    with running() as rig:
        rig.mouth.chime("sorry")
        rig.settle()
        sound = rig.speaker.play(20)
        assert sound.any()
        assert not sound[-400:].any()
        assert rig.events.empty()


@pytest.mark.parametrize(("name", "heard"), [("timer", True), ("wake", False)])
def test_where_chimes_are_not_wanted_a_timer_rings_all_the_same(name, heard):
    with running(chime_level_db=None) as rig:
        rig.mouth.prepare()
        rig.mouth.chime(name)
        rig.settle()
        assert rig.speaker.play(20).any() == heard


def test_underruns_and_underflows_are_counted():
    with running() as rig:
        rig.say("a", ramp(1000), end=False)
        rig.speaker.play(4)
        rig.say("a", ramp(1000), end=False)
        assert rig.mouth.underruns == 1
        assert rig.mouth.depth_ms > 40
        rig.speaker.dry = 3
        assert rig.mouth.underflows == 3


def test_closes_when_nothing_more_is_expected():
    with running(linger_ms=1) as rig:
        rig.mouth.prepare()
        rig.say("a", ramp(100))
        rig.speaker.play(2)
        assert [rig.event(), rig.event()] == [Sounded("a"), Finished("a", pytest.approx(100 / 24))]
        assert rig.speaker.is_open
        rig.mouth.release()
        wait_for(lambda: not rig.speaker.is_open)
        rig.say("b", ramp(100))
        assert rig.speaker.opened == 2


def wait_for(fact) -> None:
    deadline_s = time.monotonic() + BOUND_S
    while not fact():
        assert time.monotonic() < deadline_s


# ── held ──


def test_a_reply_is_held_and_goes_on_where_it_was():
    with running() as rig:
        rig.say("a", np.full(4800, 9000, np.int16))
        before = rig.speaker.play(5)
        rig.mouth.duck("a")
        held = rig.speaker.play(10)
        assert not held[192:].any()
        rig.mouth.chime("wake")
        rig.settle()
        assert rig.speaker.play(1).any()  # chimes are not held
        rig.speaker.play(9)
        rig.mouth.resume("a")
        after = rig.speaker.play(6)
        assert (before == 9000).all()
        assert np.abs(held[:192].astype(int) + after[:192] - 9000).max() <= 1  # the two fades add up
        assert (after[192:2400] == 9000).all()
        assert not after[2400:].any()
        assert [rig.event(), rig.event()] == [Sounded("a"), Finished("a", 200.0)]


def test_a_held_reply_can_be_hushed():
    with running() as rig:
        rig.say("a", np.full(24_000, 9000, np.int16))
        rig.speaker.play(5)
        rig.mouth.duck("a")
        rig.speaker.play(2)
        rig.mouth.hush("a")
        assert [rig.event(), rig.event()] == [Sounded("a"), Hushed("a", pytest.approx(108.0, abs=0.1))]
        rig.mouth.resume("a")
        assert not rig.speaker.play(3).any()


# ── the far end ──


def test_every_period_that_goes_to_the_card_is_told():
    with running(FakeSpeaker(rate_hz=48_000, block_frames=960)) as rig:
        rig.say("a", np.full(12_000, 9000, np.int16))
        rig.mouth.chime("wake")
        rig.settle()
        at_s = time.monotonic()
        sound = rig.speaker.play(40, heard_at_s=at_s)
        assert np.concatenate([period for period, _, _ in rig.played]).tolist() == sound.tolist()
        assert {rate_hz for _, rate_hz, _ in rig.played} == {48_000}
        assert [moment for *_, moment in rig.played] == pytest.approx([at_s + 0.02 * n for n in range(40)])


# ── a speaker that fails ──


def refusing() -> FakeSpeaker:
    speaker = FakeSpeaker()
    speaker.refusal = DeviceError("the speaker", "there is none", "Plug one in")
    return speaker


class Dying(FakeSpeaker):
    """It stays away from its first closing on until `refusal` is None."""

    def close(self) -> None:
        super().close()
        self.refusal = refusing().refusal

    def come_back(self, mouth: Mouth) -> None:
        """It is there again, and this test is in no hurry to play."""
        mouth._plan = replace(mouth._plan, stall_ms=1e9)
        self.refusal = None
        wait_for(lambda: mouth.format is not None)


def test_a_speaker_that_cannot_be_opened_is_told_once_and_what_was_said_waits_for_it():
    speaker = refusing()
    with running(speaker, retry_ms=1) as rig:
        for _ in range(5):
            rig.mouth.play("a", bytes_of(np.full(480, 9000, np.int16)))
        rig.mouth.end("a")
        rig.mouth.play("b", bytes_of(np.full(480, 7000, np.int16)))
        rig.settle()
        rig.mouth.hush("b")
        assert rig.event() == MouthFailed(speaker.refusal.problem())
        assert rig.event() == Hushed("b", 0.0)
        speaker.refusal = None
        wait_for(lambda: rig.mouth.format is not None)
        assert rig.events.empty()  # open is not yet playing
        sound = rig.speaker.play(7)
        assert (sound == 9000).sum() == 2400
        assert not (sound == 7000).any()
        assert {rig.event(), rig.event(), rig.event()} == {MouthOpened(), Sounded("a"), Finished("a", 100.0)}


def test_a_speaker_that_failed_is_not_tried_at_every_turn():
    tries = []

    class Counting(FakeSpeaker):
        def open(self, pull):
            tries.append(pull)
            return super().open(pull)

    speaker = Counting()
    speaker.refusal = refusing().refusal
    with running(speaker) as rig:
        for _ in range(50):
            rig.say("a", ramp(100), end=False)
        assert len(tries) < 10  # one a second


def test_a_card_that_stops_asking_is_told_and_the_reply_goes_on_where_it_was_last_heard():
    with running(Dying(), stall_ms=100, retry_ms=1) as rig:
        rig.say("a", ramp(2400))
        rig.speaker.play(2, heard_at_s=time.monotonic() - 0.02)  # and what it gets next, it never plays
        rig.speaker.play(1, heard_at_s=time.monotonic() + LATER_S)
        assert rig.event() == Sounded("a")
        event = rig.event()
        assert isinstance(event, MouthFailed)
        assert not event.hung
        assert "has asked for no sound" in event.problem.sentence
        rig.speaker.come_back(rig.mouth)
        after = rig.speaker.play(5)
        heard = int(np.flatnonzero(after)[0])
        assert after[192:1440].tolist() == ramp(2400)[960 + 192 :].tolist()
        assert heard < 3  # it fades in
        assert {rig.event(), rig.event()} == {MouthOpened(), Finished("a", 100.0)}


def test_a_sound_system_that_hangs_is_told_and_left_alone():

    class Hanging(FakeSpeaker):
        def close(self):
            self.hung = True
            super().close()

    with running(Hanging(), stall_ms=1, retry_ms=1) as rig:
        rig.mouth.prepare()
        event = rig.event()
        assert isinstance(event, MouthFailed)
        assert event.hung
        rig.say("a", ramp(100))
        assert rig.speaker.opened == 1
        rig.mouth.hush("a")
        assert rig.event() == Hushed("a", 0.0)


def test_a_sound_system_that_hangs_after_the_speaker_has_failed_is_told_too():
    """As the microphone's end of it does: whoever waits for the speaker waits in vain."""

    class Refusing(FakeSpeaker):
        def open(self, pull):
            self.hung = self.opened == 1
            self.refusal = DeviceError("the speaker", "it is gone", "Wait") if self.hung else None
            return super().open(pull)

    with running(Refusing(), stall_ms=1, retry_ms=1) as rig:
        rig.say("a", ramp(100))
        assert [rig.event().hung, rig.event().hung] == [False, True]


def test_another_rate_after_an_outage():
    class Changing(Dying):
        def close(self):
            super().close()
            self.format = replace(self.format, rate_hz=48_000, block_frames=960)

    speaker = Changing(rate_hz=16_000, block_frames=320)
    with running(speaker, stall_ms=1, retry_ms=1) as rig:
        tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(4800) / 24_000)).astype(np.int16)
        rig.say("a", tone[:3000], end=False)
        assert isinstance(rig.event(), MouthFailed)
        rig.say("a", tone[3000:])
        speaker.come_back(rig.mouth)
        sound = rig.speaker.play(11)
        expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(9600) / 48_000)
        assert np.abs(sound[100:9500] - expected[100:9500]).max() < 400  # a seam where the rate changed, and no hole
        assert not sound[9601:].any()
        assert {rig.event(), rig.event(), rig.event()} == {MouthOpened(), Sounded("a"), Finished("a", 200.0)}


def test_progress_goes_on():
    with running() as rig:
        before = rig.mouth.progress
        rig.settle()
        assert rig.mouth.progress > before


def test_the_volume_is_in_all_that_sounds_and_in_what_the_echo_path_is_told():
    loud = np.full(960, 20_000, np.int16)
    with running() as rig:
        rig.say("r1", loud, end=False)
        assert (rig.speaker.play(1) == 20_000).all()  # 480 frames, as they are
        rig.mouth.set_gain(0.5)
        ramp = rig.speaker.play(1)
        assert ramp[-1] == 10_000
        assert np.abs(np.diff(ramp.astype(int), prepend=20_000)).max() <= 21  # 10000 in 480 steps
        rig.mouth.chime("wake")
        rig.settle()
        quiet = rig.speaker.play(1)
        rig.mouth.set_gain(1.0)
        rig.mouth.chime("wake")
        rig.settle()
        rig.speaker.play(1)
        rig.mouth.chime("wake")
        rig.settle()
        full = rig.speaker.play(1)
    assert full.any()
    assert np.abs(full // 2 - quiet).max() <= 1
    told = np.concatenate([period for period, _, _ in rig.played])
    assert (told[:480] == 20_000).all()
    assert told[959] == 10_000
    assert (told[960:1440] == quiet).all()
