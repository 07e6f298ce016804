"""The sound card, tried as the ear and the mouth use it: a second of the microphone, a chime from the speaker."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Lock

import numpy as np

from antiphon.audio.chime import chime
from antiphon.audio.level import level_db
from antiphon.checkup.finding import Finding
from antiphon.clone import WITHOUT_A_CARD
from antiphon.errors import DeviceError
from antiphon.pcm import FULL_SCALE, Samples, bytes_of, first_channel, frames_in, ms_of, samples_of
from antiphon.ports import Block, Microphone, Speaker, StreamFormat

HEAR_MS = 1000.0
PATIENCE_S = 3.0
"""Three times as long as either takes on a card that works."""
CLIPPED = 0.001
"""More of the samples than this at full scale is a microphone that is turned up too far."""

NO_DEVICE = f"`antiphon devices` lists what there is; where there is no sound card, {WITHOUT_A_CARD}"
NOT_IN_TIME = "pull the card and put it back, restart the sound server, or stop the program that holds the card"


def check_microphone(
    microphone: Microphone, patience_s: float = PATIENCE_S, opened: Callable[[int], None] | None = None
) -> Finding:
    """Hear a second of it: whether sound comes, in time, and how loud it is. `opened` is told its rate, in Hz."""
    blocks: SimpleQueue[Block | None] = SimpleQueue()
    try:
        stream = microphone.open(blocks.put)
    except DeviceError as error:
        return Finding("microphone", "fail", str(error), NO_DEVICE)
    if opened is not None:
        opened(stream.rate_hz)
    try:
        return _judged(_collect(blocks, stream, patience_s), stream, patience_s)
    finally:
        microphone.close()


def _collect(blocks: "SimpleQueue[Block | None]", stream: StreamFormat, patience_s: float) -> list[Block]:
    """Blocks of HEAR_MS in all, or fewer when the patience is over or the stream ends."""
    wanted = frames_in(HEAR_MS, stream.rate_hz)
    until_s = time.monotonic() + patience_s
    heard: list[Block] = []
    while sum(_frames(block, stream) for block in heard) < wanted:
        try:
            block = blocks.get(timeout=max(0.0, until_s - time.monotonic()))
        except Empty:
            break
        if block is None:
            break
        heard.append(block)
    return heard


def _judged(heard: list[Block], stream: StreamFormat, patience_s: float) -> Finding:
    pcm = b"".join(block.pcm for block in heard)
    samples = first_channel(samples_of(pcm), stream.channels)
    who = f"{stream.device!r} at {stream.rate_hz} Hz"
    heard_ms = ms_of(len(samples), stream.rate_hz)
    if heard_ms < HEAR_MS:
        says = f"{who} gave {heard_ms:.0f} ms of sound in {patience_s:g} s"
        return Finding("microphone", "fail", says, NOT_IN_TIME)
    if not np.any(samples):
        says = f"{who} gives silence without a trace of noise"
        return Finding("microphone", "fail", says, "it is muted: open its switch, or its channel in alsamixer (F4)")
    loud = f"{who} hears {level_db(samples):.0f} dB"
    if np.mean(np.abs(samples.astype(np.int32)) >= FULL_SCALE - 1) > CLIPPED:
        return Finding("microphone", "warn", f"{loud}, and clips", "turn its capture level down in alsamixer (F4)")
    lost = sum(block.overflowed for block in heard)
    if lost:
        return Finding(
            "microphone", "warn", f"{loud}, and loses sound (overflows: {lost})", "see what else keeps the CPU busy"
        )
    return Finding("microphone", "ok", loud)


def _frames(block: Block, stream: StreamFormat) -> int:
    return len(samples_of(block.pcm)) // stream.channels


def check_speaker(speaker: Speaker, chime_db: float, patience_s: float = PATIENCE_S) -> Finding:
    """Play the wake chime at this level (dBFS): whether the card takes it, in time."""
    tune = Tune()
    try:
        stream = speaker.open(tune.pull)
    except DeviceError as error:
        return Finding("speaker", "fail", str(error), NO_DEVICE)
    try:
        # What the card has taken sounds only after its latency, and closing it would cut that off.
        tune.begin(chime("wake", stream.rate_hz, chime_db), frames_in(stream.output_latency_ms, stream.rate_hz))
        played = tune.over.wait(patience_s)
        dry = speaker.underflows()
    finally:
        speaker.close()
    who = f"{stream.device!r} at {stream.rate_hz} Hz"
    if not played:
        says = f"{who} took {ms_of(tune.pulled, stream.rate_hz):.0f} ms of sound in {patience_s:g} s"
        return Finding("speaker", "fail", says, NOT_IN_TIME)
    if dry:
        return Finding("speaker", "warn", f"{who} runs dry (underflows: {dry})", "raise speaker.block_ms")
    return Finding("speaker", "ok", f"{who} has played a chime: did you hear it?")


class Tune:
    """Silence until `begin`; then a sound and some silence, and `over` is set when the card has taken both."""

    def __init__(self) -> None:
        self.over = Flag()
        self.pulled = 0
        self._lock = Lock()
        self._left: Samples | None = None

    def begin(self, sound: Samples, silence: int) -> None:
        with self._lock:
            self._left = np.append(sound, np.zeros(silence, np.int16))

    def pull(self, frames: int, _heard_at_s: float) -> bytes:
        """On the driver's thread."""
        period = np.zeros(frames, np.int16)
        with self._lock:
            self.pulled += frames
            if self._left is not None:
                part, self._left = self._left[:frames], self._left[frames:]
                period[: len(part)] = part
                if not len(self._left):
                    self.over.set()
        return bytes_of(period)
