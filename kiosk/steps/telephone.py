"""Telephone: where the citizen is reached. Typed once, then read back in groups of 3-4-4.

Where the centre already has a number, it is offered masked (domain §6): one touch instead of
eleven.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kiosk.visit.prompts import Choice, Field, Form, Option

_RIGHT = (Option("right", icon="check"), Option("wrong", icon="pencil-outline"))
_KNOWN = (Option("known", icon="check"), Option("other", icon="pencil-outline"))

#: What stands for the number that the centre has; the terminal knows it masked only.
AS_KNOWN = ""

_PHONE = Field("phone", rule="mobile", keyboard="digits", longest=13)


async def telephone(known: str = "") -> str:
    """A mobile number of 11 digits, or `AS_KNOWN`. `known`: the centre's, masked, "" if none."""
    return (await telephone_and((), known))["phone"]


async def telephone_and(aside: tuple[Field, ...], known: str = "") -> Mapping[str, str]:
    """The same as "phone", and what was typed into boxes beside it, by their names; "" where the
    centre's number is kept: it then knows the person."""
    if known:
        answer = await Choice("telephone.known", _KNOWN, facts={"number": known})
        if answer == "known":
            return {"phone": AS_KNOWN, **{box.name: "" for box in aside}}
    typed: Mapping[str, str] = {}
    while True:
        boxes = tuple(replace(box, initial=typed.get(box.name, "")) for box in (_PHONE, *aside))
        typed = await Form("telephone.number", boxes)
        shown = {"number": spoken(typed["phone"])}
        if await Choice("telephone.read_back", _RIGHT, facts=shown) == "right":
            return typed


def spoken(number: str) -> str:
    """A mobile number in the groups in which it is said: 138 0000 0000."""
    return f"{number[:3]} {number[3:7]} {number[7:]}"
