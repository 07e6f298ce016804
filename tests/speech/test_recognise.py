"""Recognition over real sockets: what is sent, what is heard, and every way in which it ends otherwise."""

import asyncio
import base64

import numpy as np
import pytest
from aiohttp import web

from antiphon.errors import AudioFileError, Blocked, Garbled, Lost, Refused
from antiphon.secret import Secret
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.speech import service
from antiphon.speech.recognise import Heard, RecognisePlan, Recogniser, Sound
from antiphon.speech.service import Patience
from speech.tts import EVENTS, answer, chunk, error, event_bytes, says, serving, streams

KEY = Secret("sk-of-the-test", "a test")
SOUND = bytes(range(256)) * 700
LONG_MS = 30_000.0
SHORT_MS = 150.0  # only where nothing at all will come
DELTA = {"type": "transcript.text.delta", "meta": {"session_id": "s"}, "delta": "turn on "}
DONE = {
    "type": "transcript.text.done",
    "text": "Turn on the light.",
    "usage": {"type": "tokens", "input_tokens": 40, "input_token_details": {"audio_tokens": 40}, "total_tokens": 46},
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(service, "PAUSE_FIRST_S", 0.0)


def run(scene):
    """With a bound that only a hang meets."""

    async def bounded():
        async with asyncio.timeout(30):
            return await scene

    return asyncio.run(bounded())


async def recognise(url, sound, show=None, first_ms=LONG_MS, gap_ms=LONG_MS, **more):
    patience = Patience(asyncio.get_running_loop().time() + first_ms / 1000, gap_ms)
    async with Recogniser(RecognisePlan(url, "stepaudio-2.5-asr", **more), KEY) as recogniser, patience:
        return await recogniser.recognise(sound, patience, show or [].append)


def fate(*scripts, sound=None, **more):
    """What was heard, or the error; the deltas; what the service was asked."""

    async def scene():
        shown = []
        async with serving(*scripts) as there:
            try:
                end = await recognise(there.url, sound or Sound("wav", 16_000, None, SOUND), shown.append, **more)
            except (Refused, Lost, Garbled, TimeoutError, AudioFileError) as met:
                end = met
        return end, shown, there.asked

    return run(scene())


def in_pieces(size, *pieces):
    async def read():
        for piece in pieces:
            yield piece

    return Sound("ogg", 16_000, size, read)


def test_a_sound_is_recognised():
    heard, shown, [asked] = fate(streams(DELTA, {"type": "hm"}, DONE, "[DONE]"), language="en", hotwords=("light",))
    assert heard == Heard("Turn on the light.", {"input_tokens": 40, "total_tokens": 46})
    assert shown == ["turn on "]
    assert (asked.method, asked.target) == ("POST", "/v1/audio/asr/sse")
    assert asked.headers["authorization"] == "Bearer sk-of-the-test"
    assert asked.headers["accept"] == "text/event-stream"
    assert base64.b64decode(asked.fields["audio"]["data"], validate=True) == SOUND
    assert asked.fields["audio"]["input"] == {
        "transcription": {
            "model": "stepaudio-2.5-asr",
            "language": "en",
            "hotwords": ["light"],
            "enable_itn": True,
            "enable_timestamp": False,
        },
        "format": {"type": "wav"},
    }


def test_bare_samples_are_described():
    _, _, [asked] = fate(streams(DONE), sound=Sound("pcm", 8000, None, SOUND))
    assert asked.fields["audio"]["input"]["format"] == {
        "type": "pcm",
        "codec": "pcm_s16le",
        "rate": 8000,
        "bits": 16,
        "channel": 1,
    }


@pytest.mark.parametrize("known", [True, False])
def test_a_file_goes_up_in_pieces_of_any_length(known):
    pieces = [SOUND[:1], SOUND[1:5], SOUND[5:100_000], SOUND[100_000:]]
    heard, _, [asked] = fate(streams(DONE), sound=in_pieces(len(SOUND) if known else None, *pieces))
    assert heard.text == "Turn on the light."
    assert base64.b64decode(asked.fields["audio"]["data"], validate=True) == SOUND
    assert ("content-length" in asked.headers) is known
    assert (len(asked.pieces) >= 4) is not known


def test_the_upload_is_read_no_faster_than_it_is_taken():
    """The service reads the head and no more; the file is then read no further than sockets hold."""

    async def scene():
        read, enough, over = 0, asyncio.Event(), asyncio.Event()

        async def pieces():
            nonlocal read
            for _ in range(1000):
                read += 48 * 1024
                yield bytes(48 * 1024)

        async def deaf(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(error(451, "no"))
            await enough.wait()
            while await reader.read(2**20):
                pass
            writer.close()
            await writer.wait_closed()
            over.set()

        server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=4096)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            with pytest.raises(Refused, match="content rules"):
                await recognise(url, Sound("wav", 16_000, 1000 * 48 * 1024, pieces))
            enough.set()
            await over.wait()
        return read

    assert run(scene()) < 900 * 48 * 1024


def test_silence_is_no_error():
    heard, shown, _ = fate(streams({"type": "transcript.text.done", "text": ""}))
    assert (heard, shown) == (Heard(""), [])


def test_the_last_event_may_lack_its_blank_line():
    async def script(asked):
        await asked.write(EVENTS, chunk(event_bytes(DONE).rstrip()), chunk(b""))

    heard, _, _ = fate(script)
    assert heard.text == "Turn on the light."


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        ("content blocked for sk-of-the-test", Blocked, "content rules: leave out what it forbids (content blocked"),
        ("model x not supported", Refused, "check speech.recognise_model (for files it is stepaudio-2.5-asr)"),
        ("the engine is currently overloaded", Lost, "is overloaded"),
        ("hm", Lost, "failed in the middle of its answer: try it again (hm)"),
    ],
)
def test_an_error_inside_a_good_answer_is_told_and_not_asked_again(message, kind, words):
    failed, _, asked = fate(streams(DELTA, {"type": "error", "meta": {}, "message": message}, DONE))
    assert isinstance(failed, kind)
    assert words in str(failed)
    assert "sk-of-the-test" not in str(failed)
    assert len(asked) == 1


def test_an_answer_without_an_end_is_lost():
    failed, shown, asked = fate(streams(DELTA, "[DONE]"))
    assert str(failed) == "127.0.0.1 ended before all of the text was there: try it again"
    assert (shown, len(asked)) == (["turn on "], 1)


def test_an_answer_without_anything_is_asked_again():
    async def hangs_up(asked):
        await asked.write(EVENTS)

    heard, _, asked = fate(streams(), hangs_up, says(error(503, "overloaded")), says(error(429, "slow")), streams(DONE))
    assert (heard.text, len(asked)) == ("Turn on the light.", 5)
    assert {base64.b64decode(one.fields["audio"]["data"]) for one in asked} == {SOUND}


@pytest.mark.parametrize(
    ("scripts", "asked"),
    [
        ([says(b"")], 2),
        ([streams()], 2),
        ([streams(), says(b"")], 2),
        ([says(error(503, "overloaded")), streams(), says(error(429, "slow")), says(b""), streams(DONE)], 4),
    ],
)
def test_what_breaks_is_tried_no_more_often_than_it_may(scripts, asked):
    """However far each try has come."""

    async def scene():
        async with serving(*scripts) as there:
            patience = Patience(asyncio.get_running_loop().time() + LONG_MS / 1000, LONG_MS, most_broken=1)
            async with Recogniser(RecognisePlan(there.url, "m"), KEY) as recogniser, patience:
                with pytest.raises(Lost):
                    await recogniser.recognise(Sound("wav", 0, None, SOUND), patience)
        return len(there.asked)

    assert run(scene()) == asked


@pytest.mark.parametrize("event", ["{", "[1]", '"x"', "nan"])
def test_nonsense_after_a_beginning(event):
    failed, _, _ = fate(streams(DELTA, event))
    assert type(failed) is Garbled
    assert "check speech.url" in str(failed)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (error(402, "quota", "quota_exceeded"), "a Step Plan key needs speech.url with /step_plan/v1"),
        (error(401, "Incorrect API key provided: sk-of-the-test"), "check it, and that it was made on the same site"),
        (error(400, "model y not supported"), "no such model here (400): check speech.recognise_model"),
        (
            error(404, "no", "model_invalid"),
            "no such service or model (404): check speech.url and speech.recognise_model (for files",
        ),
        (error(400, "hm"), "does not accept the sound (400): check the sound itself and speech.recognise_model (hm)"),
        (answer(302, b"", more="location: http://127.0.0.1:1/\r\n"), "another address (302)"),
        (answer(200, b"<html>Log in", "text/html"), "log in first"),
    ],
)
def test_what_is_the_owners_to_mend_is_not_asked_again(response, words):
    failed, _, asked = fate(says(response))
    assert isinstance(failed, Refused)
    assert words in str(failed)
    assert "sk-of-the-test" not in str(failed)
    assert len(asked) == 1


def test_a_service_that_falls_silent():
    async def stalls(asked):
        await asked.write(EVENTS, chunk(event_bytes(DELTA)))
        await asked.until_left()

    failed, shown, asked = fate(stalls, gap_ms=SHORT_MS)
    assert type(failed) is TimeoutError
    assert (shown, len(asked)) == (["turn on "], 1)


def test_a_file_that_cannot_be_read():
    async def pieces():
        yield SOUND
        raise AudioFileError("a.wav cannot be read: the disk is gone")

    failed, _, asked = fate(streams(DONE), sound=Sound("wav", 16_000, 2 * len(SOUND), pieces))
    assert str(failed) == "a.wav cannot be read: the disk is gone"
    assert asked == []


# ── against the simulated service, which takes nothing that is not documented ────────────────────


def simulated(sound, path="/v1", key="sk-n", **options):
    """What was heard, or the error; and what the service granted."""
    keys = {"sk-n": "normal", "sk-p": "plan"}
    made = SimulatorOptions(keys=keys, timing=Timing.quick(), **{"transcripts": ("Turn on the light.",), **options})

    async def scene():
        async with StepFunSimulator(made) as there:
            patience = Patience(asyncio.get_running_loop().time() + 20, 20_000)
            plan = RecognisePlan(there.speech_url(path), "stepaudio-2.5-asr", "en", ("light",))
            try:
                async with Recogniser(plan, Secret(key, "a test")) as recogniser, patience:
                    heard = await recogniser.recognise(sound, patience)
            except (Refused, Lost, Garbled) as met:
                heard = met
        return heard, there.recognised

    return run(scene())


def test_a_connection_is_kept_for_the_next_sound():
    async def scene():
        peers = []

        async def met(request):
            peers.append(request.transport.get_extra_info("peername"))
            await request.read()
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(event_bytes(DONE))
            return response

        loop, serves = asyncio.get_running_loop(), web.Server(met)
        async with await loop.create_server(serves, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            plan = RecognisePlan(f"http://127.0.0.1:{port}/v1", "stepaudio-2.5-asr")
            async with Recogniser(plan, KEY) as recogniser:
                for _ in range(3):
                    async with Patience(loop.time() + 20, 20_000) as patience:
                        await recogniser.recognise(SPOKEN, patience)
            await serves.shutdown()
        return peers

    first, *others = run(scene())
    assert others == [first, first]


TONE = (9000 * np.sin(np.arange(24_000) / 9)).astype("<i2").tobytes()
SPOKEN = Sound("pcm", 24_000, None, TONE)


@pytest.mark.parametrize(("path", "key"), [("/v1", "sk-n"), ("/step_plan/v1", "sk-p")])
@pytest.mark.parametrize("manners", [{}, {"asr_deltas": "rough"}, {"asr_deltas": "none"}, {"asr_done_marker": True}])
def test_the_simulated_service_understands(path, key, manners):
    heard, [granted] = simulated(SPOKEN, path, key, **manners)
    assert heard.text == "Turn on the light."
    assert heard.usage["total_tokens"] > 0
    assert (granted.clip.seconds, granted.rate_hz, granted.language, granted.hotwords) == (
        1.0,
        24_000,
        "en",
        ("light",),
    )


def test_the_simulated_service_hears_silence():
    heard, _ = simulated(Sound("pcm", 24_000, None, bytes(len(TONE))), transcripts=())
    assert heard.text == ""


@pytest.mark.parametrize(("kind", "at"), [(Kind.ASR_STATUS, 503), (Kind.ASR_STATUS, 429), (Kind.ASR_CUT, 1)])
def test_what_the_simulated_service_fails_at_once_is_asked_again(kind, at):
    heard, _ = simulated(SPOKEN, faults=(Fault(kind, at, connections=(0,)),))
    assert isinstance(heard, Heard)
    assert heard.text


def test_an_error_event_of_the_simulated_service_is_told():
    heard, _ = simulated(SPOKEN, faults=(Fault(Kind.ASR_ERROR_EVENT, connections=(0,)),))
    assert isinstance(heard, Lost | Refused)


def test_a_plan_key_on_the_other_path():
    heard, granted = simulated(SPOKEN, "/v1", "sk-p")
    assert "a Step Plan key needs speech.url with /step_plan/v1" in str(heard)
    assert granted == []


def test_a_file_that_has_become_shorter():
    failed, _, asked = fate(streams(DONE), sound=in_pieces(len(SOUND) + 1, SOUND))
    assert type(failed) is AudioFileError
    assert asked == []
