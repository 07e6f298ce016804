"""What a verb plays itself, and the files it writes: whole, or as they were before."""

import threading

import numpy as np
import pytest

from antiphon.audio.jitter import JitterPlan
from antiphon.devices.fake_sound import FakeSpeaker
from antiphon.errors import AntiphonError, AudioFileError, DeviceError, Lost
from antiphon.pcm import bytes_of
from antiphon.runtime.mouth import MouthPlan
from antiphon.sounding import play, replacing

PLAN = MouthPlan(chime_level_db=None, ring_level_db=-26.0, jitter=JitterPlan(start_ms=0, most_ms=500))
SOUND = (9000 * np.sin(np.arange(4800) / 9 + 0.5)).astype(np.int16)


class Card(FakeSpeaker):
    """Asks for its periods by itself, as a card does, and keeps what it got."""

    def __init__(self):
        super().__init__()
        self.heard = []
        self._closed = threading.Event()
        self._thread = None

    def open(self, pull):
        stream = super().open(pull)
        self._closed.clear()
        self._thread = threading.Thread(target=self._ask, name="card")
        self._thread.start()
        return stream

    def _ask(self):
        while not self._closed.wait(0.005):
            self.heard.append(self.play())

    def close(self):
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        super().close()

    @property
    def sound(self):
        whole = np.concatenate(self.heard)
        return np.trim_zeros(whole)


def test_what_is_made_is_heard_to_its_end():
    card = Card()

    async def make(hear):
        hear(bytes_of(SOUND[:2000]))
        hear(bytes_of(SOUND[2000:]))

    play(card, PLAN, make)
    assert card.sound.tolist() == np.trim_zeros(SOUND).tolist()
    assert not card.is_open


def test_what_breaks_off_is_heard_as_far_as_it_came():
    card = Card()

    async def make(hear):
        hear(bytes_of(SOUND))
        raise Lost("it has gone")

    with pytest.raises(Lost, match="it has gone"):
        play(card, PLAN, make)
    assert len(card.sound) > 4000


def test_what_makes_no_sound_is_its_failure():
    async def make(_hear):
        raise Lost("it has gone")

    with pytest.raises(Lost, match="it has gone"):
        play(Card(), PLAN, make)


def test_a_speaker_that_is_not_there_is_told():
    card = Card()
    card.refusal = DeviceError("the speaker", "this machine has none", "Plug one in")

    async def make(hear):
        hear(bytes_of(SOUND))

    with pytest.raises(AntiphonError, match="Plug one in"):
        play(card, PLAN, make)


def test_a_file_takes_the_place_of_the_old_one(tmp_path):
    output = tmp_path / "out.wav"
    output.write_bytes(b"old")
    with replacing(output) as half:
        half.write_bytes(b"new")
        assert output.read_bytes() == b"old"
    assert output.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["out.wav"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    output = tmp_path / "out.wav"
    output.write_bytes(b"old")

    def fail():
        with replacing(output) as half:
            half.write_bytes(b"new")
            raise Lost("it has gone")

    with pytest.raises(Lost):
        fail()
    assert output.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["out.wav"]


def test_a_place_where_nothing_can_be_written(tmp_path):
    with pytest.raises(AudioFileError, match="cannot be written"), replacing(tmp_path / "nowhere" / "out.wav"):
        pass
