"""Sound for the owner's own ears: what the speaker plays, and what the microphone hears, played back to him."""

from collections.abc import Callable
from queue import Empty, SimpleQueue

import numpy as np

from antiphon.audio.resample import Resampler
from antiphon.checkup.sound import Tune
from antiphon.errors import DeviceError
from antiphon.pcm import Samples, first_channel, frames_in, samples_of
from antiphon.ports import Block, Microphone, Speaker

PATIENCE_S = 3.0
"""A card that does not go on for so long has stopped; what is played may take so much longer than it lasts."""

REMEDY = "Pull the card and put it back, restart the sound server, or stop the program that holds the card"


def hear(microphone: Microphone, for_ms: float, patience_s: float = PATIENCE_S) -> tuple[Samples, int]:
    """What it hears, from now on, on its first channel, and its rate in Hz. Raises DeviceError."""
    blocks: SimpleQueue[Block | None] = SimpleQueue()
    stream = microphone.open(blocks.put)
    heard: list[Samples] = []
    try:
        while sum(map(len, heard)) < frames_in(for_ms, stream.rate_hz):
            try:
                block = blocks.get(timeout=patience_s)
            except Empty:
                block = None
            if block is None:
                raise DeviceError(f"the microphone {stream.device!r}", "it gives no more sound", REMEDY)
            heard.append(first_channel(samples_of(block.pcm), stream.channels))
    finally:
        microphone.close()
    return np.concatenate(heard)[: frames_in(for_ms, stream.rate_hz)], stream.rate_hz


def play(speaker: Speaker, sound: Callable[[int], Samples], patience_s: float = PATIENCE_S) -> None:
    """Play `sound(rate_hz)` to its end. Raises DeviceError."""
    tune = Tune()
    stream = speaker.open(tune.pull)
    try:
        samples = sound(stream.rate_hz)
        tune.begin(samples, frames_in(stream.output_latency_ms, stream.rate_hz))
        lasts_s = len(samples) / stream.rate_hz + stream.output_latency_ms / 1000
        if not tune.over.wait(lasts_s + patience_s):
            raise DeviceError(f"the speaker {stream.device!r}", "it takes no more sound", REMEDY)
    finally:
        speaker.close()


def at_rate(samples: Samples, from_hz: int) -> Callable[[int], Samples]:
    """`samples` at any rate, for `play`."""

    def resampled(rate_hz: int) -> Samples:
        resampler = Resampler(from_hz, rate_hz)
        return np.concatenate([resampler.take(samples), resampler.flush()])

    return resampled
