"""How long a test waits for what must happen: on a machine that does much else that takes long, and
what happens at once costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds.
PATIENCE_S = 30.0


def eventually(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)
