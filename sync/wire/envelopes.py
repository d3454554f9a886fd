"""Envelopes on their way to the centre, and what it answers.

An answer is what a terminal forgets by, so it is signed by the centre, over the hashes of what was
sealed and over the terminal it is for: once for all that came together. `position` grows with
everything the centre keeps, `epoch` with each time that the centre was restored from a backup.
`Standing` says up to which position the centre has been backed up: until then the terminal keeps
what it sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field

from sync.header import SCHEMA_VERSION, EnvelopeHeader
from sync.values import Base64, ItemId, KeyId, Moment, Sha256, TerminalNo
from sync.wire.base import Document, Message, Signed, known

#: Largest number of envelopes in a batch, and largest sealed envelope in bytes.
BATCH_LIMIT = 100
SEALED_LIMIT = 1024 * 1024

#: Most sealed bytes in a batch.
BATCH_BYTES = 4 * 1024 * 1024

#: Largest number of envelopes in a file on removable media.
EXPORT_LIMIT = 200

#: Largest piece of a sealed envelope that is sent in pieces, bytes.
PIECE_LIMIT = 64 * 1024


def _right_header(wire: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
    """Checked as a field: a model's own check runs again with every model that holds it."""
    EnvelopeHeader.from_wire(wire)
    return wire


class Envelope(Message):
    """A header in the clear and contents only the centre can read (`sync.envelope`).

    `header` stays as it was received, because it is sealed with the contents byte for byte; so does
    the rest, because an export is signed over all of it.
    """

    model_config = ConfigDict(extra="allow")

    header: Annotated[dict[str, str | int | bool], AfterValidator(_right_header)]
    sealed: Annotated[Base64, Field(max_length=SEALED_LIMIT)]

    @classmethod
    def of(cls, header: Mapping[str, object], sealed: bytes) -> Envelope:
        """An envelope from the parts an outbox keeps."""
        return cls.model_validate({"header": header, "sealed": sealed})

    @property
    def facts(self) -> EnvelopeHeader:
        """The header as this version understands it."""
        return EnvelopeHeader.from_wire(self.header)


class Batch(Message):
    """Envelopes in the order in which they were made, urgent ones first."""

    schema_version: int = SCHEMA_VERSION
    envelopes: Annotated[list[Envelope], Field(min_length=1, max_length=BATCH_LIMIT)]


class Verdict(StrEnum):
    """What became of one envelope. The first four are final: it is kept as a case."""

    #: It took effect, now or when the same id came before.
    ACCEPTED = "accepted"
    #: 待核实: a person at the centre must look before it takes effect.
    TO_REVIEW = "to_review"
    #: Another case of this person is open; this one is kept beside it and has no effect.
    DUPLICATE = "duplicate"
    #: It has no effect; `rejection` says why. It is kept, and the citizen can be called.
    REJECTED = "rejected"
    #: The centre cannot judge now; `reason` says why. Send it again. Not remembered.
    LATER = "later"
    #: It does not open with the key that it names, or contradicts itself. A technician must look:
    #: it becomes a dead letter at the terminal. Not remembered.
    UNUSABLE = "unusable"


#: After these the centre has it.
FINAL = (Verdict.ACCEPTED, Verdict.TO_REVIEW, Verdict.DUPLICATE, Verdict.REJECTED)


class Rejection(StrEnum):
    """The four refusals of the card management; what the citizen can do next differs."""

    PERSON_UNKNOWN = "person_unknown"
    MISMATCH = "mismatch"
    DUPLICATE_APPLICATION = "duplicate_application"
    NOT_PERMITTED = "not_permitted"


#: Not known: the citizen is sent to the window, where somebody sees why.
KnownRejection = Annotated[Rejection, known(Rejection, Rejection.NOT_PERMITTED)]


#: A word of the centre, perhaps of a newer one: kept as it was signed, see `sync.verified`.
_Said = Annotated[str, Field(max_length=40)]


class ItemAnswer(Document):
    """What the centre says of one envelope."""

    id: ItemId
    #: Of the sealed bytes this is the answer to.
    sealed_sha256: Sha256
    #: A `Verdict`, and a `Rejection` if it is one.
    verdict: _Said
    rejection: _Said | None = None
    #: Why, in a word, e.g. "open_case", "document_hash". Nothing personal.
    reason: Annotated[str, Field(max_length=60)] = ""
    #: Of the case it is kept as; 0 if it is not kept.
    position: Annotated[int, Field(ge=0)] = 0
    epoch: Annotated[int, Field(ge=0)] = 0
    #: When the centre took it in, by its own clock; "" if it is not kept.
    at: Moment | Literal[""] = ""


class Standing(Signed):
    """How far the centre's keeping is safe, signed by the centre."""

    PURPOSE: ClassVar[str] = "kiosk-standing-1"

    epoch: Annotated[int, Field(ge=0)]
    #: Positions up to this one are kept elsewhere, too.
    backed_up_to: Annotated[int, Field(ge=0)]
    at: Moment


class BatchAnswer(Signed):
    """The answers to envelopes that came together, signed with the terminal's number."""

    PURPOSE: ClassVar[str] = "kiosk-answers-1"

    answers: list[ItemAnswer]
    standing: Standing


class Export(Signed):
    """Envelopes on removable media, signed with the device key."""

    PURPOSE: ClassVar[str] = "kiosk-export-1"

    format: Literal[1] = 1
    terminal: TerminalNo
    device_key_id: KeyId
    made: Moment
    envelopes: Annotated[list[Envelope], Field(min_length=1, max_length=EXPORT_LIMIT)]


class Piece(Message):
    """Part of a sealed envelope, over a line too bad to carry it whole.

    The server keeps what it has; a piece that does not begin where that ends changes nothing. An
    empty piece asks how much there is.
    """

    id: ItemId
    total: Annotated[int, Field(ge=1, le=SEALED_LIMIT)]
    offset: Annotated[int, Field(ge=0, le=SEALED_LIMIT)]
    data: Annotated[Base64, Field(max_length=PIECE_LIMIT)]


class PieceAnswer(Message):
    """Bytes from the start of the envelope that the server has."""

    held: int


class InPieces(Message):
    """All pieces were sent: here is the header, and the hash that they must have together."""

    header: dict[str, str | int | bool]
    sealed_sha256: Sha256
