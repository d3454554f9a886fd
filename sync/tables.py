"""The tables of the outbox, what settles them at an opening, and what is rescued of a damaged file.

Whoever reads or writes them is `sync.outbox`. Standard library only.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

from sync.database import Tables
from sync.expected import BLOCK
from sync.header import EnvelopeHeader
from sync.receipt_number import LAST_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

#: The sealed bytes have a table of their own: SQLite writes a row whole when its state changes, so
#: each would be written anew with each lease and answer. No index for a person or for what nobody
#: was told of: it would be one more page with every put.
#: `size`: bytes of what is sealed, also once they are gone.
#: `told`: 1 when the citizen has its number, one more for each copy of its receipt.
_SCHEMA = """
CREATE TABLE item (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'sending', 'held', 'acknowledged', 'dead')),
    urgent      INTEGER NOT NULL,
    person      BLOB NOT NULL,
    told        INTEGER NOT NULL DEFAULT 0,
    created_at  REAL NOT NULL,
    due_at      REAL NOT NULL DEFAULT 0,
    leased_at   REAL,
    lease_ends  REAL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    put_off     INTEGER NOT NULL DEFAULT 0,
    put_off_since REAL,
    verdict     TEXT,
    rejection   TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    said_at     TEXT NOT NULL DEFAULT '',
    finished_at REAL,
    epoch       INTEGER,
    position    INTEGER,
    held_since  REAL,
    size        INTEGER NOT NULL,
    header      TEXT NOT NULL
);
CREATE TABLE contents (seq INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE INDEX item_waiting ON item (state, urgent DESC, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX item_held ON item (seq) WHERE state = 'held';
CREATE INDEX item_dead ON item (seq) WHERE state = 'dead';
CREATE TABLE day (day TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
"""

#: Of the tables; a release that finds a higher one leaves the file alone. A terminal goes back to
#: the release before (sync/slots.py), so it is raised in two steps: a release that reads the new
#: form and writes the old one comes first.
VERSION = 1

#: Counters. The first has its ceiling in `sync.expected` and its witness in `sync.witness`; the
#: second is when the centre last answered, the third its highest epoch, the fourth its time, the
#: fifth how many held items went without its word, the sixth how often it knew a number that was
#: never given here.
SEQ, LAST_ANSWER, EPOCH, CENTRE_TIME, HELD_GONE, SET_BACK = (
    "last_seq",
    "last_answer",
    "epoch",
    "centre_time",
    "held_gone",
    "set_back",
)

#: Not INSERT OR REPLACE, which would write the pages of the index too.
_COUNTER_IS_AT = (
    "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

#: What is taken over from a damaged file, and in what order.
_RESCUED = (
    "seq, id, urgent, header, size, state, created_at, attempts, verdict, rejection, reason,"
    " finished_at, person, told, epoch, position, held_since, said_at"
)
#: States that a rescued item keeps.
_STAYS = ("held", "acknowledged", "dead")


def counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def set_counter(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute(_COUNTER_IS_AT, (name, value))


def count_as_given(db: sqlite3.Connection, name: str, number: int) -> None:
    """Nothing up to this number is given again. `name`: `SEQ` or a day, YYYY-MM-DD."""
    if name == SEQ:
        set_counter(db, SEQ, max(number, counter(db, SEQ)))
        return
    db.execute(
        "INSERT INTO day VALUES (?, ?)"
        " ON CONFLICT (day) DO UPDATE SET last = max(last, excluded.last)",
        (name, min(number, LAST_OF_DAY)),
    )


def _settle(
    db: sqlite3.Connection, ceilings: Mapping[str, int], witnessed: int, clean: bool
) -> bool:
    """After a stop that was not clean all numbers below the ceilings count as given. Returns
    whether the file ends before what was certainly given: it is an old copy."""
    lacking = counter(db, SEQ) < max(ceilings.get(SEQ, 0) - BLOCK, witnessed)
    if lacking or not clean:
        for name, ceiling in ceilings.items():
            count_as_given(db, name, ceiling)
        count_as_given(db, SEQ, witnessed)
    return lacking


def _rescue(damaged: sqlite3.Connection, db: sqlite3.Connection) -> tuple[int, bool]:
    """Take over what can still be read; what was on its way is queued again, and what has a state
    that there is not. Returns how many rows were new here, and whether every row that was there
    could be read."""
    rows, whole = 0, True
    for row in _readable(damaged):
        header = _header_of(row)
        if row is None or header is None:
            whole = False
            continue
        count_as_given(db, SEQ, header.seq)
        count_as_given(db, header.created[:10], int(header.receipt_no[12:16] or 0))
        sealed = _sealed_of(damaged, row)
        state = row[5] if row[5] in _STAYS else "queued"
        if sealed is None and state != "acknowledged":
            whole = False
            log.error("the contents of %s can be read no more: it is lost here", header.receipt_no)
            if state != "held":
                continue
            state = "acknowledged"  # the centre has it, and its verdict can be asked for
        try:
            rows += _taken_over(db, (*row[:5], state, *row[6:]), sealed)
        except sqlite3.IntegrityError:  # a value that no item has
            whole = False
    return rows, whole


def _sealed_of(damaged: sqlite3.Connection, row: tuple[Any, ...]) -> bytes | None:
    """The contents of an item, whole; None if they are gone or cannot be read."""
    query = "SELECT sealed FROM contents WHERE seq = ? AND length(sealed) = ?"
    try:
        found = damaged.execute(query, (row[0], row[4])).fetchone()
    except sqlite3.DatabaseError:
        return None
    return found[0] if found and isinstance(found[0], bytes) else None


def _taken_over(db: sqlite3.Connection, row: tuple[Any, ...], sealed: bytes | None) -> int:
    """How many rows are new here: one, or none where the item is known."""
    marks = ", ".join("?" * len(row))
    # Not OR IGNORE, which passes over a value that no item has, too.
    insert = f"INSERT INTO item ({_RESCUED}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    new = db.execute(insert, row).rowcount
    if new and sealed is not None:
        db.execute("INSERT OR REPLACE INTO contents VALUES (?, ?)", (row[0], sealed))
    return new


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


TABLES = Tables(_SCHEMA, VERSION, _rescue, _settle)
