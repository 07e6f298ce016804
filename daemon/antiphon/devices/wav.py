"""Floor 3. WAV files that are listened to: what they are, and their sound, block by block."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon.errors import AudioFileError
from antiphon.pcm import Samples, decode, frames_in


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
