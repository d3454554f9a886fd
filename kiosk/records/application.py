"""What is applied for when a card is, reviewed, signed and sent: the form 附件1 (domain R-B1).

The nine items of 《河北省社会保障卡申领登记表》 and what issuing needs beside them. The document is
plain JSON with the names of `sync.wire.application`; `tests/flows` holds the two together.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import TYPE_CHECKING

from kiosk.late import dataclass

if TYPE_CHECKING:
    from kiosk.photo import CardPhoto
    from kiosk.photo.pages import Page
    from kiosk.records.address import Address
    from kiosk.records.citizen import Citizen
    from sync.canonical import Json

#: How the card management writes 长期 (domain §2.3).
LONG_TERM_DATE = date(9999, 12, 31)

#: As many pages as a form may have.
_PAGE_HASHES = tuple(f"page_{place}_sha256" for place in (1, 2, 3, 4))

#: 职工, 居民, 灵活就业 (domain R-G2). Words: `person_kind.<id>`.
PERSON_KINDS = ("employee", "resident", "flexible")


@dataclass(frozen=True)
class Contact:
    """How the person is reached, and what they gave along with it."""

    #: "": the number that the centre has, which the terminal knows masked only.
    phone: str = field(repr=False)
    #: What the review shows.
    shown_phone: str = field(repr=False)
    #: 医保个人编号, "" if it was not given.
    insurance_no: str = field(default="", repr=False)


@dataclass(frozen=True)
class Pickup:
    """Which bank makes the card and how it gets to the person."""

    bank: str
    #: "" where it comes by mail.
    outlet: str
    #: "outlet" 自取, "instant" 即时制卡, "mail" 邮寄.
    way: str


@dataclass(frozen=True)
class CardApplication:
    """An application as it stands on the review page."""

    citizen: Citizen
    person_kind: str
    contact: Contact
    address: Address = field(repr=False)
    special_group: str = field(repr=False)
    pickup: Pickup
    #: Whether the electronic card is made with it, as the person agreed.
    electronic: bool
    #: None: for a child that needs none.
    photo: CardPhoto | None

    def document(self) -> dict[str, Json]:
        """The data that is signed; keys and values are plain JSON."""
        citizen = self.citizen
        known_from = citizen.id_valid_from
        until = (citizen.id_valid_to or LONG_TERM_DATE).isoformat()
        return {
            "name": citizen.name,
            "sex": citizen.sex,
            "id_number": citizen.number.text,
            "birth": citizen.number.birth.isoformat(),
            "ethnic": citizen.ethnic,
            "identified": citizen.identified,
            "person_kind": self.person_kind,
            "insurance_no": self.contact.insurance_no,
            "special_group": self.special_group,
            "phone": self.contact.phone,
            "address": self.address.as_form(),
            "id_address": citizen.id_address,
            "id_issuer": citizen.id_issuer,
            "id_valid_from": known_from.isoformat() if known_from else "",
            "id_valid_to": until if known_from else "",
            "bank": self.pickup.bank,
            "outlet": self.pickup.outlet,
            "pickup": self.pickup.way,
            "electronic": self.electronic,
            "photo_sha256": self.photo.sha256 if self.photo else "",
            **dict.fromkeys(_PAGE_HASHES, ""),
            **{f"{name}_sha256": page.sha256 for name, page in named(citizen).items()},
        }


def named(citizen: Citizen) -> dict[str, Page]:
    """The pages by the names of their attachments: page_1 …"""
    return {f"page_{place}": page for place, page in enumerate(citizen.pages, 1)}
