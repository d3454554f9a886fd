"""An SQLite file that two processes share and that is not trusted further than it was checked.

- Every commit is flushed before it counts: WAL with synchronous=FULL, on every connection.
- After an error of the file its connection is given up, because a page cache that could not be
  flushed may hold what the disk does not; the next transaction opens and checks anew.
- A damaged file is set aside whole, `x.db.damaged.1` …, and a new one takes its place. Other
  processes notice by the inode and follow.

Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How long to wait for the other process's transaction, seconds.
_BUSY_S = 5.0

#: SQLite's primary error code -> the reason in `Unavailable`; all others are "io".
_REASONS = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}


class Unavailable(Exception):
    """The file cannot be used now and the transaction did not happen. `reason`: "disk_full",
    "read_only", "busy", "damaged", "io" or "newer_schema"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Database:
    """One such file. Several threads may use it; their transactions go one after the other."""

    def __init__(
        self, path: Path, version: int, create: Callable[[sqlite3.Connection, int], None]
    ) -> None:
        """Opens and checks the file. Raises `Unavailable`.

        `create(db, generation)` makes the tables of a new file, inside a transaction;
        `generation` is the number of the last file that was set aside before it, or 0. `version`
        is that of the tables.
        """
        self._path = path
        self._version = version
        self._create = create
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._change_seen: int | None = None
        with _as_unavailable():
            self._lock_file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with self.reading():
            pass  # opens and checks it

    def close(self) -> None:
        with self._mutex:
            self._disconnect()
            os.close(self._lock_file)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection outside a transaction. Raises `Unavailable`."""
        with self._mutex, _as_unavailable(), self._file_lock(fcntl.LOCK_SH):
            while self._connection is None or not self._is_our_file():
                self._disconnect()
                self._open()
                # Opening took the lock alone and let go of it.
                fcntl.flock(self._lock_file, fcntl.LOCK_SH)
            try:
                yield self._connection
            except (sqlite3.Error, OSError):
                self._disconnect()
                raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: flushed to disk when the block ends, undone when it raises. Raises
        `Unavailable`."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def changed(self) -> bool:
        """Whether another process has written since this was last asked. Costs microseconds."""
        with self.reading() as db:
            (change,) = db.execute("PRAGMA data_version").fetchone()
        changed, self._change_seen = change != self._change_seen, change
        return bool(changed)

    def damaged_files(self) -> list[Path]:
        """What was set aside and is still there, oldest first."""
        found = self._path.parent.glob(f"{self._path.name}.damaged.*")
        return sorted((file for file in found if file.suffix[1:].isdigit()), key=_number)

    @contextmanager
    def _file_lock(self, kind: int) -> Iterator[None]:
        """Held shared by every transaction, alone while a file is opened or set aside."""
        fcntl.flock(self._lock_file, kind)
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _is_our_file(self) -> bool:
        """False when another process has set it aside."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        with self._file_lock(fcntl.LOCK_EX):
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                self._disconnect()
                if _reason(error) != "damaged":
                    raise
                self._set_aside()
                self._connect()

    def _connect(self) -> None:
        db = sqlite3.connect(
            self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._connection = db
        self._path.chmod(0o600)
        self._inode = self._path.stat().st_ino
        if db.execute("PRAGMA page_count").fetchone() == (0,):
            # Only in a new file: on another it would write before the check.
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _Damaged("the file does not pass its check")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > self._version:
            raise Unavailable("newer_schema")
        if version == 0:
            db.execute("BEGIN IMMEDIATE")
            self._create(db, max(map(_number, self.damaged_files()), default=0))
            db.execute(f"PRAGMA user_version = {self._version}")
            db.execute("COMMIT")

    def _set_aside(self) -> None:
        """Rename the file with its write-ahead log; nothing of it is thrown away."""
        number = max(map(_number, self.damaged_files()), default=0) + 1
        for part in ("-wal", "-shm", ""):
            source = Path(f"{self._path}{part}")
            if source.exists():
                # The log is named as SQLite expects it beside its database, for a later rescue.
                source.rename(f"{self._path}.damaged.{number}{part}")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._change_seen = None


class _Damaged(sqlite3.DatabaseError):
    """Found by the check at opening; treated like SQLite's own finding."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _number(damaged: Path) -> int:
    return int(damaged.suffix[1:])


def _reason(error: sqlite3.Error) -> str:
    # The low byte is the primary code; the rest says more about it.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    return _REASONS.get(code, "io")


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(_reason(error)) from error
    except OSError as error:
        raise Unavailable("disk_full" if error.errno == errno.ENOSPC else "io") from error
