"""Floor 5. Sound made by a verb itself: out of the speaker of the settings, as it comes, or into a file that is whole
or not there. The mouth's own classes play.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from antiphon.audio.jitter import JitterPlan
from antiphon.conversation.events import Event, Finished, MouthFailed
from antiphon.errors import AntiphonError, AudioFileError, LinkError
from antiphon.ports import Speaker
from antiphon.runtime.mouth import Mouth, MouthPlan
from antiphon.settings import Settings

MOUTH_ENDS_S: Final = 3.0
_NAME: Final = "say"

Hear: TypeAlias = Callable[[bytes], None]
Make: TypeAlias = Callable[[Hear], Awaitable[None]]
"""Makes sound, mono s16le 24 kHz, and gives it to who hears it. Raises LinkError."""


class NotSaidError(AntiphonError):
    """It could not be said, for the reason given."""


def mouth_plan(settings: Settings) -> MouthPlan:
    """The mouth as the daemon has it, without chimes."""
    speaker = settings.speaker
    jitter = JitterPlan(start_ms=speaker.jitter_ms, most_ms=speaker.jitter_max_ms)
    return MouthPlan(chime_level_db=None, ring_level_db=speaker.chime_level_db, jitter=jitter)


def play(speaker: Speaker, plan: MouthPlan, make: Make) -> None:
    """Play what is made, as it comes; returns when it was heard. Raises AntiphonError."""
    asyncio.run(_play(speaker, plan, make))


async def _play(speaker: Speaker, plan: MouthPlan, make: Make) -> None:
    loop = asyncio.get_running_loop()
    over: asyncio.Future[AntiphonError | None] = loop.create_future()

    def end(problem: AntiphonError | None) -> None:
        if not over.done():
            over.set_result(problem)

    def post(event: Event) -> None:
        """On the mouth's thread."""
        if isinstance(event, Finished):
            loop.call_soon_threadsafe(end, None)
        elif isinstance(event, MouthFailed):
            loop.call_soon_threadsafe(end, NotSaidError(event.problem.sentence))

    mouth = Mouth(speaker, post, plan)
    failures: list[AntiphonError] = []
    heard: list[int] = []

    async def made() -> None:
        """A text that breaks off is played as far as it came."""
        try:
            await make(hear)
        except LinkError as error:
            failures.append(error)
        if heard:
            mouth.end(_NAME)
        else:
            end(None)

    def hear(pcm: bytes) -> None:
        heard.append(len(pcm))
        mouth.play(_NAME, pcm)

    mouth.start()
    try:
        mouth.prepare()
        async with asyncio.TaskGroup() as group:
            making = group.create_task(made(), name="speech")
            problem = await over
            making.cancel()
    finally:
        mouth.stop(MOUTH_ENDS_S)
    if problem or failures:
        raise problem or failures[0]


# ── into a file ──────────────────────────────────────────────────────────────────────────────────


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """A file beside it, which takes its place when the block has ended well."""
    half: Path | None = None
    try:
        number, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.", suffix=".part")
        half = Path(name)
        os.fchmod(number, 0o666 & ~_umask())
        os.close(number)
        yield half
        half.replace(output)
    except OSError as error:
        raise not_written(output, error) from error
    finally:
        if half is not None:
            half.unlink(missing_ok=True)


def not_written(output: Path, error: OSError) -> AudioFileError:
    """Why there is no such file."""
    return AudioFileError(f"{output} cannot be written: {error.strerror}; give another file")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
