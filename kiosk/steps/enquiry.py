"""Enquiry: a question that only the centre can answer. Offline is one of the replies."""

from __future__ import annotations

from kiosk.records.submission import Question, Reply
from kiosk.visit.prompts import AskCentral


async def ask(prompt: str, kind: str, **fields: str) -> Reply:
    """Ask the centre. `kind`: a question of `sync.kinds`; `fields`: its, all text."""
    return await AskCentral(prompt, Question(kind, fields))
