"""From the talk button to silence at the card, in the middle of a reply.

The unmodified daemon on gpiozero's mock pins; the button goes down at a random moment of a long reply. From just before
the pin is moved to the last frame of the reply, fade included, in what the speaker played, found by the reply's own
sound. `hush.deep` is the same on a card that buffers 300 ms, whatever it is asked for, as behind a sound server.
"""

import random
import time
from collections.abc import Iterable
from pathlib import Path

from antiphon.pcm import LINK_RATE_HZ, frames_in
from antiphon.simulator.room import Room, wait_for_frame
from antiphon.staging import Stage
from bench.cutting import DEEP_MS
from bench.figure import Plan, Row, figure, measured
from bench.figures.heard_error import REPLIES, VOICES
from bench.playback import find, spoken_reply

_PINS = Path(__file__).parents[2] / "appliance" / "pins.py"
_TALK = 17
_WITHIN_S = (0.6, 5.0)  # after the reply's first sound
_HELD_MS = 100.0
_SETTLED_S = 0.3


@figure
def hush(plan: Plan) -> Iterable[Row]:
    """On a card with two periods, and on a deep one."""
    for name, buffer_ms in (("hush.button", 0.0), ("hush.deep", DEEP_MS)):
        yield measured(name, "ms", _presses(buffer_ms, 24 if plan.alone else 12), reach=60)


def _presses(buffer_ms: float, count: int) -> list[float]:
    simulate = ["--switch", "timing.first_audio_ms=200"]
    for text in REPLIES:
        simulate += ["--reply", text]
    manners = ["conversation.follow_up_ms=0", "conversation.nothing_said_ms=1000"]
    settings = [*manners, "speaker.chimes=false", f"buttons.talk={_TALK}", "buttons.hold_ms=10000"]
    room = Room(spk_buffer_frames=max(64, frames_in(buffer_ms, LINK_RATE_HZ)))
    pins = {"program": [str(_PINS)], "environ": {"GPIOZERO_PIN_FACTORY": "mock"}}
    chance = random.Random(1)
    with Stage(room=room, settings=settings, simulate=simulate, code_s=600, **pins) as stage:
        return [_press(stage, chance) for _ in range(count)]


def _press(stage: Stage, chance: random.Random) -> float:
    """Ask, and interrupt the reply; the daemon sleeps before and after."""
    room, service, daemon = stage.room, stage.service, stage.daemon
    assert room is not None
    assert service is not None
    start = len(daemon.lines)
    stage.speak("Hey Jarvis", "Tell me something.", chance.choice(VOICES))
    sounded = daemon.wait_for("sounded", after=start)
    text = service.wait_for("response_created", response=sounded["reply"])["text"]
    time.sleep(max(0.0, float(sounded["t"]) + chance.uniform(*_WITHIN_S) - time.monotonic()))  # in step with no period
    pressed_s = time.monotonic()
    daemon.tell(f"{_TALK} down")
    hushed = daemon.wait_for("hushed", after=start)
    wait_for_frame(room.mic, room.mic.now_frame() + frames_in(_HELD_MS, room.mic.rate_hz))
    daemon.tell(f"{_TALK} up")
    daemon.wait_for("asleep", after=start)
    played = find(room, spoken_reply(text), float(sounded["t"]) - _SETTLED_S, float(hushed["t"]) + _SETTLED_S)
    return 1000 * (room.spk.time_of(played.first_frame + played.audible_frames) - pressed_s)
