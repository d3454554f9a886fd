"""给孩子申领: a guardian for a child, by sending answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band, Comparison, Place
from kiosk.records.proof import Level
from kiosk.records.staff import Staff
from kiosk.records.transaction import Transaction
from kiosk.services.minor_application import ApplyForMinor
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import Agreement, Compared
from sync.kinds.minor_application import KIND
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    CAPTURE,
    CONTEXT,
    ELIGIBLE,
    FRIEND,
    HAS_CARD,
    NOW,
    PAGE,
    PHONE,
    PHOTO,
    QUEUED,
    SIGNATURE,
    SUBMITTED,
    TO_REVIEW,
    ZHANG,
    Walk,
    number,
)

#: The guardian; children of 13, of 5 and of 15 years; all of them nobody.
MOTHER = FRIEND
HEAD_PAGE = dataclasses.replace(PAGE, sha256="4" * 64)
OWN_PAGE = dataclasses.replace(PAGE, sha256="2" * 64)
CHILD = {"name": "周小满", "id_number": number("20130316")}
SMALL = {"name": "周小满", "id_number": number("20210316")}
CHIP = dataclasses.replace(ZHANG, name="周小满", birth="20110316", number=number("20110316"))


def minor(child: dict[str, str] = CHILD) -> tuple[tuple[str, Any], ...]:
    """By the household register, prompt by prompt."""
    small = child is SMALL
    photo = () if small else (("minor.face", AGREED), *PHOTOGRAPHED)
    return (
        ("minor.notice", AGREED),
        ("identity.id_card", MOTHER),
        ("guardian.relation", "mother"),
        ("child.known_by", "household"),
        ("child.who", child),
        ("child.age", "right"),
        ("child.ethnic", "01"),
        ("child.household_first", PAGE),
        ("child.household_head", HEAD_PAGE),
        ("child.household_own", OWN_PAGE),
        ("eligibility.have_card", "no"),
        *DETAILS,
        *photo,
        ("review", True),
        ("signature", SIGNATURE),
        ("filing.submit", SUBMITTED),
        ("filing.verdict", TO_REVIEW),
        ("filing.print", None),
        ("minor.to_review", True),
    )


DETAILS = (
    ("telephone.number", PHONE),
    ("telephone.read_back", "right"),
    ("address.same", "same"),
    ("apply.special_group", "none"),
    ("pickup.bank", "icbc"),
    ("pickup.outlet", "icbc-lunan"),
)
PHOTOGRAPHED = (("photo.notice", AGREED), ("photo.take", CAPTURE), ("photo.choose", "1"))


def walk(**changes: Any) -> Walk:
    return Walk(ApplyForMinor, dataclasses.replace(CONTEXT, **changes))


def filed(visit: Walk, steps: tuple[tuple[str, Any], ...] | None = None) -> Transaction:
    transaction = visit.until("filing.submit", steps or minor()).prompt.transaction
    assert isinstance(transaction, Transaction)
    form = KIND.document.model_validate(transaction.document)
    assert form.model_dump(mode="json", exclude_unset=True) == transaction.document
    assert set(transaction.document) == set(KIND.document.model_fields)
    assert set(transaction.attachments) <= set(KIND.attachments)
    return transaction


def test_a_guardian_applies_from_first_touch_to_receipt() -> None:
    visit = walk()
    for prompt, answer in minor():
        visit.say(prompt, answer)
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.DONE and outcome.committed


def test_the_form_is_the_childs_and_the_guardian_signs_it() -> None:
    visit = walk().until("signature", minor())
    assert visit.prompt.name == MOTHER.name
    transaction = filed(visit)
    document = transaction.document
    assert (document["name"], document["id_number"]) == (CHILD["name"], CHILD["id_number"])
    assert (document["guardian_name"], document["guardian_id_number"]) == (
        MOTHER.name,
        MOTHER.number,
    )
    assert (document["relation"], document["person_kind"]) == ("mother", "resident")
    assert transaction.person == CHILD["id_number"]
    pages = [document[f"page_{place}_sha256"] for place in (1, 2, 3, 4)]
    assert pages == [PAGE.sha256, HEAD_PAGE.sha256, OWN_PAGE.sha256, ""], "首页、户主页、本人页"
    assert transaction.attachments["page_3"] == OWN_PAGE.jpeg
    assert document["photo_sha256"] == PHOTO.sha256


def test_it_is_always_looked_at_and_never_more_than_the_guardians_proof() -> None:
    proof = filed(walk()).proof
    assert proof.level is Level.P1 and {"minor", "face_not_compared"} <= set(proof.reasons)
    unclear = dataclasses.replace(OWN_PAGE, legible=False)
    steps = tuple((p, unclear if p == "child.household_own" else a) for p, a in minor())
    assert "page_unclear" in filed(walk(), steps).proof.reasons


def test_a_guardian_whom_staff_vouch_for_is_a_guardian_proven() -> None:
    visit = walk(staffed=True).until("guardian.relation", minor())
    visit.say("guardian.relation", "father").say("proof.staff", Staff("007", "declined", NOW))
    proof = filed(visit).proof
    assert proof.level is Level.PG and proof.staff is not None and "minor" in proof.reasons


def test_the_guardians_own_face_is_compared_with_their_own_chip() -> None:
    card = dataclasses.replace(MOTHER, portrait=bytes(102 * 126 * 3))
    visit = walk(comparison=Place.TERMINAL).say("minor.notice", AGREED)
    visit.say("identity.id_card", card).say("guardian.relation", "mother")
    visit.say("comparison.consent", NOW).say("proof.look", CAPTURE)
    visit.say("comparison.compare", Compared(Comparison(Band.MATCH, 0.6, "test"), NOW))
    transaction = filed(visit)
    assert transaction.proof.level is Level.PG
    asked = [event.prompt for event in visit.events if event.kind == "shown"]
    assert asked.count("comparison.consent") == 1, "the child's face is compared with nothing"


def test_below_the_age_of_the_policy_no_photo_is_taken() -> None:
    transaction = filed(walk(), minor(SMALL))
    assert transaction.document["photo_sha256"] == ""
    assert "photo" not in transaction.attachments and transaction.evidence == {}
    consents = [consent.text_id for consent in transaction.consents]
    assert consents == ["minor.notice"]


def test_under_fourteen_the_guardian_consents_to_the_childs_face_by_itself() -> None:
    consents = [consent.text_id for consent in filed(walk()).consents]
    assert consents == ["minor.notice", "minor.face", "photo.notice"]


def turn_over(visit: Walk) -> Walk:
    """Page by page before the camera."""
    visit.say("child.household_first", PAGE).say("child.household_head", HEAD_PAGE)
    return visit.say("child.household_own", OWN_PAGE)


def by_id_card(visit: Walk, card: Any = CHIP) -> Walk:
    visit.until("child.known_by", minor()).say("child.known_by", "id_card")
    return visit.say("child.id_card", card)


def test_a_child_with_an_id_card_is_read_and_the_pages_show_the_relation() -> None:
    visit = by_id_card(walk())
    turn_over(visit)
    visit.say("eligibility.ask", ELIGIBLE)
    for step in DETAILS:
        visit.say(*step)
    assert visit.at == "photo.notice", "of fifteen years: no consent of the guardian by itself"
    transaction = filed(visit)
    assert transaction.document["identified"] == "id_card"
    assert transaction.document["id_address"] == CHIP.address
    assert transaction.document["page_1_sha256"] == PAGE.sha256


def test_the_guardians_own_card_is_not_taken_for_the_childs() -> None:
    visit = by_id_card(walk(), MOTHER)
    visit.say("child.same_card", "again").say("child.id_card", CHIP)
    assert visit.at == "child.household_first"
    visit = by_id_card(walk(), MOTHER).say("child.same_card", "leave")
    assert visit.visit.outcome is not None and visit.visit.outcome.ending is Ending.DONE


@pytest.mark.parametrize("known_by", ["household", "birth_certificate", "id_card"])
def test_another_guardian_shows_what_makes_them_one(known_by: str) -> None:
    """✗ The page said that staff check the proof, which nobody had laid before the camera."""
    paper = dataclasses.replace(PAGE, sha256="3" * 64)
    steps = dict(minor()) | {
        "guardian.relation": "other",
        "child.known_by": known_by,
        "child.id_card": CHIP,
        "child.birth_certificate": PAGE,
    }
    visit = walk()
    while visit.at is not None and visit.at != "guardian.paper":
        visit.say(visit.at, steps[visit.at])
    visit.say("guardian.paper", paper)
    if known_by == "id_card":
        visit.say("eligibility.ask", ELIGIBLE)
        for step in DETAILS:
            visit.say(*step)
    transaction = filed(visit)
    pages = {"birth_certificate": 1}.get(known_by, 3) + 1
    assert transaction.document[f"page_{pages}_sha256"] == paper.sha256
    assert transaction.attachments[f"page_{pages}"] == paper.jpeg


def test_a_child_needs_no_id_card_to_fetch_the_card() -> None:
    """✗ The receipt asked for the child's own ID card, also where it has none."""
    slip = walk().until("filing.print", minor()).prompt.slip
    assert slip.facts["bring"] == "minor.bring"


def test_by_the_birth_certificate_one_page_is_enough() -> None:
    visit = walk().until("child.known_by", minor()).say("child.known_by", "birth_certificate")
    visit.say("child.who", CHILD).say("child.age", "right").say("child.ethnic", "01")
    visit.say("child.birth_certificate", PAGE)
    document = filed(visit).document
    assert (document["identified"], document["page_2_sha256"]) == ("birth_certificate", "")


@pytest.mark.parametrize(
    ("prompt", "answer", "at"),
    [
        ("identity.id_card", CHIP, "guardian.too_young"),
        ("child.who", {**CHILD, "id_number": number("20101124")}, "child.grown_up"),
    ],
)
def test_who_may_not_is_sent_on(prompt: str, answer: Any, at: str) -> None:
    visit = walk().until(prompt, minor()).say(prompt, answer)
    if at == "child.grown_up":
        visit.say("child.age", "right").say("child.ethnic", "01")
        turn_over(visit)
    visit.say(at, True)
    assert visit.visit.outcome is not None and not visit.visit.outcome.committed


def test_a_child_who_has_a_card_already_is_told_so() -> None:
    visit = turn_over(by_id_card(walk())).say("eligibility.ask", HAS_CARD)
    assert visit.at == "existing_card.has_one"


def test_relation_child_and_electronic_card_can_be_changed_from_the_review() -> None:
    visit = walk().say("minor.notice", Agreement(NOW, exception=True)).until("review", minor())
    for step, prompt, answer in (
        ("guardian.relation", "guardian.relation", "father"),
        ("minor.notice", "minor.notice", AGREED),
    ):
        visit.visit.revise(step)
        visit.say(prompt, answer)
        assert visit.at == "review"
    visit.visit.revise("child")
    visit.say("child.known_by", "household").say("child.who", {**CHILD, "name": "周大满"})
    visit.say("child.age", "right").say("child.ethnic", "01")
    assert visit.at == "review"
    document = filed(visit).document
    assert (document["relation"], document["electronic"], document["name"]) == (
        "father",
        True,
        "周大满",
    )


def test_receipt_and_result_name_both_masked() -> None:
    visit = walk().until("filing.print", minor())
    rows = dict(visit.prompt.slip.rows)
    assert rows["form.name"] == "周**" or rows["form.name"].startswith("周")
    said = str(visit.prompt.slip.rows)
    assert CHILD["name"] not in said and MOTHER.name not in said
    assert CHILD["id_number"] not in said and MOTHER.number not in said


@pytest.mark.parametrize("verdict", [ACCEPTED, QUEUED])
def test_each_verdict_has_its_page(verdict: Any) -> None:
    visit = walk().until("filing.verdict", minor()).say("filing.verdict", verdict)
    visit.say("filing.print", None)
    assert visit.at == f"minor.{verdict.standpoint}"


@pytest.mark.parametrize("prompt", ["child.household_first", "child.household_own", "photo.take"])
def test_a_camera_that_fails_ends_the_visit_with_nothing_filed(prompt: str) -> None:
    visit = walk().until(prompt, minor())
    visit.visit.fault(DeviceFault(FaultCode.CAMERA_ABSENT))
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.FAULT and not outcome.committed
