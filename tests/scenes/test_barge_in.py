"""Scenes of interrupting: by button, order, wake word and voice, in each phase; and of a sound system that fails."""

import pytest

from antiphon.conversation.effects import (
    CancelReply,
    Chime,
    CloseLink,
    CommitTurn,
    Duck,
    Effect,
    EndPlay,
    Hush,
    OpenLink,
    Play,
    Replace,
    RestEar,
    Resume,
    SendAudio,
    StreamEar,
)
from antiphon.conversation.events import (
    ButtonMoved,
    Captured,
    Commanded,
    EarClosed,
    EarOpened,
    EchoJudged,
    Endpointed,
    Event,
    Finished,
    Hushed,
    LinkAlive,
    LinkClosed,
    LinkOpened,
    MouthFailed,
    MouthOpened,
    NearEnd,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    Sounded,
    SpeechStarted,
    SpeechStopped,
    Ticked,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.conversation.states import State
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, DECAY_MS, SILENCE, WOKE, Playbook, pcm

LOST = Problem("lost", "The network is gone")
NO_CARD = Problem("device", "The card is gone")
TALK = ButtonMoved("talk", down=True)
RELEASE = ButtonMoved("talk", down=False)
LISTEN, STOP = Commanded("listen"), Commanded("stop")
OVER = Captured(pcm(80, 5), voiced_ms=80)
"""Said over a reply."""
ANEW = Captured(pcm(80, 6), voiced_ms=60)
"""Said after the question was begun anew."""
SPOILED, GOOD = EchoJudged(False, 2.0, 10.0, 15.0), EchoJudged(True, 30.0, 10.0, 15.0)
A_COUGH = (OVER, OVER, NearEnd("began"), SILENCE)
IN_PHASES = ("opening", "listening", "thinking", "speaking", "doubting", "lingering")
OWN = pytest.mark.parametrize("own", [False, True])


def sent(wants: list[Effect]) -> bytes:
    return b"".join(effect.pcm for effect in wants if isinstance(effect, SendAudio))


def speaking(*, own: bool = False, full: bool = True, **arrangement: int | str) -> Playbook:
    """A reply sounds; a link that leaves the end of a turn to us, or one that does not."""
    book = Playbook(own=own, full=full, **arrangement).listening()
    if own:
        book.on(Endpointed("began"), *[CAPTURED] * 4, Endpointed("ended"))
    else:
        book.on(SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(400, 7)), Sounded("r1"))
    assert book.state is State.SPEAKING
    return book


def in_phase(phase: str) -> Playbook:
    """A conversation with the cloud in this phase; call 1 is open, or being opened."""
    match phase:
        case "opening":
            book = Playbook(full=True, warm=False).awake()
            book.on(WOKE, CAPTURED)
        case "listening":
            book = Playbook(full=True).listening()
            book.on(SpeechStarted(1), *[CAPTURED] * 9)
        case "thinking":
            book = Playbook(full=True).thinking()
        case "speaking":
            book = speaking()
        case "doubting":
            book = speaking()
            book.on(OVER, NearEnd("began"))
        case _:
            book = Playbook(full=True).lingering()
    assert book.state.value == phase
    return book


def answered(book: Playbook, call: int = 1) -> bool:
    """Whether what is said now is answered, and heard."""
    book.on(SpeechStarted(call), ANEW, SpeechStopped(call), ReplyStarted(call, "new"))
    return Play("new", pcm(40)) in book.on(ReplyAudio(call, "new", pcm(40)))


# ── the button, and orders ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("press", [TALK, LISTEN])
@pytest.mark.parametrize("phase", IN_PHASES)
def test_the_talk_button_begins_a_new_question_in_every_phase(phase: str, press: Event) -> None:
    book = in_phase(phase)
    wants = book.on(press)
    if press is LISTEN and phase in ("opening", "listening"):
        assert (wants, book.state.name) == ([], phase.upper()), "nobody at the button wants it begun anew"
        return
    assert (Hush("r1") in wants) is (phase in ("speaking", "doubting"))
    assert Chime("wake") in wants
    if phase == "opening":
        wants = book.on(LinkOpened(1))
    call = 2 if phase == "listening" else 1
    if call == 2:
        assert {CloseLink(1), OpenLink(2, "cloud", ())} <= {one for one in wants if not isinstance(one, SendAudio)}
        wants = book.on(LinkOpened(2))
    assert book.state is State.LISTENING
    assert ANEW.pcm in sent(book.on(ANEW))
    if phase == "thinking":  # what was asked before is answered as well, and that is refused
        assert CancelReply(1, "old", 0.0) in book.on(ReplyStarted(1, "old"))
    assert answered(book, call)


@pytest.mark.parametrize("phase", ["opening", "listening"])
def test_nothing_of_a_question_that_is_begun_anew_is_answered(phase: str) -> None:
    book = in_phase(phase)
    book.on(TALK, RELEASE, ANEW)
    call = 1 if phase == "opening" else 2
    assert sent(book.on(LinkOpened(call))) == ANEW.pcm


@pytest.mark.parametrize("phase", IN_PHASES)
def test_an_order_to_stop_ends_the_conversation_in_every_phase(phase: str) -> None:
    book = in_phase(phase)
    wants = book.on(STOP)
    assert (Hush("r1") in wants) is (phase in ("speaking", "doubting"))
    assert book.state is State.ASLEEP


@pytest.mark.parametrize("phase", IN_PHASES)
def test_a_double_tap_ends_the_conversation_in_every_phase(phase: str) -> None:
    book = in_phase(phase)
    book.on(TALK, RELEASE, after_ms=100)
    book.on(TALK, after_ms=300)
    assert book.state is State.ASLEEP


def test_the_next_call_is_told_what_was_heard_of_the_last_reply() -> None:
    book = in_phase("speaking")
    book.on(ReplyText(1, "r1", "one two three four"), UserSaid(1, "i1", "Count."), ReplyEnded(1, "r1", "completed"))
    assert OpenLink not in [type(one) for one in book.on(STOP, Ticked())], "the mouth has not told yet"
    told = (Turn("assistant", "one two"), Turn("user", "Count."))
    assert [one for one in book.on(Hushed("r1", 200.0), Ticked()) if isinstance(one, OpenLink)] == [
        OpenLink(2, "cloud", told)
    ]


def test_a_mouth_that_never_tells_does_not_keep_the_next_call_waiting() -> None:
    book = in_phase("speaking")
    book.on(STOP)
    assert OpenLink in [type(one) for one in book.wait_for_effects()]


def test_a_second_tap_with_nothing_said_gives_up() -> None:
    book = in_phase("thinking")
    book.on(TALK, RELEASE, *[SILENCE] * 9, after_ms=100)
    assert book.state is State.LISTENING
    book.on(TALK)
    assert book.state is State.ASLEEP


@pytest.mark.parametrize("phase", ["opening", "listening"])
def test_what_the_ear_makes_of_the_old_question_is_not_said_of_the_new(phase: str) -> None:
    """He was speaking as he pressed: the ear judges anew, or the end of the old would be the end of the new."""
    book = in_phase(phase)
    book.on(Endpointed("began"))
    wants = book.on(TALK)
    assert [one for one in wants if isinstance(one, RestEar | StreamEar)] == [RestEar(), StreamEar()]
    book.on(RELEASE, after_ms=100)
    book.on(TALK, after_ms=400)
    assert book.state is State.ASLEEP, "nothing was said since"


def test_where_the_manners_say_so_a_tap_gives_up() -> None:
    book = Playbook(talk_again="give_up").thinking()
    book.on(TALK)
    assert book.state is State.ASLEEP


def test_a_question_that_the_service_never_ended_is_not_answered_with_the_new_one() -> None:
    book = Playbook(hang_ms=500).listening()
    book.on(SpeechStarted(1), *[CAPTURED] * 5, *[SILENCE] * 7)
    assert book.state is State.THINKING
    assert CloseLink(1) in book.on(TALK)


@OWN
def test_who_speaks_as_he_presses_over_a_reply_loses_nothing(own: bool) -> None:
    book = speaking(own=own)
    said = sent(book.on(OVER, Endpointed("began"), OVER))
    said += sent(book.on(TALK, RELEASE, OVER))
    assert said.endswith(OVER.pcm * 3)
    if own:
        assert CommitTurn(1) in book.on(*[SILENCE] * 9, Endpointed("ended")), "the ear says but once that he began"


@OWN
def test_who_presses_as_he_is_heard_to_begin_does_not_begin_anew(own: bool) -> None:
    book = speaking(own=own)
    book.on(OVER, OVER, NearEnd("began"), OVER, Endpointed("began"), NearEnd("sure"))
    assert book.state is State.LISTENING
    wants = book.on(TALK, after_ms=50)
    assert Chime("wake") in wants
    assert CloseLink(1) not in wants


# ── the wake word ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("full", [False, True])
@OWN
def test_the_wake_word_over_a_reply(full: bool, own: bool) -> None:
    book = speaking(own=own, full=full)
    wants = book.on(WOKE)
    assert wants[0] == Hush("r1")
    assert sent(wants) == WOKE.preroll
    assert book.state is State.LISTENING
    assert book.on(Hushed("r1", 230.0)) == [CancelReply(1, "r1", 230.0)]
    assert book.on(ReplyAudio(1, "r1", pcm(100))) == []


def test_the_wake_word_over_a_held_reply_keeps_what_came_before_it() -> None:
    book = speaking(own=True)
    book.on(OVER, OVER, NearEnd("began"), OVER)
    wants = book.on(WOKE)
    assert Hush("r1") in wants
    assert sent(wants) == OVER.pcm * 3 + WOKE.preroll


def test_a_word_that_the_service_hears_already_may_be_followed_by_a_long_question() -> None:
    """The service will not say again that it hears somebody: it is not taken for deaf."""
    book = speaking(full=False, lan=1)
    book.on(SpeechStarted(1), WOKE)
    began_s = book.at
    while book.at < began_s + 30:
        book.on(CAPTURED, LinkAlive(1), after_ms=40)
        if book.machine.deadline is not None and book.machine.deadline <= book.at:
            book.wait()
    assert book.state is State.LISTENING


def test_a_pause_after_the_wake_word_over_a_reply_is_no_end() -> None:
    book = speaking(own=True)
    book.on(OVER, OVER, NearEnd("began"), Endpointed("began"), OVER, OVER, NearEnd("sure"), OVER, WOKE)
    assert CommitTurn(1) not in book.on(*[SILENCE] * 9, Endpointed("ended"))
    assert CommitTurn(1) in book.on(Endpointed("began"), *[CAPTURED] * 5, *[SILENCE] * 9, Endpointed("ended"))


def test_the_wake_word_alone_is_not_handed_over_as_a_question() -> None:
    """The ear has heard it as speech: it judges anew, or a pause after the word would be the end of a question."""
    book = Playbook(lan=1).lingering()
    wants = book.on(*[CAPTURED] * 4, Endpointed("began"), SpeechStarted(1), WOKE)
    assert RestEar() in wants
    book.on(*[SILENCE] * 9, LinkClosed(1, LOST))
    assert CommitTurn(3) not in book.on(LinkOpened(3))
    assert CommitTurn(3) in book.on(Endpointed("began"), *[CAPTURED] * 5, *[SILENCE] * 9, Endpointed("ended"))


# ── the voice ────────────────────────────────────────────────────────────────────────────────────


@OWN
def test_a_voice_over_a_reply_is_doubted_then_believed(own: bool) -> None:
    book = speaking(own=own)
    said = sent(book.on(OVER, OVER))
    assert Duck("r1") in book.on(NearEnd("began"))
    assert book.state is State.DOUBTING
    said += sent(book.on(OVER, OVER))
    wants = book.on(NearEnd("sure"))
    assert wants[0] == Hush("r1")
    said += sent(wants) + sent(book.on(OVER))
    assert said.endswith(OVER.pcm * 5), "from the first sample on, each once"
    assert said.count(OVER.pcm) == 5
    assert book.state is State.LISTENING
    assert book.on(Hushed("r1", 150.0)) == [CancelReply(1, "r1", 150.0)]


def test_two_judges_who_agree_are_believed() -> None:
    book = speaking()
    assert book.on(OVER, NearEnd("began"), SpeechStarted(1))[-1] == Hush("r1")
    assert book.state is State.LISTENING


def test_the_service_alone_is_doubted_and_its_answer_to_nothing_is_refused() -> None:
    book = speaking()
    assert Duck("r1") in book.on(SpeechStarted(1))
    assert Resume("r1") in book.on(SpeechStopped(1))
    assert book.on(ReplyStarted(1, "r2")) == [CancelReply(1, "r2", 0.0)]
    assert book.on(ReplyAudio(1, "r2", pcm(40))) == []
    assert book.state is State.SPEAKING


@OWN
def test_a_cough_holds_the_reply_and_costs_nothing_of_it(own: bool) -> None:
    book = speaking(own=own)
    assert Duck("r1") in book.on(*A_COUGH)
    assert book.on(ReplyAudio(1, "r1", pcm(100))) == [Play("r1", pcm(100))]
    assert Resume("r1") in book.on(SILENCE, NearEnd("ended"))
    assert book.state is State.SPEAKING
    assert book.on(ReplyEnded(1, "r1", "completed")) == [EndPlay("r1")]
    book.on(Finished("r1", 500.0))
    assert book.state is State.LINGERING


def test_a_doubt_does_not_last() -> None:
    book = speaking()
    book.on(*A_COUGH)
    assert Resume("r1") in book.wait()
    assert book.state is State.SPEAKING


def test_the_time_for_which_a_reply_is_held_is_no_stall() -> None:
    book = speaking(doubt_ms=5000, reply_gap_ms=6000)
    book.on(ReplyEnded(1, "r1", "completed"))
    book.on(NearEnd("began"))
    assert Resume("r1") in book.wait()
    assert book.machine.deadline is not None
    assert book.machine.deadline >= book.at + 0.3 + 3.0


@OWN
def test_who_speaks_soon_after_a_cough_is_heard_to_end(own: bool) -> None:
    """To the ear's judge of turns both are one: it begins anew with the reply that goes on."""
    book = speaking(own=own)
    wants = book.on(*A_COUGH, Endpointed("began"), SILENCE, NearEnd("ended"))
    anew = [one for one in wants if isinstance(one, RestEar | StreamEar)]
    assert [type(one) for one in anew] == [RestEar, StreamEar]
    assert anew[1].preroll_ms > 0, "what it has heard and not told is not lost"
    book.on(OVER, OVER, NearEnd("began"), OVER, OVER, NearEnd("sure"), Endpointed("began"), *[SILENCE] * 9)
    wants = book.on(Endpointed("ended"))
    assert (CommitTurn(1) in wants) is own


def test_a_held_reply_that_ends_is_over() -> None:
    """The card had all of it as it was held."""
    book = speaking()
    book.on(ReplyEnded(1, "r1", "completed"), OVER, NearEnd("began"))
    assert Resume("r1") not in book.on(Finished("r1", 400.0))
    assert book.state is State.LINGERING


def test_who_goes_on_as_a_held_reply_ends_is_answered_from_his_first_word() -> None:
    book = speaking(own=True)
    book.on(ReplyEnded(1, "r1", "completed"), OVER, OVER, NearEnd("began"), Endpointed("began"))
    assert sent(book.on(Finished("r1", 400.0))).endswith(OVER.pcm * 2)
    assert book.state is State.LISTENING


def test_who_speaks_as_a_reply_breaks_off_is_heard_by_the_next() -> None:
    book = speaking(own=True, lan=1)
    book.on(LinkClosed(1, LOST), OVER, OVER, NearEnd("began"))
    wants = book.on(Finished("r1", 400.0))
    assert Chime("sorry") in wants
    assert OpenLink(3, "lan-1", ()) in wants
    assert sent(book.on(OVER, LinkOpened(3))).endswith(OVER.pcm * 3)


def test_a_call_that_is_lost_under_a_held_reply_costs_neither_side() -> None:
    book = speaking(own=True, lan=1)
    book.on(ReplyEnded(1, "r1", "completed"), OVER, OVER, NearEnd("began"), LinkClosed(1, LOST))
    assert book.state is State.DOUBTING
    assert OpenLink(3, "lan-1", ()) in book.on(NearEnd("sure"))
    assert book.state is State.OPENING
    assert sent(book.on(OVER, LinkOpened(3))).endswith(OVER.pcm * 3)


def test_a_service_that_does_not_hear_who_speaks_over_it_loses_him_to_the_next() -> None:
    book = speaking(lan=1)
    book.on(OVER, OVER, NearEnd("began"), OVER, OVER, NearEnd("sure"), *[OVER] * 4, *[SILENCE] * 9, after_ms=80)
    book.on(Endpointed("ended"))
    wants: list[Effect] = []
    while book.state is State.LISTENING:
        wants = book.wait()
    assert OpenLink(3, "lan-1", ()) in wants


# ── where our own sound cannot be taken out ──────────────────────────────────────────────────────


def test_in_half_duplex_nobody_is_heard_over_a_reply() -> None:
    book = speaking(full=False)
    assert book.on(OVER, NearEnd("began"), NearEnd("sure")) == []
    assert book.state is State.SPEAKING


@OWN
def test_the_follow_up_never_hears_the_tail_of_the_reply(own: bool) -> None:
    book = speaking(own=own, full=False)
    book.on(ReplyEnded(1, "r1", "completed"))
    assert book.on(Finished("r1", 400.0)) == [StreamEar(0.0, after_s=book.at + DECAY_MS / 1000)]


def test_who_presses_while_the_room_still_sounds_is_heard_at_once() -> None:
    book = speaking(full=False)
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400.0))
    assert [one for one in book.on(TALK, after_ms=50) if isinstance(one, RestEar | StreamEar)] == [
        RestEar(),
        StreamEar(300.0),
    ]


def test_in_full_duplex_the_ear_streams_on_after_a_reply() -> None:
    book = speaking()
    assert book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400.0)) == [EndPlay("r1")]
    assert sent(book.on(OVER)) == OVER.pcm


def test_an_echo_that_is_not_taken_out_any_more_closes_the_ear_while_we_sound() -> None:
    book = speaking()
    book.on(OVER, NearEnd("began"))
    assert book.on(SPOILED) == [Resume("r1"), RestEar()]
    assert book.state is State.SPEAKING
    book.on(ReplyEnded(1, "r1", "completed"))
    assert StreamEar(0.0, after_s=book.at + 0.01 + DECAY_MS / 1000) in book.on(Finished("r1", 400.0))


@OWN
def test_when_it_is_taken_out_again_the_old_question_is_not_part_of_the_new(own: bool) -> None:
    book = speaking(own=own)
    book.on(SPOILED)
    assert StreamEar() in book.on(GOOD)
    said = sent(book.on(OVER, OVER, NearEnd("began"), OVER, OVER, NearEnd("sure")))
    assert said == OVER.pcm * 4


def test_a_cough_over_a_reply_whose_end_the_ear_does_not_hear_is_no_follow_up() -> None:
    book = speaking(own=True)
    book.on(*A_COUGH, Endpointed("began"), SPOILED, ReplyEnded(1, "r1", "completed"), Finished("r1", 400.0))
    assert book.state is State.LINGERING


# ── the sound system ─────────────────────────────────────────────────────────────────────────────


def test_a_speaker_that_is_gone_while_the_answer_is_awaited_keeps_the_turn() -> None:
    book = Playbook().thinking()
    book.on(MouthFailed(NO_CARD))
    assert book.state is State.THINKING
    book.on(MouthOpened(), ReplyStarted(1, "r1"))
    assert book.on(ReplyAudio(1, "r1", pcm(100))) == [Play("r1", pcm(100))]
    book.on(Sounded("r1"))
    assert book.state is State.SPEAKING


@pytest.mark.parametrize("phase", ["speaking", "doubting"])
def test_a_reply_waits_for_a_speaker_that_comes_back(phase: str) -> None:
    book = in_phase(phase)
    assert book.on(ReplyEnded(1, "r1", "completed"), MouthFailed(NO_CARD)) == [EndPlay("r1")]
    book.on(MouthOpened(), after_ms=2000)
    if phase == "doubting":
        assert Resume("r1") in book.on(NearEnd("ended"))
    assert book.state is State.SPEAKING
    book.on(Finished("r1", 400.0))
    assert book.state is State.LINGERING


def test_a_doubt_does_not_outlast_a_speaker_that_was_gone() -> None:
    book = in_phase("doubting")
    book.on(MouthFailed(NO_CARD), MouthOpened(), after_ms=100)
    assert book.machine.deadline is not None
    assert book.machine.deadline < book.at + 0.6


def test_nobody_waits_for_an_answer_that_cannot_be_heard() -> None:
    book = Playbook().listening()
    book.on(MouthFailed(NO_CARD, hung=True))
    book.on(SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
    assert book.state is State.SORRY


def test_a_reply_does_not_wait_for_a_speaker_while_the_microphone_hangs() -> None:
    book = speaking()
    book.on(MouthFailed(NO_CARD))
    assert Chime("sorry") in book.on(EarClosed(NO_CARD, hung=True))
    assert book.state is State.SORRY


def test_an_apology_is_shown_before_the_program_begins_anew() -> None:
    book = speaking()
    wants = book.on(MouthFailed(NO_CARD, hung=True))
    assert book.state is State.SORRY
    assert Replace(muted=False) not in wants
    assert Replace(muted=False) in book.wait()


def test_a_microphone_that_hangs_is_not_shown_as_closed() -> None:
    book = Playbook().awake()
    book.on(ButtonMoved("mute", down=True), EarClosed(NO_CARD, hung=True))
    assert not book.machine.snapshot.deaf


def test_a_speaker_that_stays_away_is_admitted() -> None:
    book = speaking()
    book.on(ReplyEnded(1, "r1", "completed"), MouthFailed(NO_CARD))
    assert Chime("sorry") in book.wait()
    assert book.state is State.SORRY


@pytest.mark.parametrize("hung", [EarClosed(NO_CARD, hung=True), MouthFailed(NO_CARD, hung=True)])
def test_a_sound_system_that_hangs_at_rest_is_freed_at_once(hung: Event) -> None:
    assert Replace(muted=False) in Playbook().awake().on(hung)


def test_a_sound_system_that_hangs_in_a_turn_is_freed_when_it_is_over() -> None:
    book = speaking()
    assert Replace(muted=False) not in book.on(EarClosed(NO_CARD, hung=True))
    assert book.state is State.SPEAKING, "a reply needs no ear"
    assert Replace(muted=False) in book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400.0))


def test_a_muted_device_is_freed_muted() -> None:
    book = Playbook().awake()
    book.on(ButtonMoved("mute", down=True), EarClosed(None))
    assert book.on(MouthFailed(NO_CARD, hung=True)) == [Replace(muted=True)]
    assert book.state is State.DEAF


def test_a_device_that_was_muted_before_it_began_anew_opens_no_microphone() -> None:
    book = Playbook(muted=True)
    book.awake()
    assert book.state is State.DEAF
    assert book.on(WOKE) == []
    book.on(ButtonMoved("mute", down=True), EarOpened())
    assert book.state is State.ASLEEP
