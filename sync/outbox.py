"""The outbox: a transaction the citizen was told is submitted is on disk, in order, until the
centre has it (DESIGN idea 4, domain §3.2, §3.3 and §5.0).

    put ──> queued ──lease──> sending ──acknowledge──> acknowledged   sealed bytes deleted,
              ^                  │                                    verdict kept
              ├─ lease expired ──┤
              │  or "later"      └──────────────────> dead            kept for a technician
              └───────────────── requeue ───────────────┘

Promises, given a disk that honours a flush:

- `put` returns after the commit has been flushed (WAL, synchronous=FULL on every connection).
- The number and the place in the queue come from the same commit, so neither is given twice.
- Nothing stays in "sending": a lease has an end, also when the clock is set back.
- What the centre puts off is sent for ever, and `waiting` says how often and why.
- What is stored is sealed before it is written; this file never sees contents.
- A damaged file is set aside whole and reported, never emptied; what can be read of it is queued
  again, and numbers given before it was damaged do not come again.
- Above its limits the outbox takes nothing more, and says why, rather than promise what it may
  never deliver.

Two processes share the file: the screen puts, the agent leases. Each `Outbox` may be used from
several threads. Standard library only: the screen process imports this before home is shown.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sync.database import Database, Reason, Tables
from sync.database import Unavailable as OutboxUnavailable
from sync.expected import BLOCK
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7
from sync.receipt_number import LAST_OF_DAY, receipt_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path


__all__ = [
    "Answer",
    "Counts",
    "Leased",
    "Limits",
    "Outbox",
    "OutboxUnavailable",
    "Past",
    "Reason",
    "Stored",
    "Unfinished",
]

#: Kinds that overtake all others (network class QI): a lost card is blocked before anything else.
URGENT_KINDS = frozenset({"loss_report"})

#: How long the verdict of a finished item can be asked for.
TOMBSTONE_DAYS = 90

#: Most pages (4 KiB) given back to the disk with one answer: some milliseconds.
_PAGES_AT_ONCE = 1024

_VERSION_1 = """
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
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
"""

#: Counts what the centre puts off, and finds it with dead letters by one index. A file that took
#: the place of a damaged one counted its numbers from its generation: they go on from there.
_VERSION_2 = """
ALTER TABLE item ADD COLUMN put_off INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN put_off_since REAL;
CREATE INDEX item_dead ON item (seq) WHERE state = 'dead';
INSERT INTO counter SELECT 'last_seq', value * 1000000000 FROM counter WHERE name = 'generation'
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);
INSERT OR IGNORE INTO day SELECT date('now', '+8 hours'), value % 10 * 1000 FROM counter
    WHERE name = 'generation' AND value > 0;
DELETE FROM counter WHERE name = 'generation'
"""

#: What makes each version of the tables out of the one before. Never changed after a release.
STEPS = (_VERSION_1, _VERSION_2)

#: The order in which items are due.
_DUE = "urgent DESC, put_off, seq"

#: What an answer does to an item; one that is finished already keeps its verdict.
_BACK_INTO_THE_QUEUE = """
UPDATE item SET state = 'queued', lease_ends = NULL, reason = :reason,
    put_off = put_off + 1, put_off_since = coalesce(put_off_since, :now)
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
_REQUEUED = """
UPDATE item SET state = 'queued', verdict = NULL, finished_at = NULL, lease_ends = NULL,
    put_off = 0, put_off_since = NULL
WHERE id = ? AND state = 'dead'
"""

#: One look into the index for each state and urgency, however long the queue is.
_OLDEST_WAITING = "SELECT min(seq) FROM ({})".format(
    " UNION ALL ".join(
        "SELECT min(seq) AS seq FROM item WHERE state IN ('queued', 'sending')"
        f" AND state = '{state}' AND urgent = {urgent}"
        for state in ("queued", "sending")
        for urgent in (0, 1)
    )
)

#: Not INSERT OR REPLACE, which would write the pages of the index too.
_COUNTER_IS_AT = (
    "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_DAY_IS_AT = "INSERT INTO day VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET last = excluded.last"

#: What is taken over from a damaged file.
_RESCUED = (
    "seq, id, urgent, header, sealed, state, created_at, attempts, verdict, rejection, reason,"
    " finished_at"
)


@dataclass(frozen=True)
class Limits:
    """Above any of these nothing more is taken. Dead letters do not count: they wait for a
    technician, who must not be needed for the next citizen."""

    #: Items that wait for the centre.
    items: int = 2000
    #: Days that the oldest item has waited without any answer of the centre.
    days: int = 30
    #: Room on the disk, bytes: enough for what comes while somebody is on the way.
    free_bytes: int = 200_000_000


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
class Unfinished:
    """An item the centre has not taken, as a technician sees it."""

    id: str
    receipt_no: str
    kind: str
    #: "queued", "sending" or "dead".
    state: str
    #: Seconds since 1970.
    created_at: float
    #: How often it was given to the courier.
    attempts: int
    #: How often the centre said "later", and when first.
    put_off: int
    put_off_since: float | None
    #: What the centre said last.
    reason: str


@dataclass(frozen=True)
class Past:
    """What became of an item. Times in seconds since 1970; `finished_at` is None while it waits."""

    id: str
    created_at: float
    finished_at: float | None
    #: As in `Answer`; "" while the centre has said nothing.
    verdict: str
    rejection: str


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

    def __init__(self, path: Path, terminal: str, limits: Limits | None = None) -> None:
        """Opens and checks the file, or makes a new one. Raises `OutboxUnavailable`."""
        self._terminal = terminal
        self._folder = path.parent
        self._limits = limits or Limits()
        self._file = Database(path, Tables(STEPS, _rescue, _settle))
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
    ) -> Stored:
        """Store one transaction; it is on disk when this returns. Its kind says how urgent it is.

        `seal` is called once with the finished header, which names `key_id` and `algorithm`, and
        returns the sealed contents; what it raises passes through and nothing is stored. Raises
        `OutboxUnavailable`.
        """
        with self._file.writing() as db:
            if (refused := self._refused(db)) is not None:
                raise OutboxUnavailable(refused)
            at = time.time()
            now = datetime.fromtimestamp(at, BEIJING)
            seq, number = self._next_numbers(db, now.date())
            header = EnvelopeHeader(
                id=str(uuid7(int(at * 1000))),
                terminal=self._terminal,
                seq=seq,
                receipt_no=receipt_number(self._terminal, now.date(), number),
                kind=kind,
                created=now.isoformat(timespec="milliseconds"),
                urgent=kind in URGENT_KINDS,
                key_id=key_id,
                algorithm=algorithm,
            )
            db.execute(
                "INSERT INTO item (seq, id, urgent, header, sealed, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (seq, header.id, header.urgent, header.canonical().decode(), seal(header), at),
            )
        return Stored(header.id, header.receipt_no, seq)

    def refusal(self) -> Reason | None:
        """Why the next transaction would not be taken; None if it would. To be asked before a
        citizen starts, so that nobody fills in a form for nothing. Never raises."""
        try:
            with self._file.reading() as db:
                return self._refused(db)
        except OutboxUnavailable as unavailable:
            return unavailable.reason

    def _refused(self, db: sqlite3.Connection) -> Reason | None:
        (oldest,) = db.execute(_OLDEST_WAITING).fetchone()
        if oldest is not None:
            # Counting takes time, and there are not more than there are numbers.
            most = _counter(db, _SEQ) - oldest + 1
            if most >= self._limits.items and _waiting(db) >= self._limits.items:
                return Reason.TOO_MANY_WAITING
            if _days_alone(db, oldest) > self._limits.days:
                return Reason.TOO_LONG_ALONE
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < self._limits.free_bytes:
            return Reason.DISK_LOW
        return None

    def _next_numbers(self, db: sqlite3.Connection, day: date) -> tuple[int, int]:
        """The next place in the queue and the next number of the day, both taken."""
        seq = _counter(db, _SEQ) + 1
        row = db.execute("SELECT last FROM day WHERE day = ?", (day.isoformat(),)).fetchone()
        number = (row[0] if row else 0) + 1
        if number > LAST_OF_DAY:
            raise OutboxUnavailable(Reason.NUMBERS_USED_UP)
        self._file.expected.reserve({_SEQ: seq, day.isoformat(): number})
        _set_counter(db, _SEQ, seq)
        db.execute(_DAY_IS_AT, (day.isoformat(), number))
        return seq, number

    def verdict(self, item: str) -> Answer | None:
        """What the centre said about the item with this id; None while it has said nothing."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT verdict, rejection, reason FROM item WHERE id = ?", (item,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return Answer(item, *row)

    def history(self) -> list[Past]:
        """Every item that is still known, in order of creation."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT id, created_at, finished_at, coalesce(verdict, ''), rejection FROM item"
                " ORDER BY seq"
            ).fetchall()
        return [Past(*row) for row in rows]

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

    def waiting(self) -> list[Unfinished]:
        """What is on its way to the centre, in the order it is due."""
        return self._listed(f"state IN ('queued', 'sending') ORDER BY {_DUE}")

    def dead_letters(self) -> list[Unfinished]:
        """What the centre cannot use, in order of creation, with its reason."""
        return self._listed("state = 'dead' ORDER BY seq")

    def requeue(self, item: str) -> bool:
        """Send a dead letter again, at its old place. False if it is none."""
        with self._file.writing() as db:
            return db.execute(_REQUEUED, (item,)).rowcount == 1

    def _listed(self, which: str) -> list[Unfinished]:
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT id, header, state, created_at, attempts, put_off, put_off_since, reason"
                f" FROM item WHERE {which}"
            ).fetchall()
        listed = []
        for item, text, *rest in rows:
            header = json.loads(text)
            listed.append(Unfinished(item, header["receipt_no"], header["kind"], *rest))
        return listed

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

        Urgent items come first, then what the centre put off least often, so that what it cannot
        deal with yet holds nothing up; then by order of creation. A lease that is not answered in
        time ends by itself.
        """
        now = time.time()
        with self._file.writing() as db:
            db.execute(
                "UPDATE item SET state = 'queued', lease_ends = NULL WHERE state = 'sending'"
                " AND (lease_ends <= ? OR leased_at > ?)",  # later than now: the clock went back
                (now, now),
            )
            # Found first and read then: sorting must not carry the sealed contents along.
            rows = db.execute(
                "SELECT id, header, sealed FROM item WHERE seq IN"
                f" (SELECT seq FROM item WHERE state = 'queued' ORDER BY {_DUE} LIMIT ?)"
                f" ORDER BY {_DUE}",
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
            _set_counter(db, _LAST_ANSWER, int(now))
        with self._file.reading() as db:
            # As a script: it frees a page a step, and `execute` takes one step of what has no rows.
            db.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


#: Counters, and the ceiling of the first in `sync.expected`.
_SEQ, _LAST_ANSWER = "last_seq", "last_answer"


def _counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def _set_counter(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute(_COUNTER_IS_AT, (name, value))


def _waiting(db: sqlite3.Connection) -> int:
    (count,) = db.execute(
        "SELECT count(*) FROM item WHERE state IN ('queued', 'sending')"
    ).fetchone()
    return int(count)


def _days_alone(db: sqlite3.Connection, oldest: int) -> float:
    """Days since the centre last answered, as far as there was something to answer. An answer
    that lies ahead was taken in under a wrong clock."""
    now = time.time()
    (since,) = db.execute("SELECT created_at FROM item WHERE seq = ?", (oldest,)).fetchone()
    answered = _counter(db, _LAST_ANSWER)
    return float(now - (max(since, answered) if answered <= now else since)) / 86_400


def _settle(db: sqlite3.Connection, ceilings: Mapping[str, int], clean: bool) -> bool:
    """After a stop that was not clean all numbers below the ceilings count as given. Returns
    whether the file ends before what was certainly given: it is an old copy."""
    lacking = _counter(db, _SEQ) < ceilings.get(_SEQ, 0) - BLOCK
    if lacking or not clean:
        for name, ceiling in ceilings.items():
            _count_as_given(db, name, ceiling)
    return lacking


def _count_as_given(db: sqlite3.Connection, name: str, number: int) -> None:
    if name == _SEQ:
        _set_counter(db, _SEQ, max(number, _counter(db, _SEQ)))
        return
    db.execute(
        "INSERT INTO day VALUES (?, ?)"
        " ON CONFLICT (day) DO UPDATE SET last = max(last, excluded.last)",
        (name, min(number, LAST_OF_DAY)),
    )


def _rescue(damaged: sqlite3.Connection, db: sqlite3.Connection) -> tuple[int, bool]:
    """Take over what can still be read; what was on its way is queued again. Returns how many rows
    were new here, and whether every row that was there could be read."""
    rows, whole = 0, True
    for row in _readable(damaged):
        header = _header_of(row)
        if row is None or header is None:
            whole = False
            continue
        state = "queued" if row[5] == "sending" else row[5]
        marks = ", ".join("?" * len(row))
        try:
            rows += db.execute(
                f"INSERT OR IGNORE INTO item ({_RESCUED}) VALUES ({marks})",
                (*row[:5], state, *row[6:]),
            ).rowcount
        except sqlite3.IntegrityError:  # a value that no item has
            whole = False
            continue
        _count_as_given(db, _SEQ, header.seq)
        _count_as_given(db, header.created[:10], int(header.receipt_no[12:16] or 0))
    return rows, whole


def _header_of(row: tuple[Any, ...] | None) -> EnvelopeHeader | None:
    """The header in a row that was read; None if it is not what was written."""
    if row is None:
        return None
    try:
        header = EnvelopeHeader.from_wire(json.loads(row[3]))
    except (ValueError, TypeError, AttributeError):
        return None
    return header if (header.seq, header.id) == row[:2] else None


def _readable(damaged: sqlite3.Connection) -> Iterator[tuple[Any, ...] | None]:
    """Whole rows from both ends of the table up to what is damaged, without its indexes. None
    stands for rows that cannot be read."""
    reached: set[int] = set()
    for order in ("ASC", "DESC"):
        query = f"SELECT {_RESCUED} FROM item NOT INDEXED ORDER BY seq {order}"
        try:
            for row in damaged.execute(query):
                if row[0] in reached:
                    return
                reached.add(row[0])
                yield row
        except sqlite3.DatabaseError:
            yield None  # and from the other end
        else:
            return
