"""What is said of figures, and advised: each of many faults, laid into a recording, is named, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest

from antiphon.audio.acoustic import Channel, Clocks, measure
from antiphon.checkup.advice import Suggestion, as_yaml, explain, suggest
from antiphon.settings import Layer, Settings, load
from sweeping import hum, lost, noise_like, only_below, recorded, turned_down

RATE_HZ = 16_000


def settings(*layers):
    return load([Layer("test", one) for one in layers]).settings


def judged(*, with_settings=None, volume=None, **room):
    """The findings by check."""
    recording, probe = recorded(**room)
    found = explain(measure(recording, probe), with_settings or Settings(), recording.rate_hz, volume)
    names = [finding.check for finding in found]
    assert len(set(names)) == len(names)
    assert all(finding.remedy for finding in found if finding.verdict in ("fail", "warn"))
    return {finding.check: finding for finding in found}


def faults(found):
    return {check: finding.verdict for check, finding in found.items() if finding.verdict in ("fail", "warn")}


def test_a_sound_room_has_no_fault():
    found = judged()
    assert {finding.verdict for finding in found.values()} == {"ok"}, found
    assert "30.0 ms beyond" in found["echo delay"].says
    assert "echo return loss 10.0 dB" in found["echo level"].says


def room(**how):
    return how


FAULTS = {
    "muted speaker": (room(change=lambda heard, _: noise_like(heard, -60)), "echo level", "fail", "nothing of what"),
    "muted microphone": (room(change=lambda heard, _: 0 * heard), "echo level", "fail", "without a trace"),
    "nearly muted": (room(gain_db=-52.0, noise_db=-75.0), "echo level", "warn", "hardly anything"),
    "too loud": (room(gain_db=6.0), "echo level", "warn", "+6.0 dB"),
    "clipping microphone": (
        room(noise_db=-75.0, change=lambda heard, _: np.clip(20 * heard, -1, 1)),
        "clipping",
        "warn",
        "full scale",
    ),
    "bending speaker": (room(soft_clip=0.025), "distortion", "warn", "%"),
    "automatic gain": (room(change=turned_down), "distortion", "warn", "-8.0 dB"),
    "noise": (room(noise_db=-35.0, gain_db=0.0), "noise", "warn", "-35 dBFS"),
    "hum": (room(change=hum(-45.0)), "noise", "warn", "50 Hz"),
    "direct current": (room(change=lambda heard, _: heard + 0.03), "dc offset", "warn", "3.00 %"),
    "wrong channel": (
        room(change=lambda heard, _: np.stack([noise_like(heard, -60), heard])),
        "channels",
        "fail",
        "channel 2 hears",
    ),
    "dead channel": (room(change=lambda heard, _: np.stack([heard, 0 * heard])), "channels", "warn", "2 hears nothing"),
    "telephone": (room(change=only_below(3400.0)), "band", "warn", "nothing above 3."),
    "late echo": (room(delay_ms=320.0), "echo delay", "warn", "320.0 ms"),
    "bare room": (room(decay_ms=950.0, noise_db=-75.0), "room", "warn", "sounds on for 9"),
    "two clocks": (room(drift_ppm=180), "clocks", "warn", "180.0 ppm faster"),
    "wrong rate": (room(drift_ppm=-900), "clocks", "fail", "900.0 ppm slower"),
    "lost frames": (room(change=lost(320)), "frames", "warn", "20.0 ms of sound got lost"),
    "speaker stood still": (room(change=lost(-320)), "frames", "warn", "stood still for 20.0 ms"),
    "overflow": (room(overflows=1), "frames", "warn", "overflows: 1"),
    "underflow": (room(underflows=4), "frames", "warn", "underflows: 4"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_and_no_other(name):
    how, check, verdict, words = FAULTS[name]
    found = judged(**how)
    # What is turned up until it clips is loud, too.
    assert set(faults(found)) == {check} | ({"echo level"} if name == "clipping microphone" else set()), found
    assert found[check].verdict == verdict
    assert words in found[check].says


@pytest.mark.parametrize(("volume", "verdict"), [(0, "fail"), (7, "warn"), (60, "ok"), (None, "ok")])
def test_the_mixer_is_looked_at(volume, verdict):
    found = judged(volume=volume)
    assert found["mixer"].verdict == verdict
    assert ("muted" in found["mixer"].says) is (volume == 0)


def test_where_nothing_is_heard_the_rest_is_not_known():
    found = judged(change=lambda heard, _: noise_like(heard, -60))
    for check in ("distortion", "band", "echo delay", "room", "clocks"):
        assert found[check].verdict == "skip"


def test_a_microphone_that_cancels_is_right_to_hear_nothing():
    hardware = settings("echo: {cancel: hardware}")
    assert judged(with_settings=hardware, change=lambda heard, _: noise_like(heard, -60))["echo level"].verdict == "ok"
    assert judged(with_settings=hardware, gain_db=-50.0, noise_db=-75.0)["echo level"].verdict == "ok"
    assert "does not take out" in judged(with_settings=hardware)["echo level"].remedy


def test_too_little_above_the_noise_is_said():
    found = judged(gain_db=-30.0, noise_db=-40.0)
    assert found["echo level"].verdict == "warn"
    assert "quieter moment" in found["echo level"].remedy


# ── suggestions ──


def suggested(text="{}", *, can_cancel=True, change_measured=None, volume=None, **room):
    """By key; all of it must be settings that load."""
    recording, probe = recorded(**room)
    measured = measure(recording, probe)
    if change_measured is not None:
        measured = replace(measured, **change_measured)
    ones = suggest(measured, settings(text), recording.rate_hz, volume, can_cancel=can_cancel)
    pasted = as_yaml(ones)
    loaded = settings(text, pasted) if ones else settings(text)
    for one in ones:
        section, _, key = one.key.partition(".")
        assert getattr(getattr(loaded, section), key) == one.value
        assert one.reason in pasted
        assert getattr(getattr(settings(text), section), key) != one.value
    return {one.key: one.value for one in ones}


def test_a_straight_echo_is_to_be_cancelled_where_it_can_be():
    assert suggested()["echo.cancel"] == "software"
    assert "echo.cancel" not in suggested("echo: {cancel: software}")
    assert "echo.cancel" not in suggested(can_cancel=False)


@pytest.mark.parametrize(
    "how",
    [
        room(soft_clip=0.02),
        room(change=turned_down),
        room(change=lost(320)),
        room(delay_ms=320.0),
        room(drift_ppm=-900),
        room(change=lambda heard, _: np.clip(20 * heard, -1, 1)),
    ],
    ids=["bent", "gain moves", "lost", "late", "wrong rate", "clips"],
)
def test_what_cannot_be_cancelled_is_not_to_be(how):
    assert "echo.cancel" not in suggested(**how)
    assert suggested("echo: {cancel: software}", **how)["echo.cancel"] == "none"


def test_a_microphone_that_does_not_cancel_is_not_to_be_trusted():
    hardware = "echo: {cancel: hardware}"
    assert suggested(hardware)["echo.cancel"] == "software"
    assert suggested(hardware, can_cancel=False)["echo.cancel"] == "none"
    assert "echo.cancel" not in suggested(hardware, gain_db=-40.0)


def test_the_decay_is_that_of_a_reply_down_to_the_noise():
    dry, bare = suggested(decay_ms=0.0), suggested(decay_ms=900.0, noise_db=-75.0)
    assert dry["echo.decay_ms"] == 100
    assert 600 <= bare["echo.decay_ms"] <= 900
    assert "echo.decay_ms" not in suggested("echo: {decay_ms: 100}", decay_ms=0.0)


def test_what_distorts_or_clips_is_to_be_turned_down():
    assert suggested(soft_clip=0.02)["speaker.volume"] == 80
    assert suggested("speaker: {volume: 50}", soft_clip=0.02)["speaker.volume"] == 30
    assert suggested("speaker: {volume: 50}", soft_clip=0.02, volume=90)["speaker.volume"] == 70
    assert suggested(change=lambda heard, _: np.clip(20 * heard, -1, 1))["speaker.volume"] == 80
    assert "speaker.volume" not in suggested("speaker: {volume: 20}", soft_clip=0.02)
    assert "speaker.volume" not in suggested()


def test_a_rate_at_which_no_echo_can_be_judged():
    assert suggested("microphone: {rate_hz: 44100}", mic_hz=44_100)["microphone.rate_hz"] == 48_000


def test_a_speaker_that_runs_dry_gets_longer_blocks():
    assert suggested(underflows=1)["speaker.block_ms"] == 40
    assert suggested("speaker: {block_ms: 60}", underflows=1)["speaker.block_ms"] == 80
    assert "speaker.block_ms" not in suggested("speaker: {block_ms: 80}", underflows=1)


def test_of_what_was_not_heard_nothing_is_suggested():
    silent = {"channels": (Channel(None, -60.0, 0.0),), "clocks": Clocks(None, ())}
    assert suggested(change_measured=silent) == {}


def test_suggestions_can_be_pasted():
    text = as_yaml(
        [
            Suggestion("echo.cancel", "none", "a"),
            Suggestion("speaker.volume", 60, "b"),
            Suggestion("echo.decay_ms", 400, "c: d"),
        ]
    )
    assert text.count("echo:") == 1
    assert load([Layer("pasted", text)]).settings.echo.decay_ms == 400
    assert as_yaml([]) == ""
