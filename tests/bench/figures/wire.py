"""What one message costs on the wire's two ways, for orientation: microseconds of CLOCK_MONOTONIC, without a socket.

`wire.delta` is a reply's audio delta of 6,400 bytes of sound (133 ms) from its JSON text to the event that the mind
gets: decoding, and the dialogue's bookkeeping. `wire.append` is 40 ms of speech to the JSON text of its append.
"""

import base64
import json
import time
from collections.abc import Callable, Iterable

from antiphon.conversation.events import ReplyAudio
from antiphon.links.realtime.dialogue import Dialogue
from antiphon.links.realtime.messages import AppendAudio
from antiphon.links.realtime.wire import decode, encode
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, frames_in
from bench.figure import Plan, Row, figure, measured

_TIMES = 2000
_DELTA_BYTES = 6400


@figure
def wire(_: Plan) -> Iterable[Row]:
    """A delta in, an append out."""
    dialogue = Dialogue(1, own_turns=False, voice="", model="")
    dialogue.heard(decode('{"type": "session.created", "session": {}}'))
    dialogue.heard(decode('{"type": "response.created", "response": {"id": "r", "status": "in_progress"}}'))
    sound = bytes(range(256)) * (_DELTA_BYTES // 256)
    ids = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    delta = {"type": "response.audio.delta", "event_id": "e", **ids, "delta": base64.b64encode(sound).decode()}
    frame = json.dumps(delta).encode()

    def hear() -> None:
        (event,) = dialogue.heard(decode(frame)).events
        assert isinstance(event, ReplyAudio)

    append = AppendAudio(bytes(SAMPLE_BYTES * frames_in(40, LINK_RATE_HZ)))
    yield measured("wire.delta", "us", _each_us(hear))
    yield measured("wire.append", "us", _each_us(lambda: encode(append)))


def _each_us(work: Callable[[], object]) -> list[float]:
    times_us = []
    for _ in range(_TIMES):
        began_ns = time.monotonic_ns()
        work()
        times_us.append((time.monotonic_ns() - began_ns) / 1000)
    return times_us
