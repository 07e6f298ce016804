"""Where the service cuts its text."""

from antiphon.simulator.stepfun.tts_buffer import TextBuffer


def cut(mode, *texts):
    """The sentences that each text makes ready, and what is left at the end."""
    buffer = TextBuffer(mode)
    return [buffer.add(text) for text in texts], buffer.flush()


def test_a_sentence_goes_when_the_next_begins():
    assert cut("default", "One", " thing.", " ", "Two. Three") == ([[], [], [], ["One thing.", "Two."]], ["Three"])


def test_or_at_its_mark():
    assert cut("sentence", "Really?", " Yes! No") == ([["Really?"], ["Yes!"]], ["No"])
    assert cut("default", "Really?", " Yes! No") == ([[], ["Really?", "Yes!"]], ["No"])


def test_a_point_within_a_number_is_no_end():
    assert cut("sentence", "It is 3.14 wide. ") == ([["It is 3.14 wide."]], [])


def test_marks_of_chinese():
    assert cut("sentence", "你好。再见！") == ([["你好。", "再见！"]], [])  # noqa: RUF001 (the marks are meant)


def test_what_was_flushed_is_gone():
    buffer = TextBuffer("default")
    buffer.add("One")
    assert (buffer.flush(), buffer.flush()) == (["One"], [])
