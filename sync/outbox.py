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

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sync.database import Database
from sync.database import Unavailable as OutboxUnavailable
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7
from sync.receipt_number import LAST_OF_DAY, receipt_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from pathlib import Path


__all__ = ["Answer", "Counts", "Leased", "Outbox", "OutboxUnavailable", "Stored"]

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

#: What an answer does to an item; one that is finished already keeps its verdict.
_BACK_INTO_THE_QUEUE = """
UPDATE item SET state = 'queued', lease_ends = NULL, reason = :reason
WHERE id = :id AND state IN ('queued', 'sending')
"""
_DEAD = """
UPDATE item SET state = 'dead', verdict = :verdict, reason = :reason, finished_at = :now
WHERE id = :id AND state IN ('queued', 'sending')
"""
_ACKNOWLEDGED = """
UPDATE item SET state = 'acknowledged', sealed = NULL, verdict = :verdict,
    rejection = :rejection, reason = :reason, finished_at = :now
WHERE id = :id AND state IN ('queued', 'sending')
"""

#: Space between the numbers of one file and those of the file that takes the place of a damaged
#: one: no terminal serves a thousand citizens a day.
_SEQ_STEP, _DAY_STEP = 1_000_000_000, 1000


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
    """The outbox of one terminal. `path`: the database file; `terminal`: its six-digit number."""

    def __init__(self, path: Path, terminal: str) -> None:
        """Opens and checks the file, or makes a new one. Raises `OutboxUnavailable`."""
        self._terminal = terminal
        self._file = Database(path, _SCHEMA_VERSION, _create)
        cut = time.time() - TOMBSTONE_DAYS * 86_400
        with self._file.writing() as db:
            db.execute("DELETE FROM item WHERE state = 'acknowledged' AND finished_at < ?", (cut,))

    def close(self) -> None:
        self._file.close()

    # -- the screen's side -----------------------------------------------------------------------

    def put(
        self,
        kind: str,
        seal: Callable[[EnvelopeHeader], bytes],
        *,
        key_id: str,
        algorithm: str,
        urgent: bool = False,
    ) -> Stored:
        """Store one transaction; it is on disk when this returns.

        `seal` is called once with the finished header, which names `key_id` and `algorithm`, and
        returns the sealed contents; what it raises passes through and nothing is stored. Raises
        `OutboxUnavailable`.
        """
        now = datetime.now(BEIJING)
        with self._file.writing() as db:
            seq, number = _next_numbers(db, now.date())
            header = EnvelopeHeader(
                id=str(uuid7()),
                terminal=self._terminal,
                seq=seq,
                receipt_no=receipt_number(self._terminal, now.date(), number),
                kind=kind,
                created=now.isoformat(timespec="milliseconds"),
                urgent=urgent,
                key_id=key_id,
                algorithm=algorithm,
            )
            db.execute(
                "INSERT INTO item (seq, id, urgent, header, sealed, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (seq, header.id, urgent, header.canonical().decode(), seal(header), time.time()),
            )
        return Stored(header.id, header.receipt_no, seq)

    def verdict(self, item: str) -> Answer | None:
        """What the centre said about the item with this id; None while it has said nothing."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT verdict, rejection, reason FROM item WHERE id = ?", (item,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return Answer(item, *row)

    def counts_and_ages(self) -> Counts:
        with self._file.reading() as db:
            number = dict(db.execute("SELECT state, count(*) FROM item GROUP BY state").fetchall())
            (oldest,) = db.execute(
                "SELECT min(created_at) FROM item WHERE state IN ('queued', 'sending')"
            ).fetchone()
        return Counts(
            queued=number.get("queued", 0),
            sending=number.get("sending", 0),
            dead=number.get("dead", 0),
            oldest_s=0 if oldest is None else max(0, int(time.time() - oldest)),
            damaged_files=len(self._file.damaged_files()),
        )

    # -- the technician's side -------------------------------------------------------------------

    def unfinished(self) -> Iterator[Leased]:
        """Everything the centre has not taken, dead letters too, in order of creation."""
        last = -1
        while True:
            with self._file.reading() as db:
                row = db.execute(
                    "SELECT seq, id, header, sealed FROM item WHERE seq > ?"
                    " AND state IN ('queued', 'sending', 'dead') ORDER BY seq LIMIT 1",
                    (last,),
                ).fetchone()
            if row is None:
                return
            last = row[0]
            yield Leased(row[1], json.loads(row[2]), row[3])

    # -- the courier's side ----------------------------------------------------------------------

    def changed(self) -> bool:
        """Whether another process has written since this was last asked. Costs microseconds."""
        return self._file.changed()

    def lease(self, limit: int, seconds: float) -> list[Leased]:
        """Up to `limit` items in the order they are due, given to the caller for `seconds`.

        Urgent items come first, then by order of creation. A lease that is not answered in time
        ends by itself.
        """
        now = time.time()
        with self._file.writing() as db:
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
        with self._file.writing() as db:
            db.executemany(
                "UPDATE item SET state = 'queued', lease_ends = NULL"
                " WHERE id = ? AND state = 'sending'",
                [(item,) for item in items],
            )

    def acknowledge(self, answers: Iterable[Answer]) -> None:
        """Take in what the centre said."""
        now = time.time()
        with self._file.writing() as db:
            for answer in answers:
                if answer.verdict == "later":
                    change = _BACK_INTO_THE_QUEUE
                elif answer.verdict == "rejected" and not answer.rejection:
                    change = _DEAD
                else:
                    change = _ACKNOWLEDGED
                db.execute(change, {**vars(answer), "now": now})
        with self._file.reading() as db:
            # As a script: it frees a page a step, and `execute` takes one step of what has no rows.
            db.executescript("PRAGMA incremental_vacuum")


def _create(db: sqlite3.Connection, generation: int) -> None:
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO counter VALUES ('generation', ?)", (generation,))


def _next_numbers(db: sqlite3.Connection, day: date) -> tuple[int, int]:
    """The next place in the queue and the next number of the day, both taken."""
    generation = _counter(db, "generation")
    seq = max(_counter(db, "last_seq"), generation * _SEQ_STEP) + 1
    db.execute("INSERT OR REPLACE INTO counter VALUES ('last_seq', ?)", (seq,))
    row = db.execute("SELECT last FROM day WHERE day = ?", (day.isoformat(),)).fetchone()
    number = (row[0] if row else generation % 10 * _DAY_STEP) + 1
    if number > LAST_OF_DAY:
        raise OutboxUnavailable("numbers_used_up")
    db.execute("INSERT OR REPLACE INTO day VALUES (?, ?)", (day.isoformat(), number))
    return seq, number


def _counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0
