"""Requests by their routes, compared with what the real server's HTTP layer said to the same bytes; faults; deaths.

tests/data/voxserve-wire.json was recorded from vox-serve 0.1.0 on FastAPI 0.116.1 and uvicorn 0.35.0, with a stand-in
for the model. What differs each time (dates, ids, sizes of sound) is masked, sound is left out.
"""

import asyncio
import json
import re
import time
from pathlib import Path

import pytest

from antiphon.pcm import bytes_of
from antiphon.simulator.voxserve.faults import Fault, Kind
from antiphon.simulator.voxserve.windows import header
from simulator.voxserve.bench import (
    SPEECH,
    WHOLE,
    answer,
    ask,
    asks,
    dial,
    exchange,
    get,
    part,
    run,
    said,
    server,
    told,
    tone,
    wav,
)

WIRE = json.loads((Path(__file__).parents[2] / "data" / "voxserve-wire.json").read_text(encoding="utf-8"))
LAST = b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
MASKS = (
    (rb"date: [^\r]*", b"date: D"),
    (rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"UUID"),
    (rb"stream_[0-9a-f]{8}", b"stream_H"),
    (rb"last-modified: [^\r]*", b"last-modified: D"),
    (rb'etag: "[^"]*"', b"etag: E"),
    (rb"content-length: \d{5,}", b"content-length: BIG"),
    (rb"content-range: .*", b"content-range: R"),
    (rb"http://127\.0\.0\.1:\d+", b"http://HERE"),
    (rb"(?s)RIFF.*", b"RIFF"),
)


def masked(got):
    for pattern, mask in MASKS:
        got = re.sub(pattern, mask, got)
    return got


@pytest.mark.parametrize("case", WIRE, ids=lambda case: case["name"])
def test_the_bytes_are_those_of_the_real_server(case):
    request = case["request"].encode("latin-1")

    async def scene():
        async with server() as service:
            return await exchange(service, request if case["closes"] else request + LAST)

    got = run(scene)
    if not case["closes"]:  # the connection went on, to this other request
        got, between, rest = got.rpartition(b"HTTP/1.1 200 OK\r\ndate: ")
        assert between
        assert rest.endswith(b'connection: close\r\n\r\n{"status":"healthy"}')
    assert masked(got) == case["response"].encode("latin-1")


# ── faults ──


def statuses(*faults, requests=3, request=None):
    async def scene():
        async with server(*faults) as service:
            answers = [await ask(service, request or asks()) for _ in range(requests)]
            return [(status, body) for status, _, body, _ in answers]

    return run(scene)


def test_statuses():
    detail = [body for _, body in statuses(Fault(Kind.STATUS, 503, "Later"), requests=1)]
    assert detail == [b'{"detail":"Later"}']
    kinds = [Fault(Kind.BUSY, requests=(0,)), Fault(Kind.LIST_422, requests=(1,))]
    busy, unprocessable, fine = statuses(*kinds)
    assert busy == (429, b'{"detail":"Server busy; please retry shortly"}')
    assert unprocessable[0] == 422
    assert json.loads(unprocessable[1])["detail"][0]["type"] == "missing"
    assert fine[0] == 200


def test_a_crash_is_plain_text_and_ends_the_connection():
    async def scene():
        async with server(Fault(Kind.TEXT_500)) as service:
            return await exchange(service, asks(more=b"Origin: http://x\r\n") + LAST)

    got = run(scene)
    assert got.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert got.endswith(b"content-type: text/plain; charset=utf-8\r\n\r\nInternal Server Error")
    assert b"access-control" not in got


def test_a_captive_portal_answers_everything_with_a_page():
    async def scene():
        async with server(Fault(Kind.PORTAL)) as service:
            return [await ask(service, request) for request in (get("/health"), get("/nope"), asks())]

    for status, headers, body, _ in run(scene):
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert body.startswith(b"<!DOCTYPE html>")


def test_another_health():
    async def scene():
        async with server(Fault(Kind.HEALTH, 503, "Ill")) as service:
            return await ask(service, get("/health")), await ask(service, asks())

    (ill, fine) = run(scene)
    assert (ill[0], ill[2], fine[0]) == (503, b"Ill", 200)


@pytest.mark.parametrize(("kind", "got"), [(Kind.HANG_UP, b""), (Kind.REFUSE, b"<reset>")], ids=["hang-up", "refuse"])
def test_ends_without_an_answer_and_then_answers(kind, got):
    async def scene():
        async with server(Fault(kind, requests=(0,))) as service:
            first = await exchange(service, asks())
            status = (await ask(service, asks()))[0]
            refused = [line["request"] for line in said(service, "connection_refused")]
            return first, status, [record.number for record in service.requests], refused

    first, status, numbers, refused = run(scene)
    assert (first, status) == (got, 200)
    assert (numbers, refused) == (([0, 1], []) if kind is Kind.HANG_UP else ([1], [0]))


@pytest.mark.parametrize("request_", [get("/health"), asks()], ids=["health", "generate"])
def test_no_answer_at_all(request_):
    async def scene():
        async with server(Fault(Kind.NO_ANSWER)) as service:
            reader, writer = await dial(service)
            writer.write(request_)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read(1)
            writer.close()

    run(scene)


def test_silence_before_the_first_sound():
    async def scene():
        async with server(Fault(Kind.SILENCE, 80), replies=("Yes.",)) as service:
            await ask(service, asks())
            (record,) = service.requests
            return record.first_audio_s - record.received_s

    assert run(scene) >= 0.08


def test_slow_windows():
    async def scene():
        async with server(Fault(Kind.SLOW, 2000), replies=("Yes.",)) as service:
            await ask(service, asks())
            (record,) = service.requests
            return record.first_audio_s - record.received_s

    assert run(scene) >= 0.1 / 20


# ── the model process ──


def dies(request, **changes):
    """Why the model dies of this request, what the stream then is, and what /health says."""

    async def scene():
        async with server(timeout_s=0.05, **changes) as service:
            got = await exchange(service, request)
            healthy = await ask(service, get("/health"))
            after = await exchange(service, asks())
            (death,) = said(service, "model_died")
            return death["why"], got, after, healthy[2]

    why, got, after, healthy = run(scene)
    assert healthy == b'{"status":"healthy"}'
    for stream in (got, after):
        assert stream.startswith(b"HTTP/1.1 200 OK\r\n")
        assert stream.endswith(header(None) + b"\r\n")
    return why


@pytest.mark.parametrize("field", ["language", "speaker", "ref_text", "instruct"])
def test_fields_of_other_models_kill(field):
    assert field in dies(asks(*SPEECH, part(field, "en")))


@pytest.mark.parametrize(
    ("upload", "why"), [(b"", "empty"), (b"no sound", "not recognised"), (wav(tone(80)), "1028 tokens")]
)
def test_uploads_that_kill(upload, why):
    assert why in dies(asks(part("text", ""), part("audio", upload, "audio.wav")))


def test_an_upload_that_waited_too_long_kills():
    assert "deleted" in dies(asks(), upload_kept_s=-1.0)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_model_that_is_dead_from_some_request_on(first):
    async def scene():
        async with server(Fault(Kind.DEAD, requests=(first,) if first else ())) as service:
            for number in range(4):
                reader, writer = await dial(service)
                writer.write(asks())
                await (answer(reader) if number < first else reader.readuntil(header(None)))
                writer.close()
            for _ in range(first, 4):
                await told(service, "hung_up")
            return [record.ended for record in service.requests], said(service, "model_died")[0]["request"]

    assert run(scene) == (["reply_sent"] * first + ["hung_up"] * (4 - first), first)


def test_busy_when_a_dead_model_has_taken_in_all_it_can():
    async def scene():
        async with server(Fault(Kind.DEAD), timeout_s=600.0) as service:
            writers = []
            for _ in range(272):
                reader, writer = await dial(service)
                writer.write(asks(part("text", "a")))
                await reader.readuntil(header(None))  # 200 and a header at once, whatever happens
                writers.append(writer)
            full = [(await ask(service, asks(part("text", "a"))))[0] for _ in range(2)]
            for writer in writers:
                writer.close()
            return full, (await ask(service, get("/health")))[0]

    assert run(scene) == ([429, 429], 200)


def test_a_bar_loses_the_request():
    async def scene():
        async with server(timeout_s=0.05) as service:
            lost = await exchange(service, asks(part("text", "a|b")))
            return lost.endswith(header(None) + b"\r\n"), await ask(service, asks(part("text", "a|b"), WHOLE))

    aborted, (status, _, body, _) = run(scene)
    assert aborted
    assert (status, body) == (500, b'{"detail":"Generation timed out"}')


def test_a_lost_request_hurts_nobody_else():
    async def scene():
        async with server() as service:
            reader, writer = await dial(service)
            writer.write(asks(part("text", "a|b")))
            await reader.readuntil(header(None))
            status = (await ask(service, asks(part("text", "ab"), WHOLE)))[0]
            writer.close()
            return status, [record.ended for record in service.requests]

    assert run(scene) == (200, ["", "reply_sent"])


def test_while_the_model_loads_requests_wait_behind_a_header():
    async def scene():
        before_s = time.monotonic()
        async with server(Fault(Kind.LOADING, 100), replies=("Yes.",)) as service:
            await ask(service, asks())
            return service.requests[0].first_audio_s - before_s

    assert run(scene) >= 0.1


def test_eight_are_made_at_once_and_the_ninth_waits_though_all_hang_up():
    async def scene():
        async with server(Fault(Kind.SLOW, 1000, requests=tuple(range(8))), replies=("a " * 30,)) as service:
            for _ in range(8):
                reader, writer = await dial(service)
                writer.write(asks())
                await reader.readuntil(header(None))
                writer.close()
            await ask(service, asks())
            records = service.requests
            return [record.ended for record in records], records[8].first_audio_s - records[0].received_s

    ended, waited_s = run(scene)
    assert ended == ["hung_up"] * 8 + ["reply_sent"]
    assert waited_s >= 3.0 / 10  # three seconds of sound, ten times faster than real time


# ── text in pieces ──


def test_text_in_pieces_is_accepted_and_never_spoken():
    async def scene():
        async with server(timeout_s=0.05) as service:
            start = b"POST /generate/stream/start HTTP/1.1\r\nHost: h\r\n\r\n"
            stream = json.loads((await ask(service, start))[2])["request_id"]
            body = b"text=a"
            head = (
                f"POST /generate/stream/{stream}/text HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            )
            text = await ask(service, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            end = await ask(service, f"POST /generate/stream/{stream}/end HTTP/1.1\r\n\r\n".encode())
            audio = await exchange(service, get(f"/generate/stream/{stream}/audio"))
            gone = await ask(service, get(f"/generate/stream/{stream}/audio"))
            return stream, text[2], end[2], audio, gone

    stream, text, end, audio, gone = run(scene)
    assert json.loads(text) == {"status": "accepted", "request_id": stream}
    assert json.loads(end) == {"status": "completed", "request_id": stream}
    assert f"filename=stream_{stream[:8]}.wav".encode() in audio
    assert audio.endswith(header(None) + b"\r\n")
    assert (gone[0], json.loads(gone[2])) == (404, {"detail": f"Request {stream} not found"})


# ── what is kept ──


def test_what_is_told_and_kept_of_a_request(tmp_path):
    upload = wav(tone(0.5))

    async def scene():
        async with server(keep_dir=tmp_path) as service:
            reader, writer = await dial(service)
            writer.write(asks(part("text", "t"), part("audio", upload, "audio.wav")))
            await answer(reader)
            writer.close()
            (record,) = service.requests
            return service.log, record

    log, record = run(scene)
    assert [line["what"] for line in log] == ["listening", "request", "kept", "first_audio", "reply_sent", "stopped"]
    assert log[1] | {"t": 0} == {
        "t": 0,
        "what": "request",
        "request": 0,
        "text": "t",
        "streaming": True,
        "audio_s": 0.5,
        "frames": 8000,
        "rate_hz": 16_000,
    }
    assert (tmp_path / "request-0.wav").read_bytes() == upload
    assert bytes_of(record.samples) == bytes_of(tone(0.5))
    assert record.reply == "This is the local server. I heard zero point five seconds."
    assert [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()] == log
    times = [line["t"] for line in log]
    assert times == sorted(times)


def test_who_hangs_up_is_told_of():
    async def scene():
        async with server(Fault(Kind.SILENCE)) as service:
            reader, writer = await dial(service)
            writer.write(asks())
            await reader.readuntil(header(None))
            writer.close()
            return await told(service, "hung_up")

    line = run(scene)
    assert (line["request"], line["status"], line["bytes"]) == (0, 200, 0)
