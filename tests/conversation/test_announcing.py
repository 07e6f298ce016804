"""One announcement at a time, and whoever asked for it is told once what became of it."""

from antiphon.conversation.announcing import FIRST_SOUND_S, MOST_WAITING, NO_CALL, Announcing
from antiphon.conversation.effects import Answer, DropSpeech, Effect, EndPlay, Hush, MakeSpeech, Play
from antiphon.errors import Problem
from conversation.playbook import pcm

LOST = Problem("lost", "The network is gone")


def begun(ask: int = 1) -> Announcing:
    announcing = Announcing(able=True)
    assert announcing.want("dinner", ask) == []
    assert announcing.begin(10.0) == [MakeSpeech(1, "dinner")]
    return announcing


def sounding() -> Announcing:
    announcing = begun()
    assert announcing.piece(1, pcm(100), 10.5) == [Play("say-1", pcm(100))]
    assert announcing.sounded("say-1")
    return announcing


def refusal(effects: list[Effect]) -> str:
    (told,) = effects
    assert isinstance(told, Answer)
    return told.problem


def test_where_nothing_can_speak_that_is_said() -> None:
    assert refusal(Announcing(able=False).want("dinner", 1))


def test_a_blank_text_is_said_already() -> None:
    assert Announcing(able=True).want("  \n", 1) == [Answer(1)]


def test_they_wait_their_turn_and_not_without_end() -> None:
    announcing = begun()
    assert [announcing.want(f"text {number}", number) for number in range(MOST_WAITING)] == [[]] * MOST_WAITING
    assert refusal(announcing.want("too much", 99))
    assert announcing.begin(11.0) == [], "one at a time"
    announcing.done()
    assert announcing.begin(12.0) == [MakeSpeech(2, "text 0")]


def test_it_is_a_reply_of_no_call() -> None:
    announcing = sounding()
    assert announcing.sounding is not None
    assert (announcing.sounding.id, announcing.sounding.call) == ("say-1", NO_CALL)
    assert announcing.over(1, None) == (None, [EndPlay("say-1")])
    assert announcing.sounding.status == "completed"
    assert announcing.done() == [Answer(1)]


def test_of_another_nothing_is_believed() -> None:
    announcing = begun()
    assert announcing.piece(9, pcm(100), 10.5) == []
    assert announcing.over(9, LOST) == (None, [])
    assert not announcing.sounded("say-1"), "nothing of it was played"
    assert announcing.piece(1, b"", 10.5) == []


def test_one_without_sound_has_failed() -> None:
    assert begun().over(1, LOST) == (LOST, [])
    problem, effects = begun().over(1, None)
    assert problem is not None
    assert effects == []


def test_one_that_breaks_off_is_heard_as_far_as_it_came() -> None:
    announcing = sounding()
    assert announcing.over(1, LOST) == (None, [EndPlay("say-1")])
    assert announcing.sounding is not None
    assert (announcing.sounding.status, announcing.sounding.problem) == ("broken", LOST)
    announcing.blame(LOST)
    assert announcing.over_with(announcing.sounding)
    assert announcing.done() == [Answer(1, LOST.sentence)]


def test_its_first_sound_is_awaited_for_a_while() -> None:
    announcing = begun()
    assert announcing.deadline == 10.0 + FIRST_SOUND_S
    assert announcing.late(announcing.deadline - 0.1) is None
    nothing_made = announcing.late(10.0 + FIRST_SOUND_S)
    announcing.piece(1, pcm(100), 11.0)
    unheard = announcing.late(10.0 + FIRST_SOUND_S)
    assert nothing_made is not None
    assert unheard is not None
    assert (nothing_made.fault, unheard.fault) == ("lost", "device")
    announcing.sounded("say-1")
    assert (announcing.deadline, announcing.late(99.0)) == (None, None)


def test_cut_off_it_is_made_no_further() -> None:
    announcing = sounding()
    assert announcing.over_with(None), "something has silenced it"
    assert announcing.done() == [DropSpeech(1), Answer(1)]
    announcing = sounding()
    announcing.over(1, None)
    assert announcing.done() == [Answer(1)]


def test_put_back_it_is_made_anew_before_the_others() -> None:
    announcing = begun()
    announcing.want("supper", 2)
    announcing.piece(1, pcm(100), 10.5)
    assert announcing.put_back() == [DropSpeech(1), Hush("say-1")]
    assert announcing.begin(20.0) == [MakeSpeech(2, "dinner")]
    assert announcing.piece(1, pcm(100), 20.1) == []
    announcing.piece(2, pcm(100), 20.2)
    announcing.sounded("say-2")
    assert announcing.put_back() == [], "it can be heard"


def test_who_waits_in_vain_is_told() -> None:
    announcing = begun()
    announcing.want("supper", 2)
    assert announcing.forget("no") == [Answer(2, "no")]
    assert announcing.done("no") == [DropSpeech(1), Answer(1, "no")]
    assert announcing.begin(11.0) == []
