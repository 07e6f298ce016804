"""The server as a whole: starting, stopping, idle connections, and the command."""

import asyncio
import json
import os
import signal

import pytest

from antiphon.errors import DeviceError
from antiphon.simulator.voxserve.faults import Fault, Kind
from antiphon.simulator.voxserve.options import Timing, VoxServeOptions
from antiphon.simulator.voxserve.server import VoxServeSimulator, run_forever
from simulator.voxserve.bench import WHOLE, answer, ask, asks, dial, get, part, run, server


def test_an_idle_connection_is_closed():
    async def scene():
        async with server(keep_alive_s=0.01) as service:
            reader, writer = await dial(service)
            writer.write(get("/health"))
            await answer(reader)
            rest = await reader.read()
            writer.close()
            return rest

    assert run(scene) == b""


def test_it_stops_amid_replies_and_starts_again_on_the_same_port():
    async def scene():
        service = server(Fault(Kind.SILENCE, requests=(0,)))
        await service.start()
        url = service.url()
        reader, writer = await dial(service)
        writer.write(asks())
        await reader.readuntil(b"data")
        await service.stop()
        await service.stop()
        with pytest.raises(ConnectionRefusedError):
            await dial(service)
        writer.close()
        await service.start()
        assert service.url("/health") == url + "/health"
        assert (await ask(service, get("/health")))[0] == 200
        await service.stop()

    run(scene)


def test_what_is_raised_by_mistake_is_not_lost():
    def broken(_text, _voice, _rate_hz):
        raise ZeroDivisionError

    async def scene():
        async with VoxServeSimulator(VoxServeOptions(timing=Timing.quick()), synthesise=broken) as service:
            await ask(service, asks())

    with pytest.raises(ExceptionGroup) as mishap:
        run(scene)
    assert mishap.group_contains(ZeroDivisionError)


def test_speech_that_cannot_be_made_is_an_error_in_words():
    def mute(_text, _voice, _rate_hz):
        raise DeviceError("flite", "is not installed", "Run: sudo apt install flite")

    async def scene():
        async with VoxServeSimulator(VoxServeOptions(timing=Timing.quick()), synthesise=mute) as service:
            return await ask(service, asks())

    status, _, body, _ = run(scene)
    assert status == 500
    assert "flite" in json.loads(body)["detail"]


def test_flite_speaks():
    async def scene():
        options = VoxServeOptions(timing=Timing.quick(), replies=("Yes.",))
        async with VoxServeSimulator(options) as service:
            return await ask(service, asks(part("text", "a"), WHOLE))

    assert 8000 < len(run(scene)[2]) < 96_000


def test_run_forever_ends_at_a_signal_and_says_where_it_listens():
    async def scene():
        lines = []

        def tell(line):
            lines.append(line)
            if line["what"] == "listening":
                os.kill(os.getpid(), signal.SIGTERM)

        await run_forever(VoxServeOptions(), tell)
        return lines

    lines = run(scene)
    assert [line["what"] for line in lines] == ["listening", "stopped"]
    assert lines[0]["url"].startswith("http://127.0.0.1:")


def test_many_clients_that_come_and_go_leave_nothing_behind():
    async def scene():
        async with server() as service:
            await asyncio.gather(*(ask(service, get("/health")) for _ in range(50)))
            reader, writer = await dial(service)
            writer.write(get("/health"))
            await answer(reader)
            writer.close()
            await asyncio.gather(*(task for task in service._tasks if task.get_coro().__name__ == "_serve"))
            return len(service._tasks), len(service._live)

    assert run(scene) == (1, 0)
