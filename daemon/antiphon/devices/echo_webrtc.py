"""Takes our own sound out with WebRTC's echo canceller (AEC3), as livekit packs it. It comes with the extra `echo`.

It finds the delay itself, follows clocks that drift, and suppresses what its filter leaves: 30 dB less of us from the
first seconds on, 45 dB later. The price is whoever speaks over us: the suppressor takes most of him out, too.

livekit is imported by whoever asks for a canceller: it takes 50 ms, 14 MB, and four threads that then do nothing.
"""

import ctypes
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from antiphon.errors import DeviceError
from antiphon.pcm import Samples, frames_in

PACKAGE = "livekit.rtc"
FRAME_MS = 10
HISTORY_MS = 1200
"""Older sound than this it does not hold: the far end waits in a queue of 100 frames, where each stays until its place
is needed again.
"""
LATE_FRAMES = {16_000: 128, 32_000: 260, 48_000: 431}
"""How much later a sample comes out than it went in, by the rate: blocks of 4 ms, and the filters that split bands."""


class WebrtcEchoCanceller:
    """A ports.EchoCanceller. Neither noise suppression (6 ms later, and no better heard) nor gain control is on."""

    def __init__(self, rate_hz: int, package: str = PACKAGE) -> None:
        """For sound at 16, 32 or 48 kHz; `package` is what to import. Raises DeviceError if it is missing or broken."""
        self.rate_hz = rate_hz
        self.late_frames = LATE_FRAMES[rate_hz]
        try:
            self._livekit = import_module(package)
            _tell_nothing(package)
            self._engine = self._begin()
        except (ImportError, OSError, AttributeError, TypeError, RuntimeError) as error:  # an old one, or half of one
            raise _unusable(str(error)) from None
        self._frame = frames_in(FRAME_MS, rate_hz)
        self._near = self._livekit.AudioFrame.create(rate_hz, 1, self._frame)
        self._far = self._livekit.AudioFrame.create(rate_hz, 1, self._frame)
        self._silence = np.zeros(frames_in(HISTORY_MS, rate_hz), np.int16)

    @staticmethod
    def seek(package: str = PACKAGE) -> None:
        """Find the package, and load nothing of it. Raises DeviceError if it is missing."""
        try:
            spec = find_spec(package)
        except ModuleNotFoundError:
            spec = None  # not even what it is part of
        if spec is None:
            raise _unusable(f"No module named {package!r}")

    def _begin(self) -> Any:
        return self._livekit.AudioProcessingModule(echo_cancellation=True)

    def cancel(self, near: Samples, far: Samples) -> Samples:
        """See ports.EchoCanceller. The echo in `near` must come 3 ms or more after its sound in `far`: nearer, it is
        found and lost again. 10 ms and more are safe. Raises DeviceError when livekit gives up.
        """
        assert len(near) == len(far), "near and far end are of the same moments"
        assert len(near) % self._frame == 0, "whole frames of 10 ms only"
        clean = np.empty(len(near), np.int16)
        heard, played = np.asarray(self._near.data), np.asarray(self._far.data)  # what it reads, and writes in place
        for at in range(0, len(near), self._frame):
            frame = slice(at, at + self._frame)
            played[:] = far[frame]
            heard[:] = near[frame]
            try:
                self._engine.process_reverse_stream(self._far)
                self._engine.process_stream(self._near)
            except RuntimeError as error:
                raise _unusable(str(error)) from None
            clean[frame] = heard
        return clean

    def forget(self) -> None:
        """See ports.EchoCanceller; 8 ms of CPU. What is let go was filled with silence first."""
        self.cancel(self._silence, self._silence)
        self._engine = self._begin()


def _tell_nothing(package: str) -> None:
    """livekit's threads tell Python their log, in which there is nothing for us. Where that comes as the process ends,
    CPython ends the thread that brings it, and Rust aborts the process for it: so what they call is no Python.
    """
    client: Any = sys.modules.get(f"{package}._ffi_client")
    with suppress(AttributeError):  # another livekit may be made otherwise
        if client is not None and client.FfiClient._instance is None:  # noqa: SLF001 - it has no other door
            client.ffi_event_callback = client.ffi_cb_fnc(("getpid", ctypes.CDLL(None)))  # harmless


def _unusable(why: str) -> DeviceError:
    """In one line, whatever `why` is: the reasons of an import may be many."""
    remedy = "Install it (pip install 'antiphon[echo]'), or choose another echo.cancel"
    wrong = f"the package livekit cannot be used ({' '.join(why.split())})"
    return DeviceError("echo cancellation", wrong, remedy)
