"""Floor 3. Streams of PortAudio, through PyAudio, that never hang their owner and find devices that come back.

Some of PortAudio's functions never return: closing a stream whose USB card was pulled, opening one while the sound
server stands still. So they run on a thread of their own, and the owner waits for a limited time. And PortAudio makes
its list of devices when its first stream opens and keeps it until the last one closes, so a card that is plugged in
while another stream runs is not in it: see `_begin_with_a_new_list`.

While a stream hangs, no other is opened or closed in this process. PortAudio keeps the last error of all its threads in
one variable; the hung thread writes there without end, and who reads it as his own is ended by an assertion (4 of 160
openings, in a test).
"""

import ctypes
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import pyaudio

from antiphon.devices.quiet import no_stderr, silence_stderr_for_good
from antiphon.devices.sound_devices import (
    PORTAUDIO,
    Absence,
    Device,
    Direction,
    Lookout,
    begin_library,
    choose,
    devices_of,
)
from antiphon.errors import DeviceError
from antiphon.ports import StreamFormat

CLOSE_S = 0.3
"""A healthy stream closes in 2 ms, and in 100 at worst in a process that is busy; what takes longer hangs."""
OPEN_S = 5.0
"""A healthy one opens in a tenth of a second; PortAudio itself waits up to a second for a device that is busy."""
HUNG_S = 10.0
"""An opening that is not over by then never will be."""

Callback: TypeAlias = Callable[[int, bytes | None, int, Mapping[str, float], int], bytes | None]
"""(channels, captured, frames, times, flags) -> what is to be played. On the driver's thread; it may not raise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the owner asked for."""

    direction: Direction
    device: int | str | None
    rate_hz: int | None
    """None is the device's own."""
    channels: int
    block_ms: float


class Stream:
    """A stream, which one thread owns. `open_stream` makes it."""

    format: StreamFormat

    def __init__(self, wanted: Wanted, callback: Callback, ended: Callable[[], None]) -> None:
        """`ended` is called, on any thread, when it is over though nobody closed it; it only queues."""
        self.wanted = wanted
        self._callback, self._ended = callback, ended
        self._library: Any = None
        self._raw: Any = None
        self._closed = self._abandoned = False
        self._lost = 0  # flags for the next block: something was lost before it

    def close(self) -> bool:
        """Nothing is captured or played any more. False: PortAudio hangs, and its device is not released.

        PortAudio 19.6 and 19.7 go round for ever in a stream whose USB card was pulled, and wait for ever to close it
        (PortAudio's issue 1037). Only the end of the process frees it.
        """
        self._closed = True
        # An opening that hangs holds the lock, and must not keep a microphone open. Closing takes a stream off
        # PortAudio's own list before it does anything that takes time, so the two do not meet.
        locked = PORTAUDIO.acquire(timeout=CLOSE_S)
        try:
            if self in _sound.running:
                _sound.running.remove(self)
            return self.stop()
        finally:
            if locked:
                PORTAUDIO.release()

    def begin(self) -> None:
        """Open and start. Holding PORTAUDIO; raises DeviceError."""
        library = begin_library()
        try:
            device = choose(devices_of(library), self.wanted.direction, self.wanted.device)
            with no_stderr():
                self._raw, self.format = _open(library, device, self.wanted, self._called)
        except DeviceError:
            library.terminate()
            raise
        self._library = library

    def stop(self) -> bool:
        """Stop and release; false if it cannot be. Holding PORTAUDIO, if it can be had."""
        raw, self._raw = self._raw, None
        if raw is None:
            return not self._abandoned
        if not _sound.hangs and _ends_in_time(raw.close):
            self._library.terminate()
            return True
        # PyAudio closes a stream that is collected as garbage: one reference more, that nobody ever gives back.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(raw))
        self._abandoned = _sound.hangs = True
        silence_stderr_for_good()  # the hung thread prints 100 MB a second from now on
        return False

    def begin_again(self) -> None:
        """Begin as it was, after `stop`; if that cannot be, it is over. Holding PORTAUDIO."""
        before = self.format
        try:
            if not _sound.hangs:
                self.begin()
        except DeviceError:
            self._ended()
            return
        self._lost = pyaudio.paInputOverflow | pyaudio.paOutputUnderflow
        alike = (before.rate_hz, before.channels) == (self.format.rate_hz, self.format.channels)
        if self._closed or _sound.hangs or not alike:
            self.stop()
            self._ended()

    def _called(
        self, channels: int, pcm: bytes | None, frames: int, times: Mapping[str, float], flags: int
    ) -> tuple[bytes | None, int]:
        if self._closed:
            return bytes(2 * channels * frames), pyaudio.paAbort
        lost, self._lost = self._lost, 0
        return self._callback(channels, pcm, frames, times, flags | lost), pyaudio.paContinue


def _ends_in_time(work: Callable[[], None]) -> bool:
    over = threading.Event()

    def run() -> None:
        work()
        over.set()

    threading.Thread(target=run, name="closes a stream", daemon=True).start()
    return over.wait(CLOSE_S)


# ── opening ──────────────────────────────────────────────────────────────────────────────────────


def open_stream(wanted: Wanted, callback: Callback, ended: Callable[[], None]) -> Stream:
    """A stream that runs; it calls back perhaps before this returns. Raises DeviceError, after OPEN_S or earlier."""
    stream = Stream(wanted, callback, ended)
    if _sound.hangs:
        raise _no_answer(wanted)
    hopeless = _sound.opening is not None and _sound.opening.given_up
    if not PORTAUDIO.acquire(timeout=0 if hopeless else OPEN_S):
        raise _no_answer(wanted)
    _sound.opening = _Opening(stream)
    _sound.opening.wait()
    return stream


def nothing_opens() -> bool:
    """Whether a stream hangs, or an opening for so long that it will for ever: nothing can be opened any more."""
    return _sound.hangs or (_sound.opening is not None and _sound.opening.hangs)


class _Opening:
    """One attempt, on a thread of its own."""

    def __init__(self, stream: Stream) -> None:
        """Whoever makes it holds PORTAUDIO; the attempt releases it, whenever it comes to its end."""
        self._stream = stream
        self._news = threading.Condition()
        self._over = False
        self._error: DeviceError | None = None
        self._began_s = time.monotonic()
        self.given_up = False

    @property
    def hangs(self) -> bool:
        return not self._over and time.monotonic() - self._began_s > HUNG_S

    def wait(self) -> None:
        """Until it is over, with a limit; raises DeviceError."""
        threading.Thread(target=self._run, name="opens a stream", daemon=True).start()
        with self._news:
            self.given_up = not self._news.wait_for(lambda: self._over, OPEN_S)
        if self.given_up:
            raise _no_answer(self._stream.wanted)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            _begin(self._stream)
        except DeviceError as error:
            self._error = error
        with self._news:
            self._over = True
            PORTAUDIO.release()
            self._news.notify()
            too_late, self.given_up = self.given_up, False
        if too_late:
            self._stream.close()


def _begin(stream: Stream) -> None:
    direction = stream.wanted.direction
    absence = _sound.absences.get(direction)
    if absence is not None and absence.lasts():
        raise absence.error
    try:
        _begin_somehow(stream)
    except DeviceError as error:
        if absence is None:
            _sound.absences[direction] = Absence(direction, stream.wanted.device, error)
        else:
            absence.again(error)
        raise
    _sound.absences.pop(direction, None)
    _sound.running.append(stream)


def _begin_somehow(stream: Stream) -> None:
    try:
        stream.begin()
    except DeviceError:
        if not _sound.running or not _sound.lookout.sees_another(stream.wanted.direction, stream.wanted.device):
            raise
        _begin_with_a_new_list(stream)


def _begin_with_a_new_list(stream: Stream) -> None:
    """The others pause for it, some tens of milliseconds: only when nobody uses PortAudio does it look for devices."""
    others = list(_sound.running)
    stopped = [other.stop() for other in others]
    try:
        if not all(stopped):
            raise _no_answer(stream.wanted)
        stream.begin()
    finally:
        for other in others:
            other.begin_again()


def _open(
    library: Any, device: Device, wanted: Wanted, callback: Callable[..., tuple[bytes | None, int]]
) -> tuple[Any, StreamFormat]:
    """Open as wanted, or else with the device's own rate or number of channels, in this order."""
    has = device.channels(wanted.direction)
    channels, rate_hz = min(wanted.channels, has), wanted.rate_hz or device.rate_hz
    shapes = dict.fromkeys(
        [(rate_hz, channels), (device.rate_hz, channels), (rate_hz, min(has, 2)), (device.rate_hz, has)]
    )
    refusals = []
    for rate_hz, count in shapes:
        frames = max(1, round(rate_hz * wanted.block_ms / 1000))
        try:
            stream = library.open(
                rate=rate_hz,
                channels=count,
                format=pyaudio.paInt16,
                frames_per_buffer=frames,
                stream_callback=partial(callback, count),
                **{wanted.direction: True, f"{wanted.direction}_device_index": device.index},
            )
        except OSError as error:  # ValueError is for a wrong call only: ours to mend
            refusals.append(f"{rate_hz} Hz with {count} channels: {error.args[-1]}")
            continue
        latency_s = stream.get_output_latency() if wanted.direction == "output" else 0.0
        return stream, StreamFormat(device.name, rate_hz, count, frames, 1000 * latency_s)
    raise DeviceError(
        f"sound device {device.index}, {device.name!r}",
        f"it cannot be opened ({'; '.join(refusals)})",
        "Check that it is plugged in and that no other program holds it, or choose another",
    )


def _no_answer(wanted: Wanted) -> DeviceError:
    who = "the microphone" if wanted.direction == "input" else "the speaker"
    wrong = "the sound system hangs" if _sound.hangs else f"the sound system has not answered for {OPEN_S:g} s"
    return DeviceError(who, wrong, "Check the sound server, or plug the card in again")


class _Sound:
    """PortAudio in this process."""

    def __init__(self) -> None:
        self.running: list[Stream] = []
        """For these PortAudio keeps its list of devices."""
        self.opening: _Opening | None = None
        """The last one."""
        self.hangs = False
        """A stream does, and nothing more is asked of PortAudio."""
        self.lookout = Lookout()
        self.absences: dict[Direction, Absence] = {}


_sound = _Sound()
