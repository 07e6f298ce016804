"""Recordings that a voice may be made from, and those that no voice can be made from."""

import io
import os
import struct
import wave

import numpy as np
import pytest

from antiphon.errors import AudioFileError
from antiphon.references import open_reference
from waves import form, riff

EXTENSIBLE = form(tag=0xFFFE, rate_hz=16_000) + struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)


def wav(path, seconds, *, rate_hz=16_000, channels=1, loud=9000):
    samples = np.clip(loud * np.sin(np.arange(round(seconds * rate_hz)) / 9), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.repeat(samples, channels).tobytes())
    return path


def mp3(path, frames, *, head=0xFFFB9044, tag=b"", tail=b""):
    """Of layer III, 128 kbps, 44.1 kHz, joint stereo unless `head` says other; 417 bytes, and 26 ms, a frame."""
    size = 144 * 128_000 // 44_100 if head == 0xFFFB9044 else 72 * 64_000 // 24_000
    path.write_bytes(tag + (head.to_bytes(4) + bytes(size - 4)) * frames + tail)
    return path


def test_a_recording_that_is_fit(tmp_path):
    reference = open_reference(wav(tmp_path / "me.wav", 6))
    assert (reference.seconds, reference.rate_hz, reference.channels) == (6.0, 16_000, 1)
    assert reference.remarks == ()
    assert reference.told() == "me.wav: 6.0 s, 16000 Hz, mono"
    assert reference.sound == (tmp_path / "me.wav").read_bytes()


@pytest.mark.parametrize(("seconds", "remedy"), [(4.9, "record more"), (10.1, "cut it")])
def test_a_length_that_is_not_taken(tmp_path, seconds, remedy):
    with pytest.raises(AudioFileError, match=rf"it takes 5 to 10 s: {remedy}"):
        open_reference(wav(tmp_path / "me.wav", seconds))


def test_what_could_be_better_is_told(tmp_path):
    reference = open_reference(wav(tmp_path / "me.wav", 6, channels=2, loud=60_000))
    clips, stereo = reference.remarks
    assert "it clips" in clips
    assert "2 channels" in stereo
    assert reference.told().endswith("stereo")


def test_silence_holds_no_voice(tmp_path):
    with pytest.raises(AudioFileError, match="holds no voice"):
        open_reference(wav(tmp_path / "me.wav", 6, loud=20))


def test_an_mp3_is_measured_by_its_frames(tmp_path):
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)
    reference = open_reference(mp3(tmp_path / "me.mp3", 250, tag=tag, tail=b"TAG" + b"x" * 125))
    assert reference.seconds == pytest.approx(250 * 1152 / 44_100)
    assert (reference.rate_hz, reference.channels) == (44_100, 2)
    assert any("listen to it" in remark for remark in reference.remarks)
    low = open_reference(mp3(tmp_path / "low.mp3", 250, head=0xFFF384C4))
    assert low.seconds == pytest.approx(250 * 576 / 24_000)
    assert (low.rate_hz, low.channels) == (24_000, 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("me.ogg", b"OggS"),
        ("me.wav", b""),
        ("me.wav", b"RIFF\x00\x00\x00\x00WAVE"),
        ("me.wav", riff(form(rate_hz=0), b"ab" * 50_000)),
        ("me.wav", riff(form(width=4, tag=3, rate_hz=16_000), bytes(6 * 64_000))),
        ("me.wav", riff(form(rate_hz=16_000), b"")),
        ("me.mp3", b""),
        ("me.mp3", b"\xff" * 3000),
        ("me.mp3", b"no sound at all" * 99),
        ("me.mp3", b"RIFF" + (0xFFFB9044.to_bytes(4) + bytes(413)) * 250),
    ],
)
def test_what_is_no_recording(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioFileError, match=name):
        open_reference(tmp_path / name)


@pytest.mark.parametrize("header", [form(rate_hz=16_000), EXTENSIBLE])
@pytest.mark.parametrize("said", [None, 0, 2**31])
def test_what_a_recorder_has_not_finished_is_sent_with_a_header_that_is_right(tmp_path, header, said):
    spoken = np.full(6 * 16_000, 9000, "<i2").tobytes()
    (tmp_path / "me.wav").write_bytes(riff(header, spoken, data_length=said))
    reference = open_reference(tmp_path / "me.wav")
    assert reference.seconds == 6.0
    with wave.open(io.BytesIO(reference.sound)) as file:
        assert file.readframes(file.getnframes()) == spoken


def test_an_odd_name_is_sent_in_letters_that_can_be(tmp_path):
    assert open_reference(wav(tmp_path / "m\n\udcffe.wav", 6)).name == "m__e.wav"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "me.wav")
    with pytest.raises(AudioFileError, match="it is no file"):
        open_reference(tmp_path / "me.wav")


def test_one_that_is_not_there(tmp_path):
    with pytest.raises(AudioFileError, match="cannot be read: No such file"):
        open_reference(tmp_path / "me.wav")
