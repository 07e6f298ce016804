"""One connection over a real socket: each fault as its client meets it."""

import asyncio
import contextlib
import json

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from antiphon.errors import DeviceError
from antiphon.simulator.stepfun.connection import _upgrades
from antiphon.simulator.stepfun.faults import GARBAGE, Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.simulator.stepfun.server import StepFunSimulator
from simulator.stepfun.bench import append, tone
from simulator.stepfun.test_server import client, run, say, service, until

HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}


async def ask(socket):
    await say(socket, "conversation.item.create", item=HELLO)
    await say(socket, "response.create")


async def frames_until_closed(socket, first=None):
    """All that comes, and the close code; `first` is done before, and may find the connection closed."""
    frames = []
    if first is not None:
        with contextlib.suppress(ConnectionClosed):
            await first(socket)
    try:
        while True:
            frames.append(await socket.recv())
    except ConnectionClosed as closed:
        return frames, closed.rcvd.code if closed.rcvd else None


def met(*faults, **changes):
    """The frames that a client gets who asks one question, and the close code (None: no close frame)."""

    async def scene():
        async with service(*faults, **changes) as simulator, client(simulator) as socket:
            return await frames_until_closed(socket, ask)

    return run(scene)


@pytest.mark.parametrize("place", [1, 2, 5])
@pytest.mark.parametrize(
    ("kind", "detail", "code"),
    [(Kind.CLOSE_AT_EVENT, "", 1011), (Kind.CLOSE_AT_EVENT, "1008", 1008), (Kind.CUT_AT_EVENT, "", None)],
)
def test_the_connection_ends_in_place_of_the_event(place, kind, detail, code):
    frames, closed = met(Fault(kind, place, detail))
    assert (len(frames), closed) == (place - 1, code)


def test_a_reset_ends_it_without_a_close_frame():
    frames, closed = met(Fault(Kind.RESET_AT_EVENT, 3))
    assert (len(frames) <= 2, closed) == (True, None)  # a reset may overtake what was sent before it


def raw_stream(cut):
    """Every byte that a plain socket reads from a service that ends after `cut` bytes."""

    async def scene():
        async with service(Fault(Kind.CUT_AT_BYTE, cut), require_key=False) as simulator:
            port = int(simulator.url("").rsplit(":", 1)[1])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"GET /v1/realtime?model=stepaudio-2.5-realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                b"Sec-WebSocket-Version: 13\r\n\r\n"
            )
            heard = await reader.read()
            writer.close()
            return heard

    return run(scene)


@pytest.mark.parametrize("cut", [0, 1, 57, 200, 333])
def test_the_stream_ends_at_the_byte_in_the_upgrade_or_in_a_frame(cut):
    heard = raw_stream(cut)
    assert len(heard) == cut
    assert b"HTTP/1.1 101".startswith(heard[:12])
    assert (b"session.created" in heard) == (cut > 300)


def test_a_stall_is_silent_and_leaves_pings_unanswered():
    async def scene():
        stalled, heard = asyncio.Event(), asyncio.Event()

        def tell(line):
            if line["what"] == "fault":
                stalled.set()
            if line.get("event") == "response.create":
                heard.set()

        stall = service(Fault(Kind.STALL_AT_EVENT, 2), log=tell, log_events=True)
        async with stall as simulator, client(simulator, ping_interval=None) as socket:
            await until(socket, "session.created")
            await say(socket, "response.cancel")
            await stalled.wait()
            pong = await socket.ping()
            await say(socket, "response.create")
            await heard.wait()
            (record,) = simulator.sessions
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await socket.recv()
            assert not pong.done()
            return record

    record = run(scene)
    assert [kind for _, kind in record.sent] == ["session.created"]
    assert [kind for _, kind in record.received] == ["response.cancel", "response.create"]  # it still hears


def test_pings_are_answered_and_none_is_sent():
    async def scene():
        async with service() as simulator, client(simulator) as socket:
            await until(socket, "session.created")
            await (await socket.ping())

    run(scene)


@pytest.mark.parametrize("how", GARBAGE)
def test_garbage_goes_out_and_the_service_goes_on(how):
    async def scene():
        async with service(Fault(Kind.GARBAGE_AT_EVENT, 2, how)) as simulator, client(simulator) as socket:
            await until(socket, "session.created")
            await say(socket, "conversation.item.create", item=HELLO)
            garbage = await socket.recv()
            await say(socket, "response.cancel")
            rest = [json.loads(await socket.recv())]
            while rest[-1]["type"] != "error":
                rest.append(json.loads(await socket.recv()))
            return garbage, [event["type"] for event in rest]

    garbage, rest = run(scene)
    assert isinstance(garbage, bytes) == (how == "binary")
    replaced = how in ("truncated", "wrong-types")
    assert rest == (["error"] if replaced else ["conversation.item.created", "error"])


def test_events_late_doubled_and_unknown():
    faults = [Fault(Kind.LATE_EVENT, 2), Fault(Kind.DUPLICATE_EVENT, 4), Fault(Kind.UNKNOWN_AT_EVENT, 5)]
    frames, _ = met(*faults, Fault(Kind.CLOSE_AT_EVENT, 6))
    assert [json.loads(frame)["type"] for frame in frames] == [
        "session.created",
        "response.created",
        "conversation.item.created",
        "response.output_item.added",
        "response.output_item.added",
        "rate_limits.updated",
        "response.content_part.added",
    ]


def test_an_idle_connection_is_dropped():
    async def scene():
        async with service(idle_drop_s=0.05) as simulator, client(simulator, ping_interval=None) as socket:
            return await frames_until_closed(socket)

    frames, code = run(scene)
    assert (len(frames), code) == (1, None)


def test_a_ping_is_a_sign_of_life():
    async def scene():
        async with service(idle_drop_s=3600.0) as simulator, client(simulator, ping_interval=None) as socket:
            await until(socket, "session.created")
            (connection,) = simulator._live
            before = connection.heard_s
            await (await socket.ping())
            return connection.heard_s - before

    assert run(scene) > 0


def test_a_session_ends_at_its_limit():
    async def scene():
        async with service(session_limit_s=0.01) as simulator, client(simulator) as socket:
            return await frames_until_closed(socket)

    frames, code = run(scene)
    assert [json.loads(frame)["type"] for frame in frames] == ["session.created", "error"]
    assert code == 1000


def test_a_cancel_in_the_midst_of_a_long_answer():
    timing = Timing(first_audio_ms=5.0, transcript_ahead_ms=4.0, word_ms=0.1, speed=1.0, cancel_ms=(5.0, 6.0))

    async def scene():
        long = (Reply("word " * 600),)  # a minute, so that it cannot end before the cancel
        async with service(timing=timing, replies=long) as simulator, client(simulator) as socket:
            await ask(socket)
            await until(socket, "response.audio.delta")
            await say(socket, "response.cancel")
            ended = (await until(socket, "response.done"))[-1]
            await say(socket, "response.cancel", event_id="late")
            refused = (await until(socket, "error"))[-1]
            return ended["response"]["status"], refused["error"]["event_id"]

    assert run(scene) == ("incomplete", "late")


def test_speech_that_cannot_be_made_is_a_server_error():
    def mute(_text, _voice, _rate_hz):
        raise DeviceError("flite", "is not installed", "Install it.")

    async def scene():
        async with StepFunSimulator(SimulatorOptions(), synthesise=mute) as simulator, client(simulator) as socket:
            await ask(socket)
            return (await until(socket, "response.done"))[-2:]

    error, done = run(scene)
    assert (error["error"]["type"], done["response"]["status"]) == ("server_error", "failed")


def test_a_client_that_vanishes_leaves_its_record():
    async def scene():
        async with service() as simulator:
            async with client(simulator) as socket:
                await until(socket, "session.created")
                await socket.send(json.dumps(append(np.concatenate([tone(0.5)]))))
                await say(socket, "response.cancel")
                await until(socket, "error")
                socket.transport.abort()
            await simulator.stop()
            return simulator.sessions[0]

    record = run(scene)
    assert (record.frames, record.closed_s is not None) == (12_000, True)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"G", None),
        (b"GET /v1/audio", None),
        (b"GET /v1/audio/", False),
        (b"GET /step_plan/v1/audio/voices HTTP/1.1", False),
        (b"P", False),
        (b"DELETE /v1/audio/voices", False),
        (b"GET /v1/realtime/audio", True),
        (b"GET /v1/r", True),
        (b"GET /step_plan/v1/realtime", True),
        (b"GET / HTTP/1.1", True),
    ],
)
def test_the_first_bytes_tell_a_websocket_from_a_request(first, told):
    assert _upgrades(first) is told
