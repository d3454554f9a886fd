"""修改社保卡密码: the citizen knows the PIN and makes up another (domain §5.5).

It is done at the card, also without network; the centre gets a record of it, and no PIN. What the
card has done is said at once, whatever becomes of the record. A card that is not activated yet is
offered 启用 only (R-G5), as far as the centre can be asked; activation has its PIN changed anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.faults import Device, DeviceFault
from kiosk.receipts import Slip
from kiosk.records.pins import PinSaid
from kiosk.records.proof import Level, Proof
from kiosk.steps.card_pin import changed, own_card, verified, whose
from kiosk.steps.enquiry import ask
from kiosk.steps.filing import hand_over
from kiosk.steps.identity import identify
from kiosk.steps.rows import masked
from kiosk.visit.prompts import Done, Notice, ReadCard, Submit
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.records.transaction import Transaction


class ChangePin(Service):
    """密码修改."""

    id = "pin_change"
    group = "card"
    icon = "lock-outline"
    seldom = True
    order = 50
    needs = frozenset({Device.ID_READER, Device.CARD_READER})
    submits = True
    stages = ("notice", "identity", "pin", "receipt")

    async def serve(self) -> None:
        self.at("notice")
        points = (
            ("which", "card-account-details"),
            ("bank", "bank"),
            ("unseen", "eye-off-outline"),
        )
        notice = await Notice("pin_change.notice", points)

        self.at("identity")
        citizen = await identify(self.today)
        phone = await self._must_be_active(citizen)
        card = await own_card(citizen, ReadCard("pin_change.card", tries=True))

        self.at("pin")
        card, _ = await verified(card, keep=True)
        card, said = await changed(card, citizen, phone)

        self.at("receipt")
        # Card and PIN: P2. The time is that of the notice; the centre counts from the record.
        document = {**whose(citizen, card), "outcome": said.value}
        record = self.transaction(citizen, document, Proof(Level.P2, notice.at))
        await self._tell(citizen, said, record)

    async def _must_be_active(self, citizen: Citizen) -> str:
        """The telephone number that the centre has, masked, "" where it tells none. Raises
        `Leave`."""
        who = {"id_number": citizen.number.text, "name": citizen.name}
        reply = await ask("pin_change.ask", "pin_change.state", **who)
        known = reply.facts or {}
        if known.get("state") == "inactive":
            raise Leave("pin_change.inactive", icon="card-plus-outline")
        return str(known.get("phone") or "")

    async def _tell(self, citizen: Citizen, said: PinSaid, record: Transaction) -> None:
        """What the card has done, on the page and on paper, and to the centre."""
        page = f"pin_change.{said}"
        done = Done(page, state="ok" if said is PinSaid.DONE else "trouble")
        try:
            submitted = await Submit("filing.submit", record)
        except DeviceFault:
            # The record is lost, the PIN is not: that is what the citizen has to know.
            await done
            return
        slip = Slip(
            id="pin_change.slip",
            state=f"{page}.slip",
            number=submitted.receipt_no,
            rows=masked(citizen),
            notes=(f"{page}.text",),
        )
        await hand_over(slip, done, submitted)
