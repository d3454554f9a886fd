"""挂失: the card is blocked, at once and always on the safe side.

临时挂失 blocks with the ID card alone and lapses by itself. 正式挂失 wants proof of who stood
there: what a person has to look at first is blocked as a temporary loss meanwhile, because a block
too many costs a way, and one too few a pension. A report that came late, after a power cut or a day
without network, blocks all the same, unless its loss was withdrawn after it was made.

A person may have several reports. The card follows the strongest that holds; when the last one
ends, it is again what it was before the first (`card_before`). A card that has become void
meanwhile is not touched.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from central import pictures
from central.business import Business, Opened
from central.card_states import BLOCKED, USABLE, CardMove, bring
from central.cases import Case
from central.keys import person_hash
from central.machine import move
from central.masking import masked_card
from central.models import CardState
from central.packs import days_of, ends, shortest
from central.ports.registry import registry
from sync.kinds.loss_report import CardFound, WhichCard
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from django.db.models import QuerySet

    from kiosk.policy import Days, Policy
    from sync.wire.base import Message

#: States of a report in which it blocks the card.
HOLDING = ("in_force", "to_review")

_LOSSES = {"temporary": "临时挂失", "formal": "正式挂失"}


class LossReport(Business):
    kind = "loss_report"
    title = "挂失"
    states: ClassVar = {
        "in_force": "已挂失",
        "to_review": "待核实（已先临时挂失）",
        "lapsed": "到期自动失效",
        "withdrawn": "已解挂",
        "returned": "退回",
        "replaced": "已换新卡",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {
        "in_force": ("lapsed", "withdrawn", "returned", "replaced"),
        "to_review": ("in_force", "lapsed", "withdrawn", "returned", "replaced"),
        # A person may take it in after all, once they looked; it blocks meanwhile.
        "refused": ("to_review",),
        "duplicate": ("to_review",),
    }
    grave: ClassVar = {
        "returned": "这次挂失不再有效；没有其他有效的挂失时，卡片立即恢复使用。",
        "in_force": "挂失按所报种类生效，卡片停用。",
    }
    words: ClassVar = {
        "no_card": "名下没有可以挂失的卡",
        "withdrawn_since": "报失之后，本人已解挂",
        "lost_already": "卡已经挂失",
        "proxy": "亲友代办（R-K2）：请打电话问本人，核对委托",
        "page_unclear": "委托书拍得不清楚",
    }
    lapsing = ("in_force",)

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("挂失种类", _LOSSES[document["loss"]]),
            ("卡号", document.get("card", "") or "未填"),
            *_by_proxy(document),
        ]

    def faults(self, opened: Opened) -> str:
        report = opened.document
        for_another = bool(report.proxy_id_number)
        checks = [
            ("proxy", for_another == bool(report.authority) == bool(report.proxy_name)),
            ("proxy_loss", not for_another or report.loss == "formal"),
            ("proxy_self", report.proxy_id_number != report.id_number),
            ("page_1", not report.page_1_sha256 or _is_page(opened)),
        ]
        return next((name for name, right in checks if not right), "")

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        found = _card(opened.document.name, opened.person)
        if found.rejection is not None:
            return found.rejection, "name"
        if found.state == "none":
            return Rejection.NOT_PERMITTED, "no_card"
        if _withdrawn_since(opened.person, opened.created):
            return Rejection.NOT_PERMITTED, "withdrawn_since"
        if _replaced_since(opened.person, opened.created):
            return Rejection.NOT_PERMITTED, "replaced_since"
        known = registry().find(opened.person)
        formally = known is not None and known.card_state == CardState.LOST
        if found.state == "lost" and (formally or opened.document.loss == "temporary"):
            return Rejection.DUPLICATE_APPLICATION, "lost_already"
        return None

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """A temporary loss rests on the ID card alone."""
        if opened.document.loss == "temporary":
            return ()
        by_proxy = opened.document.proxy_id_number and "proxy" not in opened.contents.proof.reasons
        return (*super().reasons(opened), *(("proxy",) if by_proxy else ()))

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        accepted = verdict is Verdict.ACCEPTED
        return "in_force" if accepted else super().state_after(verdict, opened)

    def lapse(self, case: Case) -> tuple[timedelta, str] | None:
        """A temporary loss ends by itself; a formal one does not, nor while a person looks."""
        if case.contents["document"]["loss"] == "temporary":
            return ends(case.since, days_of(case, _lapse)) - case.since, "lapsed"
        return None

    def lapses_after(self) -> timedelta:
        return shortest(_lapse)

    def moved(self, case: Case) -> None:
        known = registry().find(case.person)
        if known is None or (case.state not in HOLDING and BEFORE not in case.findings):
            return
        holding = list(holding_reports(case.person))
        if BEFORE not in case.findings:
            others = [one.findings[BEFORE] for one in holding if BEFORE in one.findings]
            before = others[0] if others else known.card_state
            case.findings = {**case.findings, BEFORE: before}
            case.save(update_fields=["findings"])
        before = CardState(case.findings[BEFORE])
        blocks = {_block(one) for one in holding} | ({before} & set(BLOCKED))
        blocks |= _by_replacement(case.person)
        if blocks and known.card_state in (*USABLE, *BLOCKED):
            formally = CardState.LOST in blocks
            strongest = CardState.LOST if formally else CardState.LOST_TEMPORARILY
            bring(case.person, strongest, CardMove.BLOCK, CardMove.RELEASE)
        elif not blocks and known.card_state in BLOCKED:
            bring(case.person, before, CardMove.RELEASE)


def _by_proxy(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not document.get("proxy_id_number"):
        return []
    return [
        ("代办人", document["proxy_name"]),
        ("代办人身份证号", document["proxy_id_number"]),
        ("委托", {"paper": "委托书（见材料）", "stated": "口头说明"}[document["authority"]]),
    ]


def _is_page(opened: Opened) -> bool:
    page = opened.attachments.get("page_1")
    return page is not None and pictures.size_of(page, "JPEG") is not None


def _lapse(policy: Policy) -> Days:
    """How long a temporary loss holds: 7 days in one place, 15 in another."""
    return policy.service("loss_report").days("temporary_lapse")


#: Findings of a case that blocked a card: the state of the card before the first of them; of a
#: replacement how it blocked it, and when the new one was handed out.
BEFORE, AS, HANDED_OVER = "card_before", "card_blocked_as", "handed_over"


def holding_reports(person: str) -> QuerySet[Case]:
    """The reports that block a person's card now, oldest first."""
    reports = Case.objects.filter(person=person, kind=BUSINESS.kind, state__in=HOLDING)
    return reports.order_by("position")


def _block(report: Case) -> CardState:
    """How a report that holds blocks the card."""
    formally = _is_formal(report) and report.state == "in_force"
    return CardState.LOST if formally else CardState.LOST_TEMPORARILY


def _by_replacement(person: str) -> set[CardState]:
    """How the replacement of a lost card blocks it, until 解挂 or the new card."""
    known = Case.objects.filter(person=person, kind="card_replacement", findings__has_key=AS)
    newest = known.order_by("-position").first()
    if newest is None or HANDED_OVER in newest.findings:
        return set()
    if _withdrawn_since(person, newest.created):
        return set()
    return {CardState(newest.findings[AS])}


def _is_formal(report: Case) -> bool:
    return str(report.contents["document"]["loss"]) == "formal"


def _withdrawn_since(person: str, made: datetime) -> bool:
    """Whether the holder brought the card back after this report was made: it came late."""
    return Case.objects.filter(
        person=person, kind="loss_withdrawal", state="in_force", created__gt=made
    ).exists()


def _replaced_since(person: str, made: datetime) -> bool:
    """Whether a new card was handed out after this report was made: it is about the old one."""
    known = Case.objects.filter(
        person=person, kind="card_replacement", findings__has_key=HANDED_OVER
    )
    newest = known.order_by("-position").first()
    return newest is not None and datetime.fromisoformat(newest.findings[HANDED_OVER]) > made


def end_reports(person: str, note: str) -> None:
    """The card they are about is cancelled: its reports must not block the next one."""
    for position in list(holding_reports(person).values_list("position", flat=True)):
        move(position, "replaced", by="centre", note=note)


def _card(name: str, person: str) -> CardFound:
    """How the card of a person stands. Raises `central.ports.NotNow`."""
    known = registry().find(person)
    if known is None:
        return CardFound(rejection=Rejection.PERSON_UNKNOWN)
    if known.name != name:
        return CardFound(rejection=Rejection.MISMATCH)
    state = "in_use" if known.card_state in USABLE else "none"
    if known.card_state in BLOCKED:
        state = "lost"
    formally = any(_is_formal(report) for report in holding_reports(person))
    return CardFound(
        state=state,
        card=masked_card(known.card_no),
        bank=known.bank,
        temporary=known.card_state == CardState.LOST_TEMPORARILY and not formally,
    )


def _which_card(asked: WhichCard) -> Message:
    return _card(asked.name, person_hash(asked.id_number))


BUSINESS = LossReport()

ANSWERS = {"loss_report.card": _which_card}
