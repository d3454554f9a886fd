"""Envelopes arriving: each id takes effect exactly once, whatever is sent how often.

One transaction per item. The answer that was decided is kept under the envelope's id; the same
envelope again gets the same answer again, so a terminal that never heard it loses nothing.
"""

from __future__ import annotations

import logging
import traceback
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from central import applications
from central.keys import Keyring
from central.models import ReceivedEnvelope, Terminal
from sync.envelope import Unreadable
from sync.messages import (
    KIND_FIRST_APPLICATION,
    SCHEMA_VERSION,
    Envelope,
    ItemAnswer,
    Rejection,
    Verdict,
    sha256_hex,
)

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: Why an envelope is put off instead of refused: a newer terminal made it, and nothing is wrong.
_OF_A_NEWER_RELEASE = ("unknown_kind", "newer_schema")

#: Kind of transaction -> who decides it.
_KINDS: dict[str, Callable[[ReceivedEnvelope, dict[str, object]], ItemAnswer]] = {
    KIND_FIRST_APPLICATION: applications.accept,
}


def receive(terminal: Terminal, envelope: Envelope) -> ItemAnswer:
    """Decide one envelope, or say what was decided before. Never raises for one bad item: the
    rest of its batch must go on."""
    item = str(envelope.header["id"])
    try:
        with transaction.atomic():
            answer = _once(terminal, envelope)
    except Exception as error:  # noqa: BLE001 - logged, and the item comes again
        # A fault of ours, not of the item: it comes again. The error's text may be personal.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("item %s: %s\n%s", item, type(error).__name__, where)
        return ItemAnswer(id=item, verdict=Verdict.LATER, reason="server_error")
    log.info("item %s from %s: %s %s", item, terminal.number, answer.verdict, answer.reason)
    return answer


def open_envelope(terminal: Terminal, envelope: Envelope) -> dict[str, object]:
    """The contents. Raises `Unreadable` with a word that says why."""
    header = envelope.facts
    if header.terminal != terminal.number:
        raise Unreadable("other_terminal")
    if header.schema_version > SCHEMA_VERSION:
        raise Unreadable("newer_schema")
    opener = Keyring.of(Path(settings.STATE)).opener(header.key_id)
    if opener is None:
        raise Unreadable("unknown_key")
    try:
        contents = opener.open(envelope.header, envelope.sealed)
    except Unreadable:
        raise Unreadable("does_not_open") from None
    if contents.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise Unreadable("newer_schema")
    return contents


def _once(terminal: Terminal, envelope: Envelope) -> ItemAnswer:
    header, sealed_hash = envelope.facts, sha256_hex(envelope.sealed)
    known = ReceivedEnvelope.objects.filter(id=header.id).first()
    if known is not None:
        if known.sealed_sha256 != sealed_hash:
            return ItemAnswer(id=header.id, verdict=Verdict.REJECTED, reason="id_reused")
        return _as_answer(known)
    received = ReceivedEnvelope(
        id=header.id,
        terminal=terminal,
        seq=header.seq,
        receipt_no=header.receipt_no,
        kind=header.kind,
        created=datetime.fromisoformat(header.created),
        sealed_sha256=sealed_hash,
    )
    answer = _decide(terminal, envelope, received)
    if answer.verdict is Verdict.LATER:
        return answer  # nothing was decided: the next release may know what this one does not
    if answer.verdict is not Verdict.ACCEPTED:
        received.verdict, received.reason = answer.verdict, answer.reason
        received.rejection = answer.rejection or ""
        received.sealed = None if answer.rejection else envelope.sealed
        received.save(force_insert=True)
    return answer


def _decide(terminal: Terminal, envelope: Envelope, received: ReceivedEnvelope) -> ItemAnswer:
    decide = _KINDS.get(received.kind)
    try:
        if decide is None:
            raise Unreadable("unknown_kind")
        payload = open_envelope(terminal, envelope)
    except Unreadable as error:
        verdict = Verdict.LATER if str(error) in _OF_A_NEWER_RELEASE else Verdict.REJECTED
        return ItemAnswer(id=str(received.id), verdict=verdict, reason=str(error))
    return decide(received, payload)


def _as_answer(known: ReceivedEnvelope) -> ItemAnswer:
    return ItemAnswer(
        id=str(known.id),
        verdict=Verdict(known.verdict),
        rejection=Rejection(known.rejection) if known.rejection else None,
        reason=known.reason,
    )
