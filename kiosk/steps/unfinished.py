"""Unfinished (上次没办完的): answers that the same person left another day (domain R-K10).

They wait at the centre, sealed, for seven days, and only for who puts down the same ID card. They
are suggestions: every page is put and confirmed as usual, filled. Photo, proof, consents and
signature are always made here and now, and whoever is named in the place of an ID card is named
again: what was said before this step is not kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kiosk.steps.enquiry import ask
from kiosk.visit.prompts import Option, Resume

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.visit.service import Service

_GO_ON = (
    Option("go_on", icon="play-circle-outline"),
    Option("anew", icon="pencil-outline"),
)


async def offer_unfinished(
    service: Service, citizen: Citizen, child: Citizen | None = None
) -> None:
    """Ask the centre for them and the citizen whether to go on. From here on the answers of this
    visit can be left for another day as well. `child`: whose matter it is, if not their own."""
    if citizen.on_paper:
        return  # they wait for the ID card, not for who knows a name and a number
    service.holder, service.about = citizen, "" if child is None else child.number.text
    if not service.context.online:
        return  # nobody waits for an answer that does not come
    who = service.kept_under()
    reply = await ask("unfinished.ask", "unfinished.find", **who)
    answers = _answers("" if reply.facts is None else str(reply.facts.get("answers") or ""))
    if not answers or reply.facts is None:
        return
    facts = {"day": str(reply.facts.get("kept") or "")}
    if await Resume("unfinished.found", _GO_ON, facts, answers) == "anew":
        await ask("unfinished.drop", "unfinished.keep", **who, answers="")


def _answers(text: str) -> dict[str, Any]:
    """What this release can still read of them."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
