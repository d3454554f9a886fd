"""参保人员库: who a person is to the social insurance, and the state of their card.

People are asked for by the keyed hash of their ID number. A registry that is not there, or has
nobody in it yet, raises `NotNow`: the centre's own trouble is never a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from central.models import RegisteredPerson
from central.ports import NotNow

#: What the terminal is told while there is no registry.
NO_REGISTRY = "no_registry"


@dataclass(frozen=True)
class Registered:
    """What the registry says. `card_state` is a letter of the card management (domain §2.3)."""

    name: str
    insured: bool = True
    deceased: bool = False
    card_state: str = ""
    card_no: str = ""
    bank: str = ""
    open_elsewhere: bool = False


class Registry(Protocol):
    """What is asked of it."""

    def find(self, person: str) -> Registered | None:
        """None: nobody is insured under this number. Raises `NotNow`."""

    def set_card_state(self, person: str, state: str) -> None:
        """Inside the caller's transaction. Raises `NotNow`."""


class DemoRegistry:
    """A table of the centre's own database."""

    def find(self, person: str) -> Registered | None:
        row = RegisteredPerson.objects.filter(pk=person).first()
        if row is None:
            if not RegisteredPerson.objects.exists():
                raise NotNow(NO_REGISTRY)
            return None
        return Registered(
            name=row.name,
            insured=row.insured,
            deceased=row.deceased,
            card_state=row.card_state,
            card_no=row.card_no,
            bank=row.bank,
            open_elsewhere=row.open_elsewhere,
        )

    def set_card_state(self, person: str, state: str) -> None:
        RegisteredPerson.objects.filter(pk=person).update(card_state=state)


def registry() -> Registry:
    """The one that is set up."""
    return DemoRegistry()
