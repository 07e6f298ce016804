"""The LAN link against the simulated vox-serve, which knows nothing of it: both were written from the server's code."""

import numpy as np
import pytest

from antiphon.conversation.events import LinkClosed, LinkOpened, ReplyEnded
from antiphon.links.generate.probe import PROBE
from antiphon.pcm import frames_in, samples_of
from antiphon.simulator.voxserve.faults import parse_fault
from antiphon.simulator.voxserve.options import Timing, VoxServeOptions
from antiphon.simulator.voxserve.server import VoxServeSimulator
from links.generate.test_link import SPEECH, Inbox, at_16_khz, calling, maker_for
from links.generate.vox import play
from loopback import SPOKEN_MS, tone


def turn(*faults, trial=False, **limits):
    """One turn on one call; what happened, and what the server was asked."""

    async def scene():
        options = VoxServeOptions(timing=Timing.quick(), faults=tuple(map(parse_fault, faults)))
        async with VoxServeSimulator(options, synthesise=tone) as server:
            async with calling(maker_for(server.url(), **limits), trial=trial) as (link, inbox):
                await inbox.until((LinkOpened, LinkClosed))
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until((ReplyEnded, LinkClosed))
            return inbox, server.requests

    return play(scene())


def spoken_ms(inbox: Inbox) -> float:
    return len(inbox.speech("3-1")) / 48


def test_a_turn_is_heard_and_answered():
    inbox, (request,) = turn()
    assert (request.text, request.streaming, request.rate_hz, request.ended) == ("", True, 16_000, "reply_sent")
    said = samples_of(at_16_khz(SPEECH)).astype(int)
    assert len(request.samples) == len(said)
    assert np.abs(request.samples - said).max() <= 1
    assert inbox.of(ReplyEnded) == [ReplyEnded(3, "3-1", "completed")]
    assert SPOKEN_MS <= spoken_ms(inbox) <= SPOKEN_MS + 200
    assert inbox.problem is None


def test_a_trial_is_passed_by_speaking():
    inbox, requests = turn(trial=True)
    assert [request.text for request in requests] == [PROBE, ""]
    assert all(request.ended == "reply_sent" for request in requests)
    assert inbox.problem is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("refuse", "hung up"),
        ("portal", "log in"),
        ("health=500:ill", "(ill)"),
        ("hang-up", "hung up before it answered"),
        ("reset=0", "127.0.0.1"),
        ("reset=4000", "127.0.0.1"),
        ("cut=20", "broke off"),
        ("cut=4000", "broke off"),
        ("status=503:Server not ready", "(Server not ready)"),
        ("list-422", "(body.text: Field required)"),
        ("text-500", "(Internal Server Error)"),
        ("garbage", "not a WAV"),
        ("garbage=0:text", "not a WAV"),
        ("garbage=0:no-data", "not a WAV"),
        ("garbage=0:short", "not a WAV"),
    ],
)
def test_a_fault_ends_the_call_in_words(fault, words):
    inbox, _ = turn(fault)
    assert words in inbox.problem.sentence
    assert not inbox.of(ReplyEnded)


@pytest.mark.parametrize(("fault", "limit"), [("dead", "first_sound_ms"), ("silence", "first_sound_ms")])
@pytest.mark.parametrize("trial", [False, True])
def test_silence_ends_it_when_the_time_is_over(fault, limit, trial):
    inbox, _ = turn(fault, trial=trial, **{limit: 200})
    assert "in 0.2 s" in inbox.problem.sentence
    assert bool(inbox.of(LinkOpened)) is not trial


def test_so_does_a_stall():
    inbox, _ = turn("stall=4000", gap_ms=200)
    assert "middle of a reply" in inbox.problem.sentence
    assert spoken_ms(inbox) > 0


@pytest.mark.parametrize(("fault", "stretch"), [("odd-chunks=1001", 1), ("rate=16000", 1.5), ("rate=48000", 0.5)])
def test_oddities_are_no_faults(fault, stretch):
    inbox, _ = turn(fault)
    assert inbox.problem is None
    usual_ms = spoken_ms(turn()[0])
    assert spoken_ms(inbox) == pytest.approx(usual_ms * stretch, abs=1)


def test_an_empty_answer_fails_the_reply_and_not_the_call():
    inbox, _ = turn("empty")
    assert inbox.of(ReplyEnded)[0].problem.sentence.endswith("answered without a sound: say it again")
    assert inbox.problem is None


def test_the_longest_turn_that_we_send_is_one_that_the_model_survives():
    async def scene():
        options = VoxServeOptions(timing=Timing.quick())
        async with VoxServeSimulator(options, synthesise=tone) as server:
            maker = maker_for(server.url())
            async with calling(maker) as (link, inbox):
                for number in (1, 2):
                    for _ in range(80):
                        link.send_audio(bytes(2 * frames_in(1000, 24_000)))
                    link.commit_turn()
                    await inbox.until(ReplyEnded, number)
            return inbox.of(ReplyEnded), [request.audio_s for request in server.requests]

    ended, lengths = play(scene())
    assert [event.status for event in ended] == ["completed", "completed"]
    assert lengths == [60.0, 60.0]
