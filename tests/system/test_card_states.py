"""The states of a card at the centre, whatever businesses and operators do and in whatever order.

hypothesis files reports, withdrawals, applications and replacements for one person and has an
operator move their cases anywhere; every single change of the card is recorded at the registry and
held against a table that is written out here, not taken from the product. A card that was blocked
may come back by 解挂 only, one that was cancelled never.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.system.in_process import MORNING

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre
    from tests.system.people import Person

#: Everything that may happen to a card (domain §2.3, §5.3): "" none, 0 放号, A 未启用, 1 正常,
#: B 临时挂失, 2 挂失, 3 挂失后注销, 4 注销.
MAY = {
    *("→0", "3→0", "4→0"),
    "0→A",
    "A→1",
    *("1→B", "1→2", "A→B", "A→2", "B→2"),
    *("B→1", "2→1", "B→A", "2→A", "2→B"),
    *("0→4", "1→4", "A→4"),
    *("B→3", "2→3"),
}

#: What may make a blocked card serve again.
RELEASES = ("withdrawal", "end of a report")

#: Who asks for a card has none; who loses one has.
BEGINNINGS = ("", "1", "A", "4")


class Cards(RuleBasedStateMachine):
    """One person, their matters, and the operators."""

    centre: Centre
    path: list[tuple[str, str, str]]
    cause = ""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, ItemAnswer]] = []
        self.minute = 0

    @initialize(state=st.sampled_from(BEGINNINGS))
    def somebody(self, state: str) -> None:
        self.person = self.centre.holder(state)
        self.path.clear()

    def _filed(self, kind: str, answer: ItemAnswer) -> None:
        assert answer.verdict != "later", answer.reason
        self.answers.append((kind, answer))

    def _next(self, late: bool) -> int:
        """A minute; sometimes one from before what came last."""
        self.minute += 2
        return self.minute - 5 if late else self.minute

    @rule(
        loss=st.sampled_from(("temporary", "formal")),
        reasons=st.sampled_from(((), ("face_unsure",))),
        late=st.booleans(),
    )
    def loses(self, loss: str, reasons: tuple[str, ...], late: bool) -> None:
        type(self).cause = "report"
        minute = self._next(late)
        self._filed("loss_report", self.centre.lost(self.person, minute, loss, reasons=reasons))

    @rule(reasons=st.sampled_from(((), ("face_unsure",))), late=st.booleans())
    def finds(self, reasons: tuple[str, ...], late: bool) -> None:
        type(self).cause = "withdrawal"
        minute = self._next(late)
        self._filed("loss_withdrawal", self.centre.found(self.person, minute, reasons=reasons))

    @rule()
    def applies(self) -> None:
        type(self).cause = "application"
        self._filed("first_application", self.centre.applied(self.person, self._next(False)))

    @rule(
        reason=st.sampled_from(("lost", "damaged")),
        reasons=st.sampled_from(((), ("face_unsure",))),
        late_s=st.sampled_from((1, 3600)),
    )
    def replaces(self, reason: str, reasons: tuple[str, ...], late_s: int) -> None:
        type(self).cause = "replacement"
        wish: dict[str, Any] = {"document": {"reason": reason}, "late_s": late_s}
        answer = self.centre.replaced(self.person, self._next(False), reasons=reasons, **wish)
        self._filed("card_replacement", answer)

    @rule()
    def cancelled_elsewhere(self) -> None:
        """At a window, past this centre."""
        state = self.centre.card(self.person)
        if state:
            self.centre.set_card(self.person, "3" if state in "2B3" else "4")

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def operator_moves(self, data: st.DataObject) -> None:
        from central.business import business_of
        from central.machine import NotPossible

        kind, answer = data.draw(st.sampled_from(self.answers))
        states = business_of(kind).machine.get(self.centre.state(answer), ())
        if not states:
            return
        to = data.draw(st.sampled_from(list(states)))
        type(self).cause = {
            "loss_report": "report" if to in ("in_force", "to_review") else "end of a report",
            "loss_withdrawal": "withdrawal",
            "card_replacement": "replacement",
        }.get(kind, "application")
        self.minute += 1
        try:
            with time_machine.travel(MORNING + timedelta(minutes=self.minute), tick=False):
                self.centre.move(answer, to)
        except NotPossible as error:
            # A report ends whatever became of its card; nobody is given a second one.
            assert kind == "first_application" or not str(error).startswith("card"), error

    @invariant()
    def every_change_was_allowed(self) -> None:
        for cause, before, after in self.path:
            assert before == after or f"{before}→{after}" in MAY, (cause, before, after)
            if before in ("B", "2") and after in ("1", "A"):
                assert cause in RELEASES, (cause, before, after)
        self.path.clear()


@pytest.mark.timeout(240)
def test_no_way_leads_from_a_lost_or_cancelled_card_back_but_its_withdrawal(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.models import RegisteredPerson
    from central.ports.registry import DemoRegistry

    path: list[tuple[str, str, str]] = []
    real = DemoRegistry.set_card_state

    def recorded(self: Any, person: str, state: Any) -> None:
        before = RegisteredPerson.objects.get(pk=person).card_state
        path.append((model.cause, before, str(state)))
        real(self, person, state)

    monkeypatch.setattr(DemoRegistry, "set_card_state", recorded)
    model = type("Model", (Cards,), {"centre": centre, "path": path})
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=50,
            stateful_step_count=12,
            deadline=None,
            # Each example fills the database: what is found is short enough as it is.
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_only_the_machine_sets_the_state_of_a_card() -> None:
    """A business that set it itself would pass by what may be."""
    central = Path(__file__).resolve().parents[2] / "central"
    callers = {
        file.relative_to(central).as_posix()
        for file in central.rglob("*.py")
        if re.search(r"\.set_card_state\(|card_state=(?!row)", file.read_text(encoding="utf-8"))
    }
    assert callers == {"card_states.py", "ports/registry.py"}


# -- the ways themselves --------------------------------------------------------------------------


def hashed(person: Person) -> str:
    from central.keys import person_hash

    return person_hash(person.number)


@pytest.mark.parametrize("before", ["", "0", "1", "2", "B", "3", "4", "A"])
@pytest.mark.parametrize("after", ["", "0", "1", "2", "B", "3", "4", "A"])
def test_the_table_of_the_centre_is_this_one(centre: Centre, before: str, after: str) -> None:
    from central.card_states import CardMove, bring
    from central.machine import NotPossible
    from central.models import CardState

    person = centre.holder(before)
    if before == after or f"{before}→{after}" in MAY:
        bring(hashed(person), CardState(after), *CardMove)
        assert centre.card(person) == after
    else:
        with pytest.raises(NotPossible):
            bring(hashed(person), CardState(after), *CardMove)
        assert centre.card(person) == before


def test_a_business_makes_only_the_moves_that_are_its_own(centre: Centre) -> None:
    from central.card_states import CardMove, bring
    from central.machine import NotPossible
    from central.models import CardState

    person = centre.holder("2")
    with pytest.raises(NotPossible):
        bring(hashed(person), CardState.NORMAL, CardMove.ACTIVATE, CardMove.BLOCK)
    assert centre.card(person) == "2"


def test_nobody_gets_a_number_while_they_have_a_card(centre: Centre) -> None:
    from central.card_states import number
    from central.machine import NotPossible
    from central.models import RegisteredPerson

    person = centre.holder("1")
    with pytest.raises(NotPossible):
        number(hashed(person), "bank_b", date(2026, 11, 28))
    assert RegisteredPerson.objects.get(pk=hashed(person)).card_no == "T00000678"


def test_a_first_card_gets_its_number_when_made_and_waits_to_be_activated(centre: Centre) -> None:
    from central.models import RegisteredPerson

    person = centre.holder("")
    answer = centre.applied(person, 0)
    steps = {"approved": "", "in_production": "0", "in_delivery": "0", "delivered": "0"}
    steps |= {"collected": "A", "finished": "A"}
    for state, card in steps.items():
        centre.move(answer, state)
        assert centre.card(person) == card, state
    row = RegisteredPerson.objects.get(pk=hashed(person))
    assert (row.bank, row.card_made is not None) == ("bank_a", True)
    again = centre.applied(person, 10)
    assert (again.verdict, again.reason) == ("rejected", "has_card")


@pytest.mark.parametrize(("made", "card"), [(False, ""), (True, "4")])
def test_a_first_card_that_is_not_made_after_all_is_cancelled(
    centre: Centre, made: bool, card: str
) -> None:
    person = centre.holder("")
    answer = centre.applied(person, 0)
    centre.move(answer, "approved")
    if made:
        centre.move(answer, "in_production")
    centre.move(answer, "returned")
    assert centre.card(person) == card
    assert centre.applied(person, 10).verdict == "accepted"
