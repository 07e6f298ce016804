"""`antiphon voices` against the simulated service: what there is, how it would sound, and what is paid for."""

import asyncio
import io
import json
import sys
import wave

import numpy as np
import pytest

from antiphon import voicing
from antiphon.cli import main
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from loopback import stepfun
from verbs import ALONE


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("STEPFUN_API_KEY", DEFAULT_KEY)


@pytest.fixture
def service():
    with stepfun(SimulatorOptions(timing=Timing.quick(), quick_connections=0)) as running:
        yield running


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "me.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((9000 * np.sin(np.arange(6 * 16_000) / 9)).astype("<i2").tobytes())
    return path


def voices(service, what, *arguments, path="/v1"):
    return main(["voices", what, *ALONE, "--set", f"speech.url={service.speech_url(path)}", *map(str, arguments)])


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self):
        return True


def test_the_service_is_asked_for_its_voices(service, capsys):
    assert voices(service, "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["source"], told["model"], told["own"]) == ("service", "stepaudio-2.5-tts", [])
    assert {"voice": "linjiajiejie", "name": "邻家姐姐", "description": "", "scene": ""} in told["system"]


def test_on_the_plan_the_documented_ones_are_told_as_such(service, capsys):
    assert voices(service, "list", path="/step_plan/v1") == 0
    said = capsys.readouterr()
    assert "linjiajiejie" in said.out
    assert "the Step Plan has no list of system voices" in said.err


def test_voices_of_a_realtime_model_are_the_documented_ones(service, capsys):
    assert voices(service, "list", "--model", "step-audio-2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["source"], len(told["system"])) == ("table", 4)


def test_a_preview_is_a_file(service, recording, tmp_path, capsys):
    output = tmp_path / "out.wav"
    assert voices(service, "preview", recording, "--text", "你好", "-o", output, "--json") == 0
    with wave.open(str(output)) as file:
        assert file.getnframes() > 0
    said = capsys.readouterr()
    assert json.loads(said.out)["output"] == str(output)
    assert "me.wav: 6.0 s, 16000 Hz, mono" in said.err
    assert voices(service, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["own"] == []


def test_a_preview_is_played(service, recording, monkeypatch):
    heard = []

    def play(_speaker, _plan, make):
        asyncio.run(make(heard.append))

    monkeypatch.setattr(voicing, "play", play)
    monkeypatch.setattr("antiphon.app.make_sound_card", lambda _: (None, None))
    assert voices(service, "preview", recording) == 0
    assert len(b"".join(heard)) > 10_000


def test_a_voice_is_made_when_that_was_agreed_to(service, recording, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert voices(service, "clone", recording) == 0
    said = capsys.readouterr()
    assert "costs 9.9 yuan. Make it? [y/N]" in said.err
    name = said.out.split()[0]
    assert name.startswith("voice-tone-")
    assert f"voice: {name}" in said.out
    assert voices(service, "clone", recording, "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["voice"], told["duplicated"]) == (name, True)


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "maybe\n"])
def test_nothing_is_made_of_anything_but_yes(service, recording, answer, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert voices(service, "clone", recording) == 1
    assert "nothing is to be paid" in capsys.readouterr().err
    assert voices(service, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["own"] == []


def test_a_script_has_to_agree(service, recording, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert voices(service, "clone", recording) == 2
    assert "add --yes if you do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--text", "x" * 51], "51 characters: give 1 to 50"),
        (["-o", "out.mp3"], "end its name in .wav"),
        (["-o", "nowhere/out.wav"], "in a directory that is there"),
    ],
)
def test_a_preview_that_cannot_be(service, recording, arguments, words, capsys):
    assert voices(service, "preview", recording, *arguments) == 2
    assert words in capsys.readouterr().err


def test_on_the_plan_no_file_is_taken(service, recording, capsys):
    assert voices(service, "clone", recording, "--yes", path="/step_plan/v1") == 2
    assert "it needs speech.url with /v1, and a pay-as-you-go key" in capsys.readouterr().err


def test_a_recording_that_is_unfit_is_not_sent(service, tmp_path, capsys):
    (tmp_path / "me.wav").write_bytes(b"no sound")
    assert voices(service, "clone", tmp_path / "me.wav", "--yes") == 2
    assert "is no WAV file" in capsys.readouterr().err
