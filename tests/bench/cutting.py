"""A process that plays replies through the daemon's mouth and hushes each at a random moment; and what comes of it.

Run with a number of cuts, it prints a line of JSON for each: when it sounded, when it was hushed, and what the mouth
said was heard. `cut_replies` runs it on the simulated card, whose record tells what really was.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from antiphon.audio.jitter import JitterPlan
from antiphon.conversation.events import Event, Hushed, Sounded
from antiphon.devices.pyaudio import PyAudioSpeaker
from antiphon.pcm import LINK_RATE_HZ, bytes_of, frames_in, ms_of
from antiphon.runtime.mouth import Mouth, MouthPlan
from antiphon.simulator.room import Room

DEEP_MS = 300
"""What the deepest cards buffer, whatever they are asked for."""
_BOUND_S = 30.0
_WITHIN_S = (0.02, 0.6)  # after its first sound a reply is cut
_PAUSE_S = 0.08  # between two replies, so that they can be told apart
_EDGE_S = 0.03
_LEVEL = 5000


@dataclass(frozen=True, slots=True)
class Cut:
    """One reply that was cut off."""

    error_ms: float
    """What was said to be heard, less what sounded."""
    silence_ms: float
    """From the hush to the last audible frame."""


def cut_replies(count: int, buffer_ms: float = 0.0) -> list[Cut]:
    """`count` of them, on a card that buffers two periods of 20 ms, or `buffer_ms` if that is more."""
    least = max(64, frames_in(buffer_ms, LINK_RATE_HZ))
    with Room(spk_rate_hz=LINK_RATE_HZ, spk_buffer_frames=least) as room:
        child = subprocess.run(
            [sys.executable, str(Path(__file__)), str(count)],
            env=os.environ | room.environment(),
            stdout=subprocess.PIPE,
            check=True,
        )
        told = [json.loads(line) for line in child.stdout.splitlines()]
        ends_s = [one["sounded_s"] - _EDGE_S for one in told[1:]] + [told[-1]["hush_s"] + 1]
        return [_cut(room, one, end_s) for one, end_s in zip(told, ends_s, strict=True)]


def _cut(room: Room, told: dict[str, float], end_s: float) -> Cut:
    start = room.spk.frame_at(told["sounded_s"] - _EDGE_S)
    audible = np.flatnonzero(room.heard(start, room.spk.frame_at(end_s)))
    first, last = start + int(audible[0]), start + int(audible[-1]) + 1
    silence_s = room.spk.time_of(last) - told["hush_s"]
    return Cut(told["heard_ms"] - ms_of(last - first, LINK_RATE_HZ), 1000 * silence_s)


def main(count: int) -> None:
    """Play and hush."""
    events: SimpleQueue[Event] = SimpleQueue()
    mouth = Mouth(
        PyAudioSpeaker("hwspk", LINK_RATE_HZ, 20, 1), events.put, MouthPlan(None, JitterPlan(start_ms=40, most_ms=500))
    )
    chance, pause = random.Random(1), threading.Event()
    mouth.start()
    mouth.prepare()
    for number in range(count):
        reply = str(number)
        mouth.play(reply, bytes_of(np.full(2 * LINK_RATE_HZ, _LEVEL, np.int16)))
        sounded, sounded_s = events.get(timeout=_BOUND_S), time.monotonic()
        assert sounded == Sounded(reply), sounded
        pause.wait(chance.uniform(*_WITHIN_S))
        hush_s = time.monotonic()
        mouth.hush(reply)
        hushed = events.get(timeout=_BOUND_S)
        assert isinstance(hushed, Hushed), hushed
        print(json.dumps({"sounded_s": sounded_s, "hush_s": hush_s, "heard_ms": hushed.heard_ms}), flush=True)
        pause.wait(_PAUSE_S)
    mouth.stop(_BOUND_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
