"""What passes between a service, the outbox and the central server, in the service's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from kiosk.late import dataclass


@dataclass(frozen=True)
class Question:
    """What only the centre knows. `kind` names a question of `sync.kinds`; `fields` are its."""

    kind: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """The centre's reply; None: it could not be asked, and decides when it hears of the matter."""

    facts: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def offline(self) -> bool:
        return self.facts is None


@dataclass(frozen=True)
class Submitted:
    """A transaction that is sealed and on disk."""

    id: str
    receipt_no: str
    #: Whether the centre tells by 短信 how it goes on.
    notices: bool = False


@dataclass(frozen=True)
class Mine:
    """Something this terminal filed for the person who stands there. `created`: aware; `copies`:
    how often its receipt was printed again here."""

    receipt_no: str
    kind: str
    standpoint: Standpoint
    created: datetime
    id: str = ""
    copies: int = 0


class Standpoint(StrEnum):
    """Where a submitted transaction stands, as far as this terminal knows (domain §5.0)."""

    #: 待上传: on this terminal only.
    QUEUED = "queued"
    #: 已受理.
    ACCEPTED = "accepted"
    #: 待核实: at the centre, where a person has to look before it goes on.
    TO_REVIEW = "to_review"
    #: An earlier one of this person is open.
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Verdict:
    """`reason`: why, an id of words below a service's refusals; with DUPLICATE and REJECTED."""

    standpoint: Standpoint
    reason: str = ""
    #: When the centre took it in, by its own clock, aware; None where it said none.
    at: datetime | None = None
