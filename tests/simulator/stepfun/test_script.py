"""The answers: those that are written, and those by default."""

from antiphon.simulator.stepfun.script import Reply, Script, ToolCall, answer_to


def test_an_answer_tells_what_was_heard():
    assert answer_to("speech", 2.3, "").text == "I heard you speak for two point three seconds."
    assert answer_to("text", 0.0, "good day").text == "You wrote: good day"
    assert answer_to("tool", 0.0, "").text == "The tool has answered."
    assert answer_to("nothing", 0.0, "").text == "Hello there."


def test_replies_are_used_in_turn_and_again():
    script = Script((Reply("One."), Reply("Two.")))
    assert [script.reply("speech").text for _ in range(3)] == ["One.", "Two.", "One."]
    assert Script(()).reply("speech") is None


def test_a_reply_may_answer_one_kind_only():
    call, told = Reply(calls=(ToolCall("t"),), to="speech"), Reply("It says {output}.", to="tool")
    script = Script((call, told))
    assert script.reply("nothing") is None
    assert script.reply("speech") == script.reply("speech") == call
    assert script.reply("tool", "ten").text == "It says ten."


def test_a_reply_that_is_passed_over_keeps_its_turn():
    calls = [Reply(calls=(ToolCall(name),), to="speech") for name in "ab"]
    script = Script((*calls, Reply("It says {output}.")))
    told = [script.reply(one, "ten") for one in ("speech", "tool") * 3]
    assert [one.calls[0].name if one.calls else one.text for one in told[::2]] == ["a", "b", "a"]
    assert [one.text for one in told[1::2]] == ["It says ten."] * 3
