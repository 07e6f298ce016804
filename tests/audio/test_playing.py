"""One reply: its frames go out in order, what was not heard can be put back, and no fade is a click."""

import math

import numpy as np
import pytest

from antiphon.audio.playing import Playing

RATE = 24_000
FADE = 192


def tone(frames: int, level: int = 10_000) -> np.ndarray:
    return np.full(frames, level, np.int16)


def ramp(frames: int) -> np.ndarray:
    return np.arange(1, frames + 1).astype(np.int16)


class Card:
    """Takes periods; the first sounds at 100 s, each when the one before has ended."""

    def __init__(self, samples: np.ndarray, period: int = 480) -> None:
        self.reply = Playing("a", FADE)
        for piece in np.array_split(samples, 7):
            self.reply.push(piece)
        self.period = period
        self.sound: list[int] = []

    def take(self, periods: int = 1) -> None:
        for _ in range(periods):
            period, first = np.zeros(self.period, np.int16), self.reply.at
            _, own = self.reply.give(period)
            if own:
                self.reply.mark(first, own, 100 + len(self.sound) / RATE, RATE)
            self.sound += period.tolist()


def test_frames_go_out_in_order_whatever_their_pieces():
    card = Card(ramp(2000))
    card.take(5)
    assert card.sound == [*range(1, 2001), *[0] * 400]
    assert (card.reply.at, card.reply.waiting, card.reply.given) == (2000, 0, 2000)


@pytest.mark.parametrize("period", [64, 480])
def test_a_fall_and_the_rise_after_it_add_up(period):
    card = Card(tone(4800), period)
    card.take(2)
    turned = card.reply.at
    card.reply.fall()
    card.take(math.ceil(FADE / period))
    assert not card.reply.falling
    assert not card.reply.sounding
    assert card.reply.at == turned
    held = len(card.sound)
    card.take(math.ceil(FADE / period))
    fall, rise = np.array(card.sound[turned : turned + FADE]), np.array(card.sound[held : held + FADE])
    assert np.abs(fall + rise - 10_000).max() <= 1
    assert card.reply.heard(200, RATE) == card.reply.at  # what was heard twice counts once


@pytest.mark.parametrize("left", [0, 1, 50, 191, 192, 1000])
def test_no_step_is_longer_than_the_fades(left):
    """Also when next to nothing of the reply is left to fade."""
    card = Card(tone(960 + left))
    card.take(2)
    card.reply.fall()
    card.take()
    assert np.abs(np.diff(card.sound)).max() <= math.ceil(10_000 / FADE)
    assert not any(card.sound[960 + FADE :])


@pytest.mark.parametrize("risen", [0, 10, 100])
def test_a_fall_out_of_a_rise_begins_where_that_is(risen):
    card = Card(tone(9600), 10)
    card.take(10)
    for _ in range(2):
        card.reply.fall()
        while card.reply.falling:
            card.take()
        assert card.reply.at == 100  # where it was last whole
        card.take(risen // 10)
    card.take(30)
    assert np.abs(np.diff(card.sound)).max() <= math.ceil(10_000 / FADE)
    assert card.sound[-1] == 10_000


def test_what_does_not_sound_does_not_fall():
    reply = Playing("a", FADE)
    reply.push(tone(100))
    reply.fall()
    assert not reply.falling


@pytest.mark.parametrize("heard", [0, 1, 479, 480, 700, 960])
def test_what_was_given_and_not_heard_is_put_back(heard):
    card = Card(ramp(4800))
    card.take(2)
    card.reply.put_back(100 + heard / RATE, RATE)
    assert (card.reply.at, card.reply.given, card.reply.waiting) == (heard, heard, 4800 - heard)
    assert card.reply.heard(200, RATE) == heard
    card.take(3)
    faded = FADE if heard else 0
    assert card.sound[960 + faded : 2400] == list(range(heard + faded + 1, heard + 1441))


def test_what_is_put_back_in_the_middle_of_a_fade_begins_where_the_fade_did():
    card = Card(ramp(4800), 64)
    card.take(10)
    card.reply.fall()
    card.take(1)
    card.reply.put_back(200, RATE)
    assert not card.reply.falling
    assert card.reply.at == 640


def test_what_was_forgotten_is_not_put_back():
    card = Card(ramp(4800))
    card.take(5)
    card.reply.forget(100 + 1500 / RATE, RATE)
    card.reply.put_back(0.0, RATE)
    assert 480 <= card.reply.at <= 1500
    assert card.reply.waiting == 4800 - card.reply.at


def test_another_rate_keeps_the_time():
    card = Card((8000 * np.sin(2 * np.pi * 440 * np.arange(4800) / RATE)).astype(np.int16))
    card.take(2)
    card.reply.put_back(100.03, RATE)
    card.reply.change_rate(RATE, 48_000, 2 * FADE)
    assert (card.reply.at, card.reply.given, card.reply.fade_frames) == (1440, 1440, 2 * FADE)
    assert card.reply.waiting == 9600 - 1440
    assert card.reply.heard(100.01, 48_000) == 480
    card.sound, card.period = [], 960
    card.take(4)
    expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(1440, 1440 + 3840) / 48_000)
    assert np.abs(np.array(card.sound) - expected)[2 * FADE :].max() < 8
