"""What one policy pack says, checked when it is read.

Everything that an authority sets stands in the pack and nowhere else: areas and place words, ages,
tries, fees with their approval, places to go, the hotline, days with their unit, banks with their
flags, consent texts. `Policy` gives what every business asks for by name; what a single business
asks for stands in its own table, `policy.service("<service id>")`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from kiosk.policy.consents import Consented, consent_texts
from kiosk.policy.name import Name
from kiosk.policy.table import BadPolicy, Days, Fee, Table

T = TypeVar("T")

#: A date, and a number where one day had several: "2026-11-28", "2026-11-28.2".
_VERSION = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:\.([1-9][0-9]{0,3}))?")


#: Tables whose keys are named in the program.
_ASKED_BY_NAME = ("fees", "days", "places", "service", "consent")


def order_of(effective: date, version: str) -> tuple[date, tuple[int, ...]]:
    """Of two packs that are in force, the one with the greater order rules."""
    found = _VERSION.fullmatch(version)
    return effective, tuple(int(part or 0) for part in found.groups()) if found else ()


@dataclass(frozen=True)
class Region:
    """The city that the pack rules. `code` is six digits of GB/T 2260."""

    code: str
    city: Name


@dataclass(frozen=True)
class Area:
    """A district or county (区县), or a development zone that people give as their address."""

    code: str
    name: Name
    city: Name
    #: Names on older cards, 滦县 for 滦州市. They are read, never written.
    formerly: tuple[str, ...] = ()

    @property
    def full(self) -> Name:
        """行政区划名称, as an address begins: 唐山市路北区."""
        return Name(f"{self.city}{self.name}", f"{self.name.english}, {self.city.english}")


@dataclass(frozen=True)
class Bank:
    """A cooperating bank (合作银行)."""

    id: str
    name: Name
    #: Sort key: the name in pinyin. Banks stand in this order and no other (domain R-F8).
    pinyin: str
    phone: str
    #: Whether its cards are made and handed out at its own outlets only (农村商业银行, R-F9).
    own_outlets_only: bool
    #: Whether a new card keeps the account number (同号换卡): benefits then need no change.
    same_account: bool


@dataclass(frozen=True)
class Outlet:
    """A place where cards are handed out."""

    id: str
    bank: str
    name: Name
    area: str
    address: str
    phone: str
    #: Whether a card is made there while one waits (即时制卡, R-F7).
    instant: bool = False


@dataclass(frozen=True)
class CardRules:
    """What goes with a new card."""

    #: Whether the electronic card is made with it, with the person's consent (R-K1).
    electronic: bool
    #: Whether it may come by mail (邮寄) as well; otherwise it is fetched at an outlet.
    by_mail: bool
    #: Whether the 户口簿 serves who has lost the ID card, and a person checks it (R-B10).
    household: bool
    #: What is said of an outlet that makes cards while one waits.
    instant: Name


@dataclass(frozen=True)
class PlaceToGo:
    """Where something is done that this terminal does not do, for whoever is sent there."""

    name: Name
    #: Address or how to find it, and a telephone number; each may be empty.
    where: Name
    phone: str
    #: Whether somebody else may go there with both identity cards (代办).
    proxy: bool


@dataclass(frozen=True)
class Ages:
    """Completed years (周岁)."""

    #: From here on people apply for themselves; below, a guardian (监护人) does (R-B5).
    adult: int
    #: From here on somebody may be a guardian (完全民事行为能力).
    guardian: int
    #: Below this age a guardian consents to the comparison of a face.
    face_consent: int
    #: Below this age a card needs no photo.
    photo: int


@dataclass(frozen=True)
class PhotoRules:
    """How often a photo may be taken in one visit, and how old one may be (R-D10)."""

    tries: int
    valid_months: int


@dataclass(frozen=True)
class ProofRules:
    """How long before the signature it may have been seen who stands there, minutes."""

    fresh_minutes: int


class Policy:
    """One pack. Made once when it is read; raises `BadPolicy` for whatever breaks a rule."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.version = table.text("version")
        self.effective = table.day("effective")
        self.source = table.text("source")
        #: Whether it is the example that the program brings along, not what an authority issued.
        self.demo = table.flag("demo")
        self.hotline = table.text("hotline")
        place = table.table("region")
        self.region = Region(place.text("code"), place.name("city"))
        self.areas = tuple(
            Area(code, area.name("name"), self.region.city, area.texts("formerly"))
            for code, area in table.tables("areas")
        )
        ages, photo = table.table("ages"), table.table("photo")
        self.ages = Ages(
            ages.whole("adult"),
            ages.whole("guardian"),
            ages.whole("face_consent"),
            ages.whole("photo"),
        )
        self.photo = PhotoRules(photo.whole("tries", 1), photo.whole("valid_months", 1))
        card = table.table("card")
        self.card = CardRules(
            card.flag("electronic"),
            card.flag("by_mail"),
            card.flag("household"),
            card.name("instant"),
        )
        self.proof = ProofRules(table.table("proof").whole("fresh_minutes", 1))
        self.special_groups = table.names("special_groups")
        self.banks = tuple(sorted(_banks(table), key=lambda bank: bank.pinyin))
        self.outlets = tuple(_outlets(table))
        self._fees = {reason: table.table("fees").fee(reason) for reason in table.table("fees")}
        self._days = {what: table.table("days").days(what) for what in table.table("days")}
        self.places: Mapping[str, PlaceToGo] = {
            place_id: PlaceToGo(
                name=place.name("name"),
                where=place.name("where") if "where" in place else Name(""),
                phone=place.note("phone"),
                proxy=place.flag("proxy") if "proxy" in place else False,
            )
            for place_id, place in table.tables("places")
        }
        self._consents = consent_texts(table)
        self.place_words = tuple(_place_words(table.table("keyboard")))
        self._check()

    def _check(self) -> None:
        """What no single value can tell."""
        table = self._table
        if not _VERSION.fullmatch(self.version):
            raise table.wrong("version", 'is not a date, or a date and a number ("2026-11-28.2")')
        codes = {area.code for area in self.areas}
        banks = {bank.id for bank in self.banks}
        if strange := {outlet.bank for outlet in self.outlets} - banks:
            raise table.wrong("outlets", f"are of unknown banks: {', '.join(sorted(strange))}")
        if lonely := banks - {outlet.bank for outlet in self.outlets}:
            raise table.wrong("banks", f"are without an outlet: {', '.join(sorted(lonely))}")
        if lost := {outlet.area for outlet in self.outlets} - codes:
            raise table.wrong("outlets", f"are in unknown areas: {', '.join(sorted(lost))}")
        names = [name for area in self.areas for name in (area.name, *area.formerly)]
        if twice := {name for name in names if names.count(name) > 1}:
            raise table.wrong("areas", f"have a name twice: {', '.join(sorted(twice))}")

    @property
    def order(self) -> tuple[date, tuple[int, ...]]:
        """Of two packs that are in force, the one with the greater order rules."""
        return order_of(self.effective, self.version)

    def service(self, service_id: str) -> Table:
        """The table of one business. Raises `BadPolicy` if the pack has none."""
        return self._table.table("service").table(service_id)

    def lacks(self, other: Policy) -> tuple[str, ...]:
        """Full keys of rules that the other pack has and this one has not: services ask for them
        by name. They may be under a key that is named: a table that is missing as a whole."""
        lacking = () if other is self else self._table.lacks(other._table)
        return tuple(key for key in lacking if key.split(".")[0] in _ASKED_BY_NAME)

    def fee(self, reason: str) -> Fee:
        """What a card costs: "first", or why it is replaced: "lost", "damaged" … (R-B6, R-B8)."""
        return _one(self._fees, reason, self._table, "fees")

    def days(self, what: str) -> Days:
        """How long something takes or lasts, e.g. "make_card" (R-B16)."""
        return _one(self._days, what, self._table, "days")

    def place(self, what: str) -> PlaceToGo:
        """Where something is done that this terminal does not do, e.g. "replace"."""
        return _one(self.places, what, self._table, "places")

    def consent(self, text_id: str) -> Consented:
        """Version and hash of a text that citizens agree to; its words are shown by its id."""
        return _one(self._consents, text_id, self._table, "consent")

    @cached_property
    def words(self) -> Mapping[str, Mapping[str, str]]:
        """Language -> id -> words: those of the consent texts."""
        languages: dict[str, dict[str, str]] = {}
        for consent in self._consents.values():
            for language, words in consent.words.items():
                languages.setdefault(language, {}).update(words)
        return languages

    def area(self, code: str) -> Area:
        return _one({area.code: area for area in self.areas}, code, self._table, "areas")

    def bank(self, bank_id: str) -> Bank:
        return _one({bank.id: bank for bank in self.banks}, bank_id, self._table, "banks")

    def outlet(self, outlet_id: str) -> Outlet:
        return _one({one.id: one for one in self.outlets}, outlet_id, self._table, "outlets")

    def special_group(self, code: str) -> Name:
        return _one(dict(self.special_groups), code, self._table, "special_groups")

    def outlets_of(self, bank_id: str, near: Area | None) -> tuple[Outlet, ...]:
        """A bank's outlets, those in the citizen's own area first, else in file order."""
        own = [outlet for outlet in self.outlets if outlet.bank == bank_id]
        code = "" if near is None else near.code
        return tuple(sorted(own, key=lambda outlet: outlet.area != code))


def read_pack(data: bytes, file: str) -> Policy:
    """The pack in a file. Raises `BadPolicy`, which names the file and what is wrong."""
    try:
        values = _parsed(data)
    except ValueError as error:  # of the encoding, or of TOML
        raise BadPolicy(f"{file}: {error}") from None
    return Policy(Table(values, file))


@lru_cache(maxsize=4)
def _parsed(data: bytes) -> Mapping[str, Any]:
    """The values of a pack. A pack is read when it comes, at each start, and whenever its file was
    touched: parsing takes most of the time, and nothing writes into what it gives."""
    return tomllib.loads(data.decode("utf-8"))


def _one(table: Mapping[str, T], key: str, pack: Table, where: str) -> T:
    if key not in table:
        raise pack.wrong(f"{where}.{key}", "is missing")
    return table[key]


def _banks(table: Table) -> Iterator[Bank]:
    for bank_id, bank in table.tables("banks"):
        yield Bank(
            bank_id,
            bank.name("name"),
            bank.text("pinyin"),
            bank.note("phone"),
            bank.flag("own_outlets_only"),
            bank.flag("same_account"),
        )


def _outlets(table: Table) -> Iterator[Outlet]:
    for outlet_id, outlet in table.tables("outlets"):
        yield Outlet(
            outlet_id,
            outlet.text("bank"),
            outlet.name("name"),
            outlet.text("area"),
            outlet.text("address"),
            outlet.note("phone"),
            outlet.flag("instant") if "instant" in outlet else False,
        )


def _place_words(table: Table) -> Iterator[tuple[str, str]]:
    """(word, its syllables) from lines of "路南区 lu nan qu"."""
    for line in table.note("place_words").strip().splitlines():
        word, _, syllables = line.partition(" ")
        if not re.fullmatch(r"[a-z]+( [a-z]+)*", syllables):
            raise table.wrong("place_words", f"has a line without its syllables: {line!r}")
        if len(syllables.split()) != len(word):
            raise table.wrong("place_words", f"has a line of another length: {line!r}")
        yield word, syllables
