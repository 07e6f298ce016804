"""Floor 3. The switch that closes the microphone: it stays where it is put, and what cannot be read counts as muted."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import gpiozero

from antiphon.conversation.events import SwitchMoved
from antiphon.devices.gpio.chip import Chip, PinFactory, in_words, pin_faults
from antiphon.devices.gpio.parts import Part
from antiphon.errors import DeviceError

SETTLES_S = 0.05
"""Contacts of slide and toggle switches bounce for 15 to 50 ms."""
READ_EVERY_S = 1.0
"""An edge can be lost, on the chip's way to us; a switch that says muted must not be missed for long."""
TRIED_EVERY_S = 5.0
ENDS_S = 2.0


class Settling:
    """What a bouncing contact says: muted at the first touch, unmuted only when it has said so for 50 ms."""

    def __init__(self, *, at_rest: bool) -> None:
        """`at_rest`: it has not been touched for long, so that what it says first holds."""
        self._unmuted_since_s = -math.inf if at_rest else math.inf

    def read(self, *, muted: bool, moved: bool, now_s: float) -> Literal["muted", "settling", "unmuted"]:
        """The contact says `muted` at `now_s` (seconds); `moved`: in between it may have said something else."""
        if muted:
            self._unmuted_since_s = math.inf
            return "muted"
        if moved or self._unmuted_since_s > now_s:
            self._unmuted_since_s = now_s
        return "unmuted" if now_s - self._unmuted_since_s >= SETTLES_S else "settling"


class MuteSwitch:
    """The switch, and the thread that reads it: at every edge, and every second."""

    def __init__(
        self,
        pin: int,
        pull_up: bool,
        closed: Literal["muted", "unmuted"],
        chip: Chip,
        tried_every_s: float = TRIED_EVERY_S,
    ) -> None:
        """`closed`: what it says with its contact closed. `pull_up`: closed is ground; else 3.3 V. Touches no line."""
        self._pull_up = pull_up
        self._muted_when_closed = closed == "muted"
        self._chip = chip
        self._tried_every_s = tried_every_s
        self._contact = Part("mute switch", "buttons.mute_switch", (pin,), self._make)
        self._settling = Settling(at_rest=True)
        self._said: SwitchMoved | None = None
        self._moved = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def open(self, report: Callable[[SwitchMoved], None]) -> None:
        """Report the position before this returns, and every new one on our thread; or why it cannot be read."""
        self._report = report
        wait_s = self._look()
        self._thread = threading.Thread(target=self._watch, args=(wait_s,), name="mute switch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Report no more, and give the line back; idempotent."""
        self._closed = True
        self._moved.set()
        if self._thread is not None:
            self._thread.join(ENDS_S)
        self._contact.free()
        self._chip.leave(self)

    def _watch(self, wait_s: float) -> None:
        while not self._closed:
            self._moved.wait(wait_s)
            if not self._closed:
                wait_s = self._look()

    def _look(self) -> float:
        """Say where the switch is; how long to wait for an edge before the next look."""
        moved = self._moved.is_set()
        self._moved.clear()
        if (error := self._take()) is not None:
            return self._lose(error)
        try:
            is_closed = bool(self._contact.devices[0].value)
        except pin_faults() as fault:
            self._contact.free()
            return self._lose(self._contact.unusable(self._contact.pins[0], in_words(fault)))
        muted = is_closed == self._muted_when_closed
        says = self._settling.read(muted=muted, moved=moved, now_s=time.monotonic())
        if says == "settling":
            return SETTLES_S
        self._say(SwitchMoved(says == "muted"))
        return READ_EVERY_S

    def _take(self) -> DeviceError | None:
        """The line, unless it is ours already."""
        if self._contact.devices:
            return None
        try:
            return self._contact.take(self._chip, self._chip.join(self))
        except DeviceError as error:
            return error

    def _make(self, pin: int, factory: PinFactory) -> Any:
        contact = gpiozero.DigitalInputDevice(pin, pull_up=self._pull_up, pin_factory=factory)

        def moved() -> None:  # a plain function, as gpiozero inspects its callbacks
            self._moved.set()

        contact.when_activated = contact.when_deactivated = moved
        return contact

    def _lose(self, error: DeviceError) -> float:
        """Nothing is known of the switch: it counts as muted."""
        self._settling = Settling(at_rest=False)
        self._say(SwitchMoved(muted=True, problem=error.problem()))
        return self._tried_every_s

    def _say(self, event: SwitchMoved) -> None:
        if event != self._said:
            self._said = event
            self._report(event)
