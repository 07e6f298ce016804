"""Run by test_pyaudio in the room's environment: one scenario on the card, told as JSON on stdout.

A process of its own, because ALSA reads its settings once, and because a pulled card can hang whoever holds it.
"""

import gc
import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from queue import Empty, SimpleQueue

import numpy as np

from antiphon.audio.jitter import JitterPlan
from antiphon.conversation.events import Captured, EarClosed, EarOpened, Finished, Hushed, MouthFailed, Sounded
from antiphon.devices.pyaudio import PyAudioMicrophone, PyAudioSpeaker
from antiphon.devices.sound_devices import list_devices
from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.runtime.ear import Ear, EarPlan
from antiphon.runtime.mouth import Mouth, MouthPlan

BOUND_S = 20


class NoVoice:
    def voiced(self, samples):
        return [False] * (len(samples) // 320)

    def forget(self):
        pass


class Stalled:
    """A microphone whose callback is held up once, for longer than the card's buffer lasts."""

    hung = False

    def __init__(self, microphone, at_block, for_s):
        self.microphone, self.countdown, self.for_s = microphone, at_block, for_s

    def open(self, deliver):
        def held_up(block):
            self.countdown -= 1
            if self.countdown == 0:
                threading.Event().wait(self.for_s)
            deliver(block)

        return self.microphone.open(held_up)

    def close(self):
        self.microphone.close()


def say(told):
    print(json.dumps(told), flush=True)


def devices():
    say([asdict(device) for device in list_devices()])


def formats():
    """What opens when this is asked for."""
    wishes = {
        "as asked": PyAudioMicrophone("mic", 24_000, 80, 1),
        "its own rate": PyAudioMicrophone("hwmic", 44_100, 80, 1),
        "fewer channels": PyAudioMicrophone("hwmic", 24_000, 80, channels=4),
        "speaker's own rate": PyAudioSpeaker("hwspk", 44_100, 40, 1),
    }
    told = {}
    for name, device in wishes.items():
        told[name] = asdict(device.open(lambda *_: b""))
        device.close()
        device.close()
    for name, device in {
        "absent": PyAudioMicrophone("theremin", 24_000, 80, 1),
        "index": PyAudioSpeaker(99, 24_000, 20, 1),
    }.items():
        try:
            device.open(lambda *_: b"")
        except DeviceError as error:
            told[name] = str(error)
    say(told)


def capture():
    """A second of blocks as they come."""
    blocks = SimpleQueue()
    microphone = PyAudioMicrophone("hwmic", 24_000, 40, 1)
    microphone.open(blocks.put)
    got = [blocks.get(timeout=BOUND_S) for _ in range(25)]
    microphone.close()
    say([[block.pcm.hex(), block.device_s, block.arrived_s, block.overflowed, block.captured_s] for block in got])


def play():
    """Periods that carry their own number, and when each should be heard."""
    pulls = []
    enough = threading.Event()

    def pull(frames, heard_at_s):
        pulls.append(heard_at_s)
        if len(pulls) == 25:
            enough.set()
        return len(pulls).to_bytes(2, "little") * frames

    speaker = PyAudioSpeaker("hwspk", 24_000, 40, 1)
    speaker.open(pull)
    ok = enough.wait(BOUND_S)
    speaker.close()
    say({"heard_at_s": pulls[:25], "ok": ok})


def ear_stalled():
    """The ear streams while its callback is held up for 1.5 s; what it captured, and what it says was lost."""
    events = SimpleQueue()
    microphone = Stalled(PyAudioMicrophone("hwmic", 24_000, 40, 1), 10, 1.5)
    ear = Ear(microphone, None, NoVoice(), None, None, events.put, EarPlan(preroll_ms=2000, stall_ms=10_000))
    ear.start()
    ear.open()
    ear.stream()
    assert events.get(timeout=BOUND_S) == EarOpened()
    pcm = b""
    while len(pcm) < 2 * 24_000 * 3:
        event = events.get(timeout=BOUND_S)
        assert isinstance(event, Captured)
        pcm += event.pcm
    losses = asdict(ear.losses)
    ear.close()
    while events.get(timeout=BOUND_S) != EarClosed():
        pass
    ear.stop(BOUND_S)
    say({"pcm": pcm.hex(), "losses": losses})


def ear_unplugged():
    """The cable is pulled (by the test, when it reads that the ear is open); what the ear says, and that it can end."""
    events = SimpleQueue()
    ear = Ear(
        PyAudioMicrophone("hwmic", 24_000, 40, 1), None, NoVoice(), None, None, events.put, EarPlan(preroll_ms=2000)
    )
    ear.start()
    ear.open()
    assert events.get(timeout=BOUND_S) == EarOpened()
    say("open")
    event = events.get(timeout=BOUND_S)
    ear.stop(BOUND_S)
    del ear
    gc.collect()  # would wait for ever, if this let go of the stream
    say(event.problem.sentence)


def mouth_talks():
    """Replies, one of them cut off; when the mouth said what of each."""
    events = SimpleQueue()
    mouth = Mouth(
        PyAudioSpeaker("hwspk", 24_000, 40, 1),
        lambda event: events.put((time.monotonic(), event)),
        MouthPlan(None, JitterPlan(start_ms=40, most_ms=500), stall_ms=10_000),
    )
    mouth.start()
    mouth.prepare()
    told = []
    for number, cut in enumerate((False, True, True, False), 1):
        reply = str(number)
        mouth.play(reply, bytes_of(np.full(24_000, 1000 * number, np.int16)))
        mouth.end(reply)
        sounded_s, event = events.get(timeout=BOUND_S)
        assert event == Sounded(reply), event
        if cut:
            threading.Event().wait(0.05 * number)
            mouth.hush(reply)
        ended_s, event = events.get(timeout=BOUND_S)
        assert isinstance(event, Hushed if cut else Finished), event
        told.append([sounded_s, ended_s, event.heard_ms])
    say({"replies": told, "underflows": mouth.underflows})
    mouth.stop(BOUND_S)


def mouth_unplugged():
    """As ear_unplugged, for the speaker."""
    events = SimpleQueue()
    mouth = Mouth(
        PyAudioSpeaker("hwspk", 24_000, 40, 1), events.put, MouthPlan(None, JitterPlan(start_ms=60, most_ms=500))
    )
    mouth.start()
    mouth.play("a", bytes(48_000))
    assert events.get(timeout=BOUND_S) == Sounded("a")
    say("open")
    while not isinstance(event := events.get(timeout=BOUND_S), MouthFailed):
        pass
    mouth.stop(BOUND_S)
    del mouth
    gc.collect()
    say(event.problem.sentence)


def microphone_comes_later():
    """The speaker runs since before the microphone was there, so PortAudio's list has no microphone."""
    blocks, pulls = SimpleQueue(), SimpleQueue()
    speaker = PyAudioSpeaker("hwspk", 24_000, 40, 1)
    microphone = PyAudioMicrophone("hwmic", 24_000, 40, 1)

    def pull(frames, _heard_at_s):
        pulls.put(frames)
        return bytes(2 * frames)

    speaker.open(pull)
    try:
        microphone.open(blocks.put)
    except DeviceError as error:
        say(str(error))
    limit_s = time.monotonic() + BOUND_S
    while True:
        try:
            stream = microphone.open(blocks.put)
            break
        except DeviceError:
            assert time.monotonic() < limit_s
            time.sleep(0.1)
    block = blocks.get(timeout=BOUND_S)
    while not pulls.empty():
        pulls.get()
    pulls.get(timeout=BOUND_S)  # it plays on
    microphone.close()
    speaker.close()
    say([asdict(stream), len(block.pcm), microphone.hung, speaker.hung])


def rate_changes():
    """What the microphone is, each time a line is read."""
    microphone = PyAudioMicrophone("hwmic", None, 40, 1)
    for _ in range(2):
        stream = microphone.open(lambda _: None)
        microphone.close()
        say(stream.rate_hz)
        sys.stdin.readline()


def one_end_hangs():
    """The microphone is pulled, and hangs: the speaker does not open."""
    blocks = SimpleQueue()
    microphone = PyAudioMicrophone("hwmic", 24_000, 40, 1)
    speaker = PyAudioSpeaker("hwspk", 24_000, 40, 1)
    microphone.open(blocks.put)
    blocks.get(timeout=BOUND_S)
    say("open")
    with suppress(Empty):
        while blocks.get(timeout=0.5):
            pass
    microphone.close()
    try:
        speaker.open(lambda frames, _heard_at_s: bytes(2 * frames))
    except DeviceError as error:
        say([microphone.hung, speaker.hung, str(error)])


if __name__ == "__main__":
    {
        one.__name__: one
        for one in (
            devices,
            formats,
            capture,
            play,
            ear_stalled,
            ear_unplugged,
            mouth_talks,
            mouth_unplugged,
            microphone_comes_later,
            rate_changes,
            one_end_hangs,
        )
    }[sys.argv[1]]()
