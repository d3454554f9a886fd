"""Nothing of a visit stays in the memory of the screen process, nor goes into a core dump.

Letting go of an object frees its memory but leaves what stood in it until something else happens
to be put there. So what the C library frees is overwritten by it, and what Python keeps for small
objects (up to 512 bytes, `Objects/obmalloc.c`) is filled at the end of a visit and once more after
it. Linux and glibc; elsewhere this does what it can. The page file is not covered: terminals have
none (docs/technicians.md).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import resource
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from itertools import repeat, starmap

log = logging.getLogger(__name__)

#: <malloc.h>, <sys/prctl.h>
_M_PERTURB, _PR_SET_DUMPABLE = -6, 4
#: Any byte that is no text.
_OVER = 0x07

#: Python's own memory comes in these sizes, bytes; a `bytes` object has a head of 33.
_SIZES, _HEAD = range(48, 513, 16), 33
#: What is filled of each size, and at last with the largest: more than a visit leaves free.
_OF_EACH, _AT_LAST = 2 << 20, 24 << 20

#: What is filled of each while somebody waits.
_AT_ONCE = 1 << 20

#: Blocks that the C library keeps aside for each thread without overwriting them: their sizes with
#: the head of eight bytes, and more of each than it keeps.
_ASIDE, _KEPT = range(32, 1041, 16), 8

#: How long the other threads are waited for, and between the two times, seconds.
_OTHERS_S, _BETWEEN_S = 2.0, 0.5
#: How long one that took longer is waited for, seconds.
_LATE_S = 30.0


def overwrite_what_is_freed() -> None:
    """Before the first citizen: from now on what is freed is overwritten. Not at the start of the
    process already, which frees much and knows nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_PERTURB, _OVER)


def prepare() -> None:
    """At the start of a process that is given personal data at once."""
    forbid_dumps()
    overwrite_what_is_freed()


def forbid_dumps() -> None:
    """No core dumps; enough for a process that ends with the visit, for its memory goes with it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def overwrite_what_is_free() -> None:
    """When a visit has ended and before anything is made that stays: what comes next would use the
    memory that the visit let go of, but not to the last byte. Takes some fifty milliseconds."""
    gc.collect()
    for size in _SIZES:
        _fill(size, _AT_ONCE)
    _fill_smallest(_AT_ONCE)


def forget(others: list[Future[None]]) -> None:
    """After a visit, when nothing refers to it any more; to be called by the thread that made the
    widgets. `others`: the same is on its way on those threads; the list is emptied. Takes some
    fifty milliseconds here and the rest on a thread of its own."""
    gc.collect()
    use_what_is_kept_aside()
    threading.Thread(target=_overwrite, args=(others,), name="forgetting", daemon=True).start()


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


def _overwrite(others: list[Future[None]]) -> None:
    started = time.monotonic()
    late = wait(others, _OTHERS_S).not_done
    others.clear()
    # Whatever some thread made just then lies where something of the visit has lain, and does not
    # use its memory to the last byte; by the second time it is gone.
    _fill_all()
    time.sleep(_BETWEEN_S)
    _fill_all()
    if late:  # what a busy device lets go of only now
        if never := wait(late, _LATE_S).not_done:
            log.error("%d threads may still hold something of a visit", len(never))
        _fill_all()
    log.info("memory overwritten in %.2f s", time.monotonic() - started)


def _fill_all() -> None:
    for size in _SIZES:
        _fill(size, _OF_EACH)
    _fill_smallest(_OF_EACH)
    _fill(_SIZES[-1], _AT_LAST)


def _fill(size: int, total: int) -> None:
    held = list(map(bytes, repeat(size - _HEAD, total // size)))
    held.clear()


def _fill_smallest(total: int) -> None:
    """The sizes of 16 and 32 bytes, which no `bytes` object is small enough for."""
    small = list(starmap(object, repeat((), total // 16)))
    less_small = list(map(complex, range(total // 32)))
    small.clear()
    less_small.clear()
