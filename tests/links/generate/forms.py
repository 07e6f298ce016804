"""Reads a multipart form as a server does: for tests of what is sent."""

import io
import wave
from email.parser import BytesParser
from email.policy import HTTP


def fields_of(content_type, body):
    """The parts of a form by name: text as str, files as (file name, bytes). No part may come twice."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        assert name not in fields
        raw = part.get_payload(decode=True)
        fields[name] = raw.decode() if part.get_filename() is None else (part.get_filename(), raw)
    return fields


def pcm_of(wav):
    """The samples of a WAV file, all of them, as any library reads it: mono 16 bit, 16 kHz."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return file.readframes(file.getnframes())


def header(rate_hz=24_000, channels=1, bits=16, size=0):
    """The head of a streamed WAV as vox-serve sends it, its sizes untrue."""
    frame = channels * bits // 8
    fmt = b"".join(
        number.to_bytes(width, "little")
        for number, width in [(1, 2), (channels, 2), (rate_hz, 4), (rate_hz * frame, 4), (frame, 2), (bits, 2)]
    )
    length = size.to_bytes(4, "little")
    return b"RIFF" + (36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + fmt + b"data" + length
