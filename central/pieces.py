"""Sealed envelopes that arrive in pieces, over a line too bad to carry them whole.

What a terminal has sent of an envelope is kept until the envelope is whole, so that a broken
connection costs one piece. Nothing takes effect before all of it is there and has the right hash.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from central.models import PartialEnvelope
from sync.canonical import sha256_hex
from sync.wire.envelopes import Envelope, InPieces, Piece

if TYPE_CHECKING:
    from central.models import Terminal

#: A terminal may have so many envelopes half sent, and each for so long.
_AT_ONCE = 20
_KEPT = timedelta(days=7)


def keep(terminal: Terminal, piece: Piece) -> int:
    """Add a piece if it fits what is there; returns how many bytes are held then."""
    with transaction.atomic():
        _forget_old(terminal)
        partial, _ = PartialEnvelope.objects.select_for_update().get_or_create(
            item=piece.id, terminal=terminal, defaults={"total": piece.total, "sealed": b""}
        )
        sealed = bytes(partial.sealed)
        if partial.total != piece.total:
            # Not what was begun under this id: begin again.
            partial.total, sealed = piece.total, b""
        if piece.offset == len(sealed) and len(sealed) + len(piece.data) <= piece.total:
            sealed += piece.data
        partial.sealed = sealed
        partial.save()
        return len(sealed)


def whole(terminal: Terminal, sent: InPieces) -> Envelope | None:
    """The envelope put together; None if it is not all there, and then it must be sent anew."""
    item = str(sent.header.get("id", ""))
    partial = PartialEnvelope.objects.filter(item=item, terminal=terminal).first()
    if partial is None:
        return None
    sealed = bytes(partial.sealed)
    if len(sealed) != partial.total or sha256_hex(sealed) != sent.sealed_sha256:
        partial.delete()
        return None
    return Envelope.of(sent.header, sealed)


def forget(terminal: Terminal, item: str) -> None:
    """An envelope was decided: its pieces are not needed any more."""
    PartialEnvelope.objects.filter(item=item, terminal=terminal).delete()


def _forget_old(terminal: Terminal) -> None:
    of_terminal = PartialEnvelope.objects.filter(terminal=terminal)
    of_terminal.filter(changed_at__lt=timezone.now() - _KEPT).delete()
    too_many = of_terminal.order_by("-changed_at").values_list("id", flat=True)[_AT_ONCE - 1 :]
    of_terminal.filter(id__in=list(too_many)).delete()
