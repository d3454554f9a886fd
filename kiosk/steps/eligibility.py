"""Eligibility: may this person apply for a card? The four refusals of domain §2.3, each with words.

Offline nobody can look it up, and for who has shown no ID card nobody does: the citizen is asked,
and the centre decides when it hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kiosk.records.submission import Reply
from kiosk.steps.enquiry import ask, refused
from kiosk.steps.existing_card import has_card
from kiosk.visit.prompts import Choice, Option

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.visit.service import Context

_HAVE_CARD = (Option("no", icon="card-plus-outline"), Option("yes", icon="card-account-details"))


async def may_apply(context: Context, citizen: Citizen, question: str) -> str:
    """Raises `Leave` for who may not. Returns the telephone number that the centre knows, masked;
    "" if it knows none."""
    facts = await permitted(context, citizen, question)
    return "" if facts is None else str(facts.get("phone") or "")


async def permitted(context: Context, citizen: Citizen, question: str) -> Mapping[str, Any] | None:
    """What the centre says of who may; None where nobody looked it up. Raises `Leave` for who may
    not, and `GoOn` for who has a card and wants another. `question`: of `sync.kinds`, e.g.
    "first_application.eligibility"."""
    number, name = citizen.number.text, citizen.name
    reply = Reply()
    if not citizen.on_paper:
        # Whoever knows somebody's name and number by heart learns nothing about them.
        reply = await ask("eligibility.ask", question, id_number=number, name=name)
    if reply.facts is None:
        if await Choice("eligibility.have_card", _HAVE_CARD) == "yes":
            await has_card(context, citizen)
        return None
    if reply.facts.get("reason") == "has_card":
        await has_card(context, citizen)
    if rejection := reply.facts.get("rejection"):
        raise refused(str(rejection), citizen)
    return reply.facts
