"""Chat completions over real sockets."""

import asyncio
import base64
import io
import json
import wave

import aiohttp
import pytest

from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import Timing
from antiphon.simulator.stepfun.script import Reply
from simulator.stepfun.http_bench import SPOKEN, answer, ask, service
from simulator.stepfun.test_chat import AUDIO, NORMAL, PLAN, question, said, written
from simulator.stepfun.test_server import run

STREAMED = question(stream=True, audio=AUDIO | {"format": "pcm"})


def chat(asked, *faults, path=NORMAL, key="sk-n", synthesise=lambda *_: SPOKEN, **options):
    return answer("POST", path, *faults, key=key, json=asked, options={"synthesise": synthesise, **options})


def sound_of(events):
    audio = [json.loads(one)["choices"][0]["delta"].get("audio", {}) for one in events if one != "[DONE]"]
    return b"".join(base64.b64decode(one["data"]) for one in audio if "data" in one)


def test_a_whole_answer_is_spoken_in_a_wav_file():
    got = chat(question())
    message = got.json["choices"][0]["message"]
    with wave.open(io.BytesIO(base64.b64decode(message["audio"]["data"]))) as file:
        assert (file.getframerate(), file.readframes(10**6)) == (24_000, bytes_of(SPOKEN))
    assert (got.status, message["audio"]["transcript"]) == (200, "I heard you speak for one point five seconds.")


def test_a_streamed_answer_is_spoken_in_pieces():
    got = chat(STREAMED)
    assert (got.status, got.headers["Content-Type"], got.events[-1]) == (200, "text/event-stream", "[DONE]")
    assert sound_of(got.events) == bytes_of(SPOKEN)


def test_text_on_the_plan():
    got = chat(written(), path=PLAN, key="sk-p", replies=(Reply("Yes."),))
    assert got.json["choices"][0]["message"] == {"role": "assistant", "content": "Yes."}


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"key": "sk-x"}, 401, "Incorrect API key"),
        ({"key": "sk-p"}, 402, "quota"),
        ({"path": PLAN}, 404, "does not exist"),
        ({"blocked": ("one",), "asked": question(said("one"))}, 451, "blocked"),
        ({"asked": question(tool_choice="auto")}, 400, "tool_choice is not valid"),
    ],
)
def test_refusals(changes, status, words):
    got = chat(**({"asked": question()} | changes))
    assert (got.status, words in got.error) == (status, True)


def test_what_was_granted_is_kept():
    async def scene():
        async with service() as simulator:
            await ask(simulator, "POST", NORMAL, json=STREAMED)
            await ask(simulator, "POST", NORMAL, json=question(stream=3))
            return simulator.chats

    [granted] = run(scene)
    assert (granted.stream, granted.last.clips[0].seconds) == (True, 1.5)


def test_a_stream_goes_wrong():
    got = chat(STREAMED, Fault(Kind.CHAT_CUT, 4))
    assert (got.broken, len(got.events)) == (True, 3)
    got = chat(STREAMED, Fault(Kind.CHAT_ERROR_EVENT, 2))
    assert (got.broken, json.loads(got.events[-1])["error"]["message"]) == (False, "internal error")
    assert chat(STREAMED, Fault(Kind.CHAT_STATUS, 429)).status == 429


def test_a_whole_answer_goes_wrong():
    got = chat(question(), Fault(Kind.CHAT_CUT))
    assert (got.status, got.broken) == (200, True)
    assert 0 < len(got.body) < int(got.headers["Content-Length"])


def test_a_voice_that_fails_is_a_fault_of_the_service():
    def missing(*_):
        raise DeviceError("flite", "is not installed", "Run: sudo apt install flite")

    assert chat(question(), synthesise=missing).status == 500


def test_who_hangs_up_is_noted(capfd):
    noted = asyncio.Event()

    def log(line):
        if line["what"] == "hung_up":
            assert (line["service"], line["request"]) == ("chat", 0)
            noted.set()

    async def scene():
        timing = Timing(first_audio_ms=0.0, word_ms=1.0)
        replies = (Reply("word " * 20_000),)
        async with service(timing=timing, replies=replies, log=log) as simulator:
            headers = {"Authorization": "Bearer sk-n"}
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                http.post(simulator.speech_url() + "/chat/completions", json=written(stream=True)) as response,
            ):
                await response.content.readany()
                response.close()
                await noted.wait()

    run(scene)
    assert "Error handling request" not in capfd.readouterr().err
