"""补换卡 at the centre: what counts, what is only a booking, and what becomes of the old card.

The rules run in this process on SQLite; one replacement goes the whole way on both databases.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from sync.canonical import sha256_hex
from sync.envelope import Sealer
from tests.system.in_process import MORNING, NEW_PHOTO, POINTS
from tests.system.people import REPLACED, contents_of, jpeg, png, replacement_of
from tests.system.test_businesses import asked, state_of
from tests.system.test_central import decided

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.conftest import CentralServer, EnrolledTerminal
    from tests.system.in_process import Centre
    from tests.system.people import Person

DAMAGED = {"reason": "damaged"}
TODAY = MORNING.date()


def told(centre: Centre, person: Person) -> dict[str, Any]:
    """What the centre answers before the visit goes on."""
    from central.business import answers
    from sync.kinds.card_replacement import WhichCard

    question = WhichCard(id_number=person.number, name=person.name)
    return answers()["card_replacement.card"](question).model_dump(mode="json")


def case_of(answer: ItemAnswer) -> Any:
    from central.cases import Case

    return Case.objects.get(pk=answer.position)


def go(centre: Centre, answer: ItemAnswer, *states: str) -> None:
    for state in states:
        centre.move(answer, state)


#: From the acceptance until the new card is in its holder's hands.
TO_THE_END = ("approved", "in_production", "in_delivery", "delivered", "collected")


# -- the card ------------------------------------------------------------------------------------


def test_a_lost_card_is_blocked_at_once_and_cancelled_when_the_new_one_is_fetched(
    centre: Centre,
) -> None:
    person = centre.holder()
    answer = centre.replaced(person, 0)
    assert (answer.verdict, centre.state(answer), centre.card(person)) == (
        "accepted",
        "accepted",
        "2",
    )
    go(centre, answer, *TO_THE_END[:-1])
    assert centre.card(person) == "2"
    centre.move(answer, "collected")
    row = centre.row(person)
    assert (row.card_state, row.bank, row.generation, row.card_no) == ("A", "icbc", 3, "")
    assert row.card_made is not None


def test_a_card_that_is_not_lost_serves_until_the_new_one_is_fetched(centre: Centre) -> None:
    person = centre.holder()
    answer = centre.replaced(person, 0, document=DAMAGED)
    for state in TO_THE_END:
        assert centre.card(person) == "1", state
        centre.move(answer, state)
    assert centre.card(person) == "A"


def test_the_day_of_another_bank_counts_from_the_day_of_the_new_card(centre: Centre) -> None:
    from django.utils import timezone

    from central.business.card_progress import ANSWERS
    from kiosk.policy.table import months_after
    from sync.kinds.card_progress import WhatIsUnderWay

    person = centre.holder()
    answer = centre.replaced(person, 0)

    def day() -> str:
        asked = WhatIsUnderWay(id_number=person.number, name=person.name)
        (case,) = ANSWERS["card_progress.cases"](asked).cases
        return str(case.bank_from)

    assert day() == ""
    go(centre, answer, "approved", "in_production")
    assert day() == "", "it is not made yet"
    go(centre, answer, "in_delivery")
    assert day() == months_after(timezone.localdate(), 6).isoformat()
    go(centre, answer, "delivered", "collected")
    assert day() == months_after(timezone.localdate(), 6).isoformat()


def test_a_question_touches_nothing(centre: Centre) -> None:
    person = centre.holder()
    assert told(centre, person)["state"] == "in_use"
    assert centre.card(person) == "1"


def test_what_a_person_must_look_at_first_blocks_a_lost_card_for_the_time_being(
    centre: Centre,
) -> None:
    person = centre.holder()
    answer = centre.replaced(person, 0, level="P1", reasons=("face_unsure",))
    assert (answer.verdict, centre.card(person)) == ("to_review", "B")
    centre.move(answer, "approved")
    assert centre.card(person) == "2"


@pytest.mark.parametrize("before", ["1", "A"])
@pytest.mark.parametrize("end", ["returned", "withdrawn"])
def test_if_nothing_comes_of_it_a_lost_card_comes_back_by_its_withdrawal_only(
    centre: Centre, before: str, end: str
) -> None:
    person = centre.holder(before)
    answer = centre.replaced(person, 0)
    early = centre.found(person, 5)
    assert (early.verdict, early.reason) == ("rejected", "replaced"), "while it is under way"
    centre.move(answer, end)
    assert centre.card(person) == "2"
    assert centre.found(person, 10).verdict == "accepted"
    assert centre.card(person) == before, "解挂 activates no card"


def test_nobody_withdraws_once_the_card_is_being_made(centre: Centre) -> None:
    """「不可回退」."""
    from central.machine import NotPossible

    answer = centre.replaced(centre.holder(), 0)
    go(centre, answer, "approved", "in_production")
    with pytest.raises(NotPossible):
        centre.move(answer, "withdrawn")


def test_a_temporary_loss_that_lapses_does_not_open_a_card_that_is_being_replaced(
    centre: Centre,
) -> None:
    person = centre.holder()
    temporary = centre.lost(person, 0)
    centre.replaced(person, 5)
    assert centre.card(person) == "2"
    centre.move(temporary, "lapsed")
    assert centre.card(person) == "2"


def test_reports_of_the_old_card_do_not_block_the_new_one(centre: Centre) -> None:
    person = centre.holder()
    temporary, formal = centre.lost(person, 0), centre.lost(person, 2, "formal")
    answer = centre.replaced(person, 5)
    with time_machine.travel(MORNING + timedelta(days=3), tick=False):
        go(centre, answer, *TO_THE_END)
    assert (centre.state(temporary), centre.state(formal)) == ("replaced", "replaced")
    assert centre.card(person) == "A"
    centre.move(answer, "finished")
    late = centre.lost(person, 6)
    assert (late.verdict, late.reason, centre.card(person)) == ("rejected", "replaced_since", "A")
    new = centre.lost(person, 4 * 24 * 60)
    assert (new.verdict, centre.card(person)) == ("accepted", "B"), "of the new one"
    centre.move(new, "lapsed")
    assert centre.card(person) == "A"


# -- in time, or a booking -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late_s", "state", "card"), [(600, "accepted", "2"), (601, "booked", "1")]
)
def test_what_arrives_late_is_a_booking_and_touches_nothing(
    centre: Centre, late_s: int, state: str, card: str
) -> None:
    """Ten minutes, the policy pack says: who signed has left, and was told that it may be so."""
    person = centre.holder()
    answer = centre.replaced(person, 0, late_s=late_s)
    assert (centre.state(answer), centre.card(person)) == (state, card)


def test_a_late_one_is_a_booking_also_where_a_person_would_have_to_look(centre: Centre) -> None:
    person = centre.holder()
    answer = centre.replaced(person, 0, late_s=3600, level="P1", reasons=("face_unsure",))
    assert (centre.state(answer), centre.card(person)) == ("booked", "1")


def test_a_booking_stands_in_nobodys_way_and_ends_with_the_replacement(centre: Centre) -> None:
    person = centre.holder()
    booked = centre.replaced(
        person, 0, late_s=86_400, document={"booking": True, "photo_sha256": ""}
    )
    assert (booked.verdict, centre.state(booked), centre.card(person)) == (
        "accepted",
        "booked",
        "1",
    )
    assert told(centre, person)["rejection"] is None
    answer = centre.replaced(person, 60)
    assert (centre.state(answer), centre.state(booked)) == ("accepted", "lapsed")


@pytest.mark.parametrize(("days", "state"), [(29.9, "booked"), (30.1, "lapsed")])
def test_who_does_not_come_after_a_booking_has_none_any_more(
    centre: Centre, days: float, state: str
) -> None:
    from django.utils import timezone

    from central.cases import Case
    from central.sweep import sweep

    booked = centre.replaced(centre.holder(), 0, document={"booking": True, "photo_sha256": ""})
    since = timezone.now() - timedelta(days=days)
    Case.objects.filter(pk=booked.position).update(since=since)
    sweep()
    assert centre.state(booked) == state


def test_two_at_once_are_one(centre: Centre) -> None:
    person = centre.holder()
    first, second = centre.replaced(person, 0), centre.replaced(person, 1)
    assert (first.verdict, second.verdict, second.reason) == ("accepted", "duplicate", "open_case")
    assert told(centre, person)["rejection"] == "duplicate_application"


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("missing", POINTS)
def test_without_each_of_the_three_points_nothing_is_replaced(centre: Centre, missing: str) -> None:
    person = centre.holder()
    answer = centre.replaced(person, 0, consents=tuple(one for one in POINTS if one != missing))
    assert (answer.verdict, answer.reason, centre.card(person)) == ("rejected", "no_consent", "1")


@pytest.mark.parametrize(
    ("made", "verdict"),
    [("2026-05-25", "rejected"), ("2026-05-24", "accepted"), (None, "accepted")],
)
def test_six_months_pass_before_another_bank(
    centre: Centre, made: str | None, verdict: str
) -> None:
    """R-F1, at a day less than six months and at six months."""
    person = centre.holder()
    centre.register(person, bank="ccb", card_made=made)
    answer = centre.replaced(person, 0)
    assert (answer.verdict, answer.reason) == (verdict, "" if verdict == "accepted" else "too_soon")
    if verdict == "rejected":
        same = {"bank": "ccb", "outlet": "ccb-lubei"}
        assert centre.replaced(person, 1, document=same).verdict == "accepted"


@pytest.mark.parametrize("document", [{"outlet": "ccb-lubei"}, {"outlet": "nowhere"}])
def test_a_bank_hands_out_its_cards_at_its_own_outlets(
    centre: Centre, document: dict[str, str]
) -> None:
    answer = centre.replaced(centre.holder(), 0, document=document)
    assert (answer.verdict, answer.reason) == ("rejected", "outlet")


@pytest.mark.parametrize(
    ("card", "document", "reason"),
    [("", {}, "no_card"), ("3", {}, "no_card"), ("4", {}, "no_card"), ("2", DAMAGED, "lost")],
)
def test_a_card_that_is_not_there_or_blocked_is_not_exchanged(
    centre: Centre, card: str, document: dict[str, str], reason: str
) -> None:
    person = centre.holder(card)
    answer = centre.replaced(person, 0, document=document)
    assert (answer.verdict, answer.reason, centre.card(person)) == ("rejected", reason, card)


@pytest.mark.parametrize(
    ("facts", "rejection"),
    [
        ({"deceased": True}, "not_permitted"),
        ({"name": "另一人"}, "mismatch"),
        ({"open_elsewhere": True}, "duplicate_application"),
        ({"card_state": "0"}, "duplicate_application"),
    ],
)
def test_who_may_not_is_told_before_and_refused_after(
    centre: Centre, facts: dict[str, Any], rejection: str
) -> None:
    person = centre.holder()
    centre.register(person, **facts)
    assert told(centre, person)["rejection"] == rejection
    assert centre.replaced(person, 0).rejection == rejection


def test_who_is_unknown_is_told_so(centre: Centre) -> None:
    person = centre.holder()
    centre.forget(person)
    assert told(centre, person)["rejection"] == "person_unknown"
    assert centre.replaced(person, 0).rejection == "person_unknown"


def test_a_proof_that_is_older_than_five_minutes_is_looked_at_by_a_person(centre: Centre) -> None:
    answer = centre.replaced(centre.holder(), 0, seen_s=301)
    assert (answer.verdict, case_of(answer).review) == ("to_review", ["proof_stale"])
    assert centre.replaced(centre.holder(), 0, seen_s=300).verdict == "accepted"


def test_without_a_signature_it_contradicts_itself(centre: Centre) -> None:
    person = centre.holder()
    form = replacement_of(person, NEW_PHOTO)
    with time_machine.travel(MORNING, tick=False):
        answer = centre.file(
            "card_replacement", form, 0, pictures={"photo": NEW_PHOTO}, consents=POINTS
        )
    assert (answer.verdict, answer.reason) == ("unusable", "no_signature")


@pytest.mark.parametrize("other", [jpeg(357), b"no picture at all"])
def test_a_photo_that_no_card_is_made_from_contradicts_the_standard(
    centre: Centre, other: bytes
) -> None:
    answer = centre.replaced(centre.holder(), 0, photo=other)
    assert answer.verdict == "unusable" and answer.reason.startswith("photo.")


# -- the photo -----------------------------------------------------------------------------------


def photographed(centre: Centre, months_ago: int = 0) -> Person:
    """Has a first card whose photo the centre took in."""
    from central.cases import Case

    person = centre.holder("")
    answer = centre.applied(person, 0)
    go(centre, answer, *TO_THE_END)
    made = MORNING - timedelta(days=31 * months_ago)
    Case.objects.filter(pk=answer.position).update(created=made)
    centre.register(person, bank="icbc")
    return person


def test_a_photo_of_the_centre_is_used_again_and_shown_with_the_new_case(centre: Centre) -> None:
    person = photographed(centre)
    known = told(centre, person)
    assert (known["photo_sha256"], known["photo_taken"]) == (sha256_hex(NEW_PHOTO), str(TODAY))
    answer = centre.replaced(person, 60, photo=None)
    assert answer.verdict == "accepted"
    case = case_of(answer)
    assert case.attachments.get(name="photo").sha256 == sha256_hex(NEW_PHOTO)
    assert not case.tasks.filter(name="photo").exists(), "it was measured then"
    go(centre, answer, *TO_THE_END)
    assert told(centre, person)["photo_taken"] == str(TODAY), "it does not grow younger"


@pytest.mark.parametrize("photo", ["none", "old", "another"])
def test_a_photo_that_the_centre_has_not_or_not_any_more_is_not_used(
    centre: Centre, photo: str
) -> None:
    person = centre.holder() if photo == "none" else photographed(centre, 7 * (photo == "old"))
    other = {"photo_sha256": "1" * 64} if photo == "another" else {}
    answer = centre.replaced(person, 0, photo=None, document=other)
    assert (answer.verdict, answer.reason) == ("rejected", "photo")


def test_a_new_photo_is_measured(centre: Centre) -> None:
    answer = centre.replaced(centre.holder(), 0)
    assert case_of(answer).tasks.filter(name="photo").exists()


# -- what is told --------------------------------------------------------------------------------


def test_the_card_is_told_masked_with_what_the_counter_needs(centre: Centre) -> None:
    person = centre.holder()
    centre.register(
        person,
        bank="icbc",
        card_made=date(2019, 5, 6),
        generation=2,
        card_expires=date(2029, 5, 6),
        benefits=["pension"],
        phone="13900000000",
    )
    assert told(centre, person) == {
        "rejection": None,
        "state": "in_use",
        "card": "T00****78",
        "generation": 2,
        "expires": "2029-05-06",
        "bank": "icbc",
        "made": "2019-05-06",
        "benefits": ["pension"],
        "phone": "139****0000",
        "photo_sha256": "",
        "photo_taken": "",
    }


def test_an_operator_reads_names_and_what_was_agreed_to(centre: Centre) -> None:
    from central.business import business_of
    from kiosk.policy import load_policy

    case = case_of(centre.replaced(centre.holder(), 0))
    rows = dict(business_of(case.kind).rows(case.contents["document"], load_policy()))
    assert (rows["性质"], rows["原因"], rows["工本费"]) == ("补换卡", "遗失", "免费")
    assert (rows["合作银行"], rows["领卡网点"]) == ("中国工商银行", "路北支行（示例）")


# -- on both databases ---------------------------------------------------------------------------


def test_a_replacement_goes_the_whole_way(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    person = REPLACED[0]
    before = asked(terminal, "card_replacement.card", person)
    assert (before["rejection"], before["state"]) == (None, "in_use")
    sealer = Sealer.of(terminal.identity)

    def seal(header: Any) -> bytes:
        pictures = {"photo": jpeg(), "signature": png()}
        contents = contents_of(header, replacement_of(person, jpeg()), pictures)
        consent = contents["consents"][0]
        contents["consents"] += [{**consent, "text_id": point} for point in POINTS]
        return sealer.seal(header, contents)

    stored = terminal.outbox.put(
        "card_replacement", seal, key_id=sealer.key_id, algorithm=sealer.algorithm
    )
    assert decided(terminal, stored).verdict == "accepted"
    assert state_of(central, stored) in ("accepted", "to_review")
    again = asked(terminal, "card_replacement.card", person)
    assert again["rejection"] == "duplicate_application"
    assert asked(terminal, "loss_report.card", person)["state"] == "lost"
    assert asked(terminal, "loss_withdrawal.state", person)["state"] == "replaced"
    (case,) = asked(terminal, "card_progress.cases", person)["cases"]
    assert (case["kind"], case["outlet"]) == ("card_replacement", "icbc-lubei")
