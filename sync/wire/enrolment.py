"""A new terminal, and the keys that it learns."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sync.values import Algorithm, Base64, KeyId, TerminalNo, Text
from sync.wire.base import Message, Signed


class EnrolRequest(Message):
    """A new terminal, with the code a technician was given. Signed with the new device key, which
    proves that the terminal holds it."""

    code: Annotated[str, Field(min_length=8, max_length=40)]
    #: Ed25519, 32 bytes.
    device_public_key: Annotated[Base64, Field(min_length=32, max_length=32)]
    hall: Text = ""


class EnrolAnswer(Signed):
    """Who the terminal is, and the two keys of the centre; signed with the second, which the sheet
    names (`sync.sheet`), together with the SHA-256 of the terminal's public key."""

    PURPOSE: ClassVar[str] = "kiosk-enrolled-1"

    terminal: TerminalNo
    device_key_id: KeyId
    #: Public key to seal envelopes to, see `sync.envelope`. Later keys have a higher number.
    central_public_key: Annotated[Base64, Field(max_length=4096)]
    central_key_id: KeyId
    algorithm: Algorithm
    central_key_number: Annotated[int, Field(ge=1)]
    #: What the centre signs answers and later keys with (Ed25519).
    central_signing_key: Annotated[Base64, Field(min_length=32, max_length=32)]


class EnvelopeKey(Signed):
    """A public key to seal envelopes to from now on, signed by the centre."""

    PURPOSE: ClassVar[str] = "kiosk-envelope-key-1"

    number: Annotated[int, Field(ge=1)]
    key_id: KeyId
    algorithm: Algorithm
    public_key: Annotated[Base64, Field(max_length=4096)]
