"""制卡进度: where my matters stand, and my receipts again (domain §5.6, §5.18).

With the ID card: everything the person has filed anywhere, and beside it what this terminal filed
and the centre does not have yet, so that a number lost in a power cut is found again. Offline that
is all there is, and screen and paper say so, and that it may have gone on since. What the centre
still lets be withdrawn, and what takes too long and may be reported, has a button for it.

With the social security card and its PIN: the same. With an electronic card (电子社保卡), which
proves less: the same to look at, and nothing is printed or taken up.

Who is told in another service that their matter is under way comes here with their ID card read.

Without either: the one matter of a receipt number, which the last four characters of the ID
number have to fit. Only the centre can tell whether they do, so there is nothing to see offline.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault
from kiosk.receipts import Slip
from kiosk.steps.enquiry import ask, ask_about
from kiosk.steps.matters import COPIES, entries
from kiosk.steps.rows import masked
from kiosk.steps.ways import identify_by, offered
from kiosk.visit.prompts import Choice, Entry, Field, FindMine, Form, Listing, Option, Print
from kiosk.visit.service import GoOn, Leave, ShowsProgress

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.records.submission import Mine

_BY_RECEIPT = Option("receipt", icon="receipt-text-outline")
_RECEIPT = Form(
    "progress.receipt",
    (
        Field("receipt_no", rule="receipt_no", keyboard="digits", longest=20),
        Field("last_four", rule="last_four", keyboard="id_digits", longest=4),
    ),
)


class CardProgress(ShowsProgress):
    """制卡进度查询."""

    id = "card_progress"
    group = "enquiry"
    icon = "progress-clock"
    order = 10
    stages = ("identity", "progress")

    async def serve(self) -> None:
        self.at("identity")
        by = await Choice("progress.by", (*offered(self.context), _BY_RECEIPT))
        if by == _BY_RECEIPT.value:
            await self._by_receipt()
        else:
            await self._matters_of(await identify_by(by, self.today))

    async def take_up(self, *known: Citizen) -> None:
        await self._matters_of(*known)

    async def _by_receipt(self) -> None:
        given = await _RECEIPT
        reply = await ask("progress.ask", "card_progress.receipt", **given)
        if reply.facts is None:
            raise Leave("progress.receipt_offline", icon="wifi-off")
        self.at("progress")
        found = entries(reply.facts.get("cases") or (), (), self.context)
        await Listing("progress.of_receipt", found, prints=False)

    async def _matters_of(self, citizen: Citizen) -> None:
        mine = await FindMine("progress.mine", citizen.number.text)
        facts = await ask_about(citizen, "progress.ask", "card_progress.cases")

        self.at("progress")
        cases = () if facts is None else tuple(facts.get("cases") or ())
        found = entries(cases, mine, self.context)
        always = ("progress.offline",) if facts is None else ()
        if citizen.identified == "electronic":
            looked_at = tuple(replace(entry, acts=()) for entry in found)
            await Listing("progress.listing", looked_at, False, (*always, "progress.to_look_at"))
            return
        here = {item.receipt_no: item for item in mine}
        printed: tuple[str, ...] = ()
        copies: Counter[int] = Counter()
        while True:
            offered = tuple(
                one if _copies(one, here) + copies[at] < COPIES else replace(one, prints=False)
                for at, one in enumerate(found)
            )
            lines = always + printed
            chosen = await Listing("progress.listing", offered, self.context.printer, lines)
            if chosen is True:
                return
            place, _, act = str(chosen).partition(":")
            entry = found[int(place)]
            if act:
                raise GoOn(self.context.businesses[act], citizen, entry.number)
            copies[int(place)] += 1
            # Back may lead here with another choice: an action names its entry, or the printer
            # would take it for what it has printed already.
            copy = f"{self.context.visit}-{place}-{copies[int(place)]}"
            item = here.get(entry.number)
            printed = (await self._print(citizen, entry, copy, item.id if item else "", always),)

    async def _print(
        self, citizen: Citizen, entry: Entry, action: str, item: str, always: tuple[str, ...]
    ) -> str:
        """Print an entry; returns the words that say whether it was. `always`: what is to be known
        of all entries."""
        slip = Slip(
            id="progress.slip",
            state=entry.word.removesuffix(".word"),
            number=entry.number,
            rows=(*masked(citizen), ("progress.slip.matter", entry.title), *entry.rows),
            notes=("progress.slip.copy", *always, entry.advice),
        )
        try:
            await Print("progress.print", slip, action=action, again=item)
        except DeviceFault as fault:
            return f"fault.{fault.code}.citizen"
        return "progress.printed"


def _copies(entry: Entry, here: dict[str, Mine]) -> int:
    """How often this terminal printed it again on other visits."""
    item = here.get(entry.number)
    return 0 if item is None else item.copies
