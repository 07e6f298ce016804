"""What the ear may rely on, whatever keeps our own sound out of what it hears."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.runtime.echo_path import EchoPath
from antiphon.runtime.echo_stream import EchoPlan

if TYPE_CHECKING:
    from antiphon.runtime.echo import Echo

RATE = 16_000
LATE = 100
PLANS = {
    "hardware": EchoPlan(10.0, 250.0),
    "software": EchoPlan(10.0, 250.0, (SpeexEchoCanceller, SpeexEchoCanceller), {RATE: LATE}),
}


@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.parametrize("length", [320, 1280, 999])
def test_as_much_comes_out_as_went_in_always_as_far_behind(kind: str, length: int) -> None:
    echo: Echo = EchoPath(PLANS[kind])
    mic = (np.random.default_rng(1).standard_normal(3 * RATE) * 3000).astype(np.int16)
    assert echo.begin(RATE) == []
    gone, behind, heard = 0, [], []
    while gone + length <= len(mic):
        if RATE < gone < 2 * RATE:
            echo.played(mic[gone : gone + length] // 2, RATE, 100 + gone / RATE)
        cleaned = echo.clean(mic[gone : gone + length], 100 + gone / RATE)
        echo.judge([])
        assert len(cleaned.heard) == len(cleaned.wake)
        assert cleaned.heard is cleaned.wake or echo.sounding or gone > RATE
        gone += length
        heard.append(cleaned.heard)
        behind.append(gone - sum(map(len, heard)))
    assert len(set(behind)) == 1
    assert 0 <= behind[0] < RATE // 50
    sound = np.concatenate(heard)
    assert (sound[: RATE - 400] == mic[: RATE - 400]).all()  # before it plays, and long after that
    assert (sound[-RATE // 2 :] == mic[len(sound) - RATE // 2 : len(sound)]).all()


@pytest.mark.parametrize("kind", PLANS)
def test_before_anything_plays_it_knows_nothing_of_our_own_sound(kind: str) -> None:
    echo: Echo = EchoPath(PLANS[kind])
    assert echo.begin(RATE) == []
    assert not echo.sounding
    assert not echo.own_word("hey_jarvis")
    assert echo.judge([]) == []
    echo.forget()
