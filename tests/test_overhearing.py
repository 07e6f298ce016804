"""What is overheard of a turn: the words of the reply that was heard, and not those of one that was given up."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.conversation.events import (
    LinkClosed,
    LinkOpened,
    ReplyAudio,
    ReplyStarted,
    ReplyText,
    ServiceComplained,
    UserSaid,
)
from antiphon.conversation.states import State
from antiphon.errors import Problem
from antiphon.links.fake import FakeLinks
from antiphon.overhearing import AskedTurn, Narrator, in_words, overheard
from antiphon.snapshot import Snapshot

CLOUD, LAN = "realtime", "generate nas:8000"
OPENING = Snapshot(State.OPENING, 1.0, "opening", deaf=False, via=CLOUD)
THINKING = replace(OPENING, state=State.THINKING, since_s=5.0, link="open")


def turn_of(*events):
    turn = AskedTurn()
    for event in events:
        turn.note(CLOUD, event)
    return turn


# ── the turn ──


def test_the_words_are_those_of_the_reply_that_was_begun_last():
    turn = turn_of(
        ReplyStarted(1, "a"),
        ReplyText(1, "a", "It is "),
        ReplyAudio(1, "a", bytes(2)),
        ReplyStarted(2, "b"),
        ReplyText(1, "a", "late"),
        ReplyAudio(1, "a", bytes(2)),
        ReplyStarted(1, "c"),
    )
    assert (turn.answer, turn.first_audio_s) == ("", None)
    turn.note(LAN, ReplyText(2, "b", "Four."))
    turn.note(LAN, ReplyAudio(2, "b", bytes(2)))
    assert turn.answer == "Four."
    first_s = turn.first_audio_s
    assert first_s is not None
    turn.note(LAN, ReplyAudio(2, "b", bytes(2)))
    assert turn.first_audio_s == first_s


def test_the_question_is_written_down_once_however_often_it_was_asked():
    turn = turn_of(
        UserSaid(1, "x", "what"), UserSaid(2, "x", "wha"), UserSaid(2, "x", "what"), UserSaid(2, "y", "time")
    )
    assert turn.words == "what time"
    turn.note(CLOUD, UserSaid(3, "z", ""))
    assert turn.words == "what time"
    assert AskedTurn().words == ""


def test_who_is_asked_last_has_answered_and_the_wait_began_with_the_first():
    turn = turn_of(ServiceComplained(1, Problem("refused", "No such voice")))
    for snapshot in (
        OPENING,
        THINKING,
        replace(OPENING, via=LAN),
        replace(THINKING, via=LAN, since_s=9.0),
        replace(THINKING, via=LAN, state=State.SPEAKING),
        replace(THINKING, via=CLOUD, state=State.LINGERING),
    ):
        turn.see(snapshot)
    assert (turn.link, turn.asked_s) == (LAN, 5.0)
    assert turn.complaints == ["No such voice"]


def test_it_is_told_as_data_and_in_words():
    turn = AskedTurn(question_ms=1600.0, asked_s=5.0, first_audio_s=6.25, link=LAN, reply=bytes(48_000))
    told = turn.told(Path("q.wav"), Path("r.wav"))
    assert told == {
        "question": "q.wav", "question_s": 1.6, "said": "", "link": LAN, "first_audio_s": 1.25, "answer": "",
        "reply_s": 1.0, "reply": "r.wav",
    }  # fmt: skip
    assert in_words(told).splitlines() == [
        "Asked q.wav, 1.6 s.",
        "It came by generate nas:8000, began 1.25 s after the question, lasts 1.0 s, is in r.wav.",
    ]
    silent = AskedTurn(asked_s=5.0, link=CLOUD, answer="Hm.").told(Path("q.wav"), Path("r.wav"))
    assert in_words(silent).splitlines()[1:] == ["Answered: Hm.", "The answer came by realtime, and has no sound."]


def test_the_mind_gets_what_is_overheard():
    links, posted, turn = FakeLinks((LinkOpened(0), UserSaid(0, "x", "hello"), LinkClosed(0))), [], AskedTurn()
    link = overheard({CLOUD: links}, turn)[CLOUD](7, (), posted.append, trial=True)
    asyncio.run(asyncio.wait_for(link.run(), 20))
    assert posted == [LinkOpened(7), UserSaid(7, "x", "hello"), LinkClosed(7)]
    assert turn.said == {(7, "x"): "hello"}
    assert links.made[0].trial


# ── whoever waits ──


async def every_due_timer():
    """Until the loop has been through all that is due now; a timer of 0 s among it."""
    for _ in range(10):
        await asyncio.sleep(0)


def narrated(*snapshots, turn=None):
    said = []
    narrator = Narrator(turn or AskedTurn(), said.append, None)
    for snapshot in snapshots:
        narrator.see(snapshot)
    return said


def test_another_link_is_named_with_the_reason():
    lost = replace(OPENING, problem="The service hung up: it will be tried again")
    assert narrated(replace(OPENING, state=State.ASLEEP), OPENING, THINKING, lost, replace(lost, via=LAN)) == [
        "The service hung up: it will be tried again; generate nas:8000 is asked instead of realtime"
    ]
    assert narrated(OPENING, replace(OPENING, via=LAN), replace(THINKING, via=LAN)) == [
        "realtime does not answer; generate nas:8000 is asked instead of realtime"
    ]


def test_a_link_that_is_found_dead_before_the_question_is_named_with_it():
    asleep = replace(OPENING, state=State.ASLEEP)
    turn = turn_of(LinkClosed(1, Problem("lost", "Nothing listens")), LinkClosed(2))
    assert narrated(asleep, replace(asleep, via=LAN), replace(OPENING, via=LAN), turn=turn) == [
        "Nothing listens; generate nas:8000 is asked instead of realtime"
    ]


def test_nobody_cares_who_would_be_asked_when_nothing_is():
    asleep = replace(OPENING, state=State.ASLEEP)
    assert narrated(asleep, replace(asleep, via=LAN)) == []
    assert narrated(THINKING, replace(THINKING, state=State.SPEAKING), replace(asleep, via=LAN)) == []


@pytest.mark.parametrize(
    ("snapshot", "lost", "sentence"),
    [
        (OPENING, "", "still calling realtime"),
        (OPENING, "Nothing listens", "still calling realtime (Nothing listens)"),
        (replace(THINKING, via=LAN), "", "generate nas:8000 has been asked, and is still to answer"),
    ],
)
def test_a_long_wait_is_said_once(snapshot, lost, sentence):
    said = []

    async def wait():
        turn = AskedTurn(lost={CLOUD: lost} if lost else {})
        narrator = Narrator(turn, said.append, 0.0)
        narrator.see(snapshot)
        narrator.see(replace(snapshot, link="failing"))
        await every_due_timer()
        narrator.see(replace(snapshot, link="open"))
        await every_due_timer()

    asyncio.run(wait())
    assert said == [sentence]


@pytest.mark.parametrize("state", [State.SPEAKING, State.SORRY, None])
def test_a_wait_that_is_over_is_not_said(state):
    said = []

    async def wait():
        narrator = Narrator(AskedTurn(), said.append, 0.0)
        narrator.see(OPENING)
        if state is None:
            narrator.close()
        else:
            narrator.see(replace(OPENING, state=state))
        await every_due_timer()

    asyncio.run(wait())
    assert said == []
