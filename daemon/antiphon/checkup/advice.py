"""What the figures of the acoustic test mean to the owner, and what he can do about them: findings.

Pure: the figures come from audio/acoustic.py. docs/acoustic.md says the same at length.
"""

import math

from antiphon.audio.acoustic import Measured
from antiphon.audio.sweep import BAND, MOST_HZ
from antiphon.checkup.finding import Finding
from antiphon.clone import page
from antiphon.pcm import ms_of
from antiphon.settings import Settings

FAINT_VOLUME = 10
FAINT_DB = -45.0
"""An echo that is weaker against what is played is hardly one: a voice beside it is 30 dB louder."""
LOUD_DB = 0.0
"""One that is stronger drowns every voice."""
CLIPPED = 0.001
NOISY_DB = -40.0
DC = 0.01
BENT_DB = -20.0
"""Ten per cent of distortion."""
GAIN_MOVES_DB = 3.0
UNEQUAL_DB = 15.0
"""A channel that hears so much less than another is dead, or looks the other way."""
DULL_HZ = 5000.0
LATEST_MS, EARLIEST_MS = 200.0, -25.0
"""What the echo cancellers can follow, beyond what the card says."""
FAST_PPM, MOST_PPM = 100.0, 600.0
UNCLEAR_DB = 30.0
LONG_DECAY_MS = 800.0
CANCELLED_DB = -20.0

_DOCS = page("docs/acoustic.md")


def explain(measured: Measured, settings: Settings, rate_hz: int, volume: int | None = None) -> list[Finding]:
    """A finding for each figure, in the order in which they are mended; `rate_hz` is the microphone's, `volume` the
    mixer's where there is one.
    """
    findings = [_mixer(volume), _heard(measured, settings), _channels(measured), _frames(measured, rate_hz)]
    findings += [_clipping(measured), _noise(measured), _dc(measured)]
    if why := "nothing was heard" if measured.gain_db is None else unsure(measured):
        unknown = "distortion", "band", "echo delay", "room", "clocks"
        return [*findings, *(Finding(check, "skip", f"not known, as {why}") for check in unknown)]
    return [
        *findings,
        _distortion(measured),
        _band(measured, rate_hz),
        _delay(measured),
        _room(measured),
        _clocks(measured),
    ]


def unsure(measured: Measured) -> str:
    """Why the figures of what was heard are not to be trusted; "" when they are."""
    if measured.overflows or measured.underflows or measured.clocks.lost_frames:
        return "sound was lost"
    if measured.gain_db is not None and measured.clocks.drift_ppm is None:
        return "too little was heard"
    return ""


# ── findings ─────────────────────────────────────────────────────────────────────────────────────


def _mixer(volume: int | None) -> Finding:
    if volume is None:
        return Finding("mixer", "ok", "the card has none, or none is used")
    if volume <= FAINT_VOLUME:
        says = f"it stands at {volume} of 100" + (": muted" if volume == 0 else "")
        return Finding("mixer", "warn" if volume else "fail", says, "turn it up: alsamixer, or antiphon volume 60")
    return Finding("mixer", "ok", f"it stands at {volume} of 100")


def _heard(measured: Measured, settings: Settings) -> Finding:
    gain_db = measured.gain_db
    which = (
        "if you did not hear it: the speaker is muted, unplugged, or not the one (alsamixer, speaker.device); if you "
        "did: the microphone is turned down or not the one (alsamixer F4, microphone.device)"
    )
    if settings.echo.cancel != "hardware":
        which += ", or takes the speaker's sound out by itself (echo.cancel: hardware)"
    if gain_db is None:
        if measured.noise_db == -math.inf:
            says = "the microphone gives silence without a trace of noise"
            return Finding("echo level", "fail", says, "it is muted: open its switch, or its channel in alsamixer (F4)")
        if settings.echo.cancel == "hardware":
            return Finding("echo level", "ok", "nothing is left of what is played: the microphone takes it out", "")
        return Finding("echo level", "fail", "the microphone hears nothing of what is played", which)
    says = f"heard {gain_db:+.1f} dB against what is played (echo return loss {-gain_db:.1f} dB)"
    if gain_db < FAINT_DB and settings.echo.cancel != "hardware":
        return Finding("echo level", "warn", f"hardly anything is heard: {says}", which)
    if gain_db > LOUD_DB:
        remedy = "turn the speaker or the microphone down, or put them further apart: it drowns every voice"
        return Finding("echo level", "warn", says, remedy)
    if settings.echo.cancel == "hardware" and gain_db > CANCELLED_DB:
        remedy = (
            "it does not take out what it plays: use the speaker of the same device, or echo.cancel software or none"
        )
        return Finding("echo level", "warn", says, remedy)
    if measured.clocks.drift_ppm is None or (measured.clear_db is not None and measured.clear_db < UNCLEAR_DB):
        return Finding("echo level", "warn", f"{says}, barely above the noise", "try again in a quieter moment")
    return Finding("echo level", "ok", says)


def _channels(measured: Measured) -> Finding:
    channels = measured.channels
    if len(channels) == 1:
        return Finding("channels", "ok", "the microphone has one, or copies of one")
    gains = [-math.inf if one.gain_db is None else one.gain_db for one in channels]
    best = max(gains)
    if best == -math.inf:
        return Finding("channels", "skip", f"none of {len(channels)} hears anything of what is played")
    told = ", ".join(
        f"{number} hears nothing" if gain == -math.inf else f"{number} {gain:+.0f} dB"
        for number, gain in enumerate(gains, 1)
    )
    if gains[0] < best - UNEQUAL_DB:
        says = f"the appliance uses channel 1, and channel {gains.index(best) + 1} hears: {told}"
        return Finding("channels", "fail", says, f"swap them, or make a device of the one that hears ({_DOCS})")
    if min(gains) < best - UNEQUAL_DB:
        return Finding("channels", "warn", f"one is dead: {told}", "only channel 1 is used; mend it if you want it")
    return Finding("channels", "ok", told)


def _frames(measured: Measured, rate_hz: int) -> Finding:
    wrong = []
    if measured.overflows:
        wrong.append(f"the card says that the microphone overflowed (overflows: {measured.overflows})")
    if measured.underflows:
        wrong.append(f"the card says that the speaker ran dry (underflows: {measured.underflows})")
    for lost in measured.clocks.lost_frames:
        ms = ms_of(abs(lost), rate_hz)
        wrong.append(f"{ms:.1f} ms of sound got lost" if lost > 0 else f"the sound stood still for {ms:.1f} ms")
    if wrong:
        remedy = "try again; if it goes on, free the CPU, use another USB port, or raise speaker.block_ms"
        return Finding("frames", "warn", ", ".join(wrong), remedy)
    if measured.clocks.drift_ppm is None:
        return Finding("frames", "ok", "the card says that none were lost")
    return Finding("frames", "ok", "none were lost")


def _clipping(measured: Measured) -> Finding:
    if measured.clipped > CLIPPED:
        says = f"{100 * measured.clipped:.1f} % of the normal sweep is at the microphone's full scale"
        return Finding("clipping", "warn", says, "turn its capture level down in alsamixer (F4), or the speaker down")
    return Finding("clipping", "ok", "the microphone is never at full scale")


def _noise(measured: Measured) -> Finding:
    if measured.noise_db == -math.inf:
        return Finding("noise", "ok", "none at all: digital silence before the sweep")
    says = f"{measured.noise_db:.0f} dBFS before anything is played"
    if measured.hum_hz is not None and measured.noise_db > -75:
        remedy = "a ground loop or a poor power supply: use another supply, cable or port"
        return Finding("noise", "warn", f"{says}, most of it hum of {measured.hum_hz:.0f} Hz", remedy)
    if measured.noise_db > NOISY_DB:
        return Finding("noise", "warn", says, "find what makes it, or turn the capture level down in alsamixer (F4)")
    return Finding("noise", "ok", says)


def _dc(measured: Measured) -> Finding:
    dc = measured.channels[measured.channel].dc
    says = f"{100 * abs(dc):.2f} % of full scale"
    if abs(dc) > DC:
        remedy = "the microphone's input is wired or powered wrongly, or poor: it costs loudness and clicks"
        return Finding("dc offset", "warn", says, remedy)
    return Finding("dc offset", "ok", says)


def _distortion(measured: Measured) -> Finding:
    bent_db, moved_db = measured.distortion_db, measured.compression_db
    assert bent_db is not None
    says = f"{percent(bent_db):.1f} %" if bent_db > -60 else "none to be seen"
    if measured.clipped > CLIPPED:
        return Finding("distortion", "skip", "not known, as the microphone clips")
    if bent_db > BENT_DB:
        remedy = (
            "turn the speaker down: it, or its amplifier, cannot play so loud, and such an echo cannot be cancelled"
        )
        return Finding("distortion", "warn", f"{says} at the loudness of a reply", remedy)
    if moved_db is not None and abs(moved_db) > GAIN_MOVES_DB:
        says = f"the normal sweep is heard {-moved_db:+.1f} dB against the quiet one, and hardly bent"
        remedy = "something turns itself up and down: switch Auto Gain Control off in alsamixer (F4)"
        return Finding("distortion", "warn", says, remedy)
    return Finding("distortion", "ok", says)


def _band(measured: Measured, rate_hz: int) -> Finding:
    assert measured.band_hz is not None
    low_hz, high_hz = measured.band_hz
    says = f"{low_hz:.0f} to {high_hz:.0f} Hz are heard"
    if high_hz < DULL_HZ < min(BAND * rate_hz, MOST_HZ) / 1.2:
        remedy = (
            "speech needs 8 kHz: take Bluetooth out of its telephone profile, give the card a rate of 16000 or more, "
            "or uncover the microphone"
        )
        return Finding("band", "warn", f"nothing above {high_hz / 1000:.1f} kHz is heard", remedy)
    return Finding("band", "ok", says)


def _delay(measured: Measured) -> Finding:
    assert measured.delay_ms is not None
    says = f"{measured.delay_ms:.1f} ms beyond what the card says"
    if not EARLIEST_MS <= measured.delay_ms <= LATEST_MS:
        remedy = "a sound server, or a Bluetooth speaker, holds the sound: use the card itself, or a speaker on a wire"
        return Finding("echo delay", "warn", f"{says}, which no echo canceller follows", remedy)
    return Finding("echo delay", "ok", says)


def _room(measured: Measured) -> Finding:
    decay_ms = measured.decay_ms
    if decay_ms is None:
        return Finding("room", "skip", "how long it sounds on is not known, as noise hides it")
    says = f"sounds on for {decay_ms:.0f} ms, until it has fallen by 60 dB"
    if decay_ms > LONG_DECAY_MS:
        return Finding("room", "warn", says, "it is bare: a carpet and curtains help; set echo.decay_ms as suggested")
    return Finding("room", "ok", says if decay_ms else "dry: it does not sound on")


def _clocks(measured: Measured) -> Finding:
    drift_ppm = measured.clocks.drift_ppm
    assert drift_ppm is not None
    which = "faster" if drift_ppm > 0 else "slower"
    says = f"the speaker's runs {abs(drift_ppm):.1f} ppm {which} than the microphone's"
    if abs(drift_ppm) > MOST_PPM:
        remedy = "one of the two does not run at its rate: set microphone.rate_hz and speaker.rate_hz to null"
        return Finding("clocks", "fail", says, remedy)
    if abs(drift_ppm) > FAST_PPM:
        return Finding("clocks", "warn", says, "it works; one device for both has one clock, and none of this")
    return Finding("clocks", "ok", says)


def percent(ratio_db: float) -> float:
    """A ratio of powers in decibels as the ratio of amplitudes, in per cent."""
    return 100 * 10 ** (ratio_db / 20)
