"""Whole conversations as transcripts: what happens, and what the mind wants then. Each is a story worth reading."""

import pytest

from antiphon.conversation.effects import (
    CancelReply,
    Chime,
    CloseEar,
    CloseLink,
    CommitTurn,
    EndPlay,
    Hush,
    OpenEar,
    OpenLink,
    Play,
    RestEar,
    SendAudio,
    StreamEar,
    Withdraw,
)
from antiphon.conversation.events import (
    ButtonMoved,
    EarClosed,
    EarOpened,
    Endpointed,
    Finished,
    Hushed,
    LinkClosed,
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    Sounded,
    SpeechStarted,
    SpeechStopped,
    Started,
    UserSaid,
    Woke,
)
from antiphon.conversation.history import Turn
from antiphon.conversation.states import State
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, SILENCE, WOKE, Playbook, pcm

LOST = Problem("lost", "The network is gone")
REFUSED = Problem("refused", "The key is wrong")
MUTE = (ButtonMoved("mute", down=True), ButtonMoved("mute", down=False))
TALK = ButtonMoved("talk", down=True)
TAP = (TALK, ButtonMoved("talk", down=False))


def sent(effects: list[object]) -> bytes:
    return b"".join(effect.pcm for effect in effects if isinstance(effect, SendAudio))


def test_a_plain_turn_by_the_services_judgement() -> None:
    book = Playbook()
    assert book.on(Started()) == [OpenEar(), OpenLink(1, "cloud", ())]
    assert book.on(EarOpened(), LinkOpened(1)) == []
    assert book.on(WOKE) == [SendAudio(1, WOKE.preroll), Chime("wake")]
    assert book.state is State.LISTENING
    assert book.on(CAPTURED) == [SendAudio(1, CAPTURED.pcm)]
    assert book.on(SpeechStarted(1), CAPTURED, CAPTURED) == [SendAudio(1, CAPTURED.pcm)] * 2
    assert book.on(SpeechStopped(1)) == []
    assert book.state is State.THINKING
    assert book.on(UserSaid(1, "i1", ""), ReplyStarted(1, "r1"), ReplyText(1, "r1", "Hello.")) == []
    assert book.on(ReplyAudio(1, "r1", pcm(100))) == [Play("r1", pcm(100))]
    assert book.on(Sounded("r1")) == [RestEar()]
    assert book.state is State.SPEAKING
    assert book.on(ReplyAudio(1, "r1", pcm(50))) == [Play("r1", pcm(50))]
    assert book.on(ReplyEnded(1, "r1", "completed")) == [EndPlay("r1")]
    assert book.on(Finished("r1", 150.0)) == [StreamEar(after_s=pytest.approx(book.at + 0.25))]
    assert book.state is State.LINGERING
    assert book.wait() == [RestEar()]
    assert book.state is State.ASLEEP
    moves = ["listening", "thinking", "speaking", "lingering", "asleep"]
    assert [what for what in book.noted() if what in moves] == moves


def test_speech_in_one_breath_after_the_wake_word() -> None:
    """Speech goes on while the word is still being judged: pre-roll and what follows join, and the chime waits not."""
    book = Playbook().awake()
    assert book.on(WOKE)[:1] == [SendAudio(1, WOKE.preroll)]
    assert sent(book.on(CAPTURED, CAPTURED, CAPTURED)) == CAPTURED.pcm * 3
    book.on(SpeechStarted(1), SpeechStopped(1))
    assert book.state is State.THINKING, "short, but more than the word"


def test_a_pause_after_the_wake_word_is_no_question() -> None:
    """The service takes "Hey Jarvis." for a turn and answers it: that answer is refused, and we go on listening."""
    book = Playbook().awake()
    book.on(WOKE, SpeechStarted(1), CAPTURED, *[SILENCE] * 8)
    assert book.on(SpeechStopped(1)) == []
    assert book.state is State.LISTENING
    assert book.on(ReplyStarted(1, "r1")) == [CancelReply(1, "r1", 0.0)]
    assert book.on(ReplyAudio(1, "r1", pcm(100)), ReplyEnded(1, "r1", "cancelled")) == []
    book.on(SpeechStarted(1), *[CAPTURED] * 8, SpeechStopped(1), ReplyStarted(1, "r2"))
    assert book.state is State.THINKING
    assert book.on(ReplyAudio(1, "r2", pcm(100))) == [Play("r2", pcm(100))]


@pytest.mark.parametrize("own", [False, True])
def test_the_call_opens_slower_than_the_speech(own: bool) -> None:
    book = Playbook(own=own, warm=False).awake()
    assert book.on(WOKE) == [OpenLink(1, "cloud", ()), Chime("wake")]
    assert book.state is State.OPENING
    assert book.on(Endpointed("began"), *[CAPTURED] * 3, SILENCE, Endpointed("ended"), SILENCE) == []
    effects = book.on(LinkOpened(1))
    assert sent(effects) == WOKE.preroll + CAPTURED.pcm * 3 + SILENCE.pcm * 2, "from the wake word on, all of it, once"
    if own:
        assert effects[1:] == [CommitTurn(1), RestEar()]
        assert book.state is State.THINKING
    else:
        assert book.state is State.LISTENING
        book.on(SpeechStarted(1), SpeechStopped(1))
        assert book.state is State.THINKING


def test_own_endpointing() -> None:
    book = Playbook(own=True).awake()
    book.on(WOKE, CAPTURED, Endpointed("began"), CAPTURED, SILENCE)
    assert book.on(SpeechStopped(1)) == [], "the service has no say"
    assert book.on(Endpointed("ended")) == [CommitTurn(1), RestEar()]
    assert book.state is State.THINKING
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(40)), Sounded("r1"), ReplyEnded(1, "r1", "completed"))
    book.on(Finished("r1", 40))
    assert book.state is State.LINGERING
    assert book.on(CAPTURED) == [], "nothing is sent before somebody speaks"
    assert book.on(Endpointed("began")) == [SendAudio(1, CAPTURED.pcm)]
    assert book.state is State.LISTENING


def test_a_follow_up_needs_no_wake_word() -> None:
    book = Playbook().lingering()
    assert sent(book.on(CAPTURED)) == CAPTURED.pcm
    book.on(SpeechStarted(1))
    assert book.state is State.LISTENING
    book.on(CAPTURED, SpeechStopped(1))
    assert book.state is State.THINKING, "a follow-up has no wake word in it, however short it is"


def test_a_follow_up_that_begins_at_the_last_moment_is_waited_for() -> None:
    book = Playbook().lingering()
    book.on(*[CAPTURED] * 8)
    book.wait()
    assert book.state is State.LINGERING
    book.on(*[SILENCE] * 13)
    book.wait()
    assert book.state is State.ASLEEP


def test_no_follow_up_wanted() -> None:
    book = Playbook(follow_up_ms=0).speaking()
    book.on(ReplyEnded(1, "r1", "completed"))
    assert book.on(Finished("r1", 400)) == []
    assert book.state is State.ASLEEP


def test_nothing_said() -> None:
    book = Playbook().awake()
    book.on(WOKE, *[SILENCE] * 20)
    assert book.wait() == [RestEar()]
    assert book.state is State.ASLEEP


def test_no_speech_found() -> None:
    """The service refuses a turn without speech, and says nothing more: nobody waits for a reply."""
    book = Playbook(own=True).awake()
    book.on(WOKE, Endpointed("began"), CAPTURED, Endpointed("ended"))
    assert book.on(NothingRecognised(1)) == []
    assert book.state is State.ASLEEP


@pytest.mark.parametrize("full", [False, True])
def test_no_speech_found_where_the_reply_has_begun_already(full: bool) -> None:
    """It begins with the turn's end, before the service knows what was said: a cough makes no conversation."""
    book = Playbook(own=True, full=full).awake()
    book.on(WOKE, Endpointed("began"), CAPTURED, Endpointed("ended"))
    book.on(ReplyStarted(1, "r1"))
    assert book.state is State.THINKING
    assert book.on(NothingRecognised(1)) == []
    assert book.state is State.ASLEEP
    assert book.on(ReplyEnded(1, "r1", "completed")) == []
    assert book.state is State.ASLEEP
    assert CommitTurn(1) in book.on(WOKE, Endpointed("began"), CAPTURED, Endpointed("ended"))
    assert book.on(ReplyStarted(1, "r2"), ReplyAudio(1, "r2", pcm(400))) == [Play("r2", pcm(400))]


@pytest.mark.parametrize("full", [False, True])
def test_a_follow_up_that_was_nothing_ends_the_conversation_and_one_that_was_something_does_not(full: bool) -> None:
    book = Playbook(own=True, full=full).awake()
    book.on(WOKE, Endpointed("began"), CAPTURED, Endpointed("ended"))
    for number in (1, 2):
        reply = f"r{number}"
        book.on(ReplyStarted(1, reply), ReplyAudio(1, reply, pcm(400)), Sounded(reply))
        book.on(NothingRecognised(1))
        assert book.state is State.SPEAKING, "what sounds was asked for"
        book.on(ReplyEnded(1, reply, "completed"), Finished(reply, 400))
        assert book.state is State.LINGERING
        assert CommitTurn(1) in book.on(CAPTURED, Endpointed("began"), CAPTURED, Endpointed("ended"), after_ms=300)
    book.on(ReplyStarted(1, "r3"), NothingRecognised(1), ReplyEnded(1, "r3", "completed"))
    assert book.state is State.ASLEEP


def test_a_service_that_finds_the_turns_takes_nothing_back_of_a_reply() -> None:
    book = Playbook().thinking()
    book.on(ReplyStarted(1, "r1"), NothingRecognised(1))
    assert book.state is State.THINKING
    assert book.on(ReplyAudio(1, "r1", pcm(400))) == [Play("r1", pcm(400))]


def test_speech_started_with_no_stop() -> None:
    """The service hears speech begin and never end: after silence here, it gets silence, and so answers."""
    book = Playbook(hang_ms=1000).awake()
    book.on(WOKE, SpeechStarted(1), *[CAPTURED] * 5)
    assert book.state is State.LISTENING
    book.on(*[SILENCE] * 12)
    assert book.on(SILENCE) == [SendAudio(1, SILENCE.pcm), SendAudio(1, bytes(len(pcm(1000))))]
    assert book.state is State.THINKING
    book.on(SpeechStopped(1), ReplyStarted(1, "r1"))
    assert book.on(ReplyAudio(1, "r1", pcm(40))) == [Play("r1", pcm(40))]


def test_a_turn_without_end_is_ended() -> None:
    book = Playbook(max_turn_ms=3000).awake()
    book.on(WOKE, SpeechStarted(1))
    book.on(*[CAPTURED] * 13)
    assert book.state is State.THINKING
    assert Chime("sorry") in book.wait(), "and if even that brings no answer, it is said"
    assert book.state is State.SORRY


def test_late_audio_of_a_cancelled_reply_is_never_heard() -> None:
    book = Playbook().speaking()
    assert book.on(WOKE) == [Hush("r1"), SendAudio(1, WOKE.preroll), Chime("wake")]
    assert book.on(ReplyAudio(1, "r1", pcm(100))) == []
    assert book.on(Hushed("r1", 230.0)) == [CancelReply(1, "r1", 230.0)]
    assert book.on(ReplyAudio(1, "r1", pcm(100)), ReplyEnded(1, "r1", "cancelled")) == []
    book.on(SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1), ReplyStarted(1, "r2"))
    assert book.on(ReplyAudio(1, "r1", pcm(100)), ReplyAudio(1, "r2", pcm(40))) == [Play("r2", pcm(40))]


def test_the_user_goes_on_after_a_pause() -> None:
    """The service took a pause for the end; nothing of its answer has been heard."""
    book = Playbook().thinking()
    book.on(ReplyStarted(1, "r1"), *[CAPTURED] * 4)
    assert book.on(SpeechStarted(1)) == [CancelReply(1, "r1", 0.0)]
    assert book.state is State.LISTENING
    book.on(CAPTURED, SpeechStopped(1), ReplyStarted(1, "r2"))
    assert book.on(ReplyAudio(1, "r2", pcm(40))) == [Play("r2", pcm(40))]


def test_what_the_user_was_cut_off_from_is_not_remembered() -> None:
    book = Playbook().thinking()
    book.on(UserSaid(1, "i1", "How far is the moon?"), ReplyStarted(1, "r1"))
    book.on(ReplyText(1, "r1", "It is very far away, "), ReplyText(1, "r1", "and bright as well."))
    book.on(ReplyAudio(1, "r1", pcm(1000)), Sounded("r1"), TALK, Hushed("r1", 500.0))
    book.on(LinkClosed(1, LOST))
    opened = [effect for effect in book.wants if isinstance(effect, OpenLink)]
    assert opened == [OpenLink(2, "cloud", (Turn("user", "How far is the moon?"), Turn("assistant", "It is very far")))]


# ── the call is lost in each state ───────────────────────────────────────────────────────────────


def test_call_lost_while_asleep_is_opened_again_with_patience() -> None:
    book = Playbook().awake()
    assert book.on(LinkClosed(1, LOST)) == []
    assert book.wait() == [OpenLink(2, "cloud", ())]
    waited = []
    for call in range(2, 9):
        book.on(LinkClosed(call, LOST), after_ms=0)
        start = book.at
        assert book.wait() == [OpenLink(call + 1, "cloud", ())]
        waited.append(round(book.at - start))
    assert waited == [2, 4, 8, 16, 30, 30, 30]
    assert book.state is State.ASLEEP


def test_call_lost_while_opening_is_tried_again_until_the_time_is_up() -> None:
    book = Playbook(warm=False, opening_ms=3000).awake()
    book.on(WOKE, CAPTURED)
    start = book.at
    call = 1
    while book.state is State.OPENING:
        if book.on(LinkClosed(call, LOST), after_ms=0) == []:
            book.wait()
            call += 1
    assert book.state is State.SORRY
    assert call >= 3
    assert book.at - start <= 3.0
    assert book.machine.snapshot.problem == LOST.sentence


def test_call_refused_while_opening_is_not_tried_again() -> None:
    book = Playbook(warm=False).awake()
    book.on(WOKE)
    assert book.on(LinkClosed(1, REFUSED)) == [Chime("sorry"), RestEar()]
    assert book.state is State.SORRY
    assert book.machine.snapshot.problem == REFUSED.sentence


@pytest.mark.parametrize("state", ["listening", "thinking"])
def test_call_lost_before_the_reply_is_heard_keeps_every_word(state: str) -> None:
    book = Playbook().listening() if state == "listening" else Playbook().thinking()
    said = book.machine._utterance.pcm
    assert said.startswith(WOKE.preroll)
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(2, "cloud", ())]
    assert book.state is State.OPENING
    book.on(CAPTURED)
    assert sent(book.on(LinkOpened(2))) == said + CAPTURED.pcm
    assert book.state is State.LISTENING


def test_a_reply_that_had_come_but_not_sounded_dies_with_its_call() -> None:
    book = Playbook().thinking()
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(100)))
    assert book.on(LinkClosed(1, LOST)) == [Withdraw("r1")]
    assert book.on(Hushed("r1", 0)) == [OpenLink(2, "cloud", ())]
    assert book.on(Sounded("r1"), Hushed("r1", 0)) == []


def test_a_reply_that_is_at_the_card_already_is_finished_as_far_as_it_came() -> None:
    book = Playbook().thinking()
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(100)))
    assert book.on(LinkClosed(1, LOST)) == [Withdraw("r1")]
    assert book.on(Sounded("r1")) == [RestEar(), EndPlay("r1")]
    assert book.state is State.SPEAKING
    assert book.on(Finished("r1", 100)) == [Chime("sorry")], "and nobody is asked again"


def test_call_lost_again_and_again_in_one_turn_is_a_failure() -> None:
    book = Playbook().listening()
    for call in (1, 2):
        book.on(LinkClosed(call, LOST), LinkOpened(call + 1))
    assert book.on(LinkClosed(3, LOST)) == [Chime("sorry"), RestEar()]
    assert book.state is State.SORRY
    book.wait()
    assert book.state is State.ASLEEP


def test_call_lost_while_speaking_plays_what_has_come_and_admits_the_rest() -> None:
    book = Playbook().speaking()
    assert book.on(LinkClosed(1, LOST)) == [EndPlay("r1")]
    assert book.state is State.SPEAKING
    assert book.on(Finished("r1", 400)) == [Chime("sorry")]
    assert book.state is State.SORRY


def test_call_lost_after_the_reply_had_come_is_no_failure() -> None:
    book = Playbook().speaking()
    book.on(ReplyEnded(1, "r1", "completed"))
    assert book.on(LinkClosed(1, LOST)) == []
    book.on(Finished("r1", 400))
    assert book.state is State.ASLEEP


def test_call_lost_while_lingering() -> None:
    book = Playbook().lingering()
    assert book.on(LinkClosed(1, LOST)) == [RestEar()]
    assert book.state is State.ASLEEP


def test_call_lost_while_sorry_or_deaf_changes_nothing_to_see() -> None:
    book = Playbook().awake()
    book.on(*MUTE, EarClosed())
    assert book.on(LinkClosed(1, LOST)) == []
    assert book.state is State.DEAF
    assert book.wait_for_effects() == [OpenLink(2, "cloud", ())], "a warm call carries no sound while deaf"


# ── mute in each state ───────────────────────────────────────────────────────────────────────────


def opening() -> Playbook:
    book = Playbook(warm=False).awake()
    book.on(WOKE)
    return book


def sorry() -> Playbook:
    book = opening()
    book.on(LinkClosed(1, REFUSED))
    return book


GETTING_TO = {
    State.ASLEEP: lambda: Playbook().awake(),
    State.OPENING: opening,
    State.LISTENING: lambda: Playbook().listening(),
    State.THINKING: lambda: Playbook().thinking(),
    State.SPEAKING: lambda: Playbook().speaking(),
    State.LINGERING: lambda: Playbook().lingering(),
    State.SORRY: sorry,
}


@pytest.mark.parametrize("state", GETTING_TO, ids=lambda state: state.value)
def test_mute_closes_the_ear_at_once_in(state: State) -> None:
    book = GETTING_TO[state]()
    assert book.state is state
    effects = book.on(MUTE[0])
    assert CloseEar() in effects
    assert book.state is State.DEAF
    assert (Hush("r1") in effects) == (state is State.SPEAKING)
    assert (CloseLink(1) in effects) == (state in (State.OPENING, State.LISTENING, State.THINKING, State.SPEAKING))
    assert not book.machine.snapshot.deaf, "the lamp follows the fact, not the wish"
    book.on(EarClosed())
    assert book.machine.snapshot.deaf
    assert book.on(CAPTURED, WOKE, ReplyAudio(1, "r1", pcm(40)), Sounded("r1"), *TAP) == []
    book.on(MUTE[1])
    assert book.on(MUTE[0], after_ms=1000) == [OpenEar()]
    assert book.on(EarOpened()) == [Chime("unmute")]
    assert book.state is State.ASLEEP


# ── the wake word in each state ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", GETTING_TO, ids=lambda state: state.value)
def test_the_wake_word_is_heard_in(state: State) -> None:
    book = GETTING_TO[state]()
    again = Woke("hey_jarvis", 0.8, pcm(500, 9), detected_at=0.0)
    effects = book.on(again)
    assert (Hush("r1") in effects) == (state is State.SPEAKING)
    if state in (State.OPENING, State.LISTENING):
        assert sent(effects) == (again.preroll if state is State.LISTENING else b""), "the word is part of the turn"
        assert book.state is state
    else:
        assert Chime("wake") in effects
        if book.state is State.LISTENING:
            assert sent(effects) == again.preroll
        else:
            assert (state, book.state) == (State.SORRY, State.OPENING)
            assert OpenLink in [type(effect) for effect in effects]


def test_the_wake_word_while_thinking_asks_anew() -> None:
    book = Playbook().thinking()
    book.on(ReplyStarted(1, "r1"))
    effects = book.on(Woke("hey_jarvis", 0.8, b"", detected_at=0.0))
    assert CancelReply(1, "r1", 0.0) in effects
    assert book.state is State.LISTENING
    assert len(book.machine._utterance.pcm) <= len(pcm(2000)), "what was asked before is not asked again"


# ── the talk button ──────────────────────────────────────────────────────────────────────────────


def test_talk_begins_a_turn() -> None:
    book = Playbook().awake()
    assert book.on(TALK) == [StreamEar(300), Chime("wake")]
    assert book.state is State.LISTENING


def test_talk_starts_over_before_the_reply_and_interrupts_it_after() -> None:
    book = Playbook().thinking()
    assert book.on(TALK) == [RestEar(), StreamEar(), Chime("wake")]
    assert book.state is State.LISTENING
    assert book.on(ReplyStarted(1, "r1")) == [CancelReply(1, "r1", 0.0)], "it answers what is not asked any more"
    book = Playbook().speaking()
    assert book.on(TALK) == [Hush("r1"), StreamEar(), Chime("wake")]
    assert book.state is State.LISTENING


def test_talk_starts_over_while_you_speak_on_a_call_that_knows_nothing_of_it() -> None:
    book = Playbook().listening()
    book.on(SpeechStarted(1), CAPTURED, CAPTURED)
    effects = book.on(TALK)
    assert CloseLink(1) in effects
    assert book.state is State.OPENING
    assert book.on(CAPTURED, LinkOpened(2))[-1] == SendAudio(2, CAPTURED.pcm)


def test_talk_again_when_nothing_was_said_ends_the_session() -> None:
    book = Playbook().speaking()
    book.on(TALK, ButtonMoved("talk", down=False), after_ms=100)
    book.on(SILENCE, SILENCE, after_ms=400)
    book.on(TALK)
    assert book.state is State.ASLEEP


def test_talk_gives_up_where_the_owner_wants_that() -> None:
    book = Playbook(talk_again="give_up").thinking()
    assert CloseLink(1) in book.on(TALK)
    assert book.state is State.ASLEEP


def test_a_double_tap_ends_the_session() -> None:
    book = Playbook().speaking()
    book.on(TALK, ButtonMoved("talk", down=False), TALK, after_ms=60)
    assert book.state is State.ASLEEP


# ── long life ────────────────────────────────────────────────────────────────────────────────────


def test_a_long_call_is_renewed_while_idle_and_told_the_conversation() -> None:
    book = Playbook(forget_after_s=86_400).thinking()
    book.on(UserSaid(1, "i1", "Hello?"), ReplyStarted(1, "r1"), ReplyText(1, "r1", "Hello."))
    book.on(ReplyAudio(1, "r1", pcm(40)), Sounded("r1"), ReplyEnded(1, "r1", "completed"), Finished("r1", 40))
    book.wait()
    assert book.state is State.ASLEEP
    opened_at = 100.03
    assert book.wait() == [OpenLink(2, "cloud", (Turn("user", "Hello?"), Turn("assistant", "Hello.")))]
    assert book.at - opened_at == pytest.approx(25 * 60, abs=1)
    assert book.on(LinkOpened(2)) == [CloseLink(1)]


def test_a_turn_that_begins_during_a_renewal_stays_on_its_call() -> None:
    book = Playbook().awake()
    assert book.wait() == [OpenLink(2, "cloud", ())]
    assert book.on(WOKE) == [SendAudio(1, WOKE.preroll), Chime("wake")]
    assert book.on(LinkOpened(2)) == [CloseLink(2)]
    assert book.on(CAPTURED) == [SendAudio(1, CAPTURED.pcm)]


def test_a_silent_conversation_is_forgotten() -> None:
    book = Playbook(forget_after_s=60).thinking()
    book.on(UserSaid(1, "i1", "Hello?"), ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(40)), Sounded("r1"))
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 40))
    book.wait()
    assert book.wait() == [OpenLink(2, "cloud", ())], "the service forgets too: a new call, told nothing"


def test_a_microphone_that_stays_away_is_said_once_and_tried_for_ever() -> None:
    gone = Problem("device", "mic: it is gone. Plug it in")
    book = Playbook()
    book.on(Started(), LinkOpened(1))
    assert book.on(EarClosed(gone)) == [Chime("sorry")]
    for _ in range(3):
        assert OpenEar() in book.wait_for_effects()
        assert book.on(EarClosed(gone)) == []
    assert book.state is State.ASLEEP
    book.wait()
    book.on(EarOpened())
    assert not book.machine.snapshot.deaf


def test_the_service_stops_in_the_middle_of_a_reply() -> None:
    book = Playbook().speaking()
    assert book.wait() == [CancelReply(1, "r1", 400.0), EndPlay("r1")]
    assert book.on(Finished("r1", 400)) == [CloseLink(1), Chime("sorry")]
    assert book.state is State.SORRY
