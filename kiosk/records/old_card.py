"""The card that is to be replaced, as the centre tells of it (`sync.kinds.card_replacement`).

What a newer centre says in another shape is as good as not known: nothing is refused because of it
here, and nothing is called in date that is not known to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from kiosk.late import dataclass
from kiosk.policy.table import months_after

if TYPE_CHECKING:
    from kiosk.policy import Days


@dataclass(frozen=True)
class OldCard:
    """`state`: "in_use", "lost" or "none"."""

    state: str
    #: Its number, masked.
    shown: str = field(default="", repr=False)
    #: 2 or 3; 0: not known.
    generation: int = 0
    #: Of the second generation only.
    expires: date | None = None
    bank: str = ""
    made: date | None = None
    #: What is paid to its account, as codes of the policy pack.
    benefits: tuple[str, ...] = field(default=(), repr=False)
    #: The telephone number that the centre has, masked.
    phone: str = field(default="", repr=False)
    #: A card photo that the centre has.
    photo_sha256: str = ""
    photo_taken: date | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> OldCard:
        generation = facts.get("generation")
        return cls(
            state=str(facts.get("state") or ""),
            shown=str(facts.get("card") or ""),
            generation=generation if isinstance(generation, int) else 0,
            expires=_day(facts.get("expires")),
            bank=str(facts.get("bank") or ""),
            made=_day(facts.get("made")),
            benefits=tuple(str(code) for code in facts.get("benefits") or ()),
            phone=str(facts.get("phone") or ""),
            photo_sha256=str(facts.get("photo_sha256") or ""),
            photo_taken=_day(facts.get("photo_taken")),
        )

    def serves_on(self, today: date, before_expiry: Days) -> bool:
        """Whether it is a second-generation card in date, with no need to change yet (R-E9)."""
        if self.generation != 2 or self.expires is None:
            return False
        return today + timedelta(days=before_expiry.number) < self.expires

    def bound_until(self, today: date, months: int) -> date | None:
        """The day from which another bank may make the card (R-F1); None: it may now."""
        if self.made is None or not self.bank or today >= months_after(self.made, months):
            return None
        return months_after(self.made, months)

    def has_photo(self, today: date, months: int) -> bool:
        """Whether the centre has a photo that is new enough (R-D10)."""
        if not self.photo_sha256 or self.photo_taken is None:
            return False
        return today <= months_after(self.photo_taken, months)


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None
