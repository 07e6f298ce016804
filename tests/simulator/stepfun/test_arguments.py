"""The command line."""

import argparse

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.stepfun.arguments import add_arguments, options_from
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply


def options(*line):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options_from(parser.parse_args(line))


def test_no_arguments_are_the_defaults():
    assert options() == SimulatorOptions()


@pytest.mark.parametrize("line", [("--port=65536",), ("--port=-1",), ("--switch", "port=99999")])
def test_a_port_that_is_none_is_refused(line):
    with pytest.raises(SettingsError, match="a port is"):
        options(*line)


def test_each_argument_has_its_place(tmp_path):
    line = [
        "--port",
        "7000",
        "--key",
        "sk-a",
        "--plan-key",
        "sk-b",
        "--no-key",
        "--seed",
        "4",
        "--reply",
        "Hi.",
        "--events",
    ]
    made = options(
        *line, "--quick", "--keep", str(tmp_path), "--fault", "close-at-event=5:1011@0", "--fault", "refuse@1"
    )
    assert (made.port, made.seed, made.require_key, made.log_events) == (7000, 4, False, True)
    assert made.keys == {"sk-a": "normal", "sk-b": "plan"}
    assert (made.replies, made.timing, made.keep_dir) == ((Reply("Hi."),), Timing.quick(), tmp_path)
    assert made.faults == (Fault(Kind.CLOSE_AT_EVENT, 5, "1011", (0,)), Fault(Kind.REFUSE, 0, "", (1,)))
    assert DEFAULT_KEY not in made.keys


def test_every_other_setting_is_a_switch():
    made = options(
        *("--switch", "vad_by_default=true", "--switch", "error_shape=flat", "--switch", "idle_drop_s=3"),
        *("--switch", "timing.first_audio_ms=12.5", "--switch", "timing.cancel_ms=[1, 2]", "--switch", "min_clip_ms=0"),
    )
    assert (made.vad_by_default, made.error_shape, made.idle_drop_s, made.min_clip_ms) == (True, "flat", 3, 0)
    assert (made.timing.first_audio_ms, made.timing.cancel_ms) == (12.5, (1, 2))


@pytest.mark.parametrize(
    "text", ["nothing=1", "seed=x", "vad_by_default=1", "seed=true", "timing.word=1", "timing.speed=[]"]
)
def test_a_switch_that_cannot_be_set_says_why(text):
    with pytest.raises(SettingsError, match="--switch"):
        options("--switch", text)


def test_a_word_that_is_none_of_the_choices_is_refused():
    with pytest.raises(SettingsError, match=r"--switch session_end=maybe: the setting is one of error, drop$"):
        options("--switch", "session_end=maybe")


def test_an_unknown_fault_is_refused():
    with pytest.raises(SettingsError, match="is not known"):
        options("--fault", "explode")
