"""Takes our own sound out with Speex's echo canceller: Debian's libspeexdsp1, through ctypes, so nothing is built.

A linear filter learns in some seconds how the room carries our sound, and what it foretells is subtracted (Valin 2007,
"On adjusting the learning rate in frequency domain echo cancellation with double-talk"). Whoever speaks over us stays
whole. What the filter cannot foretell stays too, and that is more while the clocks of the two cards drift apart.
Functions and numbers are those of speex/speex_echo.h and speex/speex_preprocess.h.
"""

import ctypes
import weakref
from typing import Any

import numpy as np

from antiphon.errors import DeviceError
from antiphon.pcm import SAMPLE_BYTES, Samples, frames_in

LIBRARY = "libspeexdsp.so.1"
FRAME_MS = 10
TAIL_MS = 250
"""An echo that comes later than this after its sound is not found."""

_ECHO_SET_SAMPLING_RATE = 24
_PREPROCESS_SET_NOISE_SUPPRESS = 18
_PREPROCESS_SET_ECHO_STATE = 24
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "speex_echo_state_init": (ctypes.c_void_p, [ctypes.c_int, ctypes.c_int]),
    "speex_echo_ctl": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]),
    "speex_echo_cancellation": (None, [ctypes.c_void_p] * 4),
    "speex_echo_state_reset": (None, [ctypes.c_void_p]),
    "speex_echo_state_destroy": (None, [ctypes.c_void_p]),
    "speex_preprocess_state_init": (ctypes.c_void_p, [ctypes.c_int, ctypes.c_int]),
    "speex_preprocess_ctl": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]),
    "speex_preprocess_run": (ctypes.c_int, [ctypes.c_void_p] * 2),
    "speex_preprocess_state_destroy": (None, [ctypes.c_void_p]),
}


class SpeexEchoCanceller:
    """A ports.EchoCanceller. One thread at a time may use it."""

    def __init__(self, rate_hz: int, *, residual: bool = False, library: str = LIBRARY) -> None:
        """For sound at `rate_hz`. Raises DeviceError if `library`, as the dynamic linker knows it, is missing.

        `residual`: what the filter leaves is suppressed too, which takes a frame of delay; else what comes out is in
        step with what goes in, so that their difference is what was taken out.
        """
        self.rate_hz = rate_hz
        self._speex = _load(library)
        self._frame = frames_in(FRAME_MS, rate_hz)
        self.late_frames = self._frame if residual else 0
        self._tail = frames_in(TAIL_MS, rate_hz)
        self._silence = np.zeros(self._tail + 5 * self._frame, np.int16)
        self._begin()

    @staticmethod
    def seek(library: str = LIBRARY) -> None:
        """Find the library; to load its 40 kB costs nothing. Raises DeviceError if it is missing."""
        _load(library)

    def _begin(self) -> None:
        speex, rate_hz = self._speex, self.rate_hz
        self._filter = speex.speex_echo_state_init(self._frame, self._tail)
        speex.speex_echo_ctl(self._filter, _ECHO_SET_SAMPLING_RATE, ctypes.byref(ctypes.c_int(rate_hz)))
        self._suppressor = speex.speex_preprocess_state_init(self._frame, rate_hz) if self.late_frames else None
        if self._suppressor:
            # "Denoise" must stay on, or no gain at all is applied; so noise is to be suppressed by 0 dB.
            speex.speex_preprocess_ctl(self._suppressor, _PREPROCESS_SET_NOISE_SUPPRESS, ctypes.byref(ctypes.c_int(0)))
            speex.speex_preprocess_ctl(self._suppressor, _PREPROCESS_SET_ECHO_STATE, self._filter)
        self._free = weakref.finalize(self, _destroy, speex, self._filter, self._suppressor)
        self._free.atexit = False

    def cancel(self, near: Samples, far: Samples) -> Samples:
        """See ports.EchoCanceller. The echo in `near` may come 0 to 200 ms after its sound in `far`, not before."""
        assert len(near) == len(far), "near and far end are of the same moments"
        assert len(near) % self._frame == 0, "whole frames of 10 ms only"
        near, far = np.ascontiguousarray(near, np.int16), np.ascontiguousarray(far, np.int16)
        clean = np.empty(len(near), np.int16)
        heard, played, left = near.ctypes.data, far.ctypes.data, clean.ctypes.data
        for at in range(0, len(near) * SAMPLE_BYTES, self._frame * SAMPLE_BYTES):
            self._speex.speex_echo_cancellation(self._filter, heard + at, played + at, left + at)
            if self._suppressor:
                self._speex.speex_preprocess_run(self._suppressor, left + at)
        return clean

    def forget(self) -> None:
        """See ports.EchoCanceller. A reset leaves the last frames where they are, and so does free(): so there is
        silence between, until it has filled the whole history.
        """
        self._speex.speex_echo_state_reset(self._filter)
        self.cancel(self._silence, self._silence)
        self._free()
        self._begin()


def _destroy(speex: ctypes.CDLL, linear: int, suppressor: int | None) -> None:
    if suppressor:
        speex.speex_preprocess_state_destroy(suppressor)
    speex.speex_echo_state_destroy(linear)


def _load(library: str) -> ctypes.CDLL:
    try:
        speex = ctypes.CDLL(library)
    except OSError:
        remedy = "Install it (sudo apt install libspeexdsp1), or choose another echo.cancel"
        raise DeviceError("echo cancellation", f"Speex's library {library} is missing", remedy) from None
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(speex, name)
        function.restype, function.argtypes = result, arguments
    return speex
