"""A technician's PIN: hashed, counted, locked, across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.maintenance.technicians import (
    LONGEST_LOCK_S,
    Admitted,
    Refused,
    Technicians,
    hash_pin,
    lock_time,
)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def pad(tmp_path: Path, clock: Clock) -> Technicians:
    return Technicians({"t001": hash_pin("314159")}, tmp_path / "tries.json", clock)


def test_the_right_pin_names_its_technician(tmp_path: Path) -> None:
    assert pad(tmp_path, Clock()).admit("314159") == Admitted("t001")


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "abcdef", "３１４１５９"])
def test_what_is_not_a_pin_is_refused(tmp_path: Path, pin: str) -> None:
    assert pad(tmp_path, Clock()).admit(pin) == Refused(0.0)


def test_the_table_of_locks() -> None:
    assert [lock_time(n) for n in range(8)] == [0, 0, 0, 0, 0, 30, 60, 120]
    assert lock_time(1000) == LONGEST_LOCK_S


def test_the_fifth_wrong_pin_locks_and_the_right_one_must_wait(tmp_path: Path) -> None:
    clock = Clock()
    technicians = pad(tmp_path, clock)
    for _ in range(4):
        assert technicians.admit("000000") == Refused(0.0)
    assert technicians.admit("000000") == Refused(30.0)
    clock.now += 29.0
    assert technicians.admit("314159") == Refused(1.0)
    clock.now += 1.5
    assert technicians.admit("314159") == Admitted("t001")
    assert technicians.admit("000000") == Refused(0.0), "a right PIN clears the count"


def test_a_restart_does_not_open_a_locked_pad(tmp_path: Path) -> None:
    clock = Clock()
    technicians = pad(tmp_path, clock)
    for _ in range(5):
        technicians.admit("000000")
    assert isinstance(pad(tmp_path, clock).admit("314159"), Refused)


def test_a_damaged_count_locks_instead_of_starting_at_zero(tmp_path: Path) -> None:
    (tmp_path / "tries.json").write_text("{")
    assert pad(tmp_path, Clock()).admit("314159") == Refused(30.0)


def test_a_clock_set_back_does_not_lock_for_years(tmp_path: Path) -> None:
    clock = Clock()
    technicians = pad(tmp_path, clock)
    for _ in range(5):
        technicians.admit("000000")
    clock.now -= 1e8
    refused = technicians.admit("314159")
    assert isinstance(refused, Refused) and refused.locked_s <= 30.0


def test_a_stored_hash_gives_no_pin_away() -> None:
    stored = hash_pin("314159")
    assert "314159" not in stored
    assert stored != hash_pin("314159"), "each hash has its own salt"
