"""The roster: who is let in for what, by PINs that are hashed, counted and locked over restarts."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from kiosk.maintenance.roster import (
    LONGEST_LOCK_S,
    ROSTER_FILE,
    TRIES_FILE,
    BadRoster,
    Person,
    Refusal,
    Role,
    Roster,
    StaffRefused,
    lock_time,
    read_roster,
    write_roster,
)
from sync import pins
from sync.pins import (
    WEAKNESSES,
    NotAPin,
    WeakPin,
    hash_pin,
    matches,
    must_be_strong,
)

TECHNICIAN = Person("t001", frozenset({Role.TECHNICIAN}), hash_pin("314159"))
STAFF = Person("s012", frozenset({Role.STAFF}), hash_pin("271828"))
OTHER = Person("s013", frozenset({Role.STAFF}), hash_pin("602214"))


_hashed = cache(hash_pin)


@pytest.fixture(autouse=True)
def each_guess_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses are dear (`sync.pins`), and here the same ones come again and again."""
    monkeypatch.setattr(
        pins, "hash_pin", lambda pin, salt=None: _hashed(pin, salt) if salt else hash_pin(pin)
    )


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def roster(tmp_path: Path, clock: Clock) -> Roster:
    write_roster(tmp_path / ROSTER_FILE, [TECHNICIAN, STAFF, OTHER])
    return Roster(tmp_path, clock)


def refusal(ask: Callable[[], object]) -> tuple[Refusal, float]:
    with pytest.raises(StaffRefused) as caught:
        ask()
    return caught.value.reason, caught.value.locked_s


# -- who is let in --------------------------------------------------------------------------------


def test_the_right_pin_names_its_technician(roster: Roster) -> None:
    assert roster.admit("314159") == TECHNICIAN


def test_staff_prove_themselves_by_number_and_pin(roster: Roster) -> None:
    assert roster.check("s012", "271828") == STAFF
    assert roster.check("s013", "602214") == OTHER


@pytest.mark.parametrize("who", ["s012", "s999", "", "../s012", "t001"])
def test_a_wrong_number_is_told_as_a_wrong_pin(roster: Roster, who: str) -> None:
    assert refusal(lambda: roster.check(who, "000000")) == (Refusal.WRONG, 0.0)


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "abcdef", "３１４１５９"])
def test_what_is_not_a_pin_is_refused(roster: Roster, pin: str) -> None:
    assert refusal(lambda: roster.admit(pin)) == (Refusal.WRONG, 0.0)


def test_who_lacks_the_role_is_told_so_only_with_the_right_pin(roster: Roster) -> None:
    assert refusal(lambda: roster.check("t001", "314159")) == (Refusal.NO_ROLE, 0.0)
    assert refusal(lambda: roster.admit("271828")) == (Refusal.WRONG, 0.0)


@pytest.mark.parametrize("text", [None, "{", '{"version": 2, "people": []}', "[]"])
def test_where_nobody_can_be_let_in_it_is_said(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ROSTER_FILE).write_text(text)
    roster = Roster(tmp_path)
    assert not roster.any_of(Role.STAFF)
    assert refusal(lambda: roster.check("s012", "271828")) == (Refusal.NOBODY, 0.0)
    assert refusal(lambda: roster.admit("314159")) == (Refusal.NOBODY, 0.0)


def test_a_change_of_the_file_takes_effect_at_once(roster: Roster, tmp_path: Path) -> None:
    new = Person("s012", frozenset({Role.STAFF}), hash_pin("141421"))
    write_roster(tmp_path / ROSTER_FILE, [new, Person("t001", frozenset(), TECHNICIAN.pin)])
    assert roster.check("s012", "141421") == new
    assert refusal(lambda: roster.check("s012", "271828")) == (Refusal.WRONG, 0.0)
    assert refusal(lambda: roster.admit("314159")) == (Refusal.NOBODY, 0.0)


# -- the files ------------------------------------------------------------------------------------


def test_a_roster_is_read_as_it_was_written_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ROSTER_FILE
    write_roster(file, [TECHNICIAN, STAFF])
    assert read_roster(file) == {"t001": TECHNICIAN, "s012": STAFF}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "314159" not in text
    assert "pin" not in repr(STAFF).replace("pin=", "") and STAFF.pin not in repr(STAFF)


def test_a_role_of_a_later_release_is_none_here(tmp_path: Path) -> None:
    person = {"id": "s012", "roles": ["staff", "auditor"], "pin": STAFF.pin, "later": 1}
    (tmp_path / ROSTER_FILE).write_text(json.dumps({"version": 1, "people": [person]}))
    assert read_roster(tmp_path / ROSTER_FILE)["s012"].roles == {Role.STAFF}


@pytest.mark.parametrize(
    "entry",
    [
        "s012",
        {"roles": [], "pin": ""},
        {"id": "13900000000", "roles": [], "pin": ""},
        {"id": "张建国", "roles": [], "pin": ""},
        {"id": "s012", "roles": "staff", "pin": ""},
        {"id": "s012", "roles": [], "pin": 1},
    ],
)
def test_what_is_no_roster_is_refused_whole(tmp_path: Path, entry: object) -> None:
    (tmp_path / ROSTER_FILE).write_text(json.dumps({"version": 1, "people": [entry]}))
    with pytest.raises(BadRoster):
        read_roster(tmp_path / ROSTER_FILE)


# -- locks ----------------------------------------------------------------------------------------


def test_the_table_of_locks() -> None:
    assert [lock_time(n) for n in range(8)] == [0, 0, 0, 0, 0, 30, 60, 120]
    assert lock_time(1000) == LONGEST_LOCK_S


def test_the_fifth_wrong_pin_locks_and_the_right_one_must_wait(
    roster: Roster, clock: Clock
) -> None:
    for _ in range(4):
        assert refusal(lambda: roster.admit("000000")) == (Refusal.WRONG, 0.0)
    assert refusal(lambda: roster.admit("000000")) == (Refusal.LOCKED, 30.0)
    clock.now += 29.0
    assert refusal(lambda: roster.admit("314159")) == (Refusal.LOCKED, 1.0)
    assert refusal(lambda: roster.check("s012", "271828")) == (Refusal.LOCKED, 1.0)
    clock.now += 1.5
    assert roster.admit("314159") == TECHNICIAN
    assert refusal(lambda: roster.admit("000000")) == (Refusal.WRONG, 0.0), "the count is cleared"


def test_who_knows_one_pin_cannot_guess_another_s(roster: Roster, clock: Clock) -> None:
    """Each right PIN of their own clears the pad, but not what was tried on the other number."""
    for _ in range(4):
        assert refusal(lambda: roster.check("s012", "000000")) == (Refusal.WRONG, 0.0)
        assert roster.check("s013", "602214") == OTHER
    assert refusal(lambda: roster.check("s012", "000000")) == (Refusal.LOCKED, 30.0)
    clock.now += 31
    assert roster.check("s013", "602214") == OTHER
    assert refusal(lambda: roster.check("s012", "000000")) == (Refusal.LOCKED, 60.0)
    assert refusal(lambda: roster.check("s012", "271828")) == (Refusal.LOCKED, 60.0)
    clock.now += 61
    assert roster.check("s012", "271828") == STAFF
    assert refusal(lambda: roster.check("s012", "000000")) == (Refusal.WRONG, 0.0)


def test_numbers_that_nobody_has_lock_the_pad_and_fill_no_file(
    roster: Roster, tmp_path: Path
) -> None:
    for number in range(4):
        refusal(lambda number=number: roster.check(f"x{number}", "000000"))
    assert refusal(lambda: roster.check("x9", "000000"))[0] is Refusal.LOCKED
    assert list(json.loads((tmp_path / TRIES_FILE).read_text())) == [""]


def test_a_restart_does_not_open_a_locked_pad(roster: Roster, tmp_path: Path, clock: Clock) -> None:
    for _ in range(5):
        refusal(lambda: roster.admit("000000"))
    assert refusal(lambda: Roster(tmp_path, clock).admit("314159")) == (Refusal.LOCKED, 30.0)


@pytest.mark.parametrize("text", ["{", "[]", '{"": 5}', '{"": ["x", 0]}'])
def test_a_damaged_count_locks_instead_of_starting_at_zero(
    roster: Roster, tmp_path: Path, text: str
) -> None:
    (tmp_path / TRIES_FILE).write_text(text)
    assert refusal(lambda: roster.admit("314159")) == (Refusal.LOCKED, 30.0)


def test_a_clock_set_back_does_not_lock_for_years(roster: Roster, clock: Clock) -> None:
    for _ in range(5):
        refusal(lambda: roster.admit("000000"))
    clock.now -= 1e8
    reason, locked_s = refusal(lambda: roster.admit("314159"))
    assert reason is Refusal.LOCKED and locked_s <= 30.0


# -- PINs -----------------------------------------------------------------------------------------


def test_a_stored_hash_gives_no_pin_away() -> None:
    stored = hash_pin("314159")
    assert "314159" not in stored
    assert stored != hash_pin("314159"), "each hash has its own salt"
    assert matches("314159", stored) and not matches("314158", stored)
    assert not matches("314159", "nonsense") and not matches("", stored)


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("111111", "repeats"),
        ("121212", "repeats"),
        ("112233", "repeats"),
        ("123123", "repeats"),
        ("520025", "repeats"),
        ("111112", "repeats"),
        ("123456", "run"),
        ("654321", "run"),
        ("890123", "run"),
        ("135791", "run"),
        ("570316", "date"),
        ("160357", "date"),
        ("031657", "date"),
        ("000229", "date"),
        ("198508", "date"),
        ("081985", "date"),
    ],
)
def test_pins_that_are_tried_first_are_refused(pin: str, why: str) -> None:
    with pytest.raises(WeakPin) as caught:
        must_be_strong(pin)
    assert caught.value.why == why


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "abcdef", "３１４１５９", "31415 "])
def test_what_is_not_six_digits_is_no_pin(pin: str) -> None:
    with pytest.raises(NotAPin):
        must_be_strong(pin)


@pytest.mark.parametrize("pin", ["314159", "271828", "602214", "987123", "462903"])
def test_other_pins_are_taken(pin: str) -> None:
    must_be_strong(pin)


def test_most_pins_are_left() -> None:
    """Refusing must not make guessing easier."""
    sample = [f"{number:06d}" for number in range(0, 10**6, 37)]
    left = [pin for pin in sample if not any(weak(pin) for weak in WEAKNESSES.values())]
    assert len(left) / len(sample) > 0.85
