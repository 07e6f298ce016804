"""How every service answers, as far as the services' own tests do not see: stalls, slow answers, chance."""

import asyncio
import json

import aiohttp
import pytest

from antiphon.simulator.journal import Journal
from antiphon.simulator.stepfun.desk import Desk
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions
from simulator.stepfun.http_bench import answer, service
from simulator.stepfun.test_chat import AUDIO, NORMAL, question, written
from simulator.stepfun.test_server import run


def desk(*faults, name="chat", seed=0):
    options = SimulatorOptions(faults=faults, seed=seed)
    return Desk(name, options, lambda *_: None, Journal(None), asyncio.Event())


def test_a_fault_is_found_by_service_and_request():
    fault = Fault(Kind.ASR_FILE_CUT, 3, "", (1,))
    at = desk(fault, name="asr-file")
    assert (at.fault(0, "cut"), at.fault(1, "cut"), at.fault(1, "stall")) == (None, fault, None)
    assert desk(fault, name="asr").fault(1, "file-cut") is fault  # no service of ours asks so
    assert desk(fault, name="files").fault(1, "cut") is None


def test_every_service_has_its_faults():
    services = ("chat", "asr", "transcriptions", "asr-file", "files", "voices")
    wanted = {f"{service}-{what}" for service in services for what in ("status", "slow", "stall", "cut")}
    wanted |= {f"{service}-error-event" for service in ("speech", "chat", "asr")}
    assert wanted <= {kind.value for kind in Kind}


def test_chance_can_be_repeated_and_is_each_services_own():
    assert desk().rng.random() == desk().rng.random()
    assert desk().rng.random() != desk(name="asr").rng.random()
    assert desk().rng.random() != desk(seed=1).rng.random()


def test_a_stall_ends_with_the_service():
    async def stalled(asked, *faults):
        async with (
            service(*faults) as simulator,
            aiohttp.ClientSession(headers={"Authorization": "Bearer sk-n"}) as http,
            http.post(simulator.speech_url("") + NORMAL, json=asked) as response,
        ):
            assert response.status == 200
            begun = await response.content.readuntil(b"\n\n") if asked.get("stream") else b""
            reading = asyncio.get_running_loop().create_task(response.content.readany())
            await asyncio.sleep(0)
            assert not reading.done()
            await simulator.stop()
            with pytest.raises(aiohttp.ClientError):
                await reading
            return begun, [line["what"] for line in simulator.log if "chat" in line["what"]]

    async def scene():
        stream = question(stream=True, audio=AUDIO | {"format": "pcm"})
        return await stalled(stream, Fault(Kind.CHAT_STALL, 2)), await stalled(written(), Fault(Kind.CHAT_STALL))

    (event, noted), (nothing, also) = run(scene)
    assert json.loads(event.removeprefix(b"data: "))["object"] == "chat.completion.chunk"
    assert (nothing, noted, also) == (b"", ["chat", "chat_broken"], ["chat", "chat_broken"])


def test_a_slow_answer_comes_in_its_time(monkeypatch):
    waited = []
    pause = asyncio.sleep

    async def wait(seconds):
        waited.append(seconds)
        await pause(0)

    monkeypatch.setattr("antiphon.simulator.stepfun.desk.asyncio.sleep", wait)
    assert answer("POST", NORMAL, Fault(Kind.CHAT_SLOW, 2500), json=written()).status == 200
    assert answer("POST", NORMAL, json=written()).status == 200
    assert [seconds for seconds in waited if seconds in (2.5, 0.008)] == [2.5, 0.008]


@pytest.mark.parametrize("text", ["\ud800", "a\n\ndata: b", '"%s"'])
def test_any_text_can_be_answered(text):
    for stream in (False, True):
        got = answer("POST", NORMAL, json=written({"role": "user", "content": text}, stream=stream))
        assert (got.status, got.broken) == (200, False)
        assert [json.loads(event) for event in got.events if event != "[DONE]"] if stream else got.json


def test_an_error_is_json_whatever_it_says():
    words = 'no "engine" \\ left'
    got = answer("POST", NORMAL, Fault(Kind.CHAT_ERROR_EVENT, 1, words), json=written(stream=True))
    assert [json.loads(event)["error"]["message"] for event in got.events] == [words]


def test_a_body_is_bounded():
    got = answer("POST", "/v1/audio/voices", json={"model": "x" * 70_000})
    assert (got.status, got.error) == (400, "the body is larger than 65536 bytes")
