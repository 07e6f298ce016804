"""WAV files as microphone and speaker: every sample of the file is heard once, and what was heard is in the file."""

import struct
import threading
import wave
from queue import SimpleQueue

import numpy as np
import pytest

from antiphon.devices.wav import WavMicrophone, WavSpeaker, wav_blocks, wav_format
from antiphon.errors import AudioFileError, DeviceError
from antiphon.pcm import bytes_of, samples_of

BOUND_S = 20


def write(path, samples, rate_hz=16_000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes_of(samples))
    return path


def read(path):
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return samples_of(file.readframes(file.getnframes()))


def ramp(frames):
    return np.arange(1, frames + 1).astype(np.int16)


# ── reading ──


def test_blocks_are_the_first_channel_and_all_of_it(tmp_path):
    path = write(tmp_path / "a.wav", np.repeat(ramp(1000), 2) * np.tile([1, -1], 1000).astype(np.int16), channels=2)
    blocks = list(wav_blocks(path, 20))
    assert [len(block) for block in blocks] == [320, 320, 320, 40]
    assert np.array_equal(np.concatenate(blocks), ramp(1000))
    assert wav_format(path) == (16_000, 1000)


def test_a_file_of_eight_hours_is_read_a_block_at_a_time(tmp_path):
    path = tmp_path / "long.wav"
    write(path, ramp(10))
    frames = 8 * 3600 * 16_000
    with path.open("r+b") as file:  # the rest is a hole: it takes no room
        file.seek(4)
        file.write(struct.pack("<I", 36 + 2 * frames))
        file.seek(40)
        file.write(struct.pack("<I", 2 * frames))
        file.truncate(44 + 2 * frames)
    assert wav_format(path) == (16_000, frames)
    blocks = wav_blocks(path, 80)
    assert len(next(blocks)) == len(next(blocks)) == 1280
    blocks.close()


def test_a_file_that_was_cut_off_is_heard_to_where_it_ends(tmp_path):
    path = write(tmp_path / "cut.wav", ramp(1000))
    path.write_bytes(path.read_bytes()[: 44 + 2 * 500 + 1])
    assert np.array_equal(np.concatenate(list(wav_blocks(path, 20))), ramp(500))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is no WAV file; convert it to 16 bit PCM WAV"),
        (b"ID3\x04 this is an MP3, and quite a long one at that, really", "it is no WAV file"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0", "compressed"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0", "no sound"),
        (b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x01\0\0\0\x02\0\0\0\x02\0\x10\0data\x02\0\0\0\0\0", "1 Hz"),
    ],
)
def test_what_cannot_be_heard_is_said_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError) as caught:
        WavMicrophone(path)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"{path} cannot be heard: ")


def test_an_absent_file(tmp_path):
    with pytest.raises(AudioFileError, match="cannot be read: No such file or directory"):
        WavMicrophone(tmp_path / "absent.wav")


# ── the microphone ──


def test_microphone_gives_the_file_and_then_silence(tmp_path):
    microphone = WavMicrophone(write(tmp_path / "a.wav", ramp(1000)), block_ms=10)
    blocks: SimpleQueue = SimpleQueue()
    form = microphone.open(blocks.put)
    assert (form.rate_hz, form.channels, form.block_frames) == (16_000, 1, 160)
    got = [blocks.get(timeout=BOUND_S) for _ in range(10)]
    assert microphone.done.is_set()
    microphone.close()
    sound = samples_of(b"".join(block.pcm for block in got))
    assert np.array_equal(sound[:1000], ramp(1000))
    assert len(sound) == 1600
    assert not sound[1000:].any()
    times = [block.device_s for block in got]
    assert np.diff(times) == pytest.approx(0.01)
    assert all(block.arrived_s >= block.device_s + 0.01 for block in got)  # never before it was captured
    assert microphone.length_s == pytest.approx(1000 / 16_000)


def test_microphone_begins_again_when_opened_again(tmp_path):
    microphone = WavMicrophone(write(tmp_path / "a.wav", ramp(1000)), block_ms=10)
    for _ in range(2):
        blocks: SimpleQueue = SimpleQueue()
        microphone.open(blocks.put)
        assert samples_of(blocks.get(timeout=BOUND_S).pcm)[0] == 1
        microphone.close()
        microphone.close()


# ── the speaker ──


class Source:
    """What is played: periods from a list, then silence; `done` is set when all were taken."""

    def __init__(self, *periods):
        self.periods = [bytes_of(period) for period in periods]
        self.times = []
        self.done = threading.Event()

    def pull(self, frames, heard_at_s):
        self.times.append(heard_at_s)
        if self.periods:
            return self.periods.pop(0)
        self.done.set()
        return bytes(2 * frames)


def silence(frames):
    return np.zeros(frames, np.int16)


def test_speaker_writes_what_is_heard_from_the_first_sound_on(tmp_path):
    path = tmp_path / "reply.wav"
    speaker = WavSpeaker(path, rate_hz=16_000, block_ms=10)
    sound = ramp(160)
    half = np.concatenate((ramp(80), silence(80)))
    source = Source(silence(160), sound, silence(160), half, silence(160))
    form = speaker.open(source.pull)
    assert (form.rate_hz, form.block_frames, form.output_latency_ms) == (16_000, 160, 10.0)
    assert source.done.wait(BOUND_S)
    speaker.close()
    assert read(path).tolist() == [*sound, *silence(160), *ramp(80)]
    assert np.diff(source.times) == pytest.approx(0.01)
    assert speaker.underflows() == 0


def test_speaker_goes_on_when_opened_again(tmp_path):
    path = tmp_path / "reply.wav"
    speaker = WavSpeaker(path, rate_hz=16_000, block_ms=10)
    for _ in range(2):
        source = Source(ramp(160))
        speaker.open(source.pull)
        assert source.done.wait(BOUND_S)
        speaker.close()
        speaker.close()
    written = read(path)
    assert [len(written), *written[:2], *written[-2:]] == [speaker.written_frames, 1, 2, 159, 160]
    assert np.count_nonzero(written) == 320


def test_a_sample_that_ends_in_a_zero_byte_is_whole(tmp_path):
    path = tmp_path / "reply.wav"
    speaker = WavSpeaker(path, rate_hz=16_000, block_ms=10)
    source = Source(np.full(160, 256, np.int16), np.full(160, 77, np.int16))
    speaker.open(source.pull)
    assert source.done.wait(BOUND_S)
    speaker.close()
    assert read(path).tolist() == [256] * 160 + [77] * 160


def test_nothing_heard_is_an_empty_wav(tmp_path):
    path = tmp_path / "reply.wav"
    speaker = WavSpeaker(path)
    source = Source()
    speaker.open(source.pull)
    assert source.done.wait(BOUND_S)
    speaker.close()
    assert len(read(path)) == 0


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(DeviceError, match="cannot be written"):
        WavSpeaker(tmp_path).open(lambda frames, _at: bytes(2 * frames))
