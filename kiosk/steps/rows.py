"""Rows that many forms share: who it is, on the review page and masked on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.records.masking import mask_id_number, mask_name
from kiosk.visit.prompts import Row

if TYPE_CHECKING:
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


def masked(citizen: Citizen) -> tuple[tuple[str, str], ...]:
    """Who it is, for paper: a receipt never holds a full name or number (domain §5.0)."""
    return (
        ("form.name", mask_name(citizen.name)),
        ("form.id_number", mask_id_number(citizen.number.text)),
    )
