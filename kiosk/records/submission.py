"""What passes between a service, the outbox and the central server, in the service's own terms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """May this person apply for a first card? The four refusals are those of the province's card
    management (domain §2.3); each has its own words, because what to do next differs."""

    ELIGIBLE = "eligible"
    PERSON_UNKNOWN = "person_unknown"
    MISMATCH = "mismatch"
    DUPLICATE = "duplicate_application"
    NOT_PERMITTED = "not_permitted"
    #: The centre could not be asked. It decides when the application reaches it.
    OFFLINE = "offline"


@dataclass(frozen=True)
class EligibilityQuestion:
    """May the holder of this number and name apply?"""

    service: str
    id_number: str
    name: str


@dataclass(frozen=True)
class Eligibility:
    """The centre's answer. `reason` names why, e.g. "has_card"; nothing personal comes back."""

    standing: Standing
    reason: str = ""


@dataclass(frozen=True)
class Submitted:
    """A transaction that is sealed and on disk."""

    id: str
    receipt_no: str


class Standpoint(StrEnum):
    """Where a submitted transaction stands, as far as this terminal knows."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Verdict:
    """`reason` is one of the refusals of `Standing`, with `Standpoint.REJECTED`."""

    standpoint: Standpoint
    reason: str = ""
