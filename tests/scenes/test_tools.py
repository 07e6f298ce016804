"""Turns in which the model calls tools, and timers that ring, as whole stories."""

import pytest

from antiphon.conversation.effects import (
    Answer,
    CancelReply,
    Chime,
    CloseLink,
    CommitTurn,
    DropTool,
    EndPlay,
    GiveToolOutputs,
    Hush,
    OpenLink,
    Play,
    RunTool,
    SendAudio,
    StreamEar,
    ToolOutput,
)
from antiphon.conversation.events import (
    ButtonMoved,
    Commanded,
    EarClosed,
    Endpointed,
    Event,
    Finished,
    Hushed,
    LinkClosed,
    LinkOpened,
    NearEnd,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    Sounded,
    SpeechStarted,
    SpeechStopped,
    SwitchMoved,
    Ticked,
    TimerDue,
    ToolAnswered,
    ToolCalled,
    ToolsChanged,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.conversation.states import State
from antiphon.conversation.tool_turn import CANCELLED, INTERRUPTED, MOST_ROUNDS
from antiphon.errors import Problem
from conversation.playbook import CAPTURED, DECAY_MS, WOKE, Playbook, pcm

LOST = Problem("lost", "The network is gone")
RING = Chime("timer")


def called(tool_call: str = "t1", reply: str = "r1", call: int = 1) -> ToolCalled:
    return ToolCalled(call, reply, tool_call, "set_timer", '{"seconds":300}')


def gives(output: str, *, tool_call: str = "t1", respond: bool = True, call: int = 1) -> GiveToolOutputs:
    return GiveToolOutputs(call, (ToolOutput(tool_call, output),), respond)


RUNS = RunTool(1, "set_timer", '{"seconds":300}')
CALLED = [ReplyStarted(1, "r1"), called()]
SILENT = [*CALLED, ReplyEnded(1, "r1", "completed")]
"""A reply that only calls a tool."""
SPOKEN = [ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(400)), Sounded("r1"), called()]
"""One that speaks as well."""


def answered(book: Playbook, reply: str = "r2", call: int = 1) -> None:
    """The service answers what came of the tool, and is heard."""
    pieces = [ReplyStarted(call, reply), ReplyAudio(call, reply, pcm(400)), Sounded(reply)]
    assert book.on(*pieces)[0] == Play(reply, pcm(400))
    assert book.state is State.SPEAKING
    book.on(ReplyEnded(call, reply, "completed"), Finished(reply, 400))
    assert book.state is State.LINGERING


# ── a turn ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("full", [False, True])
def test_a_tool_is_run_at_once_and_its_answer_spoken(full: bool) -> None:
    book = Playbook(full=full).thinking()
    assert book.on(*CALLED) == [RUNS]
    assert book.on(ReplyEnded(1, "r1", "completed")) == []
    assert book.state is State.THINKING
    assert book.on(ToolAnswered(1, "set")) == [gives("set")]
    answered(book)


@pytest.mark.parametrize("full", [False, True])
def test_speech_beside_a_call_is_heard_to_its_end_first(full: bool) -> None:
    book = Playbook(full=full).thinking()
    assert RUNS in book.on(*SPOKEN)
    assert book.on(ToolAnswered(1, "set")) == []
    assert book.on(ReplyEnded(1, "r1", "completed")) == [EndPlay("r1")]
    wants = book.on(Finished("r1", 400))
    assert wants[-1] == gives("set")
    assert book.state is State.THINKING
    if not full:
        assert wants[0] == StreamEar(0.0, book.at + DECAY_MS / 1000), "not over our own tail"
    answered(book)


def test_a_tool_may_be_slower_than_an_answer() -> None:
    book = Playbook(lan=1).thinking()
    book.on(*SILENT)
    assert book.machine.deadline is not None
    assert book.machine.deadline - book.at > 10.0
    book.on(ToolAnswered(1, "set"), after_ms=9_900)
    answered(book)


def test_one_that_does_not_answer_is_not_waited_for() -> None:
    book = Playbook().thinking()
    book.on(*SILENT)
    wants = book.wait_for_effects()
    assert wants[0] == DropTool(1)
    assert isinstance(wants[1], GiveToolOutputs)
    assert "in time" in wants[1].outputs[0].output
    assert book.on(ToolAnswered(1, "too late")) == []
    answered(book)


def test_all_tools_of_a_reply_have_answered_before_one_answer_is_asked_for() -> None:
    book = Playbook().thinking()
    book.on(*CALLED, called("t2"), called("t2"), ReplyEnded(1, "r1", "completed"))
    assert [one for one in book.wants if isinstance(one, RunTool)] == [RUNS, RunTool(2, RUNS.name, RUNS.arguments)]
    assert book.on(ToolAnswered(2, "two")) == []
    outputs = (ToolOutput("t1", "one"), ToolOutput("t2", "two"))
    assert book.on(ToolAnswered(1, "one")) == [GiveToolOutputs(1, outputs, respond=True)]


@pytest.mark.parametrize("how", ["it answers", "it is late", "the wake word"])
def test_a_call_that_is_told_again_after_its_reply_is_answered_once(how: str) -> None:
    book = Playbook().thinking()
    book.on(*SILENT)
    assert book.on(called()) == []
    match how:
        case "it answers":
            wants = book.on(ToolAnswered(1, "set"))
        case "it is late":
            wants = book.wait_for_effects()
        case _:
            wants = book.on(WOKE)
    assert [one.tool_call for told in wants if isinstance(told, GiveToolOutputs) for one in told.outputs] == ["t1"]
    assert book.on(called()) == []


def test_the_answer_may_call_again_and_not_for_ever() -> None:
    book = Playbook(max_turn_ms=60_000).thinking()
    rounds = 0
    for number in range(1, MOST_ROUNDS + 5):
        wants = book.on(ReplyStarted(1, f"r{number}"), called(f"t{number}", f"r{number}"))
        rounds += sum(isinstance(one, RunTool) for one in wants)
        wants = book.on(ReplyEnded(1, f"r{number}", "completed"), ToolAnswered(number, "more"))
        if Chime("sorry") in wants:
            break
        assert isinstance(wants[-1], GiveToolOutputs)
    assert (rounds, number) == (MOST_ROUNDS, MOST_ROUNDS + 2)
    assert "without an end" in book.machine.snapshot.problem


def test_where_we_find_the_turns_it_is_the_same() -> None:
    book = Playbook(own=True).listening()
    assert CommitTurn(1) in book.on(Endpointed("began"), *[CAPTURED] * 9, Endpointed("ended"))
    book.on(*SPOKEN, ReplyEnded(1, "r1", "completed"), Finished("r1", 400))
    assert book.state is State.THINKING
    assert book.on(ToolAnswered(1, "set")) == [gives("set")]
    answered(book)


def test_what_was_said_is_remembered() -> None:
    book = Playbook().thinking()
    book.on(UserSaid(1, "i", "Wake me at six"), ReplyStarted(1, "r1"), ReplyText(1, "r1", "One moment."), called())
    book.on(
        ReplyEnded(1, "r1", "completed"), ToolAnswered(1, "set"), ReplyStarted(1, "r2"), ReplyText(1, "r2", "Done.")
    )
    book.on(LinkClosed(1, LOST))
    assert book.machine._history.turns() == (Turn("user", "Wake me at six"), Turn("assistant", "One moment."))


def test_noise_while_a_tool_runs_is_not_its_answer() -> None:
    book = Playbook().thinking()
    book.on(*SILENT)
    assert book.on(ReplyStarted(1, "noise")) == [CancelReply(1, "noise", 0.0)]
    assert book.on(NothingRecognised(1)) == []
    book.on(ToolAnswered(1, "set"))
    assert book.on(SpeechStopped(1), ReplyStarted(1, "noise again")) == [CancelReply(1, "noise again", 0.0)]
    assert book.on(NothingRecognised(1)) == []
    answered(book)


# ── interrupted ──────────────────────────────────────────────────────────────────────────────────

STOP = Commanded("stop")
INTERRUPTIONS: dict[str, list[Event]] = {
    "the wake word": [WOKE],
    "the talk button": [ButtonMoved("talk", down=True)],
    "an order": [STOP],
    "the mute button": [ButtonMoved("mute", down=True)],
    "the switch": [SwitchMoved(muted=True)],
    "the user goes on": [CAPTURED, CAPTURED, SpeechStarted(1)],
}


@pytest.mark.parametrize("how", INTERRUPTIONS)
def test_who_interrupts_waits_for_no_tool(how: str) -> None:
    book = Playbook().thinking()
    book.on(*SILENT)
    wants = book.on(*INTERRUPTIONS[how])
    assert wants.index(DropTool(1)) < wants.index(gives(INTERRUPTED, respond=False))
    hung_up = CloseLink(1) in wants
    assert hung_up == (how in ("an order", "the mute button", "the switch"))
    assert not hung_up or wants.index(CloseLink(1)) > wants.index(gives(INTERRUPTED, respond=False))
    assert book.on(ToolAnswered(1, "set")) == []


@pytest.mark.parametrize("how", ["the wake word", "the talk button", "an order"])
def test_who_interrupts_the_speech_beside_a_call_is_obeyed(how: str) -> None:
    book = Playbook().thinking()
    book.on(*SPOKEN, ToolAnswered(1, "set"))
    wants = book.on(*INTERRUPTIONS[how])
    assert wants.index(Hush("r1")) < wants.index(gives("set", respond=False)), "silence first"
    assert book.on(Hushed("r1", 100)) == ([] if CloseLink(1) in wants else [CancelReply(1, "r1", 100)])


def test_the_turn_after_an_interrupted_tool_is_answered() -> None:
    book = Playbook().thinking()
    book.on(*SILENT, WOKE, SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
    assert book.state is State.THINKING
    answered(book)


def test_the_answer_to_a_tool_is_refused_when_the_user_has_gone_on() -> None:
    book = Playbook().thinking()
    book.on(*SILENT, ToolAnswered(1, "set"), WOKE, SpeechStarted(1), *[CAPTURED] * 4)
    assert book.on(ReplyStarted(1, "r2")) == [CancelReply(1, "r2", 0.0)]
    book.on(SpeechStopped(1))
    answered(book, "r3")


def test_whoever_goes_on_after_our_words_says_something_new() -> None:
    book = Playbook(lan=1).thinking()
    book.on(*SPOKEN, ReplyEnded(1, "r1", "completed"), Finished("r1", 400))
    assert book.on(*INTERRUPTIONS["the user goes on"])[-1] == gives(INTERRUPTED, respond=False)
    assert book.state is State.LISTENING
    wants = book.on(LinkClosed(1, LOST), LinkOpened(3))
    assert OpenLink(3, "lan-1", ()) in wants, "and may be asked elsewhere"
    assert SendAudio(3, CAPTURED.pcm * 2) in wants, "without what the tool was asked for"


def test_a_voice_over_the_speech_beside_a_call_interrupts_both() -> None:
    book = Playbook(full=True).thinking()
    book.on(*SPOKEN, CAPTURED, CAPTURED)
    wants = book.on(NearEnd("sure"))
    assert wants[:2] == [Hush("r1"), DropTool(1)]
    assert gives(INTERRUPTED, respond=False) in wants
    assert book.state is State.LISTENING


def test_who_speaks_as_the_speech_ends_is_heard() -> None:
    book = Playbook(full=True).thinking()
    book.on(*SPOKEN, ReplyEnded(1, "r1", "completed"), CAPTURED, SpeechStarted(1))
    assert book.state is State.DOUBTING
    assert gives(INTERRUPTED, respond=False) in book.on(Finished("r1", 400))
    assert book.state is State.LISTENING


def test_a_cough_as_the_speech_ends_costs_nothing() -> None:
    book = Playbook(full=True).thinking()
    book.on(*SPOKEN, ReplyEnded(1, "r1", "completed"), CAPTURED, NearEnd("began"))
    assert book.state is State.DOUBTING
    book.on(Finished("r1", 400))
    assert book.state is State.THINKING
    assert book.on(ToolAnswered(1, "set")) == [gives("set")]


def test_a_call_of_a_reply_that_nobody_wants_is_not_run() -> None:
    book = Playbook().awake()
    assert book.on(ReplyStarted(1, "r1"), called()) == [CancelReply(1, "r1", 0.0), gives(CANCELLED, respond=False)]
    assert book.on(called(), called(call=7)) == []


# ── lost ─────────────────────────────────────────────────────────────────────────────────────────


def lost_while_it_runs(book: Playbook) -> None:
    book.on(*SILENT)


def lost_while_its_answer_is_awaited(book: Playbook) -> None:
    book.on(*SILENT, ToolAnswered(1, "set"))


def lost_in_the_answer(book: Playbook) -> None:
    book.on(*SILENT, ToolAnswered(1, "set"), ReplyStarted(1, "r2"))


@pytest.mark.parametrize("when", [lost_while_it_runs, lost_while_its_answer_is_awaited, lost_in_the_answer])
def test_speech_that_has_run_a_tool_goes_nowhere_else(when) -> None:
    book = Playbook(lan=1).thinking()
    when(book)
    wants = book.on(LinkClosed(1, LOST))
    assert Chime("sorry") in wants
    assert not [one for one in wants if isinstance(one, OpenLink | SendAudio)]
    assert "A tool was run" in book.machine.snapshot.problem
    assert book.state is State.SORRY


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_reply_that_fails_after_its_call_is_admitted(status) -> None:
    book = Playbook(lan=1).thinking()
    wants = book.on(*CALLED, ReplyEnded(1, "r1", status, LOST))
    assert wants[:3] == [RUNS, DropTool(1), gives(INTERRUPTED, respond=False)]
    assert not [one for one in wants if isinstance(one, OpenLink)]
    assert Chime("sorry") in wants
    assert book.state is State.SORRY


def test_a_silent_service_after_a_tool_is_waited_for_and_admitted() -> None:
    book = Playbook(lan=1).thinking()
    book.on(*SILENT, ToolAnswered(1, "set"))
    assert Chime("sorry") in book.wait_for_effects()
    assert book.state is State.SORRY


def test_a_call_that_is_lost_under_the_speech_beside_it_is_admitted_after_that() -> None:
    book = Playbook().thinking()
    book.on(*SPOKEN, ReplyEnded(1, "r1", "completed"), LinkClosed(1, LOST), ToolAnswered(1, "set"))
    assert book.state is State.SPEAKING
    assert Chime("sorry") in book.on(Finished("r1", 400))
    assert "A tool was run" in book.machine.snapshot.problem


def test_the_next_turn_may_be_asked_elsewhere_again() -> None:
    book = Playbook(lan=1).thinking()
    book.on(*SILENT, ToolAnswered(1, "set"))
    answered(book)
    book.on(SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
    assert OpenLink(3, "lan-1", ()) in book.on(LinkClosed(1, LOST))


def test_other_tools_are_told_to_the_next_call() -> None:
    book = Playbook().awake()
    book.on(ToolsChanged())
    assert book.wait() == [OpenLink(2, "cloud", ())]
    assert CloseLink(1) in book.on(LinkOpened(2))
    book.on(WOKE, ToolsChanged())
    assert book.state is State.LISTENING, "a turn keeps its call"
    assert book.on(Ticked()) == []


# ── timers ───────────────────────────────────────────────────────────────────────────────────────

DUE = TimerDue(1, "tea")


def ring(book: Playbook, times: int) -> None:
    for _ in range(times):
        assert book.wait_for_effects() == [RING]


def test_a_timer_rings_until_the_talk_button_which_does_nothing_else() -> None:
    book = Playbook().awake()
    assert book.on(DUE) == [RING]
    assert book.machine.snapshot.ringing == "tea"
    ring(book, 5)
    assert book.on(ButtonMoved("talk", down=True), ButtonMoved("talk", down=False), after_ms=100) == []
    assert (book.state, book.machine.snapshot.ringing) == (State.ASLEEP, "")
    assert Chime("wake") in book.on(ButtonMoved("talk", down=True), after_ms=1000), "and the next press talks"


def test_it_rings_for_a_minute_and_no_longer() -> None:
    book = Playbook(warm=False).awake()
    book.on(DUE)
    ring(book, 29)
    while book.machine.deadline is not None:
        assert book.wait() == []
    assert book.machine.snapshot.ringing == ""


@pytest.mark.parametrize("heard", [[WOKE], [Commanded("listen")]])
def test_who_wakes_it_has_heard_the_ring_and_is_listened_to(heard: list[Event]) -> None:
    book = Playbook().awake()
    book.on(DUE, *heard)
    assert (book.state, book.machine.snapshot.ringing) == (State.LISTENING, "")


@pytest.mark.parametrize(
    "heard",
    [
        [STOP],
        [ButtonMoved("talk", down=True), ButtonMoved("talk", down=False), ButtonMoved("talk", down=True)],
    ],
)
def test_who_stops_it_is_not_listened_to(heard: list[Event]) -> None:
    book = Playbook().awake()
    book.on(DUE)
    book.on(*heard, after_ms=100)
    assert (book.state, book.machine.snapshot.ringing) == (State.ASLEEP, "")


def test_in_a_conversation_it_rings_once_and_goes_on_afterwards() -> None:
    book = Playbook(follow_up_ms=0).speaking()
    assert book.on(DUE) == [RING]
    assert book.on(ButtonMoved("talk", down=True))[0] == Hush("r1"), "the button is no answer to what does not ring"
    assert book.machine.snapshot.ringing == "tea"
    book.on(Hushed("r1", 100), STOP)
    assert book.machine.snapshot.ringing == ""
    book = Playbook(follow_up_ms=0).speaking()
    book.on(DUE, ReplyEnded(1, "r1", "completed"))
    assert book.on(Finished("r1", 400)) == []
    assert book.state is State.ASLEEP
    ring(book, 29)


def test_a_muted_device_rings_too() -> None:
    book = Playbook(muted=True)
    assert book.on(EarClosed(), DUE) == [RING]
    ring(book, 3)
    assert book.on(ButtonMoved("talk", down=True)) == []
    assert (book.state, book.machine.snapshot.ringing) == (State.DEAF, "")
    book.on(DUE, ButtonMoved("mute", down=True), after_ms=1000)
    assert book.machine.snapshot.ringing == "tea", "the mute button mutes, and unmutes"


def test_a_tool_may_mute_the_device_and_is_not_waited_for() -> None:
    book = Playbook().thinking()
    book.on(*SILENT)
    wants = book.on(Commanded("mute", 7))
    assert DropTool(1) in wants
    assert book.state is State.DEAF
    assert Answer(7) in book.on(EarClosed(), ToolAnswered(1, "given up", failed=True))


def test_a_timer_that_runs_out_while_a_tool_runs_disturbs_nobody() -> None:
    book = Playbook().thinking()
    book.on(*SILENT)
    assert book.on(DUE, ToolAnswered(1, "set")) == [RING, gives("set")]
    answered(book)
    assert book.machine.snapshot.ringing == "tea"
