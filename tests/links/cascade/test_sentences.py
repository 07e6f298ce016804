"""Sentences: what a voice is given of a text that is still being written, and when."""

# ruff: noqa: RUF001 - Chinese marks are what is tested

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.links.cascade.sentences import CLAUSE, FIRST_CLAUSE, MOST, Sentences, spoken
from antiphon.links.completions.pace import weight


def pieces(text, size=1):
    """The pieces of `text`, which comes `size` characters at a time."""
    sentences = Sentences()
    cut = [piece for at in range(0, len(text), size) for piece in sentences.take(text[at : at + size])]
    return cut + sentences.end()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Wait! What?! Yes... Well", ["Wait!", "What?!", "Yes...", "Well."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Pi is 3.14. That is all.", ["Pi is 3.14.", "That is all."]),
        ("It costs 1,000.50 at 3:30. Buy it.", ["It costs 1,000.50 at 3:30.", "Buy it."]),
        ("In 1999. Then came 2000.", ["In 1999.", "Then came 2000."]),
        (
            "Dr. Smith met J. S. Bach, e.g. in St. Thomas. Good.",
            ["Dr. Smith met J. S. Bach, e.g. in St. Thomas.", "Good."],
        ),
        ("Am 3. Mai. Bis dann.", ["Am 3. Mai.", "Bis dann."]),
        ("No. No. 5 is alive.", ["No.", "No. 5 is alive."]),
        ("it is approx. five... or six. Yes", ["it is approx. five... or six.", "Yes."]),
        ("See https://a.org/b.c?d=eat. Or www.x.com/?y! Bye.", ["See a.org/b.c?d=eat.", "Or www.x.com/?y!", "Bye."]),
        ("你好。我很好！真的吗？是的", ["你好。", "我很好！", "真的吗？", "是的。"]),
        ("他说：“好。”然后走了。", ["他说：“好。", "然后走了。"]),
        ("今天3.14度!明天见.好", ["今天3.14度!", "明天见.", "好。"]),
        ("One line\nand another\n\n", ["One line.", "and another."]),
    ],
)
def test_sentences_end_where_they_do(text, wanted):
    assert pieces(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("**Bold** and *soft* and __loud__ and ~~gone~~ and `code`.", ["Bold and soft and loud and gone and code."]),
        ("# Soup\n## What you need\nWater.", ["Soup.", "What you need.", "Water."]),
        ("- eggs\n* milk\n+ salt\n• tea\n- [ ] bread", ["eggs.", "milk.", "salt.", "tea.", "bread."]),
        ("1. Boil it. Well.\n2) Eat it.", ["1, Boil it.", "Well.", "2, Eat it."]),
        ("> A wise word\n---\n***\nEnd", ["A wise word.", "End."]),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", ["a, b.", "1, 2."]),
        ("Run this:\n```sh\nrm -rf. Now\n```\nDone.", ["Run this:", "Done."]),
        ("```\nit never ends. So", []),
        ("Ask [the page. Really](https://a.b/c_d?e=f). Or ![a cat](cat.png).", ["Ask the page. Really.", "Or a cat."]),
        ("Footnote [1] here.", ["Footnote, 1, here."]),
        ("One<br>two <b>three</b>.", ["Onetwo three."]),
        ("2 * 3 is snake_case.", ["2 \u00d7 3 is snake_case."]),
        ("Good 👍🏽! Bye 👋 :)", ["Good!", "Bye."]),
        ("👍", []),
        ("…", []),
        ("", []),
    ],
)
def test_what_is_for_the_eye_is_taken_out(text, wanted):
    assert pieces(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The tower (built in 1889) is high.", ["The tower, built in 1889, is high."]),
        ("He left (it was late).", ["He left, it was late."]),
        ("(It was late.) He left.", ["It was late.", "He left."]),
        ("（轻声）晚安（好梦）。", ["轻声，晚安，好梦。"]),
        ("(All of it)", ["All of it."]),
        ("Unclosed (and never\nso", ["Unclosed, and never.", "so."]),
        ("【注意】水很烫。", ["注意，水很烫。"]),
    ],
)
def test_what_is_in_brackets_is_said_and_is_no_stage_direction(text, wanted):
    assert pieces(text) == wanted


def test_a_chinese_sentence_is_told_with_its_mark_and_another_with_what_follows():
    sentences = Sentences()
    assert sentences.take("你好") == []
    assert sentences.take("。") == ["你好。"]
    assert sentences.take("Fine. ") == []  # it might be "fine. dust"
    assert sentences.take("T") == ["Fine."]
    assert sentences.take("here! ") == ["There!"]


def test_a_line_is_told_when_it_ends():
    sentences = Sentences()
    assert sentences.take("# Tea") == []
    assert sentences.take("\n") == ["Tea."]


def test_the_first_piece_is_a_clause_where_the_sentence_is_long():
    clause = "Well, that is a long story, as you will see,"
    assert pieces(f"{clause} and it goes on, and on. Bye.") == [clause, "and it goes on, and on.", "Bye."]
    assert weight("Well, that is a long story,") < FIRST_CLAUSE <= weight(clause)


def test_later_pieces_are_sentences_unless_they_are_very_long():
    clause = "and so on, " * 20
    first, *others = pieces(f"Yes! {clause}")
    assert first == "Yes!"
    assert weight(others[0]) >= CLAUSE
    assert len(others) == 2
    assert pieces("是。" + "很长，" * 30)[1:] == ["很长，" * 23, "很长，" * 6 + "很长。"]


def test_what_has_no_marks_at_all_is_cut_between_words_and_else_anywhere():
    assert all(weight(piece) <= MOST and not piece.startswith("ord") for piece in pieces("word " * 500))
    assert pieces("x" * 1500) == ["x" * MOST, "x" * MOST, "x" * (1500 - 2 * MOST) + "."]


def test_a_block_of_code_is_not_kept():
    sentences = Sentences()
    sentences.take("```\n")
    for _ in range(1000):
        assert sentences.take("x" * 100) == []
    assert len(sentences._rest) <= MOST
    assert sentences.take("\n```\nDone. Yes") == ["Done."]


WRITTEN = st.lists(
    st.sampled_from(
        [*"aB3 .,!?:;-*_#`()[]<>|\\\"'\n", *"。，（）”你👍…—", "http://a.b", "Dr.", "](", "```\n", "x" * 300]
    )
    | st.characters(codec="utf-8"),
    max_size=60,
).map("".join)


@given(WRITTEN, st.lists(st.integers(0, 200), max_size=20))
def test_how_a_text_comes_changes_nothing(text, cuts):
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    sentences = Sentences()
    told = [piece for at, to in itertools.pairwise(edges) for piece in sentences.take(text[at:to])]
    assert told + sentences.end() == pieces(text, max(1, len(text)))


@given(WRITTEN)
def test_every_piece_can_be_spoken(text):
    for piece in pieces(text, 7):
        assert any(character.isalnum() for character in piece)
        assert not re.search("[*`()（）【】\U0001f000-\U0001faff\n]", piece)
        assert len(piece) <= MOST + 4
        assert piece == piece.strip()


@given(st.text(st.sampled_from("abcXYZ .,!?:;()你好。，！（）\n"), max_size=300))
def test_no_word_is_lost_and_none_is_said_twice(text):
    assert re.sub(r"[\W_]", "", "".join(pieces(text, 3))) == re.sub(r"[\W_]", "", re.sub(r"[:;]-?[()]", "", text))


def test_spoken_says_nothing_of_a_rule():
    assert spoken("* * *", begins_line=True, ends_line=True) == ""
