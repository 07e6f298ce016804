"""Somebody interrupts, in each phase of a turn: one new turn, all of its words, and nothing more of the old reply."""

import pytest

from appliance.scenery import BusyMachineError, ends_well, staged
from interruption import ENVIRON, PROGRAM, REPLIES, SETTINGS, DisturbedError, interrupt
from interruption_judge import judge

pytestmark = pytest.mark.appliance

SERVICE = ("--switch", "timing.first_audio_ms=900", "--switch", "timing.speed=1.5")
HALF, FULL = "none", "hardware"
LISTENING, THINKING, SPEAKING, LINGERING = 900, 2350, 4200, 6600
"""Each in the midst of its phase, from the end of the wake word."""
CASES = [
    ("button", LISTENING, HALF),
    ("word", THINKING, HALF),
    ("word", SPEAKING, HALF),
    ("command", SPEAKING, HALF),
    ("word", LINGERING, HALF),
    ("button", SPEAKING, FULL),
]


@pytest.mark.parametrize(("how", "after_ms", "cancel"), CASES)
def test_who_interrupts_begins_one_new_turn_or_ends_it(how, after_ms, cancel):
    with staged(
        *SETTINGS,
        "speaker.jitter_ms=240",  # of a busy machine's service too, no reply is interrupted
        f"echo.cancel={cancel}",
        simulate=SERVICE,
        replies=REPLIES,
        program=PROGRAM,
        environ=ENVIRON,
    ) as stage:
        try:
            turn = interrupt(stage, how, after_ms)
        except DisturbedError as error:
            raise BusyMachineError(str(error)) from error
        assert ends_well(stage)
        judgement = judge(stage, turn)
        assert not judgement.wrong, str(judgement)
        assert not judgement.not_noticed
        assert (judgement.sign is not None) == (after_ms == SPEAKING), f"it was {judgement.phase}"
