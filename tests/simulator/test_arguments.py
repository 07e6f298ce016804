"""The arguments that all services have."""

import argparse
from enum import Enum
from pathlib import Path

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.arguments import MAX_PORT, add_answers, add_faults, add_place, check_port


class Kind(Enum):
    REFUSE = "refuse"
    CUT = "cut"


def parser():
    made = argparse.ArgumentParser()
    add_place(made)
    add_answers(made, "call-<n>.wav")
    add_faults(made, Kind, "calls", "cut=5@0")
    return made


def test_without_arguments_it_is_here_and_slow_and_flawless():
    assert vars(parser().parse_args([])) == {
        "host": "127.0.0.1",
        "port": 0,
        "reply": [],
        "quick": False,
        "keep": None,
        "fault": [],
    }


def test_each_argument_has_its_place():
    line = ["--host", "::1", "--port", "7000", "--reply", "Hi.", "--reply", "Ho.", "--quick", "--keep", "kept"]
    assert vars(parser().parse_args([*line, "--fault", "refuse@1", "--fault", "cut"])) == {
        "host": "::1",
        "port": 7000,
        "reply": ["Hi.", "Ho."],
        "quick": True,
        "keep": Path("kept"),
        "fault": ["refuse@1", "cut"],
    }


def test_the_help_tells_what_is_the_services_own():
    told = " ".join(parser().format_help().split())
    assert "write call-<n>.wav there" in told
    assert "KIND[=NUMBER[:DETAIL]][@CALLS] what goes wrong, such as cut=5@0; kinds: refuse, cut" in told


def test_a_port_is_a_number_of_16_bits():
    check_port(0)
    check_port(MAX_PORT)
    for port in (-1, MAX_PORT + 1):
        with pytest.raises(SettingsError, match=f"--port {port}: a port is"):
            check_port(port)
