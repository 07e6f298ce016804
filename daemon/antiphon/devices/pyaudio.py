"""Floor 3. The sound card, through PyAudio (PortAudio) in callback mode. It copies and times; it never decides.

An exception in a callback is thrown by PyAudio into whichever thread opened the stream, at any moment, and aborts the
stream. So callbacks here do nothing that can raise: they read what PortAudio always gives, and call one function whose
promise (ports.py) is to only copy.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial

import pyaudio

from antiphon.audio.driver_time import DriverTime
from antiphon.devices.streams import Stream, Wanted, nothing_opens, open_stream
from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of, samples_of, spread
from antiphon.ports import Block, StreamFormat

LONGEST_AHEAD_S = 5.0
"""No card buffers more than this; a larger claim is a clock that means nothing."""


class PyAudioMicrophone:
    """ports.Microphone on a sound card."""

    hung = False

    def __init__(self, device: int | str | None, rate_hz: int | None, block_ms: float, channels: int) -> None:
        """What is asked for; `open` says what was got. Blocks of 20 to 80 ms: shorter ones lose sound when stalled."""
        self._wanted = Wanted("input", device, rate_hz, channels, block_ms)
        self._stream: Stream | None = None

    def open(self, deliver: Callable[[Block | None], None]) -> StreamFormat:
        """See ports.Microphone. PortAudio tells nobody when a stream stops by itself: the ear notices the silence."""
        self.close()
        try:
            self._stream = open_stream(self._wanted, partial(_captured, DriverTime(), deliver), partial(deliver, None))
        except DeviceError:
            self.hung = self.hung or nothing_opens()
            raise
        return self._stream.format

    def close(self) -> None:
        """See ports.Microphone; returns within a second also for a stream that hangs, which is then abandoned."""
        stream, self._stream = self._stream, None
        if stream is not None and not stream.close():
            self.hung = True


def _captured(
    driver: DriverTime,
    deliver: Callable[[Block | None], None],
    _channels: int,
    pcm: bytes | None,
    _frames: int,
    times: Mapping[str, float],
    flags: int,
) -> None:
    # Nothing here can raise: PyAudio always gives these keys as floats, and delivering is putting into a queue.
    arrived_s = time.monotonic()
    device_s = times["input_buffer_adc_time"] or arrived_s
    # The two are of one clock, which need not be ours; the first was read a little ago.
    ago_s = times["current_time"] - times["input_buffer_adc_time"]
    apart_s = driver.apart_s(times["current_time"], arrived_s)
    captured_s = times["input_buffer_adc_time"] + apart_s if 0 <= ago_s < LONGEST_AHEAD_S else None
    deliver(Block(pcm or b"", device_s, arrived_s, bool(flags & pyaudio.paInputOverflow), captured_s))


class PyAudioSpeaker:
    """ports.Speaker on a sound card."""

    hung = False

    def __init__(self, device: int | str | None, rate_hz: int | None, block_ms: float, channels: int) -> None:
        """What is asked for; `open` says what was got. PortAudio buffers two blocks: one is the least delay."""
        self._wanted = Wanted("output", device, rate_hz, channels, block_ms)
        self._stream: Stream | None = None
        self._underflows = 0
        self._latency_s = 0.0
        self._driver = DriverTime()

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        """See ports.Speaker. One that ends by itself asks for no more sound: the mouth notices."""
        self.close()
        self._underflows = 0
        self._driver = DriverTime()
        try:
            self._stream = open_stream(self._wanted, partial(self._wants, pull), _nothing)
        except DeviceError:
            self.hung = self.hung or nothing_opens()
            raise
        self._latency_s = self._stream.format.output_latency_ms / 1000
        return self._stream.format

    def _wants(
        self,
        pull: Callable[[int, float], bytes],
        channels: int,
        _pcm: bytes | None,
        frames: int,
        times: Mapping[str, float],
        flags: int,
    ) -> bytes:
        # Nothing here can raise: PyAudio always gives these keys as floats, and `pull` promises to only copy.
        now_s = time.monotonic()
        # The two are of one clock, which need not be ours; the second was read a little ago.
        ahead_s = times["output_buffer_dac_time"] - times["current_time"]
        apart_s = self._driver.apart_s(times["current_time"], now_s)
        heard_at_s = times["output_buffer_dac_time"] + apart_s
        if not 0 <= ahead_s < LONGEST_AHEAD_S:
            heard_at_s = now_s + self._latency_s
        if flags & pyaudio.paOutputUnderflow:
            self._underflows += 1
        pcm = pull(frames, heard_at_s)
        return pcm if channels == 1 else bytes_of(spread(samples_of(pcm), channels))

    def underflows(self) -> int:
        """See ports.Speaker."""
        return self._underflows

    def close(self) -> None:
        """See ports.Speaker; returns within a second also for a stream that hangs, which is then abandoned."""
        stream, self._stream = self._stream, None
        if stream is not None and not stream.close():
            self.hung = True


def _nothing() -> None:
    """What a speaker does about a stream that has ended."""
