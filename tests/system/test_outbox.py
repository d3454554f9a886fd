"""The outbox within one process: order, leases, verdicts, damage, a full disk."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sync.outbox import STEPS, Answer, Limits, Outbox, OutboxUnavailable, Reason, Stored
from sync.receipt_number import is_valid
from tests.attack import older

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


def test_what_the_centre_puts_off_holds_nothing_up(box: Outbox) -> None:
    """Of a kind that it does not know yet, say, and more of them than go into one batch."""
    not_yet = [put(box).id for _ in range(3)]
    for _ in range(2):
        box.acknowledge([Answer(item.id, "later") for item in box.lease(3, 60)])
    fresh = put(box).id
    assert [item.id for item in box.lease(2, 60)] == [fresh, not_yet[0]]
    box.acknowledge([Answer(fresh, "later"), Answer(not_yet[0], "later")])
    assert [item.id for item in box.lease(4, 60)] == [fresh, *not_yet[1:], not_yet[0]]


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


def test_space_is_given_back_a_bounded_piece_at_a_time(
    box: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.outbox._PAGES_AT_ONCE", 10)
    ids = [put(box, bytes(50_000)).id for _ in range(4)]

    def free() -> int:
        with box._file.reading() as db:
            (pages,) = db.execute("PRAGMA freelist_count").fetchone()
        return int(pages)

    box.acknowledge(Answer(item, "accepted") for item in ids)
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
        monkeypatch.setattr("sync.outbox.time.time", lambda turn=turn: now + turn * 3600)
        assert due(box) == [stored.id]
        box.acknowledge([Answer(stored.id, "later", reason="registry_down")])
    (one,) = box.waiting()
    assert (one.attempts, one.put_off, one.reason) == (50, 50, "registry_down")
    assert (one.put_off_since, one.state) == (now, "queued")
    assert (one.receipt_no, one.kind) == (stored.receipt_no, "first_application")


def test_a_dead_letter_has_its_reason_and_can_be_sent_again(box: Outbox) -> None:
    first, second = put(box), put(box)
    box.acknowledge([Answer(first.id, "rejected", "", "does_not_open")])
    (letter,) = box.dead_letters()
    assert (letter.id, letter.reason, letter.state) == (first.id, "does_not_open", "dead")
    assert [one.id for one in box.waiting()] == [second.id]

    assert box.requeue(first.id)
    assert not box.requeue(first.id), "it is no dead letter any more"
    assert box.verdict(first.id) is None
    assert due(box) == [first.id, second.id]
    assert not box.requeue("unknown")


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
    box.acknowledge([Answer(first.id, "rejected", "", "a dead letter does not count")])
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


# -- tables of other releases --------------------------------------------------------------------


@pytest.mark.parametrize("version", older.VERSIONS)
def test_a_file_of_an_older_release_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    before = older.make(tmp_path / "outbox.db", version)
    box = limited(tmp_path, Limits(days=100_000))
    with box._file.reading() as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    assert due(box) == list(before.put)
    stored = put(box)
    assert stored.seq == max(seq for seq, _ in before.put.values()) + 1
    box.acknowledge([Answer(stored.id, "later", reason="busy")])
    assert box.waiting()[-1].put_off == 1
    assert box.counts_and_ages().damaged_files == 0
    box.close()


def test_old_and_new_files_have_the_same_tables(tmp_path: Path) -> None:
    def tables(path: Path) -> set[tuple[str, str]]:
        Outbox(path, "020001").close()
        with closing(sqlite3.connect(path)) as db:
            return {
                (name, " ".join(sql.split()))
                for name, sql in db.execute("SELECT name, sql FROM sqlite_schema WHERE sql <> ''")
            }

    new = tables(tmp_path / "new.db")
    for version in older.VERSIONS:
        old = tmp_path / f"{version}.db"
        older.make(old, version)
        assert tables(old) == new


def test_every_released_version_has_its_test() -> None:
    assert list(older.VERSIONS) == list(range(1, len(STEPS)))


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
            if file.suffix != ".expected":
                file.unlink()


def test_an_old_copy_put_in_its_place_is_noticed(tmp_path: Path) -> None:
    box = reopened(tmp_path)
    first = put(box)
    box.close()
    copy = (tmp_path / "outbox.db").read_bytes()
    box = reopened(tmp_path)
    later = [put(box) for _ in range(40)]
    box.close()
    (tmp_path / "outbox.db").write_bytes(copy)

    box = reopened(tmp_path)
    assert box.counts_and_ages().damaged_files == 1
    assert due(box) == [first.id], "what the copy has is still sent"
    assert put(box).seq > later[-1].seq
    box.close()


@pytest.mark.parametrize("which", ["indexes", "a page in the middle"])
def test_what_can_be_read_of_a_damaged_file_is_queued_again(tmp_path: Path, which: str) -> None:
    box = reopened(tmp_path)
    stored = [put(box, bytes([n]) * 9000) for n in range(20)]
    box.acknowledge([Answer(stored[0].id, "accepted")])
    box.close()
    path = tmp_path / "outbox.db"
    if which == "indexes":
        older.damage_the_indexes(path)
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


def rescued_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """What lies queued in a damaged file, was rescued from it, accepted, and is long forgotten."""
    box = reopened(tmp_path)
    stored = put(box)
    box.close()
    older.damage_the_indexes(tmp_path / "outbox.db")
    box = reopened(tmp_path)
    assert due(box) == [stored.id]
    box.acknowledge([Answer(stored.id, "accepted")])
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
        older.damage_the_indexes(tmp_path / "outbox.db")
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
