"""参保人员库: who a person is to the social insurance, and the state of their card.

People are asked for by the keyed hash of their ID number. A registry that is not there, or has
nobody in it yet, raises `NotNow`: the centre's own trouble is never a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from central.models import CardState, RegisteredPerson
from central.ports import NotNow

if TYPE_CHECKING:
    from datetime import date

#: What the terminal is told while there is no registry.
NO_REGISTRY = "no_registry"


@dataclass(frozen=True)
class Registered:
    """What the registry says of a person and the one card that they have or had last."""

    name: str
    insured: bool = True
    deceased: bool = False
    card_state: CardState = CardState.NONE
    #: "" where it is not known.
    card_no: str = ""
    bank: str = ""
    #: When it was made (制卡日期), None where that is not known.
    card_made: date | None = None
    #: 2 or 3; 0 where it is not known.
    generation: int = 0
    #: 有效期 of a second-generation card, None where it is not known.
    card_expires: date | None = None
    #: What is paid to the account of the card, as codes of the policy pack.
    benefits: tuple[str, ...] = ()
    phone: str = ""
    address: str = ""
    open_elsewhere: bool = False


_COLUMNS = [field.name for field in fields(Registered)]

#: In SQL, because every application asks it: the ORM would put it together anew each time, which
#: was a tenth of taking one in.
_FIND = "SELECT * FROM central_registeredperson WHERE person = %s"


class Registry(Protocol):
    """What is asked of it."""

    def find(self, person: str) -> Registered | None:
        """None: nobody is insured under this number. Raises `NotNow`."""

    def card(self, card_no: str) -> CardState | None:
        """The state of the card with this number; None where there is none such. Raises
        `NotNow`."""

    def set_card_state(self, person: str, state: CardState) -> None:
        """Inside the caller's transaction. For `central.card_states`, which knows what may be.
        Raises `NotNow`."""

    def set_new_card(self, person: str, bank: str, made: date) -> None:
        """From now on it is this card, of the third generation, that is spoken of. Its number is
        not known yet. Otherwise like `set_card_state`."""

    def set_card_no(self, person: str, card_no: str) -> None:
        """The number of the card that is spoken of. Otherwise like `set_card_state`."""

    def set_contact(self, person: str, what: str, value: str) -> None:
        """`what`: "phone" or "address". Inside the caller's transaction. Raises `NotNow`."""


class DemoRegistry:
    """A table of the centre's own database."""

    def find(self, person: str) -> Registered | None:
        row = next(iter(RegisteredPerson.objects.raw(_FIND, [person])), None)
        if row is not None:
            known = {name: getattr(row, name) for name in _COLUMNS}
            state, benefits = CardState(row.card_state), tuple(row.benefits)
            return Registered(**known | {"card_state": state, "benefits": benefits})
        if not RegisteredPerson.objects.exists():
            raise NotNow(NO_REGISTRY)
        return None

    def card(self, card_no: str) -> CardState | None:
        states = RegisteredPerson.objects.filter(card_no=card_no).values_list("card_state")
        found = {CardState(state) for (state,) in states}
        return found.pop() if len(found) == 1 else None

    def set_card_state(self, person: str, state: CardState) -> None:
        RegisteredPerson.objects.filter(pk=person).update(card_state=state)

    def set_new_card(self, person: str, bank: str, made: date) -> None:
        RegisteredPerson.objects.filter(pk=person).update(
            card_no="", bank=bank, card_made=made, generation=3, card_expires=None
        )

    def set_card_no(self, person: str, card_no: str) -> None:
        RegisteredPerson.objects.filter(pk=person).update(card_no=card_no)

    def set_contact(self, person: str, what: str, value: str) -> None:
        RegisteredPerson.objects.filter(pk=person).update(**{what: value})


def registry() -> Registry:
    """The one that is set up."""
    return DemoRegistry()
