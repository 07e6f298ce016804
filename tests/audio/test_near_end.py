"""What a linear canceller left and took out in, who speaks over us out. All sound is made up here."""

import numpy as np
import pytest

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.marks import MARK_MS, Mark
from antiphon.audio.near_end import (
    BEGAN_OF,
    ENDED_MARKS,
    QUIET_AFTER_MARKS,
    QUIET_VOICE_MARKS,
    WORD_MARKS,
    NearEnd,
    taken_out,
)

RATE_HZ = 16_000
PIECE = RATE_HZ * MARK_MS // 1000
SPEECH, NONE = Mark(-30.0, -60.0), Mark(SILENCE_DB, -60.0)
SECONDS = 6.0


def voice(seed: int, seconds: float = SECONDS, level_db: float = -30.0, rate_hz: int = RATE_HZ):
    """Noise that comes in syllables."""
    chance = np.random.default_rng(seed)
    frames = int(seconds * rate_hz)
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(frames) / rate_hz + seed)
    return chance.standard_normal(frames) * envelope * 32_768 * 10 ** (level_db / 20)


def hiss(frames: int):
    return np.random.default_rng(5).standard_normal(frames) * 32_768 * 10 ** (-70 / 20)


def s16(sound):
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


OURS = voice(1)
SHARE = 0.1
"""A linear filter leaves 20 dB less of us."""


class Room:
    """A NearEnd, and what it is given; time in pieces of 20 ms."""

    def __init__(self) -> None:
        self.near_end = NearEnd(RATE_HZ)
        self.at = 0
        self.told: list[tuple[int, str]] = []

    def pieces(self, count: int, *, playing: bool = True, person=None, mark: Mark = NONE, share: float = SHARE):
        """`count` more pieces, each with its mark; `person` speaks from the beginning of them."""
        for number in range(count):
            part = slice((self.at * PIECE) % len(OURS), (self.at * PIECE) % len(OURS) + PIECE)
            echo = OURS[part] * playing
            others = np.zeros(PIECE) if person is None else person[number * PIECE : (number + 1) * PIECE]
            linear = s16(share * echo + others + hiss(PIECE))
            edges = self.near_end.hear(linear, taken_out(s16(echo + others + hiss(PIECE)), linear), playing=playing)
            edges += self.near_end.mark([mark])
            self.at += 1
            self.told += [(self.at, edge) for edge in edges]
        return self

    @property
    def edges(self) -> list[str]:
        return [edge for _, edge in self.told]


def settled() -> Room:
    """Two seconds of us alone: the share that is left is known."""
    room = Room().pieces(100)
    assert room.told == []
    return room


# ── who begins ───────────────────────────────────────────────────────────────────────────────────


def test_our_own_leftovers_are_nobody():
    assert Room().pieces(1000).told == []


@pytest.mark.parametrize("level_db", [-30, -36])
def test_somebody_as_loud_as_we_or_half_is_found_at_once(level_db):
    room = settled().pieces(10, person=voice(2, level_db=level_db))
    assert room.edges == ["began"]
    assert room.told[0][0] - 100 <= BEGAN_OF


def test_a_click_is_nobody():
    click = np.zeros(20 * PIECE)
    click[: PIECE // 2] = 8000
    assert settled().pieces(20, person=click).told == []


def test_in_the_first_half_second_nobody_is_found():
    assert Room().pieces(25, share=0.9).told == []


def test_leftovers_that_grow_slowly_stay_ours():
    """As when somebody walks through the room."""
    room = settled()
    for step in range(100):
        room.pieces(5, share=SHARE * 10 ** (10 * step / 100 / 20))
    assert room.told == []


def test_a_mistake_about_a_changed_room_is_made_once():
    """The filter leaves more of us at once, and learns the new room only slowly: we fall silent for it but once."""
    room = settled().pieces(6, share=0.5).pieces(ENDED_MARKS + 5, playing=False).pieces(100, share=0.5)
    assert room.edges == ["began", "ended"]


def test_noise_that_was_there_is_nobody():
    noise = np.random.default_rng(7).standard_normal(500 * PIECE) * 32_768 * 10 ** (-40 / 20)
    room = Room().pieces(200, person=noise)
    room.told.clear()
    assert room.pieces(300, person=noise[200 * PIECE :]).told == []


# ── who is sure ──────────────────────────────────────────────────────────────────────────────────


def test_a_voice_in_our_own_silence_is_sure():
    person = voice(2)
    room = settled().pieces(8, person=person)
    assert room.edges == ["began"]
    room.pieces(QUIET_AFTER_MARKS + QUIET_VOICE_MARKS, playing=False, person=person[8 * PIECE :], mark=SPEECH)
    assert room.edges == ["began", "sure"]


def test_while_we_sound_nobody_is_sure():
    """Whatever is taken for a voice then may be ours."""
    assert settled().pieces(40, person=voice(2), mark=SPEECH).edges == ["began"]


def test_a_sound_that_is_no_voice_is_not_sure():
    person = voice(2)
    room = settled().pieces(8, person=person).pieces(30, playing=False, person=person[8 * PIECE :])
    assert room.edges == ["began"]


def test_a_voice_that_falls_silent_with_us_was_nobody():
    """Our own, as the canceller failed: what the nearest walls still say of it is not enough."""
    room = settled().pieces(8, share=1.0, mark=SPEECH)
    room.pieces(QUIET_AFTER_MARKS + 1, playing=False, mark=SPEECH).pieces(ENDED_MARKS, playing=False)
    assert room.edges == ["began", "ended"]


def test_a_fading_tail_is_nobody():
    """Of a room with 0.5 s of reverberation, and a canceller that failed."""
    tail = OURS * 10 ** (-6 * np.arange(len(OURS)) / RATE_HZ)
    room = settled().pieces(8, share=1.0, mark=SPEECH)
    room.pieces(30, playing=False, person=tail, mark=SPEECH)
    assert "sure" not in room.edges


def test_somebody_is_sure_once():
    person = voice(2)
    room = settled().pieces(8, person=person)
    room.pieces(100, playing=False, person=person[8 * PIECE :], mark=SPEECH)
    assert room.edges == ["began", "sure"]


# ── who ends ─────────────────────────────────────────────────────────────────────────────────────


def test_who_falls_silent_has_ended():
    room = settled().pieces(10, person=voice(2))
    assert room.near_end.open
    room.pieces(ENDED_MARKS + 3, playing=False)
    assert room.edges == ["began", "ended"]
    assert not room.near_end.open


def test_a_gap_between_syllables_ends_nobody():
    person = voice(2)
    person[10 * PIECE : 20 * PIECE] = 0
    assert settled().pieces(40, person=person).edges == ["began"]


def test_the_second_one_is_found_as_the_first():
    room = settled()
    for _ in range(2):
        room.pieces(10, person=voice(2)).pieces(ENDED_MARKS + 3).pieces(100)
    assert room.edges == ["began", "ended"] * 2


def test_marks_without_anybody_mean_nothing():
    """Outside of what it hears the ear marks on."""
    assert NearEnd(RATE_HZ).mark([SPEECH] * 100) == []


def test_forgotten_nobody_speaks_and_the_share_is_known():
    room = settled().pieces(10, person=voice(2))
    room.near_end.forget()
    assert not room.near_end.open
    room.told.clear()
    assert room.pieces(100).told == []
    assert room.pieces(10, person=voice(2)).edges == ["began"]


@pytest.mark.parametrize("rate_hz", [16_000, 32_000, 48_000])
def test_blocks_and_rates_change_nothing(rate_hz):
    echo, person = voice(1, 4.0, rate_hz=rate_hz), voice(2, 4.0, rate_hz=rate_hz)
    person[: 3 * rate_hz] = 0
    linear = s16(SHARE * echo + person)
    ours = taken_out(s16(echo + person), linear)
    whole = NearEnd(rate_hz).hear(linear, ours, playing=True)
    pieces = NearEnd(rate_hz)
    told = [
        edge
        for at in range(0, len(linear), 777)
        for edge in pieces.hear(linear[at : at + 777], ours[at : at + 777], playing=True)
    ]
    assert told == whole == ["began"]


# ── whose word it was ────────────────────────────────────────────────────────────────────────────


def test_what_was_said_while_nobody_else_spoke_was_ours():
    assert settled().near_end.only_ours


def test_what_was_said_while_somebody_spoke_over_us_was_not_only_ours():
    room = settled().pieces(10, person=voice(2)).pieces(WORD_MARKS - 10)
    assert not room.near_end.only_ours
    assert room.near_end.foreign(WORD_MARKS - 10) < room.near_end.foreign(WORD_MARKS)
    assert room.pieces(10).near_end.only_ours


def test_after_forgetting_nobody_has_spoken():
    room = settled().pieces(10, person=voice(2))
    room.near_end.forget()
    assert room.near_end.only_ours
