"""One request and its answer, against a server of our own that is as the service is, and worse."""

import asyncio
import contextlib

import pytest

from antiphon.errors import Blocked, Garbled, Lost, Refused
from antiphon.links.completions import client
from antiphon.links.completions.client import Completions, CompletionsPlan
from antiphon.links.completions.wav import wav_file
from antiphon.links.completions.wire import Message, Request, Said, ToolCall
from antiphon.secret import Secret
from antiphon.speech.meanings import Where
from antiphon.speech.service import Patience
from links.completions.chunks import (
    BEGIN,
    DONE,
    END,
    STREAM,
    calling,
    events,
    gives,
    piece,
    sounding,
    spoken,
    streams,
    streams_and_waits,
    whole,
)
from speech.tts import answer, chunk, error, says, serving

KEY = Secret("sk-0123456789", "the test")
WHERE = Where(url="chat.url", model="chat.model", voice="chat.voice")
PCM = bytes(range(200))
SPOKEN = Request([Message("user", "Hi.")], voice="wenrounansheng")
WRITTEN = Request([Message("user", "Hi.")])
WHOLE = Request([Message("user", "Hi.")], voice="wenrounansheng", stream=False)
LONG_MS = 30_000


def play(scene):
    return asyncio.run(asyncio.wait_for(scene, 20))


async def heard(url, request=SPOKEN, first_ms=LONG_MS, gap_ms=LONG_MS):
    """All pieces of an answer."""
    patience = Patience(asyncio.get_running_loop().time() + first_ms / 1000, gap_ms)
    async with Completions(CompletionsPlan(url, "step-audio-2", None, WHERE), KEY) as completions, patience:
        return [said async for said in completions.ask(request, patience)]


def fate(script, request=SPOKEN, **limits):
    async def scene():
        async with serving(script) as service:
            try:
                return service, await heard(service.url, request, **limits)
            except (Garbled, Lost, Refused, TimeoutError) as wrong:
                return service, wrong

    return play(scene())


def test_an_answer_is_heard_as_it_comes():
    service, said = fate(streams(BEGIN, spoken("Hello."), sounding(PCM), END, DONE))
    assert said == [Said("Hello."), Said(pcm=PCM), Said(finish="stop")]
    (asked,) = service.asked
    assert asked.target == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-0123456789"
    assert asked.headers["content-type"] == "application/json"
    assert asked.fields["model"] == "step-audio-2"


def test_a_whole_answer():
    call = {"id": "call-1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    _, said = fate(gives(whole(None, wav=wav_file(PCM), transcript="Hello.", tool_calls=[call])), WHOLE)
    assert said == [
        Said("Hello."),
        Said(pcm=PCM),
        Said(calls=(ToolCall("call-1", "get_time", "{}"),), finish="tool_calls"),
    ]


def test_done_ends_it_though_nobody_hangs_up():
    _, said = fate(streams_and_waits(sounding(PCM), calling("get_time", "{}"), DONE))
    assert said == [Said(pcm=PCM), Said(calls=(ToolCall("call-1", "get_time", "{}"),), finish="tool_calls")]


def test_an_end_without_done_is_one(monkeypatch):
    monkeypatch.setattr(client, "AFTER_FINISH_S", 0.01)
    for script in (streams, streams_and_waits):
        assert fate(script(sounding(PCM), END))[1] == [Said(pcm=PCM), Said(finish="stop")]


def test_what_comes_after_the_end_is_heard():
    _, said = fate(streams(END, sounding(PCM), DONE))
    assert said == [Said(pcm=PCM), Said(finish="stop")]


def test_a_last_event_without_its_blank_line():
    async def script(asked):
        await asked.write(STREAM, events(sounding(PCM)), chunk(b"data: [DONE]"), chunk(b""))

    assert fate(script)[1] == [Said(pcm=PCM), Said(finish="stop")]


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


async def cut(asked):
    """Sound, and then the cable is pulled."""
    await asked.write(STREAM, events(sounding(PCM)))
    asked.writer.transport.abort()


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (streams(BEGIN, sounding(PCM)), Lost, "broke off"),
        (streams(), Lost, "broke off"),
        (cut, Lost, "127.0.0.1"),
        (streams(spoken("Well"), piece("content_filter")), Blocked, "content rules"),
        (streams({"error": {"message": "no", "type": "censorship_blocked"}}), Blocked, "content rules"),
        (streams({"error": {"message": "The engine is currently overloaded"}}), Lost, "overloaded"),
        (streams("nonsense"), Garbled, "no JSON: check chat.url"),
        (
            says(error("401 Unauthorized", "Incorrect API key provided: sk-0123456789", "invalid_api_key")),
            Refused,
            "key",
        ),
        (says(error("402 Payment", "You exceeded your current quota", "quota_exceeded")), Refused, "chat.url"),
        (says(error("404 Not Found", "model not found", "model_invalid")), Refused, "chat.model"),
        (says(error("400 Bad Request", "bad voice")), Refused, "chat.voice"),
        (says(error("451 No", "no", "censorship_blocked")), Blocked, "content rules"),
        (says(answer("200 OK", b"<html>Log in</html>", "text/html")), Refused, "web page"),
    ],
)
def test_what_goes_wrong_is_said_in_words(script, kind, words):
    _, wrong = fate(script)
    assert isinstance(wrong, kind)
    assert words in str(wrong)
    assert "sk-0123456789" not in str(wrong)


def test_a_key_in_an_error_of_a_stream_gets_stars():
    _, wrong = fate(streams({"error": {"message": "bad key sk-0123456789", "type": "invalid"}}))
    assert "***" in str(wrong)
    assert "sk-0123456789" not in str(wrong)


def test_an_answer_that_was_not_asked_for():
    _, wrong = fate(says(answer("200 OK", b"{}", "application/json")), first_ms=100)
    assert type(wrong) is Garbled
    assert "chat.url" in str(wrong)


def test_a_whole_answer_that_is_none():
    assert "a message: check chat.url" in str(fate(gives({}), WHOLE)[1])


def test_more_than_anybody_can_hear(monkeypatch):
    monkeypatch.setattr(client, "MAX_BODY_BYTES", 1000)
    for script, request in ((streams(*[sounding(PCM)] * 50), SPOKEN), (gives(whole(content="a" * 2000)), WHOLE)):
        assert "more than anybody can hear" in str(fate(script, request)[1])


def test_a_busy_service_is_asked_again():
    async def scene():
        async with serving(says(error("429 Too Many", "slow down")), streams(sounding(PCM), END, DONE)) as service:
            return len(await heard(service.url)), len(service.asked)

    assert play(scene()) == (2, 2)


# ── patience ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("request_", "chunks", "limits"),
    [
        (SPOKEN, [BEGIN, spoken("Hello.")], {"first_ms": 200}),  # words are no sound
        (SPOKEN, [sounding(PCM)], {"gap_ms": 200}),
        (WRITTEN, [BEGIN], {"first_ms": 200}),
        (WRITTEN, [piece(content="Hello.")], {"gap_ms": 200}),
    ],
)
def test_whoever_waits_too_long_hangs_up(request_, chunks, limits):
    service, wrong = fate(streams_and_waits(*chunks), request_, **limits)
    assert isinstance(wrong, TimeoutError)
    assert service.asked[0].left.is_set()


def test_whoever_leaves_early_hangs_up():
    async def scene():
        async with serving(streams_and_waits(sounding(PCM))) as service:
            patience = Patience(asyncio.get_running_loop().time() + 30, LONG_MS)
            plan = CompletionsPlan(service.url, "m", None, WHERE)
            async with Completions(plan, None) as completions, patience:
                async with contextlib.aclosing(completions.ask(SPOKEN, patience)) as pieces:
                    async for said in pieces:
                        assert said == Said(pcm=PCM)
                        break
                await service.asked[0].left.wait()
            return service.asked[0].headers

    assert "authorization" not in play(scene())


def test_a_key_that_is_none_is_refused_before_anybody_is_asked():
    async def scene():
        async with Completions(CompletionsPlan("http://127.0.0.1:1/v1", "m", None, WHERE), Secret("sk-\u00e9", "x")):
            pass

    with pytest.raises(Refused, match="copy it again"):
        play(scene())
