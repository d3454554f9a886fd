"""Consents (知情同意): what was agreed to in a visit, each with its text, version and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.records.transaction import Consent
from kiosk.visit.prompts import AskConsent, Notice

if TYPE_CHECKING:
    from datetime import datetime

    from kiosk.policy import Policy
    from kiosk.visit.prompts import Agreement


class Consents:
    """The consents of one visit, in the order given."""

    def __init__(self, policy: Policy) -> None:
        """`policy`: the pack whose texts are shown."""
        self._policy = policy
        self._given: list[Consent] = []

    @property
    def given(self) -> tuple[Consent, ...]:
        return tuple(self._given)

    async def read(self, notice: Notice) -> Agreement:
        """Show a notice; where it has to be agreed to, that is recorded."""
        agreement = await notice
        if notice.must_agree:
            self._record(notice.id, agreement.at)
        return agreement

    async def ask(self, question: AskConsent) -> datetime | None:
        """Ask for a consent that may be declined; None if it was."""
        agreed_at = await question
        if agreed_at is not None:
            self._record(question.id, agreed_at)
        return agreed_at

    def _record(self, text_id: str, at: datetime) -> None:
        text = self._policy.consent(text_id)
        self._given.append(Consent(text.id, text.version, text.sha256, at))
