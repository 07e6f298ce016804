"""The conversation as text: in order, whenever transcripts come; cut to what was heard; bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.conversation.history import MAX_TURN_CHARACTERS, MAX_TURNS, History, Turn


def told(history):
    return [(turn.role, turn.text) for turn in history.turns()]


def test_turns_are_told_oldest_first():
    history = History()
    history.said("i1", " How far is the moon? ")
    history.began("r1")
    history.replied("r1", "Far ")
    history.replied("r1", "away.")
    assert history.turns() == (Turn("user", "How far is the moon?"), Turn("assistant", "Far away."))
    assert len(history) == 2


def test_a_late_transcript_keeps_the_place_its_turn_had():
    history = History()
    history.said("i1", "")
    history.began("r1")
    history.replied("r1", "Far.")
    assert told(history) == [("assistant", "Far.")], "what is not known yet is not told"
    history.said("i1", "How far?")
    assert told(history) == [("user", "How far?"), ("assistant", "Far.")]


def test_a_reply_whose_text_comes_late_keeps_its_place():
    history = History()
    history.began("r1")
    history.said("i2", "And the sun?")
    history.replied("r1", "Far.")
    assert told(history) == [("assistant", "Far."), ("user", "And the sun?")]


def test_a_transcript_replaces_an_earlier_one_and_a_blank_one_does_not():
    history = History()
    history.said("i1", "How fa")
    history.said("i1", "How far?")
    history.said("i1", "  ")
    assert told(history) == [("user", "How far?")]


def test_items_and_replies_of_one_name_are_two():
    history = History()
    history.said("x", "How far?")
    history.replied("x", "Far.")
    assert told(history) == [("user", "How far?"), ("assistant", "Far.")]


@pytest.mark.parametrize(
    ("heard_ms", "kept"),
    [
        (-600, ""),
        (0, ""),
        (249, ""),
        (250, "One"),
        (500, "One two,"),
        (999, "One two, three"),
        (1000, "One two, three four."),
        (1010, "One two, three four."),
    ],
)
def test_a_reply_is_cut_to_the_whole_words_that_were_heard(heard_ms, kept):
    history = History()
    history.said("i1", "Count!")
    history.replied("r1", "One two, three four.")
    history.replied("r2", "Untouched words.")
    history.cut("r1", heard_ms, 1000)
    expected = [("user", "Count!"), ("assistant", kept), ("assistant", "Untouched words.")]
    assert told(history) == [turn for turn in expected if turn[1]]


def test_words_without_spaces_between_them_are_cut_too():
    history = History()
    history.replied("r1", "今天天气很好，我们去公园。Okay then")  # noqa: RUF001 - a Chinese comma
    history.cut("r1", 500, 1000)
    assert told(history) == [("assistant", "今天天气很好，")]  # noqa: RUF001 - six of 13: 11 characters and 2 words


def test_the_text_of_a_reply_without_sound_was_not_heard():
    history = History()
    history.replied("r1", "Text runs ahead of its sound.")
    history.cut("r1", 0, 0)
    assert told(history) == []


def test_a_cut_of_an_unknown_reply_cuts_nothing():
    history = History()
    history.replied("r1", "One two.")
    history.cut("r9", 0, 1000)
    assert told(history) == [("assistant", "One two.")]


@given(st.text(max_size=60), st.floats(0, 1200), st.floats(1, 1000))
def test_what_is_kept_is_the_beginning_of_what_was_said(text, heard_ms, length_ms):
    history = History()
    history.replied("r1", text)
    history.cut("r1", heard_ms, length_ms)
    kept = "".join(turn.text for turn in history.turns())
    assert text.strip().startswith(kept)
    if heard_ms >= length_ms:
        assert kept == text.strip()


def test_only_the_last_turns_are_kept():
    history = History()
    for number in range(10_000):
        history.said(f"i{number}", f"question {number}")
    assert len(history) == MAX_TURNS
    assert history.turns()[0].text == f"question {10_000 - MAX_TURNS}"
    assert history.turns()[-1].text == "question 9999"


def test_a_turn_without_end_does_not_fill_the_memory():
    history = History()
    for _ in range(3000):
        history.replied("r1", "again ")
    history.said("i1", "x" * 100_000)
    assert [len(turn.text) for turn in history.turns()] == [MAX_TURN_CHARACTERS, MAX_TURN_CHARACTERS]


def test_forgetting_is_whole():
    history = History()
    history.said("i1", "")
    history.replied("r1", "Far.")
    history.forget()
    history.said("i1", "How far?")
    assert told(history) == [("user", "How far?")], "the blank's place is forgotten too"


def test_a_service_with_endless_items_fills_no_memory() -> None:
    history = History()
    history.turn_began()
    for number in range(5000):
        history.said(f"1/{number}", "again")
    assert len(history._entries) == 40
    history.turn_lost()
    assert len(history) == 0


def test_what_a_lost_call_made_of_a_turn_is_taken_back_and_what_was_before_stays() -> None:
    history = History()
    history.said("1/a", "Before?")
    history.turn_began()
    history.said("1/b", "How far")
    history.began("r1")
    history.replied("r1", "It is")
    history.said("1/a", "Before, then?")
    history.turn_lost()
    assert [turn.text for turn in history.turns()] == ["Before, then?"]
    history.turn_lost()
    assert len(history) == 1
