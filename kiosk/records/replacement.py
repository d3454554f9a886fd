"""补换卡: what is asked for, as it is reviewed, signed, sent and printed.

The document is plain JSON with the names of `sync.kinds`; `tests/flows` holds the two together.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from kiosk.late import dataclass
from kiosk.records.masking import mask_id_number, mask_name
from kiosk.records.old_card import OldCard
from kiosk.visit.prompts import Row

if TYPE_CHECKING:
    from kiosk.policy import Fee, Outlet, Policy
    from kiosk.records.citizen import Citizen
    from sync.canonical import Json


@dataclass(frozen=True)
class Replacement:
    """A replacement as it stands on the review page; without a card it is a booking (预约)."""

    citizen: Citizen
    reason: str
    phone: str = field(repr=False)
    outlet: Outlet
    fee: Fee
    card: OldCard | None = None
    photo_sha256: str = ""
    #: Whether the electronic card is made with it (R-K1).
    electronic: bool = False

    def document(self) -> dict[str, Json]:
        """The data that is signed; keys and values are plain JSON."""
        return {
            "booking": self.card is None,
            "name": self.citizen.name,
            "id_number": self.citizen.number.text,
            "reason": self.reason,
            "card": self.card.shown if self.card else "",
            "phone": self.phone,
            "bank": self.outlet.bank,
            "outlet": self.outlet.id,
            "fee": self.fee.yuan,
            "approval": self.fee.approval,
            "electronic": self.electronic,
            "photo_sha256": self.photo_sha256,
        }

    def rows(self, policy: Policy) -> tuple[Row, ...]:
        """For the review page."""
        known = self.card.phone if self.card else ""
        # A card that is blocked is replaced because it is lost; nobody was asked.
        why = "" if self.card and self.card.state == "lost" else "old_card.reason"
        return (
            Row("form.name", self.citizen.name),
            Row("form.id_number", self.citizen.number.text),
            *((Row("form.old_card", self.card.shown),) if self.card and self.card.shown else ()),
            Row("form.reason", f"old_card.reason.{self.reason}.label", revise=why),
            Row("form.fee", self.fee.name),
            Row("form.phone", self.phone or known, revise="telephone"),
            Row("form.bank", policy.bank(self.outlet.bank).name, revise="pickup"),
            Row("form.outlet", self.outlet.name, revise="pickup.outlet"),
            *self._electronic(policy),
        )

    def _electronic(self, policy: Policy) -> tuple[Row, ...]:
        """What was agreed to on the first page, where the policy has it."""
        if self.card is None or not policy.card.electronic:
            return ()
        return (Row("form.electronic", "electronic.yes" if self.electronic else "electronic.no"),)

    def slip(self, policy: Policy) -> tuple[tuple[str, str], ...]:
        """For paper: masked."""
        return (
            ("form.name", mask_name(self.citizen.name)),
            ("form.id_number", mask_id_number(self.citizen.number.text)),
            ("form.reason", f"old_card.reason.{self.reason}.label"),
            ("form.fee", self.fee.name),
            ("form.bank", policy.bank(self.outlet.bank).name),
            ("form.outlet", self.outlet.name),
            ("form.outlet_phone", self.outlet.phone),
        )
