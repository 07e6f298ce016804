"""The way of sound through a room, in numbers."""

import numpy as np
import pytest

from antiphon.pcm import FULL_SCALE, clipped
from antiphon.simulator.acoustics import (
    Acoustics,
    EchoPath,
    active_level_db,
    at_level,
    heard_in_room,
    room_response,
    soft_clipped,
)

OPEN_AIR = np.ones(1, np.float32)
"""Nothing but the direct sound."""


def hiss(frames, rms=2000, seed=1):
    return np.clip(np.random.default_rng(seed).standard_normal(frames) * rms, -30_000, 30_000).astype(np.int16)


def tone(frames, hz, rate_hz, level=0.25):
    return clipped((level * np.sin(2 * np.pi * hz / rate_hz * np.arange(frames))).astype(np.float32))


def rms_db(floats):
    return 10 * np.log10(np.mean(np.square(floats, dtype=np.float64)))


# ── the response ──


def test_response_is_direct_sound_and_a_tail_that_falls_by_sixty_db():
    taps = room_response(16_000, 200, direct_db=6)
    assert len(taps) == 3200
    assert np.sum(taps**2) == pytest.approx(1, abs=1e-5)
    assert 10 * np.log10(taps[0] ** 2 / np.sum(taps[1:] ** 2)) == pytest.approx(6, abs=0.01)
    fall_db = rms_db(taps[320:640]) - rms_db(taps[2880:3200])
    assert fall_db == pytest.approx(60 * 160 / 200, abs=2)


def test_another_seed_is_another_place_and_the_same_seed_the_same():
    assert np.array_equal(room_response(16_000, seed=3), room_response(16_000, seed=3))
    assert np.corrcoef(room_response(16_000, seed=3)[1:], room_response(16_000, seed=4)[1:])[0, 1] < 0.1


@pytest.mark.parametrize("wrong", [{"delay_ms": 1.9}, {"soft_clip": 0.0}])
def test_impossible_rooms_are_refused(wrong):
    with pytest.raises(ValueError, match=r"cannot be nearer|level above 0"):
        Acoustics(OPEN_AIR, **wrong)


def test_a_reach_beyond_a_second_and_low_rates_are_refused():
    with pytest.raises(ValueError, match="must end within"):
        EchoPath(Acoustics(np.zeros(15_000, np.float32), delay_ms=100))
    with pytest.raises(ValueError, match="Hz and more"):
        EchoPath(Acoustics(OPEN_AIR), 8000)


# ── the way through it ──


@pytest.mark.parametrize("spk_rate_hz", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("mic_rate_hz", [16_000, 48_000])
def test_a_click_is_heard_after_its_delay_with_its_gain(mic_rate_hz, spk_rate_hz):
    far = np.zeros(spk_rate_hz // 2, np.int16)
    far[spk_rate_hz // 10] = 30_000
    echo = EchoPath(Acoustics(OPEN_AIR, delay_ms=25, gain_db=-6), mic_rate_hz, spk_rate_hz).hear(far)
    assert len(echo) == mic_rate_hz // 2
    assert np.argmax(np.abs(echo)) == mic_rate_hz // 10 + mic_rate_hz // 40
    # Nothing of its area is lost between the rates.
    area = np.sum(echo, dtype=np.float64) / mic_rate_hz
    assert area == pytest.approx(30_000 / FULL_SCALE / spk_rate_hz * 10 ** (-6 / 20), rel=2e-3)


@pytest.mark.parametrize(("mic_rate_hz", "spk_rate_hz"), [(16_000, 16_000), (16_000, 48_000), (48_000, 24_000)])
def test_blocks_of_any_size_are_as_the_whole(mic_rate_hz, spk_rate_hz):
    far = hiss(spk_rate_hz)
    first = Acoustics(room_response(mic_rate_hz, 80), drift_ppm=100, soft_clip=0.1)
    then = Acoustics(room_response(mic_rate_hz, 60, seed=2), delay_ms=7, drift_ppm=-100)
    heard = []
    for sizes in ([spk_rate_hz], [spk_rate_hz // 100], [1, 7, 3000, 333]):
        path = EchoPath(first, mic_rate_hz, spk_rate_hz)
        path.move(then, mic_rate_hz // 3)
        parts, at = [], 0
        while at < spk_rate_hz:
            size = sizes[len(parts) % len(sizes)]
            parts.append(path.hear(far[at : at + size]))
            at += size
        heard.append(np.concatenate(parts))
    for other in heard[1:]:
        assert len(other) == len(heard[0]) == path.next_frame
        assert np.abs(other - heard[0]).max() < 1e-5


def test_equal_rates_without_drift_give_as_many_frames_as_they_take():
    path = EchoPath(Acoustics(room_response(16_000)))
    assert [len(path.hear(hiss(size))) for size in (160, 160, 1, 1279, 16_000)] == [160, 160, 1, 1279, 16_000]


@pytest.mark.parametrize("drift_ppm", [-200, 50, 200])
def test_a_faster_speaker_is_shorter_and_higher(drift_ppm):
    far = tone(10 * 16_000, 1000, 16_000)
    echo = EchoPath(Acoustics(OPEN_AIR, gain_db=0, drift_ppm=drift_ppm)).hear(far)
    assert len(echo) == pytest.approx(160_000 / (1 + drift_ppm / 1e6), abs=1)
    settled = echo[16_000:144_000]
    beat = (settled * np.exp(-2j * np.pi / 16 * np.arange(len(settled)))).reshape(-1, 16).mean(1)
    turns = np.unwrap(np.angle(beat))
    measured = np.polyfit(np.arange(len(turns)) * 16 / 16_000, turns, 1)[0] / (2 * np.pi * 1000) * 1e6
    assert measured == pytest.approx(drift_ppm, abs=0.5)


def test_soft_clipping_leaves_the_quiet_alone_and_the_loud_below_its_limit():
    ramp = np.linspace(-2, 2, 1001, dtype=np.float32)
    bent = soft_clipped(ramp, 0.25)
    assert np.abs(bent).max() <= 0.25
    assert np.all(np.diff(bent) >= 0)
    assert bent[505] == pytest.approx(ramp[505], rel=0.01)
    assert soft_clipped(ramp, None) is ramp
    loud = EchoPath(Acoustics(OPEN_AIR, gain_db=20, soft_clip=0.25)).hear(tone(16_000, 500, 16_000))
    assert 0.24 < np.abs(loud).max() <= 0.25


def test_a_moved_microphone_hears_otherwise_from_that_frame_on():
    far, near, away = hiss(16_000), Acoustics(room_response(16_000)), Acoustics(room_response(16_000, seed=9))
    moved, stayed, gone = EchoPath(near), EchoPath(near), EchoPath(away)
    moved.move(away, 8000)
    echo = moved.hear(far)
    assert np.allclose(echo[:8000], stayed.hear(far)[:8000], atol=1e-6)
    assert np.allclose(echo[8000:], gone.hear(far)[8000:], atol=1e-6)
    with pytest.raises(ValueError, match="has passed"):
        moved.move(near, 15_999)


def test_memory_does_not_grow():
    path = EchoPath(Acoustics(room_response(16_000), drift_ppm=100))
    for _ in range(50):
        path.hear(hiss(1600))
        path.move(Acoustics(room_response(16_000)))
    assert len(path._far) < 4000
    assert len(path._air) < 17_000
    assert len(path._places) < 5


# ── levels, and a whole scene ──


def test_the_level_of_a_voice_is_that_without_its_pauses():
    voice = np.concatenate([hiss(16_000), np.zeros(48_000, np.int16)])
    assert active_level_db(voice) == pytest.approx(20 * np.log10(2000 / FULL_SCALE), abs=0.2)
    assert active_level_db(at_level(voice, -40)) == pytest.approx(-40, abs=0.1)
    silence = np.zeros(16_000, np.int16)
    assert active_level_db(silence) == -np.inf
    assert not at_level(silence, -20).any()


@pytest.mark.parametrize("near_db", [0, -6, -12])
def test_a_scene_has_its_levels_and_tells_what_is_whose(near_db):
    heard = heard_in_room(
        hiss(48_000),
        Acoustics(room_response(16_000), gain_db=-6),
        near=[(16_000, hiss(8000, 50, seed=2))],
        near_db=near_db,
        noise_db=-60,
    )
    assert active_level_db(heard.near) - active_level_db(heard.echo) == pytest.approx(near_db, abs=0.2)
    assert not heard.near[:16_000].any()
    assert not heard.near[24_000:].any()
    noise = heard.mic.astype(np.int32) - heard.echo - heard.near
    assert 20 * np.log10(np.std(noise) / FULL_SCALE) == pytest.approx(-60, abs=0.2)


def test_a_scene_without_noise_is_echo_and_people_and_nothing_else():
    heard = heard_in_room(hiss(16_000), Acoustics(OPEN_AIR), near=[(15_000, hiss(9000))], noise_db=None)
    assert np.array_equal(heard.mic, heard.echo + heard.near)
    alone = heard_in_room(np.zeros(16_000, np.int16), Acoustics(OPEN_AIR), near=[(0, hiss(9000))], near_db=-30)
    assert active_level_db(alone.near) == pytest.approx(-30, abs=0.2)
