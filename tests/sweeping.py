"""The probe played into a room of numbers, and what a microphone records of it: for the tests of the acoustic test."""

from functools import cache

import numpy as np

from antiphon.audio.acoustic import Recording, measure
from antiphon.audio.sweep import Probe
from antiphon.pcm import clipped, floats_of, frames_in
from antiphon.simulator.acoustics import Acoustics, heard_in_room, room_response

LEAD_S = 0.7
"""The microphone records so much before the probe begins."""


def recorded(
    *,
    mic_hz=16_000,
    spk_hz=24_000,
    delay_ms=30.0,
    gain_db=-10.0,
    drift_ppm=0,
    soft_clip=None,
    decay_ms=120.0,
    noise_db=-60.0,
    change=lambda heard, probe: heard,
    **said,
):
    """A recording, and its probe. `change` gets the samples (floats) and the probe, and returns channels of them."""
    probe = Probe(mic_hz, spk_hz)
    mic = _heard(mic_hz, spk_hz, delay_ms, gain_db, drift_ppm, soft_clip, decay_ms, noise_db)
    heard = np.atleast_2d(change(floats_of(mic), probe))
    heard = floats_of(clipped(heard.astype(np.float32)))
    said_frame = frame_of(probe, probe.normal.at_s, mic_hz, drift_ppm)
    return Recording(heard, mic_hz, said_frame, **said), probe


@cache
def _heard(mic_hz, spk_hz, delay_ms, gain_db, drift_ppm, soft_clip, decay_ms, noise_db):
    """By a microphone without a fault."""
    probe = Probe(mic_hz, spk_hz)
    far = np.concatenate(
        [np.zeros(frames_in(1000 * LEAD_S, spk_hz), np.int16), probe.sound(), np.zeros(2 * spk_hz, np.int16)]
    )
    room = room_response(mic_hz, decay_ms) if decay_ms else np.ones(1, np.float32)
    acoustics = Acoustics(room, delay_ms, gain_db, soft_clip, drift_ppm)
    return heard_in_room(far, acoustics, mic_rate_hz=mic_hz, spk_rate_hz=spk_hz, noise_db=noise_db).mic


def frame_of(probe, at_s, mic_hz=16_000, drift_ppm=0):
    """Where in the recording the cards would say what is played at `at_s` of the probe."""
    return (LEAD_S + at_s) * mic_hz / (1 + drift_ppm / 1e6)


def measured(**room):
    """The figures of such a recording."""
    return _measured(tuple(sorted(room.items())))


@cache
def _measured(room):
    return measure(*recorded(**dict(room)))


# ── faults ──


def noise_like(heard, level_db, seed=2):
    return (np.random.default_rng(seed).standard_normal(len(heard)) * 10 ** (level_db / 20)).astype(np.float32)


def only_below(limit_hz, rate_hz=16_000):
    """A microphone that hears nothing above."""

    def change(heard, _):
        spectrum = np.fft.rfft(heard)
        spectrum[np.fft.rfftfreq(len(heard), 1 / rate_hz) > limit_hz] = 0
        return np.fft.irfft(spectrum, len(heard)) + noise_like(heard, -75)

    return change


def lost(frames, at_s=7.8):
    """`frames` are missing from there on; what is below 0 is silence that was put in."""

    def change(heard, probe):
        at = round(frame_of(probe, at_s))
        if frames > 0:
            return np.concatenate([heard[:at], heard[at + frames :]])
        return np.concatenate([heard[:at], np.zeros(-frames, np.float32), heard[at:]])

    return change


def hum(level_db, mains_hz=50.0, rate_hz=16_000):
    def change(heard, _):
        t_s = np.arange(len(heard)) / rate_hz
        wave = np.sin(2 * np.pi * mains_hz * t_s) + 0.5 * np.sin(6 * np.pi * mains_hz * t_s)
        return heard + 10 ** (level_db / 20) * wave

    return change


def turned_down(heard, probe):
    """An automatic gain: what is loud is turned down by 8 dB, all of it."""
    first, end = (round(frame_of(probe, at_s)) for at_s in (probe.normal.at_s - 0.2, probe.normal.at_s + 2.6))
    quieter = heard.copy()
    quieter[first:end] *= 10 ** (-8 / 20)
    return quieter
