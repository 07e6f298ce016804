"""Orders from elsewhere, the mute switch, the volume and announcements, as whole stories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.conversation.announcing import FIRST_SOUND_S, MOST_WAITING
from antiphon.conversation.effects import (
    Answer,
    CancelReply,
    Chime,
    CloseEar,
    DropSpeech,
    Effect,
    EndPlay,
    Hush,
    MakeSpeech,
    OpenEar,
    OpenLink,
    Play,
    Replace,
    RestEar,
    SendAudio,
    SetVolume,
    StreamEar,
)
from antiphon.conversation.events import (
    ButtonMoved,
    Captured,
    Commanded,
    EarClosed,
    EarOpened,
    Endpointed,
    Event,
    Finished,
    Hushed,
    LinkClosed,
    LinkOpened,
    MouthFailed,
    MouthOpened,
    NearEnd,
    ReplyEnded,
    ReplyStarted,
    SayWanted,
    Sounded,
    SpeechMade,
    SpeechOver,
    SpeechStarted,
    Started,
    SwitchMoved,
    Ticked,
    VolumeChanged,
    VolumeWanted,
)
from antiphon.conversation.muting import BY_HAND, BY_SWITCH
from antiphon.conversation.states import State
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, WOKE, Playbook, pcm

LOST = Problem("lost", "The network is gone")
GONE = Problem("device", "spk: gone. Plug it in")
UNREADABLE = Problem("device", "gpio 22: busy. Give the switch another line")
MUTE = (ButtonMoved("mute", down=True), ButtonMoved("mute", down=False))
TALK = ButtonMoved("talk", down=True)
LOUDER, LET_GO = ButtonMoved("volume_up", down=True), ButtonMoved("volume_up", down=False)


def answers(effects: list[Effect]) -> list[Answer]:
    return [effect for effect in effects if isinstance(effect, Answer)]


def told(effects: list[Effect]) -> str:
    """The sentence of the one answer; "" when it is well."""
    (one,) = answers(effects)
    return one.problem


def deaf(*events: Event, **arrangement: bool) -> Playbook:
    book = Playbook(**arrangement).awake()
    book.on(*(events or MUTE), EarClosed(), after_ms=100)
    assert (book.state, book.machine.snapshot.deaf) == (State.DEAF, True)
    return book


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


def test_listen_is_the_talk_button_from_afar() -> None:
    book = Playbook().awake()
    assert book.on(Commanded("listen", 1)) == [StreamEar(300), Chime("wake"), Answer(1)]
    assert book.state is State.LISTENING


def test_who_is_listened_to_already_loses_nothing_by_being_told_so() -> None:
    book = Playbook().awake()
    book.on(Commanded("listen", 1))
    assert book.on(Commanded("listen", 2), after_ms=2000) == [Answer(2)], "the talk button would give it up"
    assert book.state is State.LISTENING


def test_stop_ends_whatever_goes_on_and_is_done_where_nothing_does() -> None:
    book = Playbook().speaking()
    assert Answer(1) in book.on(Commanded("stop", 1))
    assert book.state is State.ASLEEP
    assert book.on(Commanded("stop", 2)) == [Answer(2)]


def test_who_wants_to_be_heard_by_a_closed_microphone_is_told_why_not() -> None:
    assert deaf().on(Commanded("listen", 1)) == [Answer(1, BY_HAND)]
    assert deaf(SwitchMoved(muted=True)).on(Commanded("listen", 1)) == [Answer(1, BY_SWITCH)]
    book = Playbook().awake()
    book.on(EarClosed(GONE))
    book.wait_for_effects()
    assert told(book.on(Commanded("listen", 1)))


def test_mute_is_answered_when_the_capture_stream_is_closed() -> None:
    book = Playbook().awake()
    assert book.on(Commanded("mute", 1)) == [CloseEar(), Chime("mute")]
    assert book.on(EarClosed()) == [Answer(1)]
    assert book.on(Commanded("mute", 2)) == [Answer(2)], "it is closed already"


def test_unmute_is_answered_when_it_is_open() -> None:
    book = deaf()
    assert book.on(Commanded("unmute", 1)) == [OpenEar()]
    assert book.on(EarOpened()) == [Answer(1), Chime("unmute")]
    assert book.on(Commanded("unmute", 2)) == [Answer(2)]


def test_unmute_tells_what_is_wrong_with_the_microphone() -> None:
    book = deaf()
    book.on(Commanded("unmute", 1))
    assert book.on(EarClosed(GONE)) == [Answer(1, GONE.sentence)]


def test_a_mute_that_nobody_can_vouch_for_is_no_mute() -> None:
    book = Playbook().awake()
    book.on(Commanded("mute", 1))
    assert told(book.on(EarClosed(hung=True)))
    assert told(book.on(Commanded("mute", 2)))


def test_a_microphone_that_never_answers_is_admitted() -> None:
    book = Playbook(warm=False).awake()
    book.on(Commanded("mute", 1))
    assert told(book.wait_for_effects())


def test_orders_that_cross_are_each_answered_once() -> None:
    book = Playbook().awake()
    effects = book.on(Commanded("mute", 1), Commanded("unmute", 2), Commanded("mute", 3))
    assert [(one.ask, bool(one.problem)) for one in answers(effects)] == [(1, True), (2, True)]
    assert book.on(EarClosed(), EarOpened()) == [], "not yet: it is told to close once more"
    assert book.on(EarClosed()) == [Answer(3)]


# ── the switch ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("situation", ["awake", "listening", "thinking", "speaking", "lingering"])
def test_the_switch_closes_the_ear_at_once(situation: str) -> None:
    book = getattr(Playbook(), situation)()
    effects = book.on(SwitchMoved(muted=True))
    assert CloseEar() in effects
    assert Chime("mute") in effects
    assert book.state is State.DEAF
    assert book.machine.snapshot.switched_off


def test_while_the_switch_says_so_nothing_opens_it() -> None:
    book = deaf(SwitchMoved(muted=True))
    assert book.on(Commanded("unmute", 1)) == [Answer(1, BY_SWITCH)]
    assert book.on(*MUTE) == [Chime("mute")], "it was and is muted"
    assert book.on(WOKE, TALK) == []
    assert book.state is State.DEAF
    assert book.on(SwitchMoved(muted=False)) == [OpenEar()]
    book.on(EarOpened())
    assert (book.state, book.machine.snapshot.switched_off) == (State.ASLEEP, False)


@pytest.mark.parametrize("muted", [MUTE, (Commanded("mute"),)])
def test_moved_back_it_is_as_button_and_command_said_last(muted: tuple[Event, ...]) -> None:
    book = deaf(*muted)
    assert book.on(SwitchMoved(muted=True)) == []
    assert book.on(SwitchMoved(muted=False)) == []
    assert book.state is State.DEAF
    assert book.on(*MUTE) == [OpenEar()]


def test_a_command_to_mute_outlasts_the_switch() -> None:
    book = deaf(SwitchMoved(muted=True))
    assert book.on(Commanded("mute", 1)) == [Answer(1)]
    assert book.on(SwitchMoved(muted=False)) == []
    assert book.on(Commanded("unmute", 2)) == [OpenEar()]


def test_the_switch_overtakes_an_ear_that_is_about_to_open() -> None:
    book = deaf()
    book.on(Commanded("unmute", 1))
    effects = book.on(SwitchMoved(muted=True))
    assert told(effects)
    assert effects[1:] == [CloseEar()], "it was muted all the while, and no chime says so again"
    book.on(EarOpened())
    assert book.state is State.DEAF
    book.on(EarClosed())
    assert book.machine.snapshot.deaf


def test_at_the_start_the_switch_is_obeyed_before_the_ear_opens() -> None:
    book = Playbook()
    assert book.on(SwitchMoved(muted=True)) == [CloseEar()], "and no chime: it is as the owner left it"
    assert OpenEar() not in book.on(Started(), EarClosed(), EarClosed())
    assert (book.state, book.machine.snapshot.switched_off) == (State.DEAF, True)
    book = Playbook()
    assert OpenEar() in book.on(Started())
    assert CloseEar() in book.on(SwitchMoved(muted=True), EarOpened(), EarClosed())
    assert book.machine.snapshot.deaf


def test_a_switch_that_cannot_be_read_keeps_it_closed_and_says_why() -> None:
    book = deaf(SwitchMoved(muted=False, problem=UNREADABLE))
    assert book.machine.snapshot.problem == UNREADABLE.sentence
    assert book.on(Commanded("unmute", 1)) == [Answer(1, BY_SWITCH)]
    assert book.on(SwitchMoved(muted=False)) == [OpenEar()]
    assert book.machine.snapshot.problem == ""


def test_a_program_that_begins_anew_is_muted_by_hand_or_not_at_all() -> None:
    """The switch says so itself, before anything is opened."""
    book = deaf(SwitchMoved(muted=True))
    assert Replace(muted=False) in book.on(MouthFailed(GONE, hung=True))
    assert Replace(muted=True) in deaf().on(MouthFailed(GONE, hung=True))


# ── the volume ───────────────────────────────────────────────────────────────────────────────────


def test_a_press_is_a_step_and_holding_on_goes_on() -> None:
    book = Playbook().awake()
    book.on(VolumeChanged(50))
    assert book.machine.snapshot.volume == 50
    assert not book.machine.snapshot.volume_shown
    assert book.on(LOUDER) == [SetVolume(55)]
    assert book.on(VolumeChanged(55)) == [Chime("volume")]
    assert book.machine.snapshot.volume_shown
    book.on(Ticked(), after_ms=20)  # the contact is at rest
    assert book.wait_for_effects() == [SetVolume(60)]
    assert book.wait_for_effects() == [SetVolume(65)]
    book.on(LET_GO, VolumeChanged(65))
    while book.machine.snapshot.volume_shown:
        book.wait()
    assert book.state is State.ASLEEP


@pytest.mark.parametrize("situation", ["listening", "thinking", "speaking", "lingering"])
def test_in_a_conversation_a_change_of_volume_is_silent_and_moves_nothing(situation: str) -> None:
    book = getattr(Playbook(), situation)()
    state, due = book.state, book.machine._state_deadline
    assert book.on(VolumeChanged(50), LOUDER, VolumeChanged(55), LET_GO) == [SetVolume(55)]
    assert (book.state, book.machine._state_deadline) == (state, due)


def test_it_is_turned_while_muted_too() -> None:
    book = deaf()
    book.on(VolumeChanged(50))
    assert book.on(LOUDER, VolumeChanged(55)) == [SetVolume(55), Chime("volume")]


def test_who_sets_the_volume_from_afar_is_told_when_it_is_so() -> None:
    book = Playbook().awake()
    assert told(book.on(VolumeWanted(change=5, ask=1))), "nobody knows yet how loud it is"
    book.on(VolumeChanged(50))
    assert book.on(VolumeWanted(percent=130, ask=2)) == [SetVolume(100)]
    assert book.on(VolumeChanged(100)) == [Answer(2), Chime("volume")]
    book.on(VolumeWanted(change=-200, ask=3))
    asked_s = book.at
    assert told(book.wait_for_effects()), "the mixer says nothing"
    assert book.at == pytest.approx(asked_s + 3)


def test_somebody_elses_change_is_shown_and_not_heard() -> None:
    book = Playbook().awake()
    assert book.on(VolumeChanged(50), VolumeChanged(30)) == []
    assert book.machine.snapshot.volume_shown


# ── announcements ────────────────────────────────────────────────────────────────────────────────


def announced(book: Playbook, ask: int = 1) -> Playbook:
    """It can be heard."""
    number = book.machine._announcing._last + 1
    book.on(SayWanted("dinner", ask), SpeechMade(number, pcm(400)), Sounded(f"say-{number}"))
    assert book.machine._announces
    return book


def test_at_rest_a_text_is_said_and_then_it_sleeps() -> None:
    book = Playbook().awake()
    assert book.on(SayWanted("dinner", 1)) == [MakeSpeech(1, "dinner")]
    assert book.state is State.ASLEEP
    assert book.on(SpeechMade(1, pcm(200))) == [Play("say-1", pcm(200))]
    assert book.on(Sounded("say-1")) == []
    assert book.state is State.SPEAKING
    assert book.on(SpeechMade(1, pcm(100)), SpeechOver(1)) == [Play("say-1", pcm(100)), EndPlay("say-1")]
    assert book.on(Finished("say-1", 300)) == [Answer(1)]
    assert book.state is State.ASLEEP
    assert book.machine._history.turns() == ()


def test_in_a_conversation_it_waits_and_afterwards_the_follow_up_is_still_welcome() -> None:
    book = Playbook().thinking()
    assert book.on(SayWanted("dinner", 1)) == []
    book = Playbook().speaking()
    assert book.on(SayWanted("dinner", 1), ReplyEnded(1, "r1", "completed")) == [EndPlay("r1")]
    assert book.on(Finished("r1", 400))[-1] == MakeSpeech(1, "dinner")
    assert book.state is State.LINGERING
    assert book.on(SpeechMade(1, pcm(200)), Sounded("say-1")) == [Play("say-1", pcm(200)), RestEar()]
    assert book.state is State.SPEAKING
    effects = book.on(SpeechOver(1), Finished("say-1", 200))
    assert effects == [EndPlay("say-1"), StreamEar(after_s=pytest.approx(book.at + 0.25)), Answer(1)]
    assert book.state is State.LINGERING


def test_nobody_is_talked_over_who_has_begun_a_follow_up() -> None:
    book = Playbook().lingering()
    book.on(SayWanted("dinner", 1), SpeechMade(1, pcm(200)))
    assert book.on(CAPTURED, Endpointed("began"))[1:] == [DropSpeech(1), Hush("say-1")]
    book.on(SpeechStarted(1))
    assert book.state is State.LISTENING
    assert book.on(SpeechOver(1), Sounded("say-1"), Hushed("say-1", 0)) == []
    assert MakeSpeech(2, "dinner") in book.on(Commanded("stop"), SayWanted("dinner", 2)), "the first was stopped"


def test_one_that_a_turn_comes_before_is_said_after_it() -> None:
    book = Playbook().awake()
    book.on(SayWanted("dinner", 1))
    assert book.on(WOKE) == [SendAudio(1, WOKE.preroll), Chime("wake"), DropSpeech(1)]
    book.on(SpeechOver(1))
    assert answers(book.wants) == []
    while book.state is not State.ASLEEP:
        book.wait()
    assert book.wants[-1] == MakeSpeech(2, "dinner")


def test_the_wake_word_silences_it_and_begins_a_turn() -> None:
    book = announced(Playbook().awake())
    effects = book.on(WOKE)
    assert effects == [Hush("say-1"), SendAudio(1, WOKE.preroll), Chime("wake"), DropSpeech(1), Answer(1)]
    assert book.on(Hushed("say-1", 80), SpeechMade(1, pcm(40)), SpeechOver(1)) == []
    assert book.state is State.LISTENING


def test_the_talk_button_likewise() -> None:
    book = announced(Playbook().awake())
    assert book.on(TALK) == [Hush("say-1"), StreamEar(), Chime("wake"), DropSpeech(1), Answer(1)]
    assert book.state is State.LISTENING


def test_talk_silences_it_also_where_nobody_can_be_heard() -> None:
    book = Playbook().awake()
    book.on(EarClosed(GONE))
    while book.state is not State.ASLEEP:
        book.wait()
    announced(book)
    assert book.on(TALK) == [Hush("say-1"), Chime("sorry"), DropSpeech(1), Answer(1)]
    assert book.state is State.ASLEEP


def test_stop_silences_it_and_those_that_wait() -> None:
    book = announced(Playbook().awake())
    book.on(SpeechOver(1), SayWanted("supper", 2))
    effects = book.on(Commanded("stop", 3))
    assert [one for one in effects if not isinstance(one, Answer)] == [Hush("say-1")]
    assert {one.ask: bool(one.problem) for one in answers(effects)} == {2: True, 3: False, 1: False}
    assert book.state is State.ASLEEP
    assert book.machine._calls.open == 1, "it has nothing to do with the service"


def test_what_was_said_before_an_announcement_is_not_sent_after_it() -> None:
    """The ear rested long before it sounded: what was kept then does not join the wake word."""
    book = Playbook().lingering()
    book.on(*[Captured(pcm(80, 9), voiced_ms=0)] * 4)
    while book.state is not State.ASLEEP:
        book.wait()
    book.at += 60
    assert book.on(Ticked(), after_ms=0) == []
    announced(book)
    assert SendAudio(1, WOKE.preroll) in book.on(WOKE)


def test_a_wake_word_that_began_before_the_announcement_keeps_its_beginning() -> None:
    book = Playbook().lingering()
    book.on(SayWanted("dinner"), SpeechMade(1, pcm(400)), Captured(pcm(80, 9), voiced_ms=60), Sounded("say-1"))
    assert book.state is State.SPEAKING
    own = Playbook(own=True)
    own.awake().on(WOKE, Endpointed("began"), CAPTURED, Endpointed("ended"), ReplyStarted(1, "r1"))
    own.on(SayWanted("dinner"), ReplyEnded(1, "r1", "completed"))
    assert own.state is State.LINGERING
    own.on(SpeechMade(1, pcm(400)), Captured(pcm(80, 9), voiced_ms=60), Sounded("say-1"))
    assert SendAudio(1, pcm(80, 9) + WOKE.preroll) in own.on(WOKE)


def test_also_where_the_announcement_fails_in_the_middle_of_the_word() -> None:
    book = Playbook(own=True)
    book.awake().on(WOKE, Endpointed("began"), CAPTURED, Endpointed("ended"), ReplyStarted(1, "r1"))
    book.on(SayWanted("dinner"), ReplyEnded(1, "r1", "completed"))
    book.on(SpeechMade(1, pcm(400)), Captured(pcm(80, 9), voiced_ms=60), Sounded("say-1"))
    book.on(SpeechOver(1, LOST), Finished("say-1", 400))
    assert book.state is State.SORRY
    assert SendAudio(1, pcm(80, 9) + WOKE.preroll) in book.on(WOKE)


def test_talk_after_an_announcement_does_not_send_what_was_said_before_it() -> None:
    book = Playbook().lingering()
    book.on(*[Captured(pcm(80, 9), voiced_ms=0)] * 4)
    while book.state is not State.ASLEEP:
        book.wait()
    book.on(SayWanted("dinner"), after_ms=60_000)
    book.on(SpeechMade(1, pcm(400)), Sounded("say-1"), SpeechOver(1), Finished("say-1", 400))
    assert book.on(TALK) == [StreamEar(300), Chime("wake")]


def test_nobody_can_speak_over_it_as_nobody_has_begun_a_conversation() -> None:
    book = announced(Playbook(full=True).awake())
    assert book.on(CAPTURED, NearEnd("began"), NearEnd("sure"), CAPTURED) == []
    assert book.state is State.SPEAKING


def test_muted_it_speaks_and_shows_that_it_is_muted() -> None:
    book = announced(deaf())
    assert (book.state, book.machine.snapshot.deaf) == (State.DEAF, True)
    assert book.on(SpeechOver(1), Finished("say-1", 400)) == [EndPlay("say-1"), Answer(1)]
    assert book.state is State.DEAF


def test_unmuted_in_the_middle_it_goes_on() -> None:
    book = announced(deaf())
    book.on(*MUTE, EarOpened())
    assert book.state is State.SPEAKING
    assert Answer(1) in book.on(SpeechOver(1), Finished("say-1", 400))
    assert book.state is State.ASLEEP


def test_muted_in_the_middle_it_is_silent() -> None:
    book = announced(Playbook().awake())
    assert book.on(MUTE[0]) == [Hush("say-1"), CloseEar(), Chime("mute"), DropSpeech(1), Answer(1)]


def test_while_deaf_talk_and_stop_silence_it() -> None:
    for order in (TALK, Commanded("stop")):
        book = announced(deaf())
        assert book.on(order) == [Hush("say-1"), DropSpeech(1), Answer(1)]
        assert book.state is State.DEAF
        book.wait()


@pytest.mark.parametrize("over", [SpeechOver(1, LOST), SpeechOver(1)])
def test_one_that_gave_no_sound_is_admitted(over: SpeechOver) -> None:
    book = Playbook().awake()
    book.on(SayWanted("dinner", 1))
    effects = book.on(over)
    assert told(effects)
    assert Chime("sorry") in effects
    assert book.state is State.SORRY
    assert book.machine._calls.open == 1
    book = deaf()
    book.on(SayWanted("dinner", 1))
    assert Chime("sorry") in book.on(over)
    assert book.state is State.DEAF


def test_one_that_breaks_off_is_heard_as_far_as_it_came_and_admitted() -> None:
    book = announced(Playbook().awake())
    assert book.on(SpeechOver(1, LOST)) == [EndPlay("say-1")]
    assert book.on(Finished("say-1", 400)) == [Chime("sorry"), Answer(1, LOST.sentence)]
    assert book.state is State.SORRY


@pytest.mark.parametrize("muted", [False, True])
def test_one_that_stalls_is_dropped_and_admitted(muted: bool) -> None:
    book = announced(deaf() if muted else Playbook(warm=False).awake())
    assert book.wait_for_effects() == [DropSpeech(1), EndPlay("say-1")]
    assert Chime("sorry") in book.on(SpeechOver(1), Finished("say-1", 400))
    assert told(book.wants)


@pytest.mark.parametrize("pieces", [(), (SpeechMade(1, pcm(100)),)])
def test_its_first_sound_is_awaited_for_ten_seconds(pieces: tuple[Event, ...]) -> None:
    book = Playbook(warm=False).awake()
    book.on(SayWanted("dinner", 1))
    began_s = book.at
    book.on(*pieces)
    effects = book.wait_for_effects()
    assert book.at == pytest.approx(began_s + FIRST_SOUND_S)
    assert DropSpeech(1) in effects
    assert (Hush("say-1") in effects) == bool(pieces)
    assert told(effects)


@pytest.mark.parametrize("muted", [False, True])
def test_a_speaker_that_goes_and_comes_back_costs_nothing(muted: bool) -> None:
    book = announced(deaf() if muted else Playbook(warm=False).awake())
    book.on(SpeechMade(1, pcm(60_000)), SpeechOver(1))
    due_s = book.machine._state_deadline
    book.on(MouthFailed(GONE), MouthOpened(), after_ms=2000)
    assert answers(book.wants) == []
    assert due_s is not None
    assert book.machine._state_deadline == pytest.approx(due_s + 2), "it was silent for so long"
    assert book.on(Finished("say-1", 400)) == [Answer(1)]


@pytest.mark.parametrize("muted", [False, True])
def test_a_speaker_that_stays_away_is_admitted(muted: bool) -> None:
    book = announced(deaf() if muted else Playbook(warm=False).awake())
    book.on(SpeechOver(1), MouthFailed(GONE))
    assert told(book.wait_for_effects())


@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("audible", [False, True])
def test_where_the_sound_hangs_it_has_failed_and_the_program_begins_anew(audible: bool, muted: bool) -> None:
    book = deaf() if muted else Playbook().awake()
    book.on(SayWanted("dinner", 1))
    if audible:
        book.on(SpeechMade(1, pcm(100)), Sounded("say-1"))
    book.on(SayWanted("supper", 2))
    effects = book.on(MouthFailed(GONE, hung=True))
    assert sorted(one.ask for one in answers(effects)) == [1, 2]
    assert all(one.problem for one in answers(effects))
    assert isinstance(effects[-1], Replace)
    assert not any(isinstance(one, MakeSpeech) for one in effects), "nobody could hear the second"


def test_while_deaf_one_that_is_being_made_is_refused_when_the_program_begins_anew() -> None:
    book = deaf()
    book.on(SayWanted("dinner", 1))
    effects = book.on(EarClosed(hung=True))
    assert told(effects)
    assert effects[-1] == Replace(muted=True)


def test_a_call_that_is_lost_or_renewed_meanwhile_is_no_matter() -> None:
    book = announced(Playbook().awake())
    assert book.on(LinkClosed(1, LOST)) == []
    assert book.state is State.SPEAKING
    assert OpenLink(2, "cloud", ()) in book.wait(), "as at rest"
    assert book.on(LinkOpened(2), SpeechOver(1), Finished("say-1", 400))[-1] == Answer(1)
    assert book.state is State.ASLEEP


def test_a_reply_that_nobody_asked_for_does_not_join_it() -> None:
    book = announced(Playbook().awake())
    assert book.on(ReplyStarted(1, "r1")) == [CancelReply(1, "r1", 0.0)]


def test_where_nothing_can_speak_and_where_too_many_wait_that_is_said() -> None:
    assert told(Playbook(announces=False).awake().on(SayWanted("dinner", 1)))
    book = Playbook().listening()
    assert book.on(*[SayWanted("dinner", ask) for ask in range(MOST_WAITING)]) == []
    assert told(book.on(SayWanted("dinner", 99)))


# ── every ask is answered once ───────────────────────────────────────────────────────────────────

HAPPENINGS: dict[str, tuple[Event, ...]] = {
    "the switch closes": (SwitchMoved(muted=True),),
    "the switch opens": (SwitchMoved(muted=False),),
    "mute is pressed": MUTE,
    "talk is pressed": (TALK, ButtonMoved("talk", down=False)),
    "a wake word": (WOKE,),
    "it has closed": (EarClosed(),),
    "it has opened": (EarOpened(),),
    "the microphone fails": (EarClosed(GONE),),
    "the speaker fails": (MouthFailed(GONE),),
    "the sound hangs": (MouthFailed(GONE, hung=True),),
    "so loud": (VolumeChanged(40),),
}
ORDERS = ("stop", "listen", "mute", "unmute", "say", "volume")
SPEECH = ("made", "sounded", "over", "broken", "finished")


def order(what: str, ask: int) -> Event:
    if what == "say":
        return SayWanted("dinner", ask)
    return VolumeWanted(change=5, ask=ask) if what == "volume" else Commanded(what, ask)  # type: ignore[arg-type]


def of_speech(what: str, say: int) -> Event:
    events: dict[str, Event] = {
        "made": SpeechMade(say, pcm(100)),
        "sounded": Sounded(f"say-{say}"),
        "over": SpeechOver(say),
        "broken": SpeechOver(say, LOST),
        "finished": Finished(f"say-{say}", 100),
    }
    return events[what]


@given(st.lists(st.sampled_from([*HAPPENINGS, *ORDERS * 3, *SPEECH * 3, "time"]), max_size=60))
def test_every_ask_is_answered_once_whatever_happens(happenings: list[str]) -> None:
    book, asked, heard = Playbook(announces=True).awake(), 0, []
    for what in happenings:
        if what in ORDERS:
            asked += 1
            heard += answers(book.on(order(what, asked)))
        elif what in SPEECH:
            heard += answers(book.on(of_speech(what, book.machine._announcing._last)))
        elif what == "time" and book.machine.deadline is not None:
            heard += answers(book.wait())
        elif what != "time":
            heard += answers(book.on(*HAPPENINGS[what]))
    for _ in range(300):
        if len(heard) == asked or book.machine.deadline is None:
            break
        heard += answers(book.wait())
    assert sorted(one.ask for one in heard) == list(range(1, asked + 1))
