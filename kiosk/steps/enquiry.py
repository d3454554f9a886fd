"""Enquiry: a question that only the centre can answer. Offline is one of the replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kiosk.records.submission import Question, Reply
from kiosk.visit.prompts import AskCentral
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen


async def ask(prompt: str, kind: str, **fields: str) -> Reply:
    """Ask the centre. `kind`: a question of `sync.kinds`; `fields`: its, all text."""
    return await AskCentral(prompt, Question(kind, fields))


async def ask_about(citizen: Citizen, prompt: str, kind: str) -> Mapping[str, Any] | None:
    """Ask the centre about the person whose ID card was read. None: nobody can look it up now.
    Raises `Leave` where the centre refuses the person."""
    reply = await ask(prompt, kind, id_number=citizen.number.text, name=citizen.name)
    if reply.facts is not None and (rejection := reply.facts.get("rejection")):
        raise refused(str(rejection), citizen)
    return reply.facts


def refused(rejection: str, citizen: Citizen) -> Leave:
    """The centre's refusal as a dead end; what is under way already can be looked at."""
    under_way = citizen if rejection == "duplicate_application" else None
    return Leave(f"refused.{rejection}", icon="alert-circle-outline", citizen=under_way)
