"""A tool that the model calls in a turn, on the whole appliance; and a timer that rings in the room."""

import pytest

from antiphon.audio.chime import chime
from antiphon.pcm import frames_in
from antiphon.simulator.room import wait_for_frame
from appliance.scenery import PATIENCE_S, REPLY, ends_well, places_of, played, sound_of, staged, take_turn

pytestmark = pytest.mark.appliance


def test_the_model_asks_the_clock_and_speaks_of_it():
    with staged(simulate=("--events", "--call", "get_time")) as stage:
        turn = take_turn(stage)
        [tool] = stage.daemon.said("tool")
        assert (tool["tool"], int(tool["failed"])) == ("get_time", 0)
        assert turn.story.index("tool") < turn.story.index("sounded")
        asked = [line["event"] for line in stage.service.said("received")]
        assert asked.count("conversation.item.create") == asked.count("response.create") == 1
        assert ends_well(stage)
        assert len(places_of(sound_of(REPLY), played(stage))) == 1, "spoken once"


def test_a_timer_that_was_asked_for_rings_until_somebody_is_there():
    with staged(simulate=("--call", 'set_timer={"seconds":1}')) as stage:
        take_turn(stage)
        assert [line["tool"] for line in stage.daemon.said("tool")] == ["set_timer"]
        stage.daemon.wait_for("timer-due", 0, PATIENCE_S)
        rate_hz = stage.room.spk.rate_hz
        ring = chime("timer", rate_hz, -26.0)
        while len(places_of(ring, played(stage))) < 3:
            wait_for_frame(stage.room.spk, stage.room.spk.now_frame() + frames_in(500, rate_hz), PATIENCE_S)
        after = len(stage.daemon.lines)
        take_turn(stage)
        assert [line["what"] for line in stage.daemon.lines[after:]].count("ring-heard") == 1
        assert ends_well(stage)
