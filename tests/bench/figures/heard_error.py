"""What the daemon says was heard of a reply that was interrupted, against what sounded in the room.

Long replies are interrupted by the wake word at random points. `heard_ms` of the daemon's line "hushed" (the same
number goes to the service, to cut its memory) is compared with the last audible frame of the reply in what the speaker
played; that is found by the reply's own sound, to the sample, on the card's clock. Chimes are off, as one sounds just
when a reply is cut, and would lie over its end.

`heard_error.silence` is from the wake word's detection (`detected_at` of the line "woke") to the last audible frame.

`heard_error.card` and `heard_error.deep` are many more cuts, of the daemon's mouth alone on the same card: with a
buffer of two periods, and with one of 300 ms, of which a hush drops what has not sounded. 500 of each, when asked for
by name. Their `silence` is from the hush to the last audible frame.
"""

import random
from collections.abc import Iterable

from antiphon.simulator.room import LEAD_S, Room
from antiphon.simulator.speech import synthesise
from antiphon.staging import Stage
from bench.cutting import DEEP_MS, cut_replies
from bench.figure import Plan, Row, figure, measured
from bench.playback import find, spoken_reply

_CUTS = 24
REPLIES = (
    (
        "The moon is about three hundred and eighty four thousand kilometres away from the earth and it takes light a "
        "little more than one second to travel from there to here"
    ),
    (
        "To make pancakes you mix two eggs with some flour and a glass of milk and leave it to rest for half an hour "
        "before you fry it in butter until both sides are brown"
    ),
    (
        "It will be cloudy in the morning with a little rain towards noon and later the sun will come out again "
        "while the wind turns to the west and grows weaker"
    ),
)
VOICES = ("slt", "rms", "kal16")
_WITHIN_S = 5.0  # of the reply's first sound the interruption begins; the word is detected a second later
_SETTLED_S = 0.3  # beyond the end of a reply, what is read of the speaker surely holds all of it


@figure
def heard_error(plan: Plan) -> Iterable[Row]:
    """At random cuts."""
    simulate = ["--switch", "timing.first_audio_ms=200"]
    for text in REPLIES:
        simulate += ["--reply", text]
    settings = ["conversation.follow_up_ms=0", "conversation.nothing_said_ms=1000", "speaker.chimes=false"]
    chance = random.Random(1)
    with Stage(room=Room(), settings=settings, simulate=simulate, code_s=600) as stage:
        cuts = [_cut(stage, chance) for _ in range(_CUTS)]
    yield measured("heard_error", "ms", [error_ms for error_ms, _ in cuts], reach=20)
    yield measured("heard_error.silence", "ms", [silence_ms for _, silence_ms in cuts], reach=100)
    for name, buffer_ms in (("heard_error.card", 0.0), ("heard_error.deep", DEEP_MS)):
        many = cut_replies(500 if plan.alone else 60, buffer_ms)
        yield measured(name, "ms", [abs(one.error_ms) for one in many], reach=20)
        yield measured(f"{name}.silence", "ms", [one.silence_ms for one in many], reach=60)


def _cut(stage: Stage, chance: random.Random) -> tuple[float, float]:
    """Ask, and interrupt the reply; the error, and the time to silence. The daemon sleeps before and after."""
    room, service, daemon = stage.room, stage.service, stage.daemon
    assert room is not None
    assert service is not None
    start = len(daemon.lines)
    stage.speak("Hey Jarvis", "Tell me something.", chance.choice(VOICES))
    sounded = daemon.wait_for("sounded", after=start)
    text = service.wait_for("response_created", response=sounded["reply"])["text"]
    begin = len(daemon.lines)
    wake = synthesise("Hey Jarvis.", chance.choice(VOICES), room.mic.rate_hz)
    room.say(wake, float(sounded["t"]) + 2 * LEAD_S + chance.uniform(0, _WITHIN_S))
    woke = daemon.wait_for("woke", after=begin)
    hushed = daemon.wait_for("hushed", after=begin)
    daemon.wait_for("asleep", after=begin)
    played = find(room, spoken_reply(text), float(sounded["t"]) - _SETTLED_S, float(hushed["t"]) + _SETTLED_S)
    silent_s = room.spk.time_of(played.first_frame + played.audible_frames)
    return played.error_ms(float(hushed["heard_ms"])), 1000 * (silent_s - float(woke["detected_at"]))
