"""The person at the terminal, as the chip of the resident ID card states them, or, without it, as
they say themself and pages of paper show (待核实, domain R-B10)."""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import TYPE_CHECKING

from kiosk.late import dataclass
from kiosk.records.id_number import BadIdNumber, IdNumber, parse_id_number
from kiosk.records.names import LONGEST_NAME, standard_name
from sync.codes import SEX, ethnic_name

if TYPE_CHECKING:
    from hardware.id_documents import IdCard
    from kiosk.photo.pages import Page

#: What the chip says of a card without an end date.
LONG_TERM = "长期"


class UnusableIdCard(ValueError):
    """The chip was read but cannot be used. `reason`: "number.<why>", "name", "birth", "sex",
    "expired", "dates". Never holds what was read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Citizen:
    """Who they are. Where a chip was read everything comes from it; nothing is typed (domain
    R-B11). Nothing of it appears in a `repr`, so that it cannot get into a log."""

    name: str = field(repr=False)
    number: IdNumber = field(repr=False)
    ethnic: str = field(repr=False)
    id_address: str = field(repr=False)
    id_issuer: str = field(repr=False)
    #: None: there is no ID card, and the three fields around it are empty.
    id_valid_from: date | None = field(repr=False)
    #: None: 长期.
    id_valid_to: date | None = field(repr=False)
    #: 102 x 126 x 3 bytes, see `IdCard.portrait`; None if there is none.
    portrait: bytes | None = field(default=None, repr=False, compare=False)
    #: The portrait as it is in the chip, 1,024 bytes WLT; b"" if the reader gave none.
    portrait_wlt: bytes = field(default=b"", repr=False, compare=False)
    #: By what they are known: "id_card", "electronic" (the code of an electronic card), or a paper.
    #: `pages`: what was laid before the camera.
    identified: str = "id_card"
    pages: tuple[Page, ...] = field(default=(), repr=False)

    @property
    def on_paper(self) -> bool:
        """Whether no ID card was read: pages of paper stand for it."""
        return self.identified not in ("id_card", "electronic")

    @property
    def sex(self) -> str:
        return self.number.sex

    @property
    def sex_name(self) -> str:
        return SEX[self.sex]

    @property
    def ethnic_name(self) -> str:
        return ethnic_name(self.ethnic)

    def age_on(self, day: date) -> int:
        """Completed years (周岁) on a day."""
        return self.number.age_on(day)

    @classmethod
    def from_paper(
        cls, paper: str, name: str, number: IdNumber, ethnic: str, pages: tuple[Page, ...]
    ) -> Citizen:
        """Without an ID card. `paper`: "household", "birth_certificate"; `ethnic`: "" where it has
        to be read from the page."""
        return cls(name, number, ethnic, "", "", None, None, identified=paper, pages=pages)

    @classmethod
    def from_electronic(cls, name: str, number: str, today: date) -> Citizen:
        """As the platform of electronic cards says. Raises `UnusableIdCard`."""
        return cls._named(name, number, today, "electronic")

    @classmethod
    def from_social_card(cls, name: str, number: str, today: date) -> Citizen:
        """As the chip of the social security card says. Raises `UnusableIdCard`."""
        return cls._named(name, number, today, "social_card")

    @classmethod
    def _named(cls, name: str, number: str, today: date, by: str) -> Citizen:
        """By name and number alone."""
        try:
            known = parse_id_number(number, today)
        except BadIdNumber as bad:
            raise UnusableIdCard(f"number.{bad.reason}") from None
        if not 1 <= len(name := standard_name(name)) <= LONGEST_NAME:
            raise UnusableIdCard("name")
        return cls(name, known, "", "", "", None, None, identified=by)

    @classmethod
    def from_id_card(cls, card: IdCard, today: date) -> Citizen:
        """Check the chip's own contradictions. Raises `UnusableIdCard`.

        The name is kept as read, in the characters of today's standard (`kiosk.records.names`).
        """
        try:
            number = parse_id_number(card.number, today)
        except BadIdNumber as bad:
            raise UnusableIdCard(f"number.{bad.reason}") from None
        name = standard_name(card.name)
        if not 1 <= len(name) <= LONGEST_NAME:
            raise UnusableIdCard("name")
        if card.birth != number.birth.strftime("%Y%m%d"):
            raise UnusableIdCard("birth")
        if card.sex_code != number.sex:
            raise UnusableIdCard("sex")
        valid_from, valid_to = _date(card.valid_from), None
        if card.valid_to.strip() != LONG_TERM:
            valid_to = _date(card.valid_to)
            if valid_to < today:
                raise UnusableIdCard("expired")
        return cls(
            name,
            number,
            card.ethnic_code,
            card.address,
            card.issuer,
            valid_from,
            valid_to,
            card.portrait,
            card.portrait_wlt,
        )


def _date(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        raise UnusableIdCard("dates") from None
