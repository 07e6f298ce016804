"""Floor 5. Files in place of a sound card, in no time: a question is heard as fast as it is read, a reply is kept.

devices/wav.py reads the files. Device time is the files' own, so nothing seems late or lost.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from antiphon.audio.endpoint import Edge, Endpointer
from antiphon.audio.marks import MARK_MS, Mark
from antiphon.devices.wav import wav_blocks, wav_format
from antiphon.errors import AudioFileError
from antiphon.pcm import LINK_RATE_HZ, Samples, bytes_of, frames_in, ms_of
from antiphon.ports import Block, StreamFormat

BLOCK_MS = 80
PERIOD_MS = 20
QUIET_PERIOD_S = 0.005
"""A period in which nothing plays is over sooner than in life, and long enough not to keep the CPU busy."""
LEAST_MS = 1500.0
"""What is shorter is filled up with silence: services find no speech in a second or less."""
TAIL_MS = 300.0
"""Silence after the question, so that its last sample is through every filter."""


def check_place(output: Path) -> None:
    """Raises AudioFileError when no file could be written at `output`."""
    try:
        folder, nowhere = output.is_dir(), not output.parent.is_dir()
        allowed = os.access(output if output.exists() else output.parent, os.W_OK)
    except OSError as error:
        raise AudioFileError(f"{output} cannot be written: {error.strerror}; give another file") from error
    if folder:
        raise AudioFileError(f"{output} cannot be written: it is a directory; give a file in it")
    if nowhere:
        raise AudioFileError(f"{output} cannot be written: give a file in a directory that is there")
    if not allowed:
        raise AudioFileError(f"{output} cannot be written: you have no right to, so give a file in another directory")


class WholeQuestion(Endpointer):
    """The one turn begins with the file's first sound and ends after its last: nobody judges."""

    def __init__(self, question: "QuestionMicrophone") -> None:
        """`question` tells its length when it has been heard to the end."""
        self._question = question
        self._marks = 0
        self._ended = False
        super().__init__(min_speech_ms=MARK_MS, trailing_silence_ms=MARK_MS, max_turn_ms=MARK_MS)

    def restart(self) -> None:
        """Nothing: a call that was lost is no new question."""

    def hear(self, marks: Iterable[Mark]) -> list[Edge]:
        """See Endpointer; each edge comes once."""
        edges: list[Edge] = []
        for _ in marks:
            self._marks += 1
            if self._marks == 1:
                edges.append("began")
            if not self._ended and self._over():
                self._ended = True
                edges.append("ended")
        return edges

    def _over(self) -> bool:
        length_ms = self._question.length_ms
        return length_ms is not None and self._marks * MARK_MS >= max(length_ms, LEAST_MS) + TAIL_MS


class QuestionMicrophone:
    """ports.Microphone that hears a file, from `begin` on, as fast as it is read, and then silence at a card's pace."""

    hung = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rate_hz, _ = wav_format(path)
        self._begun, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.length_ms: float | None = None
        """How long the file was; None until its last sample was delivered."""

    def begin(self) -> None:
        """Somebody listens now."""
        self._begun.set()

    def open(self, deliver: Callable[[Block | None], None]) -> StreamFormat:
        """See ports.Microphone; once."""
        self._thread = threading.Thread(target=self._capture, args=(deliver,), name="question", daemon=True)
        self._thread.start()
        return StreamFormat(str(self._path), self._rate_hz, 1, frames_in(BLOCK_MS, self._rate_hz))

    def close(self) -> None:
        """See ports.Microphone."""
        self._closed.set()
        self._begun.set()
        if self._thread is not None:
            self._thread.join()

    def _capture(self, deliver: Callable[[Block | None], None]) -> None:
        self._begun.wait()
        frames = 0
        for samples in wav_blocks(self._path, BLOCK_MS):
            frames = self._deliver(samples, frames, deliver)
            if self._closed.is_set():
                return
        self.length_ms = ms_of(frames, self._rate_hz)
        silence = np.zeros(frames_in(BLOCK_MS, self._rate_hz), np.int16)
        for _ in range(round((LEAST_MS + TAIL_MS) / BLOCK_MS) + 2):
            frames = self._deliver(silence, frames, deliver)
        while not self._closed.wait(BLOCK_MS / 1000):
            frames = self._deliver(silence, frames, deliver)

    def _deliver(self, samples: Samples, frames: int, deliver: Callable[[Block | None], None]) -> int:
        """Times are those of the file, so nothing seems late or lost; the number of frames so far."""
        device_s = frames / self._rate_hz
        frames += len(samples)
        deliver(Block(bytes_of(samples), device_s, frames / self._rate_hz, overflowed=False))
        return frames


class ReplySpeaker:
    """ports.Speaker that keeps what is played, from the first sound to the last; its time flies when sound is there."""

    hung = False

    def __init__(self) -> None:
        self._kept = bytearray()
        self._pause_bytes = 0  # silence since the last sound: part of the reply only when more follows
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def pcm(self) -> bytes:
        """What was played, mono s16le 24 kHz."""
        return bytes(self._kept)

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        """See ports.Speaker."""
        frames = frames_in(PERIOD_MS, LINK_RATE_HZ)
        self._closed.clear()
        self._thread = threading.Thread(target=self._play, args=(pull, frames), name="reply", daemon=True)
        self._thread.start()
        return StreamFormat("reply", LINK_RATE_HZ, 1, frames)

    def underflows(self) -> int:
        """See ports.Speaker."""
        return 0

    def close(self) -> None:
        """See ports.Speaker."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _play(self, pull: Callable[[int, float], bytes], frames: int) -> None:
        while not self._closed.is_set():
            period = pull(frames, time.monotonic())
            if any(period):
                self._kept += bytes(self._pause_bytes if self._kept else 0) + period
                self._pause_bytes = 0
            else:
                self._pause_bytes += len(period)
                self._closed.wait(QUIET_PERIOD_S)
