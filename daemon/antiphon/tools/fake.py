"""Floor 3. A scripted Tools, and Timers that never run out: for tests, and for who has neither."""

from collections.abc import Mapping, Sequence

from antiphon.conversation.events import ToolAnswered
from antiphon.ports import Post, RunningTimer, ToolSpec


class FakeTools:
    """ports.Tools that answer at once with what was scripted, by their names; others fail."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers
        self.called: list[tuple[str, str]] = []
        """(name, arguments) of every call."""

    def specs(self) -> Sequence[ToolSpec]:
        """ports.Tools."""
        return [ToolSpec(name, f"Does {name}.", {"type": "object", "properties": {}}) for name in self._answers]

    async def run(self, post: Post) -> None:
        """ports.Tools: there is nothing to serve."""

    async def call(self, run: int, name: str, arguments: str, post: Post) -> None:
        """ports.Tools."""
        self.called.append((name, arguments))
        post(ToolAnswered(run, self._answers.get(name, "there is none"), failed=name not in self._answers))


class FakeTimers:
    """ports.Timers of which none ever runs out."""

    def __init__(self) -> None:
        self._running: dict[int, RunningTimer] = {}

    def set(self, seconds: float, label: str) -> RunningTimer | str:
        """ports.Timers."""
        number = len(self._running) + 1
        self._running[number] = RunningTimer(number, label, seconds)
        return self._running[number]

    def list(self) -> Sequence[RunningTimer]:
        """ports.Timers."""
        return sorted(self._running.values(), key=lambda one: one.left_s)

    def cancel(self, timer: int) -> bool:
        """ports.Timers."""
        return self._running.pop(timer, None) is not None
