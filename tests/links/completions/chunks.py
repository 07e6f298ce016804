"""Answers of chat completions for the tests, as the service gives them: chunks of a stream, and whole ones."""

import base64
import json

from speech.tts import answer, chunk

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
USAGE = {"prompt_tokens": 90, "completion_tokens": 4, "total_tokens": 94}


def data(value):
    """The data of one event."""
    return value if isinstance(value, str) else json.dumps(value)


def piece(finish="", **delta):
    """A chunk; `audio` may be bytes of sound."""
    if isinstance(delta.get("audio"), bytes):
        delta["audio"] = {"data": base64.b64encode(delta["audio"]).decode()}
    choice = {"index": 0, "delta": {"role": "", **delta}, "finish_reason": finish}
    return {"id": "d4c", "object": "chat.completion.chunk", "created": 0, "choices": [choice], "usage": USAGE}


def spoken(text):
    """A chunk with a piece of the transcript."""
    return piece(audio={"transcript": text})


def sounding(pcm):
    """A chunk with sound."""
    return piece(audio=pcm)


def calling(name, arguments, call_id="call-1", index=0):
    """A chunk with a whole tool call."""
    call = {"id": call_id, "type": "function", "index": index, "function": {"name": name, "arguments": arguments}}
    return piece(tool_calls=[call])


BEGIN = piece(role="assistant", content="")
END = piece("stop", content="")
DONE = "[DONE]"


def whole(finish="stop", **message):
    """A whole answer; `wav` are the bytes of its sound."""
    wav, transcript = message.pop("wav", None), message.pop("transcript", "")
    if wav is not None:
        message["audio"] = {"data": base64.b64encode(wav).decode(), "transcript": transcript}
    choice = {"index": 0, "finish_reason": finish, "logprobs": None, "message": {"role": "assistant", **message}}
    return {"id": "019b", "object": "chat.completion", "created": 1766673565, "choices": [choice], "usage": USAGE}


def events(*values):
    """Their bytes on the wire, in HTTP chunks."""
    return b"".join(chunk(f"data: {data(value)}\n\n".encode()) for value in values)


def streams(*values):
    """A script: an answer of these chunks, which ends well."""

    async def script(asked):
        await asked.write(STREAM, events(*values), chunk(b""))

    return script


def streams_and_waits(*values):
    """A script: these chunks, and then nothing until the other side hangs up."""

    async def script(asked):
        await asked.write(STREAM, events(*values))
        await asked.until_left()

    return script


def gives(value):
    """A script: a whole answer."""

    async def script(asked):
        await asked.write(answer("200 OK", data(value).encode()))

    return script
