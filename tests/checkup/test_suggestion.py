"""Which settings are suggested of which figures; all of them can be pasted, and differ from those in force."""

from dataclasses import replace

import numpy as np
import pytest

from antiphon.audio.acoustic import Channel, Clocks
from antiphon.checkup.suggestion import Suggestion, as_yaml, suggest
from antiphon.settings import Layer, load
from sweeping import lost, measured, noise_like, turned_down


def settings(*layers):
    return load([Layer("test", one) for one in layers]).settings


def room(**how):
    return how


def suggested(text="{}", *, can_cancel=True, change_measured=None, volume=None, **room):
    """By key; all of it must be settings that load."""
    found, rate_hz = measured(**room), room.get("mic_hz", 16_000)
    if change_measured is not None:
        found = replace(found, **change_measured)
    ones = suggest(found, settings(text), rate_hz, volume, can_cancel=can_cancel)
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
        room(delay_ms=320.0),
        room(drift_ppm=-900),
        room(change=lambda heard, _: np.clip(20 * heard, -1, 1)),
    ],
    ids=["bent", "gain moves", "late", "wrong rate", "clips"],
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


@pytest.mark.parametrize(
    "how",
    [room(change=lost(320)), room(change=lost(-320)), room(underflows=1), room(overflows=1)],
    ids=["lost", "stood still", "dry", "overflow"],
)
def test_where_sound_was_lost_nothing_is_suggested(how):
    assert suggested("echo: {cancel: software, decay_ms: 1500}", decay_ms=900.0, **how) == {}


def test_of_too_little_nothing_is_suggested():
    faint = {"clocks": Clocks(None, ())}
    assert suggested("echo: {decay_ms: 1500}", change_measured=faint) == {}


def test_of_what_was_not_heard_nothing_is_suggested():
    silent = {"channels": (Channel(None, -60.0, 0.0),), "clocks": Clocks(None, ())}
    assert suggested(change_measured=silent) == {}


def test_while_the_wrong_channel_hears_nothing_is_suggested():
    assert suggested(change=lambda heard, _: np.stack([noise_like(heard, -60), heard])) == {}


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
