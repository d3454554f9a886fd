"""社保功能启用: a new card begins to serve as a social security card (domain §5.4).

Only online, only who has proven to stand there, only with their own card in the slot, and only once
the PIN that it was issued with is gone. The bank function is the bank's counter's and is never
touched here (R-F5). An answer that did not come is asked for, and nothing is filed a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device, DeviceFault
from kiosk.records.pins import PinSaid
from kiosk.records.proof import Level
from kiosk.records.submission import Standpoint, Verdict
from kiosk.steps.card_pin import changed, own_card, verified, whose
from kiosk.steps.consents import Consents
from kiosk.steps.enquiry import ask, ask_about
from kiosk.steps.filing import Paper, report
from kiosk.steps.identity import identify
from kiosk.steps.proof import prove_own_wish
from kiosk.steps.rows import bank_name, masked
from kiosk.visit.prompts import AwaitVerdict, Notice, ReadCard, Submit
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen

#: States in which there is nothing to activate; each has its words.
_NOT_NOW = ("active", "lost", "being_made", "none")


class ActivateCard(Service):
    """社保功能启用."""

    id = "card_activation"
    group = "card"
    icon = "card-plus-outline"
    order = 40
    needs = frozenset({Device.ID_READER, Device.CARD_READER})
    needs_network = True
    submits = True
    rules = frozenset({"consent.card_activation.notice", "consent.comparison.consent"})
    stages = ("notice", "identity", "proof", "pin", "receipt")
    own_states: ClassVar = {"in_force": "ok", "to_review": "waiting"}

    async def serve(self) -> None:
        consents = Consents(self.policy)
        self.at("notice")
        agreed = await consents.read(
            Notice(
                "card_activation.notice",
                (
                    ("social", "hospital-building"),
                    ("bank", "bank"),
                    ("pin", "lock-outline"),
                ),
                must_agree=True,
            )
        )

        self.at("identity")
        citizen = await identify(self.today)
        bank, phone = await self._inactive(citizen)

        # The social security card comes last: it has to stay in only while its PIN is at stake.
        self.at("proof")
        proof = await prove_own_wish(self.context, citizen, consents, agreed.at)
        if proof.level is not Level.P3:
            raise Leave("card_activation.unproven", icon="account-question-outline")

        self.at("pin")
        wanted = ReadCard("card_activation.card", holder=True, tries=True)
        card = await own_card(citizen, wanted)
        card, initial = await verified(card)
        pin = "own"
        if initial:
            card, said = await changed(card, citizen, phone)
            pin = "changed" if said is PinSaid.DONE else "unknown"

        self.at("receipt")
        document = {**whose(citizen, card), "pin": pin}
        transaction = self.transaction(citizen, document, proof, consents=consents.given)
        try:
            submitted = await Submit("filing.submit", transaction)
        except DeviceFault:
            if pin == "own":
                raise
            raise Leave("card_activation.only_pin", icon="lock-check-outline") from None
        verdict = await AwaitVerdict("filing.verdict", submitted)
        if verdict.standpoint is Standpoint.QUEUED and await self._is_active(citizen):
            verdict = Verdict(Standpoint.ACCEPTED)
        active = ("card_activation.slip.active",) * (verdict.standpoint is Standpoint.ACCEPTED)
        paper = Paper(
            "card_activation",
            rows=masked(citizen),
            notes=(*active, "card_activation.slip.bank"),
            facts={"bank": bank},
            already="card_activation.already",
            since={Standpoint.ACCEPTED: "card_activation.slip.since"},
        )
        await report(paper, submitted, verdict)

    async def _inactive(self, citizen: Citizen) -> tuple[str, str]:
        """The bank whose counter does the rest, and the telephone number that the centre has,
        masked. Raises `Leave` where there is nothing to do."""
        known = await ask_about(citizen, "card_activation.ask", "card_activation.state")
        if known is None:
            raise Leave("card_activation.offline", icon="cloud-off-outline")
        state = known.get("state")
        if state in _NOT_NOW:
            under_way = citizen if state == "being_made" else None
            raise Leave(f"card_activation.{state}", icon="information-outline", citizen=under_way)
        if state != "inactive":
            # A newer centre's word: somebody at the window knows what it means.
            raise Leave("refused.not_permitted", icon="alert-circle-outline")
        bank = bank_name(known, self.policy) or "card_activation.any_bank"
        return bank, str(known.get("phone") or "")

    async def _is_active(self, citizen: Citizen) -> bool:
        """Whether the card serves now, though no answer to the request has come."""
        who = {"id_number": citizen.number.text, "name": citizen.name}
        reply = await ask("card_activation.asked", "card_activation.state", **who)
        return reply.facts is not None and reply.facts.get("state") == "active"
