"""Floor 3. Edges of lines as the kernel tells them: who waits for one costs nothing until it comes.

lgpio looks for edges two thousand times a second, from the first line that is watched to the last: for as long as the
appliance lives. So its pins leave the watching to the kernel: linux/gpio.h, version 2, since Linux 5.10.
"""

import fcntl
import os
import select
import struct
import threading
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Told: TypeAlias = Callable[[int, int], None]
"""(level, monotonic nanoseconds) of an edge."""

_GET_LINE: Final = 0xC250B407
_GET_VALUES: Final = 0xC010B40E
_REQUEST: Final = "=256s32sQI20x240xII20xi"
"""struct gpio_v2_line_request: offsets, consumer, flags and attributes (none), lines, buffered events, descriptor."""
_VALUES: Final = "=QQ"
_EVENT: Final = "=QI36x"
"""struct gpio_v2_line_event: time, what happened; which line and how many we know."""
_RISING: Final = 1
_INPUT_BOTH_EDGES: Final = 1 << 2 | 1 << 4 | 1 << 5
_BIAS: Final = {"up": 1 << 8, "down": 1 << 9, "floating": 1 << 10}
_EVENTS_AT_ONCE: Final = 64


class Watch:
    """One thread for the edges of all lines; it sleeps until there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[int, Told] = {}
        self._epoll = select.epoll()
        self._thread: threading.Thread | None = None

    def add(self, fd: int, told: Told) -> None:
        """Tell the edges that `fd`, an open line, has."""
        os.set_blocking(fd, False)
        with self._lock:
            self._told[fd] = told
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="edges", daemon=True)
                self._thread.start()
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        """Tell no more of them; `fd` may then be closed."""
        self._epoll.unregister(fd)
        with self._lock:
            del self._told[fd]

    def _run(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                for level, time_ns, told in self._edges(fd):
                    told(level, time_ns)

    def _edges(self, fd: int) -> list[tuple[int, int, Told]]:
        with self._lock:  # it cannot be removed, and so not closed, while it is read
            told = self._told.get(fd)
            if told is None:
                return []
            try:
                data = os.read(fd, _EVENTS_AT_ONCE * struct.calcsize(_EVENT))
            except BlockingIOError:
                return []
        return [(int(what == _RISING), time_ns, told) for time_ns, what in struct.iter_unpack(_EVENT, data)]


class KernelLine:
    """A line that the kernel watches for us."""

    def __init__(self, chip: int, number: int, pull: str, told: Told, watch: Watch) -> None:
        """Line `number` of /dev/gpiochip`chip`, an input; `pull` as gpiozero says it. Raises OSError."""
        offsets = struct.pack("=64I", number, *[0] * 63)
        flags = _INPUT_BOTH_EDGES | _BIAS[pull]
        request = bytearray(struct.pack(_REQUEST, offsets, b"antiphon", flags, 0, 1, _EVENTS_AT_ONCE, 0))
        device = os.open(f"/dev/gpiochip{chip}", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, _GET_LINE, request)
        finally:
            os.close(device)
        *_, self._fd = struct.unpack(_REQUEST, request)
        self._watch = watch
        watch.add(self._fd, told)

    @property
    def level(self) -> int:
        """Now. Raises OSError."""
        values = bytearray(struct.pack(_VALUES, 0, 1))
        fcntl.ioctl(self._fd, _GET_VALUES, values)
        bits: int = struct.unpack(_VALUES, values)[0]
        return bits & 1

    def close(self) -> None:
        """Tell no more, and free the line."""
        self._watch.remove(self._fd)
        os.close(self._fd)


WATCH = Watch()
"""For all chips of this process: it costs nothing before it is used."""


def watched_by_kernel(pin_class: Any) -> Any:
    """lgpio's pins (gpiozero's LGPIOPin), but for the watching."""

    class Pin(pin_class):  # type: ignore[misc]  # gpiozero is untyped
        _line: KernelLine | None = None

        def close(self) -> None:
            self.when_changed = None
            super().close()

        def _get_state(self) -> Any:
            return super()._get_state() if self._line is None else bool(self._line.level)

        def _enable_event_detect(self) -> None:
            pull = self.pull
            self._free()
            self._line = KernelLine(self.factory.chip, self._number, pull, self._told, WATCH)

        def _disable_event_detect(self) -> None:
            if self._line is not None:
                self._line.close()
                self._line = None
            super()._disable_event_detect()

        def _told(self, level: int, time_ns: int) -> None:
            self._call_when_changed(self.factory.chip, self._number, level, time_ns)

        def _free(self) -> None:
            import lgpio

            lgpio.gpio_free(self.factory._handle, self._number)  # noqa: SLF001 - it has no other door

    return Pin
