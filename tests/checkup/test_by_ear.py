"""What is heard and played for the owner's ears, by cards that are driven by hand."""

import threading

import numpy as np
import pytest

from antiphon.audio.chime import chime
from antiphon.checkup.by_ear import at_rate, hear, play
from antiphon.devices.fake_sound import FakeMicrophone
from antiphon.errors import DeviceError
from antiphon.pcm import frames_in, samples_of
from antiphon.ports import StreamFormat

HASTY_S = 0.05
ENOUGH_S = 20.0


class Hearing(FakeMicrophone):
    """Hears this as soon as it is opened."""

    def __init__(self, samples, *, ends=False, **shape):
        super().__init__(**shape)
        self.samples, self.ends = samples, ends

    def open(self, deliver):
        stream = super().open(deliver)
        self.hear(self.samples)
        if self.ends:
            self.end()
        return stream


class Card:
    """Pulls as fast as it can, so many periods at most."""

    def __init__(self, periods=100_000):
        self.played, self.periods, self.closed = [], periods, threading.Event()

    def open(self, pull):
        self.thread = threading.Thread(target=self.run, args=(pull,))
        self.thread.start()
        return StreamFormat("fake speaker", 24_000, 1, 480, 40.0)

    def run(self, pull):
        for _ in range(self.periods):
            self.played.append(samples_of(pull(480, 0.0)))
            if self.closed.wait(0.0005):
                break

    def close(self):
        self.closed.set()
        self.thread.join()


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_heard(channels):
    sound = np.arange(20_000, dtype=np.int16)
    microphone = Hearing(sound, channels=channels)
    heard, rate_hz = hear(microphone, 1000.0, ENOUGH_S)
    assert rate_hz == 16_000
    assert heard.tolist() == sound[:16_000].tolist()
    assert not microphone.is_open


@pytest.mark.parametrize("ends", [True, False])
def test_a_microphone_that_stops(ends):
    microphone = Hearing(np.zeros(1600, np.int16), ends=ends)
    with pytest.raises(DeviceError, match="no more sound"):
        hear(microphone, 1000.0, HASTY_S)
    assert not microphone.is_open


def test_what_is_played_is_played_to_its_end():
    card = Card()
    play(card, lambda rate_hz: chime("wake", rate_hz, -30.0), ENOUGH_S)
    played, sound = np.concatenate(card.played), chime("wake", 24_000, -30.0)
    first = np.flatnonzero(played)[0] - np.flatnonzero(sound)[0]
    assert played[first : first + len(sound)].tolist() == sound.tolist()
    assert len(played) >= first + len(sound) + frames_in(40.0, 24_000)


def test_a_speaker_that_stops():
    with pytest.raises(DeviceError, match="takes no more sound"):
        play(Card(periods=3), lambda _: np.ones(4800, np.int16), HASTY_S)


def test_sound_at_another_rate_lasts_as_long():
    tone = (8000 * np.sin(np.arange(16_000) / 10)).astype(np.int16)
    assert len(at_rate(tone, 16_000)(24_000)) == 24_000
    assert at_rate(tone, 16_000)(16_000).tolist() == tone.tolist()
