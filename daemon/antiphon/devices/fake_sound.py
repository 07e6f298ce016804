"""Floor 3. A microphone, a speaker and a mixer that are driven by hand: they ship, for tests and for rigs of your own.

Nothing happens by itself: `hear` is what the room says next, `play` is the card asking for its next periods.
"""

import time
from collections.abc import Callable

import numpy as np

from antiphon.errors import DeviceError  # noqa: TC001 - the house keeps imports in one place
from antiphon.pcm import Samples, bytes_of, samples_of, spread
from antiphon.ports import Block, StreamFormat


class FakeMicrophone:
    """ports.Microphone, driven by `hear`."""

    def __init__(self, rate_hz: int = 16_000, channels: int = 1, block_frames: int = 1280) -> None:
        """What `open` will report."""
        self.format = StreamFormat("fake microphone", rate_hz, channels, block_frames)
        self.refusal: DeviceError | None = None
        """When set, `open` raises it."""
        self.opened = 0
        """How often it was opened."""
        self.hung = False
        """See ports.Microphone: set by hand."""
        self.late_s = 0.0
        """By how much everything comes too late, the card's clock with it: set by hand."""
        self._deliver: Callable[[Block | None], None] | None = None
        self._frame = 0

    @property
    def is_open(self) -> bool:
        """Whether it captures."""
        return self._deliver is not None

    def open(self, deliver: Callable[[Block | None], None]) -> StreamFormat:
        """See ports.Microphone."""
        if self.refusal is not None:
            raise self.refusal
        self.opened += 1
        self._deliver = deliver
        return self.format

    def hear(self, samples: Samples, *, overflowed: bool = False) -> None:
        """The room says this: delivered in blocks, the last one perhaps short. Nobody hears it while closed."""
        step = self.format.block_frames
        for at in range(0, len(samples), step):
            self._hear_block(samples[at : at + step], overflowed and at == 0)

    def _hear_block(self, samples: Samples, overflowed: bool) -> None:
        device_s = self._frame / self.format.rate_hz
        self._frame += len(samples)
        arrived_s = self._frame / self.format.rate_hz + self.late_s
        if self._deliver is not None:
            pcm = bytes_of(spread(samples, self.format.channels))
            self._deliver(Block(pcm, device_s, arrived_s, overflowed, device_s))

    def lose(self, frames: int) -> None:
        """The card loses so many frames, and says nothing of it, unless the next `hear` is `overflowed`."""
        self._frame += frames

    def end(self) -> None:
        """The stream ends by itself."""
        if self._deliver is not None:
            self._deliver(None)

    def close(self) -> None:
        """See ports.Microphone."""
        self._deliver = None


class FakeSpeaker:
    """ports.Speaker, driven by `play`."""

    def __init__(self, rate_hz: int = 24_000, block_frames: int = 480) -> None:
        """What `open` will report."""
        self.format = StreamFormat("fake speaker", rate_hz, 1, block_frames)
        self.refusal: DeviceError | None = None
        """When set, `open` raises it."""
        self.opened = 0
        """How often it was opened."""
        self.dry = 0
        """How often it has run dry: set by hand."""
        self.hung = False
        """See ports.Speaker: set by hand."""
        self._pull: Callable[[int, float], bytes] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it plays."""
        return self._pull is not None

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        """See ports.Speaker."""
        if self.refusal is not None:
            raise self.refusal
        self.opened += 1
        self._pull = pull
        return self.format

    def play(self, periods: int = 1, heard_at_s: float | None = None) -> Samples:
        """The card asks for so many periods, audible from `heard_at_s` on (now, for None); what it got."""
        assert self._pull is not None, "the speaker is closed"
        at_s = time.monotonic() if heard_at_s is None else heard_at_s
        got = []
        for number in range(periods):
            offset_s = number * self.format.block_frames / self.format.rate_hz
            pcm = self._pull(self.format.block_frames, at_s + offset_s)
            assert len(pcm) == 2 * self.format.block_frames
            got.append(samples_of(pcm))
        return np.concatenate(got)

    def underflows(self) -> int:
        """See ports.Speaker."""
        return self.dry

    def close(self) -> None:
        """See ports.Speaker."""
        self._pull = None


class FakeMixer:
    """ports.Mixer of a card that is only a number."""

    def __init__(self, percent: int = 100) -> None:
        """How loud it is at first."""
        self.percent = percent
        """How loud it is: others may set it by hand."""
        self.sets: list[int] = []
        """What it was set to, in order."""
        self.refusal: DeviceError | None = None
        """When given, `set` and `get` raise it."""
        self.closed = False
        """Whether it was let go of."""

    def set(self, percent: int) -> None:
        """See ports.Mixer."""
        if self.refusal is not None:
            raise self.refusal
        self.percent = percent
        self.sets.append(percent)

    def get(self) -> int:
        """See ports.Mixer."""
        if self.refusal is not None:
            raise self.refusal
        return self.percent

    def close(self) -> None:
        """See ports.Mixer."""
        self.closed = True
