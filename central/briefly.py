"""What many requests ask for in the same moment is looked up once in it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

#: So long an answer is good for, seconds. Terminals ask once a minute, so nobody notices; a worker
#: answers a hundred heartbeats meanwhile, or a few on a busy machine, which then needs it most.
BRIEFLY_S = 1.0

T = TypeVar("T")

_ALL: WeakSet[Briefly[Any]] = WeakSet()


def forget() -> None:
    """Have everything looked up anew: this process has another database now."""
    for one in _ALL:
        one._found = None


class Briefly(Generic[T]):
    """Keeps what `look_up` returns for a moment; one for all threads of this process."""

    def __init__(self, look_up: Callable[[], T]) -> None:
        self._look_up = look_up
        self._lock = threading.Lock()
        self._found: tuple[float, T] | None = None
        _ALL.add(self)

    def get(self) -> T:
        found = self._found
        if found is not None and time.monotonic() - found[0] < BRIEFLY_S:
            return found[1]
        with self._lock:
            found = self._found
            if found is None or time.monotonic() - found[0] >= BRIEFLY_S:
                began = time.monotonic()
                found = (began, self._look_up())
                self._found = found
            return found[1]
