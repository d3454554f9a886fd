"""密码修改 at the real centre, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.system.test_businesses import CARD_ID, HOLDERS, put, state_of
from tests.system.test_central import decided, shown

if TYPE_CHECKING:
    from tests.system.conftest import CentralServer, EnrolledTerminal
    from tests.system.people import Person


@pytest.fixture
def holder() -> Person:
    return next(HOLDERS)


def own_card_of(holder: Person) -> str:
    return str(dict(holder.more)["card_no"])


def change_of(holder: Person, outcome: str = "done", card_no: str = "") -> dict[str, Any]:
    return {
        "name": holder.name,
        "id_number": holder.number,
        "card_id": CARD_ID,
        "card_no": card_no or own_card_of(holder),
        "outcome": outcome,
    }


def by_pin(contents: dict[str, Any]) -> None:
    """Card and PIN, no face: P2."""
    contents["proof"] = {"level": "P2", "at": contents["proof"]["at"], "reasons": []}


def reasons_of(central: CentralServer, stored: Any) -> list[str]:
    found = shown(central, stored)
    assert found is not None
    return list(found["review"])


def test_a_changed_pin_is_recorded_without_a_face(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    stored = put(terminal, "pin_change", change_of(holder), by_pin)
    assert decided(terminal, stored).verdict == "accepted"
    assert state_of(central, stored) == "finished"


@pytest.mark.parametrize(
    ("outcome", "card_no", "reason"),
    [("unknown", "", "pin_unknown"), ("done", "A00000001", "other_card")],
)
def test_what_nobody_can_tell_a_person_looks_at(
    central: CentralServer,
    terminal: EnrolledTerminal,
    holder: Person,
    outcome: str,
    card_no: str,
    reason: str,
) -> None:
    stored = put(terminal, "pin_change", change_of(holder, outcome, card_no), by_pin)
    assert decided(terminal, stored).verdict == "to_review"
    assert state_of(central, stored) == "to_review"
    assert reasons_of(central, stored) == [reason]
