"""Work of a page that must not stop the screen: done on a thread, answered in Kivy's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from kivy.clock import Clock


def in_background(job: Callable[[], Any], done: Callable[[Any], None]) -> None:
    """Run `job` on a thread of its own; `done` gets its result, or the exception it raised."""

    def run() -> None:
        try:
            result: Any = job()
        except Exception as error:  # noqa: BLE001 - handed over, not swallowed: `done` decides
            result = error
        Clock.schedule_once(lambda _: done(result), 0)

    threading.Thread(target=run, daemon=True, name="page work").start()
