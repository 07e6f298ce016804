"""Short replies that are left to their end: how soon they sound, and what is told of their end. One run, two figures.

`delta_to_sound` is from the service's line "sent" of a reply's first audio delta (its own process; written when the
socket has taken it) to the moment at which the reply's first frame sounded in the room, by the card's clock; both are
CLOCK_MONOTONIC. The frame is found in what the speaker played by the reply's own sound, so a reply that begins with
silence is not counted against us.

The jitter buffer holds a reply back until it has 60 ms of it (less after calm replies). The service's deltas are 100
ms and more, as the live service's are, so the first is enough: the buffer adds nothing, and there is nothing to
subtract. What is left is the way through the daemon (about 1 ms), the wait for the card's next period (0 to 20 ms),
and the periods that the card already holds (20 ms): the figure is made of `speaker.block_ms`, and grows and shrinks
with it.

`finished_error.length` is the `heard_ms` of the daemon's line "heard", against the reply's audible frames in what the
speaker played. `finished_error.moment` is when the line was written, against when the reply's last frame sounded: from
that moment on a device that listens for a follow-up takes what it hears for the user.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice

from antiphon.pcm import LINK_RATE_HZ
from antiphon.simulator.room import Room
from antiphon.simulator.speech import FLITE_VOICES
from antiphon.staging import Stage
from bench.figure import Plan, Row, figure, measured
from bench.playback import find, spoken_reply

_TIMES = 24
_TEXTS = ("Yes, it is.", "No, I am afraid not.", "It is a quarter past nine.")
_SETTLED_S = 0.3  # beyond the end of a reply, what is read of the speaker surely holds all of it


@dataclass(frozen=True, slots=True)
class _Reply:
    delta_to_sound_ms: float
    length_error_ms: float
    moment_error_ms: float


@figure
def delta_to_sound(_: Plan) -> Iterable[Row]:
    """From the first piece to the first sample, at the service's usual pace, chimes on."""
    yield measured("delta_to_sound", "ms", [one.delta_to_sound_ms for one in _replies()], reach=40)


@figure
def finished_error(_: Plan) -> Iterable[Row]:
    """What "heard" says of a reply that was left alone."""
    yield measured("finished_error.length", "ms", [one.length_error_ms for one in _replies()], reach=20)
    yield measured("finished_error.moment", "ms", [abs(one.moment_error_ms) for one in _replies()], reach=20)


@cache
def _replies() -> list[_Reply]:
    simulate = ["--events", "--switch", "timing.first_audio_ms=200"]
    for text in _TEXTS:
        simulate += ["--reply", text]
    with Stage(room=Room(), settings=["conversation.follow_up_ms=0"], simulate=simulate, code_s=300) as stage:
        return [_reply(stage, voice) for voice in islice(cycle(FLITE_VOICES), _TIMES)]


def _reply(stage: Stage, voice: str) -> _Reply:
    """Of one turn; the daemon sleeps before and after."""
    assert stage.room is not None
    assert stage.service is not None
    said, served = len(stage.daemon.lines), len(stage.service.lines)
    stage.speak("Hey Jarvis", "What time is it?", voice)
    heard = stage.daemon.wait_for("heard", after=said)
    stage.daemon.wait_for("asleep", after=said)
    delta = stage.service.wait_for("sent", after=served, event="response.audio.delta")
    created = stage.service.wait_for("response_created", after=served, response=heard["reply"])
    sound = spoken_reply(created["text"])
    played = find(stage.room, sound, float(delta["t"]), float(heard["t"]) + _SETTLED_S)
    begun_s, ended_s = (stage.room.spk.time_of(played.first_frame + frames) for frames in (0, len(sound)))
    length_ms = played.audible_frames * 1000 / LINK_RATE_HZ
    return _Reply(
        1000 * (begun_s - float(delta["t"])),
        abs(float(heard["heard_ms"]) - length_ms),
        1000 * (float(heard["t"]) - ended_s),
    )
