"""The outbox: a transaction the citizen was told is submitted is on disk, in order, until the
centre has it (DESIGN idea 4, domain §5.0).

    put ──> queued ──lease──> sending ──acknowledge──> acknowledged   sealed bytes deleted,
              ^                  │                                    verdict kept
              └─ lease expired ──┤
                 or "later"      └──────────────────> dead            kept for a technician

Promises, given a disk that honours a flush:

- `put` returns after the commit has been flushed (WAL, synchronous=FULL on every connection).
- The number and the place in the queue come from the same commit, so neither is given twice.
- Nothing stays in "sending": a lease has an end, also when the clock is set back.
- What is stored is sealed before it is written; this file never sees contents.
- A damaged file is set aside whole and reported, never emptied; numbers given before it was
  damaged do not come again.

Two processes share the file: the screen puts, the agent leases. Each `Outbox` may be used from
several threads. Standard library only: the screen process imports this before home is shown.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sync.header import BEIJING, EnvelopeHeader
from sync.identity import Identity
from sync.ids import uuid7
from sync.receipt_number import LAST_OF_DAY, receipt_number

#: How long the verdict of a finished item can be asked for.
TOMBSTONE_DAYS = 90

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE item (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    urgent      INTEGER NOT NULL,
    header      TEXT NOT NULL,
    sealed      BLOB,
    state       TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'sending', 'acknowledged', 'dead')),
    created_at  REAL NOT NULL,
    leased_at   REAL,
    lease_ends  REAL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    verdict     TEXT,
    rejection   TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    finished_at REAL
);
CREATE INDEX item_waiting ON item (state, urgent DESC, seq) WHERE state IN ('queued', 'sending');
CREATE TABLE day (day TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

#: Space between the numbers of one file and those of the file that takes the place of a damaged
#: one: no terminal serves a thousand citizens a day.
_SEQ_STEP, _DAY_STEP = 1_000_000_000, 1000

#: What SQLite says -> the reason in `OutboxUnavailable`.
_REASONS = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}


class OutboxUnavailable(Exception):
    """Nothing can be stored now, and nothing was. `reason`: "disk_full", "read_only", "busy",
    "damaged", "io", "numbers_used_up" or "newer_schema"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Stored:
    """A transaction that is on disk for good."""

    id: str
    receipt_no: str
    seq: int


@dataclass(frozen=True)
class Leased:
    """An item given to the courier for a while. `header` is exactly what it was sealed with."""

    id: str
    header: dict[str, str | int | bool]
    sealed: bytes


@dataclass(frozen=True)
class Answer:
    """What the centre said about an item. `verdict`: "accepted", "duplicate", "rejected" or
    "later"; "rejected" without a `rejection` makes it a dead letter."""

    id: str
    verdict: str
    rejection: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Counts:
    """The queue in numbers. Ages in whole seconds, 0 if there is none."""

    queued: int
    sending: int
    dead: int
    oldest_s: int
    #: Files that were found damaged and set aside, still on the disk.
    damaged_files: int


class Outbox:
    """The outbox of one terminal, in the database file `path`."""

    def __init__(self, path: Path, identity: Identity) -> None:
        """Opens and checks the file, or makes a new one. Raises `OutboxUnavailable`."""
        self._path = path
        self._identity = identity
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._version_seen = -1
        with _as_unavailable():
            self._lock_file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with self._mutex, _as_unavailable():
            self._open()

    def close(self) -> None:
        with self._mutex:
            self._disconnect()
            os.close(self._lock_file)

    # -- the screen's side -----------------------------------------------------------------------

    def put(
        self,
        kind: str,
        seal: Callable[[EnvelopeHeader], bytes],
        *,
        urgent: bool = False,
    ) -> Stored:
        """Store one transaction; it is on disk when this returns.

        `seal` is called once with the finished header and returns the sealed contents; what it
        raises passes through and nothing is stored. Raises `OutboxUnavailable`.
        """
        now, identity = datetime.now(BEIJING), self._identity
        with self._transaction() as db:
            seq, number = self._next_numbers(db, now)
            header = EnvelopeHeader(
                id=str(uuid7()),
                terminal=identity.terminal,
                seq=seq,
                receipt_no=receipt_number(identity.terminal, now.date(), number),
                kind=kind,
                created=now.isoformat(timespec="milliseconds"),
                urgent=urgent,
                key_id=identity.central_key_id,
                algorithm=identity.algorithm,
            )
            db.execute(
                "INSERT INTO item (seq, id, urgent, header, sealed, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (seq, header.id, urgent, header.canonical().decode(), seal(header), time.time()),
            )
        return Stored(header.id, header.receipt_no, seq)

    def verdict(self, item: str) -> Answer | None:
        """What the centre said about the item with this id; None while it has said nothing."""
        with self._transaction(write=False) as db:
            row = db.execute(
                "SELECT verdict, rejection, reason FROM item WHERE id = ?", (item,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return Answer(item, *row)

    def counts_and_ages(self) -> Counts:
        with self._transaction(write=False) as db:
            number = dict(db.execute("SELECT state, count(*) FROM item GROUP BY state").fetchall())
            (oldest,) = db.execute(
                "SELECT min(created_at) FROM item WHERE state IN ('queued', 'sending')"
            ).fetchone()
        return Counts(
            queued=number.get("queued", 0),
            sending=number.get("sending", 0),
            dead=number.get("dead", 0),
            oldest_s=0 if oldest is None else max(0, int(time.time() - oldest)),
            damaged_files=len(damaged_files(self._path)),
        )

    # -- the courier's side ----------------------------------------------------------------------

    def changed(self) -> bool:
        """Whether another process has written since this was last asked. Costs microseconds."""
        with self._transaction(write=False) as db:
            (version,) = db.execute("PRAGMA data_version").fetchone()
        changed, self._version_seen = version != self._version_seen, version
        return bool(changed)

    def lease(self, limit: int, seconds: float) -> list[Leased]:
        """Up to `limit` items in the order they are due, given to the caller for `seconds`.

        Urgent items come first, then by order of creation. A lease that is not answered in time
        ends by itself.
        """
        now = time.time()
        with self._transaction() as db:
            db.execute(
                "UPDATE item SET state = 'queued', lease_ends = NULL WHERE state = 'sending'"
                " AND (lease_ends <= ? OR leased_at > ?)",  # later than now: the clock went back
                (now, now),
            )
            rows = db.execute(
                "SELECT id, header, sealed FROM item WHERE state = 'queued'"
                " ORDER BY urgent DESC, seq LIMIT ?",
                (limit,),
            ).fetchall()
            db.executemany(
                "UPDATE item SET state = 'sending', leased_at = ?, lease_ends = ?,"
                " attempts = attempts + 1 WHERE id = ?",
                [(now, now + seconds, row[0]) for row in rows],
            )
        return [Leased(row[0], json.loads(row[1]), row[2]) for row in rows]

    def release(self, items: Iterable[str]) -> None:
        """Give leased items back unanswered, to be sent again."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE item SET state = 'queued', lease_ends = NULL"
                " WHERE id = ? AND state = 'sending'",
                [(item,) for item in items],
            )

    def acknowledge(self, answers: Iterable[Answer]) -> None:
        """Take in what the centre said. An item that is finished already keeps its verdict."""
        now = time.time()
        with self._transaction() as db:
            for answer in answers:
                if answer.verdict == "later":
                    change = "state = 'queued', lease_ends = NULL, reason = :reason"
                elif answer.verdict == "rejected" and not answer.rejection:
                    change = "state = 'dead', verdict = :verdict, reason = :reason"
                    change += ", finished_at = :now"
                else:
                    change = "state = 'acknowledged', sealed = NULL, verdict = :verdict"
                    change += ", rejection = :rejection, reason = :reason, finished_at = :now"
                db.execute(
                    f"UPDATE item SET {change} WHERE id = :id AND state IN ('queued', 'sending')",
                    {**vars(answer), "now": now},
                )
        with self._transaction(write=False) as db:
            db.execute("PRAGMA incremental_vacuum").fetchall()

    # -- the file --------------------------------------------------------------------------------

    def _next_numbers(self, db: sqlite3.Connection, now: datetime) -> tuple[int, int]:
        """The next place in the queue and the next number of the day, both taken."""
        generation = _counter(db, "generation")
        seq = max(_counter(db, "last_seq"), generation * _SEQ_STEP) + 1
        db.execute("INSERT OR REPLACE INTO counter VALUES ('last_seq', ?)", (seq,))
        day = now.date().isoformat()
        row = db.execute("SELECT last FROM day WHERE day = ?", (day,)).fetchone()
        number = (row[0] if row else generation % 10 * _DAY_STEP) + 1
        if number > LAST_OF_DAY:
            raise OutboxUnavailable("numbers_used_up")
        db.execute("INSERT OR REPLACE INTO day VALUES (?, ?)", (day, number))
        return seq, number

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction on a file that is known to be the right one.

        After an error of the file the connection is given up: a page cache that could not be
        flushed is not to be trusted. The next transaction opens and checks anew.
        """
        with self._mutex, _as_unavailable(), self._file_lock(fcntl.LOCK_SH):
            while self._connection is None or not self._same_file():
                self._disconnect()
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)
                self._open()
                fcntl.flock(self._lock_file, fcntl.LOCK_SH)
            db = self._connection
            assert db is not None  # _open either connects or raises
            try:
                if write:
                    db.execute("BEGIN IMMEDIATE")
                yield db
                if write:
                    db.execute("COMMIT")
            except BaseException as error:
                if isinstance(error, (sqlite3.Error, OSError)):
                    self._disconnect()
                elif db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _file_lock(self, kind: int) -> Iterator[None]:
        """Held shared by every transaction, alone while a damaged file is set aside."""
        fcntl.flock(self._lock_file, kind)
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _same_file(self) -> bool:
        """False when another process has set our file aside."""
        try:
            return os.stat(self._path).st_ino == self._inode
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
                _set_aside(self._path)
                self._connect()

    def _connect(self) -> None:
        db = sqlite3.connect(self._path, timeout=5.0, isolation_level=None, check_same_thread=False)
        self._connection = db
        os.chmod(self._path, 0o600)
        self._inode = os.stat(self._path).st_ino
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _Damaged("the file does not pass its check")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            raise OutboxUnavailable("newer_schema")
        if version == 0:
            self._create(db)
        cut = time.time() - TOMBSTONE_DAYS * 86_400
        db.execute("DELETE FROM item WHERE state = 'acknowledged' AND finished_at < ?", (cut,))

    def _create(self, db: sqlite3.Connection) -> None:
        generation = max((int(file.suffix[1:]) for file in damaged_files(self._path)), default=0)
        db.executescript(
            f"BEGIN IMMEDIATE;{_SCHEMA}"
            f"INSERT INTO counter VALUES ('generation', {generation});"
            f"PRAGMA user_version = {_SCHEMA_VERSION};COMMIT;"
        )

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._version_seen = -1


class _Damaged(sqlite3.DatabaseError):
    """Found by the check at opening; treated like SQLite's own finding."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def damaged_files(path: Path) -> list[Path]:
    """Outbox files that were set aside, oldest first: `outbox.db.damaged.1` …"""
    found = path.parent.glob(f"{path.name}.damaged.*")
    return sorted(
        (file for file in found if file.suffix[1:].isdigit()), key=lambda file: int(file.suffix[1:])
    )


def _set_aside(path: Path) -> None:
    """Rename the database with its write-ahead log; nothing of it is thrown away."""
    number = max((int(file.suffix[1:]) for file in damaged_files(path)), default=0) + 1
    for part in ("-wal", "-shm", ""):
        source = Path(f"{path}{part}")
        if source.exists():
            # The log is named as SQLite expects it beside its database, for a later rescue.
            os.rename(source, f"{path}.damaged.{number}{part}")


def _counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def _reason(error: sqlite3.Error) -> str:
    # The low byte is the primary code; the rest says more about it.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    return _REASONS.get(code, "io")


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutboxUnavailable(_reason(error)) from error
    except OSError as error:
        raise OutboxUnavailable("disk_full" if error.errno == 28 else "io") from error
