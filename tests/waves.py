"""Sound files as a test needs them."""

import struct
import wave

from antiphon.pcm import bytes_of


def write_wav(path, samples, rate_hz=24_000):
    """Mono, 16 bit; the path again."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes_of(samples))
    return path


def riff(form, data, *before, data_length=None):
    """A file of a format, with other chunks before it; its data may say another length than it has."""
    chunks = b"".join(name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for name, body in before)
    chunks += b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(data) if data_length is None else data_length) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def form(tag=1, channels=1, rate_hz=8000, width=2):
    """The format chunk of what is said."""
    frame = channels * width
    return struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, 8 * width)
