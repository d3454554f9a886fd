"""Envelopes arriving: each id takes effect exactly once, whatever is sent how often.

In this order: is it the sender's own, is it known, does it open, is it whole, and then, in one
transaction, what is to become of it. Only what was decided is remembered, as a case with its
contents (`central.cases`). What the centre cannot judge now, and what is unusable, leaves no trace
under its id: it is answered again, perhaps otherwise, when it comes again. An alarm says so.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from central import alarms, notices, storage
from central.business import Business, Decision, Opened, businesses
from central.cases import Attachment, Case, add_tasks, record
from central.keys import keyring, person_hash
from central.locks import lock_person
from central.ports import NotNow
from central.rules import open_case
from central.standing import epoch, standing
from central.whole import Unusable, opened
from sync.canonical import sha256_hex
from sync.envelope import Unreadable
from sync.header import SCHEMA_VERSION
from sync.wire.envelopes import BatchAnswer, Envelope, ItemAnswer, Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central.models import Terminal
    from sync.header import EnvelopeHeader

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """An answer before it is signed."""

    verdict: Verdict
    reason: str = ""
    rejection: Rejection | None = None
    position: int = 0


class Later(Exception):
    """The centre cannot judge this now; the text is the word for why."""


def receive(terminal: Terminal, envelopes: Iterable[Envelope]) -> BatchAnswer:
    """Decide each envelope for itself. Never raises for one bad item: the rest must go on."""
    now = epoch()
    answers = [
        _signed(terminal, envelope, _decide(terminal, envelope), now) for envelope in envelopes
    ]
    newest = max((answer.position for answer in answers), default=0)
    return BatchAnswer(answers=answers, standing=standing(newest))


def _signed(terminal: Terminal, envelope: Envelope, said: Said, now: int) -> ItemAnswer:
    item = str(envelope.header["id"])
    log.info("item %s from %s: %s %s", item, terminal.number, said.verdict, said.reason)
    unsigned = ItemAnswer.unsigned(
        id=item,
        sealed_sha256=sha256_hex(envelope.sealed),
        verdict=said.verdict,
        rejection=said.rejection,
        reason=said.reason,
        position=said.position,
        epoch=now,
    )
    return keyring().signed(unsigned, terminal=terminal.number)


def _decide(terminal: Terminal, envelope: Envelope) -> Said:
    try:
        return _once(terminal, envelope)
    except Later as error:
        alarms.sound(*_alarm_of(terminal, envelope.facts, str(error)))
        return Said(Verdict.LATER, str(error))
    except Unusable as error:
        alarms.sound("unusable", terminal, str(error))
        return Said(Verdict.UNUSABLE, str(error)[:60])
    except Exception as error:  # noqa: BLE001 - logged, and the item comes again
        # A fault of ours, not of the item. The error's text may be personal.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("item %s: %s\n%s", envelope.header["id"], type(error).__name__, where)
        alarms.sound("server_error", None, type(error).__name__)
        return Said(Verdict.LATER, "server_error")


def _alarm_of(
    terminal: Terminal, header: EnvelopeHeader, why: str
) -> tuple[str, Terminal | None, str]:
    """Kind, terminal and subject of the alarm for what is put off."""
    about = {
        "unknown_key": header.key_id,
        "unknown_kind": header.kind,
        "other_terminal": header.terminal,
        "newer_schema": str(header.schema_version),
    }.get(why)
    if about is None:
        return (why if why in alarms.WORDS else "server_error"), None, why
    return why, terminal, about


def _once(terminal: Terminal, envelope: Envelope) -> Said:
    header = envelope.facts
    # Before anything is looked up: who asks about another's envelope learns and changes nothing.
    if header.terminal != terminal.number:
        raise Later("other_terminal")
    sealed_hash = sha256_hex(envelope.sealed)
    known = Case.objects.filter(id=header.id).first()
    if known is not None:
        return _again(terminal, known, sealed_hash)
    business = businesses().get(header.kind)
    if business is None:
        raise Later("unknown_kind")
    contents = _open(header, envelope)
    found = opened(business, header, contents, person_hash)
    files = {name: storage.keep(data) for name, data in found.attachments.items()}
    try:
        with transaction.atomic():
            return _commit(terminal, header, sealed_hash, business, found, files)
    except NotNow as error:
        raise Later(str(error)) from None
    except IntegrityError:
        # The same envelope came on two lines at once: the other one was first.
        known = Case.objects.filter(id=header.id).first()
        if known is None:
            raise
        return _again(terminal, known, sealed_hash)


def _again(terminal: Terminal, known: Case, sealed_hash: str) -> Said:
    if known.sealed_sha256 != sealed_hash:
        alarms.sound("id_reused", terminal, known.receipt_no)
        raise Unusable("id_reused")
    return Said(
        Verdict(known.verdict),
        known.reason,
        Rejection(known.rejection) if known.rejection else None,
        known.position,
    )


def _open(header: EnvelopeHeader, envelope: Envelope) -> dict[str, Any]:
    """The contents. Raises `Later` for what the centre lacks, `Unusable` for what does not open."""
    if header.schema_version > SCHEMA_VERSION:
        raise Later("newer_schema")
    opener = keyring().opener(header.key_id)
    if opener is None:
        raise Later("unknown_key")
    try:
        contents = opener.open(envelope.header, envelope.sealed)
    except Unreadable:
        raise Unusable("does_not_open") from None
    version = contents.get("schema_version")
    if type(version) is int and version > SCHEMA_VERSION:
        raise Later("newer_schema")
    return contents


def _commit(
    terminal: Terminal,
    header: EnvelopeHeader,
    sealed_hash: str,
    business: Business,
    found: Opened,
    files: dict[str, str],
) -> Said:
    lock_person(found.person)
    for data in found.attachments.values():
        storage.keep(data)  # again: it may just have gone with another case (`central.portrait`)
    decision = _decision(terminal, header, business, found)
    now = timezone.now()
    case = Case.objects.create(
        id=header.id,
        kind=header.kind,
        terminal=terminal,
        hall=terminal.hall,
        seq=header.seq,
        receipt_no=header.receipt_no,
        person=found.person,
        created=found.created,
        state=decision.state,
        since=now,
        review=list(decision.review),
        earlier_id=decision.earlier,
        sealed_sha256=sealed_hash,
        verdict=decision.verdict,
        rejection=decision.rejection or "",
        reason=decision.reason,
        contents=found.contents.model_dump(mode="json", exclude={"attachments"}),
    )
    Attachment.objects.bulk_create(
        Attachment(case=case, name=name, sha256=sha256, size=len(found.attachments[name]))
        for name, sha256 in files.items()
    )
    record(case, "centre", "received", decision.reason, to=decision.state)
    add_tasks(case, business.tasks)
    notices.add_task(case, since=found.created)
    business.moved(case)
    return Said(decision.verdict, decision.reason, decision.rejection, case.position)


def _decision(
    terminal: Terminal, header: EnvelopeHeader, business: Business, found: Opened
) -> Decision:
    """What is to become of it. The person is locked."""
    review = [*found.contents.proof.reasons, *business.reasons(found)]
    if _is_cloned(terminal, header):
        review.append("receipt_reused")
    refused = business.refusal(found)
    earlier = open_case(business, found.person) if business.open_states else None
    if refused is None and earlier is not None:
        refused = Rejection.DUPLICATE_APPLICATION, "open_case"
    if refused is None:
        verdict = Verdict.TO_REVIEW if review else Verdict.ACCEPTED
        state = business.state_after(verdict)
        return Decision(verdict, state, review=tuple(review))
    kind, reason = refused
    again = kind is Rejection.DUPLICATE_APPLICATION
    verdict = Verdict.DUPLICATE if again else Verdict.REJECTED
    return Decision(
        verdict,
        business.state_after(verdict),
        kind,
        reason,
        earlier.position if earlier else None,
        tuple(review),
    )


def _is_cloned(terminal: Terminal, header: EnvelopeHeader) -> bool:
    """Whether another case of this terminal has the same numbers: both are kept, and it is said."""
    numbers = Q(terminal=terminal, seq=header.seq) | Q(receipt_no=header.receipt_no)
    same = Case.objects.filter(numbers).exclude(id=header.id).exists()
    if same:
        transaction.on_commit(lambda: alarms.sound("clone", terminal, header.receipt_no))
    return same
