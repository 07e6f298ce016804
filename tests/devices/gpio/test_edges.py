"""Edges from the kernel: its structures as its header has them, one thread for all lines, and pins that use it."""

import os
import queue
import re
import struct
import subprocess
import sys
import types

import pytest

from antiphon.devices.gpio import edges
from antiphon.devices.gpio.edges import KernelLine, Watch, watched_by_kernel

RISING, FALLING = 1, 2

HEADER = r"""
#include <linux/gpio.h>
#include <stddef.h>
#include <stdio.h>
#define TELL(x) printf(#x " %llu\n", (unsigned long long)(x))
int main(void) {
  TELL(GPIO_V2_GET_LINE_IOCTL); TELL(GPIO_V2_LINE_GET_VALUES_IOCTL);
  TELL(sizeof(struct gpio_v2_line_request)); TELL(offsetof(struct gpio_v2_line_request, consumer));
  TELL(offsetof(struct gpio_v2_line_request, config.flags)); TELL(offsetof(struct gpio_v2_line_request, num_lines));
  TELL(offsetof(struct gpio_v2_line_request, event_buffer_size)); TELL(offsetof(struct gpio_v2_line_request, fd));
  TELL(sizeof(struct gpio_v2_line_values)); TELL(sizeof(struct gpio_v2_line_event));
  TELL(offsetof(struct gpio_v2_line_event, id)); TELL(GPIO_V2_LINE_EVENT_RISING_EDGE);
  TELL(GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING);
  TELL(GPIO_V2_LINE_FLAG_BIAS_PULL_UP); TELL(GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN); TELL(GPIO_V2_LINE_FLAG_BIAS_DISABLED);
  return 0;
}
"""


def event(what, time_ns=5):
    return struct.pack("=QI36x", time_ns, what)


class Told(queue.SimpleQueue):
    def next(self):
        return self.get(timeout=30)


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        os.close(fd)


def test_the_structures_are_those_of_the_kernels_header(tmp_path):
    (tmp_path / "told.c").write_text(HEADER)
    subprocess.run(["cc", "-o", tmp_path / "told", tmp_path / "told.c"], check=True)
    printed = subprocess.run([tmp_path / "told"], check=True, capture_output=True, text=True).stdout
    told = [int(value) for value in re.findall(r" (\d+)$", printed, re.MULTILINE)]

    def offset(layout, field):
        """Where the field stands that is not zero when it alone is."""
        fields = [0] * len(struct.unpack(layout, bytes(struct.calcsize(layout))))
        if layout == edges._REQUEST:
            fields[:2] = [b"", b""]
        fields[field] = b"\1" if fields[field] == b"" else 1
        return struct.pack(layout, *fields).index(1)

    request = edges._REQUEST
    assert told == [
        edges._GET_LINE,
        edges._GET_VALUES,
        struct.calcsize(request),
        *(offset(request, field) for field in (1, 2, 4, 5, 6)),
        struct.calcsize(edges._VALUES),
        struct.calcsize(edges._EVENT),
        offset(edges._EVENT, 1),
        edges._RISING,
        edges._INPUT_BOTH_EDGES,
        *(edges._BIAS[pull] for pull in ("up", "down", "floating")),
    ]


def test_edges_are_told_in_order_with_their_times(pipe):
    read, write = pipe
    watch, told = Watch(), Told()
    watch.add(read, lambda level, time_ns: told.put((level, time_ns)))
    os.write(write, event(RISING, 7) + event(FALLING, 8))
    os.write(write, event(RISING, 9))
    assert [told.next() for _ in range(3)] == [(1, 7), (0, 8), (1, 9)]
    watch.remove(read)


def test_one_thread_serves_all_lines_and_what_is_removed_is_silent(pipe):
    other_read, other_write = os.pipe()
    watch, told = Watch(), Told()
    watch.add(pipe[0], lambda level, _: told.put(("one", level)))
    thread = watch._thread
    watch.add(other_read, lambda level, _: told.put(("other", level)))
    assert watch._thread is thread
    watch.remove(pipe[0])
    os.write(pipe[1], event(RISING))
    os.write(other_write, event(FALLING))
    assert told.next() == ("other", 0)
    assert told.empty()
    assert watch._edges(pipe[0]) == []  # one that was about to be read as it was removed
    watch.remove(other_read)
    for fd in (other_read, other_write):
        os.close(fd)


def test_an_edge_that_somebody_else_has_read_is_no_trouble(pipe):
    watch = Watch()
    os.set_blocking(pipe[0], False)
    watch._told[pipe[0]] = pytest.fail
    assert watch._edges(pipe[0]) == []


class Kernel:
    """Answers as the kernel would: each line is the read end of a pipe."""

    def __init__(self):
        self.asked = []
        self.level = 1
        self.refuses = None
        self.ends = {}

    def ioctl(self, fd, what, request):
        if what == edges._GET_VALUES:
            assert struct.unpack("=QQ", request) == (0, 1)
            request[:] = struct.pack("=QQ", self.level, 1)
            return
        assert what == edges._GET_LINE
        if self.refuses is not None:
            raise self.refuses
        offsets, consumer, flags, attributes, lines, _, _ = struct.unpack(edges._REQUEST, request)
        assert (attributes, lines) == (0, 1)
        number = struct.unpack_from("=I", offsets)[0]
        self.asked.append((number, consumer.rstrip(b"\0"), flags))
        read, self.ends[number] = os.pipe()
        request[-4:] = struct.pack("=i", read)


@pytest.fixture
def kernel(monkeypatch):
    kernel, real = Kernel(), os.open
    monkeypatch.setattr(edges.fcntl, "ioctl", kernel.ioctl)
    monkeypatch.setattr(
        edges.os, "open", lambda path, flags: real("/dev/null" if path == "/dev/gpiochip4" else path, flags)
    )
    yield kernel
    for fd in kernel.ends.values():
        os.close(fd)


def test_a_line_is_asked_for_with_its_pull_and_both_edges(kernel):
    watch, told = Watch(), Told()
    line = KernelLine(4, 23, "up", lambda level, time_ns: told.put((level, time_ns)), watch)
    assert kernel.asked == [(23, b"antiphon", 0b1_0011_0100)]
    assert line.level == 1
    kernel.level = 0
    assert line.level == 0
    os.write(kernel.ends[23], event(FALLING, 3))
    assert told.next() == (0, 3)
    line.close()
    with pytest.raises(BrokenPipeError):  # nobody holds the line any more
        os.write(kernel.ends[23], event(RISING))


def test_a_line_that_somebody_has_taken_meanwhile_is_an_error(kernel):
    kernel.refuses = OSError(16, "Device or resource busy")
    with pytest.raises(OSError, match="busy"):
        KernelLine(4, 23, "up", lambda *_: None, Watch())


# ── lgpio's pins, watched so ─────────────────────────────────────────────────────────────────────


class Lgpio:
    """What gpiozero's LGPIOPin does with lgpio, as far as watching goes."""

    def __init__(self):
        self.factory = types.SimpleNamespace(chip=4, _handle=7)
        self._number, self.pull, self.when_changed = 23, "up", None
        self.did, self.told = [], Told()

    def close(self):
        self.did.append("closed")

    def _get_state(self):
        return "as lgpio says"

    def _disable_event_detect(self):
        self.did.append("claimed as input")

    def _call_when_changed(self, *told):
        self.told.put(told)


def test_a_pin_leaves_its_line_to_the_kernel_while_it_is_watched(kernel, monkeypatch):
    lgpio = types.ModuleType("lgpio")
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    pin = watched_by_kernel(Lgpio)()
    lgpio.gpio_free = lambda *freed: pin.did.append(freed)
    assert pin._get_state() == "as lgpio says"
    pin._enable_event_detect()
    assert pin.did == [(7, 23)]
    assert pin._get_state() is True
    os.write(kernel.ends[23], event(FALLING, 11))
    assert pin.told.next() == (4, 23, 0, 11)
    pin._disable_event_detect()
    assert pin._get_state() == "as lgpio says"
    pin._disable_event_detect()
    pin.when_changed = print
    pin.close()
    assert pin.when_changed is None
    assert pin.did[1:] == ["claimed as input", "claimed as input", "closed"]
