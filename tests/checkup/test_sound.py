"""What is said of a microphone and a speaker, by ones that are driven by hand."""

import threading

import numpy as np
import pytest

from antiphon.audio.chime import chime
from antiphon.checkup.sound import HEAR_MS, check_microphone, check_speaker
from antiphon.devices.fake_sound import FakeMicrophone
from antiphon.errors import DeviceError
from antiphon.pcm import frames_in, samples_of
from antiphon.ports import StreamFormat

HASTY_S = 0.05
ENOUGH_S = 20.0
GONE = DeviceError("the microphone", "no device's name holds 'usb'", "Choose one that is there")


def noise(ms, level=300, rate_hz=16_000):
    return np.random.default_rng(1).integers(-level, level, frames_in(ms, rate_hz)).astype(np.int16)


class Room(FakeMicrophone):
    """Hears these sounds as soon as it is opened."""

    def __init__(self, *sounds, ends=False, overflowed=False, **shape):
        super().__init__(**shape)
        self.sounds, self.ends, self.overflowed = sounds, ends, overflowed

    def open(self, deliver):
        stream = super().open(deliver)
        for sound in self.sounds:
            self.hear(sound, overflowed=self.overflowed)
        if self.ends:
            self.end()
        return stream


# ── microphone ──


@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 16_000), (2, 48_000)])
def test_a_microphone_that_hears(channels, rate_hz):
    microphone = Room(noise(HEAR_MS + 200, rate_hz=rate_hz), rate_hz=rate_hz, channels=channels)
    opened = []
    finding = check_microphone(microphone, ENOUGH_S, opened.append)
    assert opened == [rate_hz]
    assert finding.verdict == "ok"
    assert f"at {rate_hz} Hz" in finding.says
    assert "-46 dB" in finding.says  # uniform noise up to 300 has a root mean square of 173
    assert not microphone.is_open


@pytest.mark.parametrize(
    ("microphone", "verdict", "words"),
    [
        (Room(), "fail", "0 ms of sound"),
        (Room(noise(400)), "fail", "400 ms of sound"),
        (Room(noise(400), ends=True), "fail", "400 ms of sound"),
        (Room(np.zeros(32_000, np.int16)), "fail", "silence"),
        (Room(np.full(32_000, 32_767, np.int16)), "warn", "clips"),
        (Room(noise(1500), overflowed=True), "warn", "overflows: 1"),
    ],
    ids=["nothing", "too little", "ended", "muted", "clipping", "overflow"],
)
def test_a_microphone_that_does_not(microphone, verdict, words):
    finding = check_microphone(microphone, HASTY_S)
    assert finding.verdict == verdict
    assert words in finding.says
    assert finding.remedy
    assert not microphone.is_open


def test_a_microphone_that_is_not_there():
    microphone = Room()
    microphone.refusal = GONE
    finding = check_microphone(microphone)
    assert finding.verdict == "fail"
    assert "usb" in finding.says
    assert "make run" in finding.remedy


# ── speaker ──


class Card:
    """Pulls as fast as it can, so many periods at most."""

    def __init__(self, periods=1000, dry=0, latency_ms=40.0):
        self.played, self.periods, self.dry, self.latency_ms = [], periods, dry, latency_ms
        self.refusal = self.thread = None
        self.closed = threading.Event()

    def open(self, pull):
        if self.refusal is not None:
            raise self.refusal
        self.thread = threading.Thread(target=self.run, args=(pull,))
        self.thread.start()
        return StreamFormat("fake speaker", 24_000, 1, 480, self.latency_ms)

    def run(self, pull):
        for _ in range(self.periods):
            self.played.append(samples_of(pull(480, 0.0)))
            if self.closed.wait(0.0005):
                break

    def underflows(self):
        return self.dry

    def close(self):
        self.closed.set()
        self.thread.join()


def test_a_speaker_plays_the_quiet_chime_to_its_end():
    card = Card(periods=10_000)
    finding = check_speaker(card, -40.0, ENOUGH_S)
    assert finding.verdict == "ok", finding
    played, sound = np.concatenate(card.played), chime("wake", 24_000, -40.0)
    first = np.flatnonzero(played)[0] - np.flatnonzero(sound)[0]
    assert played[first : first + len(sound)].tolist() == sound.tolist()
    assert len(played) >= first + len(sound) + frames_in(card.latency_ms, 24_000)


def test_a_speaker_that_stops_taking_sound():
    finding = check_speaker(Card(periods=3), -26.0, HASTY_S)
    assert finding.verdict == "fail"
    assert "took 60 ms of sound" in finding.says
    assert finding.remedy


def test_a_speaker_that_runs_dry():
    finding = check_speaker(Card(periods=10_000, dry=2), -26.0, ENOUGH_S)
    assert finding.verdict == "warn"
    assert "underflows: 2" in finding.says


def test_a_speaker_that_is_not_there():
    card = Card()
    card.refusal = GONE
    finding = check_speaker(card, -26.0)
    assert finding.verdict == "fail"
    assert "make run" in finding.remedy
