"""首次申领: what is applied for, reviewed, signed and sent.

The nine items of 《河北省社会保障卡申领登记表》 (domain R-B1) and what issuing needs beside them.
The document is plain JSON with the names of `sync.kinds.first_application`; `tests/flows` holds the
two together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.photo import CardPhoto
    from kiosk.records.address import Address
    from kiosk.records.citizen import Citizen
    from sync.canonical import Json

#: How the card management writes 长期 (domain §2.3).
LONG_TERM_DATE = date(9999, 12, 31)


@dataclass(frozen=True)
class FirstApplication:
    """An application as it stands on the review page."""

    citizen: Citizen
    phone: str = field(repr=False)
    address: Address = field(repr=False)
    special_group: str = field(repr=False)
    bank: str
    outlet: str
    photo: CardPhoto

    def document(self) -> dict[str, Json]:
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
