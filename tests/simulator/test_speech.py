"""Synthetic speech: real programs, known edges, known level."""

import numpy as np
import pytest

from antiphon.errors import DeviceError
from antiphon.pcm import floats_of, frames_in
from antiphon.simulator import speech

VOICES = (*speech.FLITE_VOICES, "en-us", "en-us+f3")


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_voice_has_the_level_and_the_edges_asked_for(voice, rate_hz):
    spoken = floats_of(speech.synthesise("Hey Jarvis.", voice, rate_hz, peak_db=-12))
    size = np.abs(spoken)
    assert 20 * np.log10(size.max()) == pytest.approx(-12, abs=0.01)
    silence = size.max() * 10 ** (speech.SILENCE_DB / 20)
    edge = frames_in(speech.EDGE_MS, rate_hz)
    rounding = 0.02
    assert size[:edge].max() <= silence * (1 + rounding)
    assert size[-edge:].max() <= silence * (1 + rounding)
    assert min(size[edge], size[-edge - 1]) >= silence * (1 - rounding)
    assert 0.4 < len(spoken) / rate_hz < 1.5


def test_same_sentence_is_made_once_and_cannot_be_spoilt():
    spoken = speech.synthesise("One.", "rms", 16_000)
    assert speech.synthesise("One.", "rms", 16_000) is spoken
    with pytest.raises(ValueError, match="read-only"):
        spoken[0] = 1


def test_rates_of_one_sentence_last_equally_long():
    a, b = (speech.synthesise("What time is it?", "awb", rate_hz) for rate_hz in (16_000, 48_000))
    assert len(b) / 48_000 == pytest.approx(len(a) / 16_000, abs=0.005)


@pytest.mark.parametrize("voice", ["slt", "en-us"])
def test_text_is_never_an_option_nor_a_command(voice, tmp_path):
    spoken = speech.synthesise(f"--help $(touch {tmp_path}/made) `touch {tmp_path}/made`; -o {tmp_path}/made", voice)
    assert len(spoken) > 24_000
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_text_is_refused(text):
    with pytest.raises(ValueError, match="no text"):
        speech.synthesise(text)


def test_unknown_voice_is_named():
    with pytest.raises(DeviceError, match="voice nobody"):
        speech.synthesise("Hello.", "nobody")


@pytest.mark.parametrize(("voice", "program"), [("slt", "flite"), ("en-us", "espeak-ng")])
def test_missing_program_says_what_to_install(voice, program, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=f"apt install {program}"):
        speech.synthesise(f"Nobody has said this with {voice} before.", voice)
