"""Floor 5. `antiphon transcribe --live`: what is said, written down while it is spoken; from the microphone, from
samples on stdin, or from a file as if it were spoken.

Ctrl-C ends what is said, and the last of it is still written down; another one ends that as well.
"""

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from antiphon.audio.resample import Resampler
from antiphon.devices.wav import wav_blocks, wav_format
from antiphon.errors import AntiphonError, AudioFileError, DeviceError
from antiphon.pcm import SAMPLE_BYTES, Samples, bytes_of, first_channel, samples_of
from antiphon.ports import Block
from antiphon.progress import one_line
from antiphon.reasons import by_hand
from antiphon.recordings import KINDS, check_file
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.speech.live import MODEL, Dictation, LivePlan
from antiphon.standard_input import StandardInput

RATE_HZ: Final = 16_000
BLOCK_MS: Final = 100
STALL_S: Final = 2.0
"""Without a block for this long the microphone is taken for dead."""
_STDIN = Path("-")


def plan_of(settings: Settings, language: str, hotwords: Sequence[str], model: str | None) -> LivePlan:
    """How the service is asked."""
    return LivePlan(
        settings.speech.url, model or MODEL, RATE_HZ, language, ", ".join(hotwords), settings.realtime.proxy
    )


def run_live(
    settings: Settings, plan: LivePlan, key: Secret | None, source: Path | None, rate_hz: int, *, as_json: bool
) -> int:
    """Print the text of each turn as soon as it is settled; 0, or 1 with a sentence on stderr. `source` is None for the
    microphone, - for samples on stdin at `rate_hz`, or a WAV or PCM file.
    """
    page = _Page(as_json=as_json)
    try:
        asyncio.run(_dictate(settings, plan, key, source, rate_hz, page))
    except (AudioFileError, DeviceError):
        raise
    except AntiphonError as error:
        print(f"antiphon: {by_hand(str(error))}", file=sys.stderr, flush=True)
        return 1
    finally:
        page.show("")
    return 0


async def _dictate(
    settings: Settings, plan: LivePlan, key: Secret | None, source: Path | None, rate_hz: int, page: "_Page"
) -> None:
    over = asyncio.Event()
    if source is None:
        sound = microphone_sound(settings, over)
    elif source == _STDIN:
        sound = stdin_sound(rate_hz, over)
    else:
        sound = file_sound(source, rate_hz, over)
    loop = asyncio.get_running_loop()

    def finish() -> None:
        over.set()
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    loop.add_signal_handler(signal.SIGINT, finish)
    try:
        await Dictation(plan, key).run(sound, page.tell, page.show)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        await sound.aclose()


class _Page:
    """Settled text on stdout, line by line; what grows on a terminal's stderr, until it is settled."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._drawn = sys.stderr.isatty()
        self._shown = ""

    def tell(self, text: str) -> None:
        """The text of a turn, on one line."""
        self.show("")
        print(json.dumps({"text": text}, ensure_ascii=False) if self._as_json else one_line(text), flush=True)

    def show(self, text: str) -> None:
        """What is heard so far, or nothing."""
        if not self._drawn or text == self._shown:
            return
        self._shown = text
        most = max(10, (shutil.get_terminal_size().columns - 2) // 2)  # a Chinese letter is two wide
        print(f"\r\x1b[K{''.join(c for c in text if c.isprintable())[-most:]}", end="", file=sys.stderr, flush=True)


# ── where the sound comes from ───────────────────────────────────────────────────────────────────


async def file_sound(path: Path, rate_hz: int, over: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """A WAV file, or bare mono samples at `rate_hz`, as fast as they are taken. Raises AudioFileError."""
    kind = KINDS.get(path.suffix.lower())
    if kind not in ("wav", "pcm"):
        raise AudioFileError(f"{path}: --live hears a .wav or a .pcm: leave --live out, or make it one of them")
    await asyncio.to_thread(check_file, path)
    if kind == "wav":
        resampler = Resampler((await asyncio.to_thread(wav_format, path))[0], RATE_HZ)
        blocks = wav_blocks(path, BLOCK_MS)
    else:
        resampler = Resampler(rate_hz, RATE_HZ)
        blocks = _raw_blocks(path, rate_hz)
    while not over.is_set() and (samples := await asyncio.to_thread(next, blocks, None)) is not None:
        if len(ready := resampler.take(samples)):
            yield bytes_of(ready)
    if len(rest := resampler.flush()):
        yield bytes_of(rest)


def _raw_blocks(path: Path, rate_hz: int) -> Iterator[Samples]:
    try:
        with path.open("rb") as file:
            while raw := file.read(SAMPLE_BYTES * rate_hz * BLOCK_MS // 1000):
                yield samples_of(raw[: len(raw) - len(raw) % SAMPLE_BYTES])
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}") from error


async def stdin_sound(rate_hz: int, over: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """Bare mono samples at `rate_hz`, as they come."""
    resampler, odd = Resampler(rate_hz, RATE_HZ), b""
    pieces = _Pieces(over)
    reader = StandardInput(SAMPLE_BYTES * rate_hz * BLOCK_MS // 1000, lambda piece: pieces.put(piece or None))
    async for piece in pieces.until_over():
        reader.taken()
        raw = odd + piece
        odd = raw[len(raw) - len(raw) % SAMPLE_BYTES :]
        if len(ready := resampler.take(samples_of(raw[: len(raw) - len(odd)]))):
            yield bytes_of(ready)
    if len(rest := resampler.flush()):
        yield bytes_of(rest)


async def microphone_sound(settings: Settings, over: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """The microphone of the settings. Raises DeviceError when it cannot be used, or ends."""
    from antiphon.app import make_sound_card  # the whole appliance is behind it

    microphone, _ = make_sound_card(settings)
    pieces = _Pieces(over)

    def deliver(block: Block | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            pieces.put(None if block is None else block.pcm)

    stream = await asyncio.to_thread(microphone.open, deliver)
    try:
        resampler = Resampler(stream.rate_hz, RATE_HZ)
        async for pcm in pieces.until_over(STALL_S):
            if len(ready := resampler.take(first_channel(samples_of(pcm), stream.channels))):
                yield bytes_of(ready)
        if not over.is_set():
            remedy = "Check its cable and the sound server; `antiphon doctor` tells more"
            raise DeviceError(f"the microphone {stream.device!r}", "it gives no more sound", remedy)
    finally:
        await asyncio.to_thread(microphone.close)


class _Pieces:
    """Bytes from a thread to the loop, until they end or the owner says that it is over."""

    def __init__(self, over: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = over
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def put(self, piece: bytes | None) -> None:
        """From any thread; None is the end. Raises RuntimeError when the loop is closed."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, piece)

    async def until_over(self, stall_s: float | None = None) -> AsyncIterator[bytes]:
        """What comes, until its end, or until it is over: what had come by then is given; or until nothing has come for
        so long.
        """
        ending = self._loop.create_task(self._over.wait())
        try:
            while not self._over.is_set():
                getting = self._loop.create_task(self._queue.get())
                await asyncio.wait({getting, ending}, timeout=stall_s, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done() or (piece := getting.result()) is None:
                    getting.cancel()
                    return
                yield piece
            for _ in range(self._queue.qsize()):
                if (piece := self._queue.get_nowait()) is None:
                    return
                yield piece
        finally:
            ending.cancel()
