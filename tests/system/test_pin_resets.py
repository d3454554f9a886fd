"""密码重置、解锁 at the real centre: who is allowed what, for which card, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from sync.wire.cards import CardFacts, ScriptQuestion

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre
    from tests.system.people import Person

CARD_ID = "130299D1560000050000000100000000"
OTHER_CARD = "130299D1560000050000000200000000"


def document(person: Person, outcome: str = "", request: str = "", **more: str) -> dict[str, Any]:
    return {
        "name": person.name,
        "id_number": person.number,
        "card_id": CARD_ID,
        "card_no": "T00000678",
        "purpose": "reset",
        "outcome": outcome,
        "request": request,
        **more,
    }


def now() -> time_machine.travel:
    from tests.system.in_process import MORNING

    return time_machine.travel(MORNING + timedelta(seconds=20), tick=True)


def request(centre: Centre, person: Person, **more: Any) -> ItemAnswer:
    with now():
        return centre.file("pin_reset", document(person), 0, **more)


def told(centre: Centre, person: Person, asked: ItemAnswer, outcome: str) -> ItemAnswer:
    with now():
        return centre.file("pin_reset", document(person, outcome, asked.id), 0)


def script(centre: Centre, code: str, card_id: str = CARD_ID, purpose: str = "reset") -> Any:
    """Asks as a terminal does; there is no 加密机, so what is allowed ends there."""
    from central.card_scripts import give

    facts = CardFacts(region="130299", reset_info="", algorithm="03", card_id=card_id)
    question = ScriptQuestion(card=facts, purpose=purpose, authorisation=code, challenge=bytes(8))
    return give(centre.sender, question)


def refusal(centre: Centre, *question: str) -> str:
    from central.signatures import BadRequest

    with pytest.raises(BadRequest) as caught, now():
        script(centre, *question)
    return str(caught.value)


ALLOWED, NOT_ALLOWED = "hsm_unreachable", "not_authorised"


def test_who_has_proven_to_be_the_holder_is_allowed_one_script_for_that_card(
    centre: Centre,
) -> None:
    person = centre.holder()
    asked = request(centre, person)
    assert asked.verdict == "accepted"
    assert refusal(centre, asked.id, OTHER_CARD) == NOT_ALLOWED
    assert refusal(centre, asked.id, CARD_ID, "unblock") == NOT_ALLOWED
    assert refusal(centre, asked.id) == ALLOWED
    assert refusal(centre, "01890000-0000-7000-8000-000000000000") == NOT_ALLOWED


def test_an_authorisation_ends_some_minutes_after_the_request(centre: Centre) -> None:
    from central.signatures import BadRequest
    from tests.system.in_process import MORNING

    asked = request(centre, centre.holder())
    later = time_machine.travel(MORNING + timedelta(minutes=10, seconds=1))
    with later, pytest.raises(BadRequest, match=NOT_ALLOWED):
        script(centre, asked.id)


def test_a_request_that_came_late_allows_nothing(centre: Centre) -> None:
    """It waited in a terminal without network; its citizen has gone home."""
    asked = centre.file("pin_reset", document(centre.holder()), 0)
    assert asked.verdict == "accepted"
    assert refusal(centre, asked.id) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("state", "reason"), [("A", "inactive"), ("2", "lost"), ("B", "lost"), ("4", "none")]
)
def test_no_other_card_is_reset(centre: Centre, state: str, reason: str) -> None:
    asked = request(centre, centre.holder(state))
    assert (asked.verdict, asked.reason) == ("rejected", reason)
    assert refusal(centre, asked.id) == NOT_ALLOWED


@pytest.mark.parametrize("level", ["P1", "P2"])
def test_without_proof_nothing_is_allowed(centre: Centre, level: str) -> None:
    asked = request(centre, centre.holder(), level=level)
    assert (asked.verdict, asked.reason) == ("rejected", "unproven")
    assert refusal(centre, asked.id) == NOT_ALLOWED


def test_a_level_without_a_match_waits_for_a_person_and_allows_nothing(centre: Centre) -> None:
    asked = request(centre, centre.holder(), comparison=None)
    assert asked.verdict == "to_review"
    assert refusal(centre, asked.id) == NOT_ALLOWED


def test_anothers_card_is_not_reset(centre: Centre) -> None:
    person = centre.holder()
    with now():
        asked = centre.file("pin_reset", document(person, card_no="A00000001"), 0)
    assert (asked.rejection, asked.reason) == ("mismatch", "other_card")


@pytest.mark.parametrize(
    ("outcome", "state"), [("done", "finished"), ("failed", "not_done"), ("unknown", "to_review")]
)
def test_what_the_terminal_tells_brings_the_request_to_its_end(
    centre: Centre, outcome: str, state: str
) -> None:
    person = centre.holder()
    asked = request(centre, person)
    answer = told(centre, person, asked, outcome)
    assert answer.verdict == "accepted"
    assert (centre.state(asked), centre.state(answer)) == (state, "finished")
    assert refusal(centre, answer.id) == NOT_ALLOWED, "an outcome allows nothing"


def test_an_outcome_of_anothers_request_is_looked_at(centre: Centre) -> None:
    asked = request(centre, centre.holder())
    answer = told(centre, centre.holder(), asked, "done")
    assert answer.verdict == "to_review"
    assert centre.state(asked) == "accepted"


def test_many_requests_in_a_day_are_looked_at_first(centre: Centre) -> None:
    person = centre.holder()
    verdicts = [request(centre, person).verdict for _ in range(4)]
    assert verdicts == ["accepted"] * 3 + ["to_review"]


@pytest.mark.parametrize("fetched", [True, False])
def test_a_request_of_which_nothing_is_heard_ends_or_goes_to_a_person(
    centre: Centre, fetched: bool
) -> None:
    from django.utils import timezone

    from central.card_scripts import code_of
    from central.cases import Case
    from central.models import CardAuthorisation
    from central.sweep import sweep
    from tests.system.in_process import MORNING

    asked = request(centre, centre.holder())
    if fetched:
        code = code_of(Case.objects.get(pk=asked.position))
        CardAuthorisation.objects.filter(code_sha256=code).update(used_at=timezone.now())
    with time_machine.travel(MORNING + timedelta(hours=3)):
        sweep()
    assert centre.state(asked) == ("to_review" if fetched else "lapsed")


def test_nobody_says_how_it_ended_while_its_script_may_be_fetched(centre: Centre) -> None:
    from central.business import business_of
    from central.machine import NotPossible, move

    asked = request(centre, centre.holder())
    assert business_of("pin_reset").choices("accepted") == []
    with pytest.raises(NotPossible):
        move(asked.position, "finished", by="王", note="看见了", operator=True)
    assert "not_done" in business_of("pin_reset").choices("to_review")
