"""What others may see of a citizen: one set of masks for screen, receipt and log (domain §4).

| what   | rule                          | example            |
|--------|-------------------------------|--------------------|
| number | first three, last four        | 130***********0012 |
| name   | first and last character only | 王*明, 张*         |
| phone  | first three, last four        | 138****0000        |
"""

from __future__ import annotations


def _middle(text: str, head: int, tail: int) -> str:
    if len(text) <= head + tail:
        return "*" * len(text)
    return text[:head] + "*" * (len(text) - head - tail) + text[len(text) - tail :]


def mask_id_number(number: str) -> str:
    return _middle(number, 3, 4)


def mask_phone(phone: str) -> str:
    return _middle(phone, 3, 4)


def mask_name(name: str) -> str:
    """A two-character name keeps its first, a longer one its first and last character."""
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]
