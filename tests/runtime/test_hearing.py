"""No sample between the wake word's start and the end of the turn is lost, doubled or moved."""

import numpy as np
import pytest

from antiphon.audio.endpoint import Endpointer
from antiphon.audio.trigger import Trigger, WakeWord
from antiphon.conversation.events import Captured, EchoJudged, Endpointed, NearEnd, Woke
from antiphon.pcm import samples_of
from antiphon.runtime.echo import Cleaned
from antiphon.runtime.hearing import Hearing


class WordAt:
    """A wake word engine that scores 1.0 in the steps in which a given sample at 16 kHz was heard."""

    words = ("hey",)

    def __init__(self, *at: int) -> None:
        self.at, self.heard, self.forgotten = at, 0, 0

    def hear(self, samples):
        start, self.heard = self.heard, self.heard + len(samples)
        return [[float(any(start <= at < self.heard for at in self.at))]]

    def forget(self):
        self.forgotten += 1


class LoudIsVoice:
    """A voice detector for which any 20 ms with a sample over 8000 is voice."""

    def __init__(self) -> None:
        self.rest = np.zeros(0, np.int16)

    def voiced(self, samples):
        heard = np.concatenate((self.rest, samples))
        whole = len(heard) // 320
        self.rest = heard[whole * 320 :]
        return [bool(mark.max() > 8000) for mark in heard[: whole * 320].reshape(-1, 320)]

    def forget(self):
        self.rest = np.zeros(0, np.int16)


def room(seconds: float, rate_hz: int) -> np.ndarray:
    """A sweep: every 1/100 s of it differs from every other."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (6000 * np.sin(2 * np.pi * (200 * t + 150 * t * t))).astype(np.int16)


def voice(frames: int) -> np.ndarray:
    """A tone that LoudIsVoice takes for voice, and that stands out of a silence before it."""
    return (12_000 * np.sin(2 * np.pi * np.arange(frames) / 16)).astype(np.int16)


class Placed(Hearing):
    """Sound is given without times: frame 0 of the stream was at the microphone at 100 s."""

    frames = 0

    def hear(self, samples, captured_s=None):
        at_s = 100 + self.frames / self._rate_hz if captured_s is None else captured_s
        self.frames += len(samples)
        return super().hear(samples, at_s)


def hearing(rate_hz: int, *words_at: int, preroll_ms: float = 500, endpoint=None, echo=None) -> Placed:
    trigger = Trigger([WakeWord("hey", 0.5, refractory_ms=100)])
    return Placed(rate_hz, WordAt(*words_at), LoudIsVoice(), trigger, endpoint, preroll_ms, echo, clock=lambda: 7.0)


def sent(events) -> np.ndarray:
    """What left the device, at 24 kHz."""
    pcm = [
        event.preroll if isinstance(event, Woke) else event.pcm
        for event in events
        if isinstance(event, Woke | Captured)
    ]
    return samples_of(b"".join(pcm)).astype(int)


def feed(ear: Hearing, sound: np.ndarray, block_frames: int) -> list:
    return [event for at in range(0, len(sound), block_frames) for event in ear.hear(sound[at : at + block_frames])]


def assert_is_the_room_from(start_s: float, got: np.ndarray, tolerance: int = 12) -> None:
    expected = room(20, 24_000)[round(start_s * 24_000) :][: len(got)]
    # The first millisecond lacks what came before it for the filter; the sweep bounds the rest.
    assert np.abs(got - expected)[60:].max() < tolerance


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("block_ms", [20, 80])
def test_after_the_word_every_sample_is_sent_once(rate_hz, block_ms):
    ear = hearing(rate_hz, 16_000)
    block = rate_hz * block_ms // 1000
    events = feed(ear, room(2, rate_hz), block)
    woke = events[0]
    assert isinstance(woke, Woke)
    assert (woke.word, woke.score, woke.detected_at) == ("hey", 1.0, 7.0)
    assert all(isinstance(event, Captured) for event in events[1:])
    blocks_to_word = next(
        n for n in range(1, 200) if n * block * 16_000 / rate_hz > 16_000 + (25 if rate_hz != 16_000 else 0)
    )
    got = sent(events)
    start_s = blocks_to_word * block / rate_hz - 0.5
    assert len(got) / 24_000 == pytest.approx(2 - start_s, abs=0.003)
    assert_is_the_room_from(start_s, got)


def test_at_rest_nothing_comes_out():
    ear = hearing(16_000)
    assert feed(ear, room(3, 16_000), 1280) == []
    assert not ear.streaming


def test_a_word_while_streaming_repeats_nothing():
    ear = hearing(16_000, 16_000, 24_000)
    events = feed(ear, room(2, 16_000), 1280)
    assert [type(event) for event in events].count(Woke) == 2
    start_s = 13 * 0.08 - 0.5
    got = sent(events)
    assert len(got) / 24_000 == pytest.approx(2 - start_s, abs=0.003)
    assert_is_the_room_from(start_s, got)


def test_a_word_soon_after_rest_repeats_nothing_and_loses_nothing():
    ear = hearing(16_000, 16_000, 25_000)
    sound = room(2, 16_000)
    events = feed(ear, sound[:19_200], 1280)
    ear.rest()
    events += feed(ear, sound[19_200:], 1280)
    assert [type(event) for event in events].count(Woke) == 2
    got = sent(events)
    start_s = 13 * 0.08 - 0.5
    assert len(got) / 24_000 == pytest.approx(2 - start_s, abs=0.003)
    assert_is_the_room_from(start_s, got)


def test_told_to_rest_and_to_stream_at_once_leaves_no_seam():
    ear = hearing(16_000)
    ear.stream()
    sound = room(2, 16_000)
    events = feed(ear, sound[:15_999], 1280)
    ear.rest()
    events += ear.stream(300)
    events += feed(ear, sound[15_999:], 1280)
    got = sent(events)
    assert len(got) / 24_000 == pytest.approx(2, abs=0.003)
    assert_is_the_room_from(0, got)


def test_a_word_long_after_rest_brings_the_whole_preroll():
    ear = hearing(16_000, 8_000, 40_000)
    sound = room(3, 16_000)
    feed(ear, sound[:12_800], 1280)
    ear.rest()
    events = feed(ear, sound[12_800:], 1280)
    assert len(samples_of(events[0].preroll)) == pytest.approx(12_000, abs=32)
    assert_is_the_room_from(32 * 0.08 - 0.5, sent(events))


def test_told_to_stream_from_now():
    ear = hearing(16_000)
    sound = room(2, 16_000)
    feed(ear, sound[:12_800], 1280)
    assert ear.stream() == []
    events = feed(ear, sound[12_800:], 1280)
    assert_is_the_room_from(0.8, sent(events))
    assert len(sent(events)) == pytest.approx(1.2 * 24_000, abs=32)


def test_told_to_stream_with_preroll_begins_at_once():
    ear = hearing(16_000)
    sound = room(2, 16_000)
    feed(ear, sound[:12_800], 1280)
    events = ear.stream(500)
    assert [type(event) for event in events] == [Captured]
    events += feed(ear, sound[12_800:], 1280)
    assert ear.stream(500) == []
    assert_is_the_room_from(0.3, sent(events))
    assert len(sent(events)) == pytest.approx(1.7 * 24_000, abs=32)


def test_voice_is_marked():
    ear = hearing(16_000)
    ear.stream()
    sound = np.zeros(4 * 1280, np.int16)
    sound[1280 + 640 : 2 * 1280 + 640] = voice(1280)
    # One mark late: three agree on what each is.
    assert [event.voiced_ms for event in feed(ear, sound, 1280)] == [0.0, 20.0, 60.0, 0.0]


def test_voice_in_the_preroll_is_marked():
    ear = hearing(16_000)
    sound = np.zeros(16_000, np.int16)
    sound[12_800:14_400] = voice(1600)
    feed(ear, sound, 1280)
    assert ear.stream(500)[0].voiced_ms == 100.0


@pytest.mark.parametrize("block_frames", [160, 333, 1280])
def test_voice_up_to_now_is_in_the_preroll(block_frames):
    """Though marks are made for half a second at once while nobody wants them."""
    ear = hearing(16_000)
    sound = np.zeros(16_000, np.int16)
    sound[14_400:] = voice(1600)
    feed(ear, sound, block_frames)
    assert ear.stream(500)[0].voiced_ms == 80.0


def test_steady_noise_is_no_voice_though_the_detector_says_so():
    ear = hearing(16_000)
    feed(ear, voice(32_000), 1280)
    assert ear.stream(500)[0].voiced_ms == 0.0
    assert sum(event.voiced_ms for event in feed(ear, voice(16_000), 1280)) == 0.0


def test_no_turn_begins_in_the_noise_that_was_there_at_rest():
    ear = hearing(16_000, endpoint=Endpointer(100, 200, 60_000))
    feed(ear, voice(32_000), 1280)
    ear.stream()
    assert all(isinstance(event, Captured) for event in feed(ear, voice(32_000), 1280))


def test_own_endpointing_only_while_streaming():
    ear = hearing(16_000, endpoint=Endpointer(100, 200, 60_000))
    sound = np.concatenate((voice(8000), np.zeros(8000, np.int16)))
    assert feed(ear, sound, 1280) == []
    ear.stream()
    events = feed(ear, sound, 1280)
    assert [event.edge for event in events if isinstance(event, Endpointed)] == ["began", "ended"]


def test_a_word_in_a_turn_does_not_keep_its_end_from_being_judged():
    ear = hearing(16_000, 9900, endpoint=Endpointer(100, 200, 60_000))
    ear.stream()
    silence = np.zeros(8000, np.int16)
    events = feed(ear, np.concatenate((silence[:2000], voice(8000), silence)), 1280)
    assert [type(event) for event in events].count(Woke) == 1
    assert [event.edge for event in events if isinstance(event, Endpointed)] == ["began", "ended"]


def test_a_turn_may_begin_in_the_very_block_of_the_word():
    ear = hearing(16_000, 2600, endpoint=Endpointer(100, 200, 60_000))
    ear.stream()
    events = feed(ear, np.concatenate((np.zeros(1280, np.int16), voice(2560))), 1280)
    assert [type(event) for event in events] == [Captured, Captured, Woke, Endpointed]


def test_forget_leaves_nothing_behind():
    ear = hearing(16_000, 16_000)
    feed(ear, room(2, 16_000), 1280)
    ring = ear._kept._ring
    ear.forget()
    assert not ring.any()
    assert not ear.streaming
    assert ear.stream(500) == []


def test_without_a_word_engine_it_still_streams():
    ear = Placed(16_000, None, LoudIsVoice(), None, None, 500)
    assert feed(ear, room(1, 16_000), 1280) == []
    assert len(ear.stream(500)) == 1


def test_streams_no_more_of_the_past_than_asked_for():
    ear = hearing(16_000)
    feed(ear, room(1, 16_000)[:15_360], 1280)
    got = sent(ear.stream(100))
    assert len(got) == pytest.approx(2400, abs=32)
    assert_is_the_room_from(0.86, got)


# ── not before a moment ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("told_at_s", [0.9, 1.2])
def test_nothing_from_before_a_moment_is_sent(rate_hz, told_at_s):
    """Whether the moment is yet to come or not, and wherever it lies in a block."""
    ear = hearing(rate_hz)
    sound = room(2, rate_hz)
    told = round(told_at_s * rate_hz)
    feed(ear, sound[:told], rate_hz // 12)
    events = ear.stream(500, after_s=101.01)
    events += feed(ear, sound[told:], rate_hz // 12)
    got = sent(events)
    assert len(got) / 24_000 == pytest.approx(0.99, abs=0.003)
    assert_is_the_room_from(1.01, got)


def test_a_moment_long_past_cuts_nothing():
    ear = hearing(16_000)
    feed(ear, room(1, 16_000), 1280)
    assert len(sent(ear.stream(300, after_s=99.0))) == pytest.approx(7200, abs=32)


def test_speech_before_the_moment_begins_no_turn():
    ear = hearing(16_000, endpoint=Endpointer(100, 200, 60_000))
    silence = np.zeros(8000, np.int16)
    feed(ear, np.concatenate((silence, voice(8000))), 1280)
    assert ear.stream(500, after_s=101.6) == []
    events = feed(ear, np.concatenate((voice(8000), silence, silence)), 1280)
    assert all(isinstance(event, Captured) for event in events)
    assert sum(event.voiced_ms for event in events) == 0.0


def test_speech_after_the_moment_does():
    ear = hearing(16_000, endpoint=Endpointer(100, 200, 60_000))
    silence = np.zeros(16_000, np.int16)
    feed(ear, silence, 1280)
    ear.stream(500, after_s=101.25)
    events = feed(ear, np.concatenate((silence[:8000], voice(8000), silence)), 1280)
    assert [event.edge for event in events if isinstance(event, Endpointed)] == ["began", "ended"]
    assert sum(event.voiced_ms for event in events if isinstance(event, Captured)) == 500.0


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("after_s", [101.15, 103.0])
def test_a_word_before_the_moment_is_whole_and_all_after_it_is_sent(rate_hz, after_s):
    """It matters more than that the tail of our own sound is in it."""
    ear = hearing(rate_hz, 17_000)
    sound = room(2, rate_hz)
    feed(ear, sound[:rate_hz], rate_hz // 10)
    assert ear.stream(0, after_s=after_s) == []
    events = feed(ear, sound[rate_hz:], rate_hz // 10)
    assert isinstance(events[0], Woke)
    assert len(samples_of(events[0].preroll)) == pytest.approx(12_000, abs=32)
    assert_is_the_room_from(0.6, sent(events))
    assert len(sent(events)) == pytest.approx(1.4 * 24_000, abs=32)


def test_a_word_in_the_block_of_the_moment_is_whole():
    ear = hearing(16_000, 19_000)
    sound = room(2, 16_000)
    feed(ear, sound[:16_000], 1600)
    ear.stream(0, after_s=101.15)
    events = feed(ear, sound[16_000:], 3200)
    assert_is_the_room_from(0.7, sent(events))
    assert len(sent(events)) == pytest.approx(1.3 * 24_000, abs=32)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
@pytest.mark.parametrize("ends", ["word", "talk"])
def test_what_was_sent_before_the_reply_is_not_sent_again(rate_hz, ends):
    """Nor is there a seam: the tail of our own sound goes on where the question ended."""
    ear = hearing(rate_hz, *([17_000] if ends == "word" else []))
    sound = room(2, rate_hz)
    block = rate_hz // 10
    ear.stream()
    events = feed(ear, sound[: 8 * block], block)
    ear.rest()
    events += feed(ear, sound[8 * block : 10 * block], block)
    assert ear.stream(0, after_s=103.0) == []
    events += feed(ear, sound[10 * block : 11 * block], block)
    if ends == "talk":
        ear.rest()
        events += ear.stream(500)
    events += feed(ear, sound[11 * block :], block)
    assert len(sent(events)) == pytest.approx(2 * 24_000, abs=64)
    assert_is_the_room_from(0, sent(events))


def test_a_word_after_the_moment_repeats_nothing():
    ear = hearing(16_000, 20_000)
    sound = room(2, 16_000)
    feed(ear, sound[:16_000], 1600)
    ear.stream(0, after_s=101.15)
    events = feed(ear, sound[16_000:], 1600)
    assert [type(event) for event in events].count(Woke) == 1
    assert_is_the_room_from(1.15, sent(events))
    assert len(sent(events)) == pytest.approx(0.85 * 24_000, abs=32)


def test_a_rest_ends_the_waiting_for_a_moment():
    """Told to stream anew, with no moment, the ear gives the past that is asked for, and all that comes."""
    ear = hearing(16_000)
    sound = room(2, 16_000)
    feed(ear, sound[:16_000], 1600)
    assert ear.stream(0, after_s=103.0) == []
    assert ear.streaming
    feed(ear, sound[16_000:17_600], 1600)
    ear.rest()
    assert not ear.streaming
    events = ear.stream(300)
    assert len(sent(events)) == pytest.approx(7200, abs=32)
    events += feed(ear, sound[17_600:], 1600)
    assert_is_the_room_from(0.8, sent(events))
    assert len(sent(events)) == pytest.approx(1.2 * 24_000, abs=32)


def test_a_word_after_a_rest_in_the_tail_is_whole():
    ear = hearing(16_000, 19_000)
    sound = room(2, 16_000)
    feed(ear, sound[:16_000], 1600)
    ear.stream(0, after_s=101.15)
    ear.rest()
    events = feed(ear, sound[16_000:], 1600)
    assert_is_the_room_from(0.7, sent(events))
    assert len(sent(events)) == pytest.approx(1.3 * 24_000, abs=32)


def test_a_turn_after_a_word_before_the_moment_is_judged():
    ear = hearing(16_000, 17_000, endpoint=Endpointer(100, 200, 60_000))
    silence = np.zeros(16_000, np.int16)
    feed(ear, silence, 1280)
    ear.stream(0, after_s=103.0)
    events = feed(ear, np.concatenate((silence[:3200], voice(8000), silence[:8000])), 1280)
    assert isinstance(events[0], Woke)
    assert [event.edge for event in events if isinstance(event, Endpointed)] == ["began", "ended"]


def test_forget_ends_the_waiting_for_a_moment():
    ear = hearing(16_000)
    feed(ear, room(1, 16_000), 1600)
    ear.stream(0, after_s=103.0)
    ear.forget()
    assert not ear.streaming


# ── with our own sound in the room ───────────────────────────────────────────────────────────────


class HalfLoud:
    """An Echo that halves what is heard, and gives wake words the whole, 37 frames late; it notes what it is told."""

    LATE = 37

    def __init__(self) -> None:
        self.sounding = False
        self.own = False
        self.told: list = []
        self.held = np.zeros(self.LATE, np.int16)
        self.begun = False

    def played(self, samples, rate_hz, heard_at_s):
        raise AssertionError("that is for the mouth to say")

    def begin(self, rate_hz):
        self.told.append(("begin", rate_hz))
        return [EchoJudged(True, 30.0, 0.0, 0.0)]

    def clean(self, samples, captured_s):
        self.told.append(("clean", len(samples), captured_s))
        whole = np.concatenate((self.held[: self.LATE if self.begun else 0], samples))
        self.begun = True
        wake, self.held = whole[: -self.LATE], whole[-self.LATE :]
        return Cleaned(wake // 2, wake) if self.sounding else Cleaned(wake, wake)

    def judge(self, marks):
        self.told.append(("judge", len(marks)))
        return [NearEnd("began"), EchoJudged(False, 0.0, 0.0, 0.0)] if self.sounding and marks else []

    def own_word(self, word):
        self.told.append(("own", word))
        return self.own

    def forget(self):
        self.told.append(("forget",))

    def count(self, what):
        return sum(told[0] == what for told in self.told)


def test_is_told_of_a_stream_and_its_end():
    echo = HalfLoud()
    ear = hearing(48_000, echo=echo)
    assert ear.begin() == [EchoJudged(True, 30.0, 0.0, 0.0)]
    ear.forget()
    assert echo.told == [("begin", 48_000), ("forget",)]
    assert hearing(48_000).begin() == []


def test_what_is_sent_is_what_is_left():
    echo = HalfLoud()
    echo.sounding = True
    ear = hearing(16_000, echo=echo)
    sound = room(1, 16_000)
    feed(ear, sound[:8000], 800)
    events = ear.stream(500)
    events += feed(ear, sound[8000:], 800)
    got = sent(events)
    assert len(got) == pytest.approx(1.5 * (16_000 - echo.LATE), abs=32)
    expected = room(1, 24_000)[: len(got)] / 2
    assert np.abs(got - expected)[60:].max() < 12
    assert [told[1:] for told in echo.told if told[0] == "clean"][10:12] == [(800, 100.5), (800, 100.55)]


def test_wake_words_are_heard_in_what_is_for_them():
    heard = []

    class Listening(WordAt):
        def hear(self, samples):
            heard.append(samples)
            return super().hear(samples)

    echo = HalfLoud()
    trigger = Trigger([WakeWord("hey", 0.5, refractory_ms=100)])
    ear = Placed(48_000, Listening(), LoudIsVoice(), trigger, None, 500, echo)
    sound = room(1, 48_000)
    feed(ear, sound[:24_000], 2400)
    echo.sounding = True
    feed(ear, sound[24_000:36_000], 2400)
    echo.sounding = False
    feed(ear, sound[36_000:], 2400)
    got = np.concatenate(heard).astype(int)
    # A resampler begins and one ends: the delay of each, 1.2 ms, is missing.
    assert len(got) == pytest.approx(16_000 - 20, abs=60)
    loud = [int(np.abs(piece).max()) for piece in heard]
    assert min(loud[1:]) > 5500


def test_who_else_speaks_is_told_while_it_streams():
    echo = HalfLoud()
    ear = hearing(16_000, echo=echo)
    ear.stream()
    assert [type(event) for event in feed(ear, room(0.1, 16_000), 800)] == [Captured, Captured]
    echo.sounding = True
    assert [type(event) for event in feed(ear, room(0.1, 16_000), 800)] == [Captured, NearEnd, EchoJudged] * 2


def test_at_rest_only_the_judgement_is_told_and_at_once():
    echo = HalfLoud()
    ear = hearing(16_000, echo=echo)
    echo.sounding = True
    assert [type(event) for event in feed(ear, room(0.1, 16_000), 800)] == [EchoJudged] * 2


def test_it_is_asked_after_each_piece_and_given_each_mark_once():
    echo = HalfLoud()
    ear = hearing(16_000, echo=echo)
    feed(ear, room(1, 16_000), 800)
    ear.stream(100)
    feed(ear, room(1, 16_000), 800)
    asked = [told[1] for told in echo.told if told[0] == "judge"]
    assert len(asked) == 41
    assert sum(asked) == (32_000 - echo.LATE) // 320


def test_our_own_word_is_none():
    echo = HalfLoud()
    echo.own = True
    ear = hearing(16_000, 8000, 12_000, echo=echo)
    assert feed(ear, room(0.6, 16_000), 800) == []
    assert ear.own_words == 1
    echo.own = False
    assert next(type(event) for event in feed(ear, room(0.2, 16_000), 800)) is Woke
    assert echo.count("own") == 2
