"""What a file really is, how long it lasts, and in which parts it is sent."""

import asyncio
import io
import os
import struct
import wave

import numpy as np
import pytest

from antiphon.errors import AudioFileError
from antiphon.pcm import bytes_of
from antiphon.recordings import TooLongError, needs_conversion, open_recording
from waves import form, riff, write_wav

RATE_HZ = 8000


def sent(part):
    async def read():
        return b"".join([piece async for piece in part.pieces()])

    return asyncio.run(read())


def noise(seconds, rate_hz=RATE_HZ):
    return (8000 * np.sin(np.arange(round(seconds * rate_hz)) ** 1.3)).astype(np.int16)


def silence(seconds, rate_hz=RATE_HZ):
    return np.zeros(round(seconds * rate_hz), np.int16)


def put(path, data):
    path.write_bytes(data)
    return path


# ── WAV ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_wav_is_sent_as_it_is(tmp_path):
    path = write_wav(tmp_path / "a.WAV", noise(2.0), RATE_HZ)
    recording = open_recording(path, 16_000)
    [part] = recording.parts
    assert (part.kind, recording.seconds, recording.size) == ("wav", 2.0, path.stat().st_size)
    assert sent(part) == path.read_bytes()


def test_a_long_wav_is_cut_in_its_pauses(tmp_path):
    samples = np.concatenate([noise(3.0), silence(0.5), noise(2.5), silence(0.4), noise(3.0)])
    recording = open_recording(write_wav(tmp_path / "a.wav", samples, RATE_HZ), 16_000, most_s=4.0)
    heard, lengths = [], []
    for part in recording.parts:
        with wave.open(io.BytesIO(sent(part))) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
            assert part.size == len(sent(part))
            lengths.append(file.getnframes() / RATE_HZ)
            heard.append(file.readframes(file.getnframes()))
    assert b"".join(heard) == bytes_of(samples)
    assert 3.0 < lengths[0] < 3.5
    assert 5.5 + 0.5 < lengths[0] + lengths[1] < 6.4
    assert len(lengths) == 3


@pytest.mark.parametrize(("channels", "width"), [(2, 2), (1, 1), (2, 3), (1, 4)])
def test_parts_are_whole_frames_of_any_layout(tmp_path, channels, width):
    frame = channels * width
    data = bytes(np.random.default_rng(1).integers(0, 256, 3 * RATE_HZ * frame, np.uint8))
    path = put(
        tmp_path / "a.wav", riff(form(channels=channels, width=width), data + b"\1" * (frame > 1), (b"LIST", b"abc"))
    )
    parts = open_recording(path, 16_000, most_s=1.0).parts
    assert len(parts) >= 3
    assert all(part.length % frame == 0 and part.length <= RATE_HZ * frame for part in parts)
    assert b"".join(sent(part)[len(part.head) :] for part in parts) == data


def heard(part):
    """What a strict reader finds in the bytes that are sent."""
    assert struct.unpack_from("<I", sent(part), 4)[0] == part.size - 8
    with wave.open(io.BytesIO(sent(part))) as file:
        assert file.getframerate() == RATE_HZ
        return file.readframes(file.getnframes())


def test_an_extensible_header_is_pcm_too(tmp_path):
    extensible = form(tag=0xFFFE) + struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    path = put(tmp_path / "a.wav", riff(extensible, bytes_of(noise(3.0))))
    assert len(open_recording(path, 16_000, most_s=2.0).parts) == 2
    [part] = open_recording(path, 16_000).parts
    assert heard(part) == bytes_of(noise(3.0))


@pytest.mark.parametrize("length", [0, 1_000_000, 2**32 - 1])
def test_a_length_that_was_never_filled_in(tmp_path, length):
    path = put(tmp_path / "a.wav", riff(form(), bytes_of(noise(3.0)) + b"\1", data_length=length))
    recording = open_recording(path, 16_000)
    assert recording.seconds == 3.0
    [part] = recording.parts
    assert heard(part) == bytes_of(noise(3.0))


def test_a_rate_of_bytes_that_is_wrong(tmp_path):
    wrong = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 1, 2, 16)
    recording = open_recording(put(tmp_path / "a.wav", riff(wrong, bytes_of(noise(3.0)))), 16_000)
    assert recording.seconds == 3.0
    [part] = recording.parts
    assert heard(part) == bytes_of(noise(3.0))


def test_a_long_wav_that_is_compressed_must_be_converted(tmp_path):
    path = put(tmp_path / "a.wav", riff(form(tag=6, width=1), bytes(3 * RATE_HZ)))
    assert open_recording(path, 16_000).seconds == 3.0
    with pytest.raises(TooLongError):
        open_recording(path, 16_000, most_s=2.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"ID3\x03aaaaaaaaaaa", "is no WAV file, but an MP3 file: give it the name of what it is"),
        (b"hello, world of sound", "is no WAV file, whatever its name says"),
        (b"RIFF\0\0\0\0WAVE", "no whole WAV file"),
        (riff(form()[:14], b"ab"), "no whole WAV file"),
        (riff(form(rate_hz=0), b"ab"), "its header makes no sense"),
        (riff(form(), b""), "no sound"),
    ],
)
def test_what_is_no_wav(tmp_path, data, words):
    path = put(tmp_path / "a.wav", data)
    with pytest.raises(AudioFileError, match=words) as met:
        open_recording(path, 16_000)
    assert str(path) in str(met.value)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").mkdir()
    with pytest.raises(AudioFileError, match="it is no file: write what comes from it into one"):
        open_recording(tmp_path / "a.wav", 16_000)
    with pytest.raises(AudioFileError, match="it is a folder"):
        open_recording(tmp_path / "b.wav", 16_000)


def test_what_is_not_there(tmp_path):
    with pytest.raises(AudioFileError, match="cannot be read: No such file"):
        open_recording(tmp_path / "a.wav", 16_000)


# ── bare samples ─────────────────────────────────────────────────────────────────────────────────


def test_bare_samples(tmp_path):
    samples = noise(3.0)
    path = put(tmp_path / "a.pcm", bytes_of(samples))
    recording = open_recording(path, RATE_HZ)
    assert [(part.kind, part.rate_hz) for part in recording.parts] == [("pcm", RATE_HZ)]
    assert recording.seconds == 3.0
    parts = open_recording(path, RATE_HZ, most_s=2.0).parts
    assert b"".join(map(sent, parts)) == bytes_of(samples)
    assert len(parts) == 2


def test_half_a_sample_is_none(tmp_path):
    with pytest.raises(AudioFileError, match="odd number of bytes"):
        open_recording(put(tmp_path / "a.pcm", b"abc"), 16_000)


# ── MP3 and Ogg ──────────────────────────────────────────────────────────────────────────────────

FRAME = bytes.fromhex("fffb9064") + bytes(413)  # MPEG 1, layer III, 128 kbit/s, 44.1 kHz


def test_an_mp3_of_one_rate(tmp_path):
    path = put(tmp_path / "a.mp3", b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + FRAME * 100)
    recording = open_recording(path, 16_000)
    assert (recording.parts[0].kind, round(recording.seconds, 1)) == ("mp3", 2.6)
    with pytest.raises(TooLongError, match="lasts"):
        open_recording(path, 16_000, most_s=2.0)


def test_an_mp3_of_many_rates_says_how_many_frames(tmp_path):
    first = FRAME[:36] + b"Xing" + struct.pack(">II", 1, 1000) + bytes(370)
    assert round(open_recording(put(tmp_path / "a.mp3", first), 16_000).seconds, 2) == 26.12


@pytest.mark.parametrize("head", ["fff39064", "ffe39064", "fffb0064", "fffb9c64", "ffeb9064"])
def test_other_frames_are_taken_too(tmp_path, head):
    path = put(tmp_path / "a.mp3", bytes.fromhex(head) + bytes(400))
    assert open_recording(path, 16_000).parts[0].kind == "mp3"


def test_a_tag_before_no_frame(tmp_path):
    assert open_recording(put(tmp_path / "a.mp3", b"ID3\x03\0\0\0\0\0\x0a" + bytes(30)), 16_000).seconds is None


def page(granule, packet):
    return b"OggS\0\2" + struct.pack("<q", granule) + bytes(12) + bytes([1, len(packet)]) + packet


@pytest.mark.parametrize(
    ("name", "first", "seconds"),
    [
        ("a.opus", b"OpusHead\1\1" + bytes(9), 10.0),
        ("a.ogg", b"\1vorbis" + struct.pack("<IBI", 0, 1, 24_000) + bytes(20), 20.0),
        ("a.ogg", b"Speex   " + bytes(20), None),
    ],
)
def test_ogg(tmp_path, name, first, seconds):
    path = put(tmp_path / name, page(0, first) + page(480_000, bytes(100)))
    recording = open_recording(path, 16_000)
    assert (recording.parts[0].kind, recording.seconds) == ("ogg", seconds)
    if seconds:
        with pytest.raises(TooLongError):
            open_recording(path, 16_000, most_s=9.0)


@pytest.mark.parametrize(
    ("name", "words"), [("a.mp3", "no MP3 file, but a WAV file"), ("a.ogg", "no Ogg file, but a WAV")]
)
def test_what_is_another_kind(tmp_path, name, words):
    with pytest.raises(AudioFileError, match=words):
        open_recording(write_wav(tmp_path / name, noise(1.0)), 16_000)


def test_what_the_service_does_not_take(tmp_path):
    assert [needs_conversion(tmp_path / name) for name in ("a.m4a", "a.flac", "a", "a.WAV", "a.opus")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_file_that_vanishes(tmp_path):
    path = write_wav(tmp_path / "a.wav", noise(1.0))
    [part] = open_recording(path, 16_000).parts
    path.unlink()
    with pytest.raises(AudioFileError, match="cannot be read"):
        sent(part)
