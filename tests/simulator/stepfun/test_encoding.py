"""Sound in containers."""

import io
import wave

import pytest

from antiphon.errors import DeviceError
from antiphon.simulator.stepfun.encoding import CONTENT_TYPES, encode

PCM = bytes(range(200)) * 24


def test_pcm_stays_as_it_is_and_wav_has_a_header():
    assert encode(PCM, 8000, "pcm") == PCM
    with wave.open(io.BytesIO(encode(PCM, 8000, "wav"))) as file:
        assert (file.getframerate(), file.getnchannels(), file.readframes(10_000)) == (8000, 1, PCM)


def program(tmp_path, monkeypatch, body):
    made = tmp_path / "ffmpeg"
    made.write_text(f"#!/bin/sh\n{body}\n")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_the_others_are_made_by_ffmpeg(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, 'echo "$@"; cat')
    for kind in ("mp3", "flac", "opus"):
        made = encode(PCM, 8000, kind)
        assert made.endswith(PCM)
        assert b"-f s16le -ar 8000 -ac 1 -i - -c:a" in made
        assert kind in CONTENT_TYPES


def test_an_ffmpeg_that_fails_or_is_missing_says_so(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "cat >/dev/null; echo no such codec >&2; exit 1")
    with pytest.raises(DeviceError, match="makes no mp3: no such codec"):
        encode(PCM, 8000, "mp3")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(DeviceError, match="apt install ffmpeg"):
        encode(PCM, 8000, "mp3")
