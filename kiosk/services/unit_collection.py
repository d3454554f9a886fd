"""单位采集: a unit's member applies for their first card from the unit's list (§5.15, R-C10).

The unit handed in its list (附件2); its people come one after the other with their ID cards. What
the list knows is shown and not asked for again; photo and signature follow in the same sitting. Who
is on no list is told so. Without an ID card the 户口簿 serves as always (R-C14). Then, and while
the centre cannot be reached, everything is asked, and the centre looks the row up when it comes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.faults import Device
from kiosk.records.address import parse_address
from kiosk.records.application import CardApplication, Contact
from kiosk.steps.address import address
from kiosk.steps.application import contact, notice_of, paper, rows, special_group
from kiosk.steps.card_photo import card_photo
from kiosk.steps.consents import Consents
from kiosk.steps.eligibility import permitted
from kiosk.steps.filing import file
from kiosk.steps.identity import identify_or_paper
from kiosk.steps.pickup import pick_up
from kiosk.steps.signing import review_and_sign
from kiosk.steps.telephone import spoken
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.prompts import Choice, Option, Row
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kiosk.records.address import Address
    from kiosk.records.citizen import Citizen

_ROW = "unit_collection.row"
_RIGHT = (Option("right", icon="check"), Option("wrong", icon="pencil-outline"))
#: Of the list, in the form as well.
_LISTED = ("unit", "serial", "user_source", "user_type")


class CollectForUnit(Service):
    """单位采集模式."""

    id = "unit_collection"
    group = "card"
    icon = "account-group-outline"
    order = 5
    for_units = True
    needs = frozenset({Device.ID_READER, Device.CAMERA})
    submits = makes_card = True
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
        policy, consents = self.policy, Consents(self.policy)
        self.at("notice")
        agreed = await consents.read(notice_of(self.context))

        self.at("identity")
        citizen = await identify_or_paper(policy, self.today)
        if citizen.age_on(self.today) < policy.ages.adult:
            raise Leave("apply.under_age", icon="human-male-child")
        listed = await permitted(self.context, citizen, _ROW)
        if listed is not None and not listed.get("unit"):
            raise Leave("unit_collection.not_listed", icon="account-search-outline")
        row = {name: str(value) for name, value in (listed or {}).items()}
        await offer_unfinished(self, citizen)

        self.at("details")
        reached, home, known = await self._reached(citizen, row)
        group = await special_group(policy)
        pickup = await pick_up(policy, home.area)

        self.at("photo")
        shot = await card_photo(self.context, citizen, consents)

        self.at("sign")
        electronic = policy.card.electronic and not agreed.exception
        photo = shot.capture.photo
        application = CardApplication(
            citizen, "employee", reached, home, group, pickup, electronic, photo
        )
        unit = {name: row.get(name, "") for name in _LISTED}
        document = {**application.document(), **unit}
        shown = rows(application, policy, kind="")
        if known:
            shown = tuple(_of_list(line) for line in shown)
        of_unit = (Row("form.unit", unit["unit"]),) if unit["unit"] else ()
        signature = await review_and_sign(document, (*of_unit, *shown), citizen.name, photo)

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
        also = (("form.unit", unit["unit"]),) if unit["unit"] else ()
        await file(transaction, paper(application, policy, self.id, *also))

    async def _reached(
        self, citizen: Citizen, row: Mapping[str, Any]
    ) -> tuple[Contact, Address, bool]:
        """Telephone and address: the list's, if the person says that they are right (True)."""
        home = parse_address(row.get("address", ""), self.policy.areas)
        phone = row.get("phone", "")
        if phone and home is not None:
            facts = {"number": spoken(phone), "address": home.text}
            if await Choice(_ROW, _RIGHT, facts=facts) == "right":
                return Contact(phone, phone, row.get("insurance_no", "")), home, True
        asked = await contact("")
        insurance_no = row.get("insurance_no") or asked.insurance_no
        return replace(asked, insurance_no=insurance_no), await address(self.policy, citizen), False


def _of_list(line: Row) -> Row:
    """What the list said is changed where it was confirmed."""
    return replace(line, revise=_ROW) if line.revise in ("telephone", "address") else line
