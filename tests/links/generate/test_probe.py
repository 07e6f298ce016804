"""The word that a model is asked for: heard to its end, or told why not."""

import asyncio

import pytest

from antiphon.errors import LinkError
from antiphon.links.generate import probe as probes
from antiphon.links.generate.probe import PROBE, probe
from antiphon.links.generate.seats import MOST_LEFT, Seats
from antiphon.links.generate.server import Server
from antiphon.ports import LinkCounters
from links.generate.vox import WINDOW, error, play, serving, silent, speaks

LONG_MS = 30_000.0


def ask(script=speaks, left=0, first_sound_ms=LONG_MS):
    """How often it sounded, why it failed, how many seats are taken then, and the server that was asked."""

    async def scene():
        loop = asyncio.get_running_loop()
        seats, counters, sounds, failed = Seats(), LinkCounters(), [], ""
        for _ in range(left):
            seats.leave(0.0, loop.time(), 0.0)
        async with serving(script) as vox, Server(vox.url) as server:
            limits = {"first_sound_ms": first_sound_ms, "gap_ms": LONG_MS}
            try:
                await probe(
                    server, seats, counters, lambda took_s: sounds.append((counters.received, took_s)), **limits
                )
            except LinkError as why:
                failed = str(why)
        assert counters.received >= len(sounds)
        assert {received for received, _ in sounds} <= {0}  # while it speaks, not after
        assert len({took_s for _, took_s in sounds}) <= 1
        assert all(took_s > 0 for _, took_s in sounds)
        return len(sounds), failed, seats.taken(loop.time()), vox

    return play(scene())


async def one_window(question):
    await question.begin()
    await question.speak(WINDOW)
    await question.until_left()


async def mute(question):
    await question.begin()
    await question.finish()


def test_a_model_that_speaks():
    sounds, failed, taken, vox = ask()
    assert sounds
    assert (failed, taken) == ("", 0)
    assert [question.fields for question in vox.questions] == [{"text": PROBE, "streaming": "true"}]


def test_it_had_a_seat_so_one_is_free():
    assert ask(left=MOST_LEFT)[2] == MOST_LEFT - 1


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (silent, "has not answered in 0.15 s"),
        (mute, "without a sound"),
        (lambda question: question.write(error("500 Internal Server Error", "No audio generated")), "No audio"),
    ],
)
def test_one_that_does_not_speak_keeps_no_seat(script, words):
    sounds, failed, taken, _ = ask(script, first_sound_ms=150.0)
    assert words in failed
    assert (sounds, taken) == (0, 0)


def test_one_that_speaks_on_is_left_and_keeps_one(monkeypatch):
    monkeypatch.setattr(probes, "PROBE_ENDS_S", 0.2 - LONG_MS / 1000)
    _, failed, taken, _ = ask(one_window)
    assert (failed, taken) == ("", 1)
