"""What a business declares to both sides: `Kind` for what is sent, `Question` for what is asked.

A business is one module of `sync.kinds`, which has one of these as `KIND` and any number of the
other in `QUESTIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.wire.base import Document, Message

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoEvidence(Message):
    """The terminal claims nothing beside the document."""


@dataclass(frozen=True)
class Picture:
    """One attachment that a kind may have."""

    #: Largest size, bytes.
    limit: int
    required: bool = True
    #: Field of the document that holds its SHA-256; "" for one that was not signed.
    hash_field: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of transaction."""

    #: In the header of its envelopes, and the name of its module.
    id: str
    document: type[Document]
    evidence: type[Message] = NoEvidence
    attachments: Mapping[str, Picture] = field(default_factory=dict)
    #: Overtakes what is not urgent.
    urgent: bool = False
    #: Whether the citizen signs; then the attachment "signature" is required.
    signed: bool = True


@dataclass(frozen=True)
class Question:
    """One question of a business. Its id is "business.what"."""

    id: str
    asked: type[Message]
    reply: type[Message]
