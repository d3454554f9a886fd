"""补换卡: every branch, by sending answers; how often a citizen touches the screen."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from kiosk.demo.acts import Keys, Pinyin, Touch
from kiosk.demo.script import REPLACED
from kiosk.policy import load_policy
from kiosk.policy.table import months_after
from kiosk.receipts import Letterhead
from kiosk.receipts.layout import compose
from kiosk.records.old_card import OldCard
from kiosk.records.proof import Level
from kiosk.records.submission import Reply, Standpoint, Verdict
from kiosk.records.transaction import Transaction
from kiosk.services.card_replacement import POINTS, ReplaceCard
from kiosk.visit.prompts import Agreement
from kiosk.words import LANGUAGES, Words
from kiosk.words.voice.render import SPOKEN
from sync.canonical import canonical, sha256_hex
from sync.kinds.card_replacement import KIND
from sync.kinds.card_replacement import POINTS as MUST_BE_AGREED
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    CAPTURE,
    CHILD,
    COMPARING,
    MATCH,
    NOW,
    OLD_CARD,
    PHONE,
    QUEUED,
    SIGNATURE,
    SUBMITTED,
    TO_REVIEW,
    WITH_PORTRAIT,
    ZHANG,
    Walk,
    done,
    ends_well,
    old_card,
)
from tests.flows.packs import CHARGED_LOST, PAY_DAYS, policy_with

#: A lost card that nobody has reported.
LOST: tuple[tuple[str, Any], ...] = (
    ("card_replacement.notice", AGREED),
    ("identity.id_card", WITH_PORTRAIT),
    ("card_replacement.ask", OLD_CARD),
    ("old_card.reason", "lost"),
    ("card_replacement.lost", AGREED),
    ("telephone.known", "known"),
    ("pickup.bank", "icbc"),
    ("pickup.outlet", "icbc-lubei"),
    ("card_replacement.no_way_back", AGREED),
    ("card_replacement.other_bank", AGREED),
    ("card_replacement.accounts", AGREED),
    ("proof.wish", "own"),
    ("photo.notice", AGREED),
    ("photo.take", CAPTURE),
    ("photo.choose", "1"),
    ("comparison.consent", NOW),
    ("comparison.compare", MATCH),
    ("review", True),
    ("signature", SIGNATURE),
    ("filing.submit", SUBMITTED),
    ("filing.verdict", ACCEPTED),
    ("filing.print", None),
    ("card_replacement.accepted", True),
)
BOOKING: tuple[tuple[str, Any], ...] = (
    *LOST[:2],
    ("card_replacement.ask", Reply()),
    ("card_replacement.offline", "book"),
    ("old_card.reason", "damaged"),
    ("telephone.number", PHONE),
    ("telephone.read_back", "right"),
    ("pickup.bank", "icbc"),
    ("pickup.outlet", "icbc-lubei"),
    ("review", True),
    ("filing.submit", SUBMITTED),
    ("filing.verdict", QUEUED),
    ("filing.print", None),
    ("card_replacement.booking.queued", True),
)


def replacing(context: Any = COMPARING) -> Walk:
    return Walk(ReplaceCard, context)


def known(reply: Reply, context: Any = COMPARING) -> Walk:
    """The centre has told of the card."""
    return replacing(context).until("card_replacement.ask", LOST).say("card_replacement.ask", reply)


def submitted(walk: Walk) -> Transaction:
    transaction = walk.prompt.transaction
    assert isinstance(transaction, Transaction)
    return transaction


def fits(transaction: Transaction) -> None:
    document = KIND.document.model_validate(transaction.document)
    assert set(transaction.document) == set(KIND.document.model_fields)
    assert set(transaction.attachments) <= set(KIND.attachments)
    assert (transaction.signature is None) is document.booking  # type: ignore[attr-defined]
    KIND.evidence.model_validate(transaction.evidence)


def agreed_to(transaction: Transaction) -> list[str]:
    return [consent.text_id for consent in transaction.consents]


def test_a_lost_card_is_replaced() -> None:
    walk = replacing()
    for prompt, answer in LOST:
        walk.say(prompt, answer)
    assert done(walk)


def test_what_is_sent_is_what_was_told_agreed_to_and_signed() -> None:
    transaction = submitted(replacing().until("filing.submit", LOST))
    fits(transaction)
    assert transaction.kind == "card_replacement"
    assert transaction.document == {
        "booking": False,
        "name": ZHANG.name,
        "id_number": ZHANG.number,
        "reason": "lost",
        "card": "A12****89",
        "phone": "",
        "bank": "icbc",
        "outlet": "icbc-lubei",
        "fee": 0,
        "approval": "",
        "electronic": True,
        "photo_sha256": "0" * 64,
    }
    assert (transaction.proof.level, transaction.signature) == (Level.P3, SIGNATURE)
    assert agreed_to(transaction) == [
        "card_replacement.notice",
        "card_replacement.lost",
        "card_replacement.no_way_back",
        "card_replacement.other_bank",
        "card_replacement.accounts",
        "photo.notice",
        "comparison.consent",
    ]
    assert set(transaction.attachments) == {"photo", "frame"}


def test_without_the_electronic_card_everything_else_goes_on() -> None:
    """R-K1: by the second button of the first page."""
    walk = replacing().say("card_replacement.notice", Agreement(NOW, exception=True))
    transaction = submitted(walk.until("filing.submit", LOST))
    assert transaction.document["electronic"] is False


def test_the_three_points_are_those_that_the_centre_wants() -> None:
    assert tuple(POINTS) == MUST_BE_AGREED


@pytest.mark.parametrize("point", POINTS)
def test_there_is_no_way_past_a_point_and_each_has_time_to_be_read(point: str) -> None:
    walk = replacing().until(point, LOST)
    assert walk.prompt.must_agree and walk.prompt.least_s >= 5
    assert walk.prompt.aloud and f"{point}.aloud" in SPOKEN
    walk.visit.cancel()
    outcome = walk.visit.outcome
    assert outcome is not None and not outcome.committed, "and nothing was sent"


def test_a_card_that_is_reported_lost_already_is_not_asked_about() -> None:
    walk = known(old_card(state="lost"))
    assert walk.at == "telephone.known", "neither why nor 挂失"
    transaction = submitted(walk.until("filing.submit", LOST))
    assert transaction.document["reason"] == "lost"
    assert "card_replacement.lost" not in agreed_to(transaction)


def test_a_damaged_card_is_not_reported_lost() -> None:
    walk = known(OLD_CARD).say("old_card.reason", "damaged")
    transaction = submitted(walk.until("filing.submit", LOST))
    assert "card_replacement.lost" not in agreed_to(transaction)


@pytest.mark.parametrize(
    ("generation", "offered"),
    [(3, {"lost", "damaged", "changed", "other_bank"}), (2, None), (0, None)],
)
def test_a_third_generation_card_has_no_end_date(generation: int, offered: set[str] | None) -> None:
    walk = known(old_card(generation=generation))
    every = {"lost", "damaged", "changed", "other_bank", "expired", "third_generation"}
    assert {option.value for option in walk.prompt.options} == (offered or every)


@pytest.mark.parametrize("reason", ["expired", "third_generation"])
def test_a_second_generation_card_in_date_may_be_kept_or_replaced(reason: str) -> None:
    in_date = old_card(generation=2, expires="2027-06-30")
    walk = known(in_date).say("old_card.reason", reason)
    assert (walk.at, walk.prompt.facts["until"]) == ("old_card.serves", "2027-06-30")
    assert done(walk.say("old_card.serves", "keep"))
    walk = known(in_date).say("old_card.reason", reason).say("old_card.serves", "replace")
    assert walk.at == "telephone.known"


@pytest.mark.parametrize("expires", ["", "2026-11-23", "2027-01-23", "soon"])
def test_a_card_is_called_in_date_only_where_that_is_known_and_long(expires: str) -> None:
    """Sixty days before its end a card may be changed without a word."""
    walk = known(old_card(generation=2, expires=expires)).say("old_card.reason", "expired")
    assert walk.at == "telephone.known"


# -- banks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "free"),
    [("2026-05-25", "2026-11-25"), ("2026-11-24", "2027-05-24"), ("2026-08-31", "2027-02-28")],
)
def test_within_six_months_another_bank_is_refused_with_the_date(made: str, free: str) -> None:
    walk = known(old_card(made=made)).say("old_card.reason", "other_bank")
    walk.say("telephone.known", "known")
    assert (walk.at, walk.prompt.facts["day"]) == ("old_card.too_soon", free)
    assert done(walk.say("old_card.too_soon", True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_earliest_day_of_another_bank_is_said_as_a_date_on_page_and_paper(
    language: str,
) -> None:
    """§5.2: counted from the new card, which is made today at the earliest."""
    words, day = Words(language), "2027-05-24"
    walk = replacing().until("card_replacement.other_bank", LOST)
    assert day in words.say("card_replacement.other_bank.what.title", **walk.prompt.facts)
    walk.until("filing.print", LOST)
    slip = walk.prompt.slip
    assert day in words.say("card_replacement.slip.bank", **slip.facts)
    assert "card_replacement.slip.bank" in slip.notes


def test_after_six_months_every_bank_but_its_own_is_offered() -> None:
    walk = known(old_card(made="2026-05-24")).say("old_card.reason", "other_bank")
    walk.say("telephone.known", "known")
    assert walk.at == "pickup.bank"
    assert [option.value for option in walk.prompt.options] == [
        bank.id for bank in load_policy().banks if bank.id != "icbc"
    ]


def test_a_card_that_is_bound_to_its_bank_is_replaced_there() -> None:
    walk = known(old_card(made="2026-10-01", bank="hebeirc")).say("old_card.reason", "damaged")
    walk.say("telephone.known", "known")
    assert (walk.at, walk.prompt.facts["bank"]) == ("pickup.outlet.bound", "河北农信（农商银行）")
    for language in LANGUAGES:
        why = Words(language).say("pickup.outlet.bound.text", **walk.prompt.facts)
        assert "2027-04-01" in why and "6" in why, (
            "why it can be no other bank, and from when on it can"
        )
    own = {outlet.id for outlet in load_policy().outlets if outlet.bank == "hebeirc"}
    assert {option.value for option in walk.prompt.options} == own, "R-F9: its own outlets only"
    walk.say("pickup.outlet.bound", min(own)).until("review", LOST)
    walk.visit.revise("pickup.outlet")
    assert walk.at == "pickup.outlet.bound"


def test_who_is_bound_to_no_bank_is_told_of_none() -> None:
    walk = known(old_card(made="2026-05-24")).say("old_card.reason", "damaged")
    walk.say("telephone.known", "known").say("pickup.bank", "icbc")
    assert (walk.at, set(walk.prompt.facts)) == ("pickup.outlet", {"bank"})


def test_a_bank_that_the_pack_does_not_know_is_a_matter_for_the_window() -> None:
    walk = known(old_card(made="2026-10-01", bank="hbbank")).say("old_card.reason", "damaged")
    walk.say("telephone.known", "known")
    assert done(walk.say("refused.not_permitted", True))


def test_months_are_those_of_the_calendar() -> None:
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_after(date(2026, 12, 1), 1) == date(2027, 1, 1)
    assert months_after(date(2026, 5, 31), 6) == date(2026, 11, 30)


# -- what is paid to the card ---------------------------------------------------------------------


def with_benefits(*benefits: str, context: Any = COMPARING, bank: str = "ccb") -> Walk:
    walk = known(old_card(benefits=list(benefits), bank="icbc"), context)
    walk.say("old_card.reason", "damaged").say("telephone.known", "known")
    return walk.say("pickup.bank", bank).say("pickup.outlet", f"{bank}-lubei")


def test_each_benefit_is_told_with_its_office_and_printed() -> None:
    walk = with_benefits("pension", "farming", "of a newer centre")
    assert walk.at == "old_card.benefits"
    assert [point for point, _ in walk.prompt.points] == ["pension", "farming", "other"]
    walk.say("old_card.benefits", AGREED).until("filing.verdict", LOST)
    text = printed(walk)
    assert "养老金：领到新卡，请到参保地的社保所改卡号。" in text
    assert "惠农补贴：领到新卡，请到乡镇财政所改卡号。" in text


def test_a_bank_that_keeps_the_account_number_spares_the_way() -> None:
    """同号换卡: 工商银行 has the flag in the pack, 建设银行 has not."""
    walk = with_benefits("pension", bank="icbc")
    assert [point for point, _ in walk.prompt.points] == ["same_account"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [((PAY_DAYS,), True), ((), False), ((PAY_DAYS, ("last = 15", "last = 23")), False)],
)
def test_who_is_paid_just_now_is_told_that_it_may_be_late(changes: Any, told: bool) -> None:
    """Today is the 24th; the pack says from the 30th to the 15th, the altered ones from the 20th to
    the 15th, or to the 23rd."""
    context = dataclasses.replace(COMPARING, policy=policy_with(*changes))
    walk = with_benefits("pension", context=context)
    assert ("pay_days" in [point for point, _ in walk.prompt.points]) is told


def test_who_draws_nothing_is_not_bothered() -> None:
    context = dataclasses.replace(COMPARING, policy=policy_with(PAY_DAYS))
    assert with_benefits(context=context).at == "card_replacement.no_way_back"


# -- the photo ------------------------------------------------------------------------------------

SHA = "1" * 64


def until_photo(taken: str) -> Walk:
    walk = known(old_card(photo_sha256=SHA, photo_taken=taken))
    walk.until("card_replacement.accounts", LOST)
    return walk.say("card_replacement.accounts", AGREED).say("proof.wish", "own")


def test_a_photo_of_the_centre_is_used_again_and_it_is_still_seen_who_stands_there() -> None:
    walk = until_photo("2026-05-24").say("photo.known", "known")
    walk.say("comparison.consent", NOW).say("proof.look", CAPTURE)
    walk.say("comparison.compare", MATCH).say("review", True).say("signature", SIGNATURE)
    transaction = submitted(walk)
    fits(transaction)
    assert transaction.document["photo_sha256"] == SHA
    assert (dict(transaction.attachments), dict(transaction.evidence)) == ({}, {})
    assert transaction.proof.level is Level.P3


def test_a_new_one_may_be_taken_all_the_same() -> None:
    assert until_photo("2026-05-24").say("photo.known", "anew").at == "photo.notice"


@pytest.mark.parametrize("taken", ["2026-05-23", "", "lately"])
def test_an_older_photo_is_taken_again(taken: str) -> None:
    """R-D10: six months and a day."""
    assert until_photo(taken).at == "photo.notice"


# -- the fee, and what is printed -----------------------------------------------------------------


def test_the_fee_of_the_reason_is_shown_signed_and_printed_with_its_approval() -> None:
    context = dataclasses.replace(COMPARING, policy=policy_with(CHARGED_LOST))
    walk = replacing(context)
    assert walk.prompt.points[0][0] == "fee_due"
    walk.until("review", LOST)
    assert ("form.fee", "15 元（示例批文）") in [(row.label, row.value) for row in walk.prompt.rows]
    transaction = submitted(walk.until("filing.submit", LOST))
    assert (transaction.document["fee"], transaction.document["approval"]) == (15, "示例批文")
    assert "15 元（示例批文）" in printed(walk.until("filing.verdict", LOST))


def printed(walk: Walk, verdict: Verdict = ACCEPTED) -> str:
    """The receipt's text once the centre has answered."""
    slip = walk.say("filing.verdict", verdict).prompt.slip
    head = Letterhead("大厅", "020001", "2026-11-29", "12333")
    paper = compose(slip, head, Words(), NOW)
    return "\n".join(
        getattr(part, "text", "") or f"{getattr(part, 'label', '')} {getattr(part, 'value', '')}"
        for part in paper
    )


def test_the_receipt_names_version_and_hash_of_what_was_agreed_to() -> None:
    text = printed(replacing().until("filing.verdict", LOST))
    pack = load_policy()
    hashes = [pack.consent(point).sha256 for point in POINTS]
    assert f"2026-11-28, 2026-11-29 {sha256_hex(canonical(hashes))[:32]}" in text.replace("\n", "")
    assert "不能撤回" in text and "满 6 个月" in text and "免费" in text
    assert ZHANG.number not in text and ZHANG.name not in text


def test_without_an_answer_nobody_is_told_that_it_counts_or_to_do_it_again() -> None:
    walk = replacing().until("filing.verdict", LOST)
    text = printed(walk, QUEUED)
    assert "结果未知" in text and "10 分钟" in text and "不要再办一次" in text
    assert "制好卡" not in text and "尚未生效" not in text
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("card_replacement.queued", "waiting")


@pytest.mark.parametrize(
    ("verdict", "page", "state"),
    [
        (TO_REVIEW, "to_review", "waiting"),
        (Verdict(Standpoint.DUPLICATE, "duplicate_application"), "not_accepted", "trouble"),
        (Verdict(Standpoint.REJECTED, "not_permitted"), "not_accepted", "trouble"),
    ],
)
def test_every_word_of_the_centre_has_its_page(verdict: Verdict, page: str, state: str) -> None:
    walk = replacing().until("filing.verdict", LOST).say("filing.verdict", verdict)
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == (f"card_replacement.{page}", state)


# -- offline, and who may not ---------------------------------------------------------------------


def test_offline_there_is_a_booking_that_says_it_is_one() -> None:
    walk = replacing()
    for prompt, answer in BOOKING[:-4]:
        walk.say(prompt, answer)
    transaction = submitted(walk)
    fits(transaction)
    assert transaction.document["booking"] is True
    assert (transaction.document["card"], transaction.document["photo_sha256"]) == ("", "")
    assert agreed_to(transaction) == ["card_replacement.notice"]
    assert (transaction.proof.level, transaction.proof.reasons) == (Level.P1, ())
    text = printed(walk.say("filing.submit", SUBMITTED), QUEUED)
    assert "预约单" in text and "卡没有任何变化" in text
    assert done(walk.say("filing.print", None).say("card_replacement.booking.queued", True))


def test_offline_one_may_come_another_day() -> None:
    walk = known(Reply()).say("card_replacement.offline", "leave")
    assert done(walk)


@pytest.mark.parametrize(
    ("state", "page"), [("none", "old_card.none"), ("of a newer centre", "refused.not_permitted")]
)
def test_who_has_no_card_is_told_so(state: str, page: str) -> None:
    assert done(known(old_card(state=state)).say(page, True))


@pytest.mark.parametrize(
    "refusal", ["person_unknown", "mismatch", "duplicate_application", "not_permitted"]
)
def test_each_refusal_has_its_words(refusal: str) -> None:
    assert done(known(Reply({"rejection": refusal})).say(f"refused.{refusal}", True))


def test_a_child_is_sent_to_the_guardian() -> None:
    walk = replacing().until("identity.id_card", LOST).say("identity.id_card", CHILD)
    assert done(walk.say("card_replacement.under_age", True))


def test_what_a_newer_centre_says_in_another_shape_is_not_known() -> None:
    card = OldCard.of({"state": "in_use", "generation": "3", "made": 7, "benefits": None})
    assert (card.generation, card.made, card.benefits) == (0, None, ())


# -- on the way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [LOST, BOOKING])
def test_leaving_and_faults_at_every_prompt_end_it_or_are_explained(steps: Any) -> None:
    ends_well(replacing, steps)


def test_another_reason_on_the_review_page_takes_the_loss_back() -> None:
    walk = replacing().until("review", LOST)
    walk.visit.revise("old_card.reason")
    walk.say("old_card.reason", "damaged")
    transaction = submitted(walk.until("filing.submit", LOST))
    assert transaction.document["reason"] == "damaged"
    assert "card_replacement.lost" not in agreed_to(transaction)


def test_back_from_the_signature_leads_over_the_review() -> None:
    walk = replacing().until("signature", LOST)
    walk.visit.back()
    assert walk.at == "review"
    walk.visit.back()
    assert walk.at == "comparison.consent"


# -- touches --------------------------------------------------------------------------------------

#: From home to the receipt, for a lost card, besides the photo and the strokes of the signature.
MOST = 14


def test_a_lost_card_is_replaced_with_few_touches() -> None:
    """Counted on the tour's script, which a real finger follows."""
    count = 0
    for step in REPLACED:
        for act in step.then:
            assert not isinstance(act, Keys | Pinyin), f"{step.name}: nothing is typed"
            besides = step.screen.startswith(("photo.", "signature"))
            count += isinstance(act, Touch) and not besides
    assert count <= MOST


# -- whose wish it is -----------------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["2026-05-24", ""])
def test_who_was_sent_by_somebody_goes_on_as_all_and_the_centre_looks(taken: str) -> None:
    """Domain §6: who stands behind sees no difference."""
    walk = known(old_card(photo_sha256=SHA * bool(taken), photo_taken=taken))
    walk.until("proof.wish", LOST).say("proof.wish", "other")
    if taken:
        walk.say("photo.known", "known").say("comparison.consent", NOW).say("proof.look", CAPTURE)
    else:
        walk.until("comparison.compare", LOST)
    walk.say("comparison.compare", MATCH)
    proof = submitted(walk.until("filing.submit", LOST)).proof
    assert (proof.level, proof.reasons[-1]) == (Level.P3, "asked_by_other")
