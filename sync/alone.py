"""Being the only one who does something with a folder, also among the threads of one process.

Standard library only: the installer uses it (`sync.slots`).
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def alone(path: Path, *, make: bool = True) -> int | None:
    """A lock on this file, held until the descriptor is closed or the process ends; None while
    another has it. `make` it where there is none. Raises `OSError`."""
    held = os.open(path, os.O_RDWR | os.O_CREAT * make | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held
