"""Text to speech over real sockets, on the port of the realtime service."""

import asyncio
import base64
import contextlib
import io
import json
import wave
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import pytest

from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from simulator.stepfun.test_server import client, run, until

WELL = {"model": "stepaudio-2.5-tts", "input": "Good night.", "voice": "linjiajiejie", "response_format": "pcm"}
SPOKEN = (9000 * np.sin(np.arange(24_000) / 9)).astype(np.int16)


def spoken(text, voice, rate_hz):
    assert (text, voice) == ("Good night.", "slt")
    return SPOKEN[:: 24_000 // rate_hz]


def service(*faults, synthesise=spoken):
    options = SimulatorOptions(timing=Timing.quick(), quick_connections=0, faults=faults)
    return StepFunSimulator(options, synthesise=synthesise)


async def post(simulator, key=DEFAULT_KEY, **changes):
    """Status, content type, and the pieces in which the body came."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(simulator.speech_url() + "/audio/speech", json=WELL | changes) as response,
    ):
        pieces = [piece async for piece, _ in response.content.iter_chunks()]
        return response.status, response.headers["Content-Type"], pieces


def answer(*faults, synthesise=spoken, **changes):
    async def scene():
        async with service(*faults, synthesise=synthesise) as simulator:
            return await post(simulator, **changes)

    return run(scene)


def test_sound_comes_in_irregular_pieces():
    status, kind, pieces = answer()
    assert (status, kind) == (200, "audio/pcm")
    assert b"".join(pieces) == bytes_of(SPOKEN)
    assert any(len(piece) % 2 for piece in pieces)


def test_sound_as_events():
    _, kind, pieces = answer(stream_format="sse")
    assert kind == "text/event-stream"
    events = [line.removeprefix("data: ") for line in b"".join(pieces).decode().split("\n\n") if line]
    assert events[-1] == "[DONE]"
    told = [json.loads(event) for event in events[:-1]]
    assert told[-1] == {"type": "speech.audio.done", "audio": ""}
    assert b"".join(base64.b64decode(one["audio"]) for one in told) == bytes_of(SPOKEN)


def test_a_wav_file_at_another_rate():
    _, _, pieces = answer(response_format="wav", sample_rate=8000)
    with wave.open(io.BytesIO(b"".join(pieces))) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 8000)


def test_refusals_are_told_in_the_envelope():
    status, kind, [body] = answer(key="sk-other")
    assert (status, kind, json.loads(body)["error"]["type"]) == (401, "application/json", "invalid_api_key")
    status, _, [body] = answer(voice="nobody")
    assert (status, json.loads(body)["error"]["message"]) == (400, "voice nobody is not valid")


def test_a_status_by_fault():
    status, _, [body] = answer(Fault(Kind.SPEECH_STATUS, 451))
    assert (status, json.loads(body)["error"]["type"]) == (451, "censorship_blocked")


def test_a_voice_that_fails_is_a_fault_of_the_service():
    def missing(*_):
        raise DeviceError("flite", "is not installed", "Run: sudo apt install flite")

    assert answer(synthesise=missing)[0] == 500


def test_a_cut_breaks_the_connection_after_so_many_bytes():
    async def scene():
        got = b""
        async with (
            service(Fault(Kind.SPEECH_CUT, 9001)) as simulator,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {DEFAULT_KEY}"}) as http,
            http.post(simulator.speech_url() + "/audio/speech", json=WELL) as response,
        ):
            with contextlib.suppress(aiohttp.ClientError):
                while piece := await response.content.readany():
                    got += piece
                pytest.fail("it ended as if it were whole")
        return got

    got = run(scene)
    assert bytes_of(SPOKEN)[:9001].startswith(got)  # what the reset has overtaken is lost


def test_a_stall_ends_with_the_service():
    async def scene():
        async with (
            service(Fault(Kind.SPEECH_STALL, 9001)) as simulator,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {DEFAULT_KEY}"}) as http,
            http.post(simulator.speech_url() + "/audio/speech", json=WELL) as response,
        ):
            got = await response.content.readexactly(9001)
            reading = asyncio.get_running_loop().create_task(response.content.readany())
            await asyncio.sleep(0)
            assert not reading.done()
            await simulator.stop()
            with pytest.raises(aiohttp.ClientError):
                await reading
        return got

    assert run(scene) == bytes_of(SPOKEN)[:9001]


def test_it_answers_beside_the_conversation():
    async def scene():
        async with service() as simulator:
            async with client(simulator) as socket:
                await until(socket, "session.created")
                status, _, _ = await post(simulator)
                assert [wish.text for wish in simulator.wishes] == ["Good night."]
            return status, len(simulator.sessions)

    assert run(scene) == (200, 1)


def test_a_connection_that_says_nothing_ends_with_the_service():
    async def scene():
        async with service() as simulator:
            port = urlsplit(simulator.speech_url()).port
            mute, half = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            half[1].write(b"PO")
            await half[1].drain()
        for reader, writer in (mute, half):
            with contextlib.suppress(ConnectionResetError):  # as good as an end
                assert await reader.read() == b""
            writer.close()

    run(scene)


def test_moderation_of_a_stream_of_events_is_an_event():
    async def scene():
        options = SimulatorOptions(timing=Timing.quick(), blocked=("Good",))
        async with StepFunSimulator(options, synthesise=spoken) as simulator:
            return await post(simulator, stream_format="sse"), await post(simulator)

    (status, _, [event]), (refused, _, _) = run(scene)
    assert (status, refused) == (200, 451)
    assert json.loads(event.removeprefix(b"data: "))["type"] == "speech.audio.error"


def test_an_error_ends_a_stream_of_events():
    _, _, pieces = answer(Fault(Kind.SPEECH_ERROR_EVENT, 9001, "no engine"), stream_format="sse")
    told = [json.loads(one.removeprefix("data: ")) for one in b"".join(pieces).decode().split("\n\n") if one]
    assert told[-1] == {"type": "speech.audio.error", "message": "no engine"}
    assert sum(len(base64.b64decode(one["audio"])) for one in told[:-1]) == 9001


def test_a_format_that_cannot_be_made_is_a_fault_of_the_service(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, [body] = answer(response_format="mp3")
    assert (status, "apt install ffmpeg" in json.loads(body)["error"]["message"]) == (500, True)


def test_a_body_that_is_not_said_to_be_json():
    async def scene():
        headers = {"Authorization": f"Bearer {DEFAULT_KEY}", "Content-Type": "text/plain"}
        async with (
            service() as simulator,
            aiohttp.ClientSession(headers=headers) as http,
            http.post(simulator.speech_url() + "/audio/speech", data=json.dumps(WELL)) as response,
        ):
            return response.status

    assert run(scene) == 400
