"""What is taken over from a damaged outbox, row by row, and whether it is said that something is
missing: without that word nobody would look for a citizen's application."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sync.outbox import Outbox
from sync.tables import SEQ, TABLES, counter
from tests.system.test_outbox import put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What befalls the second of three, whose contents are `b"second"`.
LOSES_THE_SECOND = {
    "contents gone": "DELETE FROM contents WHERE seq = 2",
    "contents cut off": "UPDATE contents SET sealed = x'73' WHERE seq = 2",
    "contents that are a text": "UPDATE contents SET sealed = 'second' WHERE seq = 2",
    "a header that is no JSON": "UPDATE item SET header = '{' WHERE seq = 2",
    "a header without its fields": "UPDATE item SET header = '{}' WHERE seq = 2",
    "another's header": "UPDATE item SET header = (SELECT header FROM item WHERE seq = 1)"
    " WHERE seq = 2",
    "another id": "UPDATE item SET id = 'other' WHERE seq = 2",
    # Its own table would refuse that.
    "no word of how urgent it is": "CREATE TABLE free AS SELECT * FROM item; DROP TABLE item;"
    "ALTER TABLE free RENAME TO item; UPDATE item SET urgent = NULL WHERE seq = 2",
}


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    box = Outbox(tmp_path / "outbox.db", "020001")
    for sealed in (b"first", b"second", b"third"):
        put(box, sealed)
    box.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        yield db


@pytest.fixture
def new() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES.schema)
        yield db


def states(db: sqlite3.Connection) -> list[tuple[int, str, bytes | None]]:
    query = "SELECT seq, state, sealed FROM item LEFT JOIN contents USING (seq) ORDER BY seq"
    return db.execute(query).fetchall()


def test_all_that_can_be_read_is_taken_over_and_nothing_is_missed(
    damaged: sqlite3.Connection, new: sqlite3.Connection
) -> None:
    damaged.execute("UPDATE item SET state = 'sending' WHERE seq = 1")
    damaged.execute("UPDATE item SET state = 'dead' WHERE seq = 2")
    damaged.execute("UPDATE item SET state = 'acknowledged' WHERE seq = 3")
    damaged.execute("DELETE FROM contents WHERE seq = 3")
    assert TABLES.rescue(damaged, new) == (3, True)
    assert states(new) == [
        (1, "queued", b"first"),
        (2, "dead", b"second"),
        (3, "acknowledged", None),
    ]


@pytest.mark.parametrize("spoilt", LOSES_THE_SECOND.values(), ids=LOSES_THE_SECOND.keys())
def test_a_row_that_cannot_be_read_costs_itself_and_is_missed(
    damaged: sqlite3.Connection, new: sqlite3.Connection, spoilt: str
) -> None:
    damaged.executescript(spoilt)
    assert TABLES.rescue(damaged, new) == (2, False)
    assert states(new) == [(1, "queued", b"first"), (3, "queued", b"third")]


def test_of_what_the_centre_has_the_verdict_is_kept_without_the_contents(
    damaged: sqlite3.Connection, new: sqlite3.Connection
) -> None:
    damaged.execute("UPDATE item SET state = 'held', verdict = 'accepted' WHERE seq = 2")
    damaged.execute("DELETE FROM contents WHERE seq = 2")
    assert TABLES.rescue(damaged, new) == (3, False)
    assert states(new)[1] == (2, "acknowledged", None)
    assert new.execute("SELECT verdict FROM item WHERE seq = 2").fetchone() == ("accepted",)


def test_what_is_lost_is_named_and_its_numbers_stay_given(
    damaged: sqlite3.Connection, new: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    damaged.execute("DELETE FROM contents WHERE seq = 3")
    (header,) = damaged.execute("SELECT header FROM item WHERE seq = 3").fetchone()
    TABLES.rescue(damaged, new)
    assert json.loads(header)["receipt_no"] in caplog.text
    assert counter(new, SEQ) == 3
    assert new.execute("SELECT last FROM day").fetchall() == [(3,)]


def test_what_has_a_state_that_there_is_not_is_queued_again(
    damaged: sqlite3.Connection, new: sqlite3.Connection
) -> None:
    damaged.execute("UPDATE item SET state = 'lost' WHERE seq = 2")
    assert TABLES.rescue(damaged, new) == (3, True)
    assert states(new)[1] == (2, "queued", b"second")


def test_what_is_known_already_is_not_new_and_stays_as_it_is(
    damaged: sqlite3.Connection, new: sqlite3.Connection
) -> None:
    TABLES.rescue(damaged, new)
    new.execute("UPDATE item SET state = 'dead' WHERE seq = 2")
    assert TABLES.rescue(damaged, new) == (0, True)
    assert states(new)[1] == (2, "dead", b"second")


def test_no_number_of_a_rescued_row_is_given_again(
    damaged: sqlite3.Connection, new: sqlite3.Connection
) -> None:
    ((day, last),) = damaged.execute("SELECT day, last FROM day").fetchall()
    TABLES.rescue(damaged, new)
    assert counter(new, SEQ) == 3
    assert new.execute("SELECT day, last FROM day").fetchall() == [(day, last)] == [(day, 3)]
