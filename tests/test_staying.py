"""What `antiphon demo --stay` keeps: the whole of it as a newcomer uses it, and who is in its room."""

import json
import os
import re
import shlex
import signal
import threading
from pathlib import Path

import pytest

from antiphon.staging import Actor, StageError
from antiphon.staying import Somebody, said
from verbs import antiphon, environment

IN_A_TERMINAL = """
import os, signal, sys
from antiphon.cli import main
os.setsid()
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""


@pytest.mark.appliance
def test_the_other_verbs_are_tried_on_what_stays(tmp_path):
    environ = environment(folder=tmp_path, STEPFUN_API_KEY="sk-of-the-owner")
    run = Actor("demo", ["demo", "--stay"], environ, ("-c", IN_A_TERMINAL))
    try:
        words = run.wait_for_words("status --socket")
        socket = Path(shlex.split(words)[3])
        assert socket.is_socket()
        status = antiphon("status", "--json", "--socket", socket, environ=environ)
        assert json.loads(status.stdout)["board"] == "simulated", status.stderr
        assert antiphon("volume", "40", "--socket", socket, environ=environ).stdout == "volume 40\n"
        card = Path(shlex.split(run.wait_for_words("source "))[1]).read_text(encoding="utf-8")
        settings = shlex.split(run.wait_for_words("doctor --acoustic"))[-1]
        of_card = dict(shlex.split(line)[1].split("=", 1) for line in card.splitlines())
        tried = antiphon("doctor", "--json", "--config", settings, environ={**environ, **of_card})
        found = {one["check"]: one["verdict"] for one in json.loads(tried.stdout)["findings"]}
        assert [found[check] for check in ("key", "service", "microphone", "speaker")] == ["ok"] * 4, tried.stdout
        run.tell("What time is it?")
        run.wait_for_words("heard to its end")
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to all of them
        assert run.end() == 0, run.last_words()
    finally:
        if run.process.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert not socket.exists()
    assert not any("Traceback" in line for line in run.words)


@pytest.mark.parametrize("other", ["--failover", "--json"])
def test_what_has_no_end_goes_with_nothing_that_tells_one(other, tmp_path):
    ended = antiphon("demo", "--stay", other, "-o", tmp_path / "x.wav", environ=environment(folder=tmp_path))
    assert ended.returncode == 2
    assert re.match(r"antiphon: --stay goes with neither", ended.stderr.splitlines()[-1])


class Noisy:
    def __init__(self):
        self.made = threading.Event()

    def noise(self, level_db, for_s):
        assert (level_db, for_s) == (-60.0, 61.0)
        self.made.set()


def test_somebody_says_what_is_typed_until_nothing_more_comes():
    ours, theirs = os.pipe()
    heard, done, room = [], threading.Event(), Noisy()

    def say(words):
        heard.append(words)
        done.set()

    with os.fdopen(ours) as typed, Somebody([room], say, typed):
        assert room.made.wait(30)
        os.write(theirs, b"  \n")
        os.write(theirs, "Wie spät ist es?\n".encode())
        assert done.wait(30)
        os.close(theirs)
    assert heard == ["Wie spät ist es?"]


class Mute:
    def speak(self, wake, words, voice):
        assert (wake, words, voice) == ("Hey Jarvis", "x", "slt")
        raise StageError("no voice")


def test_what_cannot_be_said_is_told():
    told = []
    said(Mute(), "Hey Jarvis", "slt", told.append)("x")
    assert told == ["that could not be said: no voice"]
