"""The tools of a turn: each call run once, and told once, when that is due."""

import pytest

from antiphon.conversation.effects import DropTool, Effect, GiveToolOutputs, RunTool, ToolOutput
from antiphon.conversation.events import ToolCalled
from antiphon.conversation.tool_turn import CANCELLED, GRACE_MS, INTERRUPTED, MOST_CALLS, MOST_ROUNDS, ToolTurn


def called(tool_call: str, reply: str = "r1", call: int = 1) -> ToolCalled:
    return ToolCalled(call, reply, tool_call, "get_time", '{"in":"words"}')


def given(effects: list[Effect]) -> dict[str, str]:
    (given,) = effects
    assert isinstance(given, GiveToolOutputs)
    assert given.respond
    return {one.tool_call: one.output for one in given.outputs}


@pytest.fixture
def tools() -> ToolTurn:
    return ToolTurn(1000.0)


def test_a_call_is_run_at_once_and_told_when_the_reply_is_over(tools: ToolTurn) -> None:
    assert tools.called(called("a")) == [RunTool(1, "get_time", '{"in":"words"}')]
    assert (tools.stage, tools.ran, tools.running, tools.limit_ms) == ("called", True, True, 1000.0 + GRACE_MS)
    assert tools.of(1, "r1")
    assert not tools.of(1, "r2")
    assert tools.answered(1, "noon")
    assert tools.give() == []
    tools.over(heard=False)
    assert tools.give() == [GiveToolOutputs(1, (ToolOutput("a", "noon"),), respond=True)]
    assert tools.stage == "given"
    assert tools.give() == []
    tools.answers()
    assert (tools.stage, tools.ran, tools.spoke) == ("none", True, False)


def test_all_outputs_of_a_reply_are_told_together_and_in_order(tools: ToolTurn) -> None:
    runs = [tools.called(called(name)) for name in "abc"]
    assert [effect for effects in runs for effect in effects if isinstance(effect, RunTool)] == [
        RunTool(number, "get_time", '{"in":"words"}') for number in (1, 2, 3)
    ]
    tools.over(heard=True)
    for run in (3, 1):
        assert tools.answered(run, f"out {run}")
        assert tools.give() == []
    assert tools.answered(2, "out 2")
    assert given(tools.give()) == {"a": "out 1", "b": "out 2", "c": "out 3"}
    assert tools.spoke


def test_what_is_told_twice_is_run_once(tools: ToolTurn) -> None:
    tools.called(called("a"))
    assert tools.called(called("a")) == []
    tools.over(heard=False)
    tools.answered(1, "noon")
    tools.give()
    assert tools.called(called("a")) == []
    assert tools.stage == "given", "and not begun anew"
    assert tools.refuse(called("a")) == []
    assert tools.called(called("a", "r2")) == [RunTool(2, "get_time", '{"in":"words"}')], "ids may come again"


def test_what_is_told_again_after_its_reply_is_no_call_of_nobody(tools: ToolTurn) -> None:
    tools.called(called("a"))
    tools.over(heard=False)
    assert tools.refuse(called("a")) == []
    tools.answered(1, "noon")
    assert given(tools.give()) == {"a": "noon"}


def test_who_is_refused_is_told_so_once(tools: ToolTurn) -> None:
    assert tools.refuse(called("a")) == [GiveToolOutputs(1, (ToolOutput("a", CANCELLED),), respond=False)]
    assert tools.refuse(called("a")) == []
    assert not tools.ran


@pytest.mark.parametrize("over", [False, True])
def test_an_interrupted_turn_tells_what_is_known(tools: ToolTurn, over: bool) -> None:
    tools.called(called("a"))
    tools.called(called("b"))
    tools.answered(1, "noon")
    if over:
        tools.over(heard=False)
    outputs = (ToolOutput("a", "noon"), ToolOutput("b", INTERRUPTED))
    assert tools.drop(1) == [DropTool(2), GiveToolOutputs(1, outputs, respond=False)]
    assert (tools.stage, tools.running) == ("none", False)
    assert tools.drop(1) == []
    assert not tools.answered(2, "too late")


def test_a_lost_call_is_told_nothing(tools: ToolTurn) -> None:
    tools.called(called("a"))
    assert tools.drop(None) == [DropTool(1)]
    tools.called(called("b"))
    assert tools.drop(2) == [DropTool(2)]


def test_what_was_told_is_not_told_again_when_its_answer_is_interrupted(tools: ToolTurn) -> None:
    tools.called(called("a"))
    tools.answered(1, "noon")
    tools.over(heard=False)
    tools.give()
    assert tools.drop(1) == []
    assert tools.stage == "none"


def test_one_that_is_late_is_dropped_and_the_model_told_so(tools: ToolTurn) -> None:
    tools.called(called("a"))
    tools.called(called("b"))
    tools.answered(2, "noon")
    tools.over(heard=False)
    assert tools.late() == [DropTool(1)]
    outputs = given(tools.give())
    assert outputs["b"] == "noon"
    assert "did not answer in time" in outputs["a"]


def test_a_reply_calls_so_many_and_no_more(tools: ToolTurn) -> None:
    runs = [tools.called(called(str(number))) for number in range(10 * MOST_CALLS)]
    assert sum(map(len, runs)) == MOST_CALLS
    tools.over(heard=False)
    for run in range(1, MOST_CALLS + 1):
        tools.answered(run, "")
    outputs = given(tools.give())
    assert len(outputs) == 2 * MOST_CALLS
    assert "not run" in outputs[str(MOST_CALLS)]


def test_a_turn_calls_so_often_and_is_then_told_to_answer(tools: ToolTurn) -> None:
    for number in range(1, MOST_ROUNDS + 1):
        assert tools.called(called("a", f"r{number}"))
        tools.answered(number, "more")
        tools.over(heard=False)
        assert given(tools.give()) == {"a": "more"}
    assert tools.called(called("a", "once more")) == []
    tools.over(heard=False)
    assert "answer with what you know" in given(tools.give())["a"]
    assert not tools.endless
    tools.called(called("a", "and again"))
    assert tools.endless
    tools.drop(1)
    tools.turn_began()
    assert not tools.endless
    assert tools.called(called("a", "anew"))
