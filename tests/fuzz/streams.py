"""Streams as the services document them, each with what may come in anywhere; and those streams mutated."""

import base64
import struct
from collections import Counter

from hypothesis import strategies as st

from antiphon.conversation import events as happened
from antiphon.conversation.effects import ToolOutput
from fuzz.judging import can_be_told, event_of, in_order, is_part, is_sentence, sound_of
from fuzz.mutations import KEY, MUTATIONS, PAUSES, Source, Step, base64_of, letters_of, mutated

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=7)
"""Of deltas, in bytes; of texts, in characters."""


def _paused(draw, steps):
    for at, pause in enumerate(draw(st.lists(PAUSES, max_size=8))):
        if at < len(steps):
            steps[at] = Step(steps[at].body, steps[at].gate, pause)
    return steps


# ── chat completions ─────────────────────────────────────────────────────────────────────────────

USAGE = {"prompt_tokens": 90, "completion_tokens": 4, "total_tokens": 94}


def chunk(finish="", tokens=0, **delta):
    choice = {"index": 0, "delta": {"role": "", **delta}, "finish_reason": finish}
    usage = USAGE | {"completion_tokens": tokens}
    return {"id": "d4c", "object": "chat.completion.chunk", "created": 0, "choices": [choice], "usage": usage}


def call_piece(index, call_id, name, arguments):
    call = {"index": index, "function": {"arguments": arguments}}
    if call_id:
        call |= {"id": call_id, "type": "function"}
        call["function"]["name"] = name
    return call


CHAT_EXTRA = [
    {"error": {"message": f"key {KEY} is not known", "type": "invalid_api_key"}},
    {"error": {"message": "The engine is currently overloaded", "type": "x", "code": "503"}},
    chunk("content_filter"),
    chunk("stop", content=""),
    chunk("tool_calls"),
    {"choices": [], "usage": USAGE},
    chunk(reasoning="hm", reasoning_content="hm"),
    chunk(tool_calls=[call_piece(0, "call-0", "f", "{}")]),
    chunk(tool_calls=[call_piece(0, "", "", "{}")]),
    chunk(tool_calls=[{"function": {"name": "f", "arguments": {"a": 1}}}]),
]


@st.composite
def chats(draw, source=None, mutations=MUTATIONS):
    """Data of the events of a streamed answer: text, speech, perhaps tool calls, [DONE]."""
    source = source or Source()
    bodies = [chunk(role="assistant", content="")]
    for number, size in enumerate(draw(SIZES)):
        bodies.append(chunk(tokens=4 * number, audio={"transcript": source.text(size)}))
        bodies.append(chunk(tokens=4 * number + 2, audio={"data": base64_of(source.pcm(size))}))
        if draw(st.booleans()) and number == 1:
            bodies.append(chunk(reasoning=source.thought(3), reasoning_content=source.thought(2)))
    whole = "".join(body["choices"][0]["delta"].get("audio", {}).get("transcript", "") for body in bodies)
    kind = draw(st.sampled_from(["speech", "speech", "text", "call", "calls in pieces", "whole again"]))
    if kind == "text":
        bodies = [chunk(content=source.text(3)) for _ in range(3)]
    elif kind == "call":
        bodies.append(chunk(tool_calls=[call_piece(0, "call-1", "get_time", '{"city": "Oslo"}')]))
    elif kind == "calls in pieces":
        for index in (0, 1):
            call = call_piece(index, f"call-{index + 1}", "get_time", "")
            bodies += [chunk(tool_calls=[call])]
            bodies += [chunk(tool_calls=[call_piece(index, "", "", part)]) for part in ('{"city"', ': "Oslo"}')]
    elif kind == "whole again":
        sound = base64_of(bytes(range(1, source.sound + 1)))
        message = {"role": "assistant", "audio": {"data": sound, "transcript": whole}}
        bodies.append({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE})
    bodies.append(chunk("stop", tokens=99, content=""))
    steps = [*map(Step, bodies), Step("[DONE]")]
    return mutated(steps, draw(mutations), CHAT_EXTRA)


# ── recognition ──────────────────────────────────────────────────────────────────────────────────

META = {"session_id": "sse_1784", "timestamp": 23}
HEARD_EXTRA = [
    {"type": "error", "meta": META, "message": f"content blocked {KEY}"},
    {"type": "error", "meta": META},
    {"error": {"message": "model stepaudio-9 not supported", "type": "request_params_invalid"}},
    {"type": "transcript.text.done", "meta": META, "text": "", "usage": None},
    {"type": "transcript.text.odd", "meta": META},
]


@st.composite
def recognitions(draw, source=None, mutations=MUTATIONS):
    """Data of the events: deltas, and the text of all."""
    source = source or Source()
    said = [source.text(size) for size in draw(SIZES)]
    bodies = [{"type": "transcript.text.delta", "meta": META, "delta": text} for text in said]
    usage = {"type": "tokens", "input_tokens": 40, "input_token_details": {"text_tokens": 0}, "total_tokens": 46}
    text = "".join(said) if draw(st.booleans()) else source.text(5)
    bodies.append({"type": "transcript.text.done", "meta": META, "text": text, "usage": usage})
    steps = [*map(Step, bodies), *([Step("[DONE]")] if draw(st.booleans()) else [])]
    return mutated(steps, draw(mutations), HEARD_EXTRA)


# ── text to speech over HTTP, as events ──────────────────────────────────────────────────────────

READ_EXTRA = [
    {"type": "speech.audio.error", "message": f"your key {KEY}"},
    {"type": "speech.audio.error", "error": {"message": "blocked", "type": "censorship_blocked"}},
    {"type": "speech.audio.done", "audio": ""},
]


@st.composite
def readings(draw, source=None, mutations=MUTATIONS):
    """Data of the events: sound in pieces; at the end perhaps all of it once more."""
    source = source or Source()
    sounds = [source.pcm(size) for size in draw(SIZES)]
    bodies = [{"type": "speech.audio.delta", "audio": base64_of(pcm)} for pcm in sounds]
    whole = b"".join(sounds) if draw(st.booleans()) else b""
    bodies.append({"type": "speech.audio.done", "audio": base64_of(whole)})
    return mutated([*map(Step, bodies), Step("[DONE]")], draw(mutations), READ_EXTRA)


# ── text to speech over a WebSocket ──────────────────────────────────────────────────────────────


def wav(pcm):
    """A whole file, as each delta is one where no `pcm` was asked for."""
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, 24000, 48000, 2, 16,
                       b"data", len(pcm))  # fmt: skip
    return head + pcm


def tts(number, kind, **data):
    return {"event_id": f"e{number}", "type": f"tts.{kind}", "data": {"session_id": "S", **data}}


def _tts_error(code, message, **more):
    return {"event_id": "x", "type": "tts.response.error", "data": {"code": code, "message": message, **more}}


SPOKEN_EXTRA = [
    _tts_error("503", "The engine is currently overloaded, please try again later", details={"error": "busy"}),
    _tts_error("401", f"Incorrect API key {KEY}"),
    _tts_error("censorship_blocked", "blocked", details={"error": KEY}),
    _tts_error(429, None, details=[]),
    tts(90, "response.subtitle", text="a", items=[]),
    tts(91, "connection.done"),
    tts(92, "response.created"),
    tts(93, "response.audio.done", audio=""),
    tts(94, "text.flushed"),
    tts(95, "response.audio.delta", audio="AAAAAA==", status="finished"),
]


@st.composite
def spoken(draw, source=None, mutations=MUTATIONS, paused=True):
    """Frames of one utterance, each with what it waits for."""
    source = source or Source()
    filed = draw(st.sampled_from([False, False, True]))
    steps = [Step(tts("c", "connection.done")), Step(tts("r", "response.created"), "tts.create")]
    sounds, number = [], 0
    for sentence in range(draw(st.integers(1, 3))):
        steps.append(Step(tts(f"s{sentence}{source.sound}", "response.sentence.start", text="A."), "tts.text.delta"))
        for size in draw(SIZES):
            sounds.append(source.pcm(size))
            number += 1
            audio = base64_of(wav(sounds[-1]) if filed else sounds[-1])
            steps.append(Step(tts(f"a{number}", "response.audio.delta", status="unfinished", audio=audio)))
        steps.append(Step(tts(f"f{sentence}", "response.audio.delta", status="finished", audio="")))
        steps.append(Step(tts(f"d{sentence}", "response.sentence.end", text="A.", timestamp=98)))
        steps.append(Step(tts(f"g{sentence}", "text.flushed")))
    whole = b"".join(sounds) if draw(st.booleans()) else b""
    whole = wav(whole) if whole and filed else whole
    steps.append(Step(tts("z", "response.audio.done", audio=base64_of(whole)), "tts.text.done"))
    return mutated(_paused(draw, steps) if paused else steps, draw(mutations), SPOKEN_EXTRA)


# ── live recognition ─────────────────────────────────────────────────────────────────────────────

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def live(number, kind, item="", **more):
    return {"event_id": f"s{number}", "type": kind, "meta": META, **({"item_id": item} if item else {}), **more}


LIVE_EXTRA = [
    live(80, "error", error={"type": "risk", "code": "risk_blocked", "message": f"no {KEY}"}),
    live(81, "error", error={"type": "internal_error", "code": "pong_timeout", "message": "late"}),
    live(82, "error", error={"type": "invalid_request_error", "code": "invalid_value", "message": "twice"}),
    live(83, "session.updated"),
    live(84, "session.created"),
    live(85, "transcript.response.error", error={"message": "unknown event"}),
    live(86, f"{TRANSCRIPTION}.failed", "i1"),
    live(87, f"{TRANSCRIPTION}.completed", "i0", transcript=""),
    live(88, "input_audio_buffer.speech_started", "i9", audio_start_ms=5),
]


@st.composite
def dictations(draw, source=None, mutations=MUTATIONS, paused=True):
    """Frames of a dictation of one turn or several, some of them settled twice."""
    source = source or Source()
    steps = [Step(live("c", "session.created")), Step(live("u", "session.updated"), "session.update")]
    number = 0
    for turn in range(draw(st.integers(1, 3))):
        item, said = f"i{turn}", [source.text(size) for size in draw(SIZES)]
        steps.append(Step(live(f"b{turn}", "input_audio_buffer.speech_started", item), "input_audio_buffer.append"))
        for upto in range(1, len(said)):
            number += 1
            text = "".join(said[:upto])
            steps.append(Step(live(number, f"{TRANSCRIPTION}.delta", item, text=text, stash=said[upto])))
        steps.append(Step(live(f"e{turn}", "input_audio_buffer.speech_stopped", item)))
        steps.append(Step(live(f"k{turn}", "input_audio_buffer.committed", item, previous_item_id="")))
        done = live(f"d{turn}", f"{TRANSCRIPTION}.completed", item, transcript="".join(said), usage=USAGE)
        steps += [Step(done)] + ([Step(done | {"event_id": f"dd{turn}"})] if draw(st.booleans()) else [])
    steps.append(Step(live("v", "session.updated"), "end"))
    return mutated(_paused(draw, steps) if paused else steps, draw(mutations), LIVE_EXTRA)


# ── realtime ─────────────────────────────────────────────────────────────────────────────────────


class Realtime:
    """Makes events, each with an id of its own."""

    def __init__(self, source):
        self.source, self.number = source, 0

    def event(self, kind, **fields):
        self.number += 1
        return {"event_id": f"e{self.number}", "type": kind, **fields}

    def of_reply(self, kind, reply, **fields):
        where = {"response_id": reply, "item_id": f"I{reply}", "output_index": 0, "content_index": 0}
        return self.event(f"response.{kind}", **where, **fields)

    def turn(self, item):
        return [
            self.event("input_audio_buffer.speech_started", audio_start_ms=1000, item_id=item),
            self.event("input_audio_buffer.speech_stopped", audio_end_ms=2000, item_id=item),
            self.event("input_audio_buffer.committed", previous_item_id="", item_id=item),
            self.event("conversation.item.created", item={"id": item, "type": "message", "role": "user"}),
            self.event(f"{TRANSCRIPTION}.completed", item_id=item, content_index=0, transcript="hello"),
        ]

    def reply(self, name, sizes, *, status="completed", text="audio_transcript", call=None, thinking=False):
        said, sounds = [self.source.text(size) for size in sizes], [self.source.pcm(size) for size in sizes]
        item = {"id": f"I{name}", "object": "realtime.item", "type": "message", "role": "assistant", "content": []}
        response = {"id": name, "object": "realtime.response", "status": "in_progress", "output": []}
        whole = "".join(said)
        part = {"type": "audio", "transcript": whole}
        full = item | {"content": [part]}
        called = self._call(name, call) if call else []
        key = "transcript" if text == "audio_transcript" else "text"
        return [
            self.event("response.created", response=response),
            self.of_reply("output_item.added", name, item=item),
            self.of_reply("content_part.added", name, part={"type": "audio"}),
            *([self.of_reply("thinking.delta", name, delta=self.source.thought(4))] if thinking else []),
            *(self.of_reply(f"{text}.delta", name, delta=one) for one in said),
            self.of_reply(f"{text}.done", name, **{key: whole}),
            *(self.of_reply("audio.delta", name, delta=base64_of(pcm)) for pcm in sounds),
            self.of_reply("audio.done", name, audio=base64_of(b"".join(sounds))),
            self.of_reply("content_part.done", name, part=part),
            self.of_reply("output_item.done", name, item=full),
            *called,
            self.event("response.done", response=response | {"status": status, "output": [full]}),
        ]

    def _call(self, name, call):
        item = {"id": f"F{call}", "type": "function_call", "call_id": call, "name": "set_timer"}
        where = {"response_id": name, "item_id": f"F{call}", "output_index": 1, "call_id": call, "name": "set_timer"}
        arguments = '{"seconds": 60}'
        return [
            self.event("response.output_item.added", response_id=name, output_index=1, item=item),
            self.event("response.function_call_arguments.delta", **where, arguments=arguments[:5]),
            self.event("response.function_call_arguments.delta", **where, arguments=arguments[5:]),
            self.event("response.function_call_arguments.done", **where, arguments=arguments),
            self.event(
                "response.output_item.done", response_id=name, output_index=1, item=item | {"arguments": arguments}
            ),
        ]


def _complaint(kind, message, **more):
    return {"event_id": "x", "type": "error", "error": {"type": kind, "message": message, **more}}


REALTIME_EXTRA = [
    _complaint("invalid_request_error", "no ongoing response to cancel"),
    _complaint("invalid_request_error", "ongoing response already exists"),
    _complaint("invalid_request_error", "no speech found"),
    _complaint("invalid_request_error", f"invalid event format {KEY}", event_id="output-7-1"),
    _complaint("server_error", f"key {KEY}"),
    {"event_id": "y", "type": "invalid_request_error", "code": "invalid_value", "message": f"flat {KEY}"},
    {"event_id": "z", "type": "response.cancelled", "response": {"id": "R", "status": "cancelled"}},
    {"event_id": "q", "type": "response.created", "response": {"id": "R"}},
    {"event_id": "w", "type": "response.done", "response": {"status": "failed", "status_details": {"reason": KEY}}},
    {"type": "rate_limits.updated", "rate_limits": []},
    {"type": "session.updated", "session": {"voice": KEY}},
    {"type": "input_audio_buffer.cleared"},
]


@st.composite
def calls(draw, source=None, mutations=MUTATIONS):
    """Frames of a call: the session, turns, replies with speech and tool calls."""
    said = Realtime(source or Source())
    session = {"id": "7f1c", "model": "m", "voice": "v", "max_response_output_tokens": "4096"}
    bodies = [said.event("session.created", session=session), said.event("session.updated", session=session)]
    for number in range(draw(st.integers(1, 3))):
        bodies += said.turn(f"i{number}")
        bodies += said.reply(
            f"R{number}" if number else "R",
            draw(SIZES),
            status=draw(st.sampled_from(["completed"] * 4 + ["failed", "incomplete", "cancelled"])),
            text=draw(st.sampled_from(["audio_transcript", "audio_transcript", "text"])),
            call=draw(st.sampled_from(["", "", f"call-{number}"])),
            thinking=draw(st.booleans()),
        )
    return mutated(_paused(draw, [*map(Step, bodies)]), draw(mutations), REALTIME_EXTRA)


# ── what came, for whoever judges what was told ──────────────────────────────────────────────────


def _path(event, *names):
    for name in names:
        try:
            event = event[name]
        except (KeyError, IndexError, TypeError):
            return None
    return event


def sound_in(text):
    """The bytes of base64 that are ours."""
    try:
        return [byte for byte in base64.b64decode(text, validate=True) if byte] if isinstance(text, str) else []
    except ValueError:
        return []


def sound_in_chunk(event, form="delta"):
    """Of a chunk of a chat; what stands in its `message` is all of the answer."""
    return sound_in(_path(event, "choices", 0, form, "audio", "data"))


def text_in_chunk(event, form="delta"):
    """The same, as letters."""
    texts = [_path(event, "choices", 0, form, *names) for names in (("audio", "transcript"), ("content",))]
    return letters_of("".join(text for text in texts if isinstance(text, str)))


def chat_is_told_once(pcm, text, answers):
    """Of each answer (its events) what it says in pieces, in order; or, where it says nothing so, all of it, once."""
    _is_told_once(sound_of(pcm), answers, sound_in_chunk, "message")
    _is_told_once(letters_of(text), answers, text_in_chunk, "message")


def speech_is_told_once(pcm, sockets):
    """The same of what was spoken, each socket a list of distinct frames."""
    events = [[event_of(text) for text in texts] for texts in sockets]
    _is_told_once(sound_of(pcm), events, _sound_in_frame, "done")


def _is_told_once(told, answers, part, whole):
    rest = told
    for events in answers:
        rest = _without(rest, events, part, whole)
    assert not rest, f"told {told}, of which too much is {rest}"


def _without(told, events, part, whole):
    """What remains of `told` after what this answer may have said of it."""
    pieces = [one for event in events for one in part(event)]
    wholes = [part(event, whole) for event in events]
    mine = [one for one in told if any(one in came for came in (pieces, *wholes))]
    assert any(is_part(mine, came) for came in (pieces, *wholes)), f"told {mine}, of {pieces} or {wholes}"
    return [one for one in told if one not in mine]


def sound_in_reading(event):
    return sound_in(event.get("audio")) if event.get("type") == "speech.audio.delta" else []


def _sound_in_frame(event, kind="delta"):
    audio = _path(event, "data", "audio")
    if event.get("type") != f"tts.response.audio.{kind}" or not isinstance(audio, str):
        return []
    try:
        sound = base64.b64decode(audio, validate=True)
    except ValueError:
        return []
    return [byte for byte in (sound[44:] if sound[:4] == b"RIFF" else sound) if byte]


def heard_of_one_socket(told, frames, *, twice=False):
    """`told` is the sound of the deltas, in order; or, where none had any, that of the end. With `twice` a delta that
    came twice counts twice.
    """
    texts = [frame if isinstance(frame, str) else frame.text for frame in frames]
    texts = texts if twice else distinct(texts)
    deltas = [byte for text in texts for byte in _sound_in_frame(event_of(text), "delta")]
    told = sound_of(told)
    ends = [_sound_in_frame(event_of(text), "done") for text in texts]
    if is_part(told, deltas) or any(is_part(told, end) for end in ends):
        return
    raise AssertionError(f"told {told}, of deltas {deltas} and ends {ends}")


# ── what holds for a call ────────────────────────────────────────────────────────────────────────


def wish(of, what, events):
    """What the mind may want at any time, of a Dialogue or of a link."""
    replies = [event.reply for event in events if isinstance(event, happened.ReplyStarted)] or ["none"]
    calls = [event.tool_call for event in events if isinstance(event, happened.ToolCalled)] or ["none"]
    commit, cancel = (of.commit, of.cancel) if hasattr(of, "commit") else (of.commit_turn, of.cancel_reply)
    match what:
        case "commit":
            return commit()
        case "cancel":
            return cancel(replies[-1], 1.0)
        case "cancel old":
            return cancel(replies[0], 0.0)
        case "outputs":
            return of.give_tool_outputs([ToolOutput(calls[-1], "noon")], respond=True)
        case _:
            return of.give_tool_outputs([ToolOutput(calls[0], "")], respond=False)


def distinct(frames):
    """Without those that came before: every event of a WebSocket has an id of its own, so such a one came twice."""
    seen = set()
    return [one for one in frames if '"event_id"' not in one or not (one in seen or seen.add(one))]


def nothing_is_told_twice(events, frames):
    """Of distinct frames each sound is told once, in order; each letter of a reply as often as deltas say it, or, where
    none came, once. A text that names another reply is of another reply.
    """
    frames = [event_of(frame) for frame in frames]
    came = [
        byte for frame in frames if frame.get("type") == "response.audio.delta" for byte in sound_in(frame.get("delta"))
    ]
    told = b"".join(event.pcm for event in events if isinstance(event, happened.ReplyAudio))
    in_order(sound_of(told), came)
    pieces = ("response.audio_transcript.delta", "response.text.delta")
    deltas = [frame.get("delta") for frame in frames if frame.get("type") in pieces]
    said = Counter(letter for delta in deltas if isinstance(delta, str) for letter in letters_of(delta))
    told = Counter(
        (event.reply, letter)
        for event in events
        if isinstance(event, happened.ReplyText)
        for letter in letters_of(event.text)
    )
    for (reply, letter), count in told.items():
        assert count <= max(1, said[letter]), f"{letter} was told {count} times in {reply}"


def replies_are_whole(events, *, secret=True):
    """Each reply begins and ends once, one at a time; all that is told of it lies between; each tool call once."""
    running, over, called = None, set(), set()
    for event in events:
        match event:
            case happened.ReplyStarted(_, reply):
                assert running is None, f"{reply} began in {running}"
                assert reply not in over, f"{reply} began twice"
                running = reply
            case happened.ReplyText(_, reply, text):
                assert reply == running, event
                can_be_told(text)
            case happened.ReplyAudio(_, reply, pcm):
                assert reply == running, event
                assert pcm, "no sound"
                assert len(pcm) % 2 == 0, "half a sample"
            case happened.ToolCalled(_, reply, tool_call, name, arguments):
                assert reply == running, event
                assert (reply, tool_call) not in called, f"{tool_call} called twice"
                called.add((reply, tool_call))
                can_be_told(tool_call, name, arguments)
            case happened.ReplyEnded(_, reply, _, problem):
                assert reply == running, event
                over.add(reply)
                running = None
                if problem is not None:
                    is_sentence(problem.sentence, secret=secret)
            case happened.ServiceComplained(_, problem):
                is_sentence(problem.sentence, secret=secret)
            case happened.UserSaid(_, item, text):
                can_be_told(item, text)
    return running
