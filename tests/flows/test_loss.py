"""挂失、解挂: every branch, by sending answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hardware.card.contents import Holder
from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band, Comparison, Place
from kiosk.records.proof import Level
from kiosk.records.submission import Reply, Standpoint, Verdict
from kiosk.records.transaction import Transaction
from kiosk.services.loss_report import ReportLoss
from kiosk.services.loss_withdrawal import WithdrawLoss
from kiosk.visit.prompts import Agreement, Compared
from kiosk.words import LANGUAGES, Words
from tests.flows.counter import (
    AGREED,
    CAPTURE,
    CHILD,
    COMPARING,
    CONTEXT,
    FRIEND,
    MATCH,
    NOW,
    PAGE,
    PROVEN,
    QUEUED,
    SUBMITTED,
    TO_REVIEW,
    WITH_PORTRAIT,
    ZHANG,
    Walk,
    done,
    ends_well,
    fits,
    social_card,
)
from tests.flows.packs import policy_with

IN_USE = Reply({"rejection": "", "state": "in_use", "card": "c1"})
EFFECTIVE = Verdict(Standpoint.ACCEPTED)

REPORT: tuple[tuple[str, Any], ...] = (
    ("loss_report.notice", AGREED),
    ("identity.id_card", WITH_PORTRAIT),
    ("loss_report.ask", IN_USE),
    ("loss_report.kind", "temporary"),
    ("loss_report.temporary", AGREED),
    ("filing.submit", SUBMITTED),
    ("filing.verdict", EFFECTIVE),
    ("filing.print", None),
    ("loss_report.accepted", True),
)


def report() -> Walk:
    return Walk(ReportLoss, COMPARING)


def submitted(walk: Walk) -> Transaction:
    transaction = walk.prompt.transaction
    assert isinstance(transaction, Transaction)
    return transaction


def test_a_card_is_blocked_for_now_with_the_id_card_alone() -> None:
    walk = report()
    for prompt, answer in REPORT:
        walk.say(prompt, answer)
    assert done(walk)


def test_what_is_sent_names_the_person_the_kind_and_the_card() -> None:
    transaction = submitted(report().until("filing.submit", REPORT))
    assert transaction.kind == "loss_report"
    assert transaction.document == {
        "name": ZHANG.name,
        "id_number": ZHANG.number,
        "loss": "temporary",
        "card": "c1",
        **dict.fromkeys(("proxy_name", "proxy_id_number", "authority", "page_1_sha256"), ""),
    }
    assert transaction.person == ZHANG.number
    assert transaction.proof.level is Level.P1 and transaction.proof.reasons == ()
    assert [consent.text_id for consent in transaction.consents] == ["loss_report.temporary"]
    assert transaction.attachments == {}


# A temporary one can be made formal only.
@pytest.mark.parametrize(
    ("loss", "temporary"), [("temporary", False), ("formal", False), ("formal", True)]
)
def test_the_card_is_shown_masked_before_anything_is_confirmed(loss: str, temporary: bool) -> None:
    """§5.3: the page before the confirmation says which card it is about, and so does the paper."""
    found = {"rejection": "", "state": "in_use", "card": "A12****89", "bank": "icbc"}
    if temporary:
        found |= {"state": "lost", "temporary": True}
    walk = report().until("loss_report.ask", REPORT).say("loss_report.ask", Reply(found))
    kind, shown = walk.prompt, "工商银行 A12****89"
    assert shown in Words().say(f"{kind.id}.text", **kind.facts)
    walk.say(kind.id, loss)
    assert shown in Words().say(f"loss_report.{loss}.text", **walk.prompt.facts)
    walk.say(f"loss_report.{loss}", AGREED)
    if loss == "formal":
        walk.say("comparison.consent", None)
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", EFFECTIVE)
    assert shown in dict(walk.prompt.slip.rows)["loss_report.slip.card"]


def test_a_card_that_nobody_could_look_up_is_called_the_holders() -> None:
    walk = report().until("loss_report.ask", REPORT).say("loss_report.ask", Reply())
    assert "您名下的社保卡" in Words().say("loss_report.kind.text", **walk.prompt.facts)
    walk.until("filing.submit", REPORT).say("filing.submit", SUBMITTED)
    walk.say("filing.verdict", QUEUED)
    assert "loss_report.slip.card" not in dict(walk.prompt.slip.rows)


@pytest.mark.parametrize("standpoint", list(Standpoint))
def test_the_receipt_has_the_centres_own_time_only_where_the_card_is_blocked(
    standpoint: Standpoint,
) -> None:
    walk = report().until("filing.verdict", REPORT)
    walk.say("filing.verdict", Verdict(standpoint, at=NOW))
    since = dict(walk.prompt.slip.rows).get("loss_report.slip.since")
    blocked = standpoint in (Standpoint.ACCEPTED, Standpoint.TO_REVIEW)
    assert since == ("2026-11-24 09:30" if blocked else None)


@pytest.mark.parametrize("standpoint", list(Standpoint))
def test_a_withdrawal_has_the_centres_time_only_where_the_card_serves_again(
    standpoint: Standpoint,
) -> None:
    walk = withdrawal().until("filing.verdict", WITHDRAWAL)
    walk.say("filing.verdict", Verdict(standpoint, at=NOW))
    since = dict(walk.prompt.slip.rows).get("loss_withdrawal.slip.since")
    assert since == ("2026-11-24 09:30" if standpoint is Standpoint.ACCEPTED else None)


def test_offline_it_is_filed_all_the_same_and_never_called_effective() -> None:
    walk = report().until("loss_report.ask", REPORT).say("loss_report.ask", Reply())
    walk.until("filing.submit", REPORT)
    assert submitted(walk).document["card"] == ""
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", QUEUED)
    assert walk.prompt.slip.state == "state.queued"
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("loss_report.queued", "waiting")


@pytest.mark.parametrize("state", ["none", "lost"])
def test_who_has_nothing_to_block_is_told_so(state: str) -> None:
    walk = report().until("loss_report.ask", REPORT)
    walk.say("loss_report.ask", Reply({"rejection": "", "state": state}))
    assert done(walk.say(f"loss_report.{state}", True))


def test_a_temporary_loss_can_be_made_formal_before_it_lapses() -> None:
    walk = report().until("loss_report.ask", REPORT)
    blocked = {"rejection": "", "state": "lost", "card": "c1", "temporary": True}
    walk.say("loss_report.ask", Reply(blocked))
    assert walk.at == "loss_report.make_formal"
    assert [option.value for option in walk.prompt.options] == ["formal"]
    assert walk.say("loss_report.make_formal", "formal").at == "loss_report.formal"


def test_a_state_of_a_newer_centre_keeps_nobody_from_blocking_a_card() -> None:
    walk = report().until("loss_report.ask", REPORT)
    walk.say("loss_report.ask", Reply({"rejection": "", "state": "being_made"}))
    assert walk.at == "loss_report.kind"


def test_a_name_that_differs_is_sent_to_the_window() -> None:
    walk = report().until("loss_report.ask", REPORT)
    walk.say("loss_report.ask", Reply({"rejection": "mismatch", "state": ""}))
    assert done(walk.say("refused.mismatch", True))


def test_a_card_that_was_blocked_already_is_not_called_open() -> None:
    """「没有挂失」 was said of a card that was blocked, and 「请等着领卡」."""
    walk = report().until("filing.verdict", REPORT)
    walk.say("filing.verdict", Verdict(Standpoint.DUPLICATE, "duplicate_application"))
    assert walk.prompt.slip.notes == ("loss_report.already.text",)
    assert walk.prompt.slip.state == "state.already", "paper and page say the same"
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("loss_report.already", "ok")
    assert walk.prompt.lines == ("state.already.meaning",), "the page says the rest itself"


def test_who_reported_before_is_told_that_a_temporary_report_lapses() -> None:
    """「不用再挂失」 was said where the earlier report ends by itself."""
    words = Words().say("loss_report.already.text")
    assert "不用" not in words
    assert all(kind in words for kind in ("停用", "临时挂失", "自动失效", "正式挂失"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_has_the_hotline_and_every_banks_number_as_headings(language: str) -> None:
    """A heading is the largest type of a notice; the numbers are the policy pack's."""
    words, notice = Words(language), report().prompt
    headings = [words.say(f"{notice.id}.{point}.title") for point, _ in notice.points]
    assert CONTEXT.policy.hotline in headings[0]
    assert [bank.phone for bank in CONTEXT.policy.banks if bank.phone not in headings[1]] == []


def formal() -> Walk:
    walk = report().until("loss_report.kind", REPORT).say("loss_report.kind", "formal")
    return walk.say("loss_report.formal", AGREED)


@pytest.mark.parametrize(
    ("band", "level", "reasons"),
    [
        (Band.MATCH, Level.P3, ()),
        (Band.UNSURE, Level.P1, ("face_unsure",)),
        (Band.MISMATCH, Level.P1, ("face_mismatch",)),
    ],
)
def test_a_formal_report_asks_who_stands_there(
    band: Band, level: Level, reasons: tuple[str, ...]
) -> None:
    walk = formal().say("comparison.consent", NOW).say("proof.look", CAPTURE)
    walk.say("comparison.compare", Compared(Comparison(band, 0.5, "test"), NOW))
    proof = submitted(walk).proof
    assert proof.level is level
    assert tuple(code for code in proof.reasons if code.startswith("face_")) == reasons


def test_who_declines_is_looked_at_by_a_person() -> None:
    proof = submitted(formal().say("comparison.consent", None)).proof
    assert (proof.level, proof.reasons) == (Level.P1, ("face_declined",))


def test_a_child_is_not_asked_for_its_face_and_a_person_looks() -> None:
    """办法 第7条: only a guardian may agree for who is not yet fourteen."""
    walk = report().until("identity.id_card", REPORT).say("identity.id_card", CHILD)
    walk.until("loss_report.kind", REPORT).say("loss_report.kind", "formal")
    walk.say("loss_report.formal", AGREED)
    proof = submitted(walk).proof
    assert (proof.level, proof.reasons) == (Level.P1, ("face_not_compared",))


@pytest.mark.parametrize("loss", ["temporary", "formal"])
def test_a_report_fits_the_contract(loss: str) -> None:
    walk = report().until("loss_report.kind", REPORT).say("loss_report.kind", loss)
    walk.say(f"loss_report.{loss}", AGREED)
    if loss == "formal":
        walk.say("comparison.consent", None)
    fits(submitted(walk))


def test_a_withdrawal_fits_the_contract() -> None:
    fits(submitted(withdrawal().until("filing.submit", WITHDRAWAL)))


def test_without_a_camera_a_person_looks() -> None:
    walk = formal().say("comparison.consent", NOW)
    walk.visit.fault(DeviceFault(FaultCode.CAMERA_ABSENT))
    assert submitted(walk).proof.reasons == ("face_not_compared",)


# -- 亲友代办 --------------------------------------------------------------------------------------


def by_friend(card: Any = FRIEND, **context: Any) -> Walk:
    walk = Walk(ReportLoss, dataclasses.replace(CONTEXT, **context))
    walk.say("loss_report.notice", Agreement(NOW, exception=True))
    return walk.say("proxy.holder_card", ZHANG).say("proxy.id_card", card)


def known(walk: Walk) -> Walk:
    """Both are named, and the holder's card is looked up."""
    return walk.say("proxy.people", "right")


def letter(walk: Walk, authority: str) -> Walk:
    return known(walk).say("proxy.authority", authority)


def looked_up(walk: Walk) -> Walk:
    return walk.say("loss_report.ask", dict(REPORT)["loss_report.ask"])


@pytest.mark.parametrize("authority", ["paper", "stated"])
def test_a_friend_reports_it_with_both_id_cards_and_a_person_looks(authority: str) -> None:
    walk = letter(by_friend(), authority)
    if authority == "paper":
        walk.say("proxy.page", PAGE)
    transaction = submitted(looked_up(walk).say("loss_report.formal", AGREED))
    fits(transaction)
    document = transaction.document
    assert (document["id_number"], document["proxy_id_number"]) == (ZHANG.number, FRIEND.number)
    assert (document["loss"], document["authority"]) == ("formal", authority)
    assert (transaction.person, transaction.proof.level) == (ZHANG.number, Level.P1)
    assert transaction.proof.reasons[-1] == "proxy"
    assert dict(transaction.attachments) == ({"page_1": PAGE.jpeg} if authority == "paper" else {})
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", TO_REVIEW)
    printed = str(walk.prompt.slip.rows)
    assert FRIEND.name not in printed and FRIEND.number not in printed and "周" in printed


def test_the_friend_is_proven_by_their_own_card_and_is_not_the_holder_for_it() -> None:
    card = dataclasses.replace(FRIEND, portrait=WITH_PORTRAIT.portrait)
    walk = letter(by_friend(card, comparison=Place.TERMINAL), "stated")
    looked_up(walk).say("loss_report.formal", AGREED).say("comparison.consent", NOW)
    walk.say("proof.look", CAPTURE).say("comparison.compare", MATCH)
    assert submitted(walk).proof.level is Level.P1


def test_a_letter_that_cannot_be_read_or_photographed_stops_nobody() -> None:
    unclear = dataclasses.replace(PAGE, legible=False)
    walk = looked_up(letter(by_friend(), "paper").say("proxy.page", unclear))
    assert submitted(walk.say("loss_report.formal", AGREED)).proof.reasons[-1] == "page_unclear"
    walk = letter(by_friend(), "paper")
    walk.visit.fault(DeviceFault(FaultCode.CAMERA_ABSENT))
    assert (
        submitted(looked_up(walk).say("loss_report.formal", AGREED)).document["authority"]
        == "stated"
    )


def test_nobody_is_their_own_friend_and_no_child_is_anybodys() -> None:
    walk = by_friend(ZHANG).say("proxy.same_card", "again").say("proxy.id_card", FRIEND)
    assert walk.at == "proxy.people"
    assert done(by_friend(ZHANG).say("proxy.same_card", "leave"))
    assert done(by_friend(CHILD).say("proxy.too_young", True))


def test_where_the_policy_lets_nobody_act_for_another_it_is_not_offered() -> None:
    policy = policy_with(("proxy = true\n\n[service.card", "proxy = false\n\n[service.card"))
    assert not Walk(ReportLoss, dataclasses.replace(CONTEXT, policy=policy)).prompt.exception


def test_who_acts_for_another_is_told_whose_card_comes_first_and_who_is_who() -> None:
    """Whoever put down their own card, as the page said, had their own blocked."""
    walk = by_friend()
    holder, proxy = walk.prompt.facts["holder"], walk.prompt.facts["proxy"]
    assert (holder[0], proxy[0]) == (ZHANG.name[0], FRIEND.name[0])
    assert ZHANG.name not in holder and FRIEND.name not in proxy
    assert done(walk.say("proxy.people", "wrong").say("proxy.mixed_up", True))
    assert not walk.visit.committed


# -- 解挂 ----------------------------------------------------------------------------------------

LOST = Reply({"rejection": "", "state": "lost"})


def card_of(number: str) -> Any:
    holder = Holder(number, "张建国", sex_code="1", ethnic_code="01", birth=None)
    return dataclasses.replace(social_card(3), holder=holder)


WITHDRAWAL: tuple[tuple[str, Any], ...] = (
    ("loss_withdrawal.notice", AGREED),
    ("identity.id_card", WITH_PORTRAIT),
    ("loss_withdrawal.ask", LOST),
    ("loss_withdrawal.card", card_of(ZHANG.number)),
    *PROVEN,
    ("filing.submit", SUBMITTED),
    ("filing.verdict", EFFECTIVE),
    ("filing.print", None),
    ("loss_withdrawal.accepted", True),
)


def withdrawal() -> Walk:
    return Walk(WithdrawLoss, COMPARING)


def test_a_found_card_serves_again() -> None:
    walk = withdrawal()
    for prompt, answer in WITHDRAWAL:
        walk.say(prompt, answer)
    assert done(walk)


def test_the_very_card_is_named_and_the_proof_is_of_the_highest_level() -> None:
    transaction = submitted(withdrawal().until("filing.submit", WITHDRAWAL))
    assert transaction.document["card_id"] == social_card(3).card_id
    assert transaction.proof.level is Level.P3


@pytest.mark.parametrize("state", ["none", "in_use", "replaced"])
def test_a_card_that_cannot_be_brought_back_is_explained(state: str) -> None:
    walk = withdrawal().until("loss_withdrawal.ask", WITHDRAWAL)
    walk.say("loss_withdrawal.ask", Reply({"rejection": "", "state": state}))
    assert done(walk.say(f"loss_withdrawal.{state}", True))


def test_a_state_of_a_newer_centre_is_sent_to_the_window() -> None:
    walk = withdrawal().until("loss_withdrawal.ask", WITHDRAWAL)
    walk.say("loss_withdrawal.ask", Reply({"rejection": "", "state": "being_made"}))
    assert done(walk.say("refused.not_permitted", True))


def test_offline_nothing_is_brought_back() -> None:
    walk = withdrawal().until("loss_withdrawal.ask", WITHDRAWAL)
    assert done(walk.say("loss_withdrawal.ask", Reply()).say("loss_withdrawal.offline", True))


@pytest.mark.parametrize("card", [card_of("130299195703160020"), social_card(3)])
def test_a_strangers_card_is_not_brought_back(card: Any) -> None:
    walk = withdrawal().until("loss_withdrawal.card", WITHDRAWAL).say("loss_withdrawal.card", card)
    assert done(walk.say("loss_withdrawal.other_card", True))


@pytest.mark.parametrize("band", [Band.UNSURE, Band.MISMATCH, Band.CANNOT_TELL])
def test_without_proof_nothing_is_brought_back(band: Band) -> None:
    walk = withdrawal().until("comparison.compare", WITHDRAWAL)
    walk.say("comparison.compare", Compared(Comparison(band, 0.2, "test"), NOW))
    assert done(walk.say("loss_withdrawal.unproven", True))


@pytest.mark.parametrize(("service", "steps"), [(ReportLoss, REPORT), (WithdrawLoss, WITHDRAWAL)])
def test_leaving_and_faults_at_every_prompt_end_it_or_are_explained(
    service: Any, steps: tuple[tuple[str, Any], ...]
) -> None:
    ends_well(lambda: Walk(service, COMPARING), steps)
