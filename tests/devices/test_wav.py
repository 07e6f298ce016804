"""WAV files that are listened to: every sample of the file is heard once, or it is said why not."""

import struct
import wave

import numpy as np
import pytest

from antiphon.devices.wav import wav_blocks, wav_format
from antiphon.errors import AudioFileError
from antiphon.pcm import bytes_of


def write(path, samples, rate_hz=16_000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes_of(samples))
    return path


def ramp(frames):
    return np.arange(1, frames + 1).astype(np.int16)


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
        wav_format(path)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"{path} cannot be heard: ")


def test_an_absent_file(tmp_path):
    with pytest.raises(AudioFileError, match="cannot be read: No such file or directory"):
        wav_format(tmp_path / "absent.wav")
