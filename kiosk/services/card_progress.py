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

    from kiosk.records.citizen import Citizen
    from kiosk.records.submission import Mine
    from kiosk.visit.service import Context

#: Stage of a matter at the centre -> how it looks. Words: `progress.stage.<stage>`, but for what a
#: business says in its own (`Service.own_states`).
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
        entries = _entries(cases, mine, self.context)
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
    cases: Sequence[Mapping[str, Any]], mine: Sequence[Mine], context: Context
) -> tuple[Entry, ...]:
    """The centre's cases, then what only this terminal has; each newest first."""
    known = {str(case["receipt_no"]) for case in cases}
    return (
        *(_of_centre(case, context) for case in cases),
        *(_of_terminal(item, context) for item in mine if item.receipt_no not in known),
    )


def _title(kind: str, context: Context) -> str:
    """A newer centre may know a business that has no words here."""
    return f"service.{kind}.name" if kind in context.businesses else "progress.other_business"


def _stands(kind: str, state: str, usual: tuple[str, str], context: Context) -> tuple[str, str]:
    """Words and look of a state: the business's own where it has them, else the usual ones."""
    own = context.businesses.get(kind, {})
    return (f"{kind}.state.{state}", own[state]) if state in own else usual


def _of_centre(case: Mapping[str, Any], context: Context) -> Entry:
    kind, stage = str(case["kind"]), str(case["stage"])
    known = stage if stage in STAGES else "other"
    usual = f"progress.stage.{known}", STAGES[known]
    words, look = _stands(kind, stage, usual, context)
    rows = [("progress.row.filed", str(case["filed"])), ("progress.row.since", str(case["since"]))]
    outlets = {outlet.id: outlet.name for outlet in context.policy.outlets}
    if (code := case.get("outlet")) in outlets:
        rows.append(("progress.row.outlet", outlets[code]))
    overdue = bool(case.get("overdue"))
    return Entry(
        title=_title(kind, context),
        state="trouble" if overdue else look,
        word=f"{words}.word",
        rows=tuple(rows),
        number=str(case["receipt_no"]),
        advice="progress.overdue" if overdue else f"{words}.advice",
    )


def _of_terminal(item: Mine, context: Context) -> Entry:
    usual = f"state.{item.standpoint}", _HERE[item.standpoint]
    words, look = _stands(item.kind, item.standpoint, usual, context)
    return Entry(
        title=_title(item.kind, context),
        state=look,
        word=f"{words}.word",
        rows=(("progress.row.filed", f"{item.created:%Y-%m-%d %H:%M}"),),
        number=item.receipt_no,
        advice=f"{words}.meaning",
    )
