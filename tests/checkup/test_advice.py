"""What is said of figures, and advised: each of many faults, laid into a recording, is named, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest

from antiphon.audio.acoustic import Clocks
from antiphon.checkup.advice import explain
from antiphon.settings import Layer, Settings, load
from sweeping import hum, lost, measured, noise_like, only_below, turned_down

RATE_HZ = 16_000


def settings(*layers):
    return load([Layer("test", one) for one in layers]).settings


def judged(*, with_settings=None, volume=None, **room):
    """The findings by check."""
    found = explain(measured(**room), with_settings or Settings(), RATE_HZ, volume)
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


@pytest.mark.parametrize("how", [room(change=lost(320), delay_ms=320.0), room(underflows=6, decay_ms=950.0)])
def test_figures_of_a_sound_that_was_lost_are_not_told(how):
    found = judged(**how)
    assert set(faults(found)) == {"frames"}
    assert found["frames"].remedy.startswith("try again")
    for check in ("distortion", "band", "echo delay", "room", "clocks"):
        assert (found[check].verdict, found[check].says) == ("skip", "not known, as sound was lost")


def test_where_too_little_was_heard_the_rest_is_not_known():
    found = {one.check: one for one in explain(replace(measured(), clocks=Clocks(None, ())), Settings(), RATE_HZ)}
    assert found["echo level"].verdict == "warn"
    assert "try again" in found["echo level"].remedy
    assert (found["echo delay"].verdict, found["room"].verdict) == ("skip", "skip")


def test_too_little_above_the_noise_is_said():
    found = judged(gain_db=-30.0, noise_db=-40.0)
    assert found["echo level"].verdict == "warn"
    assert "quieter moment" in found["echo level"].remedy
