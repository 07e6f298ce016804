"""One turn without a sound card, through the whole appliance, against the simulated service on a real socket."""

import asyncio
import json
import signal
import socket
import struct
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from antiphon.asking import ask as ask_once
from antiphon.asking import check_output, check_question
from antiphon.cli import main
from antiphon.errors import AudioFileError
from antiphon.pcm import decode, frames_in
from antiphon.settings import Layer, load
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.tape import WholeQuestion
from loopback import SPOKEN_MS, answering, lan_server, refused_port, stepfun, tone
from verbs import ALONE, environment, own_words, running
from waves import write_wav

RATE_HZ = 24_000


def read(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, RATE_HZ)
        return decode(file.readframes(file.getnframes()), file.getsampwidth(), 1)


def voice(ms, rate_hz=RATE_HZ):
    """A sound that the simulated service takes for speech; no two milliseconds of it are alike."""
    time_s = np.arange(frames_in(ms, rate_hz)) / rate_hz
    return (9000 * np.sin(2 * np.pi * (200 + 40 * time_s) * time_s)).astype(np.int16)


def silence(ms, rate_hz=RATE_HZ):
    return np.zeros(frames_in(ms, rate_hz), np.int16)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("STEPFUN_API_KEY", DEFAULT_KEY)


@pytest.fixture
def question(tmp_path):
    return write_wav(tmp_path / "question.wav", voice(1600))


@pytest.fixture
def service():
    options = SimulatorOptions(timing=Timing.quick(), transcripts=("what time is it",))
    with stepfun(options) as running:
        yield running


def faulty(*faults):
    return stepfun(SimulatorOptions(timing=Timing.quick(), faults=faults))


def ask(service, *arguments):
    return main(["ask", *ALONE, "--set", f"realtime.url={service.url()}", *map(str, arguments)])


# ── a turn ──


def test_the_reply_is_written_sample_by_sample(service, question, tmp_path, capsys):
    reply = tmp_path / "reply.wav"
    assert ask(service, question, "-o", reply) == 0
    assert read(reply).tolist() == tone("", "", RATE_HZ).tolist()
    said = capsys.readouterr()
    assert "Asked" in said.out
    assert "1.6 s" in said.out
    assert "came by realtime" in said.out
    assert "I heard you speak" in said.out
    assert str(reply) in said.out
    assert said.err == ""


def test_json_tells_the_same_as_data(service, question, tmp_path, capsys):
    reply = tmp_path / "reply.wav"
    assert ask(service, question, "-o", reply, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["question"] == str(question)
    assert told["question_s"] == 1.6
    assert told["said"] == "what time is it"
    assert told["answer"].startswith("I heard you speak")
    assert told["reply_s"] == SPOKEN_MS / 1000
    assert told["reply"] == str(reply)
    assert told["first_audio_s"] > 0
    assert told["link"] == "realtime"


def test_without_a_file_the_reply_is_told_and_not_kept(service, question, tmp_path, capsys):
    before = sorted(tmp_path.glob("*.wav"))
    assert ask(service, question) == 0
    assert sorted(tmp_path.glob("*.wav")) == before
    assert "lasts 0.6 s, was not kept" in capsys.readouterr().out


def test_no_sample_of_the_question_is_lost(service, question):
    assert ask(service, question) == 0
    asked = read(question)
    (session,) = service.sessions
    (turn,) = session.turns
    heard = session.heard(turn)
    assert heard[: len(asked)].tolist() == asked.tolist()
    assert not heard[len(asked) :].any()


def test_a_pause_inside_the_question_does_not_cut_it(service, tmp_path):
    pause_ms = 9000  # longer than any silence that ends a turn
    asked = np.concatenate((voice(1000), silence(pause_ms), voice(1000)))
    assert ask(service, write_wav(tmp_path / "question.wav", asked)) == 0
    (session,) = service.sessions
    (turn,) = session.turns
    assert turn.end_frame >= len(asked)


def test_a_question_shorter_than_a_service_takes_is_filled_up(service, tmp_path):
    assert ask(service, write_wav(tmp_path / "question.wav", voice(300))) == 0
    (session,) = service.sessions
    assert session.turns[0].end_frame >= frames_in(1000, RATE_HZ)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050, 44_100])
def test_a_question_of_any_rate(service, tmp_path, rate_hz):
    assert ask(service, write_wav(tmp_path / "question.wav", voice(1500, rate_hz), rate_hz)) == 0
    (session,) = service.sessions
    assert session.turns[0].end_frame >= frames_in(1500, RATE_HZ)


def test_the_board_s_outputs_are_left_to_the_daemon(service, question, capsys):
    assert ask(service, "--set", "tools.switches=[{name: lamp, pin: 26}]", question) == 0
    assert "no-switch" not in "".join(capsys.readouterr())
    assert [tool["function"]["name"] for tool in service.sessions[-1].tools] == ["get_time"]


@pytest.mark.parametrize("event", ["session.created", "response.created", "response.audio.delta"])
def test_a_call_that_is_lost_is_made_again_with_the_whole_question(question, tmp_path, event):
    reply = tmp_path / "reply.wav"
    with faulty() as service:
        assert ask(service, question) == 0
    place = 1 + [kind for _, kind in service.sessions[0].sent].index(event)
    with faulty(Fault(Kind.CUT_AT_EVENT, at=place + 1, connections=(0,))) as service:
        assert ask(service, question, "-o", reply) == 0
    assert len(service.sessions) == 2
    asked = read(question)
    assert service.sessions[1].samples()[: len(asked)].tolist() == asked.tolist()
    assert read(reply).tolist() == tone("", "", RATE_HZ).tolist()


# ── a server on the LAN ──


@pytest.fixture
def lan():
    with lan_server() as (url, questions):
        yield url, questions


def lan_set(lan):
    return ("--set", f"generate.urls={lan[0]}")


def lan_name(lan):
    return f"generate {lan[0].removeprefix('http://')}"


def test_the_lan_alone_is_asked_without_a_key(lan, question, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("STEPFUN_API_KEY")
    reply = tmp_path / "reply.wav"
    assert main(["ask", *ALONE, *lan_set(lan), "--link", "generate", str(question), "-o", str(reply), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["link"], told["said"], told["answer"]) == (lan_name(lan), "", "")
    assert told["reply_s"] == SPOKEN_MS / 1000
    assert read(reply).tolist() == tone("", "", RATE_HZ).tolist()
    ((heard, rate_hz),) = lan[1]
    assert rate_hz == 16_000
    assert len(heard) >= frames_in(1600, rate_hz)


def test_the_lan_is_asked_in_words_when_the_service_does_not_answer(lan, question, tmp_path, capsys):
    reply = tmp_path / "reply.wav"
    assert never(question, *lan_set(lan), "-o", reply) == 0
    said = capsys.readouterr()
    assert f"came by {lan_name(lan)}" in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("antiphon: ")
    assert line.endswith(f"; {lan_name(lan)} is asked instead of realtime")
    assert "othing listens" in line
    assert read(reply).tolist() == tone("", "", RATE_HZ).tolist()
    assert len(lan[1]) == 1


def test_a_service_that_dies_in_the_reply_leaves_no_words_of_it(lan, question, capsys):
    with faulty() as service:
        assert ask(service, question) == 0
    place = 1 + [kind for _, kind in service.sessions[0].sent].index("response.audio.delta")
    capsys.readouterr()
    with faulty(Fault(Kind.CUT_AT_EVENT, at=place + 1)) as service:
        assert ask(service, question, *lan_set(lan), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["link"], told["answer"]) == (lan_name(lan), "")
    assert told["reply_s"] == SPOKEN_MS / 1000


def test_the_service_alone_is_asked(lan, question, capsys):
    assert never(question, *lan_set(lan), "--link", "realtime", "--set", "conversation.opening_ms=500") == 1
    assert "othing listens" in capsys.readouterr().err
    assert lan[1] == []


@pytest.mark.parametrize(
    ("link", "line"),
    [
        ("generate", "--link generate: there is no server to ask: set generate.urls"),
        ("genrate", '--link: links.0: is "genrate" (perhaps generate?); give realtime, generate, chat or cascade'),
    ],
)
def test_a_link_that_cannot_be_asked(question, capsys, link, line):
    assert never(question, "--link", link) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"antiphon: {line}")
    assert said.err.count("\n") == 1


def test_a_dead_model_behind_a_healthy_door(question, capsys):
    with lan_server(b"") as lan:
        assert never(question, *lan_set(lan), "--link", "generate") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("antiphon: ")


# ── a chat model ──


def ask_chat(service, question, *arguments):
    given = ["--link", "chat", "--set", f"chat.url={service.speech_url()}"]
    return main(["ask", *ALONE, *given, *map(str, arguments), str(question)])


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_chat_model_is_asked_and_answers(service, question, tmp_path, capsys, stream):
    reply = tmp_path / "reply.wav"
    assert ask_chat(service, question, "-o", reply, "--json", "--set", f"chat.stream={stream}") == 0
    assert read(reply).tolist() == tone("", "", RATE_HZ).tolist()
    told = json.loads(capsys.readouterr().out)
    assert (told["link"], told["said"]) == ("chat", "")
    assert told["answer"].startswith("I heard you speak")
    (asked,) = service.chats
    assert asked.last.clips[0].seconds >= 1.6
    assert not service.sessions


def test_a_chat_model_that_is_not_on_the_plan_says_so(question, capsys):
    with stepfun(SimulatorOptions(keys={DEFAULT_KEY: "plan"}, timing=Timing.quick())) as service:
        assert ask_chat(service, question) == 1
        url = f"chat.url={service.speech_url('/step_plan/v1')}"
        assert ask_chat(service, question, "--set", url) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "chat.url" in first
    assert "chat.url" in second


# ── a wait ──


@pytest.mark.parametrize("patience_s", [0.01, None])
def test_whoever_waits_is_told_for_what_unless_nobody_looks(question, patience_s):
    told = []
    with answering(None) as port:  # it takes the call, and never says a word
        settings = load([Layer("test", {
            "links": ["realtime"],
            "realtime": {"url": f"ws://127.0.0.1:{port}/v1/realtime"},
            "conversation": {"opening_ms": 1000},
        })]).settings  # fmt: skip
        turn = asyncio.run(ask_once(settings, None, question, told.append, patience_s))
    assert turn.problem
    assert told == (["still calling realtime"] if patience_s else [])


# ── no answer: the service's fault ──


def test_a_key_that_nobody_knows(question, monkeypatch, capsys):
    monkeypatch.setenv("STEPFUN_API_KEY", "sk-of-somebody-else")
    with stepfun() as service:
        assert ask(service, question) == 1
    said = capsys.readouterr()
    assert "(401)" in said.err
    assert "somebody" not in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_question_without_speech(service, tmp_path, capsys):
    reply = tmp_path / "reply.wav"
    assert ask(service, write_wav(tmp_path / "question.wav", silence(2000)), "-o", reply) == 1
    assert "no speech" in capsys.readouterr().err
    assert not reply.exists()


def test_a_reply_that_breaks_off_is_not_written(question, tmp_path, capsys):
    reply = tmp_path / "reply.wav"
    with faulty(Fault(Kind.SERVER_ERROR)) as service:
        assert ask(service, question, "-o", reply) == 1
    assert "broke the reply off" in capsys.readouterr().err
    assert not reply.exists()


def test_nobody_listens_there(question, capsys):
    url = f"realtime.url=ws://127.0.0.1:{refused_port()}/v1/realtime"
    assert main(["ask", *ALONE, str(question), "--set", url, "--set", "conversation.opening_ms=500"]) == 1
    assert "nothing listens" in capsys.readouterr().err.lower()


def test_what_the_service_complains_of_is_said_beside_the_answer(service, question, capsys):
    assert ask(service, question, "--set", "realtime.voice=nobody") == 0
    said = capsys.readouterr()
    assert "realtime.voice" in said.err
    assert "I heard you speak" in said.out


def test_ctrl_c_ends_it_quietly(question, tmp_path):
    environ = environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        url = f"realtime.url=ws://127.0.0.1:{listener.getsockname()[1]}/v1/realtime"
        with running("ask", *ALONE, question, "--set", url, environ=environ) as process:
            client, _ = listener.accept()  # it waits for an answer now
            with client:
                process.send_signal(signal.SIGINT)
                out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert own_words(errors) == []


# ── files that cannot be a question ──


def header(bytes_of_sound, form=1, rate_hz=16_000):
    """The first 44 bytes of a WAV file that says it holds so much."""
    head = struct.pack("<4sI4s4sI", b"RIFF", min(36 + bytes_of_sound, 2**32 - 1), b"WAVE", b"fmt ", 16)
    return head + struct.pack("<HHIIHH4sI", form, 1, rate_hz, 2 * rate_hz, 2, 16, b"data", bytes_of_sound)


def never(*arguments):
    """The question is refused before anybody is called: nobody listens at this address."""
    return main(
        ["ask", *ALONE, "--set", f"realtime.url=ws://127.0.0.1:{refused_port()}/v1/realtime", *map(str, arguments)]
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no WAV file"),
        (b"\xff\xfb\x90\x00" * 400, "no WAV file"),
        (b"words, not sound\n", "no WAV file"),
        (header(0), "no sound"),
        (header(32_000), "no sound"),
        (header(32_000, form=7) + bytes(32_000), "compressed"),
        (header(2 * 16_000 * 61) + bytes(100), "61 s"),
    ],
    ids=["empty", "mp3", "text", "no frames", "header alone", "compressed", "too long"],
)
def test_a_file_that_cannot_be_a_question(tmp_path, capsys, content, words):
    path = tmp_path / "question.wav"
    path.write_bytes(content)
    assert never(path) == 2
    said = capsys.readouterr().err
    assert words in said
    assert str(path) in said
    assert said.startswith("antiphon: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["is-not-there.wav", "."])
def test_a_question_that_is_no_file(tmp_path, capsys, name):
    assert never(tmp_path / name) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_eight_hours_are_refused_without_being_read(tmp_path):
    path = tmp_path / "question.wav"
    size = 8 * 3600 * 16_000 * 2
    path.write_bytes(header(size))
    with path.open("r+b") as file:
        file.truncate(44 + size)  # sparse: it takes no room
    tracemalloc.start()
    try:
        with pytest.raises(AudioFileError, match=r"lasts 8\.0 h, and a turn 60 s at most.*conversation\.max_turn_ms"):
            check_question(path, 60_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_the_longest_turn_may_be_raised(service, tmp_path):
    path = write_wav(tmp_path / "question.wav", np.concatenate((voice(1000), silence(119_000))))
    assert never(path) == 2
    assert ask(service, path, "--set", "conversation.max_turn_ms=120000") == 0
    (session,) = service.sessions
    assert session.turns[0].end_frame >= frames_in(120_000, RATE_HZ)


# ── a fault of our own ──


def test_a_part_that_dies_is_no_silence_of_the_owner_s(service, question, monkeypatch, capsys):
    def hear(_self, _marks):
        raise RuntimeError("a fault of the ear's")

    monkeypatch.setattr(WholeQuestion, "hear", hear)
    assert ask(service, question) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("antiphon: a part of antiphon has died of a fault of its own")
    assert "a fault of the ear's" in said.err
    assert "held no speech" not in said.err


# ── places where no reply can be written ──


def test_a_directory_that_is_not_there(question, tmp_path, capsys):
    assert never(question, "-o", tmp_path / "nowhere" / "reply.wav") == 2
    assert "directory" in capsys.readouterr().err


def test_a_directory_in_the_file_s_place(question, tmp_path):
    assert never(question, "-o", tmp_path) == 2


def test_the_question_is_not_overwritten(question, capsys):
    before = question.read_bytes()
    assert never(question, "-o", question) == 2
    assert "is the question" in capsys.readouterr().err
    assert question.read_bytes() == before


def test_a_place_that_may_be_written(question, tmp_path):
    check_output(question, tmp_path / "reply.wav")
    check_output(question, None)
    check_output(question, Path(write_wav(tmp_path / "old-reply.wav", voice(100))))


# ── three services in a row ──


@pytest.mark.parametrize(("path", "scope"), [("/v1", "normal"), ("/step_plan/v1", "plan")])
def test_a_cascade_is_asked_and_answers(question, tmp_path, capsys, path, scope):
    reply = tmp_path / "reply.wav"
    with stepfun(SimulatorOptions(keys={DEFAULT_KEY: scope}, timing=Timing.quick())) as service:
        given = ["--link", "cascade", "--set", f"cascade.url={service.speech_url(path)}"]
        assert main(["ask", *ALONE, *given, "-o", str(reply), "--json", str(question)]) == 0
        (heard,), (asked,), (spoken,) = service.recognised, service.chats, service.utterances
    assert read(reply).tolist() == tone("", "", RATE_HZ).tolist()
    told = json.loads(capsys.readouterr().out)
    assert told["link"] == "cascade"
    assert told["said"] == asked.last.text
    assert told["answer"].strip() == spoken.text.strip()
    assert heard.clip.seconds >= 1.6


def test_a_cascade_says_in_which_of_the_three_it_fails(question, capsys):
    with stepfun(SimulatorOptions(timing=Timing.quick(), faults=(Fault(Kind.STREAM_STATUS, at=402),))) as service:
        given = ["--link", "cascade", "--set", f"cascade.url={service.speech_url()}"]
        assert main(["ask", *ALONE, *given, str(question)]) == 1
    said = capsys.readouterr().err
    assert "Speaking the answer: " in said
    assert "cascade.url with /step_plan/v1" in said
