"""Wherever the cloud's connection breaks, freezes or is spoiled: somebody answers the whole question, and only one.

Either the server on the LAN was asked all that the user said, pre-roll included, exactly once, and all of its reply was
heard and nothing of the cloud's; or the cloud's reply was heard, to its end or as far as it came and then a short tone.
Which of the two is left open, as this machine may be slow. The same holds for a follow-up, that no wake word precedes.
`make bench` tries thousands of places.
"""

import asyncio
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cut_points import AFTERWARDS, BYTES, Case, at_bytes, at_events, try_all
from cut_turn import (
    CLOUD_SAYS,
    FOLLOWED,
    FOLLOWING,
    LAN_SAYS,
    PATIENT,
    REPLY_FRAMES,
    SPOKEN,
    Told,
    follow_up,
    take,
    verdict,
    whole,
)
from wire_cutter import Cut

TURNS_CUT_AT_BYTES = 160
SEED = 3


@cache
def uncut() -> Told:
    """A turn that nobody disturbs: what there is to be cut."""
    return asyncio.run(take(manners=PATIENT))


@cache
def uncut_follow_up() -> Told | None:
    """Likewise a follow-up."""
    manners = PATIENT.model_copy(update={"follow_up_ms": FOLLOWING.follow_up_ms})
    return asyncio.run(follow_up(manners=manners))


def test_a_turn_that_nobody_disturbs_is_the_clouds():
    told = uncut()
    assert verdict(told) == "cloud"
    assert (told.answered, told.asked, told.chimes) == ([0], [], ["wake"])
    assert len(told.heard) == REPLY_FRAMES
    assert told.events["down"] >= 20, "settings, turn and reply of the service are there to be cut"
    assert all(told.bytes[way] >= BYTES[way] for way in BYTES)


def test_a_follow_up_that_nobody_disturbs_is_the_clouds_too():
    told = uncut_follow_up()
    assert told is not None
    assert verdict(told) == "cloud"
    assert (told.answered, told.asked, told.chimes) == ([0], [], [])
    assert len(told.heard) == REPLY_FRAMES
    assert told.events["down"] >= 18


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_at_every_event_of_a_follow_up(afterwards):
    told = uncut_follow_up()
    assert told is not None
    down = at_events("down", range(1, told.events["down"] + 1), afterwards, SEED, follow_up=True)
    up = at_events("up", range(1, told.events["up"] + 1, 4), afterwards, SEED, follow_up=True)
    cases = [*down, *up]
    tally = try_all(cases)
    print(tally)
    assert not tally.failures, str(tally)
    assert len(cases) >= 90
    assert tally.tried >= 0.8 * len(cases), str(tally)
    assert tally.struck >= len(cases) // 2, str(tally)
    assert tally.outcomes["LAN"] >= len(cases) // 4, str(tally)
    assert tally.outcomes["unnoticed"] <= len(cases) // 10, str(tally)


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_around_every_event_of_the_service(afterwards):
    cases = list(at_events("down", range(1, uncut().events["down"] + 1), afterwards, SEED))
    tally = try_all(cases)
    print(tally)
    assert not tally.failures, str(tally)
    assert tally.tried == len(cases) >= 140
    assert tally.struck >= len(cases) // 2, str(tally)  # not where a slow machine had given the call up before
    assert tally.outcomes["LAN"] >= len(cases) // 4, str(tally)


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_around_events_of_the_link(afterwards):
    """Its settings, the pre-roll and some of what follows; all appends are alike."""
    cases = at_events("up", [1, 2, 3, *range(5, 26, 5)], afterwards, SEED)
    tally = try_all(cases)
    print(tally)
    assert not tally.failures, str(tally)
    assert tally.tried >= 50
    assert tally.struck >= tally.tried // 2, str(tally)


def test_a_cloud_that_freezes_and_then_answers_nobody():
    events = range(1, uncut().events["down"] + 1)
    tally = try_all([Case(Cut("stall", event=event, afterwards="stalls")) for event in events])
    print(tally)
    assert not tally.failures, str(tally)
    assert tally.tried >= 20


@pytest.mark.parametrize("flip", [1, 2, 64])
def test_settings_that_come_spoiled(flip):
    """The service refuses them in a word, and then hears nothing: it was never told to find the turns."""
    places = [number / 8 for number in range(8)]
    tally = try_all([Case(Cut("corrupt", "up", event=1, at=at, flip=flip)) for at in places])
    assert not tally.failures, str(tally)
    assert tally.struck == 8


def test_at_any_byte():
    tally = try_all(at_bytes(TURNS_CUT_AT_BYTES, SEED))
    print(tally)
    assert not tally.failures, str(tally)
    assert tally.tried >= 0.9 * TURNS_CUT_AT_BYTES
    assert tally.struck >= tally.tried // 2, str(tally)


# ── the judge can be trusted ─────────────────────────────────────────────────────────────────────

ALL = (np.concatenate([SPOKEN, np.zeros(4800, np.int16)]), 24_000)
HALF = CLOUD_SAYS[: REPLY_FRAMES // 2]


def judged(**changes):
    """A turn that the LAN answered, but for `changes`."""
    told = Told(
        cut=Cut("close", event=5),
        heard=LAN_SAYS,
        chimes=["wake"],
        asked=[ALL],
        cloud=[ALL[0]],
        answered=[],
        struck=True,
        events={},
        bytes={},
    )
    return verdict(replace(told, **changes))


BY_CLOUD = {"asked": [], "answered": [0]}


def test_what_is_right_is_told_apart():
    assert judged() == "LAN"
    assert judged(heard=CLOUD_SAYS, **BY_CLOUD) == "cloud"
    assert judged(heard=HALF, chimes=["wake", "sorry"], **BY_CLOUD) == "cloud, broken off"
    holed = np.concatenate([CLOUD_SAYS[:800], CLOUD_SAYS[1600:]])
    assert judged(heard=holed, cut=Cut("corrupt", event=18), **BY_CLOUD) == "cloud"


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"stuck": True}, "never ended"),
        ({"heard": CLOUD_SAYS[:0]}, "nobody spoke"),
        ({"heard": np.concatenate([HALF, LAN_SAYS])}, "both spoke"),
        ({"heard": LAN_SAYS[:-1]}, "4799 samples of the LAN's reply"),
        ({"heard": np.concatenate([LAN_SAYS, LAN_SAYS])}, "9600 samples of the LAN's reply"),
        ({"asked": [ALL, ALL]}, "the LAN was asked 2 times"),
        ({"asked": [(ALL[0][960:], 24_000)]}, "the LAN got"),
        ({"heard": CLOUD_SAYS, "answered": [0]}, "what the cloud has answered"),
        ({"heard": HALF, **BY_CLOUD}, "nobody was sorry"),
        ({"heard": HALF[1:], "chimes": ["sorry"], **BY_CLOUD}, "with gaps"),
        ({"heard": CLOUD_SAYS, "cloud": [ALL[0][960:]], **BY_CLOUD}, "the cloud got"),
        ({"heard": HALF[::-1], "cut": Cut("corrupt", event=5), **BY_CLOUD}, "out of order"),
    ],
)
def test_what_is_wrong_is_seen(changes, wrong):
    with pytest.raises(AssertionError, match=wrong):
        judged(**changes)


@pytest.mark.parametrize(
    "received",
    [
        SPOKEN[:-960],  # the last piece is missing
        SPOKEN[960:],  # the first
        np.concatenate([SPOKEN[:4800], SPOKEN[5760:]]),  # one between
        np.concatenate([SPOKEN, SPOKEN]),
        np.concatenate([SPOKEN[:4800], SPOKEN[3840:]]),  # a piece came twice
        SPOKEN[24:],  # a millisecond is missing
        np.concatenate([np.zeros(960, np.int16), SPOKEN]),
    ],
)
def test_what_is_not_all_of_it_once_is_seen(received):
    assert whole(received, 24_000) != ""
    assert whole(SPOKEN, 24_000) == ""


def test_a_follow_up_is_found_behind_silence():
    silence = np.zeros(4800, np.int16)
    assert whole(np.concatenate([silence, FOLLOWED, silence]), 24_000, spoken=FOLLOWED) == ""
    assert whole(FOLLOWED, 24_000, spoken=FOLLOWED) == ""
    assert whole(np.concatenate([silence, FOLLOWED[960:], silence]), 24_000, spoken=FOLLOWED) != ""
    assert whole(np.concatenate([silence, FOLLOWED[:-960]]), 24_000, spoken=FOLLOWED) != ""
    assert whole(np.concatenate([FOLLOWED, FOLLOWED]), 24_000, spoken=FOLLOWED) != ""
    assert whole(np.concatenate([silence, SPOKEN]), 24_000, spoken=FOLLOWED) != ""


def test_a_follow_up_before_which_the_device_fell_asleep_is_nobodys():
    nothing = {"heard": CLOUD_SAYS[:0], "asked": [], "chimes": []}
    assert judged(noticed=False, **nothing) == "unnoticed"
    with pytest.raises(AssertionError, match="somebody was answered"):
        judged(noticed=False)
