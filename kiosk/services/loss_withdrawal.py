"""解挂: a card that was found again serves again (domain §5.3).

Only online, only with the very card in the slot, and only with proof of who stands there: whoever
finds a stranger's card must not be able to bring it back to life. After a replacement was asked
for there is no way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device
from kiosk.records.proof import Level
from kiosk.records.submission import Standpoint
from kiosk.steps.consents import Consents
from kiosk.steps.enquiry import ask_about
from kiosk.steps.filing import Paper, file
from kiosk.steps.identity import identify
from kiosk.steps.proof import prove_own_wish
from kiosk.steps.rows import masked
from kiosk.visit.prompts import Notice, ReadCard
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen

#: States in which there is nothing to withdraw; each has its words.
_NOT_LOST = ("none", "in_use", "replaced")


class WithdrawLoss(Service):
    """解挂."""

    id = "loss_withdrawal"
    group = "card"
    icon = "card-bulleted-outline"
    order = 31
    needs = frozenset({Device.ID_READER, Device.CARD_READER})
    needs_network = True
    submits = True
    rules = frozenset({"consent.loss_withdrawal.notice", "consent.comparison.consent"})
    stages = ("notice", "identity", "card", "proof", "receipt")
    own_states: ClassVar = {"in_force": "ok", "to_review": "waiting", "returned": "trouble"}

    async def serve(self) -> None:
        consents = Consents(self.policy)
        self.at("notice")
        agreed = await consents.read(
            Notice(
                "loss_withdrawal.notice",
                points=(
                    ("what", "card-bulleted-outline"),
                    ("bring", "card-account-details-outline"),
                    ("never", "alert-outline"),
                ),
                must_agree=True,
            )
        )

        self.at("identity")
        citizen = await identify(self.today)
        await self._may_withdraw(citizen)

        self.at("card")
        card = await ReadCard("loss_withdrawal.card", holder=True)
        if card.holder is None or card.holder.number != citizen.number.text:
            raise Leave("loss_withdrawal.other_card", icon="card-remove-outline")

        self.at("proof")
        proof = await prove_own_wish(self.context, citizen, consents, agreed.at)
        if proof.level is not Level.P3:
            raise Leave("loss_withdrawal.unproven", icon="account-question-outline")

        self.at("receipt")
        document = {
            "name": citizen.name,
            "id_number": citizen.number.text,
            "card_id": card.card_id,
            "card_no": card.card_no,
        }
        transaction = self.transaction(citizen, document, proof, consents=consents.given)
        since = {Standpoint.ACCEPTED: "loss_withdrawal.slip.since"}
        notes = ("loss_withdrawal.slip.bank",)
        paper = Paper("loss_withdrawal", masked(citizen), notes, since=since)
        await file(transaction, paper)

    async def _may_withdraw(self, citizen: Citizen) -> None:
        known = await ask_about(citizen, "loss_withdrawal.ask", "loss_withdrawal.state")
        if known is None:
            raise Leave("loss_withdrawal.offline", icon="cloud-off-outline")
        state = known.get("state")
        if state in _NOT_LOST:
            new_card = citizen if state == "replaced" else None
            raise Leave(f"loss_withdrawal.{state}", icon="information-outline", citizen=new_card)
        if state != "lost":
            # A newer centre's word: somebody at the window knows what it means.
            raise Leave("refused.not_permitted", icon="alert-circle-outline")
