"""密码修改, 密码重置 and 社保功能启用 at the real centre, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sync.central import CentralClient
from sync.faults import CentralRefused
from sync.header import BEIJING
from tests.system.test_businesses import CARD_ID, HOLDERS, asked, fresh, put, state_of
from tests.system.test_central import decided, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.conftest import CentralServer, EnrolledTerminal
    from tests.system.people import Person


@pytest.fixture
def holder(central: CentralServer) -> Iterator[Person]:
    """Whose card is afterwards what it was: others take their turn."""
    found = next(HOLDERS)
    set_card(central, found, "1")
    yield found
    set_card(central, found, "1")


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


@pytest.mark.parametrize(("letter", "state"), [("A", "inactive"), ("1", ""), ("2", "")])
def test_only_a_card_that_is_not_activated_hinders_a_change(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person, letter: str, state: str
) -> None:
    set_card(central, holder, letter)
    assert asked(terminal, "pin_change.state", holder) == {"state": state, "phone": ""}


# -- 社保功能启用 ---------------------------------------------------------------------------------


def inactive(central: CentralServer, holder: Person) -> None:
    """The card was handed out and waits for its activation."""
    set_card(central, holder, "A")


def set_card(central: CentralServer, holder: Person, state: str) -> None:
    """Of the one person with this card number."""
    central.sql(
        "UPDATE central_registeredperson SET card_state = ? WHERE card_no = ?",
        state,
        own_card_of(holder),
    )


def card_of(central: CentralServer, holder: Person) -> str:
    statement = "SELECT card_state FROM central_registeredperson WHERE card_no = ?"
    return str(central.sql(statement, own_card_of(holder))[0][0])


def activation_of(holder: Person, pin: str = "own", card_no: str = "") -> dict[str, Any]:
    return {
        "name": holder.name,
        "id_number": holder.number,
        "card_id": CARD_ID,
        "card_no": card_no or own_card_of(holder),
        "pin": pin,
    }


def test_a_card_that_was_handed_out_serves_after_its_activation_and_once(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    inactive(central, holder)
    before = asked(terminal, "card_activation.state", holder)
    assert (before["rejection"], before["state"]) == (None, "inactive")
    assert before["bank"] == "bank_a"
    stored = put(terminal, "card_activation", activation_of(holder), fresh)
    assert decided(terminal, stored).verdict == "accepted"
    assert (state_of(central, stored), card_of(central, holder)) == ("in_force", "1")
    assert asked(terminal, "card_activation.state", holder)["state"] == "active"
    again = put(terminal, "card_activation", activation_of(holder), fresh)
    assert decided(terminal, again).verdict == "duplicate"


@pytest.mark.parametrize(
    ("card", "state", "reason"),
    [
        ("2", "lost", "lost"),
        ("B", "lost", "lost"),
        ("0", "being_made", "being_made"),
        ("4", "none", "none"),
        ("", "none", "none"),
    ],
)
def test_no_other_card_is_activated(
    central: CentralServer,
    terminal: EnrolledTerminal,
    holder: Person,
    card: str,
    state: str,
    reason: str,
) -> None:
    set_card(central, holder, card)
    assert asked(terminal, "card_activation.state", holder)["state"] == state
    refused = decided(terminal, put(terminal, "card_activation", activation_of(holder), fresh))
    assert (refused.verdict, refused.reason) == ("rejected", reason)
    assert card_of(central, holder) == card


def stale(contents: dict[str, Any]) -> None:
    fresh(contents)
    then = datetime.now(BEIJING) - timedelta(minutes=5, seconds=5)
    contents["proof"]["at"] = then.isoformat()


def weak(contents: dict[str, Any]) -> None:
    fresh(contents)
    contents["proof"]["level"] = "P2"


@pytest.mark.parametrize("proof", [stale, weak])
def test_who_was_not_seen_within_five_minutes_activates_nothing(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person, proof: Any
) -> None:
    """R-F5 「不见面激活」."""
    inactive(central, holder)
    refused = decided(terminal, put(terminal, "card_activation", activation_of(holder), proof))
    assert (refused.verdict, refused.reason) == ("rejected", "unproven")
    assert card_of(central, holder) == "A"


def test_anothers_card_is_not_activated(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    inactive(central, holder)
    document = activation_of(holder, card_no="A00000001")
    refused = decided(terminal, put(terminal, "card_activation", document, fresh))
    assert (refused.rejection, refused.reason) == ("mismatch", "other_card")
    assert card_of(central, holder) == "A"


def test_a_card_with_a_pin_that_nobody_can_tell_waits_for_a_person(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    inactive(central, holder)
    stored = put(terminal, "card_activation", activation_of(holder, "unknown"), fresh)
    assert decided(terminal, stored).verdict == "to_review"
    assert reasons_of(central, stored) == ["pin_unknown"]
    assert card_of(central, holder) == "A"


# -- 密码重置 -------------------------------------------------------------------------------------


def reset_of(holder: Person, outcome: str = "", request: str = "") -> dict[str, Any]:
    whose = {key: value for key, value in activation_of(holder).items() if key != "pin"}
    return {**whose, "purpose": "reset", "outcome": outcome, "request": request}


def refusal(terminal: EnrolledTerminal, authorisation: str) -> str:
    """Why the centre gives no script; there is no 加密机 here, so what is allowed ends there."""
    facts = {"region": "130299", "reset_info": "", "algorithm": "03", "card_id": CARD_ID}
    client = CentralClient(terminal.identity, terminal.state)
    try:
        with pytest.raises(CentralRefused) as caught:
            client.card_script(facts, "reset", authorisation, bytes(8), timeout_s=20)
    finally:
        client.close()
    return caught.value.reason


def test_a_proven_holder_is_allowed_a_script_and_its_outcome_ends_the_request(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    assert asked(terminal, "pin_reset.state", holder)["state"] == "in_use"
    request = put(terminal, "pin_reset", reset_of(holder), fresh)
    assert refusal(terminal, request.id) == "not_authorised", "it has not arrived"
    assert decided(terminal, request).verdict == "accepted"
    assert refusal(terminal, request.id) == "hsm_unreachable"
    outcome = put(terminal, "pin_reset", reset_of(holder, "done", request.id), fresh)
    assert decided(terminal, outcome).verdict == "accepted"
    assert {state_of(central, request), state_of(central, outcome)} == {"finished"}


def test_nobody_else_is_allowed_anything(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    request = put(terminal, "pin_reset", reset_of(holder), weak)
    assert decided(terminal, request).reason == "unproven"
    assert refusal(terminal, request.id) == "not_authorised"
