"""The outbox within one process: order, leases, verdicts, damage, a full disk."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from sync.outbox import Answer, Outbox, OutboxUnavailable, Stored
from sync.receipt_number import is_valid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sync.header import EnvelopeHeader

KEY_ID, ALGORITHM = "0" * 16, "none"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", "020001")
    yield box
    box.close()


def put(box: Outbox, sealed: bytes = b"sealed", kind: str = "first_application") -> Stored:
    return box.put(kind, lambda _: sealed, key_id=KEY_ID, algorithm=ALGORITHM)


def due(box: Outbox) -> list[str]:
    return [item.id for item in box.lease(100, 60)]


def test_what_is_put_is_leased_with_the_header_it_was_sealed_with(box: Outbox) -> None:
    seen: list[EnvelopeHeader] = []

    def seal(header: EnvelopeHeader) -> bytes:
        seen.append(header)
        return b"sealed"

    stored = box.put("first_application", seal, key_id=KEY_ID, algorithm=ALGORITHM)
    (leased,) = box.lease(10, 60)
    assert (leased.id, leased.sealed, leased.header) == (stored.id, b"sealed", seen[0].as_wire())
    assert is_valid(stored.receipt_no)
    assert seen[0].receipt_no == stored.receipt_no


def test_numbers_follow_each_other(box: Outbox) -> None:
    first, second = put(box), put(box)
    assert second.seq == first.seq + 1
    assert int(second.receipt_no[12:16]) == int(first.receipt_no[12:16]) + 1


def test_order_is_that_of_creation_and_urgent_overtakes(box: Outbox) -> None:
    one, two = put(box), put(box)
    loss = put(box, kind="loss_report")
    assert due(box) == [loss.id, one.id, two.id]


def test_a_leased_item_is_not_leased_twice(box: Outbox) -> None:
    put(box)
    assert len(box.lease(10, 60)) == 1
    assert box.lease(10, 60) == []


def test_a_lease_that_is_not_answered_ends(box: Outbox) -> None:
    put(box)
    assert len(box.lease(10, 0.02)) == 1
    time.sleep(0.03)
    assert len(box.lease(10, 60)) == 1


def test_a_lease_ends_when_the_clock_is_set_back(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box)
    now = time.time()
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + 10 * 365 * 86_400)
    assert len(box.lease(10, 60)) == 1
    monkeypatch.setattr("sync.outbox.time.time", lambda: now)
    assert len(box.lease(10, 60)) == 1


def test_released_items_are_due_again_in_order(box: Outbox) -> None:
    one, two = put(box), put(box)
    box.release(due(box))
    assert due(box) == [one.id, two.id]


def test_acknowledged_contents_are_gone_and_the_verdict_stays(box: Outbox) -> None:
    stored = put(box)
    assert box.verdict(stored.id) is None
    box.acknowledge([Answer(stored.id, "duplicate", "duplicate_application", "open_application")])
    verdict = box.verdict(stored.id)
    assert verdict == Answer(stored.id, "duplicate", "duplicate_application", "open_application")
    assert due(box) == []
    assert box.counts_and_ages().queued == 0


def test_later_puts_an_item_back(box: Outbox) -> None:
    stored = put(box)
    due(box)
    box.acknowledge([Answer(stored.id, "later")])
    assert box.verdict(stored.id) is None
    assert due(box) == [stored.id]


def test_an_unusable_item_becomes_a_dead_letter_and_is_kept(box: Outbox, tmp_path: Path) -> None:
    stored = put(box, b"kept for a technician")
    box.acknowledge([Answer(stored.id, "rejected", "", "does_not_open")])
    counts = box.counts_and_ages()
    assert (counts.dead, counts.queued, due(box)) == (1, 0, [])
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        assert db.execute("SELECT sealed FROM item").fetchone() == (b"kept for a technician",)


def test_the_first_verdict_stands(box: Outbox) -> None:
    stored = put(box)
    box.acknowledge([Answer(stored.id, "accepted")])
    box.acknowledge([Answer(stored.id, "rejected", "mismatch", "name"), Answer("unknown", "later")])
    assert box.verdict(stored.id) == Answer(stored.id, "accepted")


def test_counts_and_ages(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(box)
    put(box)
    box.lease(1, 60)
    now = time.time()
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + 100)
    counts = box.counts_and_ages()
    assert (counts.queued, counts.sending, counts.dead, counts.damaged_files) == (1, 1, 0, 0)
    assert 99 <= counts.oldest_s <= 101


def test_a_seal_that_fails_stores_nothing_and_uses_up_no_number(box: Outbox) -> None:
    def broken(_: EnvelopeHeader) -> bytes:
        raise ZeroDivisionError

    before = put(box)
    with pytest.raises(ZeroDivisionError):
        box.put("first_application", broken, key_id=KEY_ID, algorithm=ALGORITHM)
    assert put(box).seq == before.seq + 1
    assert box.counts_and_ages().queued == 2


def test_a_change_by_another_process_is_noticed(box: Outbox, tmp_path: Path) -> None:
    other = Outbox(tmp_path / "outbox.db", "020001")
    box.changed()
    assert not box.changed()
    put(other)
    assert box.changed()
    assert not box.changed()
    other.close()


def test_the_file_is_the_owners_only_and_every_commit_is_flushed(
    box: Outbox, tmp_path: Path
) -> None:
    assert (tmp_path / "outbox.db").stat().st_mode & 0o077 == 0
    with box._file.reading() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_space_is_given_back_after_acknowledgement(box: Outbox, tmp_path: Path) -> None:
    ids = [put(box, bytes(50_000)).id for _ in range(40)]
    box.acknowledge(Answer(item, "accepted") for item in ids)
    with box._file.reading() as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (tmp_path / "outbox.db").stat().st_size < 200_000


# -- damage --------------------------------------------------------------------------------------


def reopened(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db", "020001")


@pytest.mark.parametrize("damage", ["garbage", "hole"])
def test_a_damaged_file_is_set_aside_whole_and_reported(tmp_path: Path, damage: str) -> None:
    box = reopened(tmp_path)
    before = [put(box, bytes([n]) * 9000) for n in range(20)]
    box.close()
    path = tmp_path / "outbox.db"
    data = path.read_bytes()
    data = (
        b"garbage!" * 4000 if damage == "garbage" else data[:4096] + bytes(4096 * 8) + data[36864:]
    )
    path.write_bytes(data)

    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    assert (tmp_path / "outbox.db.damaged.1").read_bytes() == data
    after = put(box)
    assert after.seq > before[-1].seq
    assert after.receipt_no not in {stored.receipt_no for stored in before}
    box.close()


def test_another_process_follows_when_the_file_is_set_aside(tmp_path: Path) -> None:
    screen = reopened(tmp_path)
    before = put(screen)
    for part in ("-wal", "-shm", ""):
        (tmp_path / f"outbox.db{part}").rename(tmp_path / f"outbox.db.damaged.1{part}")
    agent = reopened(tmp_path)
    stored = put(screen)
    assert due(agent) == [before.id, stored.id], "and what was in it was rescued"
    screen.close()
    agent.close()


def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    reopened(tmp_path).close()
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutboxUnavailable, match="newer_schema"):
        reopened(tmp_path)
    assert not list(tmp_path.glob("*.damaged.*"))


def test_disk_full_at_put_says_so_and_recovers(box: Outbox) -> None:
    first = put(box)
    with box._file.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxUnavailable, match="disk_full"):
        put(box, bytes(100_000))
    # The connection was given up and the limit with it: there is room again.
    second = put(box, bytes(100_000))
    assert due(box) == [first.id, second.id]


def test_no_folder_to_write_in_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutboxUnavailable, match="io"):
        Outbox(tmp_path / "missing" / "outbox.db", "020001")


def test_numbers_of_a_day_can_be_used_up(box: Outbox) -> None:
    put(box)
    with box._file.writing() as db:
        db.execute("UPDATE day SET last = 9999")
    with pytest.raises(OutboxUnavailable, match="numbers_used_up"):
        put(box)
    assert box.counts_and_ages().queued == 1
