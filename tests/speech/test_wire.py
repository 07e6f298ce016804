"""Texts cut where one would breathe, bodies as the reference has them, and bytes put together to samples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.speech.wire import (
    MAX_CHARACTERS,
    Failed,
    Piece,
    SoundStream,
    check_instruction,
    ends_sentence,
    is_events,
    is_sound,
    parts,
    pieces,
    read_event,
    request,
    speakable,
)

SENTENCE = "It is a quarter past ten in the morning. "  # 41 characters


def test_what_nobody_can_say_is_left_out():
    assert (
        speakable("Din\0ner\x1b is\ud800\n ready. \u665a\u996d\U0001f37d")
        == "Dinner is\n ready. \u665a\u996d\U0001f37d"
    )


def test_what_fits_is_one_piece():
    assert pieces("  Good night.\n") == ["Good night."]
    assert pieces("a" * MAX_CHARACTERS) == ["a" * MAX_CHARACTERS]
    assert pieces(" \n\t ") == []


def test_a_long_text_is_cut_after_the_last_sentence_that_fits():
    first, second = pieces(SENTENCE * 30)
    assert first == (SENTENCE * 24).strip()  # 984 characters
    assert second == (SENTENCE * 6).strip()


def test_chinese_is_cut_after_its_own_marks():
    first, second = pieces("现在是上午十点一刻。" * 101)
    assert len(first) == MAX_CHARACTERS
    assert second == "现在是上午十点一刻。"


@pytest.mark.parametrize(
    ("text", "first_ends"),
    [
        ("one two three, " * 80, "three,"),  # no sentence ends: after a clause
        ("word " * 300, "word"),  # no clause either: between words
        ("x" * 1500, "x" * MAX_CHARACTERS),  # nothing at all
        ("3.14159 " * 200, "3.14159"),  # a point within a number is no end
        ('He said "no." ' * 100, 'no."'),
    ],
)
def test_without_sentences_it_is_cut_where_it_hurts_least(text, first_ends):
    first = pieces(text)[0]
    assert first.endswith(first_ends)
    assert MAX_CHARACTERS * 0.9 < len(first) <= MAX_CHARACTERS


@given(st.text(alphabet="ab .,!?\n\u3002\uff0c", max_size=5000))
def test_nothing_is_lost_and_no_piece_is_too_long(text):
    cut = pieces(text)
    assert all(0 < len(piece) <= MAX_CHARACTERS and piece == piece.strip() for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_the_body_has_what_the_reference_asks_for_and_no_more():
    body = request("stepaudio-2.5-tts", "linjiajiejie", "Grüße, 早。")
    assert json.loads(body) == {
        "model": "stepaudio-2.5-tts",
        "input": "Grüße, 早。",
        "voice": "linjiajiejie",
        "response_format": "pcm",
        "sample_rate": 24_000,
    }
    assert "早".encode() in body  # no escapes, so that a character counts as one
    request("m", "v", "half a surrogate \ud800")  # no text ends the program


@given(st.binary(max_size=400), st.lists(st.integers(0, 50), max_size=40))
def test_pieces_of_any_length_make_whole_samples(sound, lengths):
    stream, got, at = SoundStream(), b"", 0
    for length in [*lengths, len(sound)]:
        pcm = stream.take(sound[at : at + length])
        assert len(pcm) % 2 == 0
        got, at = got + pcm, at + length
    assert got == sound[: len(sound) // 2 * 2]
    assert stream.bytes == len(sound)


def test_what_is_surely_words_is_no_sound():
    assert is_sound("audio/pcm")
    assert is_sound("audio/mpeg; codecs=1")
    assert is_sound("application/octet-stream")
    assert is_sound("")
    assert not is_sound("application/json; charset=utf-8")
    assert not is_sound("text/event-stream")
    assert not is_sound("Text/HTML")


@given(st.text(max_size=50), st.integers(1, 100))
def test_parts_lose_nothing(text, times):
    cut = parts(text * times)
    assert "".join(cut) == text * times
    assert all(0 < len(part) <= MAX_CHARACTERS for part in cut)


@pytest.mark.parametrize("text", ["Yes.", "Yes!  ", 'He said "yes."', "是。", "\u201c是。\u201d", "a line\n"])
def test_a_sentence_that_is_over(text):
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["", "Yes", "Yes. And", "是\uff0c", "1.5", "a\nb"])
def test_a_sentence_that_is_not_over(text):
    assert not ends_sentence(text)


def test_what_is_as_the_service_has_it_is_not_sent():
    assert json.loads(request("m", "v", "t")).keys() == {
        "model", "input", "voice", "response_format", "sample_rate"
    }  # fmt: skip
    asked = json.loads(request("m", "v", "t", "calm", 1.5, "mp3"))
    assert (asked["instruction"], asked["speed"], asked["response_format"]) == ("calm", 1.5, "mp3")


def test_instructions_are_for_models_that_take_them():
    assert check_instruction("stepaudio-2.5-tts", "x" * 200) is None
    assert "201 characters" in check_instruction("stepaudio-2.5-tts", "x" * 201)
    assert check_instruction("stepaudio-3-tts", "x" * 500) is None
    assert check_instruction("step-tts-2", "") is None
    assert check_instruction("step-tts-2", "calm", "cascade.instruction") == (
        "step-tts-2 takes no instruction: leave cascade.instruction empty, or use stepaudio-2.5-tts or stepaudio-3-tts"
    )
    assert check_instruction("step-of-tomorrow", "x" * 500) is None


def test_events_hold_pieces_and_faults():
    assert is_events("text/event-stream; charset=utf-8")
    assert not is_events("audio/pcm")
    assert read_event('{"type":"speech.audio.delta","audio":"AQI="}') == Piece(b"\x01\x02")
    assert read_event('{"type":"speech.audio.done","audio":"AQI="}') is None
    assert read_event('{"type":"speech.audio.error","error":{"message":"no","type":"x"}}') == Failed("no", "x")
    assert read_event('{"type":"speech.audio.error","message":"no"}') == Failed("no", "")


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_event_is_too_odd(data):
    assert read_event(data) is None
