"""Text to speech against the simulated service: the two agree, though they share no wire code."""

import asyncio

import numpy as np
import pytest

from antiphon.conversation.events import SpeechMade, SpeechOver
from antiphon.pcm import bytes_of
from antiphon.secret import Secret
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.speech.client import SpeechPlan, StepFunSpeech

SPOKEN = (9000 * np.sin(np.arange(24_000) / 9)).astype(np.int16)


def fate(*faults, path="/step_plan/v1", model="stepaudio-2.5-tts", voice="linjiajiejie", key="sk-p", text="Hello."):
    """What was heard, the problem, and how the requests were answered."""
    options = SimulatorOptions(
        keys={"sk-n": "normal", "sk-p": "plan"}, timing=Timing.quick(), quick_connections=0, faults=faults
    )

    async def scene():
        events = []
        async with asyncio.timeout(30), StepFunSimulator(options, synthesise=lambda *_: SPOKEN) as service:
            speech = StepFunSpeech(SpeechPlan(service.speech_url(path), model, voice), Secret(key, "a test"))
            await speech.make(1, text, events.append)
            statuses = [line["status"] for line in service.log if line["what"] == "speech"]
        assert [type(event) for event in events[:-1]] == [SpeechMade] * (len(events) - 1)
        assert isinstance(events[-1], SpeechOver)
        return b"".join(event.pcm for event in events[:-1]), events[-1].problem, statuses

    return asyncio.run(scene())


@pytest.mark.parametrize(("path", "key"), [("/step_plan/v1", "sk-p"), ("/v1", "sk-n")])
def test_a_text_is_spoken_on_both_paths(path, key):
    assert fate(path=path, key=key) == (bytes_of(SPOKEN), None, [200])


def test_a_long_text_is_spoken_in_parts():
    heard, problem, statuses = fate(text="This is a sentence of forty characters. " * 60)
    assert (heard, problem, statuses) == (bytes_of(SPOKEN) * 3, None, [200, 200, 200])


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"key": "sk-x"}, 401, "does not know the API key (401)"),
        ({"path": "/v1"}, 402, "a Step Plan key needs speech.url with /step_plan/v1"),
        ({"model": "step-tts-2"}, 404, "a Step Plan key needs speech.url with /step_plan/v1"),
        ({"path": "/v2"}, 404, "no such service or model (404)"),
    ],
)
def test_the_traps_are_explained(more, status, words):
    heard, problem, statuses = fate(**more)
    assert (heard, problem.fault, statuses) == (b"", "refused", [status])
    assert words in problem.sentence


def test_a_voice_that_is_none_is_not_asked_for():
    heard, problem, statuses = fate(voice="nobody")
    assert (heard, problem.fault, statuses) == (b"", "refused", [])


def test_what_is_against_the_content_rules():
    heard, problem, statuses = fate(Fault(Kind.SPEECH_STATUS, 451))
    assert (heard, problem.fault, statuses) == (b"", "blocked", [451])
    assert "put it in other words" in problem.sentence


def test_an_overloaded_service_is_asked_again():
    assert fate(Fault(Kind.SPEECH_STATUS, 503, connections=(0,))) == (bytes_of(SPOKEN), None, [503, 200])


def test_a_cut_in_the_middle_is_not_begun_again():
    heard, problem, statuses = fate(Fault(Kind.SPEECH_CUT, 20_000))
    assert bytes_of(SPOKEN)[:20_000].startswith(heard)
    assert (problem.fault, statuses[0]) == ("lost", 200)
    assert len(statuses) == (1 if heard else 2)  # a reset may overtake all of the sound
