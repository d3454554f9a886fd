"""May this person have a first card? The four refusals of the card management (domain §2.3).

The rules are tried in order; the first that applies decides. The question before the visit and the
application itself go through the same table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.models import Application, Person
from sync.messages import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable

#: Card states that mean there is no card any more.
_WITHOUT_CARD = {Person.Card.NONE, Person.Card.CANCELLED, Person.Card.CANCELLED_AFTER_LOSS}

#: (refusal, reason, does it apply?)
_RULES: list[tuple[Rejection, str, Callable[[Person], bool]]] = [
    (Rejection.NOT_PERMITTED, "deceased", lambda person: person.deceased),
    (Rejection.NOT_PERMITTED, "not_insured", lambda person: not person.insured),
    (
        Rejection.NOT_PERMITTED,
        "has_card",
        lambda person: person.card_state not in _WITHOUT_CARD,
    ),
    (Rejection.DUPLICATE_APPLICATION, "open_elsewhere", lambda person: person.open_elsewhere),
    (
        Rejection.DUPLICATE_APPLICATION,
        "open_application",
        lambda person: Application.objects.filter(
            id_number=person.id_number, state__in=Application.OPEN
        ).exists(),
    ),
]


def refusal(id_number: str, name: str) -> tuple[Rejection, str] | None:
    """Why this person may not apply, as (kind, reason); None if they may."""
    person = Person.objects.filter(id_number=id_number).first()
    if person is None:
        return Rejection.PERSON_UNKNOWN, "not_in_registry"
    if person.name != name:
        return Rejection.MISMATCH, "name"
    for kind, reason, applies in _RULES:
        if applies(person):
            return kind, reason
    return None
