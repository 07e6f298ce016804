"""Floor 4. Memory that was given back holds nothing of what was in it: for a device that promises to forget.

Sound passes through libraries that copy and free it as they like, and free() leaves what was there. So the C library is
told to overwrite what it takes back. Some memory goes round it: small pieces that allocators keep aside as they are,
each thread its own, and the stacks of threads. Those are overwritten by using them. It knows nothing of sound.
"""

import ctypes
import threading

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
_ARGUMENTS = (0,) * 1000  # for each ctypes lays 48 bytes and more on the stack: 24 of the 1024 that it allows are left
_ENDED_THREADS = 4  # those of the sound card's stream, and of who closed it


def wipe_what_is_freed() -> None:
    """From here on, in all threads, memory is overwritten as it is freed (mallopt(3)). Costs next to nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # else it is not glibc
        mallopt(_M_PERTURB, _FREED)


def sweep() -> None:
    """Overwrite the small pieces that were freed and are kept aside, and used stack: of the calling thread, of Python,
    and of the threads that ended last. Some milliseconds.
    """
    libc = ctypes.CDLL(None)
    _sweep_stacks(libc)
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


def _sweep_stacks(libc: ctypes.CDLL) -> None:
    """The C library gives the stack of a thread that has ended to the next that begins."""
    together = threading.Barrier(_ENDED_THREADS)

    def overwrite() -> None:
        together.wait()  # else they would take one stack in turns
        libc.getpid(*_ARGUMENTS)

    libc.getpid(*_ARGUMENTS)
    threads = [threading.Thread(target=overwrite, name="sweep", daemon=True) for _ in range(_ENDED_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
