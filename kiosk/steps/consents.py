"""Consents (知情同意): what was agreed to in a visit, each with its text, version and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.records.transaction import Consent
from kiosk.visit.prompts import AskConsent, Notice
from sync.canonical import canonical, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kiosk.policy import Policy
    from kiosk.visit.prompts import Agreement, Facts

#: Seconds to read one point of a 告知, before which it cannot be agreed to.
_READ_S = 5.0


class Consents:
    """The consents of one visit, in the order given."""

    def __init__(self, policy: Policy) -> None:
        """`policy`: the pack whose texts are shown."""
        self._policy = policy
        self._given: list[Consent] = []

    @property
    def given(self) -> tuple[Consent, ...]:
        return tuple(self._given)

    def seal(self, *texts: str) -> str:
        """For paper: the versions of these texts and the first half of one hash over their hashes,
        which says what was agreed to."""
        agreed = [consent for consent in self._given if consent.text_id in texts]
        digest = sha256_hex(canonical([consent.text_sha256 for consent in agreed]))
        versions = dict.fromkeys(consent.text_version for consent in agreed)
        return f"{', '.join(versions)} {digest[:32]}"

    async def read(self, notice: Notice) -> Agreement:
        """Show a notice; where it has to be agreed to, that is recorded."""
        agreement = await notice
        if notice.must_agree:
            self._record(notice.id, agreement.at)
        return agreement

    async def one_by_one(self, texts: Mapping[str, str], facts: Facts) -> None:
        """Each text on a page of its own, read aloud, with time to read it (domain §6, R-F2).
        `texts`: id -> icon."""
        for text, icon in texts.items():
            point = (("what", icon),)
            await self.read(Notice(text, point, True, facts, least_s=_READ_S, aloud=True))

    async def ask(self, question: AskConsent) -> datetime | None:
        """Ask for a consent that may be declined; None if it was."""
        agreed_at = await question
        if agreed_at is not None:
            self._record(question.id, agreed_at)
        return agreed_at

    def _record(self, text_id: str, at: datetime) -> None:
        text = self._policy.consent(text_id)
        self._given.append(Consent(text.id, text.version, text.sha256, at))
