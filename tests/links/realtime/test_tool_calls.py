"""The calls of a reply, however little each event says of them."""

from antiphon.links.realtime import messages as m
from antiphon.links.realtime.tool_calls import MOST, MOST_CHARACTERS, ToolCalls


def piece(arguments, *, done=False, call_id="", name="", item=""):
    return m.ToolCall("R", call_id, name, arguments, done, item)


def told(calls, *, over=False):
    return [(one.id, one.name, one.arguments) for one in calls.ready(over=over)]


def test_two_calls_whose_pieces_are_mixed():
    calls = ToolCalls()
    calls.item(m.Item("i1", "function_call", call_id="c1", name="f"), done=False)
    calls.item(m.Item("i2", "function_call", call_id="c2", name="g"), done=False)
    for one in (piece("[1", item="i1"), piece("[2", call_id="c2"), piece(",1]", call_id="c1"), piece(",2]", item="i2")):
        calls.piece(one)
    assert told(calls) == []
    calls.piece(piece("", done=True, item="i1"))
    assert told(calls) == [("c1", "f", "[1,1]")]
    assert told(calls, over=True) == [("c2", "g", "[2,2]")]
    assert told(calls, over=True) == []


def test_what_comes_whole_counts():
    calls = ToolCalls()
    calls.piece(piece("[1", call_id="c", name="f"))
    calls.item(m.Item("i", "function_call", call_id="c", arguments="[1,2]"), done=True)
    assert told(calls) == [("c", "f", "[1,2]")]


def test_an_item_that_is_only_added_tells_no_arguments():
    calls = ToolCalls()
    calls.item(m.Item("i", "function_call", call_id="c", name="f", arguments="[0]"), done=False)
    assert told(calls) == []
    assert told(calls, over=True) == [("c", "f", "{}")]


def test_the_id_may_come_after_the_arguments():
    calls = ToolCalls()
    calls.piece(piece("[1]", done=True, item="i", name="f"))
    assert told(calls) == []
    calls.item(m.Item("i", "function_call", call_id="c"), done=False)
    assert told(calls) == [("c", "f", "[1]")]


def test_no_service_can_fill_our_memory():
    calls = ToolCalls()
    for number in range(2 * MOST):
        calls.piece(piece("x" * 40_000, call_id=f"c{number}"))
        calls.piece(piece("x" * 40_000, call_id=f"c{number}"))
    ready = calls.ready(over=True)
    assert len(ready) == MOST
    assert max(len(one.arguments) for one in ready) == MOST_CHARACTERS
