"""密码重置、解锁: the PIN is forgotten, or locked after too many wrong ones (domain §5.5).

The centre decides, because it has the keys (加密机): it allows one script, for this card, for who
has proven to stand there. The terminal carries the script to the card and tells the centre what
came of it, before anything else is asked. After a reset the card has the PIN that cards are issued
with, so the citizen makes up one of their own at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device, DeviceFault
from kiosk.receipts import Slip
from kiosk.records.pins import PinSaid
from kiosk.records.proof import Level
from kiosk.records.submission import Standpoint
from kiosk.steps.card_pin import chosen, own_card, whose
from kiosk.steps.consents import Consents
from kiosk.steps.enquiry import ask_about
from kiosk.steps.filing import Paper, hand_over, report
from kiosk.steps.identity import identify
from kiosk.steps.proof import prove_own_wish
from kiosk.steps.rows import masked
from kiosk.visit.prompts import (
    AwaitVerdict,
    Choice,
    Done,
    Notice,
    Option,
    ReadCard,
    RunScript,
    Submit,
)
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.records.transaction import Transaction

#: States in which there is no PIN to reset; each has its words.
_NOT_NOW = ("inactive", "lost", "none")

#: A locked card may keep its PIN, if its holder knows it.
_WHICH = Choice(
    "pin_reset.which",
    (Option("reset", icon="lock-reset"), Option("unblock", icon="lock-open-variant-outline")),
)


class ResetPin(Service):
    """密码重置、解锁."""

    id = "pin_reset"
    group = "card"
    icon = "lock-reset"
    order = 51
    seldom = True
    needs = frozenset({Device.ID_READER, Device.CARD_READER})
    needs_network = True
    submits = True
    rules = frozenset({"consent.pin_reset.notice", "consent.comparison.consent"})
    stages = ("notice", "identity", "proof", "card", "receipt")
    own_states: ClassVar = {
        "accepted": "waiting",
        "finished": "ok",
        "not_done": "trouble",
        "lapsed": "waiting",
    }

    async def serve(self) -> None:
        consents = Consents(self.policy)
        self.at("notice")
        points = (("what", "lock-reset"), ("bring", "card-account-details"), ("bank", "bank"))
        agreed = await consents.read(Notice("pin_reset.notice", points, must_agree=True))

        self.at("identity")
        citizen = await identify(self.today)
        phone = await self._may_reset(citizen)

        self.at("proof")
        proof = await prove_own_wish(self.context, citizen, consents, agreed.at)
        if proof.level is not Level.P3:
            raise Leave("pin_reset.unproven", icon="account-question-outline")

        self.at("card")
        card = await own_card(citizen, ReadCard("pin_reset.card", holder=True, tries=True))
        purpose = await _WHICH if card.pin_tries == 0 else "reset"
        document = {**whose(citizen, card), "purpose": purpose, "outcome": "", "request": ""}
        request = self.transaction(citizen, document, proof, consents=consents.given)
        submitted = await Submit("filing.submit", request)
        verdict = await AwaitVerdict("filing.verdict", submitted)
        if verdict.standpoint is not Standpoint.ACCEPTED:
            await report(Paper("pin_reset", rows=masked(citizen)), submitted, verdict)
            return

        try:
            used = await RunScript("pin_reset.script", card, purpose, submitted.id)
            outcome = "done" if used.said is PinSaid.DONE else "unknown"
        except DeviceFault:
            outcome = "failed"
        told = {**document, "outcome": outcome, "request": submitted.id}
        await _tell(self.transaction(citizen, told, proof, consents=consents.given))

        page = f"pin_reset.{outcome}"
        if outcome == "done":
            page = "pin_reset.unblocked"
            if purpose == "reset":
                said = await chosen(card, used, citizen, phone)
                page = "pin_reset.own" if said is PinSaid.DONE else "pin_reset.initial"
        self.at("receipt")
        good = page in ("pin_reset.own", "pin_reset.unblocked")
        number, notes = submitted.receipt_no, (f"{page}.text",)
        slip = Slip("pin_reset.slip", f"{page}.slip", number, masked(citizen), notes)
        done = Done(page, "ok" if good else "trouble", number)
        await hand_over(slip, done, submitted)

    async def _may_reset(self, citizen: Citizen) -> str:
        """The telephone number that the centre has, masked. Raises `Leave`."""
        known = await ask_about(citizen, "pin_reset.ask", "pin_reset.state")
        if known is None:
            raise Leave("pin_reset.offline", icon="cloud-off-outline")
        state = known.get("state")
        if state in _NOT_NOW:
            raise Leave(f"pin_reset.{state}", icon="information-outline")
        if state != "in_use":
            # A newer centre's word: somebody at the window knows what it means.
            raise Leave("refused.not_permitted", icon="alert-circle-outline")
        return str(known.get("phone") or "")


async def _tell(outcome: Transaction) -> None:
    """What came of it, for the centre. A terminal that cannot keep it goes on: the centre knows
    that the script was fetched, and asks a person when it hears no more."""
    try:
        await Submit("filing.submit", outcome)
    except DeviceFault:
        return
