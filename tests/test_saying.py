"""`antiphon say` without the daemon, against the simulated service: into files, and from a text that still comes."""

import asyncio
import errno
import io
import sys
import wave

import pytest

from antiphon import controlling, saying
from antiphon.cli import main
from antiphon.pcm import bytes_of
from antiphon.saying import sentences
from antiphon.simulator.stepfun import tts_server
from antiphon.simulator.stepfun.faults import parse_fault
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.speech import client
from antiphon.speech import service as speech_service
from antiphon.speech.service import Patience
from antiphon.standard_input import READ_AHEAD
from loopback import refused_port, stepfun, tone
from test_dictating import until
from verbs import ALONE, antiphon, environment, running

SPOKEN = bytes_of(tone("", "", 24_000))


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setenv("STEPFUN_API_KEY", DEFAULT_KEY)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def service():
    with stepfun(SimulatorOptions(timing=Timing.quick(), quick_connections=0)) as running:
        yield running


def say(service, *arguments, path="/step_plan/v1"):
    return main(["say", *ALONE, "--set", f"speech.url={service.speech_url(path)}", *map(str, arguments)])


def sound_of(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        return file.readframes(file.getnframes())


def given(monkeypatch, data):
    """Standard input is a file of these bytes."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_text_is_put_into_a_file(service, tmp_path, capsys):
    output = tmp_path / "out.wav"
    assert say(service, "-o", output, "Dinner", "is", "ready.") == 0
    assert sound_of(output) == SPOKEN
    assert capsys.readouterr().out == f"{output}: 0.6 s\n"


def test_bare_samples_and_a_long_text(service, tmp_path):
    output = tmp_path / "out.pcm"
    assert say(service, "-o", output, "This is a sentence of forty characters. " * 60) == 0
    assert output.read_bytes() == SPOKEN * 3


def test_a_long_text_is_one_mp3(service, tmp_path, monkeypatch, capsys):
    frames = bytes.fromhex("fff384c4") + bytes(188)
    monkeypatch.setattr(tts_server, "encode", lambda *_: b"ID3\x04\0\0\0\0\0\1x" + frames * 3)
    text = "This is a sentence of forty characters. "
    assert say(service, "-o", tmp_path / "long.mp3", text * 60) == 0
    assert (tmp_path / "long.mp3").read_bytes() == frames * 9
    assert say(service, "-o", tmp_path / "short.mp3", text) == 0
    assert (tmp_path / "short.mp3").read_bytes()[:3] == b"ID3"  # one file is as it came
    monkeypatch.setattr(tts_server, "encode", lambda *_: b"no mp3 at all")
    assert say(service, "-o", tmp_path / "long.mp3", text * 60) == 2
    assert "what came is no MP3, and cannot be joined: use .wav" in capsys.readouterr().err
    assert (tmp_path / "long.mp3").read_bytes() == frames * 9


def test_standard_input_is_said(service, tmp_path, monkeypatch):
    given(monkeypatch, "晚饭好了。".encode())
    assert say(service, "-o", tmp_path / "out.wav", "-") == 0
    assert sound_of(tmp_path / "out.wav") == SPOKEN


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_a_busy_service_is_waited_for_where_nobody_listens(service, tmp_path, monkeypatch, more):
    waits = []

    class Watched(Patience):
        def __init__(self, by_s, gap_ms, most_broken=None):
            waits.append((by_s - asyncio.get_running_loop().time(), most_broken))
            super().__init__(by_s, gap_ms, most_broken)

    for module in (saying, client):
        monkeypatch.setattr(module, "Patience", Watched)
    assert say(service, *more, "-o", tmp_path / "out.wav", "Hi.") == 0
    [(wait_s, most_broken)] = waits
    assert 15 < wait_s <= saying.FILE_WAIT_MS / 1000, "longer than whoever listens would"
    assert most_broken == saying.FILE_MOST_BROKEN


def test_a_piece_that_breaks_off_is_made_again_for_a_file(tmp_path, capsys):
    text = "This is a sentence of forty characters. " * 60
    for once, status in (("@1", 0), ("", 2)):
        faults = (parse_fault(f"speech-cut=1000{once}"),)
        with stepfun(SimulatorOptions(timing=Timing.quick(), quick_connections=0, faults=faults)) as service:
            assert say(service, "-o", tmp_path / "out.wav", text) == status
        assert len(service.wishes) == (4 if once else saying.FILE_TIMES)
        assert sound_of(tmp_path / "out.wav") == SPOKEN * 3
    assert "broke off in the middle of its answer: try it again" in capsys.readouterr().err


def test_nobody_to_answer_is_not_waited_for_so_long(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speech_service, "PAUSE_FIRST_S", 0.0)
    url = f"speech.url=http://127.0.0.1:{refused_port()}/v1"
    assert main(["say", *ALONE, "--set", url, "-o", str(tmp_path / "out.wav"), "Hi"]) == 2
    assert "Nothing listens at 127.0.0.1" in capsys.readouterr().err


def test_whoever_waits_is_to_try_it_again_himself(tmp_path, capsys):
    faults = (parse_fault("stream-cut=3"),)
    with stepfun(SimulatorOptions(timing=Timing.quick(), quick_connections=0, faults=faults)) as service:
        assert say(service, "--stream", "-o", tmp_path / "out.wav", "One.") == 2
    assert "hung up in the middle of the call: try it again" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_what_nobody_can_say_is_left_out(service, tmp_path, monkeypatch, more):
    file = tmp_path / "text"
    file.write_bytes(b"Din\0ner is\x1b ready.")
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert say(service, *more, "-o", tmp_path / "out.wav", "-") == 0
    said = [one.text for one in service.wishes] + [text for one in service.utterances for _, text in one.texts]
    assert said == ["Dinner is ready."]


def test_a_streamed_text_goes_over_the_websocket(service, tmp_path):
    assert say(service, "--stream", "-o", tmp_path / "out.wav", "One. Two.") == 0
    assert sound_of(tmp_path / "out.wav") == SPOKEN * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "out.aac", "x"], "end it in .wav, .mp3, .flac, .opus, .pcm"),
        (["-o", "out", "x"], "end it in .wav"),
        (["--stream", "-o", "out.mp3", "x"], "with --stream a file can be .wav or .pcm"),
        (["-o", "out.flac", "x. " * 500], "holds 1000 characters at most"),
        (["-o", "nowhere/out.wav", "x"], "in a directory that is there"),
        (["-o", "out.wav", " "], "there is no text to say"),
        (["--voice", "linjiajieji", "-o", "out.wav", "x"], "antiphon: --voice: stepaudio-2.5-tts has no"),
        (["--voice", "linjiajieji", "-o", "out.wav", "x"], "did you mean linjiajiejie"),
        (["--set", "speech.voice=linjiajieji", "-o", "out.wav", "x"], "speech.voice: stepaudio-2.5-tts has no voice"),
        (["--instruction", "x" * 201, "-o", "out.wav", "x"], "--instruction has 201 characters"),
        (["--set", "speech.model=step-tts-2", "--instruction", "calm", "-o", "out.wav", "x"], "takes no instruction"),
        (["--set", "speech.model=step-tts-2", "-o", "out.wav", "x"], "a Step Plan key needs speech.url"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(service, arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert say(service, *arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("speed", ["0.4", "2.1", "fast", "nan"])
def test_a_speed_that_is_none(service, speed, capsys):
    with pytest.raises(SystemExit):
        say(service, "--speed", speed, "x")
    assert f"argument --speed: '{speed}' is no speed: give 0.5 to 2" in capsys.readouterr().err


def test_a_name_that_is_no_text_is_told(service, tmp_path):
    output = tmp_path / "a\udcff.wav"
    arguments = ["say", *ALONE, "--set", f"speech.url={service.speech_url('/v1')}", "-o", output, "Hi"]
    environ = environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY, PYTHONIOENCODING="utf-8:strict")
    ended = antiphon(*arguments, environ=environ)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "a\\udcff.wav: 0.6 s" in ended.stdout


@pytest.mark.parametrize("name", ["a\nb/out.wav", "a\x1b[2Jb/out.wav"])
def test_an_error_is_one_line_whatever_the_name(service, tmp_path, capsys, name):
    assert say(service, "-o", tmp_path / name, "x") == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), "\x1b" in err) == (1, False)


def test_what_is_half_done_is_taken_away_when_it_is_ended(tmp_path):
    faults = (parse_fault("speech-stall=1000"),)
    folder = tmp_path / "here"
    folder.mkdir()
    with stepfun(SimulatorOptions(timing=Timing.quick(), faults=faults)) as service:
        arguments = ["say", *ALONE, "--set", f"speech.url={service.speech_url('/v1')}", "-o", folder / "a.wav", "Hi"]
        with running(*arguments, environ=environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY)) as process:
            until(lambda: service.wishes)
            process.terminate()
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err, list(folder.iterdir())) == (143, "", "", [])


def test_the_style_goes_to_the_daemon(monkeypatch):
    asked = []
    monkeypatch.setattr(controlling, "ask", lambda _, request: asked.append(request) or {"ok": True})
    assert main(["say", *ALONE, "--voice", "linjiajiejie", "--speed", "1.5", "Hi"]) == 0
    assert asked == [{"do": "say", "text": "Hi", "voice": "linjiajiejie", "speed": 1.5}]


def test_a_long_text_goes_to_the_daemon_in_parts(monkeypatch):
    asked = []
    monkeypatch.setattr(controlling, "ask", lambda _, request: asked.append(request) or {"ok": True})
    text = "This is a sentence of forty characters. " * 150
    assert main(["say", *ALONE, text]) == 0
    assert " ".join(one["text"] for one in asked) == text.strip()
    assert len(asked) == 6


def test_the_daemon_gets_what_can_be_said(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(controlling, "ask", lambda _, request: asked.append(request["text"]) or {"ok": True})
    assert main(["say", *ALONE, "Din\0ner\x0c is ready."]) == 0
    assert main(["say", *ALONE, " " * 6000]) == 0  # by this daemon; ours refuses it
    assert asked == ["Dinner is ready.", ""]


def test_without_a_daemon_the_speaker_of_the_settings_plays(service, monkeypatch, tmp_path):
    heard = []

    def play(_speaker, _plan, make):
        asyncio.run(make(heard.append))

    monkeypatch.setattr("antiphon.app.make_sound_card", lambda _: (None, None))
    monkeypatch.setattr(saying, "play", play)
    alone = ("--set", f"control.socket={tmp_path}/none.sock")  # not one that may run on this machine
    assert say(service, *alone, "Hi") == 0
    assert b"".join(heard) == SPOKEN
    assert say(service, "--set", "control.socket=null", "Hi") == 0
    assert b"".join(heard) == SPOKEN * 2


def test_a_daemon_that_was_named_must_be_there(service, tmp_path, capsys):
    assert say(service, "--socket", tmp_path / "none.sock", "Hi") == 2
    assert "the daemon does not run" in capsys.readouterr().err


def test_text_that_comes_in_bits_is_given_in_sentences():
    async def scene(*chunks):
        async def bits():
            for chunk in chunks:
                yield chunk

        return [text async for text in sentences(bits())]

    assert asyncio.run(scene("How a", "re you? I", " am. Fi", "ne")) == ["How are you? ", "I am. ", "Fine"]
    assert asyncio.run(scene("是。", "好。", "")) == ["是。", "好。"]
    assert asyncio.run(scene(" ", "\n", "a\n")) == [" \na\n"]
    assert asyncio.run(scene("", " ")) == []


def test_a_text_without_an_end_of_a_sentence_is_cut_all_the_same():
    async def scene(chunk, times):
        async def bits():
            for _ in range(times):
                yield chunk

        return [text async for text in sentences(bits())]

    texts = asyncio.run(scene("word " * 800, 50))
    assert "".join(texts) == "word " * 40_000
    assert max(map(len, texts)) <= 1000
    assert asyncio.run(scene(" " * 4000, 50)) == []


def test_no_more_is_read_ahead_than_is_wanted(tmp_path, monkeypatch):
    file = tmp_path / "text"
    file.write_bytes(b"x" * saying.READ_BYTES * 100)
    with file.open("rb", buffering=0) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        async def scene():
            chunks = saying.chunks_of(None)
            await anext(chunks)
            assert await anext(chunks) == "x" * saying.READ_BYTES
            return stdin.tell() // saying.READ_BYTES

        assert asyncio.run(scene()) <= READ_AHEAD + 2


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_without_standard_input_there_is_no_text(service, tmp_path, monkeypatch, capsys, more):
    monkeypatch.setattr(sys, "stdin", None)
    assert say(service, *more, "-o", tmp_path / "out.wav", "-") == 2
    assert "there is no text to say" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--stream"]])
@pytest.mark.parametrize("name", ["out.wav", "out.pcm"])
def test_a_full_disk_is_not_the_service_s_fault(service, tmp_path, monkeypatch, capsys, more, name):
    def full(_path, _kind):
        def hear(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        return hear, lambda: None

    monkeypatch.setattr(saying, "_opened", full)
    assert say(service, *more, "-o", tmp_path / name, "One. Two.") == 2
    assert capsys.readouterr().err == (
        f"antiphon: {tmp_path / name} cannot be written: No space left on device; give another file\n"
    )
    assert len(service.wishes) + len(service.utterances) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_a_daemon_has_said_is_not_said_again_when_it_ends(monkeypatch, capsys):
    asked = []

    def ask(_, request):
        asked.append(request)
        if len(asked) > 1:
            raise controlling.NotRunningError("gone")
        return {"ok": True}

    monkeypatch.setattr(controlling, "ask", ask)
    monkeypatch.setattr(saying, "run_say", lambda *_: asked.append("alone"))
    assert main(["say", *ALONE, "This is a sentence of forty characters. " * 150]) == 2
    assert "the daemon ended after part 1 of 6" in capsys.readouterr().err
    assert len(asked) == 2


def test_bits_of_standard_input_are_whole_characters(tmp_path, monkeypatch):
    file = tmp_path / "text"
    file.write_bytes("晚饭好了".encode() * 3000)
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        async def scene():
            return "".join([chunk async for chunk in saying.chunks_of(None)])

        assert asyncio.run(scene()) == "晚饭好了" * 3000
