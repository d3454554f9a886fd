"""卡号: the number of a new card comes from whoever made it (`central.ports.card_maker`).

It is asked for each time the case of a card moves on while the register has none, after the commit.
A card that is in its holder's hands must have one: then an alarm says that the maker owes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from central.card_orders import order_number
from central.card_states import WITHOUT_CARD
from central.cases import Case, add_tasks
from central.locks import lock_person
from central.ports.card_maker import card_maker
from central.ports.registry import registry

if TYPE_CHECKING:
    from central.ports.registry import Registered

TASK = "card_number"


class NotMade(Exception):
    """The maker has no number for a card that was handed out."""


def ask(case: Case) -> None:
    """Have the number of the case's card asked for, inside the caller's transaction."""
    add_tasks([(case, TASK)])


def fetch(position: int) -> None:
    """Ask, and tell the register. Raises `NotMade`, and what the ports raise."""
    case = Case.objects.get(pk=position)
    if not _lacks_number(registry().find(case.person)):
        return
    number = card_maker().number(order_number(case))
    if not number:
        if case.state == "collected":
            raise NotMade
        return
    with transaction.atomic():
        lock_person(case.person)
        now = Case.objects.get(pk=position)  # it may have been made once more meanwhile
        if order_number(now) == order_number(case) and _lacks_number(registry().find(case.person)):
            registry().set_card_no(case.person, number)


def _lacks_number(known: Registered | None) -> bool:
    return known is not None and not known.card_no and known.card_state not in WITHOUT_CARD
