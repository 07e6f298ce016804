"""Files in place of a sound card: each sample of the question once, then silence; the reply, whole."""

import threading
from queue import SimpleQueue

import numpy as np
import pytest

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.marks import Mark
from antiphon.errors import AudioFileError
from antiphon.pcm import bytes_of, frames_in, samples_of
from antiphon.tape import LEAST_MS, TAIL_MS, QuestionMicrophone, ReplySpeaker, WholeQuestion, check_place
from waves import write_wav

RATE_HZ = 16_000
PERIOD = frames_in(20, 24_000)


@pytest.fixture
def question(tmp_path):
    samples = np.arange(1, frames_in(1000, RATE_HZ) + 1, dtype=np.int16)
    return write_wav(tmp_path / "question.wav", samples, RATE_HZ), samples


# ── the question ──


def take(blocks, frames):
    """Blocks of so many frames in all, or a few more."""
    taken = []
    while sum(len(block.pcm) // 2 for block in taken) < frames:
        taken.append(blocks.get(timeout=20))
    return taken


def test_nothing_is_heard_before_somebody_listens(question):
    path, samples = question
    blocks = SimpleQueue()
    microphone = QuestionMicrophone(path)
    stream = microphone.open(blocks.put)
    assert (stream.rate_hz, stream.channels) == (RATE_HZ, 1)
    assert blocks.empty()
    assert microphone.length_ms is None
    microphone.begin()
    heard = take(blocks, len(samples))
    microphone.close()
    assert samples_of(b"".join(block.pcm for block in heard))[: len(samples)].tolist() == samples.tolist()
    assert microphone.length_ms == 1000


def test_after_the_question_comes_silence_for_as_long_as_it_is_open(question):
    path, samples = question
    blocks = SimpleQueue()
    microphone = QuestionMicrophone(path)
    microphone.open(blocks.put)
    microphone.begin()
    heard = take(blocks, len(samples) + frames_in(LEAST_MS + TAIL_MS + 400, RATE_HZ))
    microphone.close()
    rest = samples_of(b"".join(block.pcm for block in heard))[len(samples) :]
    assert not rest.any()


def test_its_times_are_the_file_s_own(question):
    path, samples = question
    blocks = SimpleQueue()
    microphone = QuestionMicrophone(path)
    microphone.open(blocks.put)
    microphone.begin()
    heard = take(blocks, 2 * len(samples))
    microphone.close()
    frames = 0
    for block in heard:
        assert block.device_s == frames / RATE_HZ
        frames += len(block.pcm) // 2
        assert block.arrived_s == frames / RATE_HZ
        assert not block.overflowed


def test_it_closes_while_nobody_listens(question):
    microphone = QuestionMicrophone(question[0])
    microphone.open(lambda _: None)
    microphone.close()
    microphone.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "question"]


def test_it_closes_amid_a_question(tmp_path):
    path = write_wav(tmp_path / "long.wav", np.ones(60 * RATE_HZ, np.int16), RATE_HZ)
    microphone = QuestionMicrophone(path)
    first = SimpleQueue()
    microphone.open(first.put)
    microphone.begin()
    first.get(timeout=20)
    microphone.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "question"]


# ── its end ──


class Told:
    """A question of which only the length is known."""

    length_ms = None


def edges(endpoint, marks):
    """The edges that so many marks bring, each with its place."""
    return [(at, edge) for at in range(marks) for edge in endpoint.hear([Mark(SILENCE_DB, SILENCE_DB)])]


def test_a_pause_of_any_length_does_not_end_the_turn():
    told = Told()
    endpoint = WholeQuestion(told)
    assert edges(endpoint, 5000) == [(0, "began")]


@pytest.mark.parametrize(("length_ms", "ends_ms"), [(200, LEAST_MS + TAIL_MS), (6010, 6010 + TAIL_MS)])
def test_the_turn_ends_after_the_file_and_once(length_ms, ends_ms):
    told = Told()
    told.length_ms = length_ms
    endpoint = WholeQuestion(told)
    last = -(-int(ends_ms) // 20) - 1
    assert edges(endpoint, last + 500) == [(0, "began"), (last, "ended")]


def test_a_new_call_is_no_new_question():
    told = Told()
    told.length_ms = 100
    endpoint = WholeQuestion(told)
    edges(endpoint, 200)
    endpoint.restart()
    assert edges(endpoint, 200) == []


# ── the reply ──


class Mouth:
    """Gives what it is told to, period by period, then silence."""

    def __init__(self, periods):
        self._periods = list(periods)
        self.empty = threading.Event()
        self.times = []

    def pull(self, frames, heard_at_s):
        assert frames == PERIOD
        self.times.append(heard_at_s)
        if not self._periods:
            self.empty.set()
            return bytes(2 * frames)
        return bytes_of(np.full(frames, self._periods.pop(0), np.int16))


def played(*periods):
    speaker, mouth = ReplySpeaker(), Mouth(periods)
    stream = speaker.open(mouth.pull)
    assert (stream.rate_hz, stream.channels, stream.block_frames) == (24_000, 1, PERIOD)
    assert mouth.empty.wait(20)
    speaker.close()
    assert mouth.times == sorted(mouth.times)
    return samples_of(speaker.pcm)[::PERIOD].tolist()


def test_a_reply_is_kept_from_its_first_sound_to_its_last_with_its_pauses():
    assert played(0, 0, 3, 4, 0, 0, 5, 0) == [3, 4, 0, 0, 5]


def test_no_sound_is_no_reply():
    assert played(0, 0, 0) == []


def test_an_opened_speaker_goes_on_where_it_was():
    speaker = ReplySpeaker()
    for level in (1, 2):
        mouth = Mouth([level])
        speaker.open(mouth.pull)
        assert mouth.empty.wait(20)
        speaker.close()
    kept = samples_of(speaker.pcm)[::PERIOD].tolist()
    assert kept[0] == 1
    assert kept[-1] == 2
    assert speaker.underflows() == 0


# ── a place for a file ──


@pytest.mark.parametrize("name", [".", "nowhere/reply.wav", "file/reply.wav", f"{'x' * 300}.wav"])
def test_a_place_where_no_file_can_be_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(AudioFileError, match="cannot be written"):
        check_place(tmp_path / name)


def test_a_directory_is_told_as_what_it_is(tmp_path):
    with pytest.raises(AudioFileError, match="it is a directory; give a file in it"):
        check_place(tmp_path)


def test_a_file_may_be_new_or_old(tmp_path):
    check_place(tmp_path / "new.wav")
    (tmp_path / "old.wav").touch()
    check_place(tmp_path / "old.wav")
