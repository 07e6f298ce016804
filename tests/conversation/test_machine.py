"""The rules of the machine over random walks; its stories are in tests/scenes."""

import pytest

from antiphon.conversation.effects import Answer, CancelReply, Chime, OpenEar
from antiphon.conversation.events import (
    Commanded,
    EarClosed,
    EarOpened,
    Finished,
    LinkOpened,
    MouthFailed,
    MouthOpened,
    ReplyEnded,
    ReplyStarted,
    SpeechStarted,
    SpeechStopped,
    Started,
    UserSaid,
)
from antiphon.conversation.states import State
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, Playbook
from conversation.walk import EVERY_MOVE, walk


def test_a_walk_of_100_000_events_makes_every_move_and_breaks_no_rule() -> None:
    moves, events = walk(seed=1, events=100_000)
    assert events >= 100_000
    assert set(moves) == EVERY_MOVE


def test_a_move_outside_the_table_ends_the_process() -> None:
    book = Playbook().awake()
    with pytest.raises(AssertionError, match="no move ASLEEP -> THINKING"):
        book.machine._go(State.THINKING, None)


def test_events_of_other_calls_change_nothing() -> None:
    book = Playbook().thinking()
    other = 9
    assert book.on(SpeechStarted(other), SpeechStopped(other), ReplyStarted(other, "x"), LinkOpened(other)) == []
    book.on(UserSaid(other, "i", "not ours"))
    assert book.machine._history.turns() == ()
    assert book.state is State.THINKING


def test_a_reply_nobody_asked_for_is_cancelled() -> None:
    book = Playbook().awake()
    assert book.on(ReplyStarted(1, "r1")) == [CancelReply(1, "r1", 0.0)]
    assert book.state is State.ASLEEP


GONE = Problem("device", "spk: gone. Plug it in")
DEAD = Problem("device", "mic: silent. Plug it in")


def test_a_speaker_that_is_gone_is_a_note_and_a_reply_waits_for_it() -> None:
    book = Playbook().awake()
    assert book.on(MouthFailed(GONE)) == []
    assert book.machine.snapshot.problem == GONE.sentence
    book = Playbook().speaking()
    assert book.on(MouthFailed(GONE)) == []
    assert (book.state, book.machine.snapshot.voiceless) == (State.SPEAKING, True)
    book.on(ReplyEnded(1, "r1", "completed"), MouthOpened(), after_ms=5000)
    assert (book.state, book.machine.snapshot.voiceless) == (State.SPEAKING, False)
    book.on(Finished("r1", 400))
    assert book.state is State.LINGERING


def test_what_is_mended_is_no_problem_any_more() -> None:
    book = Playbook().awake()
    book.on(MouthFailed(GONE))
    book.on(MouthOpened())
    assert book.machine.snapshot.problem == ""
    for problem in (DEAD, GONE):
        book.on(EarClosed(problem))
        assert book.machine.snapshot.problem == problem.sentence
    book.on(EarOpened())
    assert book.machine.snapshot.problem == ""


def test_one_device_that_is_mended_leaves_the_problem_of_another() -> None:
    book = Playbook().awake()
    book.on(EarClosed(DEAD))
    book.on(MouthFailed(GONE))
    book.on(EarOpened())
    assert book.machine.snapshot.problem == GONE.sentence


def test_a_reply_does_not_wait_for_a_speaker_for_ever() -> None:
    book = Playbook().speaking()
    book.on(MouthFailed(GONE))
    assert Chime("sorry") in book.wait_for_effects()
    assert book.state is State.SORRY


def test_a_reply_goes_on_without_a_microphone() -> None:
    book = Playbook().speaking()
    assert book.on(EarClosed(Problem("device", "mic: gone. Plug it in"))) == []
    assert book.state is State.SPEAKING


def test_who_unmutes_a_microphone_that_is_gone_is_told_so() -> None:
    gone = Problem("device", "mic: gone. Plug it in")
    book = Playbook().awake()
    book.on(EarClosed(gone))
    assert book.on(Commanded("unmute", 1)) == []
    assert book.on(EarClosed(gone)) == [Answer(1, gone.sentence)]
    assert book.on(Commanded("unmute", 2)) == []
    assert Answer(2) in book.on(EarOpened())
    assert book.on(Commanded("unmute", 3)) == [Answer(3)]


def test_the_snapshot_tells_the_link_and_the_closed_ear() -> None:
    book = Playbook()
    assert book.machine.snapshot.deaf, "closed until it is open"
    assert book.on(Started())[0] == OpenEar()
    assert book.machine.snapshot.link == "opening"
    book.on(EarOpened(), LinkOpened(1))
    snapshot = book.machine.snapshot
    assert (snapshot.state, snapshot.deaf, snapshot.link) == (State.ASLEEP, False, "open")


def test_nothing_captured_leaves_the_device_at_rest() -> None:
    assert Playbook().awake().on(CAPTURED) == []
