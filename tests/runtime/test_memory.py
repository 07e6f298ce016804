"""What is freed is overwritten, and small pieces that allocators keep aside can be."""

import ctypes
import io
import threading
from pathlib import Path

import numpy as np
import pytest

from antiphon.runtime.memory import sweep, wipe_what_is_freed

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
PATTERN = b"\xa5\x3c\x96\x0f"


def malloc(size: int) -> int:
    address = LIBC.malloc(ctypes.c_size_t(size))
    ctypes.memmove(address, PATTERN * (size // 4), size)
    return address


def free(address: int) -> None:
    LIBC.free(ctypes.c_void_p(address))


def left(address: int, size: int) -> int:
    """How much of the pattern a freed piece still has, in its middle: its ends are the allocator's."""
    return ctypes.string_at(address, size)[32:-32].count(PATTERN)


@pytest.mark.parametrize("size", [2048, 5000, 40_000])
def test_freed_memory_holds_nothing_of_what_was_in_it(size):
    wipe_what_is_freed()
    between = malloc(64)
    address = malloc(size)
    fence = malloc(64)
    free(address)
    assert left(address, size) == 0
    free(between)
    free(fence)


@pytest.mark.parametrize("size", [128, 344, 680, 1032])
def test_small_pieces_that_are_kept_aside_are_swept(size):
    wipe_what_is_freed()
    kept = [malloc(size) for _ in range(5)]
    for address in kept:
        free(address)
    sweep()
    assert [left(address, size) for address in kept] == [0] * 5


def test_arrays_and_bytes_are_swept_too():
    def address_of(held: object) -> int:
        return int(np.frombuffer(held, np.uint8).ctypes.data)

    small = np.full(300, 0x3C96, np.int16)
    piece = bytes(PATTERN * 80)
    places = [(address_of(small), 600), (address_of(piece), 320)]
    assert left(places[1][0], 320) == 64
    del small, piece
    sweep()
    assert [ctypes.string_at(at, size)[32:].count(bytes([0x96, 0x3C, 0x96])) for at, size in places[:1]] == [0]
    assert left(*places[1]) == 0


def test_each_thread_sweeps_for_itself():
    done = []
    threads = [threading.Thread(target=lambda: done.append(sweep())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert done == [None] * 3


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has no proc(5)")
def test_what_threads_that_ended_have_left_on_their_stacks_is_swept():
    mark = 0x5A5AC3C3
    left = mark.to_bytes(4, "little")

    def on_stacks() -> int:
        with Path("/proc/self/mem").open("rb", buffering=0) as memory:
            return sum(_read(memory, *stack).count(left) for stack in _stacks())

    # Arguments lie on the stack.
    threads = [threading.Thread(target=LIBC.getpid, args=(mark,) * 100) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert on_stacks() > 50
    sweep()
    assert on_stacks() == 0


def _stacks() -> list[tuple[int, int]]:
    """The upper ends of what may be stacks of threads: where they begin."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    ends = [[int(end, 16) for end in line[0].split("-")] for line in lines if line[1] == "rw-p" and len(line) == 5]
    return [(max(begin, end - 65_536), end) for begin, end in ends if end - begin >= 1 << 20]


def _read(memory: io.RawIOBase, begin: int, end: int) -> bytes:
    try:
        memory.seek(begin)
        return memory.read(end - begin) or b""
    except OSError:  # not there any more
        return b""
