"""Floor 3. The sound card, through PyAudio (PortAudio) in callback mode. It copies and times; it never decides.

An exception in a callback is thrown by PyAudio into whichever thread opened the stream, at any moment, and aborts the
stream. So callbacks here do nothing that can raise: they read what PortAudio always gives, and call one function whose
promise (ports.py) is to only copy.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pyaudio

from antiphon.devices.quiet import no_stderr, silence_stderr_for_good
from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of, samples_of, spread
from antiphon.ports import Block, StreamFormat

HUNG_S = 0.5
"""A stream that runs but has not called back for this long is hung: see `_Stream.close`."""
LONGEST_AHEAD_S = 5.0
"""No card buffers more than this; a larger claim is a clock that means nothing."""

Direction = Literal["input", "output"]

_portaudio = threading.Lock()  # PortAudio's own functions may not be called from two threads at once


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


def list_devices() -> list[Device]:
    """Every sound device that can be opened, in PortAudio's order; empty when there is no sound system."""
    with _portaudio, no_stderr():
        library = pyaudio.PyAudio()
        try:
            return _devices(library)
        finally:
            library.terminate()


def choose(devices: list[Device], direction: Direction, wanted: int | str | None) -> Device:
    """The device with the index `wanted`, or with that text in its name (whatever the case), or the default for None.

    Raises DeviceError when there is none such, or several of which none has exactly that name; it lists what there is.
    """
    able = [one for one in devices if (one.input_channels if direction == "input" else one.output_channels)]
    who = "the microphone" if direction == "input" else "the speaker"
    listing = "; ".join(f"{one.index}: {one.name}" for one in able)
    if not able:
        named = "" if wanted is None else f" ({wanted})"
        raise DeviceError(
            f"{who}{named}", "this machine has none", "Plug one in; `make run` shows a whole turn without"
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
        raise DeviceError(who, wrong, f"Choose one that is there ({listing})")
    return found[0]


class PyAudioMicrophone:
    """ports.Microphone on a sound card."""

    hung = False

    def __init__(self, device: int | str | None, rate_hz: int | None, block_ms: float, channels: int) -> None:
        """What is asked for; `open` says what was got. Blocks of 20 to 80 ms: shorter ones lose sound when stalled."""
        self._wanted = _Wanted("input", device, rate_hz, channels, block_ms)
        self._stream: _Stream | None = None
        self._deliver: Callable[[Block | None], None] = _ignore

    def open(self, deliver: Callable[[Block | None], None]) -> StreamFormat:
        """See ports.Microphone. PortAudio tells nobody when a stream stops by itself: the ear notices the silence."""
        self.close()
        self._deliver = deliver
        self._stream = _Stream(self._wanted, self._captured)
        return self._stream.format

    def _captured(
        self, _channels: int, pcm: bytes, _frames: int, times: Mapping[str, float], flags: int
    ) -> tuple[None, int]:
        # Nothing here can raise: PyAudio always gives these keys as floats, and delivering is putting into a queue.
        arrived_s = time.monotonic()
        device_s = times["input_buffer_adc_time"] or arrived_s
        # Not of our clock: only how long ago it was means anything.
        ago_s = times["current_time"] - times["input_buffer_adc_time"]
        captured_s = arrived_s - ago_s if 0 <= ago_s < LONGEST_AHEAD_S else None
        self._deliver(Block(pcm, device_s, arrived_s, bool(flags & pyaudio.paInputOverflow), captured_s))
        if self._stream is not None:
            self._stream.called_s = arrived_s
        return None, pyaudio.paContinue

    def close(self) -> None:
        """See ports.Microphone; returns also for a stream that hangs, which is then abandoned."""
        stream, self._stream, self._deliver = self._stream, None, _ignore
        if stream is not None:
            stream.close()


class PyAudioSpeaker:
    """ports.Speaker on a sound card."""

    hung = False

    def __init__(self, device: int | str | None, rate_hz: int | None, block_ms: float, channels: int) -> None:
        """What is asked for; `open` says what was got. PortAudio buffers two blocks: one is the least delay."""
        self._wanted = _Wanted("output", device, rate_hz, channels, block_ms)
        self._stream: _Stream | None = None
        self._pull: Callable[[int, float], bytes] = _silent
        self._underflows = 0
        self._latency_s = 0.0

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        """See ports.Speaker."""
        self.close()
        self._underflows = 0
        self._pull = pull
        self._stream = _Stream(self._wanted, self._wants)
        self._latency_s = self._stream.format.output_latency_ms / 1000
        return self._stream.format

    def _wants(
        self, channels: int, _pcm: None, frames: int, times: Mapping[str, float], flags: int
    ) -> tuple[bytes, int]:
        # Nothing here can raise: PyAudio always gives these keys as floats, and `pull` promises to only copy.
        now_s = time.monotonic()
        # The two are of one clock, which need not be ours: only their difference means anything.
        ahead_s = times["output_buffer_dac_time"] - times["current_time"]
        if not 0 <= ahead_s < LONGEST_AHEAD_S:
            ahead_s = self._latency_s
        if flags & pyaudio.paOutputUnderflow:
            self._underflows += 1
        if self._stream is not None:
            self._stream.called_s = now_s
        pcm = self._pull(frames, now_s + ahead_s)
        return pcm if channels == 1 else bytes_of(spread(samples_of(pcm), channels)), pyaudio.paContinue

    def underflows(self) -> int:
        """See ports.Speaker."""
        return self._underflows

    def close(self) -> None:
        """See ports.Speaker; returns also for a stream that hangs, which is then abandoned."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self._pull = _silent


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the owner asked for."""

    direction: Direction
    device: int | str | None
    rate_hz: int | None
    """None is the device's own."""
    channels: int
    block_ms: float


class _Stream:
    """One open PortAudio stream, in either direction."""

    def __init__(self, wanted: _Wanted, callback: Callable[..., tuple[bytes | None, int]]) -> None:
        """Opens and starts; raises DeviceError."""
        with _portaudio, no_stderr():
            self._library = pyaudio.PyAudio()
            try:
                device = choose(_devices(self._library), wanted.direction, wanted.device)
                self._stream, self.format = _open(self._library, device, wanted, callback)
            except DeviceError:
                self._library.terminate()
                raise
        self.called_s = time.monotonic()

    def close(self) -> None:
        """Stop and release; a stream that is hung is abandoned.

        PortAudio 19.6 and 19.7 go round for ever in a stream whose USB card was pulled, and wait for ever to close it
        (PortAudio's issue 1037). Only the end of the process frees it.
        """
        silent_s = time.monotonic() - self.called_s
        if self._stream.is_active() and silent_s > max(HUNG_S, 4 * self.format.block_frames / self.format.rate_hz):
            self._abandon()
            return
        with _portaudio:
            self._stream.close()
            self._library.terminate()

    def _abandon(self) -> None:
        # PyAudio closes a stream that is collected as garbage, which would hang whoever happens to collect it, and the
        # interpreter at its end: one reference more, that nobody ever gives back.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._stream))
        # And it now prints 100 MB a second to standard error.
        silence_stderr_for_good()


def _open(
    library: pyaudio.PyAudio, device: Device, wanted: _Wanted, callback: Callable[..., tuple[bytes | None, int]]
) -> tuple[Any, StreamFormat]:
    """Open as wanted, or else with the device's own rate or number of channels, in this order."""
    has = device.input_channels if wanted.direction == "input" else device.output_channels
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


def _devices(library: pyaudio.PyAudio) -> list[Device]:
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


def _default(library: pyaudio.PyAudio, direction: Direction) -> int:
    """The index of the default device; -1 when there is none."""
    ask = library.get_default_input_device_info if direction == "input" else library.get_default_output_device_info
    try:
        return int(ask()["index"])
    except OSError:
        return -1


def _ignore(_block: Block | None) -> None:
    """What a closed microphone delivers to."""


def _silent(frames: int, _heard_at_s: float) -> bytes:
    """What a closed speaker pulls from."""
    return bytes(2 * frames)
