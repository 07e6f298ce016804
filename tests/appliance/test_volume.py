"""The volume of the whole appliance: set by its owner, obeyed by the card, kept when it starts again."""

import json
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from antiphon.controlling import ask
from antiphon.simulator.room import Room
from appliance.scenery import LONG_REPLY, PATIENCE_S, QUESTION, REPLY, WAKE, staged, take_turn

pytestmark = pytest.mark.appliance

NO_CHIMES = "speaker.chimes=false"


def volume(stage, percent):
    return ask([stage.control], {"do": "volume", "percent": percent})


def loudness_db(stage):
    """Of the loudest sample that the room has heard: wherever it stands, it is of the same word."""
    heard = stage.room.spk.read(0, stage.room.spk.now_frame())
    return 20 * math.log10(np.max(np.abs(heard.astype(np.int32))))


def test_the_cards_mixer_is_turned_and_the_volume_is_kept():
    with tempfile.TemporaryDirectory() as state:
        kept = {"STATE_DIRECTORY": state}
        with staged(NO_CHIMES, environ=kept) as stage:
            stage.daemon.wait_for("volume", percent=100)  # as the card was
            assert stage.room.mixer.writes == 0
            take_turn(stage)
            full_db = loudness_db(stage)
            assert volume(stage, 40) == {"ok": True, "volume": 40}
            lowered_db = stage.room.mixer.volume_db
            assert lowered_db == -20.5
        assert json.loads(Path(state, "state.json").read_text()) == {"volume": 40}
        with staged(NO_CHIMES, "speaker.volume=90", environ=kept) as stage:
            stage.daemon.wait_for("volume", percent=40)
            assert (stage.room.mixer.volume_db, stage.room.mixer.on) == (lowered_db, True)
            take_turn(stage)
            assert loudness_db(stage) - full_db == pytest.approx(lowered_db, abs=0.5)
            assert volume(stage, 0)["ok"]
            assert not stage.room.mixer.on
        assert json.loads(Path(state, "state.json").read_text()) == {"volume": 0}


def test_without_a_mixer_the_sound_itself_is_turned():
    with staged(NO_CHIMES, "speaker.mixer=none", "speaker.volume=100") as stage:
        take_turn(stage)
        full_db = loudness_db(stage)
    with staged(NO_CHIMES, "speaker.mixer=none", "speaker.volume=50") as stage:
        stage.daemon.wait_for("volume", percent=50)
        take_turn(stage)
        assert loudness_db(stage) - full_db == pytest.approx(-14.5, abs=0.5)
        assert stage.room.mixer.writes == 0


def test_a_control_that_is_not_there_is_said_and_the_sound_is_turned_instead():
    with staged(NO_CHIMES, "speaker.mixer=Speaker", "speaker.volume=50", room=Room()) as stage:
        line = stage.daemon.wait_for("mixer-failed")
        assert line["sentence"].startswith(
            "the mixer of default: it has no volume control named 'Speaker'. It has Master"
        )
        take_turn(stage)
        assert stage.daemon.said("mixer-failed") == [line]
        assert stage.room.mixer.volume_db == 0.0


def test_a_card_that_was_pulled_is_as_loud_as_before():
    with tempfile.TemporaryDirectory() as state:
        with staged(NO_CHIMES, replies=(LONG_REPLY, REPLY), environ={"STATE_DIRECTORY": state}) as stage:
            assert volume(stage, 40)["ok"]
            stage.speak(WAKE, QUESTION)
            stage.daemon.wait_for("sounded")
            told = len(stage.daemon.lines)
            stage.room.spk.unplug()
            stage.daemon.wait_for("problem", told, fault="device")
            stage.room.mixer.turn(0.0)  # as it wakes up
            stage.room.spk.replug()
            limit_s = time.monotonic() + PATIENCE_S
            while stage.room.mixer.volume_db != -20.5:
                assert time.monotonic() < limit_s
                time.sleep(0.01)
        assert json.loads(Path(state, "state.json").read_text()) == {"volume": 40}
