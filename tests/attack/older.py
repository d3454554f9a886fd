"""Outbox files as every release made them, from the SQL text of that release: never changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from sync.header import EnvelopeHeader
from sync.ids import uuid7
from sync.receipt_number import receipt_number
from tests.attack.harness import Told
from tests.attack.victim import TERMINAL, body

_RELEASE_0_1 = """
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
INSERT INTO counter VALUES ('generation', 0);
PRAGMA user_version = 1;
"""

#: Version of the tables -> what made them.
VERSIONS = {1: _RELEASE_0_1}

DAY, CREATED_AT = "2026-11-24", 1_795_500_000.0


def make(file: Path, version: int, items: int = 5, size: int = 5_000) -> Told:
    """A file of an older release with items in it; returns what was promised from it."""
    told = Told()
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(VERSIONS[version])
        for seq in range(1, items + 1):
            number = receipt_number(TERMINAL, date.fromisoformat(DAY), seq)
            header = EnvelopeHeader(
                id=str(uuid7()),
                terminal=TERMINAL,
                seq=seq,
                receipt_no=number,
                kind="first_application",
                created=f"{DAY}T09:30:00.000+08:00",
                urgent=False,
                key_id="0" * 16,
                algorithm="none",
            )
            text = header.canonical()
            db.execute(
                "INSERT INTO item (seq, id, urgent, header, sealed, created_at)"
                " VALUES (?, ?, 0, ?, ?, ?)",
                (seq, header.id, text.decode(), body(text, size), CREATED_AT),
            )
            told.put[header.id] = (seq, number)
        db.execute("INSERT INTO counter VALUES ('last_seq', ?)", (items,))
        db.execute("INSERT INTO day VALUES (?, ?)", (DAY, items))
    return told


def damage_the_indexes(file: Path) -> None:
    """Every row can be read, but the file does not pass its check."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page_size,) = db.execute("PRAGMA page_size").fetchone()
        roots = db.execute("SELECT rootpage FROM sqlite_schema WHERE type = 'index'").fetchall()
    overwrite = bytes(page_size)
    with file.open("r+b") as out:
        for (root,) in roots:
            out.seek((root - 1) * page_size)
            out.write(overwrite)
