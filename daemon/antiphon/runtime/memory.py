"""Floor 4. Memory that was given back holds nothing of what was in it: for a device that promises to forget.

Sound passes through libraries that copy and free it as they like, and free() leaves what was there. So the C library is
told to overwrite what it takes back. Small pieces go round it: allocators keep some aside as they are, each thread its
own, and those are overwritten by taking and clearing them. It knows nothing of sound.
"""

import ctypes

import numpy as np

_M_PERTURB = -6  # malloc.h
_FREED = 0xFF  # and what is taken anew begins as its complement, zeros, as memory fresh from the kernel does
_KEPT_BY_THREAD = 16  # of each size up to 1032 bytes: 7 until glibc 2.41, 16 from 2.42 on
_LIBC_SIZES = range(24, 1033, 16)
_KEPT_BY_NUMPY = 7  # of each size below 1024 bytes
_NUMPY_SIZES = range(2, 1024, 2)  # of whole samples
_KEPT_BY_PYTHON = 256  # more than were ever seen to lie free among those in use
_PYTHON_SIZES = range(64, 513, 16)
_BYTES_HEAD = 33  # what a bytes object takes beside its bytes


def wipe_what_is_freed() -> None:
    """From here on, in all threads, memory is overwritten as it is freed (mallopt(3)). Costs next to nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # else it is not glibc
        mallopt(_M_PERTURB, _FREED)


def sweep() -> None:
    """Overwrite the small pieces that were freed and are kept aside: of the calling thread, and of Python. Some ms."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    for size in _LIBC_SIZES:
        pieces = [libc.malloc(ctypes.c_size_t(size)) for _ in range(_KEPT_BY_THREAD)]
        for piece in pieces:
            if piece is not None:
                ctypes.memset(piece, 0, size)
                libc.free(ctypes.c_void_p(piece))
    for size in _NUMPY_SIZES:
        _ = [np.zeros(size, np.uint8) for _ in range(_KEPT_BY_NUMPY)]
    for size in _PYTHON_SIZES:
        _ = [bytes(size - _BYTES_HEAD) for _ in range(_KEPT_BY_PYTHON)]
