"""What becomes of envelopes that were opened: several in one transaction.

A terminal that was offline sends many at once, and asking and writing for all of them takes no
longer than for one. Each is still decided for itself: in a run nobody and no number comes twice, so
none of it depends on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from central import alarms, notices, storage
from central.business import Decision
from central.cases import Attachment, Case, Event, add_tasks
from central.locks import lock_persons
from central.rules import open_cases
from sync.canonical import sha256_hex
from sync.wire.envelopes import BATCH_LIMIT, Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from central.business import Business, Opened
    from central.models import Terminal
    from sync.header import EnvelopeHeader
    from sync.wire.envelopes import Envelope


@dataclass(frozen=True)
class Said:
    """An answer before it is signed."""

    verdict: Verdict
    reason: str = ""
    rejection: Rejection | None = None
    position: int = 0
    #: When it was taken in; None if it is not kept.
    at: datetime | None = None


@dataclass(frozen=True, eq=False)
class Item:
    """An envelope as it arrived."""

    envelope: Envelope
    header: EnvelopeHeader
    sealed_sha256: str

    @classmethod
    def of(cls, envelope: Envelope) -> Item:
        return cls(envelope, envelope.facts, sha256_hex(envelope.sealed))


@dataclass(frozen=True, eq=False)
class Arrived:
    """An item whose contents are what they should be."""

    item: Item
    business: Business
    found: Opened

    @property
    def header(self) -> EnvelopeHeader:
        return self.item.header


def runs(arrived: Iterable[Arrived]) -> Iterator[list[Arrived]]:
    """In their order; a run ends before a person or a number that it has."""
    run: list[Arrived] = []
    seen: set[object] = set()
    for one in arrived:
        marks: set[object] = {
            one.header.id,
            one.header.seq,
            one.header.receipt_no,
            one.found.person,
        }
        if marks & seen or len(run) == BATCH_LIMIT:
            yield run
            run, seen = [], set()
        run.append(one)
        seen |= marks
    if run:
        yield run


def take_in(terminal: Terminal, run: list[Arrived]) -> list[Said]:
    """All of the run, or none. Raises `NotNow`; `IntegrityError` if one is here already."""
    files = {
        one.found.hashes[name]: data for one in run for name, data in one.found.attachments.items()
    }
    storage.keep(files)
    with transaction.atomic():
        lock_persons([one.found.person for one in run])
        # Again what may just have gone with another case (`central.portrait`).
        storage.keep({sha256: data for sha256, data in files.items() if not storage.has(sha256)})
        decisions = _decisions(terminal, run)
        cases = Case.objects.bulk_create(
            _case(terminal, one, decision) for one, decision in zip(run, decisions, strict=True)
        )
        _add_rows(cases, run)
        for case, one in zip(cases, run, strict=True):
            one.business.moved(case)
            if "asked_by_other" in case.review:
                _say("asked_by_other", terminal, case.receipt_no)
    return [
        Said(one.verdict, one.reason, one.rejection, case.position, case.received_at)
        for case, one in zip(cases, decisions, strict=True)
    ]


def _case(terminal: Terminal, one: Arrived, decision: Decision) -> Case:
    return Case(
        id=one.header.id,
        kind=one.header.kind,
        terminal=terminal,
        hall=terminal.hall,
        seq=one.header.seq,
        receipt_no=one.header.receipt_no,
        person=one.found.person,
        created=one.found.created,
        state=decision.state,
        since=timezone.now(),
        review=list(decision.review),
        earlier_id=decision.earlier,
        sealed_sha256=one.item.sealed_sha256,
        verdict=decision.verdict,
        rejection=decision.rejection or "",
        reason=decision.reason,
        contents=one.found.contents.model_dump(mode="json", exclude={"attachments"}),
    )


def _add_rows(cases: list[Case], run: list[Arrived]) -> None:
    """Attachments, the beginning of the history, and what is to be done after the commit."""
    Attachment.objects.bulk_create(
        Attachment(case=case, name=name, sha256=one.found.hashes[name], size=len(data))
        for case, one in zip(cases, run, strict=True)
        for name, data in one.found.attachments.items()
    )
    Event.objects.bulk_create(
        Event(
            case=case,
            by="centre",
            what="received",
            from_state=case.state,
            to_state=case.state,
            note=case.reason,
        )
        for case in cases
    )
    add_tasks(
        (case, name)
        for case, one in zip(cases, run, strict=True)
        for name in (*one.business.tasks, *notices.tasks(one.found.created))
    )


def _decisions(terminal: Terminal, run: list[Arrived]) -> list[Decision]:
    """What is to become of each. The persons are locked."""
    cloned = _with_numbers_of_others(terminal, run)
    opened = open_cases([one.found.person for one in run], {one.business for one in run})
    return [_decision(one, cloned, opened) for one in run]


def _decision(one: Arrived, cloned: set[str], opened: Mapping[tuple[str, str], int]) -> Decision:
    business, found = one.business, one.found
    review = [*found.contents.proof.reasons, *business.reasons(found)]
    if one.header.id in cloned:
        review.append("receipt_reused")
    refused = business.refusal(found)
    earlier = opened.get((found.person, business.kind))
    if refused is None and earlier is not None:
        refused = Rejection.DUPLICATE_APPLICATION, "open_case"
    if refused is None:
        verdict = Verdict.TO_REVIEW if review else Verdict.ACCEPTED
        return Decision(verdict, business.state_after(verdict, found), review=tuple(review))
    kind, reason = refused
    again = kind is Rejection.DUPLICATE_APPLICATION
    verdict = Verdict.DUPLICATE if again else Verdict.REJECTED
    state = business.state_after(verdict, found)
    return Decision(verdict, state, kind, reason, earlier, tuple(review))


def _with_numbers_of_others(terminal: Terminal, run: list[Arrived]) -> set[str]:
    """Ids of those whose number another case has: both are kept, and an alarm says so."""
    numbers = Q(terminal=terminal, seq__in=[one.header.seq for one in run])
    receipts = Q(receipt_no__in=[one.header.receipt_no for one in run])
    others = Case.objects.filter(numbers | receipts)
    taken: set[str | int] = set()
    for number, seq, receipt_no in others.values_list("terminal_id", "seq", "receipt_no"):
        taken |= {receipt_no, seq} if number == terminal.number else {receipt_no}
    same = [one.header for one in run if taken & {one.header.seq, one.header.receipt_no}]
    for header in same:
        _say("clone", terminal, header.receipt_no)
    return {header.id for header in same}


def _say(kind: str, terminal: Terminal, receipt_no: str) -> None:
    transaction.on_commit(lambda: alarms.sound(kind, terminal, receipt_no))
