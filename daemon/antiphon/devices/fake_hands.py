"""Floor 3. Lamps and buttons that are not there: for a board without them, and for tests."""

from collections.abc import Callable, Sequence

from antiphon.conversation.events import Button, ButtonMoved, SwitchMoved
from antiphon.errors import DeviceError
from antiphon.faces import Rgb


class NoLamps:
    """A board without lamps: one lamp that nobody sees."""

    count = 1

    def show(self, colours: Sequence[Rgb], word: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class NoButtons:
    """A board without buttons."""

    def open(self, moved: Callable[[ButtonMoved | SwitchMoved], None]) -> list[DeviceError]:  # noqa: ARG002 - none moves
        """Nothing."""
        return []

    def close(self) -> None:
        """Nothing."""


class FakeLamps:
    """Remembers every picture it was shown."""

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self.shown: list[tuple[tuple[Rgb, ...], str]] = []
        self.closed = False

    def show(self, colours: Sequence[Rgb], word: str) -> None:
        """Remember; ValueError for another number of colours than lamps."""
        if len(colours) != self.count:
            raise ValueError(f"{len(colours)} colours for {self.count} lamps")
        self.shown.append((tuple(colours), word))

    def close(self) -> None:
        """Remember that the lamps are dark."""
        self.closed = True


class FakeButtons:
    """Pressed and released by whoever holds it; silent before `open` and after `close`."""

    def __init__(self) -> None:
        self._moved: Callable[[ButtonMoved | SwitchMoved], None] | None = None

    def open(self, moved: Callable[[ButtonMoved | SwitchMoved], None]) -> list[DeviceError]:
        """Begin to report."""
        self._moved = moved
        return []

    def press(self, button: Button) -> None:
        """The button goes down."""
        self._report(ButtonMoved(button, down=True))

    def release(self, button: Button) -> None:
        """The button comes up."""
        self._report(ButtonMoved(button, down=False))

    def switch(self, *, muted: bool) -> None:
        """The mute switch is put where it says so."""
        self._report(SwitchMoved(muted))

    def close(self) -> None:
        """Stop reporting."""
        self._moved = None

    def _report(self, event: ButtonMoved | SwitchMoved) -> None:
        if self._moved is not None:
            self._moved(event)


class FakeOutputs:
    """ports.Outputs that drive nothing; `broken` names those whose lines cannot be had."""

    def __init__(self, *names: str) -> None:
        self.names: Sequence[str] = names
        self.on: set[str] = set()
        self.broken: set[str] = set()
        self.closed = False

    def set(self, name: str, *, on: bool) -> None:
        """Remember. Raises DeviceError for a broken one."""
        self.get(name)
        (self.on.add if on else self.on.discard)(name)

    def get(self, name: str) -> bool:
        """What was remembered. Raises DeviceError for a broken one."""
        if name in self.broken:
            raise DeviceError(f"switch {name}", "its line is gone", "Look at the wire")
        return name in self.on

    def close(self) -> None:
        """All off."""
        self.on.clear()
        self.closed = True
