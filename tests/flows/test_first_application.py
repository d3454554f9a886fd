"""首次申领: every branch, by sending answers."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.capture import Capture
from kiosk.photo.verify import Band, Comparison
from kiosk.records.address import RuralAddress, UrbanAddress
from kiosk.records.application import Consent, SignedApplication
from kiosk.records.submission import Eligibility, Standing, Standpoint, Verdict
from kiosk.services.first_application import PHOTO_TRIES, ApplyFirst
from kiosk.visit.flow import Ending, Unacceptable
from kiosk.visit.prompts import Advice, Choice, Done, Review, Row, Sign, Strokes
from kiosk.words import Words
from tests.flows.counter import (
    APPLICATION,
    CAPTURE,
    CHILD,
    CONTEXT,
    ELIGIBLE,
    NOW,
    OFFLINE,
    PHONE,
    PHOTO,
    QUEUED,
    SIGNATURE,
    SUBMITTED,
    ZHANG,
    Walk,
    number,
    social_card,
)


def walk() -> Walk:
    return Walk(ApplyFirst)


def finished(visit: Walk) -> bool:
    outcome = visit.visit.outcome
    return outcome is not None and outcome.ending is Ending.DONE


def submitted(visit: Walk) -> SignedApplication:
    """What would be sealed, at the submit prompt."""
    transaction = visit.prompt.transaction
    assert isinstance(transaction, SignedApplication)
    return transaction


# -- the whole way -------------------------------------------------------------------------------


def test_an_adult_applies_from_first_touch_to_receipt() -> None:
    visit = walk()
    for prompt_id, answer in APPLICATION:
        visit.say(prompt_id, answer)
    assert finished(visit)
    assert visit.visit.outcome is not None and visit.visit.outcome.committed


def test_nothing_that_the_chip_holds_is_typed() -> None:
    """Domain R-B11: name and number are read, the citizen types a telephone number only."""
    typed = [prompt for prompt, answer in APPLICATION if isinstance(answer, dict)]
    assert typed == ["apply.phone", "apply.phone_again"]


def test_the_form_holds_the_nine_items_and_is_what_is_signed() -> None:
    visit = walk().until("apply.sign")
    assert isinstance(visit.prompt, Sign)
    document = visit.prompt.document
    application = submitted(visit.say("apply.sign", SIGNATURE)).application
    assert application.sha256 == document
    form = application.form()
    nine = ["name", "sex", "id_number", "birth", "ethnic", "special_group", "phone", "address"]
    assert all(form[item] for item in [*nine, "photo_sha256"])


def test_a_field_altered_after_signing_no_longer_matches_the_signature() -> None:
    visit = walk().until("apply.sign")
    document = visit.prompt.document
    signed = submitted(visit.say("apply.sign", SIGNATURE))
    forged = dataclasses.replace(signed.application, phone="13911111111")
    assert forged.sha256 != document


def test_both_consents_are_recorded_with_their_time_and_text_version() -> None:
    signed = submitted(walk().until("apply.submit"))
    assert [(c.text_id, c.agreed_at) for c in signed.consents] == [
        ("apply.notice", NOW),
        ("apply.photo_notice", NOW),
    ]
    assert all(consent.text_version for consent in signed.consents)


def test_a_fee_that_was_approved_is_never_called_free() -> None:
    """Domain R-B7: the words follow the policy, on the first page and on the receipt."""
    policy = dataclasses.replace(CONTEXT.policy, first_card_fee=20)
    visit = Walk(ApplyFirst, dataclasses.replace(CONTEXT, policy=policy))
    assert visit.prompt.points[0][0] == "fee_due"
    visit.until("apply.print")
    assert "apply.slip.fee_due" in visit.prompt.slip.notes
    assert visit.prompt.slip.facts["fee"] == 20
    assert walk().prompt.points[0][0] == "fee"


# -- who may apply -------------------------------------------------------------------------------


def test_a_guardian_is_sent_to_the_window() -> None:
    visit = walk().until("apply.who").say("apply.who", "child")
    visit.say("apply.child", True)
    assert finished(visit)


def test_a_unit_member_is_told_of_the_unit_route_and_may_go_on() -> None:
    visit = walk().until("apply.who").say("apply.who", "unit").say("apply.unit", "self")
    assert visit.at == "apply.id_card"
    visit = walk().until("apply.who").say("apply.who", "unit").say("apply.unit", "leave")
    assert finished(visit)


def test_under_age_is_sent_to_the_guardian_route() -> None:
    visit = walk().until("apply.id_card").say("apply.id_card", CHILD)
    assert isinstance(visit.prompt, Advice)
    visit.say("apply.under_age", True)
    assert finished(visit)


@pytest.mark.parametrize(
    ("birth", "expected"),
    [("20101124", "apply.eligibility"), ("20101125", "apply.under_age")],
)
def test_the_sixteenth_birthday_is_the_first_day_one_may_apply(birth: str, expected: str) -> None:
    card = dataclasses.replace(ZHANG, birth=birth, number=number(birth))
    assert walk().until("apply.id_card").say("apply.id_card", card).at == expected


def test_a_residence_permit_is_refused_and_another_card_may_be_put_down() -> None:
    permit = dataclasses.replace(ZHANG, kind="J")
    visit = walk().until("apply.id_card").say("apply.id_card", permit)
    visit.say("identify.other_kind", "again").say("apply.id_card", ZHANG)
    assert visit.at == "apply.eligibility"
    visit = walk().until("apply.id_card").say("apply.id_card", permit)
    assert finished(visit.say("identify.other_kind", "leave"))


WRONG_CHECK = ZHANG.number[:17] + ("0" if ZHANG.number[17] != "0" else "1")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"number": WRONG_CHECK}, id="wrong check digit"),
        pytest.param({"number": number("19570230"), "birth": "19570230"}, id="impossible date"),
        pytest.param({"birth": "19570317"}, id="birth date differs from the number"),
        pytest.param({"sex_code": "2"}, id="sex differs from the number"),
        pytest.param({"valid_from": "20101301"}, id="impossible validity"),
    ],
)
def test_a_chip_that_contradicts_itself_is_not_used(changes: dict[str, Any]) -> None:
    card = dataclasses.replace(ZHANG, **changes)
    visit = walk().until("apply.id_card").say("apply.id_card", card)
    assert visit.at == "identify.unusable"
    assert visit.say("identify.unusable", "again").at == "apply.id_card"


def test_an_expired_identity_card_ends_with_advice() -> None:
    card = dataclasses.replace(ZHANG, valid_to="20261123")
    visit = walk().until("apply.id_card").say("apply.id_card", card)
    assert finished(visit.say("identify.expired", True))


@pytest.mark.parametrize(
    "standing", [Standing.PERSON_UNKNOWN, Standing.MISMATCH, Standing.DUPLICATE]
)
def test_each_refusal_of_the_centre_has_its_own_words(standing: Standing) -> None:
    visit = walk().until("apply.eligibility").say("apply.eligibility", Eligibility(standing))
    assert finished(visit.say(f"apply.refused.{standing}", True))


@pytest.mark.parametrize(
    ("card", "advice"),
    [
        (social_card(3), "apply.card_serves"),
        (social_card(2, date(2026, 11, 24)), "apply.card_serves"),
        (social_card(2, date(2026, 11, 23)), "apply.card_expired"),
    ],
)
def test_a_holder_may_see_whether_their_card_still_serves(card: Any, advice: str) -> None:
    held = Eligibility(Standing.NOT_PERMITTED, "has_card")
    visit = walk().until("apply.eligibility").say("apply.eligibility", held)
    visit.say("apply.has_card", "read").say("apply.read_card", card)
    assert finished(visit.say(advice, True))


def test_a_foreign_card_in_the_slot_ends_with_advice_not_with_an_error() -> None:
    held = Eligibility(Standing.NOT_PERMITTED, "has_card")
    visit = walk().until("apply.eligibility").say("apply.eligibility", held)
    visit.say("apply.has_card", "read")
    visit.visit.fault(DeviceFault(FaultCode.CARD_FOREIGN))
    assert finished(visit.say("apply.card_unreadable", True))


def test_offline_the_citizen_is_asked_whether_they_have_a_card() -> None:
    visit = walk().until("apply.eligibility").say("apply.eligibility", OFFLINE)
    assert visit.say("apply.have_card", "no").at == "apply.phone"
    visit = walk().until("apply.eligibility").say("apply.eligibility", OFFLINE)
    visit.say("apply.have_card", "yes")
    assert finished(visit.say("apply.has_card", "leave"))


# -- what is typed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "message"),
    [
        ("", "field.empty"),
        ("1390000000", "rule.phone.length"),
        ("12900000000", "rule.phone.start"),
        ("1390000000a", "rule.phone.digits"),
    ],
)
def test_a_wrong_telephone_number_is_named_at_its_field(phone: str, message: str) -> None:
    visit = walk().until("apply.phone")
    with pytest.raises(Unacceptable) as caught:
        visit.visit.answer({"phone": phone})
    assert (caught.value.message, caught.value.field) == (message, "phone")
    assert visit.at == "apply.phone"


def test_the_second_telephone_number_must_equal_the_first() -> None:
    visit = walk().until("apply.phone_again")
    with pytest.raises(Unacceptable, match=r"field\.phone\.differs"):
        visit.visit.answer({"phone": "13900000001"})


def elsewhere(visit: Walk, kind: str) -> Walk:
    """At the address form, for somebody who does not live where the chip says."""
    visit.until("apply.address_same").say("apply.address_same", "other")
    return visit.say("apply.address_kind", kind).say("apply.area", "130203")


def test_an_urban_address_is_written_as_the_notice_asks() -> None:
    parts = {"estate": "张北小区", "building": "19楼", "entrance": "1", "room": "401"}
    visit = elsewhere(walk(), "urban").say("apply.address_urban", parts)
    visit.until("apply.submit")
    address = submitted(visit).application.address
    assert isinstance(address, UrbanAddress)
    assert address.text == "唐山市路北区张北小区19楼1门401号"


def test_a_rural_address_keeps_its_leading_zero() -> None:
    parts = {"township": "果园乡", "village": "二村", "detail": "8排058号"}
    visit = elsewhere(walk(), "rural").say("apply.address_rural", parts)
    visit.until("apply.submit")
    address = submitted(visit).application.address
    assert isinstance(address, RuralAddress)
    assert address.text == "唐山市路北区果园乡二村8排058号"


def test_a_missing_room_is_named_at_its_field() -> None:
    visit = elsewhere(walk(), "urban")
    with pytest.raises(Unacceptable) as caught:
        visit.visit.answer({"estate": "张北小区", "building": "19", "entrance": "", "room": ""})
    assert caught.value.field == "room"


def test_an_address_the_chip_gives_in_no_known_form_is_typed() -> None:
    card = dataclasses.replace(ZHANG, address="河北省唐山市路北区某处")
    visit = walk().until("apply.id_card").say("apply.id_card", card)
    visit.say("apply.eligibility", ELIGIBLE).say("apply.phone", PHONE)
    assert visit.say("apply.phone_again", PHONE).at == "apply.address_kind"


def test_banks_stand_in_the_order_of_their_pinyin_and_none_is_preselected() -> None:
    visit = walk().until("apply.bank")
    assert isinstance(visit.prompt, Choice)
    assert [option.value for option in visit.prompt.options] == [
        "icbc",
        "ccb",
        "abc",
        "boc",
        "psbc",
    ]
    assert visit.visit.suggestion is None


def test_outlets_of_the_own_district_come_first() -> None:
    visit = walk().until("apply.bank").say("apply.bank", "icbc")
    assert visit.prompt.options[0].value == "icbc-lubei"


# -- photo, review, signature --------------------------------------------------------------------


def tries(number: int) -> list[Capture]:
    """So many photos, told apart by their hash."""
    return [
        dataclasses.replace(CAPTURE, photo=dataclasses.replace(PHOTO, sha256=str(place) * 64))
        for place in range(number)
    ]


def test_of_three_tries_the_citizen_chooses_the_one_they_like() -> None:
    visit = walk().until("apply.photo")
    taken = tries(PHOTO_TRIES)
    for attempt, capture in enumerate(taken, 1):
        assert visit.prompt.attempt == attempt
        visit.say("apply.photo", capture)
        assert visit.prompt.captures == tuple(taken[:attempt])
        assert visit.prompt.tries_left == PHOTO_TRIES - attempt
        if attempt < PHOTO_TRIES:
            visit.say("apply.choose_photo", "again")
    for unknown in ("again", "0", "4", "use"):
        with pytest.raises(Unacceptable):
            visit.visit.answer(unknown)
    visit.say("apply.choose_photo", "2")
    assert visit.at == "apply.review"
    assert visit.prompt.photo == taken[1].photo
    evidence = submitted(visit.until("apply.submit")).evidence
    assert evidence.capture == taken[1]
    assert evidence.tries == PHOTO_TRIES


def test_who_cannot_take_off_a_head_covering_is_marked_and_goes_on() -> None:
    """Domain R-D16: to review by a person, never a refusal."""
    visit = walk().until("apply.head_covering").say("apply.head_covering", "cannot")
    assert visit.prompt.excused
    assert submitted(visit.until("apply.submit")).evidence.head_covering
    assert not submitted(walk().until("apply.submit")).evidence.head_covering


# -- the face against the chip's portrait ---------------------------------------------------------

PORTRAIT = bytes(102 * 126 * 3)
WITH_PORTRAIT = dataclasses.replace(ZHANG, portrait=PORTRAIT)


def at_consent(comparison: str) -> Walk:
    """As far as the separate consent, on a terminal that compares faces there."""
    visit = Walk(ApplyFirst, dataclasses.replace(CONTEXT, comparison=comparison))
    visit.until("apply.id_card").say("apply.id_card", WITH_PORTRAIT)
    visit.until("apply.choose_photo").say("apply.choose_photo", "1")
    assert visit.at == "apply.compare_consent"
    return visit


def test_nobody_is_asked_where_nothing_is_compared() -> None:
    """No method here, or no portrait from the chip: then no consent is asked, and it is said so."""
    assert submitted(walk().until("apply.submit")).evidence.comparison.why == "no_method"
    visit = Walk(ApplyFirst, dataclasses.replace(CONTEXT, comparison="terminal"))
    evidence = submitted(visit.until("apply.submit")).evidence
    assert (evidence.comparison.band, evidence.comparison.why) == ("cannot_tell", "no_portrait")


def test_declining_the_comparison_changes_nothing_but_what_is_recorded() -> None:
    visit = at_consent("terminal").say("apply.compare_consent", None)
    assert visit.at == "apply.review"
    signed = submitted(visit.until("apply.submit"))
    assert signed.evidence.comparison.why == "declined"
    assert [consent.text_id for consent in signed.consents] == [
        "apply.notice",
        "apply.photo_notice",
    ]


@pytest.mark.parametrize("band", Band)
def test_whatever_the_comparison_says_the_application_goes_on(band: Band) -> None:
    visit = at_consent("terminal").say("apply.compare_consent", NOW)
    assert visit.prompt.portrait == PORTRAIT
    visit.say("apply.compare", Comparison(band, 0.5, "test"))
    assert visit.at == "apply.review"
    signed = submitted(visit.until("apply.submit"))
    assert signed.evidence.comparison.band is band
    assert signed.evidence.portrait is None
    assert signed.consents[-1] == Consent("apply.compare_consent", signed.policy_version, NOW)


def test_the_portrait_leaves_the_terminal_only_to_be_compared_at_the_centre() -> None:
    visit = at_consent("central").say("apply.compare_consent", NOW)
    evidence = submitted(visit.until("apply.submit")).evidence
    assert evidence.comparison.why == "at_central"
    assert evidence.portrait == PORTRAIT
    visit = at_consent("central").say("apply.compare_consent", None)
    assert submitted(visit.until("apply.submit")).evidence.portrait is None


def test_the_review_shows_everything_and_offers_to_change_what_was_typed() -> None:
    visit = walk().until("apply.review")
    assert isinstance(visit.prompt, Review)
    rows: tuple[Row, ...] = visit.prompt.rows
    assert all(row.value for row in rows)
    assert visit.prompt.photo == PHOTO
    changeable = {row.revise for row in rows if row.revise}
    answered = {prompt for prompt, _ in APPLICATION}
    assert changeable <= answered


def test_a_changed_telephone_number_leads_straight_back_to_the_review() -> None:
    visit = walk().until("apply.review")
    visit.visit.revise("apply.phone")
    other = {"phone": "13911111111"}
    visit.say("apply.phone", other).say("apply.phone_again", other)
    assert visit.at == "apply.review"
    assert any(row.value == "13911111111" for row in visit.prompt.rows)


def test_a_changed_bank_asks_for_its_outlet_and_nothing_else() -> None:
    visit = walk().until("apply.review")
    visit.visit.revise("apply.bank")
    visit.say("apply.bank", "ccb").say("apply.outlet", "ccb-lubei")
    assert visit.at == "apply.review"


def test_changing_data_after_signing_asks_for_the_signature_again() -> None:
    visit = walk().until("apply.sign")
    before = visit.prompt.document
    visit.visit.back()
    visit.visit.revise("apply.special_group")
    visit.say("apply.special_group", "veteran").say("apply.review", True)
    assert visit.at == "apply.sign"
    assert visit.prompt.document != before


@pytest.mark.parametrize("lines", [(), (((500, 500),),), (((500, 500), (510, 505)),)])
def test_an_empty_signature_is_refused(lines: Any) -> None:
    visit = walk().until("apply.sign")
    with pytest.raises(Unacceptable, match=r"prompt\.sign\.empty"):
        visit.visit.answer(Strokes(lines, NOW))
    assert visit.at == "apply.sign"


# -- submitted -----------------------------------------------------------------------------------


def hand_over(verdict: Verdict) -> Walk:
    visit = walk().until("apply.verdict")
    return visit.say("apply.verdict", verdict)


def test_no_way_back_once_submitted() -> None:
    visit = walk().until("apply.submit")
    assert visit.visit.can_go_back
    visit.say("apply.submit", SUBMITTED)
    assert not visit.visit.can_go_back


def test_a_queued_application_is_never_called_accepted() -> None:
    visit = hand_over(QUEUED)
    assert visit.prompt.slip.state == "state.queued"
    done = visit.say("apply.print", None).prompt
    assert isinstance(done, Done)
    assert (done.id, done.state) == ("apply.saved", "waiting")


@pytest.mark.parametrize(
    ("standpoint", "reason", "words"),
    [
        (Standpoint.REJECTED, "person_unknown", "person_unknown"),
        (Standpoint.REJECTED, "", "not_permitted"),
        (Standpoint.DUPLICATE, "", "duplicate_application"),
    ],
)
def test_a_refusal_after_upload_is_said_on_screen_and_receipt(
    standpoint: Standpoint, reason: str, words: str
) -> None:
    visit = hand_over(Verdict(standpoint, reason))
    assert visit.prompt.slip.state == f"state.{standpoint}"
    assert visit.prompt.slip.notes == (f"apply.refused.{words}.text",)
    assert Words().has(f"apply.refused.{words}.text")
    assert visit.say("apply.print", None).at == "apply.not_accepted"


def test_paper_out_leaves_the_application_submitted_and_tells_the_citizen() -> None:
    visit = walk().until("apply.print")
    visit.visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    assert visit.at == "apply.done"
    assert visit.prompt.number == SUBMITTED.receipt_no
    assert "receipt.not_printed" in visit.prompt.lines
    visit.say("apply.done", True)
    assert visit.visit.outcome is not None and visit.visit.outcome.committed


def test_the_receipt_masks_the_citizen_and_names_no_telephone() -> None:
    slip = walk().until("apply.print").prompt.slip
    printed = " ".join(value for _, value in slip.rows)
    assert "张*国" in printed
    assert ZHANG.name not in printed and ZHANG.number not in printed
    assert PHONE["phone"] not in printed


def test_an_outbox_that_fails_ends_the_visit_with_nothing_submitted() -> None:
    visit = walk().until("apply.submit")
    visit.visit.fault(DeviceFault(FaultCode.OUTBOX_UNAVAILABLE))
    outcome = visit.visit.outcome
    assert outcome is not None
    assert (outcome.ending, outcome.committed) == (Ending.FAULT, False)


@pytest.mark.parametrize("step", [name for name, _ in APPLICATION])
def test_walking_away_at_any_prompt_ends_and_wipes_the_visit(step: str) -> None:
    visit = walk().until(step)
    prompt = visit.prompt
    visit.visit.tick(1e6)
    if prompt.idle_s is None:
        assert visit.at == step, "a device is at work: nobody is hurried"
        return
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.IDLE
    names = [name for name, _ in APPLICATION]
    assert outcome.committed is (names.index(step) > names.index("apply.submit"))


@pytest.mark.parametrize("step", [name for name, _ in APPLICATION])
def test_a_device_fault_at_any_prompt_ends_the_visit_or_is_explained(step: str) -> None:
    visit = walk().until(step)
    visit.visit.fault(DeviceFault(FaultCode.INTERNAL))
    if step == "apply.print":
        assert visit.at == "apply.done"
    else:
        assert visit.visit.outcome is not None
        assert visit.visit.outcome.ending is Ending.FAULT
