"""The answers of chat completions: one JSON object, or the chunks of a stream, odd ones as they were seen. Pure.

Source: StepFun's API reference ("Chat completion"): `finish_reason` null beside tool calls in a whole answer with
sound; in streams `role` and `finish_reason` "" until the end, `created` 0 at first, and a `usage` that grows with
every chunk. Where sound and calls stand in a stream is known from sample code and from the text models.
"""

import base64
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.simulator.stepfun.chat import Question, compact
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.script import Reply, Script, answer_to

Json: TypeAlias = dict[str, Any]
CREATED = 1_766_673_565
ERROR = '{"error":{"message":"%s","type":"internal_error"}}'
"""What a stream that fails ends with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be answered, before it has a form."""

    text: str
    calls: tuple[tuple[str, str, str], ...]
    """Id, name and arguments of each."""
    reasoning: str
    finish: str
    """stop, tool_calls or content_filter."""


def answer(asked: Question, script: Script, options: SimulatorOptions, rng: random.Random) -> Answer:
    """The answer to a request that is granted. What a user writes counts as spoken: a cascade's model hears nobody."""
    reply = script.reply("tool" if asked.last.role == "tool" else "speech", asked.last.text) or _told(asked)
    calls = tuple((f"call-{rng.randrange(10**8):08}", call.name, call.arguments) for call in reply.calls)
    cut = min((at for word in options.blocked if (at := reply.text.find(word)) >= 0), default=None)
    if cut is not None:
        return Answer(reply.text[:cut].rstrip(), (), "", "content_filter")
    return Answer(reply.text, calls, reply.thinking or options.thinking, "tool_calls" if calls else "stop")


def _told(asked: Question) -> Reply:
    """What was heard: how long the last clip is, and what was written."""
    if asked.last.role == "tool":
        return answer_to("tool", 0.0, "")
    parts = [answer_to("speech", clip.seconds, "").text for clip in asked.last.clips[-1:]]
    parts += [answer_to("text", 0.0, asked.last.text).text] if asked.last.text else []
    return Reply(" ".join(parts))


def whole(asked: Question, made: Answer, wav: bytes, number: int) -> Json:
    """The answer that is no stream. `wav` is the sound of its text, b"" for none."""
    message: Json = {"role": "assistant"}
    if wav:
        message["audio"] = {"data": base64.b64encode(wav).decode(), "transcript": made.text}
    elif not asked.voice:
        message["content"] = made.text
    if made.reasoning:
        message["reasoning"] = made.reasoning
    if made.calls:
        message["tool_calls"] = [
            _call(at, identity, name, arguments) for at, (identity, name, arguments) in enumerate(made.calls)
        ]
    finish = None if made.calls and asked.voice else made.finish
    return {
        "id": f"chat-{number}",
        "object": "chat.completion",
        "created": CREATED,
        "model": asked.model,
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": None, "message": message}],
        "usage": {**_usage(asked, len(made.text.split())), **_NO_DETAILS},
    }


class Chunks:
    """Makes the chunks of one stream, in order."""

    def __init__(self, asked: Question, number: int, rng: random.Random, sound_bytes: int) -> None:
        """`sound_bytes` is the mean size of a piece of sound."""
        self._asked, self._number, self._rng, self._mean = asked, number, rng, sound_bytes
        self._said = 0

    def all(self, made: Answer, pcm: bytes) -> Iterator[tuple[str, int]]:
        """The data of each event, and how many bytes of sound it has; [DONE] is the last."""
        yield self._chunk({"role": "assistant", "content": ""}, first=True), 0
        for piece in _words(made.reasoning):
            yield self._chunk({"role": "", "reasoning": piece}), 0
        words = _words(made.text)
        if self._asked.voice:
            yield from self._spoken(words, pcm)
        else:
            for word in words:
                self._said += 1
                yield self._chunk({"role": "", "content": word}), 0
        for at, (identity, name, arguments) in enumerate(made.calls):
            for part in _parts(at, identity, name, arguments, self._rng):
                yield self._chunk({"role": "", "tool_calls": [part]}), 0
        yield self._chunk({"role": "", "content": ""}, made.finish), 0
        yield "[DONE]", 0

    def _spoken(self, words: Sequence[str], pcm: bytes) -> Iterator[tuple[str, int]]:
        """Words a little ahead of the sound; now and then a piece of it ends within a sample."""
        sound = [pcm[first:last] for first, last in self._cuts(len(pcm))]
        each = max(1, len(words) // max(1, len(sound)) + 1)
        while words or sound:
            for word in words[:each]:
                self._said += 1
                yield self._chunk({"role": "", "audio": {"transcript": word}}), 0
            words = words[each:]
            for piece in sound[:1]:
                yield self._chunk({"role": "", "audio": {"data": base64.b64encode(piece).decode()}}), len(piece)
            sound = sound[1:]

    def _cuts(self, length: int) -> Iterator[tuple[int, int]]:
        at = 0
        while at < length:
            size = self._rng.randint(3 * self._mean // 4, 5 * self._mean // 4)
            yield at, min(length, at + size)
            at += size

    def _chunk(self, delta: Json, finish: str = "", *, first: bool = False) -> str:
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return compact(
            {
                "id": f"chat-{self._number}",
                "object": "chat.completion.chunk",
                "created": 0 if first else CREATED,
                "model": self._asked.model,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
                "usage": usage if first else _usage(self._asked, self._said),
            }
        )


_NO_DETAILS: Json = {"completion_tokens_details": None, "prompt_tokens_details": None}


def _usage(asked: Question, written: int) -> Json:
    seconds = sum(clip.seconds for message in asked.messages for clip in message.clips)
    read = sum(len(message.text.split()) for message in asked.messages) + int(10 * seconds)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _words(text: str) -> list[str]:
    """Each with the space after it; what has none comes by the character."""
    return [piece for word in re.findall(r"\S+\s*", text) for piece in ([word] if word.isascii() else list(word))]


def _call(at: int, identity: str, name: str, arguments: str) -> Json:
    return {"id": identity, "type": "function", "index": at, "function": {"name": name, "arguments": arguments}}


def _parts(at: int, identity: str, name: str, arguments: str, rng: random.Random) -> Iterator[Json]:
    """A call over several chunks: the first names it, the others go on with its arguments."""
    yield _call(at, identity, name, "")
    while arguments:
        size = rng.randint(1, 12)
        yield {"index": at, "function": {"arguments": arguments[:size]}}
        arguments = arguments[size:]
