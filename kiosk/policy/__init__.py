"""Rules that an authority sets: data with a source and an effective date, never constants in code.

The client's own documents contradict each other in places (domain §1.12), so what a city decides
lies in one file, `tangshan.toml`, and its version goes into every transaction and onto every
receipt.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Outlet:
    """A place where cards are handed out."""

    id: str
    bank: str
    name: str
    area: str
    address: str
    phone: str


@dataclass(frozen=True)
class Bank:
    """A cooperating bank (合作银行)."""

    id: str
    name: str
    #: Sort key: the name in pinyin. Banks stand in this order and no other (domain R-F8).
    pinyin: str


@dataclass(frozen=True)
class Policy:
    """One policy pack."""

    version: str
    effective: date
    source: str
    #: Fee of a first card in yuan; 0 unless an approval is named (domain R-B6, R-B7).
    first_card_fee: int
    #: Working time of an application, days (domain R-B16).
    days_to_card: int
    hotline: str
    special_groups: tuple[tuple[str, str], ...]
    banks: tuple[Bank, ...]
    outlets: tuple[Outlet, ...]

    def bank(self, bank_id: str) -> Bank:
        return next(bank for bank in self.banks if bank.id == bank_id)

    def outlet(self, outlet_id: str) -> Outlet:
        return next(outlet for outlet in self.outlets if outlet.id == outlet_id)

    def special_group(self, code: str) -> str:
        return dict(self.special_groups)[code]

    def outlets_of(self, bank_id: str, area: str) -> tuple[Outlet, ...]:
        """A bank's outlets, those in the citizen's own district first, else in file order."""
        own = [outlet for outlet in self.outlets if outlet.bank == bank_id]
        return tuple(sorted(own, key=lambda outlet: outlet.area != area))


def load_policy(file: Path = FOLDER / "tangshan.toml") -> Policy:
    """Read a policy pack. Raises `ValueError` naming the rule a pack breaks."""
    table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    fees = table["fees"]
    if fees["first_card"] > 0 and not fees.get("approval"):
        raise ValueError(f"{file.name}: a fee needs the reference of its approval (domain R-B7)")
    banks = tuple(
        sorted((Bank(key, b["name"], b["pinyin"]) for key, b in table["banks"].items()), key=_order)
    )
    outlets = tuple(Outlet(key, **o) for key, o in table["outlets"].items())
    if strange := {outlet.bank for outlet in outlets} - {bank.id for bank in banks}:
        raise ValueError(f"{file.name}: outlets of unknown banks: {', '.join(sorted(strange))}")
    if lonely := {bank.id for bank in banks} - {outlet.bank for outlet in outlets}:
        raise ValueError(f"{file.name}: banks without an outlet: {', '.join(sorted(lonely))}")
    return Policy(
        version=table["version"],
        effective=table["effective"],
        source=table["source"],
        first_card_fee=fees["first_card"],
        days_to_card=table["days_to_card"],
        hotline=table["hotline"],
        special_groups=tuple(table["special_groups"].items()),
        banks=banks,
        outlets=outlets,
    )


def _order(bank: Bank) -> str:
    return bank.pinyin
