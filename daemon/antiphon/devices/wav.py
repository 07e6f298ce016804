"""Floor 3. WAV files in place of a sound card: a question is heard from one, the reply is written to another.

Time is real: blocks come, and periods are asked for, at the pace at which a card would.
"""

import struct
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from antiphon.errors import AudioFileError, DeviceError
from antiphon.pcm import SAMPLE_BYTES, Samples, bytes_of, decode, frames_in
from antiphon.ports import Block, StreamFormat

ENDS_S = 5.0
"""A pacing thread sleeps for one block at a time, so it ends long before this."""
_HEADER_BYTES = 44


def wav_format(path: Path) -> tuple[int, int]:
    """Rate in Hz and number of frames of the WAV file at `path`; AudioFileError, in one sentence, when it is none."""
    with _opened(path) as file:
        return file.getframerate(), file.getnframes()


def wav_blocks(path: Path, block_ms: float) -> Iterator[Samples]:
    """The first channel of the file in blocks, as fast as they are taken; holds one block, however long the file is."""
    with _opened(path) as file:
        frames = max(1, frames_in(block_ms, file.getframerate()))
        while raw := file.readframes(frames):
            yield decode(raw, file.getsampwidth(), file.getnchannels())


@contextmanager
def _opened(path: Path) -> Iterator[wave.Wave_read]:
    try:
        file = wave.open(str(path), "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        why = "it is compressed" if "unknown format" in str(error) else "it is no WAV file"
        raise AudioFileError(f"{path} cannot be heard: {why}; convert it to 16 bit PCM WAV") from error
    with file:
        if file.getnframes() == 0:
            raise AudioFileError(f"{path} cannot be heard: it holds no sound")
        if file.getframerate() < 4000:
            raise AudioFileError(f"{path} cannot be heard: its rate is {file.getframerate()} Hz, and 4000 is the least")
        decode(b"", file.getsampwidth(), file.getnchannels())
        yield file


class WavMicrophone:
    """ports.Microphone that hears the file once, from its beginning, and then silence for as long as it is open."""

    def __init__(self, path: Path, block_ms: float = 80) -> None:
        """Looks at the file now: AudioFileError when it cannot be heard."""
        self._path, self._block_ms = path, block_ms
        self._rate_hz, frames = wav_format(path)
        self.length_s = frames / self._rate_hz
        """How long the file lasts."""
        self.done = threading.Event()
        """Set when the last sample of the file was delivered."""
        self._pace: _Pace | None = None

    def open(self, deliver: Callable[[Block | None], None]) -> StreamFormat:
        """See ports.Microphone."""
        self.close()
        self.done.clear()
        frames = max(1, frames_in(self._block_ms, self._rate_hz))
        blocks = wav_blocks(self._path, self._block_ms)

        def capture(device_s: float) -> None:
            samples = next(blocks, None)
            if samples is None:
                self.done.set()
            pcm = b"" if samples is None else bytes_of(samples)
            # A card's blocks are all of one length: what is missing is silence.
            deliver(Block(pcm.ljust(frames * SAMPLE_BYTES, b"\0"), device_s, time.monotonic(), False))

        # A block can be delivered when its last sample has been captured.
        self._pace = _Pace("wav microphone", frames / self._rate_hz, capture, late_periods=1)
        return StreamFormat(str(self._path), self._rate_hz, 1, frames)

    def close(self) -> None:
        """See ports.Microphone."""
        if self._pace is not None:
            self._pace.stop()
            self._pace = None


class WavSpeaker:
    """ports.Speaker that writes what is heard, from the first sound on; pauses are kept, silence at the end is not.

    The file is a whole WAV after every `close`. Opened again, it goes on.
    """

    def __init__(self, path: Path, rate_hz: int = 24_000, block_ms: float = 20) -> None:
        """Writes nothing before it is opened."""
        self._path, self._rate_hz = path, rate_hz
        self._frames = max(1, frames_in(block_ms, rate_hz))
        self._file: IO[bytes] | None = None
        self._pace: _Pace | None = None
        self._begun = False
        self._silent_bytes = 0  # since the last sound
        self.written_frames = 0
        """How much sound is in the file."""

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        """See ports.Speaker."""
        self.close()
        try:
            file = self._file = self._path.open("r+b" if self._begun else "wb")
        except OSError as error:
            raise DeviceError(str(self._path), f"it cannot be written: {error.strerror}", "Choose another") from error
        file.seek(_HEADER_BYTES + self.written_frames * SAMPLE_BYTES)
        self._begun = True
        self._write_header(file)

        def play(device_s: float) -> None:
            # As with a card, a period is asked for while the one before it sounds.
            self._write(file, pull(self._frames, device_s))

        self._pace = _Pace("wav speaker", self._frames / self._rate_hz, play, late_periods=-1)
        return StreamFormat(str(self._path), self._rate_hz, 1, self._frames, 1000 * self._frames / self._rate_hz)

    def _write(self, file: IO[bytes], pcm: bytes) -> None:
        sound = pcm.rstrip(b"\0")
        sound = pcm[: len(sound) + len(sound) % SAMPLE_BYTES]
        if sound:
            pause = self._silent_bytes if self.written_frames else 0
            file.write(bytes(pause) + sound)
            self.written_frames += (pause + len(sound)) // SAMPLE_BYTES
            self._silent_bytes = 0
        self._silent_bytes += len(pcm) - len(sound)

    def _write_header(self, file: IO[bytes]) -> None:
        """The 44 bytes of RIFF that say what follows, and how much; the place in the file stays what it is."""
        place, size = file.tell(), self.written_frames * SAMPLE_BYTES
        file.seek(0)
        file.write(struct.pack("<4sI4s4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16))
        file.write(struct.pack("<HHIIHH", 1, 1, self._rate_hz, self._rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 16))
        file.write(struct.pack("<4sI", b"data", size))
        file.seek(max(place, _HEADER_BYTES))

    def underflows(self) -> int:
        """See ports.Speaker: a file never runs dry."""
        return 0

    def close(self) -> None:
        """See ports.Speaker."""
        if self._pace is not None:
            self._pace.stop()
            self._pace = None
        if self._file is not None:
            self._write_header(self._file)
            self._file.close()
            self._file = None


class _Pace:
    """Calls `step(device_s)` once a period on a thread of its own; late steps catch up, none is left out."""

    def __init__(self, name: str, period_s: float, step: Callable[[float], None], late_periods: int) -> None:
        """`device_s` is the period's own time on time.monotonic(); it is stepped so many periods after it."""
        self._period_s, self._step, self._late_s = period_s, step, late_periods * period_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        first_s = time.monotonic() + max(0.0, -self._late_s)
        number = 0
        while True:
            device_s = first_s + number * self._period_s
            if self._stopping.wait(max(0.0, device_s + self._late_s - time.monotonic())):
                return
            self._step(device_s)
            number += 1

    def stop(self) -> None:
        """No step begins after this."""
        self._stopping.set()
        self._thread.join(ENDS_S)
