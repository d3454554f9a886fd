"""撤回: take back what was filed, as long as nobody at the centre has decided it (domain §5.0).

It begins from the home page, or from the matter's own entry in 办理进度. The ID card is enough:
what was taken back too much can be filed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device
from kiosk.records.proof import Level, Proof
from kiosk.steps.enquiry import ask_about
from kiosk.steps.filing import Paper, file
from kiosk.steps.identity import identify
from kiosk.steps.matters import title_of
from kiosk.steps.rows import masked
from kiosk.visit.prompts import Choice, Notice, Option
from kiosk.visit.service import FollowUp, Leave

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen


class WithdrawCase(FollowUp):
    """撤回."""

    id = "case_withdrawal"
    group = "enquiry"
    icon = "file-undo-outline"
    seldom = True
    order = 30
    needs = frozenset({Device.ID_READER})
    needs_network = True
    submits = True
    stages = ("identity", "choose", "receipt")
    own_states: ClassVar = {"in_force": "ok", "returned": "trouble"}

    async def serve(self) -> None:
        self.at("identity")
        citizen = await identify(self.today)
        facts = await ask_about(citizen, "case_withdrawal.ask", "case_withdrawal.cases")
        if facts is None:
            raise Leave("case_withdrawal.offline", icon="wifi-off")
        cases = facts.get("cases") or ()
        if not cases:
            raise Leave("case_withdrawal.none")

        self.at("choose")
        options = tuple(
            Option(
                str(case["receipt_no"]),
                label=title_of(str(case["kind"]), self.context),
                detail=f"{case['filed']}　{case['receipt_no']}",
                icon="file-document-outline",
            )
            for case in cases
        )
        await self.take_up(citizen, await Choice("case_withdrawal.which", options))

    async def take_up(self, citizen: Citizen, receipt_no: str) -> None:
        points = (("what", "file-undo-outline"), ("again", "file-plus-outline"))
        agreed = await Notice("case_withdrawal.confirm", points, facts={"number": receipt_no})
        self.at("receipt")
        document = {
            "name": citizen.name,
            "id_number": citizen.number.text,
            "receipt_no": receipt_no,
        }
        paper = Paper(
            "case_withdrawal",
            rows=(*masked(citizen), ("case_withdrawal.slip.number", receipt_no)),
            already="case_withdrawal.already",
        )
        await file(self.transaction(citizen, document, Proof(Level.P1, agreed.at)), paper)
