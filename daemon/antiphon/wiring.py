"""Floor 5. `antiphon wiring`: every lamp in turn, the faces, every move of the hands: before key and sound work.

It has lamps and hands from app.py, as the appliance has them, and neither hears nor speaks.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeAlias

from antiphon.app import open_board, open_outputs
from antiphon.conversation.events import ButtonMoved, SwitchMoved
from antiphon.conversation.states import State
from antiphon.errors import DeviceError, SettingsError
from antiphon.faces import Rgb, face, next_change, word
from antiphon.gestures import Gesture, GestureKind, Gestures
from antiphon.ports import Lamps, LogLevel, Outputs
from antiphon.settings import Lamps as LampSettings
from antiphon.settings import Settings
from antiphon.settings.header import LINES
from antiphon.settings.sections import lines_in_use
from antiphon.snapshot import Snapshot

Moved: TypeAlias = ButtonMoved | SwitchMoved
Say: TypeAlias = Callable[[str], None]
Wait: TypeAlias = Callable[[float | None], Moved | None]
"""Waits so many seconds at most (None: for ever) for the hands to move; None: they have not."""

PICTURE_S = 1.0
RUN_S = 0.2
"""For each lamp of a chain, while one light runs along it."""
FACE_S = 3.0
DARK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)
COLOURS: dict[str, Rgb] = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
FACES = (
    Snapshot(State.OPENING, 0, "opening", deaf=False),
    Snapshot(State.LISTENING, 0, "open", deaf=False),
    Snapshot(State.THINKING, 0, "open", deaf=False),
    Snapshot(State.SPEAKING, 0, "open", deaf=False),
    Snapshot(State.LINGERING, 0, "open", deaf=False),
    Snapshot(State.SORRY, 0, "failing", deaf=False),
    Snapshot(State.ASLEEP, 0, "none", deaf=True),
)
"""Those that are seen every day; the last is muted."""
HANDS: dict[GestureKind, str] = {
    "press": "pressed",
    "tap": "let go: a tap",
    "double": "pressed again: a double tap",
    "hold": "held",
    "repeat": "held on",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """What the lamps show for a while."""

    words: str
    """What should be seen; empty where that goes without saying."""
    colours: tuple[Rgb, ...]
    seconds: float


def run_wiring(settings: Settings) -> bool:
    """Try lamps and hands until Ctrl-C, or, without hands, once; whether all of them could be had. Raises SettingsError
    where there are none.
    """
    if settings.lamps.kind == "none" and not _hands(settings) and not settings.tools.switches:
        raise SettingsError(
            "no lamp, button or switch is set: name your board, as in `antiphon wiring --set board=led-button`"
        )
    telling = Telling(_print)
    moves: SimpleQueue[Moved] = SimpleQueue()

    def moved(event: Moved) -> None:
        if isinstance(event, SwitchMoved) and event.problem is not None:
            telling.miss(event.problem.sentence)
        else:
            moves.put(event)

    lamps, buttons = open_board(settings, telling)
    outputs = open_outputs(settings.tools, telling) if settings.tools.switches else None
    try:
        for error in buttons.open(moved):
            telling.miss(str(error))
        if telling.missing:
            _print("If the appliance runs, it holds its lines: sudo systemctl stop antiphon, and try again.")
        try_wiring(settings, lamps, Hands(settings, _print, time.monotonic, _waiting(moves)), outputs)
    except KeyboardInterrupt:  # this is how one stops it
        pass
    finally:
        if outputs is not None:
            outputs.close()
        buttons.close()
        lamps.close()
    return not telling.missing


def try_wiring(settings: Settings, lamps: Lamps, hands: "Hands", outputs: Outputs | None = None) -> None:
    """Lamps and outputs first, then the hands for ever, where there are any; these are told meanwhile, too."""
    if settings.lamps.kind != "none":
        for picture in pictures(settings.lamps, lamps.count):
            if picture.words:
                hands.say(picture.words)
            lamps.show(picture.colours, picture.words)
            hands.follow(picture.seconds)
        for snapshot in FACES:
            hands.say(f"now they say: {word(snapshot)}")
            _show_face(settings.lamps, lamps, hands, snapshot)
        lamps.show((DARK,) * lamps.count, "")
    if outputs is not None:
        for switch in settings.tools.switches:
            _switch_once(switch.name, f"{switch.name} should be on ({_place(switch.pin)})", outputs, hands)
    if names := _hands(settings):
        hands.say(f"Now move {', '.join(names)}; Ctrl-C ends.")
        hands.follow(None)


def pictures(wanted: LampSettings, count: int) -> Iterator[Picture]:
    """Every lamp of its own, and every colour of it, so that a wire in a wrong place is seen."""

    def lit(colour: Rgb) -> Rgb:
        red, green, blue = (round(channel * wanted.brightness) for channel in colour)
        return red, green, blue

    def alone(number: int, colour: Rgb) -> tuple[Rgb, ...]:
        return tuple(lit(colour) if one == number else DARK for one in range(count))

    if wanted.kind == "gpio":
        for number, line in enumerate(wanted.pins):
            yield Picture(f"lamp {number + 1} should be lit ({_place(line)})", alone(number, WHITE), PICTURE_S)
    elif wanted.kind == "rgb":
        lines = iter(wanted.pins)
        for number in range(count):
            for name, colour in COLOURS.items():
                words = f"lamp {number + 1} should be {name} ({_place(next(lines))})"
                yield Picture(words, alone(number, colour), PICTURE_S)
    else:
        for name, colour in COLOURS.items():
            yield Picture(f"all {count} lamps should be {name}", (lit(colour),) * count, PICTURE_S)
        for number in range(count):
            yield Picture("" if number else "one lamp after the other should be white", alone(number, WHITE), RUN_S)


class Hands:
    """Tells what buttons and switch do, in the appliance's own words for it."""

    def __init__(self, settings: Settings, say: Say, now: Callable[[], float], wait: Wait) -> None:
        """`now` in monotonic seconds."""
        self.say = say
        self.now = now
        self._wait = wait
        self._gestures = Gestures(settings.buttons.double_ms, settings.buttons.hold_ms)

    def follow(self, seconds: float | None) -> None:
        """Tell what they do for so long; None: for ever."""
        ends_s = None if seconds is None else self.now() + seconds
        while ends_s is None or self.now() < ends_s:
            due = [due_s for due_s in (ends_s, self._gestures.deadline) if due_s is not None]
            moved = self._wait(max(0.0, min(due) - self.now()) if due else None)
            if isinstance(moved, SwitchMoved):
                self.say(f"mute switch: {'muted' if moved.muted else 'not muted'}")
            gestures = self._gestures.tick(self.now()) if moved is None else []
            if isinstance(moved, ButtonMoved):
                gestures = self._gestures.handle(moved, self.now())
            for gesture in gestures:
                self.say(_gesture(gesture))


class Telling:
    """A Log that says what is missing, and what has come back."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._said: set[str] = set()

    @property
    def missing(self) -> bool:
        """Whether anything could not be had, at least for a while."""
        return bool(self._said)

    def miss(self, sentence: str) -> None:
        """A line or bus cannot be had; what keeps several of them away is said once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self._say(sentence)

    def write(self, level: LogLevel, what: str, **fields: str | float) -> None:  # noqa: ARG002 - ports.Log has it
        """The journal's lines of lamps and hands, as sentences."""
        if what == "line-back":
            self._say(f"{fields['part']} can be used now")
        elif what == "lamp-failed":
            self.miss(f"{fields['lamp']} fails ({fields['error']}): look at its wires")
        elif "sentence" in fields:
            self.miss(str(fields["sentence"]))


def _switch_once(name: str, words: str, outputs: Outputs, hands: Hands) -> None:
    """On, and off again."""
    try:
        outputs.set(name, on=True)
    except DeviceError:  # it was told as its line was taken
        return
    hands.say(words)
    try:
        hands.follow(PICTURE_S)
    finally:
        with suppress(DeviceError):
            outputs.set(name, on=False)


def _show_face(wanted: LampSettings, lamps: Lamps, hands: Hands, snapshot: Snapshot) -> None:
    """The face in its own rhythm. The snapshot's state began at 0 of its own time."""
    dimmable = wanted.dimmable or wanted.kind not in ("gpio", "rgb")
    began_s = hands.now()
    while (t_s := hands.now() - began_s) < FACE_S:
        lamps.show(face(snapshot, t_s, lamps.count, wanted.brightness, dimmable=dimmable), word(snapshot))
        due_s = next_change(snapshot, t_s, lamps.count, dimmable=dimmable)
        hands.follow(FACE_S - t_s if due_s is None else min(FACE_S, due_s) - t_s)


def _hands(settings: Settings) -> list[str]:
    """The buttons and the switch, each with its line."""
    uses = [(key.partition("."), line) for key, line in lines_in_use(settings.lamps, settings.buttons)]
    return [f"{name.replace('_', ' ')} ({_place(line)})" for (section, _, name), line in uses if section == "buttons"]


def _place(line: int) -> str:
    return f"GPIO {line}, pin {LINES[line]}"


def _gesture(gesture: Gesture) -> str:
    return f"{gesture.button.replace('_', ' ')} button: {HANDS[gesture.kind]}"


def _print(line: str) -> None:
    """On a terminal over the lamps that may be drawn there; they are drawn anew below."""
    print(f"\r\x1b[K{line}" if sys.stdout.isatty() else line, flush=True)


def _waiting(moves: "SimpleQueue[Moved]") -> Wait:
    def wait(seconds: float | None) -> Moved | None:
        try:
            return moves.get(timeout=seconds)
        except Empty:
            return None

    return wait
