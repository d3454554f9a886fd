"""The outbox and the queues it is compared with, behind one face.

`python -m tests.bench.queues NAME FOLDER RECORD` fills one for ever, with a line for each item
that is stored; every change of a file goes into RECORD (`tests/attack/shim.c`).
"""

from __future__ import annotations

import ctypes
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sync.outbox import Limits, Outbox
from tests.attack.victim import MODES

DAY = date(2026, 11, 24)
ITEM = os.urandom(30 * 1024)


class Queue(ABC):
    @abstractmethod
    def put(self) -> object:
        """Store one item of 30 KB, as durably as this queue does."""

    @abstractmethod
    def count(self) -> int: ...

    @abstractmethod
    def close(self) -> None: ...


class Ours(Queue):
    def __init__(self, folder: Path) -> None:
        limits = Limits(items=1_000_000, free_bytes=0)
        self._box = Outbox(folder / "outbox.db", "130299", limits)

    def put(self) -> object:
        return self._box.put("first_application", lambda _: ITEM, key_id="0" * 16, algorithm="none")

    def count(self) -> int:
        return self._box.counts_and_ages().queued

    def close(self) -> None:
        self._box.close()


class PersistQueue(Queue):
    def __init__(self, folder: Path) -> None:
        from persistqueue import SQLiteAckQueue

        self._queue = SQLiteAckQueue(str(folder), auto_commit=True)

    def put(self) -> object:
        return self._queue.put(ITEM)

    def count(self) -> int:
        return int(self._queue.size)

    def close(self) -> None:
        self._queue.close()


class Lite(Queue):
    def __init__(self, folder: Path) -> None:
        from litequeue import LiteQueue

        self._queue = LiteQueue(str(folder / "lite.db"))

    def put(self) -> object:
        return self._queue.put(ITEM)

    def count(self) -> int:
        return int(self._queue.qsize())

    def close(self) -> None:
        self._queue.conn.close()


class Huey(Queue):
    def __init__(self, folder: Path) -> None:
        from huey.storage import SqliteStorage

        self._storage = SqliteStorage(filename=str(folder / "huey.db"))

    def put(self) -> object:
        return self._storage.enqueue(ITEM)

    def count(self) -> int:
        return int(self._storage.queue_size())

    def close(self) -> None:
        self._storage.close()


Made = Callable[[Path], Queue]
QUEUES: dict[str, Made] = {
    "outbox": Ours,
    "persist-queue SQLiteAckQueue": PersistQueue,
    "litequeue": Lite,
    "huey SqliteStorage": Huey,
}


def main(name: str, folder: str, record: str) -> None:
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    to = os.open(record, os.O_WRONLY | os.O_CREAT)
    shim.attack_arm(folder.encode(), MODES["count"], ctypes.c_long(0), ctypes.c_long(0), 0, to)
    queue = QUEUES[name](Path(folder))
    while True:
        queue.put()
        # Into the record too: what was promised before each call that followed.
        shim.attack_record(
            ctypes.c_char(b"n"), b"stored", ctypes.c_int64(0), b"", ctypes.c_int64(0)
        )
        os.write(1, b"stored\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
