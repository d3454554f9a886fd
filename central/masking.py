"""How a citizen appears where others may look on: lists and reports (domain §4)."""

from __future__ import annotations

import re


def masked_number(number: str) -> str:
    """First three and last four: 130***********0012."""
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def masked_card(number: str) -> str:
    """A card's number, a letter and eight digits: A12****89; "" for none."""
    return number[:3] + "*" * (len(number) - 5) + number[-2:] if number else ""


def masked_address(text: str) -> str:
    """City and district, no more: 唐山市路北区****; "" for none."""
    place = re.match(r"(?:.{2,3}省)?(?:.{2,3}市)?.{1,9}?[区县市]", text)
    return f"{place.group() if place else ''}****" if text else ""


def masked_phone(number: str) -> str:
    """First three and last four: 139****0000; "" for what is no mobile number, as registers have
    them too (0315-2821234), of which more would be shown than hidden."""
    digits = re.fullmatch(r"(?:\+?86)?(1\d{10})", re.sub(r"[\s-]", "", number), re.ASCII)
    return f"{digits[1][:3]}****{digits[1][-4:]}" if digits else ""


def masked_name(name: str) -> str:
    """First and last character; of two only the first."""
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]
