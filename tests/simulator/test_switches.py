"""Any plain setting by NAME=VALUE: what is set, and what is refused."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.switches import Switches


@dataclass(frozen=True, slots=True)
class Timing:
    speed: float = 4.0
    cancel_ms: tuple[float, float] = (50.0, 60.0)


@dataclass(frozen=True, slots=True)
class Options:
    port: int = 0
    timing: Timing = field(default_factory=Timing)
    voice: str = "slt"
    strict: bool = False
    limit_s: float = 5.0
    end: Literal["error", "drop"] = "error"
    replies: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    keep: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Timing, ...] = ()


SWITCHES = Switches(Options, but=("replies",), least=0)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("port=7", Options(port=7)),
        ("voice=", Options(voice="")),
        ("voice=3=x", Options(voice="3=x")),
        ("strict=true", Options(strict=True)),
        ("limit_s=0", Options(limit_s=0)),
        ("limit_s=1.5", Options(limit_s=1.5)),
        ("end=drop", Options(end="drop")),
        ("said=[]", Options(said=())),
        ('said=["yes", "no", "yes"]', Options(said=("yes", "no", "yes"))),
        ("timing.speed=0.5", Options(timing=Timing(speed=0.5))),
        ("timing.cancel_ms=[1, 2.5]", Options(timing=Timing(cancel_ms=(1, 2.5)))),
    ],
)
def test_a_setting_is_set(text, made):
    assert SWITCHES.turned(Options(), text) == made


def test_what_was_set_before_stays():
    options = SWITCHES.turned(Options(port=7, timing=Timing(cancel_ms=(1, 2))), "timing.speed=2")
    assert options == Options(port=7, timing=Timing(2, (1, 2)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port=x", "'x' is no number, true, false or list"),
        ("port=1.5", "the setting is of the form 0"),
        ("port=true", "the setting is of the form 0"),
        ("port", "'' is no number"),
        ("strict=1", "the setting is of the form false"),
        ("limit_s=false", "the setting is of the form 5.0"),
        ("limit_s=-0.5", "the setting is 0 or more"),
        ("end=maybe", "the setting is one of error, drop"),
        ("end=", "the setting is one of error, drop"),
        ("said=5", "the setting is of the form []"),
        ('said=["yes", 5]', "the setting is of the form []"),
        ("timing.cancel_ms=[1]", "the setting is of the form [50.0, 60.0]"),
        ("timing.cancel_ms=[1, 2, 3]", "the setting is of the form [50.0, 60.0]"),
        ('timing.cancel_ms=[1, "2"]', "the setting is of the form [50.0, 60.0]"),
        ('timing.cancel_ms={"a": 1, "b": 2}', "the setting is of the form [50.0, 60.0]"),
    ],
)
def test_a_value_that_is_none_says_what_is_allowed(text, words):
    with pytest.raises(SettingsError) as refused:
        SWITCHES.turned(Options(), text)
    assert str(refused.value).startswith(f"--switch {text}: {words}")


@pytest.mark.parametrize(
    "name", ["nothing", "", "speed", "timing", "timing.", "timing.port", "replies", "keep", "keys", "faults"]
)
def test_a_name_that_is_none_is_met_with_those_there_are(name):
    with pytest.raises(SettingsError) as refused:
        SWITCHES.turned(Options(), f"{name}=[]")
    assert str(refused.value) == (
        f"--switch {name}=[]: there is no setting {name!r}; "
        "use one of port, voice, strict, limit_s, end, said, timing.speed, timing.cancel_ms"
    )


def test_there_need_not_be_a_least_number():
    assert Switches(Options).turned(Options(), "port=-1") == Options(port=-1)


def test_the_help_names_them_all():
    parser = argparse.ArgumentParser()
    SWITCHES.add(parser)
    assert "names: port, voice, strict, limit_s, end, said, timing.speed," in " ".join(parser.format_help().split())
    assert parser.parse_args(["--switch", "a=1", "--switch", "b=2"]).switch == ["a=1", "b=2"]
