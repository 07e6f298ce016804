"""A session on a bench: no socket, no clock, no speech engine. Time is what the test says."""

import base64
import json
import random

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, bytes_of
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.record import SessionRecord
from antiphon.simulator.stepfun.session import Session

MODEL = "stepaudio-2.5-realtime"
VAD = {"type": "server_vad", "prefix_padding_ms": 100, "silence_duration_ms": 300, "energy_awakeness_threshold": 2500}


def tone(seconds, peak=8000):
    """A hum, loud enough to be speech for an energy VAD."""
    frames = round(seconds * LINK_RATE_HZ)
    return (peak * np.sin(np.arange(frames) * 0.1)).astype(np.int16)


def silence(seconds):
    return np.zeros(round(seconds * LINK_RATE_HZ), np.int16)


def voice(text, _voice="slt", _rate_hz=LINK_RATE_HZ):
    """Stands in for the speech engine: a tenth of a second a word."""
    return tone(0.1 * len(text.split()))


def append(samples):
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes_of(samples)).decode()}


class Bench:
    """One session, with all that it has sent as `(time, event)` in `sent`."""

    def __init__(self, options=None, faults=(), model=MODEL, engine=voice, seed=1):
        self.options = options or SimulatorOptions(absent_fields_chance=0.0)
        self.record = SessionRecord(0, model, "/v1/realtime", 0.0)
        self.now = 0.0
        self.engine = engine
        self.session = Session(self.options, self.record, tuple(faults), random.Random(seed), 0.0)
        self.sent = []
        self.run(0.0)

    def say(self, kind, **fields):
        """The client sends an event; what the session answers at once."""
        return self.receive(json.dumps({"type": kind, **fields}))

    def receive(self, frame):
        self.session.receive(frame, self.now)
        return self.run(0.0)

    def speak(self, samples, piece_ms=20):
        """Append `samples` as a microphone does, in pieces, in real time."""
        frames = LINK_RATE_HZ * piece_ms // 1000
        events = []
        for first in range(0, len(samples), frames):
            piece = samples[first : first + frames]
            events += self.say(**_renamed(append(piece)))
            events += self.run(len(piece) / LINK_RATE_HZ)
        return events

    def run(self, seconds):
        """Let time pass; what was sent in it."""
        until = self.now + seconds
        before = len(self.sent)
        while True:
            self.session.tick(self.now)
            for wish in self.session.responder.take_wanted():
                if self.engine is not None:
                    self.session.responder.spoken(wish.response, self.engine(wish.text), self.now)
            self.sent += [(self.now, event) for event in self.session.agenda.take()]
            due = self.session.agenda.deadline
            if due is None or due > until:
                break
            self.now = max(self.now, due)
        self.now = until
        return [event for _, event in self.sent[before:]]

    def types(self):
        """The types of all that was sent, repeats of deltas once."""
        names = [event.get("type") if isinstance(event, dict) else event for _, event in self.sent]
        return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]

    def at(self, kind):
        """When the first event of this type was sent."""
        return next(at for at, event in self.sent if event["type"] == kind)

    def all(self, kind):
        return [event for _, event in self.sent if event["type"] == kind]

    def write(self, text="hello"):
        """The user's turn as text."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return self.say("conversation.item.create", item=item)


def _renamed(event):
    return {"kind": event["type"], "audio": event["audio"]}


def types(events):
    return [event["type"] for event in events]


def complaint(events):
    """The one error among `events`, its inner object."""
    (error,) = [event["error"] for event in events if event["type"] == "error"]
    return error
