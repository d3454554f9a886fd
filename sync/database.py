"""An SQLite file that two processes share and that is not trusted further than it was checked.

- Every commit is flushed before it counts: WAL with synchronous=FULL, on every connection.
- After an error of the file its connection is given up, because a page cache that could not be
  flushed may hold what the disk does not; the next transaction opens and checks anew. A commit
  that could not be flushed did not happen: what is left of it in the log is written over.
- Every opening checks the file; the first one after a stop that was not clean checks it wholly.
- A damaged file is set aside whole, `x.db.damaged.1` …, a new one takes its place, and the rows
  that can still be read are copied over. Other processes notice by the inode and follow.
- `x.db.expected` says that there were contents, so an empty or missing file is known for damage
  (`sync.expected`). The record of a file that was missing is an empty `x.db.damaged.1`.
- `x.db.witness` says how far its numbers came and where it belongs, so an old or moved copy is
  known (`sync.witness`).
- The tables of a newer release are left alone.

    x.db  x.db-wal  x.db-shm   SQLite's
    x.db.lock                  held shared by transactions, alone while a file is opened
    x.db.open                  held shared by whoever has the file open
    x.db.expected x.db.witness see above

Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sync.expected import Expected, flush_folder
from sync.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

#: How long to wait for the other process's transaction, seconds.
_BUSY_S = 5.0

#: The log is cut back to this after a checkpoint, bytes.
_LOG_BYTES = 4 * 1024 * 1024

#: Which damaged files were rescued, and how many of their rows.
_RESCUED = "CREATE TABLE IF NOT EXISTS rescued (file INTEGER PRIMARY KEY, rows INTEGER NOT NULL)"


class Reason(StrEnum):
    """Why nothing can be stored now."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    BUSY = "busy"
    DAMAGED = "damaged"
    IO = "io"
    #: Made by a newer release, which must read it again one day.
    NEWER_SCHEMA = "newer_schema"
    #: The folder is a copy; two would give the same receipt numbers (`sync.witness`).
    COPIED = "copied"
    #: All receipt numbers of this day were given.
    NUMBERS_USED_UP = "numbers_used_up"
    #: The three limits of `sync.outbox.Limits`.
    TOO_MANY_WAITING = "too_many_waiting"
    TOO_LONG_ALONE = "too_long_alone"
    DISK_LOW = "disk_low"


#: SQLite's primary error code -> the reason; all others are "io".
_REASONS = {
    sqlite3.SQLITE_FULL: Reason.DISK_FULL,
    sqlite3.SQLITE_READONLY: Reason.READ_ONLY,
    sqlite3.SQLITE_BUSY: Reason.BUSY,
    sqlite3.SQLITE_LOCKED: Reason.BUSY,
    sqlite3.SQLITE_CORRUPT: Reason.DAMAGED,
    sqlite3.SQLITE_NOTADB: Reason.DAMAGED,
}
_ERRNO_REASONS = {
    errno.ENOSPC: Reason.DISK_FULL,
    errno.EDQUOT: Reason.DISK_FULL,
    errno.EROFS: Reason.READ_ONLY,
}


class Unavailable(Exception):
    """The file cannot be used now and the transaction did not happen."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Tables:
    """What is in such a file."""

    #: SQL that makes the tables, and the version that they have.
    schema: str
    version: int
    #: (damaged, new) -> rows copied from what can be read of a damaged file, and whether all of
    #: them could be read; inside a transaction.
    rescue: Callable[[sqlite3.Connection, sqlite3.Connection], tuple[int, bool]]
    #: (db, ceilings, witnessed, clean) -> whether the file lacks what it once had; inside a
    #: transaction. Numbers up to the ceilings may have been given, the one that is witnessed
    #: certainly was; `clean`: the last stop was.
    settle: Callable[[sqlite3.Connection, Mapping[str, int], int, bool], bool]


class Database:
    """One such file. Several threads may use it; their transactions go one after the other."""

    def __init__(self, path: Path, tables: Tables, owner: str) -> None:
        """Opens and checks the file. `owner`: whose it is. Raises `Unavailable`."""
        self._path = path
        self._tables = tables
        self.expected = Expected(Path(f"{path}.expected"))
        self.witness = Witness(Path(f"{path}.witness"), owner)
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._change_seen: int | None = None
        #: A commit failed, so that nobody knows what of it is in the log.
        self._in_doubt = False
        with _as_unavailable():
            self._lock_file = _lockable(Path(f"{path}.lock"))
            self._open_file = _lockable(Path(f"{path}.open"))
        with self.reading():
            pass  # opens and checks it

    def close(self) -> None:
        with self._mutex:
            self._disconnect()
            self.witness.close()
            os.close(self._open_file)
            os.close(self._lock_file)

    @contextmanager
    def reading(self, *, flushed: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection outside a transaction. `flushed`: as in `writing`, if the file is tidied up.
        Raises `Unavailable`."""
        with self._mutex, _as_unavailable(), self._file_lock(fcntl.LOCK_SH):
            while self._connection is None or not self._is_our_file():
                self._disconnect()
                self._open()
                # Opening took the lock alone and let go of it.
                fcntl.flock(self._lock_file, fcntl.LOCK_SH)
            try:
                with _flushing(self._connection, flushed):
                    yield self._connection
            except (sqlite3.Error, OSError):
                self._disconnect()
                raise

    @contextmanager
    def writing(self, *, flushed: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: flushed to disk when the block ends, undone when it raises. Raises
        `Unavailable`.

        Not `flushed`: whole or not at all after a power cut, and on the disk with the next one that
        is. For what nobody is promised.
        """
        with self._mutex:
            try:
                with self.reading(flushed=flushed) as db, _transaction(db):
                    yield db
                    self._in_doubt = True
                self._in_doubt = False
            except Unavailable:
                with suppress(Unavailable):
                    self._clear_doubt()
                raise

    def _clear_doubt(self) -> None:
        """Open anew after a commit that failed; see `_write_over`."""
        if self._in_doubt:
            with self.reading():
                pass

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

    # -- opening ---------------------------------------------------------------------------------

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
                self._open_checked()
            except BaseException:
                self._disconnect()
                raise

    def _open_checked(self) -> None:
        first = self._is_first()
        clean = not (first and _bytes_in(self._part("-wal"))) and not self._in_doubt
        # Before the database is read: what is witnessed later may be in it later.
        new = not self.expected.exists() and not _bytes_in(self._path)
        witnessed = self.witness.open(new=new)
        try:
            db = self._connect(clean)
        except sqlite3.DatabaseError as error:
            self._disconnect()
            if _reason(error) is not Reason.DAMAGED:
                raise
            log.error("%s is damaged and set aside: %s", self._path.name, error)
            self._set_aside()
            db = self._connect(clean=False, new=True)
            self._settle(db, witnessed, clean=False)
        else:
            # A witness that cannot speak is like a stop that was not clean.
            if self._settle(db, witnessed, clean=clean and (new or witnessed is not None)):
                log.error("%s is older than what was promised from it", self._path.name)
                self._damaged(self._last_damaged() + 1).touch()
        if self.witness.copied:
            log.error("%s is a copy and gives no numbers", self._path.name)
        self._rescue(db)

    def _is_first(self) -> bool:
        """Whether nobody else has the file open; from now on it is open here."""
        try:
            fcntl.flock(self._open_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            first = False
        else:
            first = True
        fcntl.flock(self._open_file, fcntl.LOCK_SH)
        return first

    def _connect(self, clean: bool, *, new: bool = False) -> sqlite3.Connection:
        """`new`: in place of one that was set aside. The file is never opened but by SQLite:
        closing it would drop the locks that another connection of this process has on it."""
        had_contents = self.expected.exists() and not new
        if had_contents and not _bytes_in(self._path):
            raise _Damaged("there were contents and there are none")
        db = sqlite3.connect(
            self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._connection = db
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > self._tables.version:
            raise Unavailable(Reason.NEWER_SCHEMA)
        self._path.chmod(0o600)
        self._inode = self._path.stat().st_ino
        if db.execute("PRAGMA page_count").fetchone() == (0,):
            # Only in a new file: on another it would write before the check.
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        check = "quick_check" if clean else "integrity_check"
        if db.execute(f"PRAGMA {check}(1)").fetchone() != ("ok",):
            raise _Damaged("the file does not pass its check")
        if version == 0 and had_contents:
            raise _Damaged("there were tables and there are none")
        if version < self._tables.version:
            self._make_tables(db)
        if not self.expected.exists():
            flush_folder(self._path.parent)
            self.expected.write({})
        self._write_over(db)
        return db

    def _make_tables(self, db: sqlite3.Connection) -> None:
        with _transaction(db):
            for statement in self._tables.schema.split(";"):
                db.execute(statement)
            db.execute(_RESCUED)
            db.execute(f"PRAGMA user_version = {self._tables.version}")

    def _write_over(self, db: sqlite3.Connection) -> None:
        """After a commit that failed its frames may still be whole in the log. With another process
        the log stays, and a recovery would find them: a small commit takes their place."""
        if self._in_doubt:
            with _transaction(db):
                db.execute(f"PRAGMA user_version = {self._tables.version}")
            self._in_doubt = False

    def _settle(self, db: sqlite3.Connection, witnessed: int | None, *, clean: bool) -> bool:
        with _transaction(db):
            return self._tables.settle(db, self.expected.ceilings(), witnessed or 0, clean)

    # -- damage ----------------------------------------------------------------------------------

    def _set_aside(self) -> None:
        """Rename the file with its log; nothing of it is thrown away.

        Also ends a setting aside that was broken off: then only the log is still in its place.
        """
        last = self._last_damaged()
        broken_off = last and not self._path.exists() and not self._damaged(last, "-wal").exists()
        number = last if broken_off and self._part("-wal").exists() else last + 1
        if self._path.exists():
            self._path.rename(self._damaged(number))
        else:
            self._damaged(number).touch()
        for part in ("-wal", "-shm"):
            # The log is named as SQLite expects it beside its database, for the rescue.
            if self._part(part).exists():
                self._part(part).rename(self._damaged(number, part))
        flush_folder(self._path.parent)

    def _rescue(self, db: sqlite3.Connection) -> None:
        """Take over what can be read of damaged files, the newest first: it knows best what was
        finished. One whose rows are all in a file that could be read wholly is not read again,
        else what that file has finished and forgotten would come back."""
        for damaged in reversed(self.damaged_files()):
            number = _number(damaged)
            if db.execute("SELECT 1 FROM rescued WHERE file = ?", (number,)).fetchone():
                continue
            copy = self._part(".rescue")
            try:
                self._copy_for_rescue(damaged, copy)
                with closing(sqlite3.connect(copy)) as source, _transaction(db):
                    rows = self._take_over(number, source, db)
                log.error("%d rows of %s were rescued", rows, damaged.name)
            except OSError as error:
                # No room, say: tried again at the next opening.
                log.error("%s is not rescued: %s", damaged.name, error.strerror)
            finally:
                for part in ("", "-wal", "-shm"):
                    Path(f"{copy}{part}").unlink(missing_ok=True)

    def _take_over(self, number: int, source: sqlite3.Connection, db: sqlite3.Connection) -> int:
        """Returns how many rows of a damaged file were new here."""
        rows, whole = self._tables.rescue(source, db)
        if not whole:
            log.error("not every row of damaged file %d could be read", number)
        db.execute("INSERT INTO rescued VALUES (?, ?)", (number, rows))
        if whole:
            with suppress(sqlite3.DatabaseError):  # then the older ones are read as well
                older = source.execute("SELECT file, rows FROM rescued").fetchall()
                db.executemany("INSERT OR IGNORE INTO rescued VALUES (?, ?)", older)
        return rows

    def _copy_for_rescue(self, damaged: Path, copy: Path) -> None:
        for part in ("", "-wal"):
            source, target = Path(f"{damaged}{part}"), Path(f"{copy}{part}")
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
                target.chmod(0o600)

    def _last_damaged(self) -> int:
        return max(map(_number, self.damaged_files()), default=0)

    def _damaged(self, number: int, part: str = "") -> Path:
        return Path(f"{self._path}.damaged.{number}{part}")

    def _part(self, part: str) -> Path:
        return Path(f"{self._path}{part}")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._change_seen = None
            fcntl.flock(self._open_file, fcntl.LOCK_UN)


class _Damaged(sqlite3.DatabaseError):
    """Found by the check at opening; treated like SQLite's own finding."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _number(damaged: Path) -> int:
    return int(damaged.suffix[1:])


def _bytes_in(file: Path) -> int:
    """Its size; 0 if there is none."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _lockable(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def _flushing(db: sqlite3.Connection, flushed: bool) -> Iterator[None]:
    """With NORMAL a commit to the log is not flushed by itself (sqlite.org/pragma.html)."""
    if flushed:
        yield
        return
    db.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        db.execute("PRAGMA synchronous = FULL")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _reason(error: sqlite3.Error) -> Reason:
    # The low byte is the primary code; the rest says more about it.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    return _REASONS.get(code, Reason.IO)


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(_reason(error)) from error
    except OSError as error:
        raise Unavailable(_ERRNO_REASONS.get(error.errno or 0, Reason.IO)) from error
