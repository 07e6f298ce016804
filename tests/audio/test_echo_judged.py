"""Both judges of echo behind real cancellers, in a room of numbers: a reply, somebody over it, a far end that errs."""

from functools import cache

import numpy as np
import pytest

from antiphon.audio.echo_watch import EchoWatch
from antiphon.audio.marks import MARK_MS
from antiphon.audio.near_end import NearEnd, taken_out
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.devices.echo_webrtc import WebrtcEchoCanceller
from antiphon.pcm import WAKE_RATE_HZ, Samples, frames_in
from antiphon.simulator.acoustics import Acoustics, heard_in_room, room_response
from antiphon.simulator.speech import synthesise

RATE_HZ = WAKE_RATE_HZ
PIECE = frames_in(MARK_MS, RATE_HZ)
ROOM = Acoustics(room_response(RATE_HZ), 20.0)
FAULT_S = 4.0
OURS = "It will be sunny in the morning, with some clouds in the afternoon and a light wind from the west."
WITHIN_MARKS = 16
"""320 ms: with a duck that takes two periods more, a reply is silent 350 ms after most voices began."""


def reply() -> Samples:
    return np.resize(synthesise(OURS, "slt", RATE_HZ), 8 * RATE_HZ // PIECE * PIECE)


def pieces(*sounds: Samples):
    """Of 20 ms, side by side."""
    for at in range(0, len(sounds[0]), PIECE):
        yield [sound[at : at + PIECE] for sound in sounds]


def near_ends(mic: Samples, far: Samples) -> list[tuple[int, str]]:
    """The edges, each with the number of its piece."""
    linear = SpeexEchoCanceller(RATE_HZ).cancel(mic, far)
    judge = NearEnd(RATE_HZ)
    return [
        (number, edge)
        for number, (near, left) in enumerate(pieces(mic, linear))
        for edge in judge.hear(left, taken_out(near, left), playing=True)
    ]


def alarms(mic: Samples, far: Samples) -> list[float]:
    """The seconds at which cancellation was called bad."""
    watch = EchoWatch(RATE_HZ, 10.0)
    heard = WebrtcEchoCanceller(RATE_HZ).cancel(mic, far)
    found = []
    for number, (near, played, left, told) in enumerate(pieces(mic, far, heard, reply())):
        trusted = watch.cancelled
        watch.hear(near, played, left, playing=bool(told.any()))
        if trusted and not watch.cancelled:
            found.append((number + 1) * MARK_MS / 1000)
    return found


@cache
def alone() -> Samples:
    mic = heard_in_room(reply(), ROOM, noise_db=-65.0).mic
    return np.pad(mic, (0, len(reply()) - len(mic)))


def test_a_reply_alone_is_no_ones_voice_and_well_cancelled():
    assert near_ends(alone(), reply()) == []
    assert alarms(alone(), reply()) == []


@pytest.mark.parametrize("near_db", [0.0, -6.0])
@pytest.mark.parametrize("voice", ["rms", "kal16"])
def test_who_speaks_over_a_reply_is_found_soon_and_no_fault_of_the_canceller(voice, near_db):
    said = synthesise("wait a moment please", voice, RATE_HZ)
    begins = 200 * PIECE
    mic = heard_in_room(reply(), ROOM, near=[(begins, said)], near_db=near_db, noise_db=-65.0).mic[: len(reply())]
    mic = np.pad(mic, (0, len(reply()) - len(mic)))
    (at, first), *_ = near_ends(mic, reply())
    assert first == "began"
    assert 200 <= at < 200 + WITHIN_MARKS
    assert alarms(mic, reply()) == []


@pytest.mark.parametrize("late_ms", [80, 300, None])
def test_a_far_end_that_errs_is_told_within_a_second(late_ms):
    """`None`: it falls silent."""
    far, at = reply().copy(), round(FAULT_S * RATE_HZ)
    late = len(far) if late_ms is None else frames_in(late_ms, RATE_HZ)
    far[at:] = np.concatenate((np.zeros(late, np.int16), far[at:]))[: len(far) - at]
    (told, *_) = alarms(alone(), far)
    assert FAULT_S < told <= FAULT_S + 1.0
