"""A disk that is full, broken or read-only, a clock that jumps, two couriers at once."""

from __future__ import annotations

import errno
import shutil
import time
from pathlib import Path

import pytest

from sync.outbox import Answer, Outbox, OutboxUnavailable, Reason
from tests.attack.harness import KILLED, TALLY, Told, Victims, assert_kept, opened

pytestmark = pytest.mark.timeout(600)

#: (which calls fail, how, errno) -> the reasons a citizen's terminal may then give.
FAULTS = {
    "disk full": ("fail", errno.ENOSPC, {Reason.DISK_FULL, Reason.IO}),
    "write error": ("fail", errno.EIO, {Reason.IO}),
    "flush error": ("fail_flushes", errno.EIO, {Reason.IO}),
}


def ended(folder: Path, told: Told, reasons: set[Reason], refused: int = 0) -> None:
    """Every refusal had a reason, everything promised is there, and at most `refused` of what was
    refused."""
    assert told.status in (KILLED, 0), "something else was raised"
    given = {reason for _, reason in told.refused} | set(told.troubles)
    assert given <= {reason.value for reason in reasons}
    assert_kept(folder, told, unknown=refused, refused=refused)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside_the_agent"])
def test_a_fault_at_every_call_loses_and_invents_nothing(
    victims: Victims, tmp_path: Path, seed: int, fault: str, beside: bool
) -> None:
    """The process then dies without closing. Beside another one the log outlives it, and so would
    a commit whose flush failed."""
    mode, error, reasons = FAULTS[fault]
    folder = tmp_path / "state"

    def run(at: int) -> Told:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        agent = opened(folder) if beside else None
        told = victims.run("stubborn", folder, seed, mode=mode, at=at, errno=error)
        crash = folder.with_name("crash")
        shutil.rmtree(crash, ignore_errors=True)
        # As the machine would find it: the agent has not closed anything either.
        shutil.copytree(folder, crash, ignore=shutil.ignore_patterns("*-shm"))
        if agent is not None:
            agent.close()
        ended(crash, told, reasons)
        return told

    hits = 0
    for at in range(1, 140, 2):
        told = run(at)
        hits += bool(told.refused or told.troubles)
        TALLY[f"fault: {fault}"] += 1
    assert hits >= 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_refuses_everything_and_breaks_nothing(
    victims: Victims, tmp_path: Path, seed: int, fault: str
) -> None:
    """A commit that could neither be flushed nor written over, because nothing can be written any
    more, may be found at the next start: one item at most, which its citizen was not promised."""
    mode, error, reasons = FAULTS[fault]
    for at in range(1, 120, 7):
        folder = tmp_path / str(at)
        folder.mkdir()
        told = victims.run("stubborn", folder, seed, mode=mode, at=at, until=10**6, errno=error)
        ended(folder, told, reasons, refused=1)
        TALLY[f"fault that stays: {fault}"] += 1


def test_a_read_only_disk_says_so_and_is_left_as_it_is(
    victims: Victims, tmp_path: Path, seed: int
) -> None:
    before = victims.run("life", tmp_path, seed)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    told = victims.run("life", tmp_path, seed, mode="read_only")
    assert (told.status, told.troubles) == (0, [Reason.READ_ONLY.value])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files
    assert_kept(tmp_path, before)


def test_two_couriers_at_once_lease_everything_once(
    shim: Path, victims: Victims, tmp_path: Path, seed: int
) -> None:
    box = opened(tmp_path)
    put = [put_one(box) for _ in range(60)]
    second = Victims(shim)
    try:
        victims.start("leasing", tmp_path, seed)
        second.start("leasing", tmp_path, seed + 1)
        leased = [victims.end().leased, second.end().leased]
    finally:
        second.close()
    assert sorted(leased[0] + leased[1]) == sorted(put)
    for one in leased:
        assert one == sorted(one, key=put.index), "each in order"
    assert box.lease(100, 60) == []
    box.close()


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_jumps_and_comes_back_keeps_order_numbers_and_leases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    box = opened(tmp_path)
    put = [put_one(box)]
    now = time.time()
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + years * 365.25 * 86_400)
    put.append(put_one(box))
    assert [item.id for item in box.lease(1, 60)] == put[:1]
    monkeypatch.setattr("sync.outbox.time.time", lambda: now)
    put.append(put_one(box))
    # The lease was given in the past, or in a future that did not come: either way it is over.
    assert [item.id for item in box.lease(10, 60)] == put
    numbers = [one.receipt_no for one in box.waiting()]
    assert len(set(numbers)) == 3
    box.close()


def put_one(box: Outbox) -> str:
    return box.put("first_application", lambda _: b"x", key_id="0" * 16, algorithm="none").id


def test_the_outbox_can_be_used_again_once_the_disk_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = opened(tmp_path)
    first = put_one(box)
    with monkeypatch.context() as full:

        def no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no room")

        full.setattr("sync.expected.write_whole", no_room)
        full.setattr(box._file.expected, "_seen", {})
        full.setattr(box._file.expected, "ceilings", dict)
        with pytest.raises(OutboxUnavailable, match="disk_full"):
            put_one(box)
    second = put_one(box)
    leased = [item.id for item in box.lease(10, 60)]
    assert leased == [first, second]
    box.acknowledge(Answer(one, "accepted") for one in leased)
    assert box.counts_and_ages().queued == 0
    box.close()
