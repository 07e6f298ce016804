"""Synthetic speech, for what the room and the simulated service say: flite and espeak-ng, run as programs.

It knows voices and samples, and neither the room nor a service. `synthesise` blocks for some ten milliseconds
the first time it is given a sentence; from asyncio, call it through `asyncio.to_thread`.
"""

import functools
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import samplerate

from antiphon.errors import DeviceError
from antiphon.pcm import Floats, Samples, clipped, decode, floats_of, frames_in

Synthesise: TypeAlias = Callable[[str, str, int], Samples]
"""`synthesise(text, voice, rate_hz)`: what a service speaks with. May block, and raise DeviceError or ValueError."""

FLITE_VOICES = ("rms", "slt", "awb", "kal16")
"""The voices of flite that wake words were measured with; `rms`, `awb` and `kal16` are men, `slt` is a woman."""

EDGE_MS = 10.0
"""What is kept of the silence before the first and after the last audible sample, so that no consonant is cut."""

SILENCE_DB = -45.0
"""Below the peak of the utterance by this much is silence."""

TIMEOUT_S = 60.0


def synthesise(text: str, voice: str = "slt", rate_hz: int = 24_000, peak_db: float = -6.0) -> Samples:
    """`text` spoken by `voice`, mono at `rate_hz`, its loudest sample at `peak_db` dBFS.

    `voice` is one of FLITE_VOICES, or any voice of espeak-ng (`en-us`, `en-gb-scotland`, `en-us+f3`).
    The voice begins EDGE_MS after the first sample and ends EDGE_MS before the last. The array is shared by all who
    ask for the same, and read-only. Raises DeviceError when the program is missing or cannot say this, ValueError for
    a text with nothing in it.
    """
    if not text.strip():
        raise ValueError("there is no text to speak")
    return _spoken(text, voice, rate_hz, peak_db)


@functools.lru_cache(maxsize=256)
def _spoken(text: str, voice: str, rate_hz: int, peak_db: float) -> Samples:
    samples, own_rate_hz = _run(text, voice)
    if not np.any(samples):
        raise DeviceError(voice, f"made no sound of {text!r}", "Give it words that can be pronounced.")
    sound = floats_of(samples)
    if own_rate_hz != rate_hz:
        sound = np.asarray(samplerate.resample(sound, rate_hz / own_rate_hz, "sinc_best"), np.float32)
    sound = _trimmed(sound, rate_hz)
    spoken = clipped(sound * np.float32(10 ** (peak_db / 20) / np.max(np.abs(sound))))
    spoken.setflags(write=False)
    return spoken


def _trimmed(sound: Floats, rate_hz: int) -> Floats:
    """`sound` with exactly EDGE_MS before its first and after its last audible sample."""
    audible = np.flatnonzero(np.abs(sound) > np.max(np.abs(sound)) * 10 ** (SILENCE_DB / 20))
    edge = frames_in(EDGE_MS, rate_hz)
    padded = np.pad(sound, edge)
    return padded[audible[0] : audible[-1] + 1 + 2 * edge]


def _run(text: str, voice: str) -> tuple[Samples, int]:
    """Have the program speak into a file; the samples, and their rate."""
    with tempfile.TemporaryDirectory(prefix="antiphon-speech-") as folder:
        wav = Path(folder) / "speech.wav"
        # flite takes its default voice when it does not know the one it is asked for; espeak-ng refuses.
        command = (
            ["flite", "-voice", voice, "-t", text, "-o", str(wav)]
            if voice in FLITE_VOICES
            else ["espeak-ng", "-v", voice, "-w", str(wav), "--", text]
        )
        program = command[0]
        try:
            # The text is one argument of a program we name, and no shell reads it.
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except FileNotFoundError as missing:
            raise DeviceError(program, "is not installed", f"Run: sudo apt install {program}") from missing
        except subprocess.TimeoutExpired as late:
            raise DeviceError(program, f"did not finish in {TIMEOUT_S:.0f} s", "Give it a shorter text.") from late
        if done.returncode != 0 or not wav.exists():
            said = " ".join(done.stderr.split()).rstrip(".") or f"ended with status {done.returncode}"
            raise DeviceError(
                program, f"cannot speak with the voice {voice}: {said}", f"Try: {', '.join(FLITE_VOICES)}"
            )
        with wave.open(str(wav), "rb") as file:
            raw = file.readframes(file.getnframes())
            return decode(raw, file.getsampwidth(), file.getnchannels()), file.getframerate()
