"""Telephone: where the citizen is reached. Typed once, then read back in groups of 3-4-4.

Where the centre already has a number, it is offered masked (domain §6): one touch instead of
eleven.
"""

from __future__ import annotations

from kiosk.visit.prompts import Choice, Field, Form, Option

_RIGHT = (Option("right", icon="check"), Option("wrong", icon="pencil-outline"))
_KNOWN = (Option("known", icon="check"), Option("other", icon="pencil-outline"))

#: What stands for the number that the centre has; the terminal knows it masked only.
AS_KNOWN = ""


async def telephone(known: str = "") -> str:
    """A mobile number of 11 digits, or `AS_KNOWN`. `known`: the centre's, masked, "" if none."""
    if known:
        answer = await Choice("telephone.known", _KNOWN, facts={"number": known})
        if answer == "known":
            return AS_KNOWN
    typed = ""
    while True:
        box = Field("phone", rule="mobile", keyboard="digits", longest=13, initial=typed)
        typed = (await Form("telephone.number", (box,)))["phone"]
        shown = {"number": spoken(typed)}
        if await Choice("telephone.read_back", _RIGHT, facts=shown) == "right":
            return typed


def spoken(number: str) -> str:
    """A mobile number in the groups in which it is said: 138 0000 0000."""
    return f"{number[:3]} {number[3:7]} {number[7:]}"
