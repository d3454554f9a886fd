"""Loss reports and withdrawals at the centre in every order, in this process on SQLite.

Reports come late, withdrawals wait for a person, a temporary report is followed by a formal one:
however they are mixed, a card is blocked while one report holds, is never brought back by the end
of another, and a report from before a withdrawal does not block it again.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sync.envelope import Sealer
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7
from tests.system import people
from tests.system.people import MATCH, Person, contents_of
from tests.system.test_businesses import loss_of, withdrawal_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sync.wire.envelopes import ItemAnswer

MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=BEIJING)


class Centre:
    """The real intake. One card, whose holder is new in each test."""

    def __init__(self) -> None:
        from central import fleet
        from central.models import Terminal

        self._seq = 0
        made = fleet.enrol(fleet.new_code(), os.urandom(8).hex(), os.urandom(32), "大厅")
        self._terminal = Terminal.objects.get(number=made.terminal)
        self._sealer = Sealer(made.central_key_id, made.central_public_key, made.algorithm)

    def holder(self, card_state: str = "1") -> Person:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        self._seq += 1
        person = Person("持卡人", f"19{10 + self._seq:02d}0101", 301)
        RegisteredPerson.objects.update_or_create(
            person=person_hash(person.number),
            defaults={"name": person.name, "card_state": card_state, "card_no": "T00000678"},
        )
        return person

    def card(self, person: Person) -> str:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        return str(RegisteredPerson.objects.get(pk=person_hash(person.number)).card_state)

    def set_card(self, person: Person, state: str) -> None:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        RegisteredPerson.objects.filter(pk=person_hash(person.number)).update(card_state=state)

    def file(
        self,
        kind: str,
        document: dict[str, Any],
        minute: int,
        level: str = "P3",
        reasons: tuple[str, ...] = (),
        comparison: dict[str, str] | None = MATCH,
        staff: dict[str, str] | None = None,
    ) -> ItemAnswer:
        """One transaction made `minute` minutes after nine, arriving now."""
        from central.intake import receive
        from sync.wire.envelopes import Envelope

        self._seq += 1
        created = MORNING + timedelta(minutes=minute)
        header = EnvelopeHeader(
            id=str(uuid7()),
            terminal=self._terminal.number,
            seq=self._seq,
            receipt_no=f"{self._terminal.number}261124{self._seq:05d}",
            kind=kind,
            created=created.isoformat(timespec="milliseconds"),
            urgent=False,
            key_id=self._sealer.key_id,
            algorithm=self._sealer.algorithm,
        )
        contents = contents_of(header, document, {})
        at = (created - timedelta(seconds=5)).isoformat()
        contents["proof"] = {"level": level, "at": at, "reasons": list(reasons)}
        contents["proof"] |= {"comparison": comparison, "staff": staff}
        sealed = self._sealer.seal(header, contents)
        return receive(self._terminal, [Envelope.of(header.as_wire(), sealed)]).answers[0]

    def lost(self, person: Person, minute: int, loss: str = "temporary", **more: Any) -> ItemAnswer:
        return self.file("loss_report", loss_of(person, loss), minute, **more)

    def found(self, person: Person, minute: int, **more: Any) -> ItemAnswer:
        return self.file("loss_withdrawal", withdrawal_of(person), minute, **more)

    def move(self, answer: ItemAnswer, to: str) -> None:
        from central.machine import move

        move(answer.position, to, by="tester")

    def state(self, answer: ItemAnswer) -> str:
        from central.cases import Case

        return Case.objects.get(pk=answer.position).state


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KIOSK_CENTRAL_STATE", "DJANGO_SETTINGS_MODULE", "KIOSK_CENTRAL_DATABASE"):
            patch.setenv(name, "")
        folder: Path = tmp_path_factory.mktemp("losses")
        from central.boot import boot

        boot(folder)
        from central import rollover

        rollover.ensure_keys("hybrid")
        yield Centre()


def test_a_formal_loss_outlives_the_temporary_one_before_it(centre: Centre) -> None:
    """When the temporary one lapsed, the card served again."""
    person = centre.holder()
    temporary, formal = centre.lost(person, 0), centre.lost(person, 5, "formal")
    assert (formal.verdict, centre.card(person)) == ("accepted", "2")
    centre.move(temporary, "lapsed")
    assert centre.card(person) == "2"


def test_a_formal_loss_that_waits_for_a_person_keeps_the_card_blocked(centre: Centre) -> None:
    person = centre.holder()
    temporary = centre.lost(person, 0)
    formal = centre.lost(person, 5, "formal", level="P1", reasons=("face_unsure",))
    assert formal.verdict == "to_review"
    centre.move(temporary, "lapsed")
    assert centre.card(person) == "B"
    centre.move(formal, "returned")
    assert centre.card(person) == "1"


def test_a_second_formal_loss_does_not_weaken_the_first(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0, "formal")
    again = centre.lost(person, 5, "formal", level="P1", reasons=("face_unsure",))
    assert centre.card(person) == "2"
    if again.verdict == "to_review":
        centre.move(again, "returned")
    assert centre.card(person) == "2"


@pytest.mark.parametrize("before", ["1", "A"])
@pytest.mark.parametrize("end", ["lapsed", "returned"])
def test_a_card_is_afterwards_what_it_was_before(centre: Centre, before: str, end: str) -> None:
    """A card that was never activated (未启用) was active after its loss had lapsed."""
    person = centre.holder(before)
    report = centre.lost(person, 0)
    assert centre.card(person) == "B"
    centre.move(report, end)
    assert centre.card(person) == before


def test_a_withdrawal_does_not_activate_a_card(centre: Centre) -> None:
    person = centre.holder("A")
    centre.lost(person, 0)
    assert centre.found(person, 5).verdict == "accepted"
    assert centre.card(person) == "A"


@pytest.mark.parametrize("void", ["3", "4"])
@pytest.mark.parametrize("end", ["lapsed", "withdrawn", "returned"])
def test_a_card_that_became_void_is_not_brought_back(centre: Centre, void: str, end: str) -> None:
    person = centre.holder()
    report = centre.lost(person, 0)
    centre.set_card(person, void)
    centre.move(report, end)
    assert centre.card(person) == void


def test_a_refused_report_that_is_taken_in_after_all_makes_no_card(centre: Centre) -> None:
    person = centre.holder("")
    report = centre.lost(person, 0)
    assert (report.verdict, report.reason) == ("rejected", "no_card")
    centre.move(report, "in_force")
    assert centre.card(person) == ""


def test_a_late_report_from_before_a_withdrawal_does_not_block_again(centre: Centre) -> None:
    """An offline report of nine o'clock arrived after the withdrawal of ten."""
    person = centre.holder()
    centre.lost(person, 0)
    assert centre.found(person, 60).verdict == "accepted"
    late = centre.lost(person, 30)
    assert (late.verdict, late.reason) == ("rejected", "withdrawn_since")
    assert (centre.card(person), centre.state(late)) == ("1", "refused")
    after = centre.lost(person, 90)
    assert (after.verdict, centre.card(person)) == ("accepted", "B")


def test_a_late_withdrawal_does_not_undo_a_newer_report(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    again = centre.lost(person, 90, "formal")
    late = centre.found(person, 60)
    assert (late.verdict, late.reason) == ("rejected", "lost_again")
    assert (centre.card(person), centre.state(again)) == ("2", "in_force")


@pytest.mark.parametrize(("loss", "card"), [("temporary", "B"), ("formal", "2")])
def test_a_withdrawal_that_waited_does_not_undo_a_newer_report(
    centre: Centre, loss: str, card: str
) -> None:
    """Found at ten, lost again at eleven; at twelve somebody approved the withdrawal of ten."""
    person = centre.holder()
    first = centre.lost(person, 0)
    waiting = centre.found(person, 60, reasons=("liveness_not_seen",))
    assert waiting.verdict == "to_review"
    again = centre.lost(person, 120, loss)
    centre.move(waiting, "in_force")
    assert (centre.state(first), centre.state(again)) == ("withdrawn", "in_force")
    assert centre.card(person) == card


def test_a_withdrawal_is_not_approved_once_a_new_card_was_asked_for(centre: Centre) -> None:
    from central.cases import Case
    from central.machine import NotPossible

    person = centre.holder()
    report = centre.lost(person, 0)
    waiting = centre.found(person, 60, reasons=("liveness_not_seen",))
    # As a replacement (补换) would stand there.
    case = Case.objects.get(pk=report.position)
    case.pk, case.id, case.kind, case.state = None, uuid7(), "replacement", "accepted"
    case.save(force_insert=True)
    with pytest.raises(NotPossible):
        centre.move(waiting, "in_force")
    assert (centre.card(person), centre.state(waiting)) == ("B", "to_review")


def test_the_same_withdrawal_twice_is_one(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    assert centre.found(person, 5).verdict == "accepted"
    again = centre.found(person, 6)
    assert (again.verdict, again.reason) == ("rejected", "in_use")
    assert people.STRANGER.number != person.number


# -- what a terminal claims about who stands there ------------------------------------------------

NOTHING = [
    ("P1", None),
    ("P3", None),
    ("P3", {"band": "unsure"}),
    ("P3", {"band": "cannot_tell", "why": "declined"}),
    ("P2", MATCH),
]


@pytest.mark.parametrize(("level", "comparison"), NOTHING)
def test_a_level_without_what_makes_it_waits_for_a_person(
    centre: Centre, level: str, comparison: dict[str, str] | None
) -> None:
    """A terminal that said P1 and no reason, or P3 and no more, was believed: 已受理."""
    person = centre.holder()
    report = centre.lost(person, 0, "formal", level=level, comparison=comparison)
    assert (report.verdict, centre.card(person)) == ("to_review", "B")


def test_a_withdrawal_without_a_match_or_staff_waits_for_a_person(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    assert centre.found(person, 5, comparison=None).verdict == "to_review"
    assert centre.card(person) == "B"


def test_staff_make_the_level_as_well(centre: Centre) -> None:
    person = centre.holder()
    staff = {"id": "007", "reason": "face"}
    report = centre.lost(person, 0, "formal", comparison=None, staff=staff)
    assert (report.verdict, centre.card(person)) == ("accepted", "2")


def test_a_temporary_loss_rests_on_the_id_card_alone(centre: Centre) -> None:
    person = centre.holder()
    report = centre.lost(person, 0, level="P1", comparison=None)
    assert (report.verdict, centre.card(person)) == ("accepted", "B")
