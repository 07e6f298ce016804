"""Floor 5. How far recordings have got on their way to text, on a terminal's stderr, nothing where that is none; and
text that a terminal takes.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol
from unicodedata import category

WORDS: Final = 40
"""Characters of the newest text that are shown."""


def one_line(text: str) -> str:
    """Without what a terminal obeys, or cannot show."""
    return "".join("\ufffd" if category(c) in ("Cc", "Cs") else c for c in " ".join(text.split()))


class Bar(Protocol):
    """One file."""

    def size(self, size: int) -> None:
        """So many bytes will be sent."""

    def sent(self, part: int, position: int) -> None:
        """`position` bytes of the part that begins at `part` are sent; less than before at another try."""

    def text(self, text: str) -> None:
        """More of its text, for display only."""

    def done(self) -> None:
        """It has ended, well or not."""


class Screen(Protocol):
    """All of them."""

    def file(self, name: str) -> Bar:
        """A file has begun."""

    def aside(self, speak: Callable[[], None]) -> None:
        """Let `speak` print where it does not get into the drawing."""


class _NoBar:
    def size(self, size: int) -> None:
        """Nobody sees it."""

    def sent(self, part: int, position: int) -> None:
        """Nobody sees it."""

    def text(self, text: str) -> None:
        """Nobody sees it."""

    def done(self) -> None:
        """Nobody sees it."""


class _NoScreen:
    def file(self, _name: str) -> Bar:
        """Nobody sees it."""
        return _NoBar()

    def aside(self, speak: Callable[[], None]) -> None:
        """There is no drawing."""
        speak()


@contextmanager
def no_screen() -> Iterator[Screen]:
    """For pipes and logs."""
    yield _NoScreen()


@contextmanager
def screen() -> Iterator[Screen]:
    """A bar for each file that is on its way."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    progress = Progress(
        TextColumn("{task.fields[name]}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[said]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress:
        yield _Screen(progress)


class _Screen:
    def __init__(self, progress: Any) -> None:
        self._progress = progress

    def file(self, name: str) -> Bar:
        """See Screen."""
        return _Bar(self._progress, name)

    def aside(self, speak: Callable[[], None]) -> None:
        """See Screen."""
        self._progress.stop()
        speak()
        sys.stdout.flush()
        self._progress.start()


class _Bar:
    def __init__(self, progress: Any, name: str) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, name=_drawn(name), said="")
        self._parts: dict[int, int] = {}
        self._said = ""

    def size(self, size: int) -> None:
        """See Bar."""
        self._progress.update(self._task, total=size)

    def sent(self, part: int, position: int) -> None:
        """See Bar."""
        self._parts[part] = position
        self._progress.update(self._task, completed=sum(self._parts.values()))

    def text(self, text: str) -> None:
        """See Bar."""
        self._said = _drawn(self._said + text)
        self._progress.update(self._task, said=self._said)

    def done(self) -> None:
        """See Bar."""
        self._progress.remove_task(self._task)


def _drawn(text: str) -> str:
    """The end of it, without what a terminal obeys."""
    return "".join(c if c.isprintable() else " " for c in text[-WORDS:])
