"""Filing (提交): keep the transaction safe, wait for the centre's word, print, and say what is
true.

The receipt and the result page say no more than the centre did (domain §5.0): 待上传, 已受理,
待核实, or not accepted and why. A receipt that could not be printed is offered again from the
result page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault
from kiosk.late import dataclass
from kiosk.receipts import Slip
from kiosk.records.submission import Standpoint, Submitted, Verdict
from kiosk.visit.prompts import AwaitVerdict, Done, Print, Submit

if TYPE_CHECKING:
    from kiosk.records.transaction import Transaction

#: Where the matter stands -> the page that says so, and its state.
_RESULTS: Mapping[Standpoint, tuple[str, str]] = {
    Standpoint.ACCEPTED: ("accepted", "ok"),
    Standpoint.TO_REVIEW: ("to_review", "waiting"),
    Standpoint.QUEUED: ("queued", "waiting"),
    Standpoint.DUPLICATE: ("not_accepted", "trouble"),
    Standpoint.REJECTED: ("not_accepted", "trouble"),
}

#: Why it was not accepted, where the centre gave no reason of its own.
_USUAL_REASON = {
    Standpoint.DUPLICATE: "duplicate_application",
    Standpoint.REJECTED: "not_permitted",
}


#: Where the matter stands while it goes on.
_GOES_ON = (Standpoint.ACCEPTED, Standpoint.TO_REVIEW, Standpoint.QUEUED)


#: Nobody is told to keep a receipt that was not printed: `{receipt}` in the words of a result page.
_IN_HAND = {"receipt": "filing.receipt.printed"}
_MISSING = {"receipt": "filing.receipt.missing"}


@dataclass(frozen=True)
class Paper:
    """What a business puts on its receipt beside the state and the number. Words: `<id>.title`, and
    `<id>` names the result pages (`<id>.accepted`, `<id>.to_review`, `<id>.queued`,
    `<id>.not_accepted`). `rows`: (id of the label, text that is shown as it is,
    or an id of words, whose words are shown then); `notes`: ids of words."""

    id: str
    rows: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    #: What stands before the notes while it only waits here: ids of words.
    while_queued: tuple[str, ...] = ()
    #: Id of the result page where the centre had one already and the citizen has what they came
    #: for; "" where they have not. Its text stands on the paper, below the state 以前已经办理.
    already: str = ""
    #: Whether nothing more comes of it once it is accepted.
    at_once: bool = False
    #: Whether it counts only if the centre has it in time: while no answer came, the paper says
    #: that nobody knows yet, and what to do is the text of the page.
    unsure: bool = False
    #: Where it stands at once -> label of the row with the centre's own time of effect.
    since: Mapping[Standpoint, str] = field(default_factory=dict)


async def file(transaction: Transaction, paper: Paper) -> None:
    """Submit, and hand over what can be handed over."""
    submitted = await Submit("filing.submit", transaction)
    verdict = await AwaitVerdict("filing.verdict", submitted)
    await report(paper, submitted, verdict)


async def report(paper: Paper, submitted: Submitted, verdict: Verdict) -> None:
    """Say where the matter stands, on paper and on the result page."""
    page, state = _RESULTS[verdict.standpoint]
    page, stands, why = f"{paper.id}.{page}", f"state.{verdict.standpoint}", _reason(verdict)
    queued = paper.while_queued if verdict.standpoint is Standpoint.QUEUED else ()
    notes = why or (*queued, *paper.notes)
    if paper.already and verdict.standpoint is Standpoint.DUPLICATE:
        page, state, stands, why = paper.already, "ok", "state.already", ()
        notes = (f"{paper.already}.text",)
    if paper.unsure and verdict.standpoint is Standpoint.QUEUED:
        stands, notes = "state.unsure", (f"{page}.text",)
    # Only what the centre can send, and only while there is something to tell.
    over = paper.at_once and verdict.standpoint is Standpoint.ACCEPTED
    goes_on = verdict.standpoint in _GOES_ON and not over
    told = ("filing.notice",) if submitted.notices and goes_on else ()
    since = paper.since.get(verdict.standpoint) if verdict.at is not None else None
    effect = ((since, f"{verdict.at:%Y-%m-%d %H:%M}"),) if since else ()
    slip = Slip(
        id=f"{paper.id}.slip",
        state=stands,
        number=submitted.receipt_no,
        rows=(*paper.rows, *effect),
        notes=(*notes, *told),
        facts={**paper.facts, **_IN_HAND},
    )
    done = Done(
        page,
        state=state,
        number=submitted.receipt_no,
        facts=paper.facts,
        lines=(f"{stands}.meaning", *why, *told),
    )
    await hand_over(slip, done, submitted)


async def hand_over(slip: Slip, done: Done, submitted: Submitted) -> None:
    """Print, and show the result; once more as often as the citizen wants it."""
    copies = 0
    while True:
        copies += 1
        not_printed = await _printed(slip, f"{submitted.id}.{copies}")
        facts = {**done.facts, **(_MISSING if not_printed else _IN_HAND)}
        if await replace(done, not_printed=not_printed, facts=facts) != "reprint":
            return


async def _printed(slip: Slip, action: str) -> str:
    """Print it; "" or the id of the words why it could not be."""
    try:
        await Print("filing.print", slip, action=action)
    except DeviceFault as fault:
        return f"fault.{fault.code}.citizen"
    return ""


def _reason(verdict: Verdict) -> tuple[str, ...]:
    usual = _USUAL_REASON.get(verdict.standpoint)
    return (f"refused.{verdict.reason or usual}.text",) if usual else ()
