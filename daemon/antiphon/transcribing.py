"""Floor 5. `antiphon transcribe`: recordings to text, several at once, told in the order in which they were named.

What cannot be recognised is told on stderr, and does not stop the others.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from antiphon.converting import RATE_HZ, to_pcm
from antiphon.errors import AntiphonError, Barred, Lost, ungrouped
from antiphon.progress import Bar, Screen, no_screen, one_line, screen
from antiphon.reasons import by_hand
from antiphon.recordings import MOST_S, Part, Recording, TooLongError, check_file, needs_conversion, open_recording
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.speech.recognise import RECOGNISE, Heard, RecognisePlan, Recogniser, Sound
from antiphon.speech.recognise_wire import joined
from antiphon.speech.service import Patience

AT_ONCE: Final = 4
"""Files that are on their way together: the smallest accounts allow five."""
WAIT_S: Final = 30.0
"""How long a part may take besides its upload and its length, being asked again included."""
SLOWEST_SPEED: Final = 20.0
"""A second of sound is recognised in a hundredth of one; one that takes five times as long is waited for."""
SLOWEST_BYTES_PER_S: Final = 48_000
"""An upload slower than that is given up."""
_ROOMY: Final = Path("/var/tmp")  # noqa: S108 - TemporaryDirectory makes a folder of our own in it
"""Samples of an hour are 115 MB, and /tmp is often in memory."""
MOST_BROKEN: Final = 8
"""So often a part is sent again to a service that is not just busy: some twenty seconds, but a long part is long."""
GAP_MS: Final = 60_000.0
"""The longest silence in the middle of an answer."""


@dataclass(slots=True)
class Transcript:
    """What became of one file."""

    file: str
    text: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    """How long the recording lasts, where that could be told."""
    error: str = ""

    def told(self) -> dict[str, Any]:
        """As data."""
        if self.error:
            return {"file": self.file, "error": self.error}
        seconds = None if self.seconds is None else round(self.seconds, 3)
        return {"file": self.file, "text": self.text, "usage": self.usage, "seconds": seconds}


def plan_of(settings: Settings, language: str, hotwords: Sequence[str], model: str | None) -> RecognisePlan:
    """How the service is asked."""
    speech = settings.speech
    where = replace(RECOGNISE, model="--model") if model else RECOGNISE
    return RecognisePlan(
        speech.url, model or speech.recognise_model, language, tuple(hotwords), settings.realtime.proxy, where
    )


def run_transcribe(
    plan: RecognisePlan, key: Secret | None, files: Sequence[Path], rate_hz: int, *, as_json: bool
) -> int:
    """Print the text of each file; 0, or 1 when one had none for an error, which is told on stderr."""
    failed = 0

    def tell(transcript: Transcript) -> None:
        nonlocal failed
        if transcript.error:
            failed += 1
            print(f"antiphon: {one_line(transcript.error)}", file=sys.stderr, flush=True)
        if as_json:
            print(_data(transcript), flush=True)
        elif not transcript.error:
            line = one_line(transcript.text)
            print(f"{one_line(transcript.file)}: {line}" if len(files) > 1 else line, flush=True)

    with screen() if sys.stderr.isatty() else no_screen() as show:
        asyncio.run(
            transcribe(plan, key, files, rate_hz, lambda transcript: show.aside(lambda: tell(transcript)), show)
        )
    return 1 if failed else 0


def _data(transcript: Transcript) -> str:
    """As JSON, which can spell what is no text in a file's name."""
    return json.dumps(transcript.told(), ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


async def transcribe(
    plan: RecognisePlan,
    key: Secret | None,
    files: Sequence[Path],
    rate_hz: int,
    tell: Callable[[Transcript], None],
    show: Screen,
    most_s: float = MOST_S,
) -> None:
    """Recognise each of `files`, AT_ONCE at most together; `tell` gets them in order, as soon as all before are told.
    Where the service would answer none, the rest are not sent.

    Raises Refused for a key that is none.
    """
    done: dict[int, Transcript] = {}
    waiting = iter(enumerate(files))
    told = 0
    barred = ""

    async def work(recogniser: Recogniser) -> None:
        nonlocal told, barred
        for number, path in waiting:
            if barred:
                done[number] = Transcript(str(path), error=f"{path} was not sent, as {barred}")
            else:
                with ExitStack() as made:
                    job = _Job(recogniser, path, rate_hz, made, most_s, show)
                    done[number] = await job.run()
                    barred = job.barred
            while told in done:
                tell(done.pop(told))
                told += 1

    with ungrouped():
        async with Recogniser(plan, key) as recogniser, asyncio.TaskGroup() as workers:
            for _ in range(min(AT_ONCE, len(files))):
                workers.create_task(work(recogniser))


class _Job:
    """One file."""

    def __init__(
        self, recogniser: Recogniser, path: Path, rate_hz: int, made: ExitStack, most_s: float, show: Screen
    ) -> None:
        """`made` takes away what is made of the file."""
        self._recogniser, self._path, self._rate_hz = recogniser, path, rate_hz
        self._made, self._most_s, self._show = made, most_s, show
        self.barred = ""
        """Why the service would answer for no other file either."""

    async def run(self) -> Transcript:
        """What became of it; an error is in it."""
        transcript = Transcript(str(self._path))
        bar = self._show.file(self._path.name)
        try:
            recording = await self._opened()
            bar.size(recording.size)
            transcript.seconds = recording.seconds
            texts = []
            for part in recording.parts:
                heard = await self._part(part, recording.part_s, bar)
                texts.append(heard.text)
                for name, count in heard.usage.items():
                    transcript.usage[name] = transcript.usage.get(name, 0) + count
            transcript.text = joined(texts)
        except AntiphonError as error:
            sentence = by_hand(str(error))
            self.barred = sentence if isinstance(error, Barred) else ""
            transcript.error = sentence if str(self._path) in sentence else f"{self._path}: {sentence}"
        finally:
            bar.done()
        return transcript

    async def _opened(self) -> Recording:
        """As it is, or made fit."""
        if needs_conversion(self._path):
            await asyncio.to_thread(check_file, self._path)
            why = f"{self._path} is neither WAV, MP3, Ogg nor PCM (by the end of its name)"
        else:
            try:
                return await asyncio.to_thread(open_recording, self._path, self._rate_hz, self._most_s)
            except TooLongError as error:
                why = str(error)
        folder = TemporaryDirectory(prefix="antiphon-", dir=_ROOMY if _ROOMY.is_dir() else None)
        converted = Path(self._made.enter_context(folder), "sound.pcm")
        await to_pcm(self._path, converted, why)
        return await asyncio.to_thread(open_recording, converted, RATE_HZ, self._most_s)

    async def _part(self, part: Part, seconds: float, bar: Bar) -> Heard:
        """One request."""

        async def pieces() -> AsyncIterator[bytes]:
            at = 0
            async for piece in part.pieces():
                yield piece
                at += len(piece)
                bar.sent(part.start, at)

        budget_s = WAIT_S + seconds / SLOWEST_SPEED + part.size * 4 / 3 / SLOWEST_BYTES_PER_S
        patience = Patience(asyncio.get_running_loop().time() + budget_s, GAP_MS, MOST_BROKEN)
        try:
            async with patience:
                return await self._recogniser.recognise(
                    Sound(part.kind, part.rate_hz, part.size, pieces), patience, bar.text
                )
        except TimeoutError:
            if patience.met is not None and not patience.began:
                raise patience.met from None
            what = "fell silent in the middle" if patience.began else "has not answered in time"
            raise Lost(f"{self._path}: the service {what}: check the network, and try it again") from None
