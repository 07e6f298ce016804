"""The command line."""

import argparse

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.voxserve.arguments import add_arguments, options_from
from antiphon.simulator.voxserve.faults import Fault, Kind
from antiphon.simulator.voxserve.options import Timing, VoxServeOptions


def options(*line):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options_from(parser.parse_args(line))


def test_no_arguments_are_the_defaults():
    assert options() == VoxServeOptions()


def test_each_argument_has_its_place(tmp_path):
    line = ["--host", "0.0.0.0", "--port", "8000", "--reply", "Hi.", "--quick", "--keep", str(tmp_path)]
    made = options(*line, "--fault", "cut=44@0", "--fault", "dead@3")
    assert (made.host, made.port, made.replies) == ("0.0.0.0", 8000, ("Hi.",))
    assert (made.timing, made.keep_dir) == (Timing.quick(), tmp_path)
    assert made.faults == (Fault(Kind.CUT, 44, "", (0,)), Fault(Kind.DEAD, 0, "", (3,)))


def test_every_other_setting_is_a_switch():
    made = options(
        "--switch", "timeout_s=3", "--switch", "slots=2", "--switch", "voice=rms", "--switch", "timing.speed=0.5"
    )
    assert (made.timeout_s, made.slots, made.voice, made.timing.speed) == (3, 2, "rms", 0.5)


@pytest.mark.parametrize(
    "text", ["nothing=1", "slots=x", "slots=1.5", "slots=true", "slots=-1", "timing.word=1", "replies=[]", "faults=1"]
)
def test_a_switch_that_cannot_be_set_says_why(text):
    with pytest.raises(SettingsError, match="--switch"):
        options("--switch", text)


@pytest.mark.parametrize("line", [("--port=65536",), ("--port=-1",), ("--switch", "port=99999")])
def test_a_port_that_is_none_is_refused(line):
    with pytest.raises(SettingsError, match="a port is"):
        options(*line)


def test_an_unknown_fault_is_refused():
    with pytest.raises(SettingsError, match="is not known"):
        options("--fault", "explode")
