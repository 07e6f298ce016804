"""Floor 1. What the hands mean: edges of buttons become gestures. It knows no pin, and time is an argument.

A press is reported as the button goes down, because talk must act at once; what else the press turns out to be
(tap, hold) follows. A second press soon after a tap is a double instead of a press, and nothing follows it.
The volume buttons know no double and no hold: each press of them is a press, and repeats while it is held.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.conversation.events import Button, ButtonMoved

GestureKind: TypeAlias = Literal["press", "tap", "double", "hold", "repeat"]

BOUNCE_S = 0.015
"""Contacts of small push buttons settle within a few milliseconds; 15 ms covers the worn ones."""
NEVER = float("-inf")
REPEAT_S = 0.2
"""From one repeat to the next, while the button is held."""
_MOST_REPEATS = 20
"""From one end of the volume to the other; a button that is stuck does not go on for ever."""
_REPEATING: frozenset[Button] = frozenset({"volume_up", "volume_down"})


@dataclass(frozen=True, slots=True)
class Gesture:
    """A button was pressed, tapped, double-tapped or held, or is held still."""

    button: Button
    kind: GestureKind


class Gestures:
    """All buttons. Give it every edge, and call `tick` at `deadline`; being late changes no gesture, but for repeats:
    those that were missed are not made up for, as nobody heard how loud it got.
    """

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
        key = self._keys.setdefault(event.button, _Key(self._double_s, self._hold_s, event.button in _REPEATING))
        return gestures + [Gesture(event.button, kind) for kind in key.move(event.down, now)]

    def tick(self, now: float) -> list[Gesture]:
        """Time has passed."""
        return [Gesture(button, kind) for button, key in self._keys.items() for kind in key.tick(now)]


@dataclass(slots=True)
class _Key:
    """One button. The first edge counts at once; edges within 15 ms of it only say where the contact ends up."""

    double_s: float
    hold_s: float
    repeating: bool
    contact: bool = False  # the latest edge
    down: bool = False  # the latest edge that counted
    settles_at: float | None = None
    holds_at: float | None = None
    double_until: float = NEVER
    repeats: int = 0  # of this press

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
            elif self.repeating:
                kinds.append(self._repeat(now))
            else:
                self.holds_at = None
                kinds.append("hold")
        return kinds

    def _repeat(self, now: float) -> GestureKind:
        """It is held still."""
        self.repeats += 1
        due = now if self.holds_at is None else self.holds_at
        next_at = due + REPEAT_S if now < due + REPEAT_S else now + REPEAT_S
        self.holds_at = next_at if self.repeats < _MOST_REPEATS else None
        return "repeat"

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
        self.holds_at, self.repeats = now + self.hold_s, 0
        return ["press"]

    def _came_up(self, now: float) -> list[GestureKind]:
        if self.holds_at is None:  # it was a hold, or the second press of a double
            return []
        self.holds_at = None
        if self.repeats:
            return []
        if not self.repeating:
            self.double_until = now + self.double_s
        return ["tap"]
