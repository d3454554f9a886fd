"""首次申领 on its less usual ways: without an ID card, by mail, at once, with or without the
electronic card, by each kind of person."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Place
from kiosk.policy import Policy
from kiosk.records.application import PERSON_KINDS
from kiosk.records.proof import Level
from kiosk.records.transaction import Transaction
from kiosk.services.first_application import ApplyFirst
from kiosk.visit.flow import Ending, Unacceptable
from kiosk.visit.prompts import Agreement, PlaceIdCard
from sync.kinds.first_application import KIND
from tests.flows.counter import (
    AGREED,
    CAPTURE,
    CONTEXT,
    NOW,
    PAGE,
    PHONE,
    ZHANG,
    Walk,
)
from tests.flows.packs import MAILED, PLASTIC_ONLY, policy_with

WHO = {"name": ZHANG.name, "id_number": ZHANG.number}
OWN_PAGE = dataclasses.replace(PAGE, sha256="2" * 64)


def walk(policy: Policy | None = None, **changes: Any) -> Walk:
    context = dataclasses.replace(CONTEXT, **changes)
    if policy is not None:
        context = dataclasses.replace(context, policy=policy)
    return Walk(ApplyFirst, context)


def filed(visit: Walk) -> Transaction:
    transaction = visit.until("filing.submit").prompt.transaction
    assert isinstance(transaction, Transaction)
    KIND.document.model_validate(transaction.document)
    return transaction


# -- without an ID card ----------------------------------------------------------------------------


def by_household(visit: Walk, own: Any = OWN_PAGE) -> Walk:
    """As far as the address, which nobody knows."""
    visit.until("identity.id_card").say("identity.id_card", None)
    visit.say("papers.who", WHO).say("papers.age", "right").say("papers.ethnic", "11")
    visit.say("papers.household_first", PAGE).say("papers.household_own", own)
    visit.say("eligibility.have_card", "no")
    visit.say("telephone.number", PHONE).say("telephone.read_back", "right")
    visit.say("address.kind", "rural").say("address.area", "130203")
    visit.say("address.rural", {"township": "果园乡", "village": "二村", "detail": ""})
    return visit.say("address.no_number", "keep")


def test_who_has_no_id_card_applies_by_the_household_register_and_is_looked_at() -> None:
    visit = by_household(walk(staffed=True))
    transaction = filed(visit.until("review").say("review", True))
    document = transaction.document
    assert document["identified"] == "household"
    assert (document["name"], document["id_number"]) == (ZHANG.name, ZHANG.number)
    assert document["ethnic"] == "11"
    assert document["id_valid_from"] == document["id_valid_to"] == ""
    assert (document["page_1_sha256"], document["page_2_sha256"]) == (PAGE.sha256, "2" * 64)
    assert transaction.attachments["page_1"] == PAGE.jpeg
    assert set(transaction.attachments) <= set(KIND.attachments)
    # No staff can vouch that the papers are theirs.
    assert transaction.proof.level is Level.P0 and transaction.proof.staff is None
    assert "on_paper" in transaction.proof.reasons


def test_without_a_chip_no_face_is_compared_and_nobody_is_asked_for_it() -> None:
    visit = by_household(walk(comparison=Place.TERMINAL))
    assert "face_not_compared" in filed(visit).proof.reasons
    assert "comparison.consent" not in {event.prompt for event in visit.events}


def test_a_page_that_is_hard_to_read_is_said_to_the_centre() -> None:
    unclear = dataclasses.replace(OWN_PAGE, legible=False)
    reasons = filed(by_household(walk(), unclear)).proof.reasons
    assert "page_unclear" in reasons
    assert "page_unclear" not in filed(by_household(walk())).proof.reasons


def test_nothing_is_asked_of_the_centre_about_who_shows_no_card() -> None:
    """Whoever knows a name and a number by heart would learn whether that person has a card."""
    visit = by_household(walk(online=True))
    asked = {event.prompt for event in visit.events}
    assert not asked & {"eligibility.ask", "unfinished.ask"}


def test_a_number_with_an_error_is_named_as_it_is_typed_and_the_age_is_asked_back() -> None:
    visit = walk().until("identity.id_card").say("identity.id_card", None)
    wrong = ZHANG.number[:16] + str((int(ZHANG.number[16]) + 1) % 10) + ZHANG.number[17]
    with pytest.raises(Unacceptable) as caught:
        visit.visit.answer({**WHO, "id_number": wrong})
    assert (caught.value.message, caught.value.field) == ("rule.id_number.check", "id_number")
    visit.say("papers.who", WHO)
    assert visit.prompt.facts == {"age": 69}
    visit.say("papers.age", "wrong")
    assert [box.initial for box in visit.prompt.fields] == [ZHANG.name, ZHANG.number]


def test_what_was_typed_can_be_changed_from_the_review_and_the_pages_stay() -> None:
    visit = by_household(walk()).until("review")
    visit.visit.revise("papers")
    visit.say("papers.who", {**WHO, "name": "张建军"}).say("papers.age", "right")
    visit.say("papers.ethnic", "other")
    assert visit.at == "review"
    rows = {row.label: row.value for row in visit.prompt.rows}
    assert (rows["form.name"], rows["form.ethnic"]) == ("张建军", "见户口簿")
    assert filed(visit).document["ethnic"] == ""


def test_a_minor_by_the_household_register_is_sent_to_the_guardian() -> None:
    from tests.flows.counter import number

    visit = walk().until("identity.id_card").say("identity.id_card", None)
    visit.say("papers.who", {**WHO, "id_number": number("20130316")}).say("papers.age", "right")
    visit.say("papers.ethnic", "01").say("papers.household_first", PAGE)
    visit.say("papers.household_own", PAGE)
    assert visit.at == "apply.under_age"


def test_where_the_policy_wants_the_card_itself_nobody_goes_on_without() -> None:
    visit = walk(policy_with(("household = true", "household = false"))).until("identity.id_card")
    assert visit.prompt == PlaceIdCard("identity.id_card")
    with pytest.raises(Unacceptable):
        visit.visit.answer(None)


def test_a_camera_that_fails_at_a_page_ends_the_visit_with_its_words() -> None:
    visit = walk().until("identity.id_card").say("identity.id_card", None)
    visit.say("papers.who", WHO).say("papers.age", "right").say("papers.ethnic", "01")
    visit.visit.fault(DeviceFault(FaultCode.CAMERA_ABSENT))
    assert visit.visit.outcome is not None
    assert (visit.visit.outcome.ending, visit.visit.outcome.fault) == (
        Ending.FAULT,
        FaultCode.CAMERA_ABSENT,
    )


# -- who, how the card is handed out, the electronic card ------------------------------------------


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_each_kind_of_person_stands_on_the_form(kind: str) -> None:
    visit = walk().until("apply.who").say("apply.who", kind)
    if kind == "employee":
        visit.say("apply.unit", "self")
    assert filed(visit).document["person_kind"] == kind


def test_the_insurance_number_is_optional_and_stands_on_the_form() -> None:
    assert filed(walk()).document["insurance_no"] == ""
    visit = walk().until("telephone.number")
    with pytest.raises(Unacceptable):
        visit.visit.answer({**PHONE, "insurance_no": "x"})
    visit.say("telephone.number", {**PHONE, "insurance_no": "b0012345"})
    visit.say("telephone.read_back", "wrong")
    assert [box.initial for box in visit.prompt.fields] == [PHONE["phone"], "B0012345"]
    visit.say("telephone.number", {**PHONE, "insurance_no": "b0012345"})
    visit.say("telephone.read_back", "right").until("review")
    assert ("form.insurance_no", "B0012345") in [(r.label, r.value) for r in visit.prompt.rows]
    assert filed(visit).document["insurance_no"] == "B0012345"


def test_outlets_that_make_cards_at_once_are_marked_and_the_receipt_says_so() -> None:
    visit = walk().until("pickup.outlet")
    marked = [option.value for option in visit.prompt.options if option.icon == "flash"]
    assert marked == ["icbc-lubei"] and visit.prompt.options[0].detail.startswith("当场制卡")
    document = filed(visit).document
    assert (document["outlet"], document["pickup"]) == ("icbc-lubei", "instant")
    visit.until("filing.print")
    assert "apply.slip.instant" in visit.prompt.slip.notes
    usual = walk().until("pickup.outlet").say("pickup.outlet", "icbc-lunan")
    assert filed(usual).document["pickup"] == "outlet"
    usual.until("filing.print")
    assert "apply.slip.days" in usual.prompt.slip.notes
    assert "apply.slip.instant" not in usual.prompt.slip.notes


def test_mail_is_offered_only_where_the_policy_has_it() -> None:
    assert "mail" not in [o.value for o in walk().until("pickup.outlet").prompt.options]
    visit = walk(policy_with(MAILED)).until("pickup.outlet").say("pickup.outlet", "mail")
    document = filed(visit).document
    assert (document["bank"], document["outlet"], document["pickup"]) == ("icbc", "", "mail")
    slip = visit.until("filing.print").prompt.slip
    assert "apply.slip.mail" in slip.notes and "apply.slip.bring" not in slip.notes
    assert "form.outlet_phone" not in dict(slip.rows)


def test_a_bank_that_hands_out_its_own_cards_sends_none() -> None:
    visit = walk(policy_with(MAILED)).until("pickup.bank").say("pickup.bank", "hebeirc")
    assert "mail" not in [option.value for option in visit.prompt.options]


def test_the_electronic_card_is_agreed_to_or_not_and_can_be_changed() -> None:
    visit = walk()
    assert visit.prompt.exception
    visit.say("apply.notice", Agreement(NOW, exception=True)).until("review")
    assert ("form.electronic", "electronic.no") in [(r.label, r.value) for r in visit.prompt.rows]
    visit.visit.revise("apply.notice")
    visit.say("apply.notice", AGREED)
    assert visit.at == "review"
    assert filed(visit).document["electronic"] is True


def test_where_no_electronic_card_is_made_nobody_is_asked() -> None:
    visit = walk(policy_with(PLASTIC_ONLY))
    assert not visit.prompt.exception
    assert "electronic" not in [point for point, _ in visit.prompt.points]
    visit.until("review")
    assert "form.electronic" not in [row.label for row in visit.prompt.rows]
    assert filed(visit).document["electronic"] is False


def test_the_photo_is_taken_again_by_nobody_who_changes_the_kind_of_person() -> None:
    visit = walk().until("review")
    visit.visit.revise("apply.who")
    visit.say("apply.who", "flexible")
    assert visit.at == "review" and visit.prompt.photo == CAPTURE.photo
