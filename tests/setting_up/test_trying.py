"""The sound, tried by ear and by measure on the simulated card, by somebody who sits at a terminal."""

import pytest

from antiphon.config_files import read_layers
from antiphon.settings import load
from antiphon.simulator.acoustics import Acoustics, room_response
from antiphon.simulator.room import Room, wait_for_frame
from sitting import Sitting
from verbs import command, environment

KEY = "sk-hunter2-hunter2"
BUFFER = 12_000
"""Half a second in the card, so that a machine that is a little busy loses nothing."""


@pytest.fixture
def config(tmp_path):
    return tmp_path / "etc" / "antiphon.yaml"


def sitting(config, environ):
    return Sitting(command("setup", "--config", config, "--set", "control.socket=null"), environ)


def loaded(config):
    return load(read_layers(config, {}, [])).settings


def test_the_sound_is_tried_by_ear_and_by_measure(config):
    with Room(spk_buffer_frames=BUFFER) as room:
        asound = room.folder / "asound.conf"
        asound.write_text(asound.read_text().replace("buffer 64 ", f"buffer {BUFFER} "))
        room.noise(-60, for_s=120)
        room.acoustics(Acoustics(room_response(16_000, 600), 30.0, -10.0))
        room.mixer.turn(-20.0)
        found_db = room.mixer.volume_db
        with sitting(config, environment(room)) as someone:
            someone.answers("Key (it is not shown", KEY)
            someone.answers("Step Plan key?")
            someone.answers("Try the key now?", "n")
            someone.answers("Its address")
            someone.answers("Which is it?")
            speakers = someone.answers("Which is it?", "2")
            assert "what the system takes by default" in speakers
            someone.answers("Did you hear it?", "l")
            someone.answers("Did you hear it?", "y")
            louder_db = room.mixer.volume_db
            someone.answers("Which is it?")
            someone.answers("Say something")
            heard = someone.answers("Did you hear yourself?", "y")
            someone.answers("Begin?")
            told = someone.answers("Take these settings?", "y")
            someone.answers("Write it?")
            assert someone.end() == 0
        assert found_db < louder_db == room.mixer.volume_db
        room_was_steady = room.overflows == room.underflows == 0
    assert "It heard -" in heard
    assert "echo delay" in told
    settings = loaded(config)
    assert settings.speaker.device is not None
    assert settings.speaker.volume is not None
    if room_was_steady:
        assert settings.echo.cancel == "software"
    lines = someone.shown.partition("What will be written\n")[2].partition("Write it?")[0].splitlines()
    assert "  speaker.device: hwspk" in lines
    for key, value in (line.split(": ") for line in lines if line.startswith("  echo.")):
        assert str(getattr(settings.echo, key.removeprefix("  echo."))) == value


def test_the_volume_is_left_as_it_was_found_where_nothing_is_written(config):
    with Room(spk_buffer_frames=BUFFER) as room:
        room.mixer.turn(-20.0)
        with sitting(config, environment(room)) as someone:
            someone.answers("Key (it is not shown")
            someone.answers("Its address")
            someone.answers("Which is it?")
            someone.answers("Which is it?")
            someone.answers("Did you hear it?", "q")
            someone.sees("Did you hear it?")
            assert room.mixer.volume_db < -20.0
            someone.presses_ctrl_c()
            assert someone.end() == 130
        assert room.mixer.volume_db == -20.0
    assert not config.parent.exists()


def test_ctrl_c_in_the_middle_of_the_sound_ends_it(config):
    with Room(spk_buffer_frames=BUFFER) as room, sitting(config, environment(room)) as someone:
        someone.answers("Key (it is not shown")
        someone.answers("Its address")
        someone.answers("Which is it?")
        someone.answers("Which is it?")
        someone.answers("Did you hear it?")
        someone.answers("Which is it?")
        someone.answers("Say something")
        someone.answers("Did you hear yourself?")
        someone.answers("Begin?")
        wait_for_frame(room.spk, room.spk.now_frame(), timeout_s=60.0)  # the probe sounds
        someone.presses_ctrl_c()
        someone.sees("Nothing was changed.")
        assert someone.end() == 130
    assert "Traceback" not in someone.shown
    assert not config.parent.exists()
