"""首次申领: an adult without a card applies for their first one, for themself.

The procedure of the window (domain §1.2, §5.1): tell what it is, costs and takes; read the
identity card; see that there is no card and no open application; ask for what the chip does not
hold; take the photo; show everything; have it signed; keep it safe; hand over a receipt that says
no more than is true.
"""

from __future__ import annotations

from hardware.faults import Device
from kiosk.records.application import FirstApplication
from kiosk.steps.address import address
from kiosk.steps.card_photo import card_photo
from kiosk.steps.consents import Consents
from kiosk.steps.eligibility import may_apply
from kiosk.steps.filing import Paper, file
from kiosk.steps.identity import identify
from kiosk.steps.pickup import pick_up
from kiosk.steps.rows import masked, of_chip
from kiosk.steps.signing import review_and_sign
from kiosk.steps.telephone import telephone
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.prompts import Choice, Notice, Option, Row
from kiosk.visit.service import Leave, Service


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
        await consents.read(self._notice())
        await self._applies_alone()

        self.at("identity")
        citizen = await identify(self.today)
        if citizen.age_on(self.today) < policy.ages.adult:
            raise Leave("apply.under_age", icon="human-male-child")
        known_phone = await may_apply(citizen, self.today, "first_application.eligibility")
        await offer_unfinished(self, citizen)

        self.at("details")
        phone = await telephone(known_phone)
        home = await address(policy, citizen)
        group = await Choice(
            "apply.special_group",
            tuple(Option(code, label=name) for code, name in policy.special_groups),
        )
        outlet = await pick_up(policy, home.area)

        self.at("photo")
        shot = await card_photo(self.context, citizen, consents)

        self.at("sign")
        application = FirstApplication(
            citizen, phone, home, group, outlet.bank, outlet.id, shot.capture.photo
        )
        document = application.document()
        rows = self._rows(application, known_phone)
        signature = await review_and_sign(document, rows, citizen.name, shot.capture.photo)

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
        await file(transaction, self._paper(application))

    def _notice(self) -> Notice:
        fee = ("fee_due", "cash") if self.policy.fee("first").yuan else ("fee", "cash-remove")
        points = (
            fee,
            ("time", "calendar-clock"),
            ("bring", "card-account-details-outline"),
            ("use", "hospital-building"),
            ("data", "shield-lock-outline"),
        )
        # Said before anything is entered: whoever needs paper may come back another time.
        paper = () if self.context.printer else (("no_paper", "printer-off-outline"),)
        return Notice("apply.notice", (*paper, *points), must_agree=True, facts=self._facts())

    def _facts(self) -> dict[str, str | int]:
        return {
            "fee": self.policy.fee("first").yuan,
            "days": self.policy.days("make_card").name,
        }

    async def _applies_alone(self) -> None:
        """个人, 单位统一 or for a child (domain R-B2): only who applies for themself goes on."""
        who = await Choice(
            "apply.who",
            (
                Option("self", icon="account"),
                Option("unit", icon="office-building-outline"),
                Option("child", icon="human-male-child"),
            ),
        )
        if who == "child":
            raise Leave("apply.child", icon="human-male-child")
        route = (Option("self", icon="account"), Option("leave", icon="office-building-outline"))
        if who == "unit" and await Choice("apply.unit", route) == "leave":
            raise Leave

    def _rows(self, application: FirstApplication, known_phone: str) -> tuple[Row, ...]:
        """The nine items of the 登记表 (the photo stands beside them), and where the card goes."""
        policy = self.policy
        group = policy.special_group(application.special_group)
        outlet = policy.outlet(application.outlet)
        return (
            *of_chip(application.citizen),
            Row("form.special_group", group, revise="apply.special_group"),
            Row("form.phone", application.phone or known_phone, revise="telephone"),
            Row("form.address", application.address.text, revise="address"),
            Row("form.bank", policy.bank(outlet.bank).name, revise="pickup"),
            Row("form.outlet", outlet.name, revise="pickup.outlet"),
        )

    def _paper(self, application: FirstApplication) -> Paper:
        policy = self.policy
        outlet = policy.outlet(application.outlet)
        fee = "apply.slip.fee_due" if policy.fee("first").yuan else "apply.slip.fee"
        return Paper(
            "apply",
            rows=(
                *masked(application.citizen),
                ("form.bank", policy.bank(outlet.bank).name),
                ("form.outlet", outlet.name),
                ("form.outlet_phone", outlet.phone),
            ),
            notes=(fee, "apply.slip.days", "apply.slip.bring"),
            facts=self._facts(),
        )
