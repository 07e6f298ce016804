"""What is skipped where networks are forbidden, and what is not: a lab that is broken must fail, or nobody sees it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from network.lab import NoLabError, failure

TESTS = Path(__file__).parents[1]
KEPT = "echo kept; exec cat"
PROGRAM = "from network.lab import why_no_lab; print(why_no_lab())"

pytestmark = pytest.mark.network


def asked(**commands):
    """What why_no_lab() says, with shell scripts in the place of commands of the system."""
    with tempfile.TemporaryDirectory() as folder:
        for name, script in commands.items():
            Path(folder, name).write_text(f"#!/bin/sh\n{script}\n")
            Path(folder, name).chmod(0o755)
        environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(TESTS)}
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=60, check=True
        )
    return ended.stdout.strip()


@pytest.mark.parametrize(
    "words",
    [
        "unshare: unshare failed: Operation not permitted",
        "unshare: write failed /proc/self/uid_map: Permission denied",
        "unshare: unshare failed: No space left on device",
    ],
)
def test_what_the_kernel_forbids_is_skipped_in_its_words(words):
    told = asked(unshare=f"echo '{words}' >&2; exit 1")
    assert "forbidden" in told
    assert words in told


def test_a_firewall_that_is_forbidden_is_skipped_too():
    refused = "Error: Could not process rule: Operation not permitted"
    names = """echo '{"what":"listening"}'; while read order; do echo '{"what":"obeyed"}'; done"""
    enter = f'case "$*" in *nft*) echo "{refused}" >&2; exit 1;; *unshare*) {KEPT};; *services*) {names};; esac'
    told = asked(unshare=KEPT, nsenter=enter)
    assert "router: nft" in told
    assert refused in told


@pytest.mark.parametrize(
    "words", ["Cannot find device eth0", "Error: syntax error", "nsenter: failed to execute ip: No such file"]
)
def test_a_lab_that_is_broken_is_not_skipped(words):
    assert asked(unshare=KEPT, nsenter=f"echo '{words}' >&2; exit 1") == ""


def test_a_command_that_is_missing_is_not_skipped():
    assert asked(unshare="exit 127") == ""


def test_the_error_says_which_of_the_two_it_is():
    assert isinstance(failure("nft: Operation not permitted"), NoLabError)
    assert isinstance(failure("nft: syntax error"), AssertionError)
