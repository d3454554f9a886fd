"""What is sealed: one shape for every business.

`document` is exactly what the citizen reviewed; its kind (`sync.kinds`) says what it looks like.
Its hash is what the citizen signs, and the pictures are attachments whose hashes stand in it or in
the signature. `evidence` is what the terminal claims beside it, unsigned.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from sync.canonical import sha256_hex
from sync.header import SCHEMA_VERSION
from sync.values import Base64, Code, Decimal, Moment, Sha256, Short, Text
from sync.wire.base import Message

#: The attachment that is the citizen's signature, PNG.
SIGNATURE = "signature"


class ProofLevel(StrEnum):
    """Who stands there, and how that is known (domain §5.0)."""

    NONE = "P0"
    #: A card, no PIN.
    CARD = "P1"
    #: Card and PIN, or ID chip and face.
    HOLDER = "P2"
    #: ID chip, and face matched or a staff code, no older than the policy pack allows.
    PERSON = "P3"
    #: A guardian of P3, with the minor's document.
    GUARDIAN = "PG"


class FaceComparison(Message):
    """A face of this visit against a portrait. It never decides alone."""

    #: "match", "unsure", "mismatch" or "cannot_tell".
    band: Short = "cannot_tell"
    #: Cosine of the two faces, -1 to 1.
    score: Decimal = ""
    method: Short = ""
    why: Short = ""


class Staff(Message):
    """A member of staff who vouches for the citizen, with a reason."""

    id: Code
    reason: Text = ""


class Proof(Message):
    """How it is known who submitted this."""

    level: ProofLevel = ProofLevel.NONE
    at: Moment
    comparison: FaceComparison | None = None
    staff: Staff | None = None
    #: Why a person must look, e.g. "face_not_compared". Not empty: 待核实.
    reasons: Annotated[list[Code], Field(max_length=20)] = []


class Signature(Message):
    """What the citizen's signature, the attachment `SIGNATURE`, is bound to."""

    png_sha256: Sha256
    document_sha256: Sha256
    signed_at: Moment
    binding_sha256: Sha256


class Consent(Message):
    """A text that was agreed to, in the version that was shown."""

    text_id: Annotated[str, Field(max_length=80)]
    text_version: Annotated[str, Field(max_length=80)]
    #: Of the very words that were shown.
    text_sha256: Sha256
    agreed_at: Moment


class Contents(Message):
    """What an envelope holds."""

    schema_version: int = SCHEMA_VERSION
    kind: Annotated[str, Field(max_length=80)]
    request_id: Annotated[str, Field(max_length=36)]
    receipt_no: Annotated[str, Field(max_length=17)]
    policy_version: Annotated[str, Field(max_length=40)]
    document: dict[str, Any]
    document_sha256: Sha256
    attachments: Annotated[dict[Code, Base64], Field(max_length=16)] = {}
    signature: Signature | None = None
    consents: Annotated[list[Consent], Field(max_length=40)] = []
    proof: Proof
    evidence: dict[str, Any] = {}


def binding_sha256(document_sha256: str, png_sha256: str, signed_at: str) -> str:
    """Ties one signature to one document at one time: change any of them and it differs."""
    return sha256_hex(
        {"document": document_sha256, "signature": png_sha256, "signed_at": signed_at}
    )
