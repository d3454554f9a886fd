"""补换卡 / 二代换三代: another card for one that is lost, damaged or expired (domain §5.2).

Online it is the replacement itself. The old card stays what it is until the citizen has been told
three things, agreed to one by one (R-F2), and has signed; a lost card is reported lost with it.
Offline it is a 预约, says so and touches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device
from kiosk.records.old_card import OldCard
from kiosk.records.proof import Level, Proof
from kiosk.records.replacement import Replacement
from kiosk.steps import old_card
from kiosk.steps.card_photo import photo_of_card
from kiosk.steps.consents import Consents
from kiosk.steps.enquiry import ask_about
from kiosk.steps.filing import Paper, file
from kiosk.steps.identity import identify
from kiosk.steps.pickup import pick_outlet
from kiosk.steps.signing import review_and_sign
from kiosk.steps.telephone import telephone
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.prompts import Choice, Notice, Option, Review
from kiosk.visit.service import ForHolders, Leave

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.visit.prompts import Agreement, Facts

#: The three points of the 告知 -> icon.
POINTS = {
    "card_replacement.no_way_back": "undo-variant",
    "card_replacement.other_bank": "bank",
    "card_replacement.accounts": "cash",
}
_BLOCK = Notice(
    "card_replacement.lost",
    points=(("effect", "card-off-outline"), ("undo", "undo-variant"), ("bank", "bank")),
    must_agree=True,
)
_OFFLINE = Choice(
    "card_replacement.offline",
    (Option("book", icon="calendar-clock"), Option("leave", icon="exit-to-app")),
)
_TEXTS = ("card_replacement.notice", _BLOCK.id, *POINTS, "photo.notice", "comparison.consent")
_RULES = (
    *("other_bank_after_months", "commit_within_minutes", "before_expiry", "benefits"),
    *("pay_window.first", "pay_window.last"),
)
_BOOKED = "card_replacement.booking"
#: On the receipt; what concerns benefits follows.
_NOTES = tuple(f"card_replacement.slip.{note}" for note in ("no_way_back", "bank", "days", "bring"))


class ReplaceCard(ForHolders):
    """补换卡."""

    id = "card_replacement"
    group = "card"
    icon = "card-multiple-outline"
    order = 20
    needs = frozenset({Device.ID_READER, Device.CAMERA})
    submits = makes_card = True
    rules = frozenset(
        (
            "days.make_card",
            "days.booking",
            *(f"fees.{reason}" for reason in old_card.REASONS),
            *(f"consent.{text}" for text in _TEXTS),
            *(f"service.card_replacement.{rule}" for rule in _RULES),
        )
    )
    stages = ("notice", "identity", "details", "consent", "photo", "sign", "receipt")
    own_states: ClassVar = dict.fromkeys(("booked", "lapsed", "queued", "withdrawn"), "waiting")
    own_states |= {"returned": "trouble", "collected": "ok"}

    async def serve_holder(self, citizen: Citizen | None) -> None:
        policy, rules, consents = self.policy, self.policy.service(self.id), Consents(self.policy)
        facts = old_card.terms(policy, rules, self.today)
        self.at("notice")
        agreed = await consents.read(self._notice(facts))

        self.at("identity")
        citizen = citizen or await identify(self.today)
        if citizen.age_on(self.today) < policy.ages.adult:
            raise Leave("card_replacement.under_age", icon="human-male-child")
        known = await ask_about(citizen, "card_replacement.ask", "card_replacement.card")
        if known is None:
            await self._book(citizen, consents, agreed)
            return
        card = old_card.replaceable(known)
        await offer_unfinished(self, citizen)

        self.at("details")
        reason = await old_card.why_replaced(card, rules, self.today)
        if reason == "lost" and card.state == "in_use":
            await consents.read(_BLOCK)
        phone = await telephone(card.phone)
        banks, bound = old_card.banks_for(card, reason, policy, rules, self.today)
        outlet = await pick_outlet(policy, citizen, banks, bound)
        notes, offices = await old_card.tell_benefits(card, policy, rules, outlet, self.today)

        self.at("consent")
        await consents.one_by_one(POINTS, facts)

        self.at("photo")
        photo = await photo_of_card(self.context, citizen, consents, card, agreed.at)

        self.at("sign")
        what = (citizen, reason, phone, outlet, policy.fee(reason), card, photo.sha256)
        wish = Replacement(*what, electronic=policy.card.electronic and not agreed.exception)
        document, rows = wish.document(), wish.rows(policy)
        signature = await review_and_sign(document, rows, citizen.name, photo.picture)

        self.at("receipt")
        told = ("card_replacement.slip.told", consents.seal(*POINTS))
        signed = {"consents": consents.given, "signature": signature}
        transaction = self.transaction(citizen, document, photo.proof, **signed, **photo.more)
        slip, notes = (*wish.slip(policy), told), (*_NOTES, *notes)
        await file(transaction, Paper(self.id, slip, notes, {**facts, **offices}, unsure=True))

    async def _book(self, citizen: Citizen, consents: Consents, agreed: Agreement) -> None:
        """A 预约: that somebody wants a card replaced, and nothing that touches the card."""
        if await _OFFLINE == "leave":
            raise Leave
        self.at("details")
        reason = await old_card.why_replaced(OldCard(""), self.policy.service(self.id), self.today)
        phone = await telephone()
        outlet = await pick_outlet(self.policy, citizen)
        wish = Replacement(citizen, reason, phone, outlet, self.policy.fee(reason))
        await Review("review", wish.rows(self.policy))
        self.at("receipt")
        by_card = Proof(Level.P1, agreed.at)
        transaction = self.transaction(citizen, wish.document(), by_card, consents=consents.given)
        kept, slip = {"kept": self.policy.days("booking").name}, wish.slip(self.policy)
        await file(transaction, Paper(_BOOKED, slip, (f"{_BOOKED}.paper",), kept))

    def _notice(self, facts: Facts) -> Notice:
        points = (
            *(() if self.context.printer else (("no_paper", "printer-off-outline"),)),
            ("fee_due" if old_card.charged(self.policy) else "fee", "cash"),
            ("old", "card-bulleted-outline"),
            *((("electronic", "cellphone"),) if self.policy.card.electronic else ()),
            ("data", "shield-lock-outline"),
        )
        return Notice(_TEXTS[0], points, True, facts, exception=self.policy.card.electronic)
