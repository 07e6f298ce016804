"""Recognition over real sockets: streamed bodies, what is kept, and how a stream goes wrong."""

import json

import pytest

from antiphon.simulator.stepfun.faults import Fault, Kind
from simulator.stepfun.http_bench import answer, ask, base64_of, service, wav_of
from simulator.stepfun.test_asr import NORMAL, PCM, PLAN, body
from simulator.stepfun.test_server import run

ACCEPT = {"Accept": "text/event-stream"}


def recognise(*faults, path=NORMAL, key="sk-n", headers=None, json=None, **options):
    return answer(
        "POST", path, *faults, key=key, headers=ACCEPT | (headers or {}), json=json or body(), options=options
    )


def test_a_recording_is_written_down_on_both_paths():
    for path, key in ((NORMAL, "sk-n"), (PLAN, "sk-p")):
        got = recognise(path=path, key=key)
        assert (got.status, got.headers["Content-Type"]) == (200, "text/event-stream")
        assert got.headers["X-Trace-Id"] == "simulated-http-1"
        assert json.loads(got.events[-1])["text"] == "This lasts one point five seconds."


def test_a_streamed_body_is_never_held():
    piece, count = base64_of(b"\x01\x20" * 24_000).encode(), 200

    async def pieces():
        yield b'{"audio":{"data":"'
        for _ in range(count):
            yield piece
        tail = {"transcription": {"model": "stepaudio-2.5-asr"}, "format": PCM | {"rate": 24_000}}
        yield b'","input":' + json.dumps(tail).encode() + b"}}"

    async def scene():
        async with service() as simulator:
            headers = ACCEPT | {"Content-Type": "application/json"}
            got = await ask(simulator, "POST", NORMAL, headers=headers, data=pieces())
            return got, simulator.recognised

    got, [granted] = run(scene)
    assert got.status == 200
    assert (granted.clip.seconds, granted.chunked) == (count, True)
    assert granted.body_bytes > count * len(piece)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"key": "sk-x"}, 401, "Incorrect API key"),
        ({"key": "sk-p"}, 402, "quota"),
        ({"path": PLAN, "json": body(model="stepaudio-2-asr-pro")}, 404, "does not exist"),
        ({"json": body(prompt="x")}, 400, "prompt is not valid"),
        ({"headers": {"Content-Type": "text/plain"}}, 400, "Content-Type"),
        ({"headers": {"Accept": "application/json"}}, 400, "Accept"),
        ({"json": body(wav_of(3)), "asr_longest_s": 2.0}, 400, "longer than 2 s"),
    ],
)
def test_refusals(changes, status, words):
    got = recognise(**changes)
    assert (got.status, words in got.error) == (status, True)


def test_a_status_a_cut_and_an_error():
    got = recognise(Fault(Kind.ASR_STATUS, 503))
    assert (got.status, "overloaded" in got.error) == (503, True)
    got = recognise(Fault(Kind.ASR_CUT, 3))
    assert (got.status, got.broken, len(got.events)) == (200, True, 2)
    got = recognise(Fault(Kind.ASR_ERROR_EVENT, 3, 'no "engine"'))
    assert (got.broken, len(got.events)) == (False, 3)
    assert json.loads(got.events[-1])["message"] == 'no "engine"'


def test_faults_count_requests():
    async def scene():
        async with service(Fault(Kind.ASR_STATUS, 429, "", (0,))) as simulator:
            got = [await ask(simulator, "POST", NORMAL, headers=ACCEPT, json=body()) for _ in range(2)]
            lines = [line["status"] for line in simulator.log if line["what"] == "asr"]
            return [one.status for one in got], lines, len(simulator.recognised)

    assert run(scene) == ([429, 200], [429, 200], 1)
