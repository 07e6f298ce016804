"""Speech written down while it is spoken: from a file, from stdin, and from the simulated microphone."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from antiphon import cli
from antiphon.cli import main
from antiphon.dictating import _Page, _Pieces
from antiphon.simulator.room import Room
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from loopback import stepfun
from verbs import ALONE, antiphon, command, environment, own_words, running
from waves import write_wav

RATE_HZ = 16_000
TEXTS = ("Turn on the light.", "And off.")


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("STEPFUN_API_KEY", DEFAULT_KEY)


def tone(seconds, rate_hz=RATE_HZ):
    return (8000 * np.sin(np.arange(round(seconds * rate_hz)) / 9)).astype(np.int16)


MOST_OF_IT = 0.95  # of it: the client keeps less than an append for what comes


def spoken(rate_hz=RATE_HZ):
    return np.concatenate([tone(1.5, rate_hz), np.zeros(2 * rate_hz, np.int16), tone(1.0, rate_hz)])


@pytest.fixture
def service():
    with stepfun(SimulatorOptions(timing=Timing.quick(), transcripts=TEXTS, quick_connections=0)) as running:
        yield running


def asked(service, *arguments, path="/v1"):
    return ["transcribe", *ALONE, "--set", f"speech.url={service.speech_url(path)}", "--live", *map(str, arguments)]


def heard(service):
    [record] = service.dictations
    assert record.complaints == []
    return record


def test_a_file_is_heard_as_if_it_were_spoken(tmp_path, service, capsys):
    path = write_wav(tmp_path / "a.wav", spoken(8000), 8000)
    assert main(asked(service, path, "--language", "en", "--hotwords", "light,lamp")) == 0
    assert capsys.readouterr() == ("Turn on the light.\nAnd off.\n", "")
    settings = heard(service).settings
    assert (settings.language, settings.prompt, settings.rate_hz) == ("en", "light, lamp", RATE_HZ)
    assert service.dictations[0].frames >= len(spoken(RATE_HZ))


def test_as_data(tmp_path, service, capsys):
    path = tmp_path / "a.pcm"
    path.write_bytes(spoken().tobytes() + b"\1")
    assert main(asked(service, path, "--json")) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"text": text} for text in TEXTS]
    assert (heard(service).samples()[: len(spoken())] == spoken()).all()


def test_samples_on_stdin(tmp_path, service):
    arguments = asked(service, "-", "--rate", "24000")
    ended = subprocess.run(
        command(*arguments),
        input=spoken(24_000).tobytes() + b"\1",
        env=environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout.decode().splitlines()) == (0, list(TEXTS)), ended.stderr


def test_without_stdin_there_is_nothing_to_hear(service, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", None)
    assert main(asked(service, "-")) == 0
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_gone_is_no_trouble_of_the_service(tmp_path, service, monkeypatch):
    class Gone(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(cli, "_drop_output", lambda: setattr(sys, "stdout", io.StringIO()))
    assert main(asked(service, write_wav(tmp_path / "a.wav", spoken(), RATE_HZ))) == 0


def test_ctrl_c_ends_what_is_said_and_the_last_of_it_is_written_down(tmp_path, service):
    arguments = asked(service, "-")
    with subprocess.Popen(
        ["env", "--default-signal=INT", *command(*arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY),
    ) as process:
        process.stdin.write(spoken().tobytes())
        process.stdin.flush()  # and stays open
        first = process.stdout.readline()
        until(lambda: service.dictations[0].frames >= MOST_OF_IT * len(spoken()))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, first.decode(), out.decode()) == (0, TEXTS[0] + "\n", TEXTS[1] + "\n"), err


def test_what_was_said_before_ctrl_c_is_not_lost():
    async def scene():
        over = asyncio.Event()
        pieces = _Pieces(over)
        for piece in (b"1", b"2", b"3"):  # the service takes them more slowly than they come
            pieces.put(piece)
        heard = []
        async for piece in pieces.until_over():
            heard.append(piece)
            over.set()
            pieces.put(b"too late")
        return heard

    assert asyncio.run(scene()) == [b"1", b"2", b"3"]


def test_the_microphone_is_heard_until_ctrl_c(service):
    with Room() as room, running(*asked(service), environ=environment(room, STEPFUN_API_KEY=DEFAULT_KEY)) as process:
        until(lambda: service.dictations and service.dictations[0].frames > 0)
        room.say(tone(1.5, room.mic.rate_hz))
        assert process.stdout.readline() == TEXTS[0] + "\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, own_words(err)) == (0, "", [])
    assert heard(service).settings.rate_hz == RATE_HZ


def until(fact):
    """Wait for `fact`, for a bounded time."""
    for _ in range(3000):
        if fact():
            return
        threading.Event().wait(0.01)
    pytest.fail("it has not come about")


def test_what_grows_is_drawn_on_a_terminal_alone(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    page = _Page(as_json=False)
    page.show("turn\x1b on")
    page.show("turn\x1b on")
    page.tell("Turn on.")
    assert capsys.readouterr() == ("Turn on.\n", "\r\x1b[Kturn on\r\x1b[K")


def test_the_service_s_text_is_one_line_and_moves_no_cursor(capsys):
    page = _Page(as_json=False)
    page.tell("Turn\x1b[2J\non.")
    assert capsys.readouterr().out == "Turn\ufffd[2J on.\n"
    _Page(as_json=True).tell("Turn\x1b\non.")
    assert json.loads(capsys.readouterr().out) == {"text": "Turn\x1b\non."}


def test_the_plan_has_none(tmp_path, service, capsys):
    path = write_wav(tmp_path / "a.wav", spoken(), RATE_HZ)
    assert main(asked(service, path, path="/step_plan/v1")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "it needs speech.url with /v1, and a pay-as-you-go key" in err


@pytest.mark.parametrize(("name", "words"), [("a.wav", "cannot be read"), ("a.pcm", "cannot be read")])
def test_a_file_that_is_not_there(tmp_path, service, capsys, name, words):
    assert main(asked(service, tmp_path / name)) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a"])
def test_what_is_not_bare_samples_is_not_heard_as_noise(tmp_path, service, capsys, name):
    (tmp_path / name).write_bytes(spoken().tobytes())
    assert main(asked(service, tmp_path / name)) == 2
    assert "--live hears a .wav or a .pcm: leave --live out" in capsys.readouterr().err
    assert [record.frames for record in service.dictations if record.frames > 2 * RATE_HZ] == []


def test_nobody_waits_for_the_writer_of_a_pipe(tmp_path, service, capsys):
    os.mkfifo(tmp_path / "a.pcm")
    assert main(asked(service, tmp_path / "a.pcm")) == 2
    assert "cannot be read: it is no file" in capsys.readouterr().err


def test_without_a_sound_card(tmp_path, service):
    ended = antiphon(*asked(service), environ=environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY))
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
