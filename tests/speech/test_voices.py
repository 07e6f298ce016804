"""Voices against the simulated service: lists in pages, a preview, a clone, and what goes wrong."""

import asyncio
import io
import wave

import numpy as np
import pytest

from antiphon.errors import LinkError, Refused
from antiphon.secret import Secret
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.speech import voices_wire
from antiphon.speech.voice_lists import voices_of
from antiphon.speech.voices import Voices, VoicesPlan
from speech.tts import answer

SPOKEN = (9000 * np.sin(np.arange(12_000) / 9)).astype(np.int16)


def recording(pitch=9, seconds=6):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((9000 * np.sin(np.arange(seconds * 16_000) / pitch)).astype("<i2").tobytes())
    return file.getvalue()


def ask(scene, path="/v1", key="sk-n", model="stepaudio-2.5-tts"):
    """What comes of `scene(voices)`, and the simulator."""
    options = SimulatorOptions(keys={"sk-n": "normal", "sk-p": "plan"}, timing=Timing.quick(), quick_connections=0)

    async def run():
        async with asyncio.timeout(30), StepFunSimulator(options, synthesise=lambda *_: SPOKEN) as service:
            plan = VoicesPlan(service.speech_url(path), model)
            async with Voices(plan, Secret(key, "a test")) as voices:
                return await scene(voices)

    return asyncio.run(run())


def test_the_system_voices_are_those_of_the_table():
    told = ask(lambda voices: voices.system(), model="step-tts-2")
    assert {one.voice for one in told} == set(voices_of("speech", "step-tts-2"))
    assert "邻家姐姐" in {one.name for one in told}


def test_a_recording_is_heard_and_made_a_voice():
    async def scene(voices):
        file = await voices.upload("me.wav", recording())
        sample = await voices.preview(file, "你好", "calm")
        assert await voices.own() == (), "a preview makes nothing"
        first = await voices.clone(file, "the words in it")
        return sample, first, await voices.clone(file), await voices.own()

    sample, first, again, own = ask(scene)
    assert sample[:4] == b"RIFF"
    assert first.voice.startswith("voice-tone-")
    assert (first.duplicated, again.duplicated, again.voice) == (False, True, first.voice)
    assert [one.voice for one in own] == [first.voice]


def test_all_pages_are_read(monkeypatch):
    monkeypatch.setattr(voices_wire, "PAGE", 2)

    async def scene(voices):
        made = [
            (await voices.clone(await voices.upload(f"{pitch}.wav", recording(pitch)))).voice for pitch in range(5, 10)
        ]
        return made, [one.voice for one in await voices.own()]

    made, own = ask(scene)
    assert own == made[::-1]


def test_pages_that_repeat_themselves_come_to_an_end():
    page = b'{"data":[{"id":"voice-tone-a"}],"has_more":true,"last_id":"voice-tone-a"}'
    asked = []

    async def met(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer(200, page, more="connection: close\r\n"))
        await writer.drain()
        writer.close()

    async def run():
        async with asyncio.timeout(30), await asyncio.start_server(met, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            async with Voices(VoicesPlan(url, "m"), None) as voices:
                return await voices.own()

    assert [one.voice for one in asyncio.run(run())] == ["voice-tone-a"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"key": "sk-x"}, "does not know the API key (401)"),
        ({"key": "sk-p"}, "balance is used up (402)"),
        ({"path": "/step_plan/v1", "key": "sk-p"}, "it needs speech.url with /v1, and a pay-as-you-go key"),
    ],
)
def test_what_is_refused_is_told_in_words(more, words):
    with pytest.raises(LinkError) as met:
        ask(lambda voices: voices.upload("me.wav", recording()), **more)
    assert words in str(met.value)


def test_a_recording_that_is_too_short_is_refused_by_the_service_too():
    async def scene(voices):
        return await voices.clone(await voices.upload("me.wav", recording(seconds=2)))

    with pytest.raises(Refused, match="5 to 10 seconds"):
        ask(scene)


def test_the_model_is_blamed_where_it_was_named():
    async def scene(service, model_from):
        plan = VoicesPlan(service.speech_url("/v1"), "nobody", model_from=model_from)
        async with Voices(plan, Secret(DEFAULT_KEY, "a test")) as voices:
            with pytest.raises(LinkError, match=f"check {model_from}"):
                await voices.system()

    async def run():
        async with asyncio.timeout(30), StepFunSimulator(SimulatorOptions(), synthesise=lambda *_: SPOKEN) as service:
            await scene(service, "speech.model")
            await scene(service, "--model")

    asyncio.run(run())


def test_which_path_is_the_plans():
    assert VoicesPlan("https://api.stepfun.com/step_plan/v1", "m").on_plan
    assert not VoicesPlan("https://api.stepfun.com/v1", "m").on_plan
