"""Sound in the containers that the service speaks in: WAV by the standard library, the others by ffmpeg, as a program.

`encode` blocks for some ten milliseconds; from asyncio, call it through `asyncio.to_thread`.
"""

import io
import subprocess
import wave

from antiphon.errors import DeviceError
from antiphon.pcm import SAMPLE_BYTES

CONTENT_TYPES = {
    "pcm": "audio/pcm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",
}
_CODECS = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3"),
    "flac": ("-c:a", "flac", "-f", "flac"),
    "opus": ("-c:a", "libopus", "-f", "ogg"),
}
_LIMIT_S = 60.0


def encode(pcm: bytes, rate_hz: int, kind: str) -> bytes:
    """Mono s16le `pcm` as pcm, wav, mp3, flac or opus. Raises DeviceError where ffmpeg is missing, or cannot."""
    if kind == "pcm":
        return pcm
    if kind == "wav":
        return wav(pcm, rate_hz)
    command = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "-", *_CODECS[kind], "-"]
    try:
        # The program and its arguments are ours, and no shell reads them.
        done = subprocess.run(command, input=pcm, capture_output=True, timeout=_LIMIT_S, check=False)  # noqa: S603
    except FileNotFoundError as missing:
        raise DeviceError(
            "ffmpeg", f"is not installed, so there is no {kind}", "Run: sudo apt install ffmpeg"
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise DeviceError("ffmpeg", f"did not finish in {_LIMIT_S:.0f} s", "Ask for pcm or wav.") from late
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())[:200]
        raise DeviceError("ffmpeg", f"makes no {kind}: {said}", "Ask for pcm or wav.")
    return done.stdout


def wav(pcm: bytes, rate_hz: int) -> bytes:
    """Mono s16le `pcm` as a WAV file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return made.getvalue()
