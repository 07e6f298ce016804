"""The chirp code: what arrived is told to the sample, and no fault passes for whole."""

import numpy as np
import pytest
import samplerate
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon.pcm import clipped, floats_of
from antiphon.simulator import chirps, speech

ROOM_HZ, LINK_HZ = 16_000, 24_000
SECOND = ROOM_HZ
EDGE = 2 * ROOM_HZ * chirps.GUARD_MS / 1000 + ROOM_HZ * chirps.WINDOW_MS / 1000
"""As far from its ends as this, all that arrives is claimed."""


def played(level_db, seconds=4):
    """A room: the code, a sentence in it, and a noise floor."""
    room = chirps.code(seconds * SECOND, ROOM_HZ, level_db=level_db).astype(np.int32)
    sentence = speech.synthesise("Hey Jarvis, what time is it?", "rms", ROOM_HZ)
    room[SECOND : SECOND + len(sentence)] += sentence
    room += np.rint(np.random.default_rng(5).normal(0, 8, len(room))).astype(np.int32)
    return np.clip(room, -32_768, 32_767).astype(np.int16)


QUIET, LOUDER = played(-50), played(-40)


def streamed(samples, from_hz=ROOM_HZ, to_hz=LINK_HZ, block=1280):
    """Through a streaming resampler and back to 16 bit, as a daemon would; begun cold, with its delay."""
    resampler = samplerate.Resampler("sinc_fastest", 1)
    return clipped(
        np.concatenate(
            [
                resampler.process(floats_of(samples[at : at + block]), to_hz / from_hz)
                for at in range(0, len(samples), block)
            ]
        )
    )


def verdict(room, taken):
    return chirps.compare(room, ROOM_HZ, streamed(taken), LINK_HZ)


def claims(told, frame):
    return told.first_frame <= frame <= told.last_frame


# ── the code ──


def test_code_is_one_sequence_however_it_is_cut():
    whole = chirps.code(3 * SECOND, ROOM_HZ, first_slot=0)
    later = chirps.code(SECOND, ROOM_HZ, first_slot=50)
    # Cut elsewhere, the phase begins anew; the pitches do not.
    assert chirps.compare(chirps.code(SECOND, ROOM_HZ, first_slot=50), ROOM_HZ, later, ROOM_HZ).whole
    assert np.array_equal(whole[:SECOND], chirps.code(SECOND, ROOM_HZ))


@pytest.mark.parametrize("level_db", [-60, -50, -30])
def test_code_has_constant_loudness(level_db):
    sound = chirps.code(SECOND, ROOM_HZ, level_db=level_db).astype(float)
    rms = np.sqrt(np.mean(sound.reshape(-1, 320) ** 2, axis=1))
    assert 20 * np.log10(rms * np.sqrt(2) / 32_768) == pytest.approx(level_db, abs=0.5)


def test_code_lies_in_its_band():
    spectrum = np.abs(np.fft.rfft(chirps.code(SECOND, ROOM_HZ, level_db=-6) * np.hanning(SECOND))) ** 2
    inside = slice(int(chirps.LOWEST_HZ) - 100, int(chirps.HIGHEST_HZ) + 100)
    assert spectrum[inside].sum() / spectrum.sum() > 0.999


@settings(max_examples=15)
@given(st.integers(0, 2**40))
def test_no_two_stretches_of_200_ms_are_alike(slot):
    one = chirps.code(3200, ROOM_HZ, slot, level_db=-6).astype(float)
    rest = chirps.code(4 * SECOND, ROOM_HZ, slot + 11, level_db=-6).astype(float)
    match = np.abs(np.correlate(rest, one, "valid"))
    assert match.max() / np.sum(one**2) < chirps._ALIKE


# ── what arrives ──


@pytest.mark.parametrize("room", [QUIET, LOUDER], ids=["-50 dB", "-40 dB"])
@pytest.mark.parametrize("first", [0, 1, 4801])
@pytest.mark.parametrize("block", [320, 1280])
def test_resampled_sound_is_whole(room, first, block):
    taken = room[first : 3 * SECOND]
    told = chirps.compare(room, ROOM_HZ, streamed(taken, block=block), LINK_HZ)
    assert told.whole, told
    assert (told.lost_frames, told.inserted_frames, told.damaged_frames) == (0, 0, 0)
    assert told.residual_db < -30
    assert first <= told.first_frame < first + EDGE
    assert 3 * SECOND - EDGE < told.last_frame < 3 * SECOND


@pytest.mark.parametrize("rates_hz", [(16_000, 16_000), (48_000, 24_000), (44_100, 24_000), (24_000, 16_000)])
def test_any_rates_will_do(rates_hz):
    from_hz, to_hz = rates_hz
    room = chirps.code(3 * from_hz, from_hz)
    taken = room[from_hz // 3 : 2 * from_hz]
    told = chirps.compare(room, from_hz, streamed(taken, from_hz, to_hz), to_hz)
    assert told.whole, told
    assert abs(told.first_frame - from_hz / 3) < 0.015 * from_hz
    assert abs(told.last_frame - 2 * from_hz) < 0.015 * from_hz
    broken = chirps.compare(room, from_hz, streamed(np.delete(taken, from_hz), from_hz, to_hz), to_hz)
    assert not broken.whole
    assert broken.lost_frames == 1


def test_sound_that_goes_on_around_it_is_not_claimed():
    """Before and after what was played, the received sound holds something else."""
    other = streamed(chirps.code(SECOND, ROOM_HZ, first_slot=10_000))
    told = chirps.compare(QUIET, ROOM_HZ, np.concatenate([other, streamed(QUIET), other]), LINK_HZ)
    assert told.whole, told
    assert told.first_frame < 2 * EDGE
    assert told.last_frame > len(QUIET) - 2 * EDGE


@pytest.mark.parametrize("gain", [0.25, 0.5, 2])
def test_gain_is_free(gain):
    taken = clipped(floats_of(LOUDER[:SECOND]) * np.float32(gain))
    assert verdict(LOUDER, taken).whole


# ── what does not ──


@settings(max_examples=25)
@given(st.integers(0, 2 * SECOND - 1), st.sampled_from([QUIET, LOUDER]))
@example(82, QUIET)  # next to where the first piece begins
def test_one_sample_left_out_is_found_or_not_claimed(at, room):
    told = verdict(room, np.delete(room[: 2 * SECOND], at))
    if told.whole:
        assert not claims(told, at)
    if EDGE + 800 < at < 2 * SECOND - EDGE - 800:  # the shortest piece that can be placed is 50 ms
        assert (told.lost_frames, told.inserted_frames, told.whole) == (1, 0, False)


@settings(max_examples=25)
@given(st.integers(0, 2 * SECOND - 1), st.sampled_from([QUIET, LOUDER]))
@example(241, LOUDER)
def test_one_sample_said_twice_is_found_or_not_claimed(at, room):
    told = verdict(room, np.insert(room[: 2 * SECOND], at, room[at]))
    if told.whole:
        assert not claims(told, at)
    if EDGE + 800 < at < 2 * SECOND - EDGE - 800:
        assert (told.lost_frames, told.inserted_frames, told.whole) == (0, 1, False)


@settings(max_examples=25)
@given(st.integers(0, 2 * SECOND - 80), st.sampled_from([QUIET, LOUDER]))
def test_five_ms_of_silence_are_found_or_not_claimed(at, room):
    taken = room[: 2 * SECOND].copy()
    taken[at : at + 80] = 0
    told = verdict(room, taken)
    if told.whole:
        assert not (claims(told, at) and claims(told, at + 79))
    if EDGE + 800 < at < 2 * SECOND - EDGE - 880:
        assert 40 <= told.damaged_frames <= 400


@settings(max_examples=25)
@given(st.integers(int(EDGE) + 800, SECOND), st.sampled_from([160, 320, 1280]))
def test_swapped_blocks_are_found(at, block):
    taken = QUIET[: 2 * SECOND].copy()
    one, two = slice(at, at + block), slice(at + block, at + 2 * block)
    taken[one], taken[two] = QUIET[two], QUIET[one]
    told = verdict(QUIET, taken)
    assert not told.whole
    assert told.lost_frames == told.inserted_frames
    assert told.lost_frames + told.damaged_frames >= block


@pytest.mark.parametrize("block", [320, 1280, 8000])
def test_block_left_out_or_said_twice_is_counted(block):
    left_out = verdict(QUIET, np.delete(QUIET[: 3 * SECOND], slice(20_000, 20_000 + block)))
    assert (left_out.lost_frames, left_out.inserted_frames) == (block, 0), left_out
    twice = verdict(QUIET, np.insert(QUIET[: 3 * SECOND], 20_000, QUIET[20_000 - block : 20_000]))
    assert (twice.lost_frames, twice.inserted_frames) == (0, block), twice


def test_several_faults_are_all_counted():
    taken = np.delete(QUIET, [20_000, 30_000, 30_001, 50_000])
    told = verdict(QUIET, taken)
    assert (told.lost_frames, told.inserted_frames, len(told.pieces)) == (4, 0, 4), told


def test_other_sound_has_not_arrived():
    told = verdict(QUIET, chirps.code(SECOND, ROOM_HZ, first_slot=9_999))
    assert not told.whole
    assert told.last_frame < told.first_frame
    assert str(told) == "nothing of what was played has arrived"


def test_silence_has_not_arrived():
    assert not verdict(QUIET, np.zeros(SECOND, np.int16)).whole


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="too little"):
        chirps.compare(QUIET, ROOM_HZ, QUIET[:500], ROOM_HZ)
    with pytest.raises(ValueError, match="12 kHz"):
        chirps.compare(QUIET, ROOM_HZ, QUIET, 8_000)


def test_verdict_says_what_is_wrong_in_one_sentence():
    told = str(verdict(QUIET, np.delete(QUIET[: 2 * SECOND], 16_000)))
    assert "in 2 pieces: 1 lost, 0 inserted, 0 damaged" in told
