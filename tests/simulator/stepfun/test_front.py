"""The front: which request is whose, and what is answered where there is nothing."""

import asyncio
from urllib.parse import urlsplit

import aiohttp
import pytest

from antiphon.simulator.stepfun.faults import Fault, Kind
from simulator.stepfun.http_bench import answer, ask, service
from simulator.stepfun.test_chat import NORMAL, written
from simulator.stepfun.test_server import run


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/nothing", 404),
        ("POST", "/v2/chat/completions", 404),
        ("POST", "/chat/completions", 404),
        ("POST", "/v1/step_plan/v1/chat/completions", 404),
        ("GET", "/v1/audio/nothing", 404),
        ("DELETE", "/v1/audio/voices", 405),
        ("PUT", "/step_plan/v1/chat/completions", 405),
        ("GET", "/v1/audio/speech", 405),
    ],
)
def test_where_there_is_nothing(method, path, status):
    got = answer(method, path)
    assert (got.status, got.headers["Content-Type"]) == (status, "application/json")
    assert set(got.json["error"]) == {"message", "type"}


def test_what_is_posted_has_no_query():
    assert answer("POST", f"{NORMAL}?a=b", json=written()).status == 400


def test_each_answer_has_an_id_for_support():
    async def scene():
        async with service() as simulator:
            return [(await ask(simulator, "POST", path)).headers["X-Trace-Id"] for path in ("/v1/nothing", NORMAL)]

    assert run(scene) == ["simulated-http-1", "simulated-http-2"]


def test_one_connection_carries_many_requests():
    async def scene():
        async with (
            service() as simulator,
            aiohttp.ClientSession(
                headers={"Authorization": "Bearer sk-n"}, connector=aiohttp.TCPConnector(limit=1)
            ) as http,
        ):
            for path, asked in (("/chat/completions", written()), ("/audio/speech", {}), ("/chat/completions", {})):
                async with http.post(simulator.speech_url() + path, json=asked) as response:
                    await response.read()
            return len([line for line in simulator.log if line["what"] == "connection"]), len(simulator.chats)

    assert run(scene) == (1, 1)


@pytest.mark.parametrize("first", [b"G", b"GET /v1/audio/v", b"GET /v1/audio/", b"PO"])
def test_a_request_may_come_in_pieces(first):
    rest = b"ices HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    whole = (b"POST /v1/audio/vo" if first == b"PO" else b"GET /v1/audio/vo") + rest

    connected = asyncio.Event()

    def log(line):
        if line["what"] == "connection":
            connected.set()

    async def scene():
        async with service(log=log) as simulator:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(simulator.speech_url()).port)
            writer.write(first)
            await connected.wait()
            writer.write(whole[len(first) :])
            told = await reader.read()
            writer.close()
            return told

    assert run(scene).startswith(b"HTTP/1.1 401")


def test_it_serves_again_after_it_stopped():
    async def scene():
        async with service() as simulator:
            first = await ask(simulator, "POST", NORMAL, json=written())
            await simulator.stop()
            await simulator.start()
            return first.status, (await ask(simulator, "POST", NORMAL, json=written())).status

    assert run(scene) == (200, 200)


def test_requests_at_once_are_counted_and_bounded():
    ready = asyncio.Event()

    def log(line):
        if line["what"] == "chat_broken":
            ready.set()

    async def scene():
        async with service(Fault(Kind.CHAT_STALL, 0, "", (0,)), log=log, requests_at_once=1) as simulator:
            first = asyncio.get_running_loop().create_task(ask(simulator, "POST", NORMAL, json=written()))
            await ready.wait()
            second = await ask(simulator, "POST", "/v1/audio/asr/sse", json={})
            third = await ask(simulator, "POST", NORMAL, json=written())
            await simulator.stop()
            return (await first).broken, second.status, third.status, dict(simulator.at_once)

    assert run(scene) == (True, 429, 429, {"chat": 2, "asr": 1})
