"""Floor 5. Recordings of any kind as bare samples, by ffmpeg where it is installed: a process of its own, no shell."""

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path
from typing import Final

from antiphon.errors import AudioFileError
from antiphon.pcm import WAKE_RATE_HZ

RATE_HZ: Final = WAKE_RATE_HZ
"""Of what is made: more is of no use to speech recognition."""
MAX_SAID_BYTES: Final = 4096


async def to_pcm(source: Path, target: Path, why: str) -> None:
    """Make the sound of `source` into mono s16le at RATE_HZ, in the file `target`. Raises AudioFileError, with `why`
    it must be where there is no ffmpeg.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise AudioFileError(f"{why}: install ffmpeg (sudo apt install ffmpeg), which makes it fit, and run this again")
    words = ("-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i", f"file:{source}", "-vn")
    made = ("-ac", "1", "-ar", str(RATE_HZ), "-f", "s16le", "-y", f"file:{target}")
    process = await asyncio.create_subprocess_exec(ffmpeg, *words, *made, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    assert process.stderr is not None
    try:
        said = b""
        while piece := await process.stderr.read(MAX_SAID_BYTES):
            said = (said + piece)[-MAX_SAID_BYTES:]
        status = await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if status or not await asyncio.to_thread(_holds_something, target):
        raise AudioFileError(f"{source} cannot be heard: ffmpeg finds no sound in it{_last_line(said)}")


def _holds_something(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    line = "".join(c for c in lines[-1] if c.isprintable()).strip() if lines else ""
    line = re.sub(r"^\[[^]]* @ 0x[0-9a-f]+\] ", "", line)  # which part of ffmpeg says it, and where that lies
    return f" ({line[:200]})" if line else ""
