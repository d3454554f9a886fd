"""Submitting, and the centre's word about what was submitted."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault, FaultCode
from kiosk.clock import beijing_at, beijing_from
from kiosk.records.person import person_hash
from kiosk.records.submission import Mine, Standpoint, Submitted, Verdict

if TYPE_CHECKING:
    from kiosk.operations.work import Work
    from kiosk.visit import prompts

log = logging.getLogger(__name__)

#: Seconds between two looks at the outbox while a citizen waits for the centre's word.
_VERDICT_POLL_S = 0.1


def submit(prompt: prompts.Submit, _: None, work: Work) -> Submitted:
    """Seal and store. Returns after the durable commit, or raises and nothing was submitted."""
    from kiosk.records.transaction import Prepared
    from sync.identity import renamed
    from sync.kinds import kinds
    from sync.outbox import OutboxUnavailable

    parts, transaction = work.parts, prompt.transaction
    if parts.sealer is None or renamed(parts.state, parts.terminal_id):
        raise DeviceFault(FaultCode.NOT_ENROLLED)
    sealer = parts.sealer()
    prepared = Prepared.of(transaction)
    try:
        person = person_hash(parts.state, transaction.person)
    except OSError as error:
        raise DeviceFault(FaultCode.OUTBOX_UNAVAILABLE, error.strerror or "") from None
    try:
        stored = parts.outbox.put(
            transaction.kind,
            lambda header: sealer.seal(header, prepared.contents(header)),
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
            urgent=kinds()[transaction.kind].urgent,
            person=person,
        )
    except OutboxUnavailable as error:
        raise DeviceFault(FaultCode.OUTBOX_UNAVAILABLE, error.reason) from None
    # Only now: what the journal calls submitted is on the disk.
    parts.journal.record("submitted", id=stored.id)
    notices = parts.desired.notices and bool(transaction.document.get("phone"))
    return Submitted(stored.id, stored.receipt_no, notices)


def await_verdict(prompt: prompts.AwaitVerdict, _: None, work: Work) -> Verdict:
    """Watch the outbox until the agent has brought the centre's word, or patience ends.

    Whatever goes wrong on the way, the transaction is stored: then it is queued as far as anybody
    can tell, and never "system trouble".
    """
    from sync.outbox import OutboxUnavailable

    until = time.monotonic() + prompt.patience_s
    while True:
        try:
            verdict = work.parts.outbox.verdict(prompt.submitted.id)
        except OutboxUnavailable:
            verdict = None
        if verdict is not None and verdict.verdict in set(Standpoint):
            at = beijing_from(verdict.at) if verdict.at else None
            return Verdict(Standpoint(verdict.verdict), verdict.rejection or "", at)
        if time.monotonic() >= until or work.cancelled() or not work.online():
            return Verdict(Standpoint.QUEUED)
        time.sleep(_VERDICT_POLL_S)


def find_mine(prompt: prompts.FindMine, _: None, work: Work) -> tuple[Mine, ...]:
    """What this person filed here, newest first. An outbox that cannot be read finds nothing: the
    centre is asked as well."""
    from sync.outbox import OutboxUnavailable

    parts = work.parts
    try:
        found = parts.outbox.of_person(person_hash(parts.state, prompt.person))
    except (OutboxUnavailable, OSError) as error:
        log.warning("outbox: %s", type(error).__name__)
        return ()
    return tuple(
        Mine(
            past.receipt_no,
            past.kind,
            _standpoint(past.verdict),
            beijing_at(past.created_at),
            past.id,
            past.copies,
        )
        for past in reversed(found)
    )


def _standpoint(verdict: str) -> Standpoint:
    """What the centre said, as far as it is final; else it is still on its way."""
    return Standpoint(verdict) if verdict in set(Standpoint) else Standpoint.QUEUED
