"""Text to speech over real sockets: what is asked, what is heard, and how it ends, exactly once."""

import asyncio
import base64
from dataclasses import replace

import pytest

from antiphon.conversation.events import SpeechMade, SpeechOver, SpeechStyle
from antiphon.secret import Secret
from antiphon.speech import client
from antiphon.speech import service as session
from antiphon.speech.client import MOST_CHARACTERS, SpeechPlan, StepFunSpeech, read_out
from speech.tts import STREAM, answer, chunk, error, says, serving, speaks

KEY = Secret("sk-of-the-test", "a test")
SOUND = bytes(range(256)) * 40
LONG_MS = 30_000.0
SHORT_MS = 150.0  # only where nothing at all will come


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(session, "PAUSE_FIRST_S", 0.001)


def run(scene):
    """With a bound that only a hang meets."""

    async def bounded():
        async with asyncio.timeout(30):
            return await scene

    return asyncio.run(bounded())


def speech_at(url, key=KEY, first_sound_ms=LONG_MS, gap_ms=LONG_MS):
    plan = SpeechPlan(url, "stepaudio-2.5-tts", "linjiajiejie", None, first_sound_ms, gap_ms)
    return StepFunSpeech(plan, key)


def fate(*scripts, text="Good night.", **limits):
    """What was heard of one text, its problem, and what the service was asked."""

    async def scene():
        events = []
        async with serving(*scripts) as service:
            await speech_at(service.url, **limits).make(7, text, events.append)
        assert [type(event) for event in events[:-1]] == [SpeechMade] * (len(events) - 1)
        assert isinstance(events[-1], SpeechOver)
        assert {event.say for event in events} == {7}
        return b"".join(event.pcm for event in events[:-1]), events[-1].problem, service.asked

    return run(scene())


def test_a_text_is_spoken():
    heard, problem, [asked] = fate(speaks(SOUND[:4000], SOUND[4000:]))
    assert (heard, problem) == (SOUND, None)
    assert asked.target == "/v1/audio/speech"
    assert asked.headers["authorization"] == "Bearer sk-of-the-test"
    assert asked.headers["content-type"] == "application/json"
    assert asked.fields["input"] == "Good night."
    assert asked.fields["response_format"] == "pcm"


def test_without_a_key_none_is_sent():
    _, problem, [asked] = fate(speaks(SOUND), key=None)
    assert problem is None
    assert "authorization" not in asked.headers


def test_a_key_that_cannot_be_one_is_not_sent():
    heard, problem, asked = fate(speaks(SOUND), key=Secret("sk-\n-two lines", "a file"))
    assert (heard, asked) == (b"", [])
    assert problem.sentence == "The API key holds characters that no key has: copy it again"


def test_pieces_of_odd_lengths_are_whole_samples():
    heard, problem, _ = fate(speaks(*(SOUND[at : at + 333] for at in range(0, len(SOUND), 333))))
    assert (heard, problem) == (SOUND, None)


def test_half_a_sample_at_the_end_is_dropped():
    heard, problem, _ = fate(speaks(SOUND + b"\x01"))
    assert (heard, problem) == (SOUND, None)


def test_it_is_heard_as_it_comes():
    async def scene():
        events, more = [], asyncio.Event()
        came = asyncio.Event()

        async def script(asked):
            await asked.write(STREAM, chunk(SOUND))
            await more.wait()
            await asked.write(chunk(SOUND), chunk(b""))

        def post(event):
            events.append(event)
            came.set()

        async with serving(script) as service, asyncio.TaskGroup() as group:
            group.create_task(speech_at(service.url).make(1, "Hi.", post))
            await came.wait()
            assert isinstance(events[0], SpeechMade)
            assert not any(isinstance(event, SpeechOver) for event in events)
            more.set()
        assert events[-1] == SpeechOver(1)

    run(scene())


def test_a_long_text_is_asked_for_in_parts_and_in_order():
    text = "This is a sentence of forty characters. " * 60
    heard, problem, asked = fate(speaks(b"\x01\x00"), speaks(b"\x02\x00"), speaks(b"\x03\x00"), text=text)
    assert (heard, problem) == (b"\x01\x00\x02\x00\x03\x00", None)
    assert " ".join(one.fields["input"] for one in asked) == text.strip()


def test_too_long_a_text_is_not_begun():
    heard, problem, asked = fate(speaks(SOUND), text="x" * (MOST_CHARACTERS + 1))
    assert (heard, asked) == (b"", [])
    assert "5001 characters, 5000 at most" in problem.sentence


# ── failures ─────────────────────────────────────────────────────────────────────────────────────


def test_what_may_pass_is_asked_for_again():
    heard, problem, asked = fate(says(error(503, "overloaded")), speaks(SOUND))
    assert (heard, problem, len(asked)) == (SOUND, None, 2)


def test_what_does_not_pass_is_told_in_the_end():
    heard, problem, asked = fate(says(error(503, "overloaded")), first_sound_ms=SHORT_MS)
    assert heard == b""
    assert len(asked) > 1
    assert problem.fault == "lost"
    assert problem.sentence == "127.0.0.1 is overloaded (503): try it again later (overloaded)"


@pytest.mark.parametrize("status", [400, 401, 402, 404, 451])
def test_what_is_ours_to_mend_is_not_asked_for_again(status):
    heard, problem, asked = fate(says(error(status, "no")))
    assert (heard, problem.fault, len(asked)) == (b"", "blocked" if status == 451 else "refused", 1)
    assert f"({status})" in problem.sentence


def test_after_the_first_sound_there_is_no_second_try():
    async def breaks_off(asked):
        await asked.write(STREAM, chunk(SOUND))

    heard, problem, asked = fate(breaks_off, speaks(SOUND))
    assert (heard, len(asked)) == (SOUND, 1)
    assert problem.sentence == "127.0.0.1 broke off in the middle of its answer: try it again"


def test_a_service_that_is_silent_in_the_middle():
    async def stalls(asked):
        await asked.write(STREAM, chunk(SOUND))
        await asked.until_left()

    heard, problem, asked = fate(stalls, gap_ms=SHORT_MS)
    assert (heard, len(asked)) == (SOUND, 1)
    assert problem.sentence == "127.0.0.1 fell silent in the middle, for 0.15 s: try it again"


@pytest.mark.parametrize("head", [b"", STREAM])
def test_a_service_that_never_speaks(head):
    async def silent(asked):
        await asked.write(head)
        await asked.until_left()

    heard, problem, asked = fate(silent, first_sound_ms=SHORT_MS)
    assert (heard, len(asked)) == (b"", 1)
    assert problem.sentence.startswith("127.0.0.1 has not begun to speak within 0.15 s")


def test_an_answer_without_sound():
    heard, problem, asked = fate(speaks())
    assert (heard, len(asked)) == (b"", 2)
    assert "without a sound" in problem.sentence


@pytest.mark.parametrize(
    ("body", "kind", "fault"),
    [
        (b'{"error":{"message":"hm"}}', "application/json", "garbled"),
        (b"data: {}\n\n", "text/event-stream", "lost"),
        (b"<html>Log in</html>", "text/html", "refused"),
    ],
)
def test_words_in_place_of_sound_are_never_played(body, kind, fault):
    heard, problem, _ = fate(says(answer(200, body, kind)), first_sound_ms=SHORT_MS)
    assert (heard, problem.fault) == (b"", fault)


def test_the_key_never_gets_into_a_sentence():
    _, problem, _ = fate(says(error(401, "Incorrect API key provided: sk-of-the-test")))
    assert "sk-of-the-test" not in problem.sentence
    assert problem.sentence.endswith("(Incorrect API key provided: ***)")


def test_no_other_address_is_gone_to():
    _, problem, asked = fate(says(answer(302, b"", more="location: http://127.0.0.1:1/\r\n")))
    assert "another address (302)" in problem.sentence
    assert len(asked) == 1


def test_a_host_that_cannot_be_a_name():
    events = []
    run(speech_at("https://a..b/v1").make(7, "Good night.", events.append))
    [over] = events
    assert "cannot be a name: check speech.url" in over.problem.sentence


def test_nobody_there():
    async def scene():
        async with serving() as service:
            url = service.url
        events = []
        await speech_at(url, first_sound_ms=SHORT_MS).make(1, "Hi.", events.append)
        return events

    [over] = run(scene())
    assert "Nothing listens at 127.0.0.1" in over.problem.sentence


@pytest.mark.parametrize("answers", [True, False])
def test_a_proxy_that_does_not_let_it_through(answers):
    async def scene():
        lines = []

        async def refuse(reader, writer):
            lines.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if not answers:
            server.close()
        proxy = f"http://127.0.0.1:{port}"
        plan = SpeechPlan("https://api.stepfun.example/v1", "stepaudio-2.5-tts", "linjiajiejie", proxy, SHORT_MS)
        events = []
        await StepFunSpeech(plan, KEY).make(1, "Hi.", events.append)
        server.close()
        await server.wait_closed()
        return events, lines

    [over], lines = run(scene())
    assert over.problem.sentence.startswith("The proxy of realtime.proxy did not connect to api.stepfun.example")
    assert set(lines) == ({b"CONNECT api.stepfun.example:443 HTTP/1.1"} if answers else set())


def test_speech_without_end_is_ended(monkeypatch):
    monkeypatch.setattr(client, "LONGEST_MS", 100.0)
    heard, problem, _ = fate(speaks(SOUND))
    assert problem.fault == "garbled"
    assert len(heard) <= 2400 * 2


# ── when nobody wants it any more ────────────────────────────────────────────────────────────────


def test_a_text_that_is_dropped_hangs_up_and_ends_once():
    async def scene():
        events, asked_for = [], []

        async def goes_on(asked):
            asked_for.append(asked)
            await asked.write(STREAM, chunk(SOUND))
            await asked.until_left()

        came = asyncio.Event()

        def post(event):
            events.append(event)
            came.set()

        async with serving(goes_on) as service:
            task = asyncio.get_running_loop().create_task(speech_at(service.url).make(3, "Hi.", post))
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asked_for[0].left.wait()
        return events

    assert run(scene())[-1:] == [SpeechOver(3)]


# ── how it is said ───────────────────────────────────────────────────────────────────────────────


def styled(*scripts, plan, style=None):
    """What was heard in a style, the problem, and what was asked."""

    async def scene():
        events = []
        async with serving(*scripts) as service:
            speech = StepFunSpeech(replace(plan, url=service.url), KEY)
            await speech.make(1, "Good night.", events.append, style)
        return events[-1].problem, [asked.fields for asked in service.asked]

    return run(scene())


PLAN = SpeechPlan("", "stepaudio-2.5-tts", "linjiajiejie", instruction="calm", speed=0.8)


def test_a_style_goes_before_what_is_set():
    problem, [asked] = styled(speaks(SOUND), plan=PLAN)
    assert (problem, asked["voice"], asked["instruction"], asked["speed"]) == (None, "linjiajiejie", "calm", 0.8)
    problem, [asked] = styled(speaks(SOUND), plan=PLAN, style=SpeechStyle("voice-tone-x", "", 1.0))
    assert (problem, asked["voice"]) == (None, "voice-tone-x")
    assert not {"instruction", "speed"} & asked.keys()


@pytest.mark.parametrize(
    ("model", "voice", "words"),
    [
        ("step-tts-2", "linjiajiejie", "step-tts-2 takes no instruction: leave speech.instruction empty"),
        ("stepaudio-2.5-tts", "linjiajieji", "speech.voice: stepaudio-2.5-tts has no voice 'linjiajieji': did you"),
    ],
)
def test_what_the_model_refuses_is_not_sent(model, voice, words):
    problem, asked = styled(speaks(SOUND), plan=replace(PLAN, model=model, voice=voice))
    assert (problem.fault, asked) == ("refused", [])
    assert words in problem.sentence


def test_other_kinds_are_the_bytes_of_files():
    async def scene():
        came = []
        async with serving(speaks(b"\xffodd", b"mp3")) as service:
            await read_out(replace(PLAN, url=service.url), KEY, "Good night.", came.append, "mp3")
            assert service.asked[0].fields["response_format"] == "mp3"
        return b"".join(came)

    assert run(scene()) == b"\xffoddmp3"


def test_sound_as_events_is_heard_as_well():
    audio = base64.b64encode(SOUND).decode()
    body = (
        f'data: {{"type":"speech.audio.delta","audio":"{audio}"}}\n\n'
        f'data: {{"type":"speech.audio.done","audio":"{audio}"}}\n\ndata: [DONE]\n\n'
    )
    assert fate(says(answer(200, body.encode(), "text/event-stream")))[:2] == (SOUND, None)
    blocked = b'data: {"type":"speech.audio.error","error":{"message":"x","type":"censorship_blocked"}}\n\n'
    heard, problem, asked = fate(says(answer(200, blocked, "text/event-stream")))
    assert (heard, problem.fault, len(asked)) == (b"", "blocked", 1)
    assert "put it in other words" in problem.sentence
