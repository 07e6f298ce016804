"""Sound files as a test needs them."""

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
