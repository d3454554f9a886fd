"""The ends of the terminals' journals: kept where nobody at a terminal can reach them.

A checkpoint is taken if it continues the one taken last: the terminal's journal must still have the
hash there that it had then. What contradicts it is kept as evidence, refused, and shown until an
operator has looked into it; from then on the history is compared from there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone

from central.models import JournalCheckpoint
from central.signatures import BadRequest
from sync.wire.journal import Checkpoint, CheckpointAnswer, CheckpointVerdict

if TYPE_CHECKING:
    from central.models import Terminal

Result = JournalCheckpoint.Result

#: Checkpoints are kept for so long; the last one of a terminal always.
KEPT = timedelta(days=400)


def take(terminal: Terminal, checkpoint: Checkpoint) -> CheckpointAnswer:
    """Compare a checkpoint with what is held. Raises `BadRequest` if it is not this terminal's."""
    _must_be_of(terminal, checkpoint)
    with transaction.atomic():
        held = JournalCheckpoint.held(terminal)
        result = _compared(held, checkpoint, JournalCheckpoint.looked_into_to(terminal))
        held_seq = held.seq if held else 0
        if result is None:
            return CheckpointAnswer(verdict=CheckpointVerdict.COMPARE, held_seq=held_seq)
        if result is Result.ALTERED:
            _keep_evidence(terminal, checkpoint)
            return CheckpointAnswer(verdict=CheckpointVerdict.ALTERED, held_seq=held_seq)
        if held is None or held.seq != checkpoint.seq:
            _store(terminal, checkpoint, result)
            _forget_old(terminal)
    return CheckpointAnswer(verdict=CheckpointVerdict.TAKEN, held_seq=checkpoint.seq)


def _must_be_of(terminal: Terminal, checkpoint: Checkpoint) -> None:
    # The request itself was signed with a good key; this may be of the time before that key.
    public = terminal.key_named(checkpoint.device_key_id)
    if checkpoint.terminal != terminal.number or not public:
        raise BadRequest("bad_request")
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(checkpoint.signature, checkpoint.signed_bytes())
    except InvalidSignature:
        raise BadRequest("bad_signature") from None


def _compared(
    held: JournalCheckpoint | None, new: Checkpoint, known_to: int
) -> JournalCheckpoint.Result | None:
    """None: it was made without knowing what is held, so it cannot be compared.

    `known_to`: what is altered up to this entry, an operator has looked into.
    """
    if new.altered_seq > known_to:
        return Result.ALTERED
    if held is None:
        return Result.TAKEN
    if (new.seq, new.hash) == (held.seq, held.hash):
        return Result.TAKEN
    if new.since_seq != held.seq:
        return None
    if new.seq <= held.seq:
        return Result.ALTERED
    if not new.since_hash:
        return Result.GAP
    return Result.TAKEN if new.since_hash == held.hash else Result.ALTERED


def _keep_evidence(terminal: Terminal, checkpoint: Checkpoint) -> None:
    """Once: as long as nobody has looked into it, the first says all."""
    if not JournalCheckpoint.open_contradictions().filter(terminal=terminal).exists():
        _store(terminal, checkpoint, Result.ALTERED)


def _store(terminal: Terminal, checkpoint: Checkpoint, result: JournalCheckpoint.Result) -> None:
    JournalCheckpoint.objects.create(
        terminal=terminal,
        seq=checkpoint.seq,
        hash=checkpoint.hash,
        made=datetime.fromisoformat(checkpoint.made),
        since_seq=checkpoint.since_seq,
        since_hash=checkpoint.since_hash,
        altered_seq=checkpoint.altered_seq,
        signature=checkpoint.signature,
        result=result,
    )


def _forget_old(terminal: Terminal) -> None:
    JournalCheckpoint.objects.filter(
        terminal=terminal, result=Result.TAKEN, received_at__lt=timezone.now() - KEPT
    ).delete()
