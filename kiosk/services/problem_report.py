"""信息有误、办得太慢: report it here, and somebody looks into it (domain R-G3, §5.6).

Corrections themselves are made where somebody sees the papers; this is the ticket that says what is
wrong. It waits here while there is no network. A matter that takes too long is reported from its
own entry in 办理进度.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device
from kiosk.records.proof import Level, Proof
from kiosk.steps.filing import Paper, file
from kiosk.steps.rows import masked
from kiosk.steps.ways import identify_any
from kiosk.visit.prompts import Choice, Notice, Option
from kiosk.visit.service import FollowUp

if TYPE_CHECKING:
    from datetime import datetime

    from kiosk.records.citizen import Citizen

_ABOUT = Choice(
    "problem_report.about",
    (
        Option("name", icon="card-account-details-outline"),
        Option("insured", icon="shield-account-outline"),
        Option("card", icon="credit-card-outline"),
        Option("contact", icon="phone"),
        Option("other", icon="help-circle-outline"),
    ),
)
_POINTS = (("what", "message-alert-outline"), ("answer", "progress-clock"))


class ReportProblem(FollowUp):
    """问题反映."""

    id = "problem_report"
    group = "help"
    icon = "message-alert-outline"
    seldom = True
    order = 60
    needs = frozenset({Device.ID_READER})
    submits = True
    stages = ("notice", "identity", "what", "receipt")
    own_states: ClassVar = {"accepted": "ok", "finished": "ok", "returned": "trouble"}

    async def serve(self) -> None:
        self.at("notice")
        read = await Notice("problem_report.notice", _POINTS)
        self.at("identity")
        citizen = await identify_any(self.context)
        self.at("what")
        await self._report(citizen, await _ABOUT, "", read.at)

    async def take_up(self, citizen: Citizen, receipt_no: str) -> None:
        read = await Notice("problem_report.late", _POINTS, facts={"number": receipt_no})
        await self._report(citizen, "late", receipt_no, read.at)

    async def _report(self, citizen: Citizen, about: str, receipt_no: str, at: datetime) -> None:
        self.at("receipt")
        document = {
            "name": citizen.name,
            "id_number": citizen.number.text,
            "about": about,
            "receipt_no": receipt_no,
        }
        matter = (("problem_report.slip.number", receipt_no),) if receipt_no else ()
        paper = Paper(
            "problem_report",
            rows=(
                *masked(citizen),
                ("problem_report.slip.about", f"problem_report.about.{about}.label"),
                *matter,
            ),
            notes=("problem_report.slip.answer",),
            already="problem_report.already",
        )
        await file(self.transaction(citizen, document, Proof(Level.P1, at)), paper)
