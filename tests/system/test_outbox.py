"""The outbox within one process: order, leases, verdicts, damage, a full disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from sync.header import BEIJING
from sync.outbox import (
    Answer,
    Limits,
    Outbox,
    OutboxUnavailable,
    Reason,
    Standing,
    Stored,
)
from sync.receipt_number import check_digit
from tests.attack.harness import damage_the_indexes

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
    urgent = kind == "loss_report"
    return box.put(kind, lambda _: sealed, key_id=KEY_ID, algorithm=ALGORITHM, urgent=urgent)


def due(box: Outbox) -> list[str]:
    """Everything, batch by batch."""
    found: list[str] = []
    while leased := box.lease(100, 60):
        found += [item.id for item in leased]
    return found


def at(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    monkeypatch.setattr("sync.outbox.time.time", lambda: now)


SAFE = Standing(0, 0, 0.0)


def test_what_is_put_is_leased_with_the_header_it_was_sealed_with(box: Outbox) -> None:
    seen: list[EnvelopeHeader] = []

    def seal(header: EnvelopeHeader) -> bytes:
        seen.append(header)
        return b"sealed"

    stored = box.put("first_application", seal, key_id=KEY_ID, algorithm=ALGORITHM)
    (leased,) = box.lease(10, 60)
    assert (leased.id, leased.sealed, leased.header) == (stored.id, b"sealed", seen[0].as_wire())
    assert stored.receipt_no[-1] == check_digit(stored.receipt_no[:-1])
    assert seen[0].receipt_no == stored.receipt_no


def test_what_is_not_finished_is_given_out_whole_for_an_export(box: Outbox) -> None:
    first, second = put(box, b"one"), put(box, b"two")
    box.acknowledge([Answer(first.id, "unusable")])
    assert [(one.id, one.header["id"], one.sealed) for one in box.unfinished()] == [
        (first.id, first.id, b"one"),
        (second.id, second.id, b"two"),
    ]


def test_numbers_follow_each_other(box: Outbox) -> None:
    first, second = put(box), put(box)
    assert second.seq == first.seq + 1
    assert int(second.receipt_no[12:16]) == int(first.receipt_no[12:16]) + 1


def test_an_id_begins_with_the_moment_it_was_given(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UUIDv7: ids sort as they were given."""
    at(monkeypatch, 1_800_000_000.25)
    assert UUID(put(box).id).int >> 80 == 1_800_000_000_250


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
    at = "2026-11-24T09:30:00+08:00"
    said = Answer(stored.id, "duplicate", "duplicate_application", "open_application", at=at)
    box.acknowledge([said], SAFE)
    assert box.verdict(stored.id) == said
    assert due(box) == []
    counts = box.counts_and_ages()
    assert (counts.queued, counts.held) == (0, 0)
    with box._file.reading() as db:
        assert db.execute("SELECT * FROM contents").fetchall() == []


def test_later_puts_an_item_back_until_its_own_time(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = put(box)
    now = time.time()
    at(monkeypatch, now)
    due(box)
    box.acknowledge([Answer(stored.id, "later")])
    assert box.verdict(stored.id) is None
    assert due(box) == []
    wait = box.due_in()
    assert wait is not None and 2.5 <= wait <= 5.0
    at(monkeypatch, now + wait - 0.1)
    assert due(box) == []
    at(monkeypatch, now + wait)
    assert (box.due_in(), due(box)) == (0.0, [stored.id])
    assert box.due_in() is None


@pytest.mark.parametrize(("kind", "cap"), [("first_application", 1800.0), ("loss_report", 300.0)])
def test_an_item_is_put_off_longer_each_time_up_to_its_cap(
    box: Outbox, monkeypatch: pytest.MonkeyPatch, kind: str, cap: float
) -> None:
    monkeypatch.setattr("sync.outbox.random.uniform", lambda low, high: (low, high)[1])
    stored = put(box, kind=kind)
    now, waits = time.time(), []
    for _ in range(12):
        at(monkeypatch, now)
        assert due(box) == [stored.id]
        box.acknowledge([Answer(stored.id, "later")])
        wait = box.due_in()
        assert wait is not None
        waits.append(round(wait, 3))
        now += wait + 0.001
    assert waits == [min(cap, 5.0 * 2**turn) for turn in range(12)]


def test_an_item_that_is_put_off_slows_no_other(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a kind that the centre does not know yet, say, and more of them than go into one batch."""
    now = time.time()
    at(monkeypatch, now)
    not_yet = [put(box).id for _ in range(3)]
    box.acknowledge([Answer(item, "later", reason="unknown_kind") for item in due(box)])
    fresh = put(box).id
    assert due(box) == [fresh]
    box.release([fresh])
    at(monkeypatch, now + 6)
    assert [item.id for item in box.lease(9, 60)] == [fresh], "in a batch of its own"
    assert [item.id for item in box.lease(9, 60)] == not_yet


def test_a_clock_that_was_set_back_keeps_nothing_waiting(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    at(monkeypatch, now + 10 * 365 * 86_400)
    stored = put(box)
    due(box)
    box.acknowledge([Answer(stored.id, "later")])
    at(monkeypatch, now)
    assert box.due_in() == 0.0
    assert due(box) == [stored.id]


def test_urgent_items_go_alone(box: Outbox) -> None:
    usual, loss, another = put(box), put(box, kind="loss_report"), put(box, kind="loss_report")
    assert box.urgent_is_new()
    assert [item.id for item in box.lease(20, 60)] == [loss.id, another.id]
    assert not box.urgent_is_new()
    box.release([loss.id, another.id])
    assert not box.urgent_is_new(), "it was sent once"
    assert due(box) == [loss.id, another.id, usual.id]


def test_a_lease_is_bounded_in_bytes_and_never_empty(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.outbox.LEASE_BYTES", 1000)
    sizes = (400, 600, 1, 2000, 100)
    ids = [put(box, bytes(size)).id for size in sizes]
    batches = [[item.id for item in box.lease(20, 60, 1000)] for _ in range(4)]
    assert batches == [ids[:2], ids[2:3], ids[3:4], ids[4:]]
    box.acknowledge([Answer(item, "later") for item in ids])
    now = time.time()
    at(monkeypatch, now + 10)
    assert [len(box.lease(20, 60)) for _ in sizes] == [1, 1, 1, 1, 1], "a quarter of it"


def test_whoever_leases_says_how_many_bytes_there_may_be(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.outbox.LEASE_BYTES", 400)
    ids = [put(box, bytes(100)).id for _ in range(5)]
    assert [item.id for item in box.lease(20, 60, 500)] == ids
    box.acknowledge([Answer(item, "later") for item in ids])
    at(monkeypatch, time.time() + 10)
    assert len(box.lease(20, 60, 500)) == 1, "of what was put off no more than ever"


def test_no_lease_and_no_answer_writes_the_contents_again(box: Outbox, tmp_path: Path) -> None:
    """A batch is a megabyte: written with each step it was the most of what a delivery cost."""
    ids = [put(box, bytes(200_000)).id for _ in range(3)]
    log = tmp_path / "outbox.db-wal"
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert log.stat().st_size == 0
    assert due(box) == ids
    box.acknowledge([Answer(ids[0], "later"), Answer(ids[1], "accepted"), Answer(ids[2], "bad")])
    assert 0 < log.stat().st_size < 200_000


def test_an_unusable_item_becomes_a_dead_letter_and_is_kept(box: Outbox, tmp_path: Path) -> None:
    stored = put(box, b"kept for a technician")
    box.acknowledge([Answer(stored.id, "unusable", "", "does_not_open")])
    counts = box.counts_and_ages()
    assert (counts.dead, counts.queued, due(box)) == (1, 0, [])
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        assert db.execute("SELECT sealed FROM contents").fetchone() == (b"kept for a technician",)


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
    box.acknowledge((Answer(item, "accepted") for item in ids), SAFE)
    with box._file.reading() as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (tmp_path / "outbox.db").stat().st_size < 200_000


def test_space_is_given_back_a_bounded_piece_at_a_time(
    box: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.outbox._PAGES_AT_ONCE", 10)
    ids = [put(box, bytes(50_000)).id for _ in range(4)]

    def free() -> int:
        with box._file.reading() as db:
            (pages,) = db.execute("PRAGMA freelist_count").fetchone()
        return int(pages)

    box.acknowledge((Answer(item, "accepted") for item in ids), SAFE)
    left = free()
    assert left > 10
    box.acknowledge([])
    assert free() == left - 10


# -- what is put off, and dead letters -----------------------------------------------------------


def test_what_the_centre_puts_off_for_ever_is_seen_and_kept(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = put(box)
    now = time.time()
    for turn in range(50):
        at(monkeypatch, now + turn * 3600)
        assert due(box) == [stored.id]
        box.acknowledge([Answer(stored.id, "later", reason="registry_down")])
    (one,) = box.waiting()
    assert now + 49 * 3600 + 900 <= one.due_at <= now + 49 * 3600 + 1800
    assert box.counts_and_ages().later == {"registry_down": 49 * 3600}
    assert (one.attempts, one.put_off, one.reason) == (50, 50, "registry_down")
    assert (one.put_off_since, one.state) == (now, "queued")
    assert (one.receipt_no, one.kind) == (stored.receipt_no, "first_application")


def test_a_dead_letter_has_its_reason_and_can_be_sent_again(box: Outbox) -> None:
    first, second = put(box), put(box)
    box.acknowledge([Answer(first.id, "unusable", "", "does_not_open")])
    (letter,) = box.dead_letters()
    assert (letter.id, letter.reason, letter.state) == (first.id, "does_not_open", "dead")
    assert [one.id for one in box.waiting()] == [second.id]

    assert box.requeue(first.id)
    assert not box.requeue(first.id), "it is no dead letter any more"
    assert box.verdict(first.id) is None
    assert due(box) == [first.id, second.id]
    assert not box.requeue("unknown")


# -- held until the centre's backup has it -------------------------------------------------------


def taken(box: Outbox, position: int, epoch: int = 1, standing: Standing | None = None) -> str:
    stored = put(box, b"sealed, and kept")
    assert due(box) == [stored.id]
    answer = Answer(stored.id, "accepted", position=position, epoch=epoch)
    box.acknowledge([answer], standing or Standing(epoch, 0, 1000.0))
    return stored.id


def test_what_the_centre_took_is_held_until_its_backup_has_it(box: Outbox, tmp_path: Path) -> None:
    first, second = taken(box, 7), taken(box, 8)
    assert due(box) == [], "it is not sent again"
    assert box.verdict(first) == Answer(first, "accepted")
    box.acknowledge([], Standing(1, 7, 1001.0))
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        assert db.execute(
            "SELECT id, sealed FROM item LEFT JOIN contents USING (seq)"
        ).fetchall() == [
            (first, None),
            (second, b"sealed, and kept"),
        ]
    assert box.counts_and_ages().held == 1
    box.acknowledge([], Standing(1, 8, 1002.0))
    assert (box.counts_and_ages().held, box.counts_and_ages().held_gone) == (0, 0)
    assert [one.state for one in box.history()] == ["acknowledged", "acknowledged"]


def test_a_centre_restored_from_a_backup_gets_what_it_lost_again(box: Outbox) -> None:
    backed_up, lost = taken(box, 7), taken(box, 8)
    box.acknowledge([], Standing(1, 7, 1001.0))
    box.acknowledge([], Standing(2, 7, 1002.0))
    assert box.verdict(lost) == Answer(lost, "accepted", reason="centre_restored")
    assert due(box) == [lost]
    box.acknowledge(
        [Answer(lost, "rejected", "mismatch", "name", position=8, epoch=2)], Standing(2, 8, 1003.0)
    )
    assert box.verdict(lost) == Answer(lost, "rejected", "mismatch", "name")
    assert box.verdict(backed_up) == Answer(backed_up, "accepted")
    assert box.counts_and_ages().held == 0


def test_what_was_said_before_the_centre_was_restored_says_nothing_any_more(box: Outbox) -> None:
    box.acknowledge([], Standing(2, 0, 1000.0))
    item = taken(box, 8, epoch=1)
    assert box.verdict(item) is None
    assert 2.0 < (box.due_in() or 0.0) <= 5.0
    assert (box.waiting()[0].id, box.waiting()[0].reason) == (item, "stale_answer")
    box.acknowledge([Answer(item, "accepted", position=9, epoch=2)], Standing(1, 9, 1000.0))
    assert box.counts_and_ages().held == 1, "an old standing lets nothing go"
    box.acknowledge([], Standing(2, 9, 1000.0))
    assert box.counts_and_ages().held == 0


def test_held_items_do_not_count_against_the_limits(tmp_path: Path) -> None:
    box = limited(tmp_path, Limits(items=2, free_bytes=0))
    for position in range(4):
        taken(box, position + 1)
    assert box.refusal() is None
    put(box)
    box.close()


def test_held_items_go_at_their_age_by_the_centres_clock_and_are_counted(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.time()
    taken(box, 7, standing=Standing(1, 0, begun))
    at(monkeypatch, begun + 10 * 365 * 86_400)
    box.acknowledge([], Standing(1, 0, begun + 30 * 86_400))
    counts = box.counts_and_ages()
    assert (counts.held, counts.held_gone) == (1, 0), "whatever the clock here says"
    assert counts.held_oldest_s == pytest.approx(10 * 365 * 86_400, abs=5)
    box.acknowledge([], Standing(1, 0, begun + 31 * 86_400))
    counts = box.counts_and_ages()
    assert (counts.held, counts.held_gone, counts.held_oldest_s) == (0, 1, 0)


def test_held_items_stay_where_the_clock_was_wrong_and_no_standing_came_with_the_answer(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stands in 1970 (its battery is empty), and the standing was not the centre's."""
    at(monkeypatch, 1_000.0)
    stored = put(box)
    due(box)
    box.acknowledge([Answer(stored.id, "accepted", position=7, epoch=1)])
    assert box.counts_and_ages().held == 1
    now = 1_795_000_000.0
    box.settle(Standing(1, 6, now))
    counts = box.counts_and_ages()
    assert (counts.held, counts.held_gone) == (1, 0), "its age begins with the centre's first time"
    box.settle(Standing(1, 6, now + 30 * 86_400))
    assert box.counts_and_ages().held == 1
    box.settle(Standing(1, 6, now + 31 * 86_400))
    assert box.counts_and_ages().held_gone == 1


def test_without_a_standing_a_held_item_is_as_old_as_the_centres_time_that_was_heard(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_795_000_000.0
    box.settle(Standing(1, 0, now))
    at(monkeypatch, 1_000.0)
    stored = put(box)
    due(box)
    box.acknowledge([Answer(stored.id, "accepted", position=7, epoch=1)])
    box.settle(Standing(1, 6, now + 1))
    assert (box.counts_and_ages().held, box.counts_and_ages().held_gone) == (1, 0)


def test_a_held_item_may_be_as_old_as_the_limit_and_the_centres_time_never_goes_back(
    box: Outbox,
) -> None:
    begun, limit = 1_795_500_000.0, 30 * 86_400
    taken(box, 7, standing=Standing(1, 0, begun))
    box.settle(Standing(1, 0, begun + limit))
    assert box.counts_and_ages().held == 1
    taken(box, 8, standing=Standing(1, 0, begun))
    box.settle(Standing(1, 0, begun + limit + 1))
    assert (box.counts_and_ages().held, box.counts_and_ages().held_gone) == (1, 1)
    box.settle(Standing(1, 0, begun + 2 * limit))
    assert box.counts_and_ages().held == 1, "it was taken when the centre's time was later already"


def test_a_standing_that_comes_unasked_settles_and_is_no_answer_to_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = limited(tmp_path, Limits(days=3, free_bytes=0))
    now = time.time()
    first = taken(box, 7)
    put(box)
    at(monkeypatch, now + 4 * 86_400)
    box.settle(Standing(1, 7, now))
    assert (box.counts_and_ages().held, box.refusal()) == (0, Reason.TOO_LONG_ALONE)
    assert box.verdict(first) == Answer(first, "accepted")
    box.settle(Standing(2, 0, now))
    assert box.counts_and_ages().queued == 1, "what was backed up is not sent again"
    box.close()


def test_an_item_without_an_answer_steps_aside_no_longer_than_a_line_waits(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.outbox.random.uniform", lambda low, high: high)
    stored, other = put(box), put(box)
    now, waits = time.time(), []
    for _ in range(9):
        at(monkeypatch, now)
        due(box)
        box.release([other.id])
        box.put_off(stored.id, "server_error")
        (item,) = (one for one in box.waiting() if one.id == stored.id)
        waits.append(round(item.due_at - now, 3))
        now = item.due_at + 0.001
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert (item.reason, item.state, item.put_off) == ("server_error", "queued", 9)
    assert box.waiting()[0].id == other.id
    box.acknowledge([Answer(other.id, "accepted")], SAFE)
    box.put_off(other.id, "too late")
    assert box.verdict(other.id) == Answer(other.id, "accepted")


def test_held_items_go_before_a_citizen_is_turned_away_for_want_of_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = limited(tmp_path, Limits(free_bytes=1_000_000))
    for position in range(3):
        stored = put(box, bytes(100_000))
        due(box)
        box.acknowledge([Answer(stored.id, "accepted", position=position + 1, epoch=1)])

    def free(size: int) -> None:
        disk = type("Disk", (), {"f_bavail": size, "f_frsize": 1})
        monkeypatch.setattr("sync.outbox.os.statvfs", lambda _: disk)

    free(850_000)
    assert box.refusal() is None
    put(box)
    assert box.counts_and_ages().held_gone == 2
    put(box)
    assert box.counts_and_ages().held_gone == 2, "what they left is room"
    free(100_000)
    assert box.refusal() is Reason.DISK_LOW
    with pytest.raises(OutboxUnavailable, match="disk_low"):
        put(box)
    assert box.counts_and_ages().held_gone == 2, "nothing goes for nothing"
    box.close()


# -- whose it is, and who has been told ----------------------------------------------------------


def test_ones_own_receipts_are_found_again(box: Outbox) -> None:
    mine, other = b"m" * 32, b"o" * 32
    first = box.put("a_kind", lambda _: b"1", key_id=KEY_ID, algorithm=ALGORITHM, person=mine)
    box.put("a_kind", lambda _: b"2", key_id=KEY_ID, algorithm=ALGORITHM, person=other)
    second = box.put("b_kind", lambda _: b"3", key_id=KEY_ID, algorithm=ALGORITHM, person=mine)
    put(box)
    due(box)
    box.acknowledge([Answer(first.id, "accepted")], SAFE)
    found = box.of_person(mine)
    assert [(one.receipt_no, one.kind, one.state, one.verdict) for one in found] == [
        (first.receipt_no, "a_kind", "acknowledged", "accepted"),
        (second.receipt_no, "b_kind", "sending", ""),
    ]
    assert box.of_person(b"") == []
    assert box.of_person(b"nobody") == []


def test_what_nobody_was_told_of_is_known_after_a_kill(tmp_path: Path) -> None:
    box = reopened(tmp_path)
    told, untold = put(box), put(box)
    box.told(told.id)
    box.told("unknown")
    box.close()
    box = reopened(tmp_path)
    assert [(one.id, one.receipt_no) for one in box.untold()] == [(untold.id, untold.receipt_no)]
    box.told(untold.id)
    assert box.untold() == []
    box.close()


def test_a_receipt_that_is_printed_again_is_counted(box: Outbox) -> None:
    once, never = put(box), put(box)
    box.told(once.id)
    box.copied(once.id)
    assert [one.copies for one in box.history()] == [1, 0]
    box.copied(once.id)
    box.copied(never.id)
    assert [one.copies for one in box.history()] == [2, 1]


def test_how_far_the_numbers_and_the_centre_have_come_is_told(box: Outbox) -> None:
    def told() -> tuple[int, ...]:
        found = box.counts_and_ages()
        return found.last_seq, found.known_epoch, found.known_position, found.set_back

    assert told() == (0, 0, 0, 0)
    taken(box, 9)
    taken(box, 7, epoch=3)
    assert told() == (2, 3, 7, 0), "the last epoch's, whatever the one before had come to"
    assert not box.centre_knows(2) and told()[3] == 0
    assert box.centre_knows(5) and told() == (5, 3, 7, 1)
    assert put(box).seq == 6, "no number comes again"
    assert box.centre_knows(7) and told()[3] == 2


# -- limits --------------------------------------------------------------------------------------


def limited(tmp_path: Path, limits: Limits) -> Outbox:
    return Outbox(tmp_path / "outbox.db", "020001", limits)


def test_too_many_waiting_refuses_the_next_until_the_centre_took_some(tmp_path: Path) -> None:
    box = limited(tmp_path, Limits(items=2, free_bytes=0))
    first = put(box)
    assert box.refusal() is None
    put(box)
    assert box.refusal() is Reason.TOO_MANY_WAITING
    with pytest.raises(OutboxUnavailable, match="too_many_waiting"):
        put(box)
    box.acknowledge([Answer(first.id, "unusable", "", "a dead letter does not count")])
    assert box.refusal() is None
    put(box)
    box.close()


def test_too_long_without_the_centre_refuses_until_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = limited(tmp_path, Limits(days=3, free_bytes=0))
    now = time.time()
    stored = put(box)
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + 2.9 * 86_400)
    put(box)
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + 3.1 * 86_400)
    with pytest.raises(OutboxUnavailable, match="too_long_alone"):
        put(box)
    box.acknowledge([Answer(stored.id, "later")])
    assert box.refusal() is Reason.TOO_LONG_ALONE, "without its standing nobody knows who said so"
    box.acknowledge([], SAFE)
    assert box.refusal() is None, "it is busy, but there"
    box.close()


def test_a_terminal_with_nothing_to_send_may_be_alone_for_years(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = limited(tmp_path, Limits(days=3, free_bytes=0))
    now = time.time()
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + 10 * 365 * 86_400)
    assert box.refusal() is None
    put(box)
    box.close()


def test_too_little_room_on_the_disk_refuses_before_it_is_full(tmp_path: Path) -> None:
    box = limited(tmp_path, Limits(free_bytes=1 << 60))
    assert box.refusal() is Reason.DISK_LOW
    with pytest.raises(OutboxUnavailable, match="disk_low"):
        put(box)
    box.close()


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


@pytest.mark.parametrize("how", ["emptied", "deleted", "cut short"])
def test_a_file_that_lost_its_contents_is_known_for_damage(tmp_path: Path, how: str) -> None:
    box = reopened(tmp_path)
    before = [put(box, bytes(9000)) for _ in range(20)]
    box.close()
    path = tmp_path / "outbox.db"
    if how == "emptied":
        path.write_bytes(b"")
    elif how == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    after = put(box)
    assert after.seq > before[-1].seq
    assert after.receipt_no not in {stored.receipt_no for stored in before}
    box.close()
    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1, "and reported once"
    box.close()


def test_numbers_do_not_come_again_however_often_the_file_is_lost(tmp_path: Path) -> None:
    seen: set[str] = set()
    for _ in range(12):
        box = reopened(tmp_path)
        numbers = {put(box).receipt_no for _ in range(3)}
        assert not numbers & seen
        seen |= numbers
        box.close()
        for file in tmp_path.glob("outbox.db*"):
            if file.suffix not in (".expected", ".witness"):
                file.unlink()


@pytest.mark.parametrize("enrolled", ["before", "after"])
def test_an_old_copy_is_noticed_after_the_terminal_was_enrolled_anew(
    tmp_path: Path, enrolled: str
) -> None:
    """What was given under the number before is as lost. `enrolled`: before it was put back."""
    box = reopened(tmp_path)
    put(box)
    box.close()
    copy = (tmp_path / "outbox.db").read_bytes()
    box = reopened(tmp_path)
    later = put(box)
    box.close()
    if enrolled == "before":
        Outbox(tmp_path / "outbox.db", "020002").close()
    (tmp_path / "outbox.db").write_bytes(copy)

    box = Outbox(tmp_path / "outbox.db", "020002")
    assert box.counts_and_ages().damaged_files == 1
    assert put(box).seq > later.seq
    box.close()


@pytest.mark.parametrize("given_since", [1, 3, 15, 40])
def test_an_old_copy_put_in_its_place_is_noticed(tmp_path: Path, given_since: int) -> None:
    box = reopened(tmp_path)
    first = put(box)
    box.close()
    copy = (tmp_path / "outbox.db").read_bytes()
    box = reopened(tmp_path)
    later = [put(box) for _ in range(given_since)]
    box.close()
    (tmp_path / "outbox.db").write_bytes(copy)

    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    assert due(box) == [first.id], "what the copy has is still sent"
    after = put(box)
    assert after.seq > later[-1].seq
    assert after.receipt_no not in {stored.receipt_no for stored in later}
    box.close()


def test_an_old_copy_put_in_its_place_is_noticed_while_others_have_it_open(tmp_path: Path) -> None:
    screen, agent = reopened(tmp_path), reopened(tmp_path)
    put(screen)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        db.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    later = [put(screen) for _ in range(3)]
    for part in ("-wal", "-shm"):
        (tmp_path / f"outbox.db{part}").unlink()
    (tmp_path / "copy.db").rename(tmp_path / "outbox.db")
    after = put(screen)
    assert after.seq > later[-1].seq
    assert after.receipt_no not in {stored.receipt_no for stored in later}
    assert agent.counts_and_ages().damaged_files == 1
    screen.close()
    agent.close()


# -- copies of the whole folder ------------------------------------------------------------------


def cloned(tmp_path: Path, puts: int = 3) -> tuple[Outbox, Outbox]:
    """A terminal, and what opens a copy of its folder."""
    (tmp_path / "state").mkdir()
    box = reopened(tmp_path / "state")
    for _ in range(puts):
        put(box)
    box.close()
    shutil.copytree(tmp_path / "state", tmp_path / "copy")
    return reopened(tmp_path / "state"), reopened(tmp_path / "copy")


def test_a_copy_of_the_folder_gives_no_numbers_and_says_why(tmp_path: Path) -> None:
    box, copy = cloned(tmp_path)
    assert (box.refusal(), copy.refusal()) == (None, Reason.COPIED)
    assert (box.counts_and_ages().copied, copy.counts_and_ages().copied) == (False, True)
    put(box)
    with pytest.raises(OutboxUnavailable, match="copied"):
        put(copy)
    assert len(due(copy)) == 3, "what is in it is sent: it takes effect once"
    copy.close()
    copy = reopened(tmp_path / "copy")
    assert copy.refusal() is Reason.COPIED, "still"
    copy.close()
    box.close()


def test_a_copy_that_is_declared_the_only_one_gives_other_numbers(tmp_path: Path) -> None:
    box, copy = cloned(tmp_path)
    given = [put(box) for _ in range(40)]
    assert copy.adopt()
    assert not copy.adopt()
    after = put(copy)
    # The ceilings of the copy, a thousand, and the next one.
    assert (after.seq, int(after.receipt_no[12:16])) == (16 + 1000 + 1, 16 + 1000 + 1)
    assert after.seq > given[-1].seq
    witnessed = json.loads((tmp_path / "copy" / "outbox.db.witness").read_text())
    assert witnessed["number"] == after.seq
    copy.close()
    copy = reopened(tmp_path / "copy")
    assert put(copy).seq == after.seq + 1
    assert not box.adopt()
    copy.close()
    box.close()


def test_the_witness_of_an_adopted_copy_knows_an_old_file_at_once(tmp_path: Path) -> None:
    box, copy = cloned(tmp_path)
    old = (tmp_path / "copy" / "outbox.db").read_bytes()
    assert copy.adopt()
    copy.close()
    box.close()
    (tmp_path / "copy" / "outbox.db").write_bytes(old)
    copy = reopened(tmp_path / "copy")
    assert copy.counts_and_ages().damaged_files == 1
    assert put(copy).seq > 1000
    copy.close()


@pytest.mark.parametrize("hour", [1, 12, 23])
def test_an_adopted_copy_leaves_out_numbers_of_the_day_in_beijing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hour: int
) -> None:
    at(monkeypatch, datetime(2026, 11, 28, hour, tzinfo=BEIJING).timestamp())
    box, copy = cloned(tmp_path)
    assert copy.adopt()
    assert put(copy).receipt_no[6:16] == "2611281017"
    copy.close()
    box.close()


def test_a_copy_that_is_enrolled_anew_is_another_terminal(tmp_path: Path) -> None:
    box, copy = cloned(tmp_path)
    copy.close()
    copy = Outbox(tmp_path / "copy" / "outbox.db", "020002")
    assert put(copy).receipt_no.startswith("020002")
    copy.close()
    copy = Outbox(tmp_path / "copy" / "outbox.db", "020002")
    assert copy.refusal() is None
    copy.close()
    box.close()


def test_the_same_disk_in_another_machine_is_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = ["card"]
    monkeypatch.setattr("sync.witness.place", lambda _: (1, machine, "image"))
    box = reopened(tmp_path)
    put(box)
    box.close()
    for cards, copied in ((["card", "second"], False), (["other"], True), ([], False)):
        machine[:] = cards
        box = reopened(tmp_path)
        assert (cards, box.counts_and_ages().copied) == (cards, copied)
        box.close()


FAR = b'{"owner": "020001", "number": %s, "inode": 1, "cards": [], "system": ""}'


@pytest.mark.parametrize(
    "spoilt",
    [b"", b"{", b"[1]", b'{"owner": "020001", "number": 1}', FAR % b"1e999", FAR % (b"9" * 20)],
)
def test_a_witness_that_cannot_speak_costs_numbers_and_nothing_else(
    tmp_path: Path, spoilt: bytes
) -> None:
    box = reopened(tmp_path)
    before = put(box)
    box.close()
    (tmp_path / "outbox.db.witness").write_bytes(spoilt.ljust(512) if spoilt else b"\0" * 512)
    box = reopened(tmp_path)
    assert put(box).seq > before.seq + 10
    assert (box.counts_and_ages().damaged_files, box.counts_and_ages().copied) == (0, False)
    box.close()


def test_a_database_without_its_witness_was_copied_without_it(tmp_path: Path) -> None:
    box = reopened(tmp_path)
    put(box)
    box.close()
    (tmp_path / "outbox.db.witness").unlink()
    box = reopened(tmp_path)
    assert box.refusal() is Reason.COPIED
    assert box.adopt()
    put(box)
    box.close()


def test_numbers_that_only_the_centre_knows_are_not_given_again(tmp_path: Path) -> None:
    """The folder was written back over itself in place, or everything in it was deleted."""
    box = reopened(tmp_path)
    given = [put(box) for _ in range(30)]
    box.close()
    for file in tmp_path.iterdir():
        file.unlink()
    box = reopened(tmp_path)
    assert box.centre_knows(given[-1].seq)
    assert not box.centre_knows(given[-1].seq)
    after = put(box)
    assert after.seq == given[-1].seq + 1
    assert after.receipt_no not in {stored.receipt_no for stored in given}
    box.close()


def test_an_old_copy_is_known_also_of_numbers_that_only_the_centre_knew(tmp_path: Path) -> None:
    """The folder was written back, then the file too, and the line was down: what the centre had
    said stood in that file alone, and the numbers came again."""
    box = reopened(tmp_path)
    for _ in range(3):
        put(box)
    box.close()
    path = tmp_path / "outbox.db"
    old = path.read_bytes()
    box = reopened(tmp_path)
    assert box.centre_knows(9)  # it gave six more before the folder was written back
    box.close()
    for part in ("-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
    path.write_bytes(old)
    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    assert put(box).seq > 9
    box.close()


@pytest.mark.parametrize("which", ["indexes", "a page in the middle"])
def test_what_can_be_read_of_a_damaged_file_is_queued_again(tmp_path: Path, which: str) -> None:
    box = reopened(tmp_path)
    stored = [put(box, bytes([n]) * 9000) for n in range(20)]
    box.acknowledge([Answer(stored[0].id, "accepted")])
    box.close()
    path = tmp_path / "outbox.db"
    if which == "indexes":
        damage_the_indexes(path)
    else:
        data = path.read_bytes()
        middle = len(data) // 8192 * 4096
        path.write_bytes(data[:middle] + b"\xff" * 4096 + data[middle + 4096 :])

    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    rescued = list(box.unfinished())
    assert len(rescued) >= (19 if which == "indexes" else 10)
    assert {item.id for item in rescued} <= {one.id for one in stored[1:]}
    assert box.verdict(stored[0].id) == Answer(stored[0].id, "accepted")
    box.close()


def test_what_cannot_be_read_of_one_item_costs_no_other(tmp_path: Path) -> None:
    box = reopened(tmp_path)
    stored = [put(box, bytes([n]) * 9000) for n in range(20)]
    box.close()
    path = tmp_path / "outbox.db"
    data = path.read_bytes()
    page = data.index(bytes([7]) * 4000) // 4096 * 4096
    path.write_bytes(data[:page] + b"\xff" * 4096 + data[page + 4096 :])
    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    assert [item.id for item in box.unfinished()] == [one.id for one in stored if one.seq != 8]
    assert [item.sealed[0] for item in box.unfinished()] == [n for n in range(20) if n != 7]
    box.close()


def test_what_was_on_its_way_in_a_damaged_file_is_queued_and_its_numbers_stay_given(
    tmp_path: Path,
) -> None:
    box = reopened(tmp_path)
    stored = [put(box) for _ in range(3)]
    assert len(box.lease(1, 10**9)) == 1
    box.close()
    damage_the_indexes(tmp_path / "outbox.db")
    for name in ("outbox.db.expected", "outbox.db.witness"):
        (tmp_path / name).write_bytes(b"{")
    box = reopened(tmp_path)
    assert [one.state for one in box.waiting()] == ["queued"] * 3
    after = put(box)
    assert after.seq == stored[-1].seq + 1
    assert int(after.receipt_no[12:16]) == int(stored[-1].receipt_no[12:16]) + 1
    box.close()


def rescued_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """What lies queued in a damaged file, was rescued from it, accepted, and is long forgotten."""
    box = reopened(tmp_path)
    stored = put(box)
    box.close()
    damage_the_indexes(tmp_path / "outbox.db")
    box = reopened(tmp_path)
    assert due(box) == [stored.id]
    box.acknowledge([Answer(stored.id, "accepted")], SAFE)
    box.close()
    later = time.time() + 91 * 86_400
    monkeypatch.setattr("sync.outbox.time.time", lambda: later)
    box = reopened(tmp_path)
    assert box.verdict(stored.id) is None
    box.close()
    return stored


def test_what_was_finished_and_forgotten_does_not_come_back_from_an_older_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rescued_and_forgotten(tmp_path, monkeypatch)
    for damaged_files in (2, 3):
        damage_the_indexes(tmp_path / "outbox.db")
        box = reopened(tmp_path)
        assert box.counts_and_ages().damaged_files == damaged_files
        assert list(box.unfinished()) == []
        box.close()


@pytest.mark.parametrize("how", ["emptied", "deleted", "torn"])
def test_older_damaged_files_are_read_again_when_the_one_that_knew_better_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Nobody knows any more what of them was finished: sent again, it takes no second effect."""
    stored = rescued_and_forgotten(tmp_path, monkeypatch)
    path = tmp_path / "outbox.db"
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "emptied" else b"\xff" * path.stat().st_size)
    box = reopened(tmp_path)
    assert [item.id for item in box.unfinished()] == [stored.id]
    box.close()


def test_the_log_of_a_stop_half_way_through_setting_aside_finds_its_file(tmp_path: Path) -> None:
    box = reopened(tmp_path)
    stored = put(box)
    left = tmp_path / "left"
    shutil.copytree(tmp_path, left, ignore=shutil.ignore_patterns("left"))
    box.close()
    (left / "outbox.db").rename(left / "outbox.db.damaged.1")

    box = reopened(left)
    assert (left / "outbox.db.damaged.1-wal").exists()
    assert box.counts_and_ages().damaged_files == 1
    assert due(box) == [stored.id]
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
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        db.execute("PRAGMA user_version = 99")
    before = (tmp_path / "outbox.db").read_bytes()
    with pytest.raises(OutboxUnavailable, match="newer_schema"):
        reopened(tmp_path)
    assert (tmp_path / "outbox.db").read_bytes() == before
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
