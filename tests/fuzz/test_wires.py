"""What only reads: whatever comes, in whatever pieces, it raises nothing but what it says, and tells nothing twice."""

import json

from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.links.completions.wire import ChunkStream, Stopped, whole_answer
from antiphon.links.realtime import messages as m
from antiphon.links.realtime import wire as realtime_wire
from antiphon.links.realtime.dialogue import Dialogue
from antiphon.speech import live_wire, recognise_wire, stream_wire
from antiphon.speech import wire as speech_wire
from antiphon.speech.sse import MAX_EVENT_BYTES, EventStream
from fuzz import streams
from fuzz.judging import can_be_told, event_of, in_order, sound_of
from fuzz.mutations import CUTS
from fuzz.tally import many, met


def body_of(steps):
    """As server-sent events; where an example has none, it is as long as it is."""
    return "".join(f"data: {step.text}\n\n" for step in steps).encode("utf-8", "surrogatepass")


def data_of(steps, cut):
    """The data of the events, as they come out of bytes in pieces; True when the stream was good so far."""
    stream, data = EventStream(), []
    try:
        for _, piece in cut.pieces(body_of(steps)):
            for one in stream.take(piece):
                data.append(one)  # noqa: PERF402 - what came before nonsense counts
            assert stream._size + len(stream._rest) <= MAX_EVENT_BYTES
        data += stream.end()
    except Garbled:
        met("garbled bytes")
    return data


@many
@given(st.lists(st.sampled_from([b"data", b":", b" ", b"\r", b"\n", b"\n\n", b"\xff", b"{}", b"\xef\xbb\xbf"])), CUTS)
def test_lines(parts, cut):
    met("examples")
    body = b"".join(parts)
    try:
        whole = [*EventStream().take(body)]
    except Garbled:
        return
    stream = EventStream()
    cut.end = "well"
    assert [one for _, piece in cut.pieces(body) for one in stream.take(piece)] == whole


@many
@given(streams.chats(), CUTS)
def test_chat(steps, cut):
    met("examples")
    stream, said, data = ChunkStream(), [], data_of(steps, cut)
    try:
        for one in data:
            said.append(stream.take(one))  # noqa: PERF401 - what came before an error counts
        said.append(stream.end())
    except (Garbled, Stopped) as why:
        met(type(why).__name__)
    text, pcm = "".join(one.text for one in said), b"".join(one.pcm for one in said)
    calls = [call for one in said for call in one.calls]
    can_be_told(text, *(part for call in calls for part in (call.id, call.name, call.arguments)))
    streams.chat_is_told_once(pcm, text, [[event_of(one) for one in data]])
    assert len({call.id for call in calls}) == len(calls)
    assert all(call.name for call in calls)
    assert len(pcm) % 2 == 0


@many
@given(streams.chats())
def test_whole_chat(steps):
    met("examples")
    for step in steps:
        try:
            said = list(whole_answer(step.text))
        except (Garbled, Stopped):
            continue
        can_be_told(*(one.text for one in said))
        assert said[-1].finish


@many
@given(streams.recognitions(), CUTS)
def test_recognition(steps, cut):
    met("examples")
    for data in data_of(steps, cut):
        try:
            event = recognise_wire.read(data)
        except Garbled:
            continue
        if isinstance(event, recognise_wire.Delta | recognise_wire.Done):
            can_be_told(event.text)


@many
@given(streams.readings(), CUTS)
def test_reading(steps, cut):
    met("examples")
    data, sound, told = data_of(steps, cut), speech_wire.SoundStream(), b""
    for one in data:
        event = speech_wire.read_event(one)
        if isinstance(event, speech_wire.Piece):
            told += sound.take(event.data)
    came = [byte for one in data for byte in streams.sound_in_reading(event_of(one))]
    in_order(sound_of(told), came)


@many
@given(streams.spoken())
def test_spoken(steps):
    met("examples")
    samples, told = stream_wire.Samples(), b""
    for step in steps:
        message = stream_wire.decode(step.text)
        if isinstance(message, stream_wire.SoundCame):
            told += samples.take(message)
        elif isinstance(message, stream_wire.Finished):
            told += samples.end(message)
            break
    assert len(told) % 2 == 0
    streams.heard_of_one_socket(told, steps, twice=True)


@many
@given(streams.dictations())
def test_dictation(steps):
    met("examples")
    turns, told = live_wire.Turns(), []
    for step in steps:
        message = live_wire.decode(step.text)
        if isinstance(message, live_wire.Begun | live_wire.Growing | live_wire.Settled):
            told += turns.take(message)
            can_be_told(turns.growing)
    can_be_told(*told)


WISHES = st.lists(st.sampled_from(["commit", "cancel", "cancel old", "outputs", "outputs, no answer"]), max_size=6)


@many
@given(st.booleans(), streams.calls(), WISHES, st.lists(st.integers(0, 60), max_size=6))
def test_dialogue(own_turns, steps, wishes, places):
    met("examples")
    dialogue = Dialogue(7, own_turns=own_turns, voice="v", model="m")
    events, requests = [], []
    wanted = dict(zip(places, wishes, strict=False))

    def keep(outcome):
        events.extend(outcome.events)
        requests.extend(outcome.requests)

    frames = streams.distinct([step.text for step in steps])
    for number, frame in enumerate(frames):
        message = realtime_wire.decode(frame)
        if not isinstance(message, m.Unknown | m.Malformed):
            keep(dialogue.heard(message))
        if wish := wanted.get(number):
            keep(streams.wish(dialogue, wish, events))
    for request in requests:
        json.loads(realtime_wire.encode(request))
    streams.replies_are_whole(events, secret=False)
    streams.nothing_is_told_twice(events, frames)
    assert len(dialogue._past) <= 64
