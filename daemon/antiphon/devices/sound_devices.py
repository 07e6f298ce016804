"""Floor 3. The sound devices that PortAudio lists, through PyAudio, and the choice among them."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyaudio

from antiphon.clone import WITHOUT_A_CARD
from antiphon.devices.quiet import no_stderr
from antiphon.errors import DeviceError

Direction = Literal["input", "output"]

PORTAUDIO = threading.Lock()
"""No two of PortAudio's functions may run at once."""
LOOK_S, LOOK_AT_MOST_S = 1.0, 30.0
"""How often a missing device is looked for: ever more seldom."""
LOOK_TAKES_S = 3.0
LONG_S, SELDOM_S = 60.0, 15.0
"""A device that has been missing for a minute is looked for seldom, however often it is asked for."""


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device as PortAudio lists it."""

    index: int
    name: str
    input_channels: int
    output_channels: int
    rate_hz: int
    """Its own default rate."""
    default_input: bool
    default_output: bool

    def channels(self, direction: Direction) -> int:
        """How many it has that way."""
        return self.input_channels if direction == "input" else self.output_channels


def list_devices() -> list[Device]:
    """Every sound device that can be opened, in PortAudio's order; empty when there is no sound system."""
    with PORTAUDIO, open_library() as library:
        return devices_of(library)


def choose(devices: list[Device], direction: Direction, wanted: int | str | None) -> Device:
    """The device with the index `wanted`, or with that text in its name (whatever the case), or the default for None.

    Raises DeviceError when there is none such, or several of which none has exactly that name; it lists what there is.
    """
    able = [one for one in devices if one.channels(direction)]
    who = "the microphone" if direction == "input" else "the speaker"
    listing = "; ".join(f"{one.index}: {one.name}" for one in able)
    if not able:
        named = "" if wanted is None else f" ({wanted})"
        raise DeviceError(
            f"{who}{named}",
            "this machine has none, or another program holds it",
            f"Plug one in, or end that program; {WITHOUT_A_CARD}",
        )
    if wanted is None:
        found = [one for one in able if (one.default_input if direction == "input" else one.default_output)]
        wrong = "there is no default device"
    elif isinstance(wanted, int):
        found = [one for one in able if one.index == wanted]
        wrong = f"no device has the index {wanted}"
    else:
        text = wanted.casefold()
        found = [one for one in able if text in one.name.casefold()]
        found = [one for one in found if one.name.casefold() == text] or found
        wrong = f"no device's name holds {wanted!r}" if not found else f"{len(found)} devices' names hold {wanted!r}"
    if len(found) != 1:
        free = "" if found else "; one that another program holds is not listed"
        raise DeviceError(who, wrong, f"Choose one that is there ({listing}){free}")
    return found[0]


class Absence:
    """A device that could not be had, and why.

    To look for it takes tens of milliseconds of processor time, and loses 12 kB in ALSA's libraries each time (measured
    with alsa-lib 1.2.8 and its plugins). So after a while it is done in a process of its own, and seldom.
    """

    def __init__(self, direction: Direction, wanted: int | str | None, error: DeviceError) -> None:
        """It was looked for just now."""
        self._direction, self._wanted = direction, wanted
        self._since_s = time.monotonic()
        self.again(error)

    def again(self, error: DeviceError) -> None:
        """It was looked for once more."""
        self.error, self._looked_s, self._cards = error, time.monotonic(), _cards()

    def lasts(self) -> bool:
        """It need not be looked for in this process: it has been missing for long, and nothing has come."""
        now_s = time.monotonic()
        if now_s - self._since_s < LONG_S or self._cards != _cards():
            return False
        if now_s - self._looked_s < SELDOM_S:
            return True
        self._looked_s = now_s
        return _shape(_list_of_another_process(), self._direction, self._wanted) is None


class Lookout:
    """Looks for a device that PortAudio's list in this process may be too old to have."""

    def __init__(self) -> None:
        self._cards: list[str] = []
        self._pause_s = LOOK_S
        self._next_s = 0.0

    def sees_another(self, direction: Direction, wanted: int | str | None) -> bool:
        """Whether a new list would have the device, and the list of this process has not, or not as it is now.

        It asks a process of its own, at once when a card has come or gone. Holding PORTAUDIO.
        """
        now_s, cards = time.monotonic(), _cards()
        if cards != self._cards or now_s > self._next_s + LOOK_AT_MOST_S:
            self._cards, self._pause_s, self._next_s = cards, LOOK_S, now_s
        if now_s < self._next_s:
            return False
        self._next_s, self._pause_s = now_s + self._pause_s, min(2 * self._pause_s, LOOK_AT_MOST_S)
        fresh = _shape(_list_of_another_process(), direction, wanted)
        with open_library() as library:
            return fresh is not None and fresh != _shape(devices_of(library), direction, wanted)


def _cards() -> list[str]:
    """The kernel's sound cards and their devices."""
    return sorted(str(one) for one in Path("/dev/snd").glob("*")) + sorted(
        str(one) for one in Path("/proc/asound").glob("*")
    )


def _shape(devices: list[Device], direction: Direction, wanted: int | str | None) -> tuple[str, int, int] | None:
    """What the stream would be of."""
    try:
        one = choose(devices, direction, wanted)
    except DeviceError:
        return None
    return one.name, one.rate_hz, one.channels(direction)


def _list_of_another_process() -> list[Device]:
    """A list that is made now; empty when none is to be had in time."""
    program = f"from {__name__} import print_devices; print_devices()"
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LOOK_TAKES_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [Device(**one) for one in json.loads(done.stdout)]


def print_devices() -> None:
    """For `_list_of_another_process`: the list as JSON on standard output."""
    sys.stdout.write(json.dumps([asdict(one) for one in list_devices()]))


@contextmanager
def open_library() -> Iterator[Any]:
    """PortAudio's list of devices, while it is open: a new one only if nobody else has it open. Holding PORTAUDIO."""
    library = begin_library()
    try:
        yield library
    finally:
        library.terminate()


def begin_library() -> Any:
    """The same, to be ended by its `terminate()`. Raises DeviceError."""
    try:
        with no_stderr():
            return pyaudio.PyAudio()
    except OSError as error:
        raise DeviceError(
            "the sound system", f"it does not begin ({error})", "Check ALSA's settings; `aplay -L` shows what it finds"
        ) from error


def devices_of(library: Any) -> list[Device]:
    """What is in its list."""
    default_input, default_output = _default(library, "input"), _default(library, "output")
    return [
        Device(
            index,
            str(info["name"]),
            int(info["maxInputChannels"]),
            int(info["maxOutputChannels"]),
            int(info["defaultSampleRate"]),
            index == default_input,
            index == default_output,
        )
        for index in range(library.get_device_count())
        for info in [library.get_device_info_by_index(index)]
    ]


def _default(library: Any, direction: Direction) -> int:
    """The index of the default device; -1 when there is none."""
    ask = library.get_default_input_device_info if direction == "input" else library.get_default_output_device_info
    try:
        return int(ask()["index"])
    except OSError:
        return -1
