"""补换卡: may another card be made in place of this one, and what becomes of the old one?

Only what arrives within minutes of being signed is a replacement: a citizen stood there, online,
and was told. What was made offline, or was on its way for longer, is a 预约 (booked): it touches
nothing, and its person comes again (domain §5.2).

The old card stays what it is until the new one is handed over; then it is cancelled in the same
transaction (`central.card_states`). A card that was reported lost with the replacement is blocked
as soon as that arrives, and stays blocked if nothing comes of it: 解挂 is the way back.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone

from central import card_numbers, card_orders, card_states, pictures, portrait
from central.business import Business, Opened
from central.business.loss_report import AS, BEFORE, HANDED_OVER, end_reports
from central.card_photos import is_reusable, photo_of, take_over
from central.card_states import BLOCKED, USABLE, CardMove
from central.cases import TO_REVIEW, Case, add_tasks
from central.keys import person_hash
from central.machine import move
from central.masking import masked_card, masked_phone
from central.models import CardState
from central.packs import days_of, ends, ruled, shortest, went_by
from central.ports.registry import registry
from central.rules import open_case
from kiosk.policy.table import months_after
from sync.kinds.card_replacement import POINTS, OldCard, WhichCard
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.ports.registry import Registered
    from kiosk.policy import Days, Policy
    from sync.wire.base import Message

_REASONS = {
    "lost": "遗失",
    "damaged": "损坏",
    "expired": "到期",
    "changed": "信息变更",
    "other_bank": "换银行",
    "third_generation": "二代换三代",
}

#: States in which the new card is made.
_MADE = ("in_delivery", "delivered", "collected", "finished")

#: States in which it is made sure that a lost card is blocked.
_BLOCKING = ("accepted", TO_REVIEW, "approved")


class CardReplacement(Business):
    kind = "card_replacement"
    title = "补换卡"
    states: ClassVar = {
        "booked": "预约（未补换）",
        "lapsed": "预约已结束",
        "accepted": "已受理",
        "to_review": "待核实",
        "needs_more": "需补件",
        "approved": "审核通过",
        "in_production": "制卡中",
        "in_delivery": "配送中",
        "delivered": "网点待领",
        "collected": "已领新卡（旧卡已注销）",
        "finished": "办结",
        "returned": "退回",
        "withdrawn": "已撤回",
        "refused": "不予受理",
        "duplicate": "重复申请",
    }
    machine: ClassVar = {
        "booked": ("lapsed", "withdrawn"),
        "accepted": ("to_review", "approved", "needs_more", "returned", "withdrawn"),
        "to_review": ("accepted", "approved", "needs_more", "returned", "withdrawn"),
        "needs_more": ("accepted", "returned", "withdrawn"),
        # 「不可回退」: from the making of the card on nobody withdraws.
        "approved": ("to_review", "in_production", "returned", "withdrawn"),
        # The 制卡公司 may send it back.
        "in_production": ("in_delivery", "delivered", "needs_more", "returned"),
        "in_delivery": ("delivered", "needs_more", "returned"),
        # Back only where the card cannot be found there.
        "delivered": ("collected", "in_production"),
        "collected": ("finished",),
    }
    open_states = (*_BLOCKING, "needs_more", "in_production", "in_delivery", "delivered")
    withdrawable = ("booked", "accepted", "to_review")
    lapsing = ("booked",)
    own_moves: ClassVar = card_orders.OWN_MOVES

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        fee, approval = document["fee"], document["approval"]
        named = {bank.id: str(bank.name) for bank in policy.banks}
        named |= {outlet.id: str(outlet.name) for outlet in policy.outlets}
        return [
            ("性质", "预约，不是补换" if document["booking"] else "补换卡"),
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("原因", _REASONS[document["reason"]]),
            ("旧卡", document["card"]),
            ("联系电话", document["phone"] or "沿用中心已有号码"),
            ("合作银行", named.get(document["bank"], document["bank"])),
            ("领卡网点", named.get(document["outlet"], document["outlet"])),
            ("工本费", f"{fee} 元 {approval}" if fee else "免费"),
            ("电子社保卡", "同意同时签发" if document["electronic"] else "不签发"),
        ]

    def faults(self, opened: Opened) -> str:
        if opened.document.booking:
            return ""
        if opened.contents.signature is None:
            return "no_signature"
        photo = opened.attachments.get("photo")
        fault = "" if photo is None else pictures.card_photo_fault(photo)
        return f"photo.{fault}" if fault else ""

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        form, person = opened.document, opened.person
        refused = _refusal(form.name, person)
        if refused is not None or form.booking:
            return refused
        known = registry().find(person)
        assert known is not None, "whoever is unknown was refused"
        why = self._why_not(opened, known)
        return (Rejection.NOT_PERMITTED, why) if why else None

    def _why_not(self, opened: Opened, known: Registered) -> str:
        """The first rule that this replacement breaks; "" if it breaks none."""
        form, today = opened.document, timezone.localdate(opened.created)
        has_photo = "photo" in opened.attachments
        agreed = {consent.text_id for consent in opened.contents.consents}
        rules = [
            ("no_card", known.card_state not in (*USABLE, *BLOCKED)),
            ("lost", known.card_state in BLOCKED and form.reason != "lost"),
            ("no_consent", not agreed.issuperset(POINTS)),
            ("outlet", not ruled(opened.terminal, today, lambda p: _its_own(p, form))),
            ("too_soon", ruled(opened.terminal, today, lambda p: _bound(p, form, known, today))),
            ("photo", not has_photo and not is_reusable(opened, form.photo_sha256, today)),
        ]
        return next((why for why, broken in rules if broken), "")

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        if self._is_booking(opened):
            return ()
        return super().reasons(opened)

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        taken_in = verdict in (Verdict.ACCEPTED, Verdict.TO_REVIEW)
        if taken_in and self._is_booking(opened):
            return "booked"
        return super().state_after(verdict, opened)

    def _is_booking(self, opened: Opened) -> bool:
        """It was made offline, or nobody stands there any more who would be told."""
        within = ruled(opened.terminal, timezone.localdate(opened.created), _commit_within)
        late = timezone.now() - opened.created > within
        return bool(opened.document.booking) or late

    def lapse(self, case: Case) -> tuple[timedelta, str] | None:
        """Who does not come for so long does not come any more."""
        return ends(case.since, days_of(case, _booked_for)) - case.since, "lapsed"

    def lapses_after(self) -> timedelta:
        return shortest(_booked_for)

    def bank_from(self, case: Case) -> date | None:
        """Counted from the day of the new card, once that is made (R-F1)."""
        if case.state not in _MADE:
            return None
        return months_after(_made_on(case), _months(went_by(case.contents["policy_version"])))

    def kept_from(self, case: Case, to: str) -> str:
        return card_orders.kept_from(case, to)

    def moved(self, case: Case) -> None:
        card_orders.follow(case)
        if case.state not in ("booked", TO_REVIEW):
            portrait.add_task(case)  # whoever had to compare has decided
        if case.state in self.open_states and not case.events.filter(what="moved").exists():
            _arrived(case)
        if case.state in _BLOCKING and case.contents["document"]["reason"] == "lost":
            _block(case)
        if case.state == "collected":
            _hand_over(case)


def _refusal(name: str, person: str) -> tuple[Rejection, str] | None:
    """Why this person cannot have a card replaced, whatever for."""
    known = registry().find(person)
    if known is None:
        return Rejection.PERSON_UNKNOWN, "not_in_registry"
    if known.name != name:
        return Rejection.MISMATCH, "name"
    if known.deceased:
        return Rejection.NOT_PERMITTED, "deceased"
    if known.open_elsewhere or known.card_state == CardState.ISSUED:
        return Rejection.DUPLICATE_APPLICATION, "open_elsewhere"
    return None


def _its_own(policy: Policy, form: Any) -> bool:
    """Whether the chosen bank hands out cards at the chosen outlet (R-F9)."""
    return any((one.id, one.bank) == (form.outlet, form.bank) for one in policy.outlets)


def _bound(policy: Policy, form: Any, known: Registered, today: date) -> bool:
    """「制卡6个月内禁止注销跨行换卡」 (R-F1)."""
    if known.card_made is None or known.bank in ("", form.bank):
        return False
    return today < months_after(known.card_made, _months(policy))


def _months(policy: Policy) -> int:
    return policy.service("card_replacement").whole("other_bank_after_months")


def _made_on(case: Case) -> date:
    """When the new card is made (制卡日期)."""
    return timezone.localdate(case.events.filter(to_state="in_production").latest("id").at)


def _booked_for(policy: Policy) -> Days:
    return policy.days("booking")


def _commit_within(policy: Policy) -> timedelta:
    return timedelta(minutes=policy.service("card_replacement").whole("commit_within_minutes"))


def _arrived(case: Case) -> None:
    """Once: the photo is looked at or taken over, and what was only booked has come about."""
    if case.attachments.filter(name="photo").exists():
        add_tasks([(case, "photo")])
    else:
        take_over(case)
    booked = Case.objects.filter(person=case.person, kind=case.kind, state="booked")
    for position in list(booked.values_list("position", flat=True)):
        move(position, "lapsed", by="centre", note=case.receipt_no)


def _block(case: Case) -> None:
    """挂失: formally once it is known who stood there, and for the time being until then."""
    known = registry().find(case.person)
    if known is None or known.card_state not in (*USABLE, CardState.LOST_TEMPORARILY):
        return
    to = CardState.LOST_TEMPORARILY if case.state == TO_REVIEW else CardState.LOST
    before = case.findings.get(BEFORE, known.card_state.value)
    case.findings = {**case.findings, BEFORE: before, AS: to.value}
    case.save(update_fields=["findings"])
    card_states.bring(case.person, to, CardMove.BLOCK)


def _hand_over(case: Case) -> None:
    """The old card is cancelled and the new one begins, which has no loss reported."""
    case.findings = {**case.findings, HANDED_OVER: timezone.now().isoformat()}
    case.save(update_fields=["findings"])
    card_states.cancel(case.person)
    end_reports(case.person, case.receipt_no)
    bank = case.contents["document"]["bank"]
    card_states.number(case.person, bank, _made_on(case))
    card_states.bring(case.person, CardState.NOT_ACTIVE, CardMove.HAND_OUT)
    card_numbers.ask(case)


def _which_card(asked: WhichCard) -> Message:
    person = person_hash(asked.id_number)
    refused = _refusal(asked.name, person)
    if refused is None and open_case(BUSINESS, person) is not None:
        refused = Rejection.DUPLICATE_APPLICATION, "open_case"
    known = registry().find(person)
    if refused is not None or known is None:
        return OldCard(rejection=refused[0] if refused else Rejection.PERSON_UNKNOWN)
    photo = photo_of(person)
    return OldCard(
        state=_state(known.card_state),
        card=masked_card(known.card_no),
        generation=known.generation,
        expires=_day(known.card_expires),
        bank=known.bank,
        made=_day(known.card_made),
        benefits=list(known.benefits),
        phone=masked_phone(known.phone),
        photo_sha256=photo[0].sha256 if photo else "",
        photo_taken=_day(photo[1]) if photo else "",
    )


def _state(card: CardState) -> str:
    if card in BLOCKED:
        return "lost"
    return "in_use" if card in USABLE else "none"


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


BUSINESS = CardReplacement()

ANSWERS = {"card_replacement.card": _which_card}
