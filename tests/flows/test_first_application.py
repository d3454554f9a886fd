"""首次申领: every branch, by sending answers."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.capture import Capture
from kiosk.photo.faces import Band, Comparison, Place
from kiosk.records.proof import Level
from kiosk.records.signature import Strokes
from kiosk.records.staff import Staff
from kiosk.records.submission import Reply, Standpoint, Verdict
from kiosk.records.transaction import Consent, Transaction
from kiosk.services.first_application import ApplyFirst
from kiosk.steps.filing import Paper, report
from kiosk.visit.flow import Ending, Unacceptable
from kiosk.visit.prompts import (
    Advice,
    Agreement,
    AskStaff,
    Choice,
    Compared,
    Done,
    Review,
    Row,
    Sign,
)
from kiosk.words import Words
from sync.canonical import canonical, sha256_hex
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    APPLICATION,
    CAPTURE,
    CHILD,
    CONTEXT,
    ELIGIBLE,
    HAS_CARD,
    KNOWN,
    NOW,
    OFFLINE,
    OLD_CARD,
    PHONE,
    PHOTO,
    POLICY,
    QUEUED,
    SIGNATURE,
    SUBMITTED,
    TO_REVIEW,
    ZHANG,
    Walk,
    number,
    social_card,
)
from tests.flows.packs import CHARGED, policy_with
from tests.flows.test_card_replacement import LOST


def walk() -> Walk:
    return Walk(ApplyFirst)


def finished(visit: Walk) -> bool:
    outcome = visit.visit.outcome
    return outcome is not None and outcome.ending is Ending.DONE


def submitted(visit: Walk) -> Transaction:
    """What would be sealed, at the submit prompt."""
    transaction = visit.prompt.transaction
    assert isinstance(transaction, Transaction)
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
    assert typed == ["telephone.number"]


def test_the_form_holds_the_nine_items_and_is_what_is_signed() -> None:
    visit = walk().until("signature")
    assert isinstance(visit.prompt, Sign)
    document = visit.prompt.document
    transaction = submitted(visit.say("signature", SIGNATURE))
    assert transaction.sha256 == document
    nine = ["name", "sex", "id_number", "birth", "ethnic", "special_group", "phone", "address"]
    assert all(transaction.document[item] for item in [*nine, "photo_sha256"])


def test_a_field_altered_after_signing_no_longer_matches_the_signature() -> None:
    visit = walk().until("signature")
    document = visit.prompt.document
    signed = submitted(visit.say("signature", SIGNATURE))
    forged = {**signed.document, "phone": "13911111111"}
    assert sha256_hex(canonical(forged)) != document


def test_both_consents_are_recorded_with_their_time_and_text_version() -> None:
    signed = submitted(walk().until("filing.submit"))
    assert [(c.text_id, c.agreed_at) for c in signed.consents] == [
        ("apply.notice", NOW),
        ("photo.notice", NOW),
    ]
    texts = [POLICY.consent(consent.text_id) for consent in signed.consents]
    assert [(c.text_version, c.text_sha256) for c in signed.consents] == [
        (text.version, text.sha256) for text in texts
    ]


def test_a_fee_that_was_approved_is_never_called_free() -> None:
    """Domain R-B7: the words follow the policy, on the first page and on the receipt."""
    policy = policy_with(CHARGED)
    visit = Walk(ApplyFirst, dataclasses.replace(CONTEXT, policy=policy))
    assert visit.prompt.points[0][0] == "fee_due"
    visit.until("filing.print")
    assert "apply.slip.fee_due" in visit.prompt.slip.notes
    assert visit.prompt.slip.facts["fee"] == 20
    assert walk().prompt.points[0][0] == "fee"


def test_the_first_page_says_how_long_it_takes_and_who_makes_cards_at_once() -> None:
    """Domain R-B16: before anything is entered, as the policy has it."""
    page = walk().prompt
    assert "time" in dict(page.points)
    said = Words("zh_CN").say("apply.notice.time.title", **page.facts)
    assert "30 天内" in said
    assert "当场制卡" in Words("zh_CN").say("apply.notice.time.text", **page.facts)


# -- who may apply -------------------------------------------------------------------------------


def test_a_guardian_is_sent_to_the_window() -> None:
    visit = walk().until("apply.who").say("apply.who", "child")
    visit.say("apply.child", True)
    assert finished(visit)


def test_a_unit_member_is_told_of_the_unit_route_and_may_go_on() -> None:
    visit = walk().until("apply.who").say("apply.who", "employee").say("apply.unit", "self")
    assert visit.at == "identity.id_card"
    assert submitted(visit.until("filing.submit")).document["person_kind"] == "employee"
    visit = walk().until("apply.who").say("apply.who", "employee").say("apply.unit", "leave")
    assert finished(visit)


def test_under_age_is_sent_to_the_guardian_route() -> None:
    visit = walk().until("identity.id_card").say("identity.id_card", CHILD)
    assert isinstance(visit.prompt, Advice)
    visit.say("apply.under_age", True)
    assert finished(visit)


@pytest.mark.parametrize(
    ("birth", "expected"),
    [("20101124", "eligibility.ask"), ("20101125", "apply.under_age")],
)
def test_the_sixteenth_birthday_is_the_first_day_one_may_apply(birth: str, expected: str) -> None:
    card = dataclasses.replace(ZHANG, birth=birth, number=number(birth))
    assert walk().until("identity.id_card").say("identity.id_card", card).at == expected


def test_a_residence_permit_is_refused_and_another_card_may_be_put_down() -> None:
    permit = dataclasses.replace(ZHANG, kind="J")
    visit = walk().until("identity.id_card").say("identity.id_card", permit)
    visit.say("identity.other_kind", "again").say("identity.id_card", ZHANG)
    assert visit.at == "eligibility.ask"
    visit = walk().until("identity.id_card").say("identity.id_card", permit)
    assert finished(visit.say("identity.other_kind", "leave"))


WRONG_CHECK = ZHANG.number[:17] + ("0" if ZHANG.number[17] != "0" else "1")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"number": WRONG_CHECK}, id="wrong check digit"),
        pytest.param({"number": number("19570230"), "birth": "19570230"}, id="impossible date"),
        pytest.param({"birth": "19570317"}, id="birth date differs from the number"),
        pytest.param({"sex_code": "2"}, id="sex differs from the number"),
        pytest.param({"valid_from": "20101301"}, id="impossible validity"),
        pytest.param({"name": ""}, id="no name"),
    ],
)
def test_a_chip_that_contradicts_itself_is_not_used(changes: dict[str, Any]) -> None:
    card = dataclasses.replace(ZHANG, **changes)
    visit = walk().until("identity.id_card").say("identity.id_card", card)
    assert visit.at == "identity.unusable"
    assert visit.say("identity.unusable", "again").at == "identity.id_card"


def test_an_expired_identity_card_ends_with_advice() -> None:
    card = dataclasses.replace(ZHANG, valid_to="20261123")
    visit = walk().until("identity.id_card").say("identity.id_card", card)
    assert finished(visit.say("identity.expired", True))


@pytest.mark.parametrize("rejection", ["person_unknown", "mismatch", "duplicate_application"])
def test_each_refusal_of_the_centre_has_its_own_words(rejection: str) -> None:
    refused = Reply({"rejection": rejection, "reason": "", "phone": ""})
    visit = walk().until("eligibility.ask").say("eligibility.ask", refused)
    assert finished(visit.say(f"refused.{rejection}", True))


def test_a_note_for_the_window_is_printed_at_a_dead_end() -> None:
    visit = walk().until("apply.who").say("apply.who", "child")
    assert visit.prompt.prints
    visit.say("apply.child", "print")
    slip = visit.prompt.slip
    assert (slip.state, slip.number) == ("state.window", "")
    assert slip.notes == ("apply.child.title", "apply.child.text", "apply.child.next")
    visit.say("advice.print", None)
    assert visit.prompt.lines == ("advice.printed",) and not visit.prompt.prints
    assert finished(visit.say("apply.child", True))


def test_a_note_that_cannot_be_printed_is_said_and_the_words_stay() -> None:
    visit = walk().until("apply.who").say("apply.who", "child").say("apply.child", "print")
    visit.visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    assert visit.prompt.lines == ("fault.printer_paper_out.citizen",)
    assert finished(visit.say("apply.child", True))


def test_without_a_printer_it_is_said_on_the_first_page_and_no_note_is_offered() -> None:
    visit = Walk(ApplyFirst, dataclasses.replace(CONTEXT, printer=False))
    assert visit.prompt.points[0][0] == "no_paper"
    visit.until("apply.who").say("apply.who", "child")
    with pytest.raises(Unacceptable):
        visit.visit.answer("print")
    assert "no_paper" not in [point for point, _ in walk().prompt.points]


@pytest.mark.parametrize(
    ("card", "advice"),
    [
        (social_card(3), "existing_card.serves"),
        (social_card(2, date(2026, 11, 24)), "existing_card.serves"),
        (social_card(2, date(2026, 11, 23)), "existing_card.expired"),
        (social_card(2, None), "existing_card.no_date"),
    ],
)
def test_a_holder_may_see_whether_their_card_still_serves(card: Any, advice: str) -> None:
    visit = walk().until("eligibility.ask").say("eligibility.ask", HAS_CARD)
    visit.say("existing_card.has_one", "read").say("existing_card.read", card)
    assert finished(visit.say(advice, True if advice == "existing_card.no_date" else "leave"))


@pytest.mark.parametrize(
    ("code", "page"),
    [
        (FaultCode.CARD_FOREIGN, "existing_card.unreadable"),
        # It may be good: nobody is sent to have it replaced.
        (FaultCode.CARD_NOT_UNDERSTOOD, "existing_card.not_understood"),
    ],
)
def test_a_card_that_cannot_be_read_ends_with_advice_not_with_an_error(
    code: FaultCode, page: str
) -> None:
    visit = walk().until("eligibility.ask").say("eligibility.ask", HAS_CARD)
    visit.say("existing_card.has_one", "read")
    visit.visit.fault(DeviceFault(code))
    assert finished(visit.say(page, "leave" if code is FaultCode.CARD_FOREIGN else True))


def holder(**context: Any) -> Walk:
    visit = Walk(ApplyFirst, dataclasses.replace(CONTEXT, **context))
    return visit.until("eligibility.ask").say("eligibility.ask", HAS_CARD)


@pytest.mark.parametrize("looks", [False, True])
def test_a_holder_goes_on_to_another_card_with_one_touch_and_is_not_read_again(looks: bool) -> None:
    """R-B15, from the first page of who has none to the receipt of a replacement."""
    visit = holder()
    if looks:
        visit.say("existing_card.has_one", "read").say("existing_card.read", social_card(3))
        visit.say("existing_card.serves", "replace")
    else:
        visit.say("existing_card.has_one", "replace")
    assert visit.visit.under_way is not None and visit.visit.under_way.id == "card_replacement"
    assert visit.visit.stage == "notice"
    visit.say("card_replacement.notice", AGREED).say("card_replacement.ask", OLD_CARD)
    assert visit.prompt.id == "old_card.reason" and visit.visit.stage == "details"
    without_portrait = tuple(step for step in LOST if not step[0].startswith("comparison."))
    visit.say("old_card.reason", "damaged").until("filing.submit", without_portrait)
    transaction = visit.prompt.transaction
    assert transaction.kind == "card_replacement" and transaction.person == ZHANG.number
    agreed = [consent.text_id for consent in transaction.consents]
    assert agreed[0] == "card_replacement.notice" and "apply.notice" not in agreed
    visit.say("filing.submit", SUBMITTED).say("filing.verdict", ACCEPTED).say("filing.print", None)
    assert finished(visit.say("card_replacement.accepted", True))
    assert visit.visit.outcome is not None
    assert visit.visit.outcome.service == "card_replacement"


def test_the_generation_of_a_card_is_a_number_in_english() -> None:
    visit = holder().say("existing_card.has_one", "read")
    page = visit.say("existing_card.read", social_card(3)).prompt
    for language, title in (("zh_CN", "第三代"), ("en", "generation 3")):
        assert title in Words(language).say(f"{page.id}.title", **page.facts)


def test_back_leads_from_the_other_card_to_the_page_where_it_was_chosen() -> None:
    visit = holder().say("existing_card.has_one", "replace")
    visit.visit.back()
    assert visit.at == "existing_card.has_one" and visit.visit.suggestion == "replace"
    assert visit.visit.under_way is not None and visit.visit.under_way.id == "first_application"


def test_a_dead_end_of_the_other_card_is_its_own_and_so_is_what_is_left_unfinished() -> None:
    visit = holder(online=True).say("existing_card.has_one", "replace")
    visit.say("card_replacement.notice", AGREED).say("card_replacement.ask", OLD_CARD)
    visit.say("unfinished.ask", Reply()).say("old_card.reason", "damaged")
    visit.say("telephone.known", "other").say("telephone.number", PHONE)
    assert visit.visit.keep()
    assert visit.prompt.question.fields["service"] == "card_replacement"
    visit = holder().say("existing_card.has_one", "replace")
    visit.say("card_replacement.notice", AGREED)
    visit.say("card_replacement.ask", Reply({"rejection": "", "state": "none"}))
    visit.say("old_card.none", "print")
    assert visit.prompt.slip.rows[0][1] == "service.card_replacement.name"


def test_where_no_card_can_be_replaced_now_nobody_is_led_there() -> None:
    visit = holder(closed=frozenset({"card_replacement"}))
    assert [one.value for one in visit.prompt.options] == ["read", "leave"]
    visit.say("existing_card.has_one", "read").say("existing_card.read", social_card(3))
    assert finished(visit.say("existing_card.serves", True))


def test_offline_the_citizen_is_asked_whether_they_have_a_card() -> None:
    visit = walk().until("eligibility.ask").say("eligibility.ask", OFFLINE)
    assert visit.say("eligibility.have_card", "no").at == "telephone.number"
    visit = walk().until("eligibility.ask").say("eligibility.ask", OFFLINE)
    visit.say("eligibility.have_card", "yes")
    assert finished(visit.say("existing_card.has_one", "leave"))


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
    visit = walk().until("telephone.number")
    with pytest.raises(Unacceptable) as caught:
        visit.visit.answer({"phone": phone})
    assert (caught.value.message, caught.value.field) == (message, "phone")
    assert visit.at == "telephone.number"


def test_a_number_read_back_wrong_is_typed_again_with_what_was_there() -> None:
    visit = walk().until("telephone.read_back")
    assert visit.prompt.facts == {"number": "139 0000 0000"}
    visit.say("telephone.read_back", "wrong")
    assert visit.prompt.fields[0].initial == "13900000000"
    visit.say("telephone.number", {"phone": "13911111111"}).say("telephone.read_back", "right")
    assert submitted(visit.until("filing.submit")).document["phone"] == "13911111111"


def test_the_number_that_the_centre_has_costs_one_touch() -> None:
    visit = walk().until("eligibility.ask").say("eligibility.ask", KNOWN)
    assert visit.prompt.facts == {"number": "139****0000"}
    visit.say("telephone.known", "known")
    assert visit.at == "address.same"
    visit.until("review")
    assert ("form.phone", "139****0000") in [(row.label, row.value) for row in visit.prompt.rows]
    assert submitted(visit.until("filing.submit")).document["phone"] == ""


def test_another_number_than_the_centre_has_is_typed() -> None:
    visit = walk().until("eligibility.ask").say("eligibility.ask", KNOWN)
    assert visit.say("telephone.known", "other").at == "telephone.number"


def elsewhere(visit: Walk, kind: str) -> Walk:
    """At the address form, for somebody who does not live where the chip says."""
    visit.until("address.same").say("address.same", "other")
    return visit.say("address.kind", kind).say("address.area", "130203")


def test_an_urban_address_is_written_as_the_notice_asks() -> None:
    parts = {"estate": "张北小区", "building": "19楼", "entrance": "1", "room": "401"}
    visit = elsewhere(walk(), "urban").say("address.urban", parts)
    visit.until("filing.submit")
    address: Any = submitted(visit).document["address"]
    assert address["kind"] == "urban"
    assert address["text"] == "唐山市路北区张北小区19楼1门401号"


def test_a_rural_address_keeps_its_leading_zero() -> None:
    parts = {"township": "果园乡", "village": "二村", "detail": "8排058号"}
    visit = elsewhere(walk(), "rural").say("address.rural", parts)
    visit.until("filing.submit")
    address: Any = submitted(visit).document["address"]
    assert address["kind"] == "rural"
    assert address["text"] == "唐山市路北区果园乡二村8排058号"


def test_an_address_the_chip_gives_in_no_known_form_is_typed() -> None:
    card = dataclasses.replace(ZHANG, address="河北省张家口市桥西区某路1号")
    visit = walk().until("identity.id_card").say("identity.id_card", card)
    visit.say("eligibility.ask", ELIGIBLE).say("telephone.number", PHONE)
    assert visit.say("telephone.read_back", "right").at == "address.kind"


def test_banks_stand_in_the_order_of_their_pinyin_and_none_is_preselected() -> None:
    visit = walk().until("pickup.bank")
    assert isinstance(visit.prompt, Choice)
    assert [option.value for option in visit.prompt.options] == [
        "hebeirc",
        "icbc",
        "ccb",
        "abc",
        "boc",
        "psbc",
    ]
    assert visit.visit.suggestion is None


def test_outlets_of_the_own_district_come_first() -> None:
    visit = walk().until("pickup.bank").say("pickup.bank", "icbc")
    assert visit.prompt.options[0].value == "icbc-lubei"


# -- photo, review, signature --------------------------------------------------------------------


def tries(number: int) -> list[Capture]:
    """So many photos, told apart by their hash."""
    return [
        dataclasses.replace(CAPTURE, photo=dataclasses.replace(PHOTO, sha256=str(place) * 64))
        for place in range(number)
    ]


def test_of_three_tries_the_citizen_chooses_the_one_they_like() -> None:
    visit = walk().until("photo.take")
    taken = tries(POLICY.photo.tries)
    for attempt, capture in enumerate(taken, 1):
        assert visit.prompt.attempt == attempt
        visit.say("photo.take", capture)
        assert visit.prompt.captures == tuple(taken[:attempt])
        assert visit.prompt.tries_left == POLICY.photo.tries - attempt
        if attempt < POLICY.photo.tries:
            visit.say("photo.choose", "again")
    for unknown in ("again", "0", "4", "use"):
        with pytest.raises(Unacceptable):
            visit.visit.answer(unknown)
    visit.say("photo.choose", "2")
    assert visit.at == "review"
    assert visit.prompt.photo == taken[1].photo
    transaction = submitted(visit.until("filing.submit"))
    assert transaction.attachments["photo"] == taken[1].photo.jpeg
    assert transaction.document["photo_sha256"] == taken[1].photo.sha256
    assert transaction.evidence["tries"] == POLICY.photo.tries


def test_back_does_not_take_the_photos_again_and_does_not_give_new_tries() -> None:
    """Six were taken and three reported: Back began the tries anew."""
    visit = walk().until("photo.take")
    first, second = tries(2)
    visit.say("photo.take", first).say("photo.choose", "again").say("photo.take", second)
    for _ in range(2):
        visit.visit.back()
    assert visit.at == "photo.notice"
    visit.say("photo.notice", Agreement(NOW))
    assert visit.at == "photo.choose", "the first photo is there already"
    assert visit.prompt.tries_left == POLICY.photo.tries - 1
    visit.say("photo.choose", "again")
    assert visit.at == "photo.choose"
    assert visit.prompt.captures == tuple(tries(2))
    assert visit.prompt.tries_left == 1


def test_photos_of_a_head_that_was_first_bare_count_when_it_is_covered() -> None:
    visit = walk().until("photo.take")
    visit.say("photo.take", tries(1)[0])
    visit.visit.back()
    visit.say("photo.notice", Agreement(NOW, exception=True))
    assert visit.at == "photo.take" and visit.prompt.excused
    visit.say("photo.take", tries(2)[1])
    assert visit.prompt.tries_left == POLICY.photo.tries - 2


def test_every_photo_counts_whichever_way_the_citizen_goes_back() -> None:
    """Bare, covered, and bare again: the first bare one is shown, and three were taken."""
    visit = walk().until("photo.take")
    first, second, third = tries(3)
    visit.say("photo.take", first)
    visit.visit.back()
    visit.say("photo.notice", Agreement(NOW, exception=True)).say("photo.take", second)
    visit.say("photo.choose", "again").say("photo.take", third)
    assert visit.prompt.tries_left == 0
    for _ in range(2):
        visit.visit.back()
    visit.say("photo.notice", Agreement(NOW))
    assert (visit.prompt.captures, visit.prompt.tries_left) == ((first,), 0)
    visit.say("photo.choose", "1")
    assert submitted(visit.until("filing.submit")).evidence["tries"] == 3


def test_a_photo_that_was_left_behind_by_one_step_back_counts() -> None:
    visit = walk().until("photo.take")
    first, second = tries(2)
    visit.say("photo.take", first).say("photo.choose", "again").say("photo.take", second)
    visit.visit.back()
    visit.say("photo.choose", "1")
    assert submitted(visit.until("filing.submit")).evidence["tries"] == 2


def test_who_cannot_take_off_a_head_covering_is_marked_and_goes_on() -> None:
    """Domain R-D16: to review by a person, never a refusal."""
    visit = walk().until("photo.notice").say("photo.notice", Agreement(NOW, exception=True))
    assert visit.prompt.excused
    transaction = submitted(visit.until("filing.submit"))
    assert transaction.evidence["head_covering"] is True
    assert "head_covering" in transaction.proof.reasons
    bare = submitted(walk().until("filing.submit"))
    assert bare.evidence["head_covering"] is False
    assert "head_covering" not in bare.proof.reasons


# -- the face against the chip's portrait ---------------------------------------------------------

PORTRAIT = bytes(102 * 126 * 3)
WLT = bytes(range(256)) * 4
WITH_PORTRAIT = dataclasses.replace(ZHANG, portrait=PORTRAIT, portrait_wlt=WLT)


def at_consent(card: Any = WITH_PORTRAIT, *, staffed: bool = False) -> Walk:
    """As far as the separate consent, on a terminal that compares faces."""
    context = dataclasses.replace(CONTEXT, comparison=Place.TERMINAL, staffed=staffed)
    visit = Walk(ApplyFirst, context)
    visit.until("identity.id_card").say("identity.id_card", card)
    visit.until("photo.choose").say("photo.choose", "1")
    assert visit.at == "comparison.consent"
    return visit


def compared(band: Band) -> Compared:
    return Compared(Comparison(band, 0.5, "test"), NOW)


def test_nobody_is_asked_where_nothing_is_compared_and_a_person_must_look() -> None:
    proof = submitted(walk().until("filing.submit")).proof
    assert proof.comparison is not None and proof.comparison.why == "no_method"
    assert proof.level is Level.P1
    assert "face_not_compared" in proof.reasons


def test_declining_the_comparison_sends_the_matter_to_a_person() -> None:
    visit = at_consent().say("comparison.consent", None)
    assert visit.at == "review"
    signed = submitted(visit.until("filing.submit"))
    assert (signed.proof.level, signed.proof.reasons[0]) == (Level.P1, "face_declined")
    assert [consent.text_id for consent in signed.consents] == ["apply.notice", "photo.notice"]
    assert "portrait_wlt" not in signed.attachments


@pytest.mark.parametrize(
    ("band", "reason"),
    [
        (Band.MATCH, ""),
        (Band.UNSURE, "face_unsure"),
        (Band.MISMATCH, "face_mismatch"),
        (Band.CANNOT_TELL, "face_not_compared"),
    ],
)
def test_anything_but_a_match_is_a_reason_to_look_and_nobody_is_refused(
    band: Band, reason: str
) -> None:
    visit = at_consent().say("comparison.consent", NOW)
    assert visit.prompt.portrait == PORTRAIT
    visit.say("comparison.compare", compared(band))
    assert visit.at == "review"
    signed = submitted(visit.until("filing.submit"))
    faces = [code for code in signed.proof.reasons if code.startswith("face_")]
    assert faces == ([reason] if reason else [])
    assert signed.proof.level is (Level.P3 if band is Band.MATCH else Level.P1)
    assert signed.consents[-1] == Consent(
        "comparison.consent", "2026-11-28", POLICY.consent("comparison.consent").sha256, NOW
    )


@pytest.mark.parametrize("then", ["declined", "another photo matches"])
def test_a_face_that_differed_once_stays_a_reason(then: str) -> None:
    """✗ Back, and a refusal of the comparison, left nothing of it."""
    visit = at_consent().say("comparison.consent", NOW)
    visit.say("comparison.compare", compared(Band.MISMATCH))
    visit.visit.back()
    if then == "declined":
        visit.say("comparison.consent", None)
    else:
        visit.visit.back()
        visit.say("photo.choose", "again").say("photo.take", tries(2)[1]).say("photo.choose", "2")
        visit.say("comparison.consent", NOW).say("comparison.compare", compared(Band.MATCH))
    reasons = submitted(visit.until("filing.submit")).proof.reasons
    faces = [code for code in reasons if code.startswith("face_")]
    assert faces == ["face_mismatch", "face_declined"][: 2 if then == "declined" else 1]


def test_staff_who_saw_the_person_settle_that_a_face_differed() -> None:
    visit = at_consent(staffed=True).say("comparison.consent", NOW)
    visit.say("comparison.compare", compared(Band.MISMATCH))
    visit.say("proof.staff", Staff("s07", "face", NOW))
    reasons = submitted(visit.until("filing.submit")).proof.reasons
    assert not [code for code in reasons if code.startswith("face_")]


def test_the_portrait_travels_as_it_is_in_the_chip_with_the_consent_only() -> None:
    visit = at_consent().say("comparison.consent", NOW)
    visit.say("comparison.compare", compared(Band.MATCH))
    assert submitted(visit.until("filing.submit")).attachments["portrait_wlt"] == WLT


def test_without_a_decoder_the_centre_compares() -> None:
    card = dataclasses.replace(WITH_PORTRAIT, portrait=None)
    visit = at_consent(card).say("comparison.consent", NOW)
    assert visit.at == "review"
    signed = submitted(visit.until("filing.submit"))
    assert signed.proof.comparison is not None and signed.proof.comparison.why == "at_central"
    assert signed.attachments["portrait_wlt"] == WLT


def test_staff_who_vouch_are_the_other_way() -> None:
    visit = at_consent(staffed=True).say("comparison.consent", None)
    assert isinstance(visit.prompt, AskStaff)
    visit.say("proof.staff", Staff("s07", "declined", NOW))
    proof = submitted(visit.until("filing.submit")).proof
    assert proof.level is Level.P3 and proof.staff == Staff("s07", "declined", NOW)
    assert not [code for code in proof.reasons if code.startswith("face_")]


def test_who_does_not_wait_for_staff_is_looked_at_by_the_centre() -> None:
    visit = at_consent(staffed=True).say("comparison.consent", None).say("proof.staff", None)
    proof = submitted(visit.until("filing.submit")).proof
    assert proof.level is Level.P1 and "face_declined" in proof.reasons


def test_the_review_shows_everything_and_offers_to_change_what_was_typed() -> None:
    visit = walk().until("review")
    assert isinstance(visit.prompt, Review)
    rows: tuple[Row, ...] = visit.prompt.rows
    assert all(row.value for row in rows)
    assert visit.prompt.photo == PHOTO
    changeable = {row.revise for row in rows if row.revise}
    answered = [prompt for prompt, _ in APPLICATION]
    for step in changeable:
        assert any(prompt == step or prompt.startswith(f"{step}.") for prompt in answered), step


def test_a_changed_telephone_number_leads_straight_back_to_the_review() -> None:
    visit = walk().until("review")
    visit.visit.revise("telephone")
    assert visit.visit.suggestion == {**PHONE, "insurance_no": ""}
    visit.say("telephone.number", {"phone": "13911111111"})
    assert visit.prompt.facts == {"number": "139 1111 1111"}
    visit.say("telephone.read_back", "right")
    assert visit.at == "review"
    assert any(row.value == "13911111111" for row in visit.prompt.rows)


TYPED = {"estate": "张北小区", "building": "19", "entrance": "1", "room": "401"}


def typed_address() -> Walk:
    """At the review, with an address that was typed."""
    return elsewhere(walk(), "urban").say("address.urban", TYPED).until("review")


def test_a_typed_address_is_put_again_filled_and_can_be_corrected() -> None:
    """The typo stayed: the question before it was answered by itself, and the form never came."""
    visit = typed_address()
    visit.visit.revise("address")
    asked = []
    for answer in ("other", "urban", "130203"):
        asked.append((visit.at, visit.visit.suggestion))
        visit.visit.answer(answer)
    assert asked == [
        ("address.same", "other"),
        ("address.kind", "urban"),
        ("address.area", "130203"),
    ]
    assert (visit.at, visit.visit.suggestion) == ("address.urban", TYPED)
    visit.say("address.urban", {**TYPED, "room": "402"})
    assert visit.at == "review"
    assert any("402" in row.value for row in visit.prompt.rows)


def test_back_from_the_step_being_changed_leads_to_the_review_with_everything() -> None:
    """It threw away the eight answers after it, the photo among them."""
    visit = typed_address()
    before = visit.prompt
    visit.visit.revise("address")
    visit.visit.back()
    assert visit.at == "review"
    assert visit.prompt == before


def test_back_within_the_step_being_changed_stays_in_it() -> None:
    visit = typed_address()
    before = visit.prompt
    visit.visit.revise("address")
    visit.say("address.same", "other").say("address.kind", "rural")
    visit.visit.back()
    assert (visit.at, visit.visit.suggestion) == ("address.kind", "rural")
    visit.visit.back()
    assert (visit.at, visit.visit.suggestion) == ("address.same", "other")
    visit.visit.back()
    assert visit.prompt == before


def test_a_changed_bank_asks_for_its_outlet_and_nothing_else() -> None:
    visit = walk().until("review")
    visit.visit.revise("pickup")
    visit.say("pickup.bank", "ccb").say("pickup.outlet", "ccb-lubei")
    assert visit.at == "review"


def test_a_changed_district_keeps_bank_and_photo_and_asks_for_the_outlet_anew() -> None:
    visit = typed_address()
    visit.visit.revise("address")
    visit.say("address.same", "other").say("address.kind", "urban").say("address.area", "130202")
    visit.say("address.urban", TYPED)
    assert visit.at == "pickup.outlet", "the order of the outlets follows the district"
    assert visit.visit.suggestion == "icbc-lubei"
    visit.say("pickup.outlet", "icbc-lunan")
    assert visit.at == "review"


def test_changing_data_after_signing_asks_for_the_signature_again() -> None:
    visit = walk().until("signature")
    before = visit.prompt.document
    visit.visit.back()
    visit.visit.revise("apply.special_group")
    visit.say("apply.special_group", "veteran").say("review", True)
    assert visit.at == "signature"
    assert visit.prompt.document != before


@pytest.mark.parametrize("lines", [(), (((500, 500),),), (((500, 500), (510, 505)),)])
def test_an_empty_signature_is_refused(lines: Any) -> None:
    visit = walk().until("signature")
    with pytest.raises(Unacceptable, match=r"prompt\.sign\.empty"):
        visit.visit.answer(Strokes(lines, NOW))
    assert visit.at == "signature"


# -- submitted -----------------------------------------------------------------------------------


def hand_over(verdict: Verdict) -> Walk:
    visit = walk().until("filing.verdict")
    return visit.say("filing.verdict", verdict)


def test_no_way_back_once_submitted() -> None:
    visit = walk().until("signature")
    assert visit.visit.can_go_back
    visit.until("filing.submit").say("filing.submit", SUBMITTED)
    assert not visit.visit.can_go_back


def test_a_queued_application_is_never_called_accepted() -> None:
    visit = hand_over(QUEUED)
    assert visit.prompt.slip.state == "state.queued"
    done = visit.say("filing.print", None).prompt
    assert isinstance(done, Done)
    assert (done.id, done.state) == ("apply.queued", "waiting")


@pytest.mark.parametrize("promised", [True, False])
@pytest.mark.parametrize("standpoint", Standpoint)
def test_a_message_is_promised_only_where_the_centre_sends_one_and_has_something_to_tell(
    standpoint: Standpoint, promised: bool
) -> None:
    filed = dataclasses.replace(SUBMITTED, notices=promised)
    visit = walk().until("filing.submit").say("filing.submit", filed)
    visit.say("filing.verdict", Verdict(standpoint))
    on_paper = "filing.notice" in visit.prompt.slip.notes
    on_screen = "filing.notice" in visit.say("filing.print", None).prompt.lines
    goes_on = standpoint not in (Standpoint.REJECTED, Standpoint.DUPLICATE)
    assert on_paper is on_screen is (promised and goes_on)


@pytest.mark.parametrize("standpoint", [Standpoint.ACCEPTED, Standpoint.QUEUED])
def test_what_ends_at_once_promises_a_message_only_while_it_waits(standpoint: Standpoint) -> None:
    filed = dataclasses.replace(SUBMITTED, notices=True)

    class AtOnce(ApplyFirst):
        async def serve(self) -> None:
            await report(Paper("apply", at_once=True), filed, Verdict(standpoint))

    notes = Walk(AtOnce).prompt.slip.notes
    assert ("filing.notice" in notes) is (standpoint is Standpoint.QUEUED)


def test_what_a_person_must_look_at_is_never_called_accepted() -> None:
    visit = hand_over(TO_REVIEW)
    assert visit.prompt.slip.state == "state.to_review"
    done = visit.say("filing.print", None).prompt
    assert (done.id, done.state) == ("apply.to_review", "waiting")


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
    assert visit.prompt.slip.notes == (f"refused.{words}.text",)
    assert Words().has(f"refused.{words}.text")
    assert visit.say("filing.print", None).at == "apply.not_accepted"


def test_paper_out_leaves_the_application_submitted_and_tells_the_citizen() -> None:
    visit = walk().until("filing.print")
    visit.visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    assert visit.at == "apply.accepted"
    assert visit.prompt.number == SUBMITTED.receipt_no
    assert visit.prompt.not_printed == "fault.printer_paper_out.citizen"
    assert "回执" not in Words().say("apply.accepted.text", **visit.prompt.facts), "there is none"
    assert visit.prompt.silence_s() == 180.0, "long enough to write the number down"
    visit.say("apply.accepted", True)
    assert visit.visit.outcome is not None and visit.visit.outcome.committed
    assert visit.visit.outcome.number == SUBMITTED.receipt_no


def test_after_the_refill_the_receipt_is_printed_from_the_result_page() -> None:
    visit = walk().until("filing.print")
    first = visit.prompt.action
    visit.visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    visit.say("apply.accepted", "reprint")
    assert visit.at == "filing.print"
    assert visit.prompt.action != first, "a printer that has printed one prints the other as well"
    visit.say("filing.print", None)
    assert (visit.at, visit.prompt.not_printed) == ("apply.accepted", "")
    assert "身份证和回执" in Words().say("apply.accepted.text", **visit.prompt.facts)
    with pytest.raises(Unacceptable):
        visit.visit.answer("reprint")
    assert finished(visit.say("apply.accepted", True))


def test_the_receipt_masks_the_citizen_and_names_no_telephone() -> None:
    slip = walk().until("filing.print").prompt.slip
    printed = " ".join(value for _, value in slip.rows)
    assert "张*国" in printed
    assert ZHANG.name not in printed and ZHANG.number not in printed
    assert PHONE["phone"] not in printed


def test_an_outbox_that_fails_ends_the_visit_with_nothing_submitted() -> None:
    visit = walk().until("filing.submit")
    visit.visit.fault(DeviceFault(FaultCode.OUTBOX_UNAVAILABLE))
    outcome = visit.visit.outcome
    assert outcome is not None
    assert (outcome.ending, outcome.committed) == (Ending.FAULT, False)


STEPS = [name for name, _ in APPLICATION]
EFFECTS = ("filing.submit", "filing.print")


@pytest.mark.parametrize("step", STEPS)
def test_walking_away_at_any_prompt_ends_and_wipes_the_visit(step: str) -> None:
    visit = walk().until(step)
    prompt = visit.prompt
    visit.visit.tick(0.0)
    visit.visit.tick(1e6)
    if prompt.silence_s() is None:
        assert visit.at == step, "a device is at work: nobody is hurried"
        return
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.IDLE
    assert outcome.committed is (STEPS.index(step) > STEPS.index("filing.submit"))
    assert bool(outcome.number) is outcome.committed


@pytest.mark.parametrize("step", STEPS)
def test_leaving_at_any_prompt_ends_the_visit_but_never_in_an_effect(step: str) -> None:
    """退出 while it was being stored submitted it all the same, and said that nothing was."""
    visit = walk().until(step)
    assert visit.visit.cancel() is (step not in EFFECTS)
    if step in EFFECTS:
        assert visit.at == step
        assert not visit.visit.can_leave
        visit.until("apply.accepted")
        assert visit.prompt.number == SUBMITTED.receipt_no
        return
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.CANCELLED
    assert bool(outcome.number) is outcome.committed


@pytest.mark.parametrize("step", STEPS)
def test_a_device_fault_at_any_prompt_ends_the_visit_or_is_explained(step: str) -> None:
    visit = walk().until(step)
    visit.visit.fault(DeviceFault(FaultCode.INTERNAL))
    if step == "filing.print":
        assert visit.at == "apply.accepted"
    else:
        assert visit.visit.outcome is not None
        assert visit.visit.outcome.ending is Ending.FAULT


@pytest.mark.parametrize("step", STEPS)
def test_a_screen_that_breaks_ends_the_visit_with_what_was_done(step: str) -> None:
    visit = walk().until(step)
    visit.visit.crash(ValueError("张建国"))
    if step in EFFECTS:
        assert visit.visit.outcome is None, "it is being done, and its result is waited for"
        visit.visit.answer(dict(APPLICATION)[step])
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.CRASHED
    assert outcome.committed is (STEPS.index(step) >= STEPS.index("filing.submit"))
    assert bool(outcome.number) is outcome.committed
    assert "张" not in repr(visit.events)
