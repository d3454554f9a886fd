"""The lock on a journal's folder, which the kernel gives back however its holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Longest wait for another program's entry, seconds.
PATIENCE_S = 5.0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone with the folder, which must be there. Raises `OSError`, also when it takes too long."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        lend_to_owner(descriptor, folder)
        until = time.monotonic() + PATIENCE_S
        while not _taken(descriptor):
            if time.monotonic() > until:
                raise BlockingIOError("another program does not let go of the journal")
            time.sleep(0.001)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lend_to_owner(what: int | Path, owned_like: Path) -> None:
    """What a technician makes as root must stay writable for the programs."""
    if os.geteuid() != 0:
        return
    owner, owned = owned_like.stat(), os.stat(what)
    if (owned.st_uid, owned.st_gid) != (owner.st_uid, owner.st_gid):
        os.chown(what, owner.st_uid, owner.st_gid)
