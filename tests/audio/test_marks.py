"""Speech is what is voice by its shape and stands out of the noise."""

import pytest

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.marks import MARGIN_DB, Mark, Marker

NOISE_DB = -50.0


def speech(*sound: tuple[bool, float]) -> str:
    """Marks of a sound after two seconds of noise: `s` is speech."""
    marker = Marker()
    marker.hear([False] * 100, [NOISE_DB] * 100)
    marks = marker.hear([voice for voice, _ in sound], [level for _, level in sound])
    return "".join("s" if mark.speech else "." for mark in marks)


VOICE, NOISE, LOUD_NOISE = (True, -30.0), (True, NOISE_DB), (False, -30.0)


def test_voice_above_the_noise_is_speech():
    assert speech(*[VOICE] * 5) == ".ssss"


def test_noise_that_is_taken_for_voice_is_none():
    assert speech(*[NOISE] * 5) == "....."


def test_what_is_loud_and_no_voice_is_none():
    assert speech(*[LOUD_NOISE] * 5) == "....."


@pytest.mark.parametrize(("above_db", "is_speech"), [(MARGIN_DB - 0.5, False), (MARGIN_DB + 0.5, True)])
def test_the_margin_decides(above_db, is_speech):
    assert ("s" in speech(*[(True, NOISE_DB + above_db)] * 5)) is is_speech


def test_a_quiet_speaker_counts_where_it_is_quiet():
    marker = Marker()
    marker.hear([False] * 100, [-75.0] * 100)
    assert all(mark.speech for mark in marker.hear([True] * 10, [-60.0] * 10)[1:])


def test_a_click_is_no_speech_and_a_hole_is_no_silence():
    assert speech(VOICE, NOISE, NOISE, NOISE) == "...."
    assert speech(VOICE, VOICE, NOISE, VOICE, VOICE) == ".ssss"


def test_a_noise_that_lasts_stops_being_speech():
    assert speech(*[VOICE] * 200)[:70].count("s") == 69
    assert speech(*[VOICE] * 200).endswith("." * 100)


def test_what_is_no_voice_has_no_level():
    marker = Marker()
    assert marker.hear([False], [-10.0]) == [Mark(SILENCE_DB, -10.0 + MARGIN_DB)]


def test_a_mark_without_its_level_is_a_fault_of_the_programmer():
    with pytest.raises(ValueError, match="zip"):
        Marker().hear([True], [])
