"""What a person has filed, as entries of a listing: where it stands, what can be done about it.

The centre's word goes before what this terminal knows. A business says in words of its own what a
state means for it (`Service.own_states`); a state or a business of a newer centre is not made up.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from kiosk.records.submission import Standpoint
from kiosk.visit.prompts import Entry
from kiosk.visit.service import FollowUp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    "in_delivery": "ok",
    "delivered": "ok",
    "collected": "ok",
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

#: The steps of a card, words `progress.way.<step>`, and the stages in which each is under way.
WAY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("file", (Standpoint.QUEUED,)),
    ("review", ("accepted", "to_review", "needs_more")),
    ("make", ("approved", "in_production")),
    ("deliver", ("in_delivery",)),
    ("collect", ("delivered",)),
    ("activate", ("collected",)),
)

#: How often the receipt of a matter is printed again, and for how many days (domain §5.18).
COPIES, COPY_DAYS = 2, 7


def entries(
    cases: Sequence[Mapping[str, Any]], mine: Sequence[Mine], context: Context
) -> tuple[Entry, ...]:
    """The centre's cases, then what only this terminal has; each newest first."""
    known = {str(case["receipt_no"]) for case in cases}
    return (
        *(_of_centre(case, context) for case in cases),
        *(_of_terminal(item, context) for item in mine if item.receipt_no not in known),
    )


def _of_centre(case: Mapping[str, Any], context: Context) -> Entry:
    kind, stage = str(case["kind"]), str(case["stage"])
    known = stage if stage in STAGES else "other"
    words, look = _stands(kind, stage, (f"progress.stage.{known}", STAGES[known]), context)
    rows = [("progress.row.filed", str(case["filed"])), ("progress.row.since", str(case["since"]))]
    outlets = {outlet.id: outlet.name for outlet in context.policy.outlets}
    if (code := case.get("outlet")) in outlets:
        rows.append(("progress.row.outlet", outlets[code]))
    if day := str(case.get("bank_from") or ""):
        rows.append(("progress.row.bank_from", day))
    overdue = bool(case.get("overdue"))
    way, at_step = _way(kind, stage, context)
    return Entry(
        title=title_of(kind, context),
        state="trouble" if overdue else look,
        word=f"{words}.word",
        rows=tuple(rows),
        number=str(case["receipt_no"]),
        advice="progress.overdue" if overdue else f"{words}.advice",
        prints=_is_recent(date.fromisoformat(str(case["filed"])), context),
        acts=tuple(act for act in case.get("may") or () if _takes_up(act, context)),
        way=way,
        at_step=at_step,
    )


def _of_terminal(item: Mine, context: Context) -> Entry:
    stands = str(item.standpoint)
    words, look = _stands(item.kind, stands, (f"state.{stands}", _HERE[item.standpoint]), context)
    way, at_step = _way(item.kind, stands, context)
    return Entry(
        title=title_of(item.kind, context),
        state=look,
        word=f"{words}.word",
        rows=(("progress.row.filed", f"{item.created:%Y-%m-%d %H:%M}"),),
        number=item.receipt_no,
        advice=f"{words}.meaning",
        prints=_is_recent(item.created.date(), context),
        way=way,
        at_step=at_step,
    )


def title_of(kind: str, context: Context) -> str:
    """A newer centre may know a business that has no words here."""
    return f"service.{kind}.name" if kind in context.businesses else "progress.other_business"


def _stands(kind: str, state: str, usual: tuple[str, str], context: Context) -> tuple[str, str]:
    """Words and look of a state: the business's own where it has them, else the usual ones."""
    service = context.businesses.get(kind)
    own = {} if service is None else service.own_states
    return (f"{kind}.state.{state}", own[state]) if state in own else usual


def _is_recent(filed: date, context: Context) -> bool:
    return context.today - filed <= timedelta(days=COPY_DAYS)


def _takes_up(act: str, context: Context) -> bool:
    """Whether this release has the procedure that the centre names, and it can be begun now: who
    touches its button shall not learn at its end that nothing can be kept."""
    service = context.businesses.get(act)
    return service is not None and issubclass(service, FollowUp) and act not in context.closed


def _way(kind: str, stage: str, context: Context) -> tuple[tuple[str, ...], int]:
    """All the steps of a card and where it is; () for what makes none, or has left the way."""
    service = context.businesses.get(kind)
    at = [place for place, (_, stages) in enumerate(WAY) if stage in stages]
    if service is None or not service.makes_card or not at:
        return (), 0
    return tuple(f"progress.way.{step}" for step, _ in WAY), at[0]
