"""Scenes of failing over: the cloud is refused, slow, cut off or wrong, and the next link gets the same speech.

`lan-1` and `lan-2` leave the end of a turn to us, as servers that take one utterance at a time do.
"""

import pytest

from antiphon.conversation.effects import (
    CheckLink,
    Chime,
    CloseLink,
    CommitTurn,
    Effect,
    EndPlay,
    OpenLink,
    Play,
    RestEar,
    SendAudio,
    StreamEar,
    Withdraw,
)
from antiphon.conversation.events import (
    ButtonMoved,
    EarOpened,
    Endpointed,
    Event,
    Finished,
    Hushed,
    LinkAlive,
    LinkClosed,
    LinkOpened,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    Sounded,
    SpeechStarted,
    SpeechStopped,
    Started,
    UserSaid,
)
from antiphon.conversation.states import State
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, SILENCE, WOKE, Playbook, pcm

LOST = Problem("lost", "The network is gone")
REFUSED = Problem("refused", "The key is wrong")
FAILED = Problem("refused", "The answer was withheld")


def sent(wants: list[Effect]) -> bytes:
    return b"".join(effect.pcm for effect in wants if isinstance(effect, SendAudio))


def with_lan(state: str = "listening", lan: int = 1, **manners: int) -> tuple[Playbook, int]:
    """A playbook in `state` on the cloud, with its LAN tried and found sound; and the number of the next call."""
    book = Playbook(lan=lan, **manners)
    book.awake()
    if state != "awake":
        book.on(WOKE)
    if state in ("thinking", "speaking"):
        book.on(SpeechStarted(1), Endpointed("began"), *[CAPTURED] * 4, Endpointed("ended"), SpeechStopped(1))
    if state == "speaking":
        book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(400, 7)), Sounded("r1"))
    return book, lan + 2


def answer(book: Playbook, call: int, reply: str) -> list[Effect]:
    """`call` answers, and all of it is heard."""
    wants = book.on(ReplyStarted(call, reply), ReplyAudio(call, reply, pcm(100, 9)))
    assert book.state is State.THINKING
    book.on(Sounded(reply), ReplyEnded(call, reply, "completed"), Finished(reply, 100))
    return wants


# ── when the links are tried ─────────────────────────────────────────────────────────────────────


def test_at_the_start_each_link_is_tried_and_only_the_cloud_stays_open() -> None:
    book = Playbook(lan=2)
    assert book.on(Started(), EarOpened())[1:] == [OpenLink(1, "cloud", ())]
    book.on(LinkOpened(1))
    assert book.wait() == [OpenLink(2, "lan-1", (), trial=True)]
    assert book.on(LinkOpened(2)) == [CloseLink(2)]
    assert book.wait() == [OpenLink(3, "lan-2", (), trial=True)]
    assert book.on(LinkOpened(3)) == [CloseLink(3)]
    snapshot = book.machine.snapshot
    assert (snapshot.link, snapshot.via, snapshot.fallback) == ("open", "cloud", False)


def test_a_cloud_that_is_down_is_not_waited_for_by_the_next_turn() -> None:
    book, lan = with_lan("awake")
    book.on(LinkClosed(1, LOST))
    assert book.wait() == [OpenLink(lan, "cloud", ())]
    book.on(LinkClosed(lan, LOST))
    snapshot = book.machine.snapshot
    assert (snapshot.link, snapshot.via, snapshot.fallback) == ("none", "lan-1", True)
    assert book.on(WOKE)[:1] == [OpenLink(lan + 1, "lan-1", ())]


def test_a_turn_does_not_wait_for_the_trial_of_a_cloud_that_is_down() -> None:
    book, cloud = with_lan("awake")
    book.on(LinkClosed(1, LOST))
    book.wait()
    book.on(LinkClosed(cloud, LOST))
    assert book.wait() == [OpenLink(cloud + 1, "cloud", ())]
    assert book.on(WOKE)[:2] == [CloseLink(cloud + 1), OpenLink(cloud + 2, "lan-1", ())]


def test_a_turn_waits_for_a_call_that_is_on_its_way_and_against_which_nothing_is_known() -> None:
    book, cloud = with_lan("awake")
    book.on(LinkClosed(1, LOST), after_ms=100_000)  # of old age
    assert book.wait() == [OpenLink(cloud, "cloud", ())]
    assert not [effect for effect in book.on(WOKE) if isinstance(effect, OpenLink | CloseLink)]
    assert sent(book.on(LinkOpened(cloud))) == WOKE.preroll


def test_a_turn_breaks_off_the_trial_of_another_link() -> None:
    book = Playbook(warm=False, lan=1)
    assert OpenLink(1, "lan-1", (), trial=True) in book.on(Started(), EarOpened())
    assert book.on(WOKE)[:2] == [CloseLink(1), OpenLink(2, "cloud", ())]


def test_the_cloud_is_back_at_rest_and_answers_the_next_turn() -> None:
    book, lan = with_lan("listening")
    book.on(LinkClosed(1, LOST), LinkOpened(lan), Endpointed("began"), Endpointed("ended"))
    answer(book, lan, "r1")
    assert book.state is State.LINGERING
    assert book.wait() == [RestEar(), CloseLink(lan)]
    assert book.wait() == [OpenLink(lan + 1, "cloud", ())]
    book.on(LinkOpened(lan + 1))
    assert not book.machine.snapshot.fallback
    book.on(WOKE)
    assert book.state is State.LISTENING
    assert book.machine.snapshot.via == "cloud"


def test_a_cloud_that_spoils_turn_after_turn_is_trusted_more_slowly() -> None:
    book, call = with_lan("awake", answer_ms=1000, follow_up_ms=0)
    waited = []
    cloud = 1
    for _ in range(5):
        book.on(WOKE, SpeechStarted(cloud), *[CAPTURED] * 4, SpeechStopped(cloud))
        book.machine._pulse._every_s = 1e6  # it lives, and does not answer
        book.machine._pulse.watch(None, book.at)
        while book.state is State.THINKING:
            book.wait()
        book.on(LinkOpened(call))
        at = book.at
        answer(book, call, f"r{call}")
        assert book.state is State.ASLEEP
        assert book.wait() == [OpenLink(call + 1, "cloud", ())]
        waited.append(round(book.at - at))
        cloud, call = call + 1, call + 2
        book.on(LinkOpened(cloud))
    assert waited == [0, 10, 20, 40, 80]


# ── the own network first ────────────────────────────────────────────────────────────────────────


def lan_first() -> Playbook:
    book = Playbook(lan=1, lan_first=True)
    assert book.on(Started(), EarOpened())[1:] == [OpenLink(1, "lan-1", (), trial=True)]
    return book


def test_with_the_own_network_first_the_cloud_is_not_called_while_it_answers() -> None:
    book = lan_first()
    assert book.on(LinkOpened(1)) == [CloseLink(1)]
    assert (book.machine.snapshot.via, book.machine.snapshot.fallback) == ("lan-1", False)
    for call in (2, 3, 4):
        assert book.on(WOKE)[:1] == [OpenLink(call, "lan-1", ())]
        book.on(LinkOpened(call), Endpointed("began"), CAPTURED, Endpointed("ended"))
        answer(book, call, f"r{call}")
        assert CloseLink(call) in book.wait()


def test_when_the_own_network_is_down_the_cloud_is_held_ready_until_it_is_back() -> None:
    book = lan_first()
    book.on(LinkClosed(1, LOST))
    assert book.wait() == [OpenLink(2, "cloud", ())]
    book.on(LinkOpened(2))
    assert (book.machine.snapshot.via, book.machine.snapshot.fallback) == ("cloud", True)
    assert book.wait() == [OpenLink(3, "lan-1", (), trial=True)]
    assert book.on(LinkOpened(3)) == [CloseLink(3), CloseLink(2)]
    assert book.machine.snapshot.via == "lan-1"


def test_when_the_own_network_fails_a_turn_the_cloud_gets_it() -> None:
    book = lan_first()
    book.on(LinkOpened(1), WOKE, LinkOpened(2), Endpointed("began"), CAPTURED)
    said = book.machine._utterance.pcm
    assert book.on(LinkClosed(2, LOST)) == [OpenLink(3, "cloud", ())]
    assert sent(book.on(LinkOpened(3))) == said


# ── the link fails in each state ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("problem", [LOST, REFUSED])
def test_refused_while_opening_the_next_is_asked_at_once(problem: Problem) -> None:
    book = Playbook(warm=False, lan=1).awake()
    book.on(WOKE, CAPTURED)
    assert book.on(LinkClosed(2, problem)) == [OpenLink(3, "lan-1", ())]
    assert book.state is State.OPENING
    book.on(Endpointed("began"), CAPTURED)
    assert sent(book.on(LinkOpened(3))) == WOKE.preroll + CAPTURED.pcm * 2
    assert sent(book.on(CAPTURED)) == CAPTURED.pcm
    assert CommitTurn(3) in book.on(Endpointed("ended"))
    assert answer(book, 3, "r1") == [Play("r1", pcm(100, 9))]


def test_slow_to_open_the_next_is_asked_after_the_set_time() -> None:
    book = Playbook(warm=False, lan=1, switch_ms=1500).awake()
    book.on(WOKE)
    began = book.at
    wants: list[Effect] = []
    while not wants:
        wants = book.wait()
    assert wants == [CloseLink(2), OpenLink(3, "lan-1", ())]
    assert round(book.at - began, 3) == 1.5
    assert "link-slow" in book.noted()


def test_with_nobody_else_to_ask_a_slow_link_keeps_its_time() -> None:
    book = Playbook(warm=False, switch_ms=1500, opening_ms=6000).awake()
    book.on(WOKE)
    began = book.at
    book.wait()
    assert round(book.at - began) == 6
    assert book.state is State.SORRY


def test_lost_while_somebody_speaks_the_next_gets_what_was_said_and_then_the_rest() -> None:
    book, lan = with_lan("listening")
    wants = book.on(SpeechStarted(1), Endpointed("began"), CAPTURED)
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(lan, "lan-1", ())]
    wants = book.on(CAPTURED, LinkOpened(lan))
    assert sent(wants) == WOKE.preroll + CAPTURED.pcm * 2
    wants = book.on(CAPTURED, SILENCE, Endpointed("ended"))
    assert wants == [SendAudio(lan, CAPTURED.pcm), SendAudio(lan, SILENCE.pcm), RestEar(), CommitTurn(lan)] or (
        wants == [SendAudio(lan, CAPTURED.pcm), SendAudio(lan, SILENCE.pcm), CommitTurn(lan), RestEar()]
    )


def test_lost_after_the_ear_heard_the_end_but_before_the_service_said_so() -> None:
    book, lan = with_lan("listening")
    book.on(SpeechStarted(1), Endpointed("began"), CAPTURED, *[SILENCE] * 9, Endpointed("ended"))
    book.on(LinkClosed(1, LOST))
    assert CommitTurn(lan) in book.on(LinkOpened(lan))
    assert book.state is State.THINKING


def test_lost_while_thinking_the_next_is_asked_to_answer_at_once() -> None:
    book, lan = with_lan("thinking")
    said = book.machine._utterance.pcm
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(lan, "lan-1", ())]
    wants = book.on(LinkOpened(lan))
    assert sent(wants) == said
    assert CommitTurn(lan) in wants
    assert book.state is State.THINKING
    assert answer(book, lan, "r1") == [Play("r1", pcm(100, 9))]
    assert book.state is State.LINGERING


def test_somebody_who_goes_on_while_it_thinks_is_heard_to_the_end_by_the_next() -> None:
    book, lan = with_lan("thinking")
    book.on(*[CAPTURED] * 8, Endpointed("began"), LinkClosed(1, LOST), CAPTURED, LinkOpened(lan))
    assert book.state is State.LISTENING, "he still speaks"
    assert CommitTurn(lan) in book.on(CAPTURED, Endpointed("ended"))


def test_what_was_said_while_the_ear_rested_is_in_the_question_to_the_next() -> None:
    """A link whose turns we end hears nothing while it thinks; whoever is asked after it gets words without a hole."""
    book, first = with_lan("thinking", lan=2)
    book.on(LinkClosed(1, LOST))
    said = sent(book.on(LinkOpened(first)))
    wants = book.on(LinkClosed(first, LOST))
    assert wants == [StreamEar(10_000.0), OpenLink(first + 1, "lan-2", ())]  # never sent, so nothing comes twice
    assert sent(book.on(CAPTURED, LinkOpened(first + 1))) == said + CAPTURED.pcm
    assert book.state is State.THINKING


def test_a_failed_reply_without_sound_goes_to_the_next() -> None:
    book, lan = with_lan("thinking")
    wants = book.on(ReplyStarted(1, "r1"), ReplyEnded(1, "r1", "failed", FAILED))
    assert wants == [CloseLink(1), OpenLink(lan, "lan-1", ())]


def test_no_answer_in_time_goes_to_the_next() -> None:
    book, lan = with_lan("thinking", answer_ms=3000)
    began = book.at
    wants: list[Effect] = []
    while OpenLink(lan, "lan-1", ()) not in wants:
        wants = book.wait()
        book.on(LinkAlive(1), after_ms=0)
    assert wants == [CloseLink(1), OpenLink(lan, "lan-1", ())]
    assert round(book.at - began, 1) == 3.0


def test_the_last_link_has_more_time_to_answer() -> None:
    book, lan = with_lan("thinking", answer_ms=3000, thinking_ms=9000)
    book.on(LinkClosed(1, LOST), LinkOpened(lan))
    began = book.at
    book.wait()
    assert round(book.at - began) == 9
    assert book.state is State.SORRY


def test_a_turn_that_the_service_does_not_end_goes_to_the_next() -> None:
    book, lan = with_lan("listening", max_turn_ms=5000)
    book.on(SpeechStarted(1))
    wants: list[Effect] = []
    while book.state is State.LISTENING:
        wants = book.wait()
        book.on(LinkAlive(1), after_ms=0)
    assert wants[:2] == [CloseLink(1), OpenLink(lan, "lan-1", ())]


def test_speech_that_the_service_does_not_hear_goes_to_the_next() -> None:
    book, lan = with_lan("listening", nothing_said_ms=1000)
    wants: list[Effect] = []
    while book.state is State.LISTENING:
        wants = book.on(CAPTURED, LinkAlive(1), after_ms=40)
        if book.machine.deadline is not None and book.machine.deadline <= book.at:
            wants = book.wait()
    assert OpenLink(lan, "lan-1", ()) in wants


def test_a_turn_that_only_the_ear_has_heard_goes_to_the_next_soon() -> None:
    """The service lives, but was never told to find the turns: its settings came spoiled, and it heard nothing."""
    book, lan = with_lan("listening")
    book.on(*[CAPTURED] * 8, Endpointed("began"), *[CAPTURED] * 8, *[SILENCE] * 9, Endpointed("ended"))
    ended = book.at
    wants: list[Effect] = []
    while not any(isinstance(effect, OpenLink) for effect in wants):
        wants = book.wait()
        book.on(LinkAlive(1), after_ms=0)
    assert wants == [CloseLink(1), OpenLink(lan, "lan-1", ())]
    assert book.at - ended <= 1.21
    assert CommitTurn(lan) in book.on(LinkOpened(lan))


def test_a_turn_that_only_the_ear_has_heard_may_go_on() -> None:
    book, _ = with_lan("listening")
    book.on(*[CAPTURED] * 8, Endpointed("began"), *[CAPTURED] * 4, *[SILENCE] * 9, Endpointed("ended"))
    book.on(Endpointed("began"), *[CAPTURED] * 4, SpeechStarted(1))
    began = book.at
    while book.state is State.LISTENING and book.at < began + 5:
        book.wait()
        book.on(LinkAlive(1), after_ms=0)
    assert book.state is State.LISTENING


def test_with_nobody_else_to_ask_what_the_service_did_not_hear_is_admitted() -> None:
    book = Playbook().listening()
    book.on(*[CAPTURED] * 8, Endpointed("began"), *[CAPTURED] * 4, *[SILENCE] * 20, Endpointed("ended"))
    book.wait()
    assert book.state is State.SORRY


def test_a_follow_up_that_has_begun_goes_to_the_next() -> None:
    book, lan = with_lan("speaking")
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400), *[CAPTURED] * 6, Endpointed("began"))
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(lan, "lan-1", ())]
    assert sent(book.on(LinkOpened(lan))) == CAPTURED.pcm * 6
    assert CommitTurn(lan) in book.on(Endpointed("ended"))


# ── before and after the first audible sample ────────────────────────────────────────────────────


def test_a_reply_that_the_mouth_has_but_nobody_can_hear_is_withdrawn() -> None:
    book, lan = with_lan("thinking")
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(40)))
    assert book.on(LinkClosed(1, LOST)) == [Withdraw("r1")]
    assert book.on(ReplyAudio(1, "r1", pcm(40))) == []
    assert book.on(Hushed("r1", 0.0)) == [OpenLink(lan, "lan-1", ())]
    assert CommitTurn(lan) in book.on(LinkOpened(lan))


def test_a_reply_that_can_be_heard_is_finished_admitted_and_not_asked_again() -> None:
    book, _ = with_lan("speaking")
    assert book.on(LinkClosed(1, LOST)) == [EndPlay("r1")]
    assert book.on(Finished("r1", 400)) == [Chime("sorry")]
    assert book.state is State.SORRY


def test_a_reply_that_is_at_the_card_is_too_late_to_withdraw() -> None:
    book, _ = with_lan("thinking")
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(80)))
    assert book.on(LinkClosed(1, LOST)) == [Withdraw("r1")]
    assert book.on(Sounded("r1"))[-1] == EndPlay("r1")
    assert book.on(Finished("r1", 80)) == [Chime("sorry")]


def test_all_of_a_reply_that_has_come_is_heard_whatever_becomes_of_the_call() -> None:
    book, _ = with_lan("thinking")
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(80)), ReplyEnded(1, "r1", "completed"))
    assert book.on(LinkClosed(1, LOST)) == []
    book.on(Sounded("r1"), Finished("r1", 80))
    assert book.state is State.ASLEEP


def test_a_reply_that_stops_before_it_can_begin_goes_to_the_next() -> None:
    """Less sound than the mouth waits for, then nothing; and the call lives."""
    book, lan = with_lan("thinking", answer_ms=1000)
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(20)))
    wants: list[Effect] = []
    while Withdraw("r1") not in wants:
        wants = book.wait()
        book.on(LinkAlive(1), after_ms=0)
    assert wants == [CloseLink(1), Withdraw("r1")]
    assert book.on(Hushed("r1", 0.0)) == [OpenLink(lan, "lan-1", ())]


def test_without_another_link_what_came_of_it_is_played() -> None:
    book = Playbook(thinking_ms=1000).thinking()
    wants = book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(20)))
    while EndPlay("r1") not in wants:
        wants = book.wait()
    book.on(Sounded("r1"), Finished("r1", 20))
    assert book.state is State.SORRY


# ── half-dead connections ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["listening", "thinking"])
def test_a_call_without_a_sign_of_life_is_given_up_though_nobody_closed_it(state: str) -> None:
    book, lan = with_lan(state, link_silence_ms=1200)
    began = book.at
    asked: list[Effect] = []
    while not any(isinstance(effect, OpenLink) for effect in asked):
        asked += book.wait()
    assert asked == [CheckLink(1)] * 3 + [CloseLink(1), OpenLink(lan, "lan-1", ())]
    assert 0.9 <= book.at - began <= 1.21
    assert "no sign of life for 1200 ms" in book.machine.snapshot.problem


@pytest.mark.parametrize("word", [LinkAlive(1), UserSaid(1, "i", ""), SpeechStarted(1), ReplyText(1, "r9", "x")])
def test_every_word_of_the_service_is_a_sign_of_life(word: Event) -> None:
    book, _ = with_lan("listening", nothing_said_ms=60_000)
    book.on(Endpointed("began"))
    for _ in range(40):
        assert book.wait() in ([CheckLink(1)], [])
        book.on(word, after_ms=0)
    assert book.state is State.LISTENING


def test_with_nobody_else_to_ask_no_sign_of_life_is_asked_for() -> None:
    book = Playbook().listening()
    assert CheckLink(1) not in book.wait()


def test_a_daemon_that_was_stopped_for_a_while_takes_nobody_for_dead() -> None:
    book, _ = with_lan("thinking")
    book.at += 0.31
    book.machine._wait(60_000)
    book.at += 30.0
    assert book.wait() == [CheckLink(1)]
    book.on(LinkAlive(1))
    assert book.machine._calls.open == 1


# ── more than two ────────────────────────────────────────────────────────────────────────────────


def test_each_link_is_asked_in_order_and_then_it_is_over() -> None:
    book, lan = with_lan("thinking", lan=2)
    said = book.machine._utterance.pcm
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(lan, "lan-1", ())]
    assert book.on(LinkClosed(lan, LOST)) == [OpenLink(lan + 1, "lan-2", ())]
    assert sent(book.on(LinkOpened(lan + 1))) == said
    assert book.on(LinkClosed(lan + 1, REFUSED))[0] == Chime("sorry")


def test_all_links_refused_is_over_at_once() -> None:
    book = Playbook(warm=False, lan=1).awake()
    book.on(WOKE, LinkClosed(2, REFUSED))
    assert Chime("sorry") in book.on(LinkClosed(3, REFUSED))
    assert book.state is State.SORRY


def test_when_all_fail_it_is_said_why_the_first_did() -> None:
    book, lan = with_lan("thinking")
    book.on(LinkClosed(1, FAILED), LinkClosed(lan, REFUSED))
    assert book.state is State.SORRY
    assert book.machine.snapshot.problem == FAILED.sentence


def test_one_that_has_refused_is_not_asked_again_while_another_may_come_back() -> None:
    book = Playbook(warm=False, lan=1).awake()
    book.on(WOKE, LinkClosed(2, REFUSED), LinkClosed(3, LOST))
    assert book.state is State.OPENING
    assert book.wait() == [OpenLink(4, "lan-1", ())]


def test_a_follow_up_whose_call_is_half_dead_goes_to_the_next() -> None:
    book, lan = with_lan("speaking", follow_up_ms=6000)
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400), *[CAPTURED] * 3, Endpointed("began"))
    wants: list[Effect] = []
    while not any(isinstance(effect, OpenLink) for effect in wants):
        wants = book.wait()
    assert wants == [CloseLink(1), OpenLink(lan, "lan-1", ())]
    assert sent(book.on(CAPTURED, LinkOpened(lan))) == CAPTURED.pcm * 4
    assert CommitTurn(lan) in book.on(*[CAPTURED] * 3, Endpointed("ended"))


def test_a_follow_up_that_the_ear_heard_to_its_end_goes_to_the_next() -> None:
    book, lan = with_lan("speaking", follow_up_ms=6000)
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400), *[CAPTURED] * 3, Endpointed("began"))
    book.on(*[CAPTURED] * 9, *[SILENCE] * 10, Endpointed("ended"))
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(lan, "lan-1", ())]
    assert CommitTurn(lan) in book.on(LinkOpened(lan))


def test_a_long_follow_up_is_kept_from_its_beginning() -> None:
    book, lan = with_lan("speaking", follow_up_ms=60_000)
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400), *[CAPTURED] * 3, Endpointed("began"))
    book.on(*[CAPTURED] * 50, LinkClosed(1, LOST))
    assert sent(book.on(LinkOpened(lan))) == CAPTURED.pcm * 53


def test_a_cough_that_a_service_with_ears_ignores_is_no_turn() -> None:
    """It heard the wake word on this call, so it can hear: the user hesitates, and has his time."""
    book, _ = with_lan("listening")
    book.on(SpeechStarted(1), CAPTURED, SpeechStopped(1), ReplyStarted(1, "r1"))
    book.on(*[CAPTURED] * 2, Endpointed("began"), *[SILENCE] * 9, Endpointed("ended"))
    heard = book.at
    while book.state is State.LISTENING:
        book.wait()
        book.on(LinkAlive(1), after_ms=0)
    assert book.at - heard > 4
    assert book.state is State.ASLEEP


def test_a_call_that_was_to_renew_the_lost_one_gets_the_turn() -> None:
    book = Playbook().awake()
    book.at += 1501
    assert book.wait() == [OpenLink(2, "cloud", ())]
    book.on(WOKE, SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1), ReplyStarted(1, "r1"))
    said = book.machine._utterance.pcm
    assert book.on(ReplyAudio(1, "r1", pcm(20)), LinkClosed(1, LOST))[-1] == Withdraw("r1")
    book.on(LinkOpened(2))
    assert sent(book.on(Hushed("r1", 0.0))) == said


def test_all_links_lost_while_opening_are_tried_again_in_turns_until_the_time_is_up() -> None:
    book = Playbook(warm=False, lan=1, opening_ms=3000).awake()
    book.on(WOKE)
    asked = [effect.link for effect in book.wants if isinstance(effect, OpenLink)]
    call = 2
    while book.state is State.OPENING:
        wants = book.on(LinkClosed(call, LOST), after_ms=0)
        while book.state is State.OPENING and not any(isinstance(effect, OpenLink) for effect in wants):
            wants = book.wait()
        asked += [effect.link for effect in wants if isinstance(effect, OpenLink)]
        call += 1
    assert asked[:6] == ["cloud", "lan-1"] * 3
    assert book.state is State.SORRY


def test_a_link_that_kept_the_user_waiting_is_not_asked_the_same_again() -> None:
    book = Playbook(answer_ms=4000, thinking_ms=15_000).thinking()
    assert Chime("sorry") in book.on(LinkClosed(1, LOST), after_ms=5000)
    assert book.state is State.SORRY


# ── what is remembered, shown and logged ─────────────────────────────────────────────────────────


def test_the_cloud_that_is_back_is_told_what_it_had_said_and_nothing_of_the_lan() -> None:
    book, lan = with_lan("thinking", forget_after_s=3600)
    book.on(UserSaid(1, "i1", "How far is the moon?"), ReplyStarted(1, "r1"), ReplyText(1, "r1", "Far."))
    book.on(ReplyAudio(1, "r1", pcm(40)), Sounded("r1"), ReplyEnded(1, "r1", "completed"))
    book.on(Finished("r1", 40), WOKE, LinkClosed(1, LOST), LinkOpened(lan), Endpointed("began"), Endpointed("ended"))
    answer(book, lan, "r2")
    book.wait()
    opened = [effect for effect in book.wait() if isinstance(effect, OpenLink)]
    assert [turn.text for turn in opened[0].history] == ["How far is the moon?", "Far."]


def test_a_long_outage_is_told_once() -> None:
    book, call = with_lan("awake")
    book.on(LinkClosed(1, LOST))
    book.notes.clear()
    for _ in range(1000):
        opened = book.wait()
        assert [type(effect) for effect in opened] == [OpenLink]
        book.on(LinkClosed(call, LOST))
        call += 1
    told = [dict(note.fields)["link"] for note in book.notes if note.level != "debug"]
    assert told == ["lan-1"], "tried again in its turn, it is not there either"


def test_an_outage_that_changes_its_nature_is_told_again_and_so_is_its_end() -> None:
    book, call = with_lan("awake")
    book.on(LinkClosed(1, LOST))
    book.wait()
    book.notes.clear()
    book.on(LinkClosed(call, REFUSED))
    book.wait()
    book.on(LinkOpened(call + 1))
    assert [(note.what, note.level) for note in book.notes] == [("link-closed", "warning"), ("link-opened", "info")]


def test_muted_in_the_middle_of_failing_over_nothing_goes_on() -> None:
    book, lan = with_lan("thinking")
    book.on(LinkClosed(1, LOST))
    wants = book.on(ButtonMoved("mute", down=True))
    assert CloseLink(lan) in wants
    assert book.on(LinkOpened(lan)) == []
    assert book.state is State.DEAF


BLOCKED = Problem("blocked", "Its content rules forbid it")


def test_what_the_rules_of_one_forbid_is_told_to_no_other_and_costs_the_link_nothing() -> None:
    book, spare = with_lan("thinking")
    wants = book.on(UserSaid(1, "i1", "something bad"), LinkClosed(1, BLOCKED))
    assert book.state is State.SORRY
    assert not any(isinstance(effect, OpenLink) for effect in wants)
    assert book.machine.snapshot.problem == BLOCKED.sentence
    assert not book.machine.snapshot.fallback, "the cloud is asked next, as if nothing had been"
    opened = [effect for effect in book.on(WOKE) if isinstance(effect, OpenLink)]
    assert opened == [OpenLink(spare, "cloud", ())], "and hears nothing of it"
