"""The service over real sockets: upgrades, a turn, what is kept, and stopping."""

import asyncio
import json
import os
import signal
import wave

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.simulator.stepfun.server import StepFunSimulator, run_forever
from simulator.stepfun.bench import MODEL, VAD, append, silence, tone, voice


def service(*faults, log=None, **changes):
    settings = {"timing": Timing.quick(), "quick_connections": 0, "faults": faults, "absent_fields_chance": 0.0}
    return StepFunSimulator(SimulatorOptions(**(settings | changes)), synthesise=voice, log=log)


def client(simulator, path="/v1/realtime", model=MODEL, key=DEFAULT_KEY, **settings):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return connect(
        f"{simulator.url(path)}?model={model}",
        additional_headers=headers,
        proxy=None,
        compression=None,
        **({"close_timeout": 0.2, "max_size": None} | settings),
    )


async def until(socket, kind):
    """Every event up to the first of this type."""
    events = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads(await socket.recv()))
    return events


async def say(socket, kind, **fields):
    await socket.send(json.dumps({"type": kind, **fields}))


async def speak(socket, samples):
    for first in range(0, len(samples), 480):
        await socket.send(json.dumps(append(samples[first : first + 480])))


def run(scene):
    """Run the scene, with a bound that only a hang meets."""

    async def bounded():
        async with asyncio.timeout(30):
            return await scene()

    return asyncio.run(bounded())


def status(path="/v1/realtime", model=MODEL, key=DEFAULT_KEY, faults=(), **changes):
    """The status of one upgrade, its body, and its content type."""

    async def scene():
        async with service(*faults, **changes) as simulator:
            with pytest.raises(InvalidStatus) as refused:
                async with client(simulator, path, model, key):
                    pass
            response = refused.value.response
            assert simulator.statuses == [response.status_code]
            return response.status_code, json.loads(response.body)["error"]["type"], response.headers["Content-Type"]

    return run(scene)


def test_upgrades_are_refused_with_status_and_body():
    assert status(key=None) == (401, "invalid_api_key", "application/json")
    assert status(model="gpt")[0] == 400
    assert status(path="/v2/realtime")[0] == 404
    assert status(keys={"sk-p": "plan"}, key="sk-p")[:2] == (402, "quota_exceeded")


@pytest.mark.parametrize("number", [400, 401, 402, 404, 429, 500, 503])
def test_any_status_by_fault(number):
    assert status(faults=[Fault(Kind.STATUS, number)])[0] == number


def test_a_whole_turn_and_what_is_kept_of_it(tmp_path):
    turn = np.concatenate([silence(0.2), tone(0.6), silence(0.4)])

    async def scene():
        async with service(keep_dir=tmp_path, log_events=True) as simulator:
            async with client(simulator) as socket:
                await say(socket, "session.update", session={"turn_detection": VAD})  # before anything was read
                await speak(socket, turn)
                events = await until(socket, "conversation.item.input_audio_transcription.completed")
            (record,) = simulator.sessions
        return events, record, simulator

    events, record, simulator = run(scene)
    order = [event["type"] for event in events]
    assert order[:2] == ["session.created", "session.updated"]
    assert order[-2] == "response.done"
    assert order == [kind for _, kind in record.sent]
    assert record.samples().tolist() == turn.tolist()
    assert len(record.arrivals) == 60
    assert record.first_append_s < record.turns[0].committed_s < record.responses[0].done_s < record.closed_s
    with wave.open(str(tmp_path / "session-0.wav")) as kept:
        assert kept.readframes(kept.getnframes()) == bytes_of(turn)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert lines == simulator.log
    assert lines[0]["what"] == "listening"
    assert lines[0]["url"] == simulator.url()
    told = [line["what"] for line in lines]
    milestones = ["connection", "upgrade", "first_append", "speech_started", "turn", "response_created", "first_audio"]
    assert [what for what in told if what in milestones] == milestones
    assert "closed" in told[-3:-1]
    assert told[-1] == "stopped"
    assert DEFAULT_KEY not in json.dumps(lines)


def test_the_connections_of_a_short_time_are_limited():
    async def scene():
        async with service(quick_connections=2, quick_window_s=60.0) as simulator:
            for _ in range(2):
                async with client(simulator) as socket:
                    await until(socket, "session.created")
            with pytest.raises(InvalidStatus):
                async with client(simulator):
                    pass
            return simulator.statuses

    assert run(scene) == [101, 101, 429]


def test_the_first_dies_and_the_second_works():
    async def scene():
        faults = [Fault(Kind.CLOSE_AT_EVENT, 1, connections=(0,)), Fault(Kind.STATUS, 503, connections=(1,))]
        async with service(*faults) as simulator:
            async with client(simulator) as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            with pytest.raises(InvalidStatus):
                async with client(simulator):
                    pass
            async with client(simulator) as socket:
                await until(socket, "session.created")
            return simulator.statuses, [record.index for record in simulator.sessions]

    assert run(scene) == ([101, 503, 101], [0, 2])


def test_a_refused_connection_gets_no_byte():
    async def scene():
        async with service(Fault(Kind.REFUSE)) as simulator:
            with pytest.raises((InvalidMessage, ConnectionError)):  # no answer, or no chance to ask
                async with client(simulator):
                    pass
            return simulator.statuses

    assert run(scene) == []


def test_a_slow_upgrade_is_answered_in_the_end():
    async def scene():
        async with service(
            Fault(Kind.SLOW_UPGRADE, 60_000, connections=(0,)), Fault(Kind.SLOW_UPGRADE, 1)
        ) as simulator:
            with pytest.raises(TimeoutError):
                async with client(simulator, open_timeout=0.1):
                    pass
            async with client(simulator) as socket:
                await until(socket, "session.created")

    run(scene)


def test_it_stops_with_clients_connected_and_starts_again_on_the_same_port():
    async def scene():
        simulator = service()
        await simulator.start()
        url = simulator.url()
        async with client(simulator) as socket:
            await until(socket, "session.created")
            await simulator.stop()
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            await simulator.stop()
        with pytest.raises(ConnectionRefusedError):
            async with client(simulator):
                pass
        await simulator.start()
        assert simulator.url() == url
        async with client(simulator) as socket:
            await until(socket, "session.created")
        await simulator.stop()

    run(scene)


def test_what_a_handler_raises_by_mistake_is_not_lost():
    async def scene():
        def broken(_text, _voice, _rate_hz):
            raise ZeroDivisionError

        simulator = StepFunSimulator(SimulatorOptions(), synthesise=broken)
        await simulator.start()
        async with client(simulator) as socket:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
            await say(socket, "conversation.item.create", item=item)
            await say(socket, "response.create")
            with pytest.raises(ConnectionClosed):
                await until(socket, "response.done")
        with pytest.raises(ExceptionGroup) as mishap:
            await simulator.stop()
        assert mishap.group_contains(ZeroDivisionError)

    run(scene)


def test_known_replies_are_spoken_beforehand_by_flite():
    async def scene():
        options = SimulatorOptions(timing=Timing.quick(), replies=(Reply("Yes."),))
        async with StepFunSimulator(options) as simulator, client(simulator) as socket:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
            await say(socket, "conversation.item.create", item=item)
            await say(socket, "response.create")
            await until(socket, "response.done")
            return simulator.sessions[0].responses[0].samples

    assert 4000 < len(run(scene)) < 48_000


def test_run_forever_ends_at_a_signal_and_says_where_it_listens():
    async def scene():
        lines = []

        def tell(line):
            lines.append(line)
            if line["what"] == "listening":
                os.kill(os.getpid(), signal.SIGTERM)

        await run_forever(SimulatorOptions(), tell)
        return lines

    lines = run(scene)
    assert [line["what"] for line in lines] == ["listening", "stopped"]
    assert lines[0]["url"].startswith("ws://127.0.0.1:")
