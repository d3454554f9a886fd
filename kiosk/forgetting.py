"""Nothing of a visit stays in the memory of the screen process, nor goes into a core dump.

Letting go of an object frees its memory but leaves what stood in it until something else happens
to be put there. So what the C library frees is overwritten by it, and what Python keeps for small
objects (up to 512 bytes, `Objects/obmalloc.c`) is filled once after each visit. Linux and glibc;
elsewhere this does what it can. The page file is not covered: terminals have none
(docs/technicians.md).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import resource
import threading
import time
from contextlib import suppress

log = logging.getLogger(__name__)

#: <malloc.h>, <sys/prctl.h>
_M_PERTURB, _PR_SET_DUMPABLE = -6, 4
#: Any byte that is no text.
_OVER = 0x07

#: Python's own memory comes in these sizes, bytes; a `bytes` object has a head of 33.
_SIZES, _HEAD = range(48, 513, 16), 33
#: What is filled of each size, and at last with the largest: more than a visit leaves free.
_OF_EACH, _AT_LAST = 2 << 20, 24 << 20

#: Blocks that the C library keeps aside for each thread without overwriting them: their sizes with
#: the head of eight bytes, and more of each than it keeps.
_ASIDE, _KEPT = range(32, 1041, 16), 8


def prepare() -> None:
    """At the start of the process: no core dumps, and what is freed is overwritten."""
    forbid_dumps()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_PERTURB, _OVER)


def forbid_dumps() -> None:
    """No core dumps; enough for a process that ends with the visit, for its memory goes with it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def forget() -> None:
    """After a visit, when nothing refers to it any more; to be called by the thread that made the
    widgets. Takes some ten milliseconds here and the rest on a thread of its own."""
    gc.collect()
    use_what_is_kept_aside()
    threading.Thread(target=_overwrite, name="forgetting", daemon=True).start()


def use_what_is_kept_aside() -> None:
    """What the C library keeps aside for the calling thread is overwritten. Microseconds; to be
    called by every thread that has seen the visit."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.malloc.restype = ctypes.c_void_p
        library.free.argtypes = [ctypes.c_void_p]
        for size in _ASIDE:
            held = [library.malloc(size - 8) for _ in range(_KEPT)]
            for block in filter(None, held):
                ctypes.memset(block, _OVER, size - 8)
                library.free(block)


def _overwrite() -> None:
    started = time.monotonic()
    for size in _SIZES:
        _fill(size, _OF_EACH)
    _fill_smallest(_OF_EACH)
    _fill(_SIZES[-1], _AT_LAST)
    log.info("memory overwritten in %.2f s", time.monotonic() - started)


def _fill(size: int, total: int) -> None:
    held = [bytes(size - _HEAD) for _ in range(total // size)]
    held.clear()


def _fill_smallest(total: int) -> None:
    """The sizes of 16 and 32 bytes, which no `bytes` object is small enough for."""
    small = [object() for _ in range(total // 16)]
    less_small = [complex(number) for number in range(total // 32)]
    small.clear()
    less_small.clear()
