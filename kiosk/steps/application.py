"""What every application for a card has in common: its notice, its contact, its rows, its receipt.

The nine items of the 登记表 stand on the review page (the photo beside them), and where the card
goes. The receipt says what it costs, when it is there, and what to bring (domain R-B16, R-F7).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kiosk.policy import Name
from kiosk.records.application import Contact
from kiosk.steps.filing import Paper
from kiosk.steps.rows import masked, of_chip
from kiosk.steps.telephone import telephone_and
from kiosk.visit.prompts import Choice, Field, Notice, Option, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.policy import Policy
    from kiosk.records.application import CardApplication, Pickup
    from kiosk.visit.service import Context

#: Optional, and beside the telephone number: who knows it by heart is rare.
_INSURANCE_NO = Field(
    "insurance_no", "insurance_no", "house", longest=20, optional=True, aside=True
)


def notice_of(context: Context) -> Notice:
    """What it is, and one consent: whoever goes on by the second button has no electronic card made
    (R-K1)."""
    policy = context.policy
    electronic = policy.card.electronic
    fee = ("fee_due", "cash") if policy.fee("first").yuan else ("fee", "cash-remove")
    # Said before anything is entered: whoever needs paper may come back another time.
    paper = ("no_paper", "printer-off-outline")
    points = (
        *([] if context.printer else [paper]),
        fee,
        ("time", "calendar-clock"),
        *([("bring", "card-account-details-outline")] if context.printer else []),
        ("electronic", "cellphone") if electronic else ("use", "hospital-building"),
        ("data", "shield-lock-outline"),
    )
    return Notice(
        "apply.notice", points, must_agree=True, facts=costs(policy), exception=electronic
    )


async def contact(known_phone: str) -> Contact:
    """Telephone, and 医保个人编号 from who has it there. `known_phone`: the centre's, masked."""
    typed = await telephone_and((_INSURANCE_NO,), known_phone)
    return Contact(typed["phone"], typed["phone"] or known_phone, typed["insurance_no"])


async def special_group(policy: Policy) -> str:
    """特殊人群标志, an id of the policy pack's; "none" is one."""
    # 「无」 is the form's word; nobody would say so of themselves.
    groups = tuple(
        Option(code, label="" if code == "none" else name) for code, name in policy.special_groups
    )
    return await Choice("apply.special_group", groups)


def rows(
    application: CardApplication, policy: Policy, *, typed: str = "papers", kind: str = "apply.who"
) -> tuple[Row, ...]:
    """What is reviewed and signed; what was asked for can be changed. `typed`: the step in which a
    person without ID card was named; `kind`: that of the kind of person, "" where it is fixed."""
    citizen, pickup = application.citizen, application.pickup
    who = of_chip(citizen)
    if citizen.on_paper:
        who = tuple(replace(row, revise=typed) for row in who)
    insurance_no = application.contact.insurance_no
    electronic = "electronic.yes" if application.electronic else "electronic.no"
    return (
        *who,
        Row("form.person_kind", f"person_kind.{application.person_kind}", revise=kind),
        Row(
            "form.special_group",
            policy.special_group(application.special_group),
            revise="apply.special_group",
        ),
        Row("form.phone", application.contact.shown_phone, revise="telephone"),
        *([Row("form.insurance_no", insurance_no, revise="telephone")] if insurance_no else []),
        Row("form.address", application.address.text, revise="address"),
        *_pickup(policy, pickup),
        *(
            [Row("form.electronic", electronic, revise="apply.notice")]
            if policy.card.electronic
            else []
        ),
    )


def paper(
    application: CardApplication, policy: Policy, words: str = "apply", *also: tuple[str, str]
) -> Paper:
    """The receipt. At an outlet that makes cards at once it is what one comes with (R-F7). `words`:
    id of the business's own; `also`: further rows."""
    pickup = application.pickup
    where: tuple[tuple[str, str], ...] = ()
    if pickup.outlet:
        where = (("form.outlet_phone", policy.outlet(pickup.outlet).phone),)
    fee = "apply.slip.fee_due" if policy.fee("first").yuan else "apply.slip.fee"
    return Paper(
        words,
        rows=(
            *masked(application.citizen),
            *also,
            ("form.bank", policy.bank(pickup.bank).name),
            ("form.outlet", _place(policy, pickup)),
            *where,
        ),
        notes=(fee, *_HOW[pickup.way]),
        facts={**costs(policy), "bring": f"{'minor' if words == 'minor' else 'apply'}.bring"},
    )


#: How it is handed out -> what the receipt says of it.
_HOW: Mapping[str, tuple[str, ...]] = {
    "outlet": ("apply.slip.days", "apply.slip.bring"),
    "instant": ("apply.slip.instant", "apply.slip.bring"),
    "mail": ("apply.slip.days", "apply.slip.mail"),
}


def costs(policy: Policy) -> dict[str, str | int]:
    """What it costs and how long it takes, facts for words."""
    return {
        "fee": policy.fee("first").yuan,
        "days": policy.days("make_card").name,
        "instant": policy.card.instant,
    }


def _pickup(policy: Policy, pickup: Pickup) -> tuple[Row, ...]:
    bank = policy.bank(pickup.bank).name
    if not pickup.outlet:
        return (
            Row("form.bank", bank, revise="pickup"),
            Row("form.outlet", _place(policy, pickup), revise="pickup.outlet"),
        )
    outlet = policy.outlet(pickup.outlet).name
    both = Name(f"{bank} {outlet}", f"{bank.english}, {outlet.english}")
    return (Row("form.outlet", both, revise="pickup"),)


def _place(policy: Policy, pickup: Pickup) -> str:
    return policy.outlet(pickup.outlet).name if pickup.outlet else "pickup.outlet.mail.label"
