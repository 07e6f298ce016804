"""The default answers."""

from antiphon.simulator.stepfun.script import answer_to


def test_an_answer_tells_what_was_heard():
    assert answer_to("speech", 2.3, "").text == "I heard you speak for two point three seconds."
    assert answer_to("text", 0.0, "good day").text == "You wrote: good day"
    assert answer_to("tool", 0.0, "").text == "The tool has answered."
    assert answer_to("nothing", 0.0, "").text == "Hello there."
