"""Whole turns by the thousand in virtual time: whatever fails, each is answered once, whole, and by whom it should be.

`world.py` tells what a world is, `judge.py` what is right. What a world has found stands here as the smallest playbook
that shows it. `make bench` lives through 100,000 turns of other seeds.
"""

import pytest

from antiphon.conversation.effects import CheckLink, Chime, CommitTurn, Effect, OpenLink, Play, SendAudio
from antiphon.conversation.events import (
    EarOpened,
    Endpointed,
    LinkAlive,
    LinkClosed,
    LinkOpened,
    ReplyAudio,
    ReplyStarted,
    SpeechStarted,
    SpeechStopped,
    Started,
)
from antiphon.conversation.states import State
from conversation.judge import Judge, Turn
from conversation.playbook import CAPTURED, SILENCE, WOKE, Playbook, pcm
from conversation.services import LOST, REFUSED, Call, Said
from conversation.world import ARRANGEMENTS, BRISK, Climate, live

CALM = Climate(faults=0.0, disturbances=0.2, overlaps=0.3)
STORM = Climate(faults=0.3, disturbances=0.1, overlaps=0.3)
OVERLAPPING = Climate(faults=0.1, disturbances=0.1, overlaps=0.8, full=True)
HANDY = Climate(faults=0.0, disturbances=0.2, overlaps=0.3, tools=0.4)
HANDY_STORM = Climate(faults=0.2, disturbances=0.2, overlaps=0.4, full=True, tools=0.4)
ORDERED = Climate(faults=0.1, disturbances=0.2, overlaps=0.5, full=True, orders=True)

# ── worlds ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_where_nothing_fails_the_first_link_answers_all(arrangement: str) -> None:
    tally = live(arrangement, CALM, seeds=range(1), turns=60)
    print(tally)
    assert not tally.wrong, str(tally)
    assert tally.turns >= 60
    first = ARRANGEMENTS[arrangement][0].name
    assert tally.score["answered"] >= 30
    assert tally.score[f"heard from {first}"] >= tally.score["answered"]
    assert not tally.score["sorry"] + tally.score["withdrawn"]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_whatever_fails_every_turn_is_answered_once_or_admitted(arrangement: str) -> None:
    tally = live(arrangement, STORM, seeds=range(2), turns=80)
    print(tally)
    assert not tally.wrong, str(tally)
    assert tally.turns >= 160
    assert all(tally.score[kind] >= 5 for kind in ("word", "talk", "follow-up", "cough")), str(tally)
    assert tally.score["a link failed"] >= 40, str(tally)
    if len(ARRANGEMENTS[arrangement]) > 1:
        assert all(tally.score[f"heard from {plan.name}"] >= 10 for plan in ARRANGEMENTS[arrangement]), str(tally)
        assert tally.score["given up"] >= 5, str(tally)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_whoever_speaks_over_a_reply_is_heard_and_a_cough_costs_nothing(arrangement: str) -> None:
    tally = live(arrangement, OVERLAPPING, seeds=range(2), turns=100)
    print(tally)
    assert not tally.wrong, str(tally)
    assert tally.turns >= 200
    assert all(tally.score[what] >= 5 for what in ("barge-in", "coughed over", "held", "resumed")), str(tally)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_whoever_wants_something_from_elsewhere_is_answered_and_disturbs_nobody(arrangement: str) -> None:
    tally = live(arrangement, ORDERED, seeds=range(1), turns=60)
    print(tally)
    assert not tally.wrong, str(tally)
    assert tally.turns >= 60
    assert tally.score["announced"] >= 4, str(tally)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("climate", [HANDY, HANDY_STORM], ids=["calm", "storm"])
def test_a_turn_that_runs_tools_is_answered_once_and_runs_them_once(arrangement: str, climate: Climate) -> None:
    tally = live(arrangement, climate, seeds=range(1), turns=80)
    print(tally)
    assert not tally.wrong, str(tally)
    assert tally.turns >= 80
    assert tally.score["tools"] >= 10, str(tally)


# ── what worlds have found ───────────────────────────────────────────────────────────────────────

BLOCK_MS = 80
A_QUESTION = [Endpointed("began"), *[CAPTURED] * 25, *[SILENCE] * 9, Endpointed("ended")]
"""As the ear hears it: nobody coughs for two seconds."""


def wait_for_a_change(book: Playbook, *, alive: int | None = None) -> list[Effect]:
    """Until the state changes; the call `alive` gives every sign of life it is asked for."""
    state = book.state
    wants: list[Effect] = []
    while book.state is state:
        wants = book.wait()
        if alive is not None and CheckLink(alive) in wants:
            book.on(LinkAlive(alive), after_ms=0)
    return wants


def having_heard_the_word(**arrangement: int) -> Playbook:
    """The cloud's service has heard the wake word, and the answer to that is dismissed."""
    book = Playbook(**arrangement).awake()
    book.on(WOKE, SpeechStarted(1), CAPTURED, SpeechStopped(1), ReplyStarted(1, "r1"))
    assert book.state is State.LISTENING
    return book


def test_a_service_that_turns_deaf_after_the_word_loses_the_turn_to_the_next() -> None:
    book = having_heard_the_word(lan=1)
    book.on(*A_QUESTION, after_ms=BLOCK_MS)
    assert OpenLink(3, "lan-1", ()) in wait_for_a_change(book, alive=1)


def test_a_service_that_turns_deaf_after_the_word_is_admitted_where_there_is_no_other() -> None:
    book = having_heard_the_word()
    book.on(*A_QUESTION, after_ms=BLOCK_MS)
    assert Chime("sorry") in wait_for_a_change(book)


def test_a_follow_up_that_the_service_does_not_hear_goes_to_the_next() -> None:
    book = Playbook(lan=1).lingering()
    book.on(*A_QUESTION, after_ms=BLOCK_MS)
    assert OpenLink(3, "lan-1", ()) in wait_for_a_change(book, alive=1)


def test_a_follow_up_whose_beginning_was_garbled_on_the_way_is_answered() -> None:
    book = Playbook().lingering()
    book.on(*A_QUESTION[:-1], SpeechStopped(1), ReplyStarted(1, "r2"), after_ms=BLOCK_MS)
    assert book.state is State.THINKING
    assert book.on(ReplyAudio(1, "r2", pcm(100))) == [Play("r2", pcm(100))]


def test_a_wake_word_in_lingering_does_not_lose_where_the_ear_is() -> None:
    book = Playbook(lan=1).lingering()
    book.on(*[CAPTURED] * 3, Endpointed("began"), WOKE, *[CAPTURED] * 3, Endpointed("began"), after_ms=BLOCK_MS)
    book.on(*[CAPTURED] * 6, LinkClosed(1, LOST), after_ms=BLOCK_MS)
    book.on(LinkOpened(3), *[CAPTURED] * 3, *[SILENCE] * 9, after_ms=BLOCK_MS)
    assert CommitTurn(3) in book.on(Endpointed("ended"))


def test_with_the_own_network_first_the_cloud_that_comes_back_last_is_not_kept() -> None:
    book = Playbook(lan=1, lan_first=True)
    book.on(Started(), EarOpened(), LinkClosed(1, LOST))
    assert book.wait() == [OpenLink(2, "cloud", ())]
    book.on(LinkClosed(2, LOST))
    assert book.wait() == [OpenLink(3, "lan-1", (), trial=True)]
    book.on(LinkOpened(3))
    assert book.wait() == [OpenLink(4, "cloud", ())]
    book.on(LinkOpened(4))
    assert OpenLink(5, "lan-1", ()) in book.on(WOKE)


def test_a_link_that_was_being_asked_when_all_was_given_up_is_tried_again() -> None:
    book = Playbook(lan=1)
    book.on(Started(), EarOpened(), LinkOpened(1))
    assert book.wait() == [OpenLink(2, "lan-1", (), trial=True)]
    book.on(LinkClosed(2, LOST), WOKE, SpeechStarted(1), CAPTURED)
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(3, "lan-1", ())]
    opened: list[str] = []
    for _ in range(30):  # nobody answers there; then all is well again
        for effect in book.wait():
            if isinstance(effect, OpenLink):
                opened.append(effect.link)
                book.on(LinkOpened(effect.call))
    assert set(opened) == {"cloud", "lan-1"}


def test_a_follow_up_that_the_ear_has_noticed_is_not_cut_off_by_sleep() -> None:
    book = Playbook().lingering()
    assert book.machine.deadline is not None
    book.at = book.machine.deadline - 0.3
    book.on(CAPTURED, CAPTURED, CAPTURED, Endpointed("began"), after_ms=BLOCK_MS - 10)
    assert book.wait() == []
    assert book.state is State.LINGERING


def test_a_call_that_is_refused_under_a_follow_up_is_admitted() -> None:
    book = Playbook().lingering()
    book.on(*[CAPTURED] * 3, Endpointed("began"), after_ms=BLOCK_MS)
    assert Chime("sorry") in book.on(LinkClosed(1, REFUSED))


def test_a_wake_word_that_begins_before_a_failure_is_shown_keeps_its_beginning() -> None:
    book = Playbook().listening()
    book.on(SpeechStarted(1), *[CAPTURED] * 5, LinkClosed(1, REFUSED))
    assert book.state is State.SORRY
    wants = book.on(WOKE, LinkOpened(2), after_ms=BLOCK_MS)
    sent = b"".join(effect.pcm for effect in wants if isinstance(effect, SendAudio))
    assert sent.endswith(CAPTURED.pcm * 5 + WOKE.preroll)


def test_what_a_service_owes_is_not_set_against_the_next_answer() -> None:
    """How the worlds' healthy cloud is turned away: its answer is refused, and the next link asked."""
    book = Playbook().listening()
    book.on(SpeechStarted(1), *[CAPTURED] * 4, *[SILENCE] * 38, after_ms=BLOCK_MS)
    assert book.state is State.THINKING, "no end was heard"
    book.on(WOKE, SpeechStopped(1), ReplyStarted(1, "to all before"))
    book.on(SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
    assert book.on(ReplyStarted(1, "r2")) == []


def test_a_wake_word_while_the_next_link_is_opened_begins_a_question() -> None:
    book = Playbook(lan=1).thinking()
    book.on(Endpointed("began"), Endpointed("ended"))
    assert book.on(LinkClosed(1, LOST))[:1] == [OpenLink(3, "lan-1", ())]
    assert CommitTurn(3) not in book.on(WOKE, LinkOpened(3))
    assert CommitTurn(3) in book.on(Endpointed("began"), *[CAPTURED] * 9, *[SILENCE] * 9, Endpointed("ended"))


def test_a_pause_after_the_wake_word_in_lingering_is_no_end() -> None:
    book = Playbook().lingering()
    book.on(*[CAPTURED] * 4, SpeechStarted(1), WOKE, *[SILENCE] * 7, SpeechStopped(1), after_ms=BLOCK_MS)
    assert book.state is State.LISTENING


# ── the judge can be trusted ─────────────────────────────────────────────────────────────────────

PLANS = ARRANGEMENTS["cloud, two LANs"]
UP = {plan.name: "up" for plan in PLANS}


def said(link: str = "cloud", heard: range = range(100, 130), *, whole: bool = True) -> Said:
    return Said("1-1", link, Call(1), list(heard), whole=whole, finished=whole)


def judged(**changes: object) -> list[str]:
    """What is wrong with a turn of grains 105 to 120, that the cloud has answered, but for `changes`."""
    facts = {"known": dict(UP), "heard": [said()]} | changes
    judge = Judge(PLANS, BRISK)
    judge.judge(Turn(1, "word", 105, 120, began_s=2.0, over_s=2.4, **facts))
    return judge.wrong


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"heard": [said("lan-1")], "sick": {"cloud"}},
        {"heard": [said("lan-1")], "known": UP | {"cloud": "down"}},
        {"heard": [said("lan-1")], "fresh": False, "in_use": "lan-1"},
        {"heard": [said(whole=False)], "sorries": 1, "sick": {"cloud"}},
        {"heard": [], "sorries": 1, "sick": set(UP)},
        {"heard": [], "excused": "muted"},
    ],
)
def test_what_is_right_is_let_pass(changes: dict[str, object]) -> None:
    assert judged(**changes) == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"heard": []}, "nobody answered, and nobody was sorry"),
        ({"heard": [], "sorries": 1}, "nobody answered, and cloud is well"),
        ({"heard": [], "sorries": 1, "sick": {"cloud"}}, "nobody answered, and lan-1 is well"),
        ({"heard": [said(), said("lan-1")]}, "several replies"),
        ({"heard": [said(heard=range(106, 130))]}, "14 grains of 15"),
        (
            {"heard": [Said("1-1", "cloud", Call(1), [*range(105, 120), 110], whole=True, finished=True)]},
            "16 grains of 15",
        ),
        (
            {"heard": [Said("1-1", "cloud", Call(1), [106, 105, *range(107, 120)], whole=True, finished=True)]},
            "answers 15 grains",
        ),
        ({"heard": [said(whole=False)]}, "broke off"),
        ({"heard": [said("lan-1")]}, "lan-1 answered, and cloud is well"),
        ({"heard": [said("lan-2")], "sick": {"cloud"}}, "lan-2 answered, and lan-1 is well"),
        ({"heard": [said("cloud")], "fresh": False, "in_use": "lan-1"}, "cloud answered, and lan-1 is well"),
        ({"sorries": 2, "sick": {"cloud"}}, "several times"),
        ({"heard": [Said("1-1", "cloud", Call(1), [*range(100, 130)], whole=True)]}, "broke off"),
        ({"heard": [Said("1-1", "cloud", Call(1, spoiled=True), [*range(100, 130)], whole=True)]}, "begun anew"),
    ],
)
def test_what_is_wrong_is_seen(changes: dict[str, object], wrong: str) -> None:
    assert any(wrong in one for one in judged(**changes)), judged(**changes)
