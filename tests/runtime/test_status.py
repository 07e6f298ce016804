"""The status: plain values, from whoever knows them, at every moment of the appliance's life."""

import json
import math
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from antiphon import __version__
from antiphon.audio.level import Loudest
from antiphon.conversation.events import EchoJudged
from antiphon.conversation.states import State
from antiphon.ports import StreamFormat
from antiphon.runtime.log import JsonLog
from antiphon.runtime.notify import NoNotifier
from antiphon.runtime.record import Record
from antiphon.runtime.status import Facts, Status
from antiphon.snapshot import Snapshot
from antiphon.tools.fake import FakeTimers

FACTS = Facts("respeaker-2mic", ("hey_jarvis",), "software")
OPEN = StreamFormat("USB microphone", 48_000, 2, 960)


class Rig:
    """The parts, as far as the status asks them, at 1000 s of the machine's time."""

    def __init__(self, fd):
        self.now_s = 1000.0
        self.record = Record(JsonLog(fd), lambda: self.now_s)
        self.ear = SimpleNamespace(format=None, level_db=-96.0, loudest=Loudest())
        self.mouth = SimpleNamespace(format=None)
        self.echo = SimpleNamespace(judged=None)
        self.notifier = NoNotifier()
        self.timers = None

    def status(self, echo=True):
        echo = self.echo if echo else None
        told = Status(FACTS, self.record, self.ear, self.mouth, echo, self.notifier, lambda: self.now_s, self.timers)()
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        return told


@pytest.fixture
def rig(tmp_path):
    fd = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    yield Rig(fd)
    os.close(fd)


def test_before_the_mind_has_decided_anything(rig):
    rig.now_s += 0.5
    told = rig.status(echo=False)
    assert (told["version"], told["pid"], told["board"]) == (__version__, os.getpid(), "respeaker-2mic")
    assert (told["state"], told["since_s"], told["uptime_s"]) == ("starting", 0.5, 0.5)
    assert told["link"] == {"name": "", "health": "none", "fallback": False, "call": None}
    assert told["microphone"]["open"] is False
    assert told["speaker"] == {"usable": True, "open": False, "device": None, "volume": None}
    assert told["troubles"] == []


def test_a_turn(rig):
    rig.record.see(
        Snapshot(State.LISTENING, 1001.0, "open", deaf=False, via="generate nas:8000", fallback=True, call=4, volume=40)
    )
    rig.record.write("warning", "problem", fault="lost", sentence="The network is gone")
    rig.ear.format, rig.ear.level_db = OPEN, -31.26
    rig.ear.loudest.hear(-12.0, 100)
    rig.mouth.format = StreamFormat("speaker", 48_000, 1, 960)
    rig.notifier.watchdog_s, rig.notifier.fed = 20.0, 3
    rig.now_s = 1003.5
    told = rig.status()
    assert (told["state"], told["since_s"], told["wake_words"]) == ("listening", 2.5, ["hey_jarvis"])
    assert told["link"] == {"name": "generate nas:8000", "health": "open", "fallback": True, "call": 4}
    assert told["microphone"] == {
        "muted": False,
        "switched_off": False,
        "open": True,
        "device": "USB microphone",
        "rate_hz": 48_000,
        "level_db": -31.3,
        "loudest_db": -12.0,
    }
    assert told["speaker"] == {"usable": True, "open": True, "device": "speaker", "volume": 40}
    assert told["watchdog"] == {"limit_s": 20.0, "fed": 3}
    [trouble] = told["troubles"]
    assert (trouble["words"], trouble["times"], trouble["ago_s"]) == ("The network is gone", 1, 3.5)


def test_nothing_is_measured_while_it_is_muted(rig):
    rig.record.see(Snapshot(State.DEAF, 0.0, "none", deaf=True, switched_off=True, problem="The key is wrong"))
    told = rig.status()
    assert told["microphone"] == {
        "muted": True,
        "switched_off": True,
        "open": False,
        "device": None,
        "rate_hz": None,
        "level_db": None,
        "loudest_db": None,
    }
    assert told["since_s"] == 0.0, "as long as the program, at most"
    assert told["problem"] == "The key is wrong"
    assert told["ringing"] == ""
    rig.record.see(Snapshot(State.ASLEEP, 0.0, "open", deaf=False, ringing="tea"))
    assert rig.status()["ringing"] == "tea"


@pytest.mark.parametrize(
    ("judged", "figures"),
    [
        (None, (None, None, None)),
        (EchoJudged(True, 0.0, 0.0, 0.0), (None, None, None)),
        (EchoJudged(True, 32.04, 41.0, -12.3), (32.0, 41.0, -12.3)),
        (EchoJudged(False, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        (EchoJudged(True, 30.0, 41.0, math.inf), (30.0, 41.0, None)),
    ],
)
def test_echo_is_told_once_it_is_measured(rig, judged, figures):
    rig.echo.judged = judged
    rig.record.see(Snapshot(State.ASLEEP, 0.0, "open", deaf=False, half_duplex=True))
    told = rig.status()["echo"]
    assert (told["cancel"], told["half_duplex"]) == ("software", True)
    assert (told["erle_db"], told["delay_ms"], told["drift_ppm"]) == figures


# ── the page about it ────────────────────────────────────────────────────────────────────────────

PAGE = Path(__file__).parents[2] / "docs" / "control.md"


def test_the_page_names_every_field_and_counter(rig):
    rig.record.write("warning", "problem", sentence="x")
    told = rig.status()
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]*)`", PAGE.read_text(encoding="utf-8")))))
    leaves = {name for one in told.values() if isinstance(one, dict) for name in one}
    assert {*told, *leaves, *told["troubles"][0]} - named == set()


def test_timers_are_told_and_what_they_are_for(rig):
    assert rig.status()["timers"] == []
    rig.timers = FakeTimers()
    rig.timers.set(60.04, "the cake of the party")
    rig.timers.set(30, "")
    assert rig.status()["timers"] == [
        {"timer": 2, "label": "", "left_s": 30},
        {"timer": 1, "label": "the cake of the party", "left_s": 60.0},
    ]
