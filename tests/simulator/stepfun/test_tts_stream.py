"""Text to speech over real WebSockets, beside the realtime service: the order, the sound, and each way it can end."""

import asyncio
import base64
import json

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import Timing
from simulator.stepfun.bench import voice
from simulator.stepfun.test_server import client, run, service

PATHS = ("/v1/realtime/audio", "/step_plan/v1/realtime/audio")
MODEL = "stepaudio-2.5-tts"
WELL = {"voice_id": "linjiajiejie", "response_format": "pcm"}
HELLO = ("Hello there. ", "How are you today?")


class Caller:
    """A client of one utterance."""

    def __init__(self, socket):
        self.socket = socket
        self.events = []
        self.session = ""

    async def hear(self, kind=None):
        """Events up to the first of `kind`, or to the close; the close code, or that event."""
        try:
            while True:
                event = json.loads(await self.socket.recv())
                self.events.append(event)
                self.session = self.session or event["data"]["session_id"]
                if event["type"] == kind:
                    return event
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async def say(self, kind, **data):
        await self.socket.send(json.dumps({"type": kind, "data": {"session_id": self.session, **data}}))

    async def create(self, **changes):
        await self.hear("tts.connection.done")
        await self.say("tts.create", **(WELL | changes))

    async def speak(self, *texts, **changes):
        """A whole utterance; the close code."""
        await self.create(**changes)
        for text in texts:
            await self.say("tts.text.delta", text=text)
        await self.say("tts.text.done")
        return await self.hear()

    def types(self):
        """Repeated types once."""
        names = [event["type"].removeprefix("tts.") for event in self.events]
        return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]

    def all(self, kind):
        return [event["data"] for event in self.events if event["type"] == f"tts.{kind}"]

    def sound(self):
        return b"".join(base64.b64decode(data["audio"]) for data in self.all("response.audio.delta"))


def scene(*texts, faults=(), create=(), path=PATHS[0], model=MODEL, script=None, **changes):
    """One utterance of `texts`: the caller, the close code, and the record."""

    async def play():
        async with service(*faults, **changes) as simulator:
            async with client(simulator, path, model) as socket:
                caller = Caller(socket)
                code = await (script(caller) if script else caller.speak(*texts, **dict(create)))
            return caller, code, simulator.utterances[0]

    return run(play)


SENTENCE = ["response.sentence.start", "response.audio.delta", "response.sentence.end"]


@pytest.mark.parametrize("path", PATHS)
def test_an_utterance_sentence_by_sentence(path):
    caller, code, record = scene(*HELLO, path=path)
    assert code == 1000
    assert caller.types() == ["connection.done", "response.created", *SENTENCE, *SENTENCE, "response.audio.done"]
    assert [data["text"] for data in caller.all("response.sentence.start")] == ["Hello there.", "How are you today?"]
    wanted = np.concatenate([voice("Hello there."), voice("How are you today?")])
    assert caller.sound() == bytes_of(wanted)
    assert (record.text, record.path, record.model) == ("".join(HELLO), path, MODEL)
    assert [text for _, text in record.texts] == list(HELLO)
    assert [sentence.frames for sentence in record.sentences] == [4800, 9600]
    assert caller.all("response.audio.done")[0]["audio"] == ""
    assert {data["session_id"] for data in (event["data"] for event in caller.events)} == {record.session}
