"""Sound files as they come: kind, length, loudness."""

import hashlib
import io
import wave

import pytest

from antiphon.simulator.stepfun.clips import Meter, clip_of
from antiphon.simulator.stepfun.judging import WrongError
from simulator.stepfun.http_bench import mp3_of, opus_of, page, wav_of

FILES = {"wav": wav_of(9.5), "mp3": mp3_of(9.5), "ogg": opus_of(9.5)}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("piece", [1, 7, 4096, 10**6])
def test_a_file_is_measured_in_pieces_of_any_length(kind, piece):
    data = FILES[kind]
    if piece == 1:
        data = {"wav": wav_of(0.2), "mp3": mp3_of(0.2), "ogg": opus_of(0.2)}[kind]
    meter = Meter()
    for at in range(0, len(data), piece):
        meter.feed(data[at : at + piece])
    clip = meter.clip(kind)
    assert clip.seconds == pytest.approx(0.2 if piece == 1 else 9.5, abs=0.03)
    assert (clip.kind, clip.bytes, clip.sha256) == (kind, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("other", [*FILES, "text", "empty"])
def test_a_file_of_another_kind_is_none(kind, other):
    data = FILES.get(other, b"this is no sound at all" if other == "text" else b"")
    if kind == other:
        assert clip_of(data, kind).kind == kind
    else:
        with pytest.raises(WrongError, match=f"not a {kind} file"):
            clip_of(data, kind)


def test_pcm_is_as_long_as_its_rate_says():
    meter = Meter()
    meter.feed(bytes(32_000))
    assert meter.clip("pcm", 16_000).seconds == 1.0
    assert meter.clip("pcm", 16_000, 2).seconds == 0.5
    assert meter.clip("pcm", 16_000).silent
    meter.feed(b"\0")
    with pytest.raises(WrongError, match="incomplete"):
        meter.clip("pcm", 16_000)


def test_silence_is_known_of_wav():
    assert clip_of(wav_of(1, level=0.001), "wav").silent
    assert not clip_of(wav_of(1), "wav").silent
    assert not clip_of(wav_of(10, level=0.3), "wav").silent


def test_the_header_of_a_wav_file_must_be_true():
    whole = wav_of(1)
    for broken in (whole[:-2], whole[:30], whole.replace(b"\x01\x00\x01\x00", b"\x03\x00\x01\x00", 1)):
        with pytest.raises(WrongError, match="wav"):
            clip_of(broken, "wav")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    with pytest.raises(WrongError, match="16 bit"):
        clip_of(made.getvalue(), "wav")


def test_chunks_before_the_samples_are_passed_over():
    whole = wav_of(1)
    assert clip_of(whole[:12] + b"LIST\x03\0\0\0abc\0" + whole[12:], "wav").seconds == pytest.approx(1)


def test_what_is_no_frame_or_page_breaks_the_file():
    for data, kind in ((mp3_of(1) + b"garbage, ten bytes and more", "mp3"), (opus_of(1) + bytes(50), "ogg")):
        with pytest.raises(WrongError):
            clip_of(data, kind)
    assert clip_of(mp3_of(1) + b"TAG".ljust(128, b"\0"), "mp3").seconds == pytest.approx(1, abs=0.03)


def test_an_ogg_file_of_vorbis_has_a_rate_of_its_own():
    head = b"\x01vorbis" + bytes(5) + (8000).to_bytes(4, "little") + bytes(16)
    assert clip_of(page(0, head, first=True) + page(24_000, b"x"), "ogg").seconds == 3
    with pytest.raises(WrongError):
        clip_of(page(0, b"Speex   ", first=True), "ogg")
