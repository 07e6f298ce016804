"""Floor 1. What the hands mean: edges of buttons become gestures. It knows no pin, and time is an argument.

A press is reported as the button goes down, because talk must act at once; what else the press turns out to be
(tap, hold) follows. A second press soon after a tap is a double instead of a press, and nothing follows it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.conversation.events import Button, ButtonMoved

GestureKind: TypeAlias = Literal["press", "tap", "double", "hold"]

BOUNCE_S = 0.015
"""Contacts of small push buttons settle within a few milliseconds; 15 ms covers the worn ones."""
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Gesture:
    """A button was pressed, tapped, double-tapped or held."""

    button: Button
    kind: GestureKind


class Gestures:
    """All buttons. Give it every edge, and call `tick` at `deadline`; being late changes no gesture."""

    def __init__(self, double_ms: float, hold_ms: float) -> None:
        """`double_ms`: from a tap's release to the second press. `hold_ms`: down that long is a hold, above 15 ms."""
        self._double_s = double_ms / 1000
        self._hold_s = hold_ms / 1000
        self._keys: dict[Button, _Key] = {}

    @property
    def deadline(self) -> float | None:
        """When `tick` is due, in monotonic seconds; None while nothing is awaited."""
        return min((due for key in self._keys.values() if (due := key.due) is not None), default=None)

    def handle(self, event: ButtonMoved, now: float) -> list[Gesture]:
        """A button moved at `now` (monotonic seconds, never backwards)."""
        gestures = self.tick(now)
        key = self._keys.setdefault(event.button, _Key(self._double_s, self._hold_s))
        return gestures + [Gesture(event.button, kind) for kind in key.move(event.down, now)]

    def tick(self, now: float) -> list[Gesture]:
        """Time has passed."""
        return [Gesture(button, kind) for button, key in self._keys.items() for kind in key.tick(now)]


@dataclass(slots=True)
class _Key:
    """One button. The first edge counts at once; edges within 15 ms of it only say where the contact ends up."""

    double_s: float
    hold_s: float
    contact: bool = False  # the latest edge
    down: bool = False  # the latest edge that counted
    settles_at: float | None = None
    holds_at: float | None = None
    double_until: float = NEVER

    @property
    def due(self) -> float | None:
        return min((due for due in (self.settles_at, self.holds_at) if due is not None), default=None)

    def move(self, down: bool, now: float) -> list[GestureKind]:
        self.contact = down
        return self._turn(now) if self.settles_at is None else []

    def tick(self, now: float) -> list[GestureKind]:
        kinds: list[GestureKind] = []
        while (due := self.due) is not None and due <= now:
            if due == self.settles_at:
                self.settles_at = None
                kinds += self._turn(due)
            else:
                self.holds_at = None
                kinds.append("hold")
        return kinds

    def _turn(self, now: float) -> list[GestureKind]:
        """Take over the contact's level, if it is new."""
        if self.contact == self.down:
            return []
        self.down = self.contact
        self.settles_at = now + BOUNCE_S
        return self._went_down(now) if self.down else self._came_up(now)

    def _went_down(self, now: float) -> list[GestureKind]:
        second = now <= self.double_until
        self.double_until = NEVER
        if second:
            return ["double"]
        self.holds_at = now + self.hold_s
        return ["press"]

    def _came_up(self, now: float) -> list[GestureKind]:
        if self.holds_at is None:  # it was a hold, or the second press of a double
            return []
        self.holds_at = None
        self.double_until = now + self.double_s
        return ["tap"]
