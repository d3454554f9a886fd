"""信息变更: another telephone number or address (domain §5.14).

A telephone number is changed only where the centre answers, because what it has is shown first,
masked: whoever stands there sees whether that was theirs. An address may wait in the queue. Name
and ID number need papers that somebody sees: the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device
from kiosk.records.masking import mask_phone
from kiosk.steps.address import address
from kiosk.steps.consents import Consents
from kiosk.steps.enquiry import ask_about
from kiosk.steps.filing import Paper, file
from kiosk.steps.identity import identify
from kiosk.steps.proof import prove_own_wish
from kiosk.steps.rows import masked
from kiosk.steps.telephone import telephone
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.prompts import Choice, Notice, Option
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kiosk.records.citizen import Citizen

_POINTS = (
    ("change", "pencil-outline"),
    ("proof", "account-check-outline"),
    ("window", "card-account-details-outline"),
)


class ChangeInfo(Service):
    """信息变更."""

    id = "info_change"
    group = "help"
    icon = "account-edit-outline"
    seldom = True
    order = 40
    needs = frozenset({Device.ID_READER})
    submits = True
    rules = frozenset({"consent.comparison.consent"})
    stages = ("notice", "identity", "change", "proof", "receipt")
    own_states: ClassVar = {"in_force": "ok", "returned": "trouble"}

    async def serve(self) -> None:
        consents = Consents(self.policy)
        self.at("notice")
        read = await consents.read(Notice("info_change.notice", _POINTS))
        self.at("identity")
        citizen = await identify(self.today)
        known = await ask_about(citizen, "info_change.ask", "info_change.known")
        await offer_unfinished(self, citizen)

        self.at("change")
        what = await Choice("info_change.what", _options(known or {}))
        if what == "name":
            raise Leave("info_change.at_window", icon="card-account-details-outline")
        if what == "phone" and known is None:
            raise Leave("info_change.offline", icon="wifi-off")
        changed, shown = await self._changed(what, citizen)

        self.at("proof")
        proof = await prove_own_wish(self.context, citizen, consents, read.at)
        self.at("receipt")
        document = {
            "name": citizen.name,
            "id_number": citizen.number.text,
            "what": what,
            "phone": "",
            "area_code": "",
            "address": "",
            **changed,
        }
        transaction = self.transaction(citizen, document, proof, consents=consents.given)
        rows = (*masked(citizen), (f"form.{what}", shown))
        paper = Paper("info_change", rows=rows, at_once=True)
        await file(transaction, paper)

    async def _changed(self, what: str, citizen: Citizen) -> tuple[Mapping[str, str], str]:
        """What is sent, and what paper shows of it."""
        if what == "phone":
            number = await telephone()
            return {"phone": number}, mask_phone(number)
        new = await address(self.policy, citizen)
        return {"area_code": new.area.code, "address": new.text}, new.area.full


def _options(known: Mapping[str, Any]) -> tuple[Option, ...]:
    """Each with what the centre has now, masked."""
    return (
        Option("phone", detail=str(known.get("phone", "")), icon="phone"),
        Option("address", detail=str(known.get("address", "")), icon="home-edit-outline"),
        Option("name", icon="card-account-details-outline"),
    )
