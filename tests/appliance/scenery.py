"""What the scenes share: a stage with a quick service, a person who speaks, and what became of what was said."""

import threading
import time
import wave
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, frames_in, samples_of
from antiphon.simulator.room import Room, wait_for_frame
from antiphon.simulator.speech import synthesise
from antiphon.simulator.stepfun import voices
from antiphon.staging import Line, Spoken, Stage

WAKE = "Hey Jarvis"
QUESTION = "What time is it?"
REPLY = "Yes."
LONG_REPLY = (
    "It is a quarter past ten in the morning, and the sun is shining on the hills, on the harbour and on the sea, "
    "as it will until the evening."
)
_starting = threading.Lock()  # one at a time: imports take all of a processor, and others are in the midst of playing
SETTINGS = (
    "conversation.follow_up_ms=0",
    "conversation.sorry_ms=200",
    "conversation.nothing_said_ms=3000",
    "speaker.block_ms=80",  # a busy machine interrupts no reply
)
NO_ECHO = "echo.decay_ms=0"
"""The room without acoustics is silent at once: who speaks as soon as a reply is over is heard from his first word."""
PATIENCE_S = 60.0


class BusyMachineError(Exception):
    """The card's buffer ran over, or dry, before the daemon's thread was given the processor."""


@dataclass(frozen=True)
class Turn:
    """What was said, and what the daemon said of it."""

    spoken: Spoken
    lines: list[Line]

    @property
    def story(self):
        return [line["what"] for line in self.lines]

    @property
    def woke_s(self):
        return next(line["t"] for line in self.lines if line["what"] == "woke")


@contextmanager
def staged(*settings, simulate=(), replies=(REPLY,), room=None, **more):
    """A Stage; `settings` come after SETTINGS, `simulate` after the quick service's arguments (None: no service)."""
    quick = ["--quick", *(word for reply in replies for word in ("--reply", reply))]
    service = None if simulate is None else [*quick, *simulate]
    stage = Stage(room=room or Room(), settings=[*SETTINGS, *settings], simulate=service, **more)
    with ExitStack() as stack:
        with _starting:
            stack.enter_context(stage)
        try:
            yield stage
        except Exception as error:
            if stage.room.overflows or stage.room.underflows:
                raise BusyMachineError(
                    f"{stage.room.overflows} overflows, {stage.room.underflows} underflows"
                ) from error
            raise


def say(stage, text, voice="slt"):
    """One sentence into the room, as it is."""
    rate_hz = stage.room.mic.rate_hz
    speech = synthesise(text, voice, rate_hz)
    first = stage.room.say(speech)
    last = first + len(speech) - 1
    return Spoken(text, voice, first, last, stage.room.mic.time_of(first), stage.room.mic.time_of(last))


def assert_closes(end):
    """The card's end is closed, but for the moments in which PortAudio looks for devices as the other end is opened."""
    limit_s = time.monotonic() + PATIENCE_S
    while end.is_open():
        assert time.monotonic() < limit_s, "it stays open"
        time.sleep(0.01)


def let_pass(stage, spoken, pause_ms=1500.0):
    """Wait until the daemon has taken in all of `spoken`, and a pause in which a wake word may be heard again."""
    wait_for_frame(stage.room.mic, spoken.last_frame + frames_in(pause_ms, stage.room.mic.rate_hz), PATIENCE_S)


def pass_by(spoken):
    """The room says what it says at its own pace, whether anybody hears it or not: until that has been said."""
    time.sleep(max(0.0, spoken.ends_s - time.monotonic()))


def take_turn(stage, voice="slt", pause_ms=400.0, question=QUESTION):
    """Wake word and question, until the reply has been heard and the appliance sleeps."""
    after = len(stage.daemon.lines)
    spoken = stage.speak(WAKE, question, voice, pause_ms)
    stage.daemon.wait_for("heard", after, PATIENCE_S)
    stage.daemon.wait_for("asleep", after, PATIENCE_S)
    return Turn(spoken, stage.daemon.lines[after:])


# ── what the service was sent ────────────────────────────────────────────────────────────────────


def sent(stage, session, since_s=0.0, until_s=float("inf")):
    """What the service was sent in `session` by appends that began, or began again after a pause, in that time."""
    with wave.open(str(stage.kept / f"session-{session}.wav"), "rb") as file:
        whole = samples_of(file.readframes(file.getnframes()))
    starts = [
        (line["t"], line["frame"])
        for line in stage.service.lines
        if line["what"] in ("first_append", "append_resumed") and line["session"] == session
    ]
    first = next((frame for t, frame in starts if t >= since_s), len(whole))
    end = next((frame for t, frame in starts if t >= until_s), len(whole))
    return whole[first:end]


def last_session(stage):
    """The number of the connection that served last."""
    return [line["session"] for line in stage.service.said("upgrade") if line["status"] == 101][-1]


def assert_no_word_lost(stage, turn, session=0, until_s=float("inf")):
    """Every sample from the first word to the last has reached the service, once. After `end_daemon`."""
    verdict = stage.verdict(turn.spoken, sent(stage, session, turn.woke_s, until_s))
    assert verdict.whole, str(verdict)
    assert verdict.first_frame <= turn.spoken.first_frame, str(verdict)
    assert verdict.last_frame >= turn.spoken.last_frame, str(verdict)


# ── what sounded ─────────────────────────────────────────────────────────────────────────────────


def sound_of(reply):
    """What the service sends for `reply`, sample by sample."""
    return synthesise(reply, voices.speaker("linjiajiejie"), LINK_RATE_HZ)


def played(stage):
    """All that has sounded in the room so far."""
    return stage.room.heard(0, stage.room.spk.stretch[1])


def places_of(sought, sound):
    """The frames of `sound` at which `sought` begins, sample by sample as it is, or within one step of it."""
    size = 1 << (len(sought) + len(sound)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(sought, size).conj(), size)[
        : len(sound) - len(sought) + 1
    ]
    energy = float(np.sum(sought.astype(np.float64) ** 2))
    likely = np.flatnonzero(alike > 0.99 * energy)
    return [int(at) for at in likely if np.max(np.abs(sound[at : at + len(sought)].astype(int) - sought)) <= 1]


# ── the daemon's own words ───────────────────────────────────────────────────────────────────────


def story(stage, after=0):
    """What has happened, in order."""
    return [line["what"] for line in stage.daemon.lines[after:]]


def ends_well(stage):
    """The daemon ends when asked to, and nothing in its life was a fault of its own."""
    status = stage.end_daemon()
    assert "Traceback" not in "\n".join(stage.daemon.words), stage.daemon.last_words()
    return status == 0
