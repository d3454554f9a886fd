"""Envelopes that come on removable media instead of over the line (`sync.removable`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Q
from pydantic import ValidationError

from central import intake
from central.models import Terminal
from sync.wire.envelopes import Export, ItemAnswer

if TYPE_CHECKING:
    from pathlib import Path


class NotTaken(Exception):
    """The file is not an export of an enrolled terminal; the text says what is wrong."""


def take_in(file: Path) -> list[ItemAnswer]:
    """Decide every envelope of a file; one that was decided before keeps its answer.

    Raises `NotTaken` and `OSError`; then nothing was taken from it.
    """
    try:
        export = Export.model_validate_json(file.read_bytes())
    except ValidationError:
        raise NotTaken("not an export, or damaged") from None
    named = Q(key_id=export.device_key_id) | Q(former_key_id=export.device_key_id)
    terminal = Terminal.objects.filter(named).first()
    if terminal is None or terminal.number != export.terminal:
        raise NotTaken(f"no terminal {export.terminal} with this key is enrolled")
    try:
        key = Ed25519PublicKey.from_public_bytes(terminal.key_named(export.device_key_id))
        key.verify(export.signature, export.signed_bytes())
    except InvalidSignature:
        raise NotTaken("the signature is not this terminal's: it was altered") from None
    return intake.receive(terminal, export.envelopes).answers
