"""制卡进度: where my matters stand, and my receipts again (domain §5.6, §5.18).

Asks the centre; what this terminal filed and the centre does not have yet stands beside it, so that
a number lost in a power cut is found again with the ID card. Offline that is all there is, and it
is said so. Each entry can be printed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hardware.faults import Device, DeviceFault
from kiosk.receipts import Slip
from kiosk.records.submission import Standpoint
from kiosk.steps.enquiry import ask
from kiosk.steps.identity import identify
from kiosk.steps.rows import masked
from kiosk.visit.prompts import Entry, FindMine, Listing, Print
from kiosk.visit.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen
    from kiosk.records.submission import Mine

#: Stage of a matter at the centre -> how it looks. Words: `progress.stage.<stage>`.
STAGES: Mapping[str, str] = {
    "accepted": "ok",
    "to_review": "waiting",
    "approved": "ok",
    "needs_more": "trouble",
    "in_production": "ok",
    "delivered": "ok",
    "finished": "ok",
    "in_force": "ok",
    "lapsed": "waiting",
    "withdrawn": "waiting",
    "returned": "trouble",
    "refused": "trouble",
    "duplicate": "waiting",
    # A newer centre's: what it means can be asked.
    "other": "waiting",
}

#: Where something stands as far as this terminal knows -> how it looks.
_HERE = {
    Standpoint.QUEUED: "waiting",
    Standpoint.ACCEPTED: "ok",
    Standpoint.TO_REVIEW: "waiting",
    Standpoint.DUPLICATE: "trouble",
    Standpoint.REJECTED: "trouble",
}


class CardProgress(Service):
    """制卡进度查询."""

    id = "card_progress"
    group = "enquiry"
    icon = "progress-clock"
    order = 10
    needs = frozenset({Device.ID_READER})
    stages = ("identity", "progress")

    async def serve(self) -> None:
        self.at("identity")
        citizen = await identify(self.today)
        number, name = citizen.number.text, citizen.name
        mine = await FindMine("progress.mine", number)
        reply = await ask("progress.ask", "card_progress.cases", id_number=number, name=name)

        self.at("progress")
        cases = () if reply.facts is None else tuple(reply.facts.get("cases") or ())
        entries = _entries(cases, mine, self.policy)
        always = ("progress.offline",) if reply.offline else ()
        printed: tuple[str, ...] = ()
        copies: Counter[str] = Counter()
        while True:
            lines = always + printed
            chosen = await Listing("progress.listing", entries, self.context.printer, lines)
            if chosen is True:
                return
            entry = entries[int(chosen)]
            place = str(chosen)
            copies[place] += 1
            # Back may lead here with another choice: an action names its entry, or the printer
            # would take it for what it has printed already.
            copy = f"{place}-{copies[place]}"
            printed = (await self._print(citizen, entry, copy),)

    async def _print(self, citizen: Citizen, entry: Entry, copy: str) -> str:
        """Print an entry; returns the words that say whether it was."""
        slip = Slip(
            id="progress.slip",
            state=entry.word.removesuffix(".word"),
            number=entry.number,
            rows=(*masked(citizen), ("progress.slip.matter", entry.title), *entry.rows),
            notes=("progress.slip.copy", entry.advice),
        )
        try:
            await Print("progress.print", slip, action=f"{self.context.visit}-{copy}")
        except DeviceFault as fault:
            return f"fault.{fault.code}.citizen"
        return "progress.printed"


def _entries(
    cases: Sequence[Mapping[str, Any]], mine: Sequence[Mine], policy: Policy
) -> tuple[Entry, ...]:
    """The centre's cases, then what only this terminal has; each newest first."""
    known = {str(case["receipt_no"]) for case in cases}
    return (
        *(_of_centre(case, policy) for case in cases),
        *(_of_terminal(item) for item in mine if item.receipt_no not in known),
    )


def _of_centre(case: Mapping[str, Any], policy: Policy) -> Entry:
    stage = str(case["stage"])
    stage = stage if stage in STAGES else "other"
    rows = [("progress.row.filed", str(case["filed"])), ("progress.row.since", str(case["since"]))]
    outlets = {outlet.id: outlet.name for outlet in policy.outlets}
    if (code := case.get("outlet")) in outlets:
        rows.append(("progress.row.outlet", outlets[code]))
    overdue = bool(case.get("overdue"))
    return Entry(
        title=f"service.{case['kind']}.name",
        state="trouble" if overdue else STAGES[stage],
        word=f"progress.stage.{stage}.word",
        rows=tuple(rows),
        number=str(case["receipt_no"]),
        advice="progress.overdue" if overdue else f"progress.stage.{stage}.advice",
    )


def _of_terminal(item: Mine) -> Entry:
    return Entry(
        title=f"service.{item.kind}.name",
        state=_HERE[item.standpoint],
        word=f"state.{item.standpoint}.word",
        rows=(("progress.row.filed", f"{item.created:%Y-%m-%d %H:%M}"),),
        number=item.receipt_no,
        advice=f"state.{item.standpoint}.meaning",
    )
