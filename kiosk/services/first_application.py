"""首次申领: an adult without a card applies for their first one, for themself.

The procedure of the window (domain §1.2, §5.1): tell what it is, costs and takes; read the
identity card, or see the 户口簿; see that there is no card and no open application; ask for what
the chip does not hold; take the photo; show everything; have it signed; keep it safe; hand over a
receipt that says no more than is true.
"""

from __future__ import annotations

from hardware.faults import Device
from kiosk.records.application import PERSON_KINDS, CardApplication
from kiosk.steps.address import address
from kiosk.steps.application import contact, notice_of, paper, rows, special_group
from kiosk.steps.card_photo import card_photo
from kiosk.steps.consents import Consents
from kiosk.steps.eligibility import may_apply
from kiosk.steps.filing import file
from kiosk.steps.identity import identify_or_paper
from kiosk.steps.pickup import pick_up
from kiosk.steps.signing import review_and_sign
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.prompts import Choice, Option
from kiosk.visit.service import Leave, Service

#: 职工, 居民, 灵活就业 (R-G2), in the order of `PERSON_KINDS`, and a child.
_WHO = (
    *(
        Option(kind, icon=icon)
        for kind, icon in zip(
            PERSON_KINDS,
            ("office-building-outline", "home-account", "account-hard-hat"),
            strict=True,
        )
    ),
    Option("child", icon="human-male-child"),
)
_ROUTE = (Option("self", icon="account"), Option("leave", icon="office-building-outline"))


class ApplyFirst(Service):
    """首次申领社会保障卡."""

    id = "first_application"
    group = "card"
    icon = "card-plus-outline"
    order = 10
    needs = frozenset({Device.ID_READER, Device.CAMERA})
    submits = True
    makes_card = True
    rules = frozenset(
        {
            "fees.first",
            "days.make_card",
            "consent.apply.notice",
            "consent.photo.notice",
            "consent.comparison.consent",
        }
    )
    stages = ("notice", "identity", "details", "photo", "sign", "receipt")

    async def serve(self) -> None:
        policy = self.policy
        consents = Consents(policy)
        self.at("notice")
        agreed = await consents.read(notice_of(self.context))
        kind = await self._who_applies()

        self.at("identity")
        citizen = await identify_or_paper(policy, self.today)
        if citizen.age_on(self.today) < policy.ages.adult:
            raise Leave("apply.under_age", icon="human-male-child")
        known_phone = await may_apply(self.context, citizen, "first_application.eligibility")
        await offer_unfinished(self, citizen)

        self.at("details")
        reached = await contact(known_phone)
        home = await address(policy, citizen)
        group = await special_group(policy)
        pickup = await pick_up(policy, home.area)

        self.at("photo")
        shot = await card_photo(self.context, citizen, consents)

        self.at("sign")
        electronic = policy.card.electronic and not agreed.exception
        application = CardApplication(
            citizen, kind, reached, home, group, pickup, electronic, shot.capture.photo
        )
        document = application.document()
        signature = await review_and_sign(
            document, rows(application, policy), citizen.name, shot.capture.photo
        )

        self.at("receipt")
        transaction = self.transaction(
            citizen,
            document,
            shot.proof,
            attachments=shot.attachments,
            consents=consents.given,
            signature=signature,
            evidence=shot.evidence.document(),
        )
        await file(transaction, paper(application, policy))

    async def _who_applies(self) -> str:
        """The kind of person. Who works is told that the unit may do it for all, and goes on if
        they like (R-B2); a child's guardian is sent on."""
        who = await Choice("apply.who", _WHO)
        if who == "child":
            raise Leave("apply.child", icon="human-male-child")
        if who == "employee" and await Choice("apply.unit", _ROUTE) == "leave":
            raise Leave
        return who
