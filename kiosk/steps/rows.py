"""Rows that many forms share: who it is, on the review page and masked on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.policy import Name
from kiosk.records.masking import mask_id_number, mask_name
from kiosk.visit.prompts import Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen


def of_chip(citizen: Citizen) -> tuple[Row, ...]:
    """What the ID card's chip says; nobody can change it here."""
    return (
        Row("form.name", citizen.name),
        Row("form.sex", citizen.sex_name),
        Row("form.id_number", citizen.number.text),
        Row("form.birth", f"{citizen.number.birth:%Y-%m-%d}"),
        Row("form.ethnic", citizen.ethnic_name),
    )


def bank_name(known: Mapping[str, Any], policy: Policy) -> Name:
    """The bank of the card as the centre tells it; "" where it tells none that the pack names."""
    return next((one.name for one in policy.banks if one.id == known.get("bank")), Name(""))


def card_name(known: Mapping[str, Any], policy: Policy) -> Name:
    """A social security card as its holder knows it again: the bank and the masked number, as far
    as the centre tells them; "" where it tells neither."""
    bank = bank_name(known, policy)
    number = str(known.get("card") or "")
    return Name(f"{bank} {number}".strip(), f"{bank.english} {number}".strip())


def masked(citizen: Citizen) -> tuple[tuple[str, str], ...]:
    """Who it is, for paper: a receipt never holds a full name or number (domain §5.0)."""
    return (
        ("form.name", mask_name(citizen.name)),
        ("form.id_number", mask_id_number(citizen.number.text)),
    )
