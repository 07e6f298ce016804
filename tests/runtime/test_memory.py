"""What is freed is overwritten, and small pieces that allocators keep aside can be."""

import ctypes
import threading

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
