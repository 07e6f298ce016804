"""The settings that the figures of the acoustic test suggest, each with its reason, to be pasted or taken.

Pure: the figures come from audio/acoustic.py, and what they mean is said by advice.py.
"""

import math
from dataclasses import dataclass

from antiphon.audio.acoustic import Measured
from antiphon.checkup.advice import (
    BENT_DB,
    CANCELLED_DB,
    CLIPPED,
    EARLIEST_MS,
    FAINT_DB,
    GAIN_MOVES_DB,
    LATEST_MS,
    LOUD_DB,
    MOST_PPM,
    unsure,
)
from antiphon.runtime.echo_path import RATES_HZ
from antiphon.settings import Settings

REPLY_DB = -20.0
"""How loud a reply is played."""
OVER_NOISE_DB, MOST_FALL_DB = 3.0, 50.0
FULL_VOLUME, LEAST_VOLUME = 100, 20


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A setting that would suit what was measured."""

    key: str
    """Section and key, with a dot."""
    value: int | str
    reason: str


def suggest(
    measured: Measured, settings: Settings, rate_hz: int, volume: int | None = None, *, can_cancel: bool
) -> list[Suggestion]:
    """Only what differs from the settings. `can_cancel`: the software cancellers are on this machine."""
    if measured.gain_db is None or measured.channel != 0 or unsure(measured):  # that is to be mended first
        return []
    wanted = [
        _rate(rate_hz),
        _volume(measured, settings, volume),
        _cancel(measured, settings, rate_hz, can_cancel=can_cancel),
        _decay(measured, settings),
    ]
    return [one for one in wanted if one is not None]


def _rate(rate_hz: int) -> Suggestion | None:
    if rate_hz in RATES_HZ:
        return None
    nearest = min(RATES_HZ, key=lambda rate: abs(rate - rate_hz))
    reason = f"at {rate_hz} Hz echo can be neither cancelled nor judged"
    return Suggestion("microphone.rate_hz", nearest, reason)


def _volume(measured: Measured, settings: Settings, volume: int | None) -> Suggestion | None:
    assert measured.gain_db is not None
    reasons = {
        "the speaker distorts": (measured.distortion_db or -math.inf) > BENT_DB,
        "the microphone clips": measured.clipped > CLIPPED,
        "the echo drowns every voice": measured.gain_db > LOUD_DB,
    }
    reason = next((words for words, holds in reasons.items() if holds), None)
    stands = next(one for one in (volume, settings.speaker.volume, FULL_VOLUME) if one is not None)
    lower = max(LEAST_VOLUME, stands - 20)
    if reason is None or lower >= stands or lower == settings.speaker.volume:
        return None
    return Suggestion("speaker.volume", lower, f"{reason} at {stands}; then measure again")


def _cancel(measured: Measured, settings: Settings, rate_hz: int, *, can_cancel: bool) -> Suggestion | None:
    wanted, reason = _canceller(measured, settings, rate_hz, can_cancel=can_cancel)
    return None if wanted == settings.echo.cancel else Suggestion("echo.cancel", wanted, reason)


def _canceller(measured: Measured, settings: Settings, rate_hz: int, *, can_cancel: bool) -> tuple[str, str]:
    """Who should cancel the echo, and why."""
    gain_db, delay_ms, drift_ppm = measured.gain_db, measured.delay_ms, measured.clocks.drift_ppm
    assert gain_db is not None
    assert delay_ms is not None
    if settings.echo.cancel == "hardware" and gain_db <= CANCELLED_DB:
        return "hardware", ""
    if gain_db < FAINT_DB:
        return settings.echo.cancel, ""
    obstacles = {
        "the echo is bent, and a bent one cannot be cancelled": measured.clipped > CLIPPED
        or (measured.distortion_db or -math.inf) > BENT_DB,
        "the gain moves by itself, and no canceller follows": abs(measured.compression_db or 0.0) > GAIN_MOVES_DB,
        "the echo comes too late to be cancelled": not EARLIEST_MS <= delay_ms <= LATEST_MS,
        "the clocks are too far apart": abs(drift_ppm or 0.0) > MOST_PPM,
    }
    obstacle = next((words for words, holds in obstacles.items() if holds), None)
    if obstacle is not None:
        return "none", obstacle
    if not can_cancel or rate_hz not in RATES_HZ:
        return (
            settings.echo.cancel if settings.echo.cancel != "hardware" else "none",
            "the microphone does not cancel it",
        )
    return "software", "the echo is clear and straight, so it can be taken out: your voice alone will interrupt"


def _decay(measured: Measured, settings: Settings) -> Suggestion | None:
    """Until the tail of a reply is as weak as the noise."""
    if measured.decay_ms is None or measured.delay_ms is None or measured.gain_db is None:
        return None
    fall_db = REPLY_DB + measured.gain_db - measured.noise_db - OVER_NOISE_DB
    fall_db = min(max(fall_db, 10.0), MOST_FALL_DB)
    ms = max(measured.delay_ms, 0.0) + measured.decay_ms * fall_db / 60
    wanted = int(min(2000, max(100, 50 * math.ceil(ms / 50))))
    if abs(wanted - settings.echo.decay_ms) < 100:
        return None
    fall = f"{measured.decay_ms:.0f} ms for 60 dB, {measured.delay_ms:.0f} ms late"
    reason = f"a reply's tail has then fallen by {fall_db:.0f} dB ({fall})"
    return Suggestion("echo.decay_ms", wanted, reason)


def as_yaml(suggestions: list[Suggestion]) -> str:
    """The suggestions as they can be pasted into the settings, each with its reason."""
    sections: dict[str, list[Suggestion]] = {}
    for one in suggestions:
        sections.setdefault(one.key.partition(".")[0], []).append(one)
    lines = []
    for section, ones in sections.items():
        lines.append(f"{section}:")
        for one in ones:
            words = f"  {one.key.partition('.')[2]}: {one.value}"
            lines.append(f"{words:24} # {one.reason}")
    return "\n".join(lines) + "\n" if lines else ""
