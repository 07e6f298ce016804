"""Scenes of bad luck: things that happen at the worst moment, each once a fault of the machine."""

from antiphon.conversation.effects import CancelReply, CloseEar, CloseLink, EndPlay, OpenLink, Play, SendAudio
from antiphon.conversation.events import (
    ButtonMoved,
    EarClosed,
    Endpointed,
    Finished,
    Hushed,
    LinkClosed,
    LinkOpened,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    Sounded,
    SpeechStarted,
    SpeechStopped,
    Ticked,
    UserSaid,
    Woke,
)
from antiphon.conversation.states import State
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, SILENCE, WOKE, Playbook, pcm

LOST = Problem("lost", "The network is gone")
TALK = ButtonMoved("talk", down=True)
MUTE = ButtonMoved("mute", down=True)
UNMUTE = ButtonMoved("mute", down=False)


def sent(effects: list[object]) -> bytes:
    return b"".join(effect.pcm for effect in effects if isinstance(effect, SendAudio))


def test_the_wake_word_again_within_a_turn_loses_no_sample() -> None:
    """hearing.py hands the block in which a word is detected over in Woke.preroll ONLY; the machine drops it."""
    again = Woke("hey_jarvis", 0.8, pcm(80, 9), detected_at=0.0)
    book = Playbook().listening()
    assert sent(book.on(CAPTURED, again, CAPTURED)) == CAPTURED.pcm + again.preroll + CAPTURED.pcm


def test_the_wake_word_again_while_opening_loses_no_sample() -> None:
    again = Woke("hey_jarvis", 0.8, pcm(80, 9), detected_at=0.0)
    book = Playbook(warm=False).awake()
    book.on(WOKE, CAPTURED, again, CAPTURED)
    assert sent(book.on(LinkOpened(1))) == WOKE.preroll + CAPTURED.pcm + again.preroll + CAPTURED.pcm


def test_the_answer_to_an_abandoned_question_is_not_heard() -> None:
    """Wake word while THINKING, before ReplyStarted: the old answer is taken for the answer to the new question."""
    book = Playbook().thinking()
    book.on(WOKE)
    assert CancelReply(1, "r1", 0.0) in book.on(ReplyStarted(1, "r1"))
    assert book.state is State.LISTENING


def test_nor_is_it_heard_after_the_new_question() -> None:
    book = Playbook().thinking()
    book.on(WOKE, SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
    book.on(ReplyStarted(1, "r1"), ReplyStarted(1, "r2"))
    assert CancelReply(1, "r2", 0.0) not in book.wants, "r2 is the answer; r1 belongs to the abandoned question"
    assert book.on(ReplyAudio(1, "r1", pcm(40)), ReplyAudio(1, "r2", pcm(40))) == [Play("r2", pcm(40))]


def test_the_user_goes_on_and_the_first_answer_comes_late() -> None:
    book = Playbook().thinking()
    book.on(*[CAPTURED] * 4, SpeechStarted(1), CAPTURED, SpeechStopped(1))
    book.on(ReplyStarted(1, "r1"), ReplyStarted(1, "r2"))
    assert book.on(ReplyAudio(1, "r1", pcm(40)), ReplyAudio(1, "r2", pcm(40))) == [Play("r2", pcm(40))]


def test_the_first_answer_ends_before_the_second_begins() -> None:
    """dialogue.py ends the old reply as "cancelled" before it begins the new one: today that is SORRY and a hang-up."""
    book = Playbook().thinking()
    book.on(*[CAPTURED] * 4, SpeechStarted(1), CAPTURED, SpeechStopped(1))
    book.on(ReplyStarted(1, "r1"), ReplyEnded(1, "r1", "cancelled"), ReplyStarted(1, "r2"))
    assert book.state is State.THINKING
    assert book.on(ReplyAudio(1, "r2", pcm(40))) == [Play("r2", pcm(40))]


def test_a_reply_announced_twice_is_not_cancelled() -> None:
    book = Playbook().thinking()
    assert book.on(ReplyStarted(1, "r1"), ReplyStarted(1, "r1")) == []


def test_a_follow_up_on_demand_call_is_hung_up_by_mute() -> None:
    """Muted in LINGERING, an on-demand call stays open: DEAF, then ASLEEP, renewed every 25 minutes for ever."""
    book = Playbook(warm=False).lingering()
    assert CloseLink(1) in book.on(MUTE)


def test_a_stalled_reply_gives_the_mouth_time_to_end() -> None:
    book = Playbook().speaking()
    assert book.wait() == [CancelReply(1, "r1", 400.0), EndPlay("r1")]
    assert book.machine.deadline > book.at, "else the next tick blames the speaker, before Finished can come"


def test_mute_unmute_mute_in_a_hurry_ends_muted() -> None:
    """Gestures reports the second press within 350 ms as "double", which the machine ignores for mute."""
    book = Playbook().awake()
    book.on(MUTE, UNMUTE, EarClosed(), after_ms=60)
    book.on(MUTE, after_ms=2000)
    book.on(UNMUTE, MUTE, after_ms=60)
    assert CloseEar() in book.wants, "the owner pressed mute again: it must not stay open"


def test_a_failed_first_turn_is_not_forgotten_at_once() -> None:
    """_last_turn_s is set by replies only: after a turn without one, the memory is cleared as soon as it sleeps."""
    book = Playbook()
    book.at = 10_000.0
    book.thinking().on(UserSaid(1, "i1", "How far is the moon?"))
    while book.state is not State.ASLEEP:
        book.wait()
    book.on(Ticked())
    assert "forgotten" not in book.noted()


def test_speech_that_only_the_service_hears_is_not_cut_at_its_first_sample() -> None:
    """silent_ms counts from the turn's start: after 3 s of waiting, "speech started" is followed by 3 s of padding."""
    book = Playbook().awake()
    book.on(TALK, *[SILENCE] * 40, SpeechStarted(1))
    assert book.on(SILENCE) == [SendAudio(1, SILENCE.pcm)]
    assert book.state is State.LISTENING


def test_own_talk_while_lingering_keeps_what_was_said_while_pressing() -> None:
    """In LINGERING with own endpointing nothing is sent, and talk throws the kept speech away."""
    book = Playbook(own=True).awake()
    book.on(WOKE, CAPTURED, Endpointed("began"), CAPTURED, Endpointed("ended"))
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(40)), Sounded("r1"), ReplyEnded(1, "r1", "completed"))
    book.on(Finished("r1", 40), *[CAPTURED] * 5)
    assert book.state is State.LINGERING
    assert len(sent(book.on(TALK))) >= len(pcm(300))


def test_own_nothing_said_leaves_nothing_in_the_services_buffer() -> None:
    """A false wake: preroll and 6 s of the room stay uncommitted at the service, and join the next question."""
    book = Playbook(own=True).awake()
    book.on(WOKE, *[SILENCE] * 20)
    assert CloseLink(1) in book.wait()


def test_the_services_reason_for_a_failed_reply_is_told() -> None:
    why = Problem("refused", "The account has no credit left. Top it up")
    book = Playbook().speaking()
    book.on(ReplyEnded(1, "r1", "failed", why), Finished("r1", 400))
    assert book.machine.snapshot.problem == why.sentence


def test_items_of_two_calls_with_one_name_are_two_turns() -> None:
    """events.py does not promise that item ids are unique across calls; History keys by item alone."""
    book = Playbook().thinking()
    book.on(UserSaid(1, "item_1", "How far is the moon?"), ReplyStarted(1, "r1"), ReplyEnded(1, "r1", "completed"))
    book.on(LinkClosed(1, LOST), WOKE, LinkOpened(2), UserSaid(2, "item_1", "And the sun?"))
    assert [turn.text for turn in book.machine._history.turns()] == ["How far is the moon?", "And the sun?"]


def test_a_call_that_gets_the_same_speech_is_not_told_of_it_as_well() -> None:
    book = Playbook().thinking()
    book.on(UserSaid(1, "i1", "How far is the moon?"), ReplyStarted(1, "r1"), ReplyText(1, "r1", "It is"))
    assert book.on(LinkClosed(1, LOST)) == [OpenLink(2, "cloud", ())]


def test_no_empty_audio_is_sent() -> None:
    book = Playbook().awake()
    assert SendAudio(1, b"") not in book.on(Woke("w", 0.9, b"", detected_at=0.0))


def test_what_was_cut_off_is_cut_though_the_call_dies_before_the_mouth_tells() -> None:
    book = Playbook().thinking()
    book.on(ReplyStarted(1, "r1"), ReplyText(1, "r1", "It is very far away"))
    book.on(ReplyAudio(1, "r1", pcm(1000)), Sounded("r1"), TALK, LinkClosed(1, LOST), Hushed("r1", 0.0))
    assert book.machine._history.turns() == ()


def test_a_speaker_who_is_not_heard_by_the_service_is_told() -> None:
    """12 s of voice and no word from the service: it goes to sleep without a sound, as if nothing was said."""
    book = Playbook().listening()
    for _ in range(400):
        if book.state is State.ASLEEP:
            break
        book.on(CAPTURED, after_ms=80)
        if book.machine.deadline <= book.at:
            book.wait()
    assert State.SORRY.value in book.noted()


def test_a_wake_word_that_begins_before_sleep_is_whole_for_the_next_call() -> None:
    """The follow-up window closes in the middle of "Hey Jarvis"; its call is hung up, and the next has it all."""
    book = Playbook(warm=False).lingering()
    book.on(CAPTURED, CAPTURED)
    book.wait()
    assert book.state is State.ASLEEP
    book.on(LinkClosed(1), Woke("hey_jarvis", 0.9, pcm(300, 9), detected_at=0.0), after_ms=150)
    assert sent(book.on(LinkOpened(2))) == CAPTURED.pcm * 2 + pcm(300, 9)


def test_what_was_captured_long_before_does_not_join_a_later_wake_word() -> None:
    book = Playbook(warm=False).lingering()
    book.on(CAPTURED, CAPTURED)
    book.wait()
    book.on(LinkClosed(1), Woke("hey_jarvis", 0.9, pcm(2000, 9), detected_at=0.0), after_ms=3000)
    assert sent(book.on(LinkOpened(2))) == pcm(2000, 9)


def test_what_was_answered_is_not_said_again_with_the_next_wake_word() -> None:
    """Without a follow-up it sleeps as the reply ends; the wake word of the next turn comes at once."""
    book = Playbook(follow_up_ms=0).speaking()
    book.on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400))
    assert book.state is State.ASLEEP
    assert sent(book.on(Woke("hey_jarvis", 0.9, pcm(800, 9), detected_at=0.0))) == pcm(800, 9)


def test_a_television_is_not_listened_to_for_ever() -> None:
    """One wake word, and speech that never ends: the turn has its time, and then it sleeps, whatever is said."""
    book = Playbook(max_turn_ms=10_000).listening()
    wants: list[object] = []
    for n in range(2000):
        wants += book.on(CAPTURED, SpeechStarted(1), CAPTURED, SpeechStopped(1), after_ms=80)
        if book.state is State.THINKING:
            wants += book.on(ReplyStarted(1, f"r{n}"), CAPTURED, SpeechStarted(1), CAPTURED, SpeechStopped(1))
            wants += book.on(ReplyAudio(1, f"r{n}", pcm(40)), Sounded(f"r{n}"), ReplyEnded(1, f"r{n}", "completed"))
            wants += book.on(Finished(f"r{n}", 40))
    assert book.state is State.ASLEEP
    assert len({effect.reply for effect in wants if isinstance(effect, Play)}) <= 13
    assert len(sent(wants)) <= 13 * len(pcm(10_000 + 3000))


def test_a_turn_that_was_too_long_is_not_reopened() -> None:
    book = Playbook(max_turn_ms=5000).listening()
    book.on(SpeechStarted(1), *[CAPTURED] * 40)
    assert book.state is State.THINKING
    assert book.on(CAPTURED, SpeechStarted(1), CAPTURED) == [], "nothing more is sent, and nothing cancelled"
    book.on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(40)), Sounded("r1"), ReplyEnded(1, "r1", "completed"))
    book.on(Finished("r1", 40))
    assert book.state is State.ASLEEP, "no follow-up after that"


def test_a_follow_up_that_has_begun_survives_its_call() -> None:
    book = Playbook().lingering()
    book.on(*[CAPTURED] * 6)
    book.on(LinkClosed(1, LOST))
    assert book.state is State.OPENING
    assert sent(book.on(LinkOpened(2))) == CAPTURED.pcm * 6


def test_a_renewal_that_fails_is_told() -> None:
    book = Playbook().awake()
    book.wait()
    book.on(LinkClosed(2, Problem("refused", "The key is no longer valid")))
    assert "spare-call-closed" in book.noted()
    assert book.machine.snapshot.link == "open", "the old call still serves"
