"""What the simulated model answers."""

from antiphon.simulator.voxserve.script import answer_to_sound, answer_to_text


def test_it_tells_what_it_heard_and_read():
    assert answer_to_sound(2.34) == "This is the local server. I heard two point three seconds."
    assert answer_to_sound(0.0) == "This is the local server. I heard nothing."
    assert answer_to_text("Hi.") == "This is the local server. You wrote: Hi."
    assert answer_to_text(" ") == "This is the local server. You wrote nothing."
