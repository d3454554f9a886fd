"""What a worker reports to the screen, of which only the newest counts. No Kivy here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Mailbox:
    """Holds one event. At most one delivery is under way, so that a slow screen drops camera frames
    instead of falling behind; the newest event is always delivered."""

    def __init__(self, deliver: Callable[[], None]) -> None:
        """`deliver` is called on the worker and must see to it that `take` is called soon."""
        self._deliver = deliver
        self._lock = threading.Lock()
        self._events: list[Any] = []

    def put(self, event: Any) -> None:
        """On the worker."""
        with self._lock:
            first = not self._events
            self._events[:] = [event]
        if first:
            self._deliver()

    def take(self) -> Any:
        """The newest event, which is then no longer there. On the screen's thread, once for each
        call of `deliver`."""
        with self._lock:
            return self._events.pop()
