"""The volume while it is tried: the card's mixer where there is one, else a gain, as the daemon does it."""

import numpy as np

from antiphon.audio.loudness import gain_of
from antiphon.devices.quiet import no_stderr
from antiphon.errors import DeviceError
from antiphon.pcm import Samples, clipped, floats_of
from antiphon.ports import Mixer

FULL = 100


class Loudness:
    """How loud the speaker is, 0 to 100; `back` leaves the mixer as it was found."""

    def __init__(self, mixer: Mixer | None, wanted: int | None) -> None:
        """It is turned to what is `wanted`, if anything is. A mixer that cannot be used is none."""
        self._mixer, self._set = mixer, wanted
        self._found: int | None = None
        if mixer is not None:
            try:
                with no_stderr():  # ALSA complains of a card that is none
                    self._found = mixer.get()
            except DeviceError:
                self._mixer = None
        self.percent = FULL if self._found is None else self._found
        if wanted is not None and wanted != self.percent:
            self._put(wanted)
        self._began = self.percent

    @property
    def was_turned(self) -> bool:
        """By whoever tried it."""
        return self.percent != self._began

    def turn(self, change: int) -> None:
        """So much louder, or quieter below 0."""
        self._put(min(max(self.percent + change, 0), FULL))

    def back(self) -> None:
        """As it was found."""
        if self._found is not None and self.percent != self._found:
            self._put(self._found)

    def of(self, samples: Samples) -> Samples:
        """`samples` as loud as it is, where no mixer sees to that."""
        if self._mixer is not None:
            return samples
        return clipped(floats_of(samples) * np.float32(gain_of(self.percent)))

    def _put(self, percent: int) -> None:
        self.percent = percent
        if self._mixer is not None:
            try:
                with no_stderr():
                    self._mixer.set(percent)
            except DeviceError:  # it has gone; the gain takes over, as in the daemon
                self._mixer = None
