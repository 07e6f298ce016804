"""Live recognition against the simulated service, and against one that says what it likes."""

import asyncio
import json
from contextlib import asynccontextmanager

import numpy as np
import pytest
from websockets.asyncio.server import serve

from antiphon.errors import AudioFileError, Garbled, Lost, Refused
from antiphon.pcm import bytes_of
from antiphon.secret import Secret
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.speech import live
from antiphon.speech.live import Dictation, LivePlan

RATE_HZ = 16_000
LOUD = bytes_of((9000 * np.sin(np.arange(RATE_HZ * 2) / 9)).astype(np.int16))
QUIET = bytes(2 * RATE_HZ * 2)
KEY = Secret("sk-n", "a test")
SETTLE_S = 0.3
"""In which nothing more comes; what is late on a loaded machine is what makes it wait."""


async def given(*pieces):
    for piece in pieces:
        yield piece


def run(scene):
    async def bounded():
        async with asyncio.timeout(30):
            return await scene

    return asyncio.run(bounded())


def fate(*pieces, faults=(), path="/v1", key=KEY, model=live.MODEL, **options):
    """What was told, what was shown, the error, and the service's record."""
    made = SimulatorOptions(
        keys={"sk-n": "normal", "sk-p": "plan"}, timing=Timing.quick(), quick_connections=0, faults=faults, **options
    )

    async def scene():
        told, shown, error = [], [], None
        async with StepFunSimulator(made) as service:
            plan = LivePlan(service.speech_url(path), model, language="en", prompt="light", settle_s=SETTLE_S)
            try:
                await Dictation(plan, key).run(given(*pieces), told.append, shown.append)
            except (Refused, Lost, Garbled, AudioFileError) as met:
                error = met
            return told, shown, error, service.dictations

    return run(scene())


def test_speech_is_written_down_turn_by_turn():
    told, shown, error, [record] = fate(
        LOUD, QUIET, LOUD, transcripts=("Turn on the light.", "And off."), dictation_twice=True
    )
    assert (told, error) == (["Turn on the light.", "And off."], None)
    assert "turn on the lig" in shown
    assert shown[-1] == ""
    assert record.complaints == []
    assert (record.settings.model, record.settings.language, record.settings.prompt) == (live.MODEL, "en", "light")
    assert record.samples(0, 6 * RATE_HZ).tobytes() == LOUD + QUIET + LOUD


def test_silence_has_no_text():
    told, _, error, [record] = fate(QUIET)
    assert (told, error, record.complaints) == ([], None, [])


def test_no_sound_at_all_has_no_text():
    assert fate()[:3] == ([], [], None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"path": "/step_plan/v1"}, "it needs speech.url with /v1, and a pay-as-you-go key"),
        ({"key": Secret("sk-p", "a test")}, "it needs speech.url with /v1, and a pay-as-you-go key"),
        ({"key": Secret("sk-x", "a test")}, "does not know the API key (401)"),
        ({"model": "stepaudio-2.5-asr"}, "check --model (for live speech it is stepaudio-2.5-asr-stream)"),
        ({"faults": (Fault(Kind.DICTATION_ERROR),)}, "content rules: leave out what it forbids"),
    ],
)
def test_the_traps_are_explained(more, words):
    told, _, error, _ = fate(LOUD, **more)
    assert (told, isinstance(error, Refused)) == ([], True)
    assert words in str(error)


def test_a_turn_that_never_ends(monkeypatch):
    monkeypatch.setattr(live, "TEXT_S", 0.5)
    told, _, error, _ = fate(LOUD, faults=(Fault(Kind.NO_STOP),))
    assert (told, type(error)) == ([], Lost)
    assert "has not written the last of it down within 0.5 s" in str(error)


def test_a_source_that_fails():
    async def fails():
        yield LOUD
        raise AudioFileError("the file is gone")

    async def scene():
        async with StepFunSimulator(SimulatorOptions(keys={"sk-n": "normal"}, timing=Timing.quick())) as service:
            plan = LivePlan(service.speech_url("/v1"), settle_s=SETTLE_S)
            with pytest.raises(AudioFileError, match="the file is gone"):
                await Dictation(plan, KEY).run(fails(), [].append)

    run(scene())


# ── a service that says what it likes ────────────────────────────────────────────────────────────


@asynccontextmanager
async def saying(*frames, hang_up=False, once_more='{"type": "session.updated"}'):
    """Says these after its proper beginning, and `once_more` when it is told again how to hear."""

    async def met(socket):
        await socket.send('{"type": "session.created"}')
        await socket.recv()
        await socket.send('{"type": "session.updated"}')
        for frame in frames:
            await socket.send(frame if isinstance(frame, str) else json.dumps(frame))
        if hang_up:
            await socket.close(1011, "sk-n is tired")
        async for frame in socket:
            if "session.update" in frame:
                await socket.send(once_more)

    async with serve(met, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def end_of(*frames, **more):
    async def scene():
        told = []
        async with saying(*frames, **more) as url:
            try:
                await Dictation(LivePlan(url, settle_s=SETTLE_S), KEY).run(given(LOUD), told.append)
            except (Refused, Lost, Garbled) as error:
                return told, error
        return told, None

    return run(scene())


def test_a_service_that_hangs_up():
    told, error = end_of(
        {"type": "conversation.item.input_audio_transcription.completed", "item_id": "a", "transcript": "One."},
        hang_up=True,
    )
    assert told == ["One."]
    assert type(error) is Lost
    assert str(error).endswith("closed the call (code 1011): it will be tried again (*** is tired)")


def test_errors_have_no_key():
    _, error = end_of({"type": "error", "error": {"type": "invalid_request_error", "message": "no sk-n"}})
    assert str(error) == "127.0.0.1 does not accept the sound: check the sound itself and --model (no ***)"


def test_nonsense_without_end():
    _, error = end_of(*["{"] * live.MAX_MALFORMED)
    assert type(error) is Garbled


def test_a_service_that_does_not_want_to_be_told_twice():
    refused = {"type": "error", "error": {"type": "invalid_request_error", "code": "invalid_value", "message": "no"}}
    assert end_of(once_more=json.dumps(refused)) == ([], None)


def test_a_service_that_does_not_answer_to_that(monkeypatch):
    monkeypatch.setattr(live, "TEXT_S", 0.3)
    assert end_of(once_more='{"type": "new"}') == ([], None)


def test_what_is_new_is_ignored():
    assert end_of({"type": "new"}, {}, "{") == ([], None)


def test_nobody_there():
    async def scene():
        async with saying() as url:
            pass
        with pytest.raises(Lost, match=r"Nothing listens at 127\.0\.0\.1"):
            await Dictation(LivePlan(url), KEY).run(given(LOUD), [].append)

    run(scene())


def test_being_cancelled_hangs_up():
    async def scene():
        begun = asyncio.Event()

        async def for_ever():
            begun.set()
            yield LOUD
            await asyncio.Event().wait()

        async with saying() as url:
            task = asyncio.get_running_loop().create_task(Dictation(LivePlan(url), KEY).run(for_ever(), [].append))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(scene())
