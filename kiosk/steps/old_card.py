"""The card that is replaced: why, by which banks, and what else its holder has to do.

Rules and offices are those of the business's own table in the policy pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiosk.policy.name import Name
from kiosk.policy.table import months_after
from kiosk.records.old_card import OldCard
from kiosk.visit.prompts import Choice, Notice, Option
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kiosk.policy import Bank, Outlet, Policy, Table
    from kiosk.visit.prompts import Facts

#: Reason (domain R-E8) -> icon.
REASONS = {
    "lost": "card-off-outline",
    "damaged": "card-remove-outline",
    "expired": "calendar-alert",
    "changed": "account-edit-outline",
    "other_bank": "bank",
    "third_generation": "card-plus-outline",
}
#: So long a card stays with its bank (R-F1).
_MONTHS = "other_bank_after_months"

#: A third-generation card has no end date (R-E6) and nothing to be exchanged for.
_OF_OLDER_CARDS = ("expired", "third_generation")

_GO_ON = (Option("keep", icon="exit-to-app"), Option("replace", icon="card-plus-outline"))

#: Benefit -> icon; what a newer centre names besides is "other".
_BENEFITS = {
    "pension": "cash",
    "unemployment": "briefcase-outline",
    "injury": "hospital-building",
    "medical": "medical-bag",
    "employment": "briefcase-outline",
    "farming": "sprout",
    "other": "cash",
}


def replaceable(facts: Mapping[str, Any]) -> OldCard:
    """The card that the centre tells of. Raises `Leave` where there is none to replace."""
    card = OldCard.of(facts)
    if card.state not in ("in_use", "lost"):
        none = card.state == "none"
        raise Leave("old_card.none" if none else "refused.not_permitted", icon="card-plus-outline")
    return card


async def why_replaced(card: OldCard, rules: Table, today: date) -> str:
    """The reason. Whoever has a card that serves on is told so and may keep it (R-E9)."""
    if card.state == "lost":
        return "lost"
    unfit = _OF_OLDER_CARDS if card.generation == 3 else ()
    options = [Option(one, icon=icon) for one, icon in REASONS.items() if one not in unfit]
    reason = await Choice("old_card.reason", tuple(options))
    serves = card.serves_on(today, rules.days("before_expiry"))
    if serves and reason in _OF_OLDER_CARDS:
        facts = {"until": f"{card.expires:%Y-%m-%d}"}
        if await Choice("old_card.serves", _GO_ON, facts) == "keep":
            raise Leave
    return reason


def charged(policy: Policy) -> bool:
    """Whether anything is charged for any reason."""
    return any(policy.fee(reason).yuan for reason in REASONS)


def terms(policy: Policy, rules: Table, today: date) -> Facts:
    """Facts of what is told and printed. `day`: another bank makes the next card from then on at
    the earliest (R-F1), if this one is made today; the very day is known once it is made."""
    months = rules.whole(_MONTHS)
    return {
        "days": policy.days("make_card").name,
        "months": months,
        "minutes": rules.whole("commit_within_minutes"),
        "day": f"{months_after(today, months):%Y-%m-%d}",
    }


def banks_for(
    card: OldCard, reason: str, policy: Policy, rules: Table, today: date
) -> tuple[list[Bank], Facts | None]:
    """The banks that may make the new card; and if it can be but its own, the facts of why (R-F1).
    Raises `Leave` with the day from which another one may."""
    months = rules.whole(_MONTHS)
    free = card.bound_until(today, months)
    others = [bank for bank in policy.banks if bank.id != card.bank]
    if free is None:
        return (others if reason == "other_bank" else list(policy.banks)), None
    why: Facts = {"day": f"{free:%Y-%m-%d}", "months": months}
    if reason == "other_bank":
        raise Leave("old_card.too_soon", icon="calendar-alert", facts=why)
    own = [bank for bank in policy.banks if bank.id == card.bank]
    if not own:
        raise Leave("refused.not_permitted", icon="alert-circle-outline")
    return own, why


async def tell_benefits(
    card: OldCard, policy: Policy, rules: Table, outlet: Outlet, today: date
) -> tuple[tuple[str, ...], dict[str, str | int]]:
    """What is paid to the card and where its number has to be changed (R-F3), and that it is paid
    just now. The same as notes for the receipt, with their facts."""
    same = outlet.bank == card.bank and policy.bank(outlet.bank).same_account
    offices: dict[str, str | int] = dict(rules.names("benefits"))
    codes = dict.fromkeys(code if code in offices else "other" for code in card.benefits)
    points = ["same_account"] if same and codes else list(codes)
    window = rules.table("pay_window")
    first, last = window.whole("first", 1), window.whole("last", 1)
    if codes and _in_window(today.day, first, last):
        points.append("pay_days")
    facts = offices | {"pay_days": _days(first, last)}
    if points:
        icons = tuple((point, _BENEFITS.get(point, "calendar-clock")) for point in points)
        await Notice("old_card.benefits", icons, facts=facts)
    return tuple(f"old_card.benefits.{point}.paper" for point in points), facts


def _days(first: int, last: int) -> Name:
    """Days of the month in words; where they go on into the next month, so it is said."""
    following = "次月" if last < first else ""
    english = " of the next month" if last < first else ""
    return Name(f"{first} 日到{following} {last} 日", f"day {first} to day {last}{english}")


def _in_window(day: int, first: int, last: int) -> bool:
    """Whether a day of the month is in the time of payment, which may go on into the next month."""
    return first <= day <= last if first <= last else day >= first or day <= last
