"""首次申领: what is applied for, reviewed, signed and sent.

The nine items of 《河北省社会保障卡申领登记表》 (domain R-B1) and what issuing needs beside them.

`form()` is exactly what the citizen reviews. Its SHA-256 is what they sign: the signature page is
given the hash, and `SignedApplication` carries form, hash and signature together, so that a field
altered afterwards no longer matches (domain R-B9). The form is plain JSON data with the names of
`sync.messages.ApplicationForm`; `tests/flows/test_application.py` holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sync.canonical import Json, canonical, sha256_hex

if TYPE_CHECKING:
    from datetime import datetime

    from kiosk.photo import CardPhoto
    from kiosk.records.address import Address
    from kiosk.records.citizen import Citizen
    from kiosk.records.evidence import PhotoEvidence
    from kiosk.visit.prompts import Strokes

#: How the card management writes 长期 (domain §2.3).
LONG_TERM_DATE = date(9999, 12, 31)


@dataclass(frozen=True)
class Consent:
    """A text that was agreed to: its id, its version (the policy's), and when."""

    text_id: str
    text_version: str
    agreed_at: datetime


@dataclass(frozen=True)
class FirstApplication:
    """An application as it stands on the review page, not yet signed."""

    citizen: Citizen
    phone: str
    address: Address
    special_group: str
    bank: str
    outlet: str
    photo: CardPhoto

    def form(self) -> dict[str, Json]:
        """The data that is signed; keys and values are plain JSON."""
        citizen = self.citizen
        return {
            "name": citizen.name,
            "sex": citizen.sex,
            "id_number": citizen.number.text,
            "birth": citizen.number.birth.isoformat(),
            "ethnic": citizen.ethnic,
            "special_group": self.special_group,
            "phone": self.phone,
            "address": self.address.as_form(),
            "id_address": citizen.id_address,
            "id_issuer": citizen.id_issuer,
            "id_valid_from": citizen.id_valid_from.isoformat(),
            "id_valid_to": (citizen.id_valid_to or LONG_TERM_DATE).isoformat(),
            "bank": self.bank,
            "outlet": self.outlet,
            "pickup": "outlet",
            "photo_sha256": self.photo.sha256,
        }

    @property
    def sha256(self) -> str:
        """Hash of the form in canonical JSON, hex."""
        return sha256_hex(canonical(self.form()))


@dataclass(frozen=True)
class SignedApplication:
    """An application with the citizen's signature under it, ready to submit."""

    application: FirstApplication
    signature: Strokes
    consents: tuple[Consent, ...]
    policy_version: str
    evidence: PhotoEvidence

    #: The kind of transaction, for the envelope's header.
    kind = "first_application"
