"""The states of a social security card (卡状态, domain §2.3) and the only ways between them.

Every business that changes a card comes through here, and says which moves it may make. A card
that is lost becomes usable again by 解挂 only: because its holder brought it back, because a
temporary loss ended by itself, or because a person found that the report was not true. A card
that is cancelled never does: its holder gets another one, which begins with its number (放号).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from central.machine import NotPossible
from central.models import CardState
from central.ports.registry import registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

#: The card is in its holder's hands and not blocked: it serves, or 启用 is all that it lacks.
USABLE = (CardState.NORMAL, CardState.NOT_ACTIVE)

#: Blocked: 挂失, 临时挂失.
BLOCKED = (CardState.LOST, CardState.LOST_TEMPORARILY)

#: There is no card, or none any more.
WITHOUT_CARD = (CardState.NONE, CardState.CANCELLED_AFTER_LOSS, CardState.CANCELLED)


class CardMove(StrEnum):
    """What happens to a card."""

    NUMBER = "放号"
    HAND_OUT = "领取"
    ACTIVATE = "启用"
    BLOCK = "挂失"
    RELEASE = "解挂"
    CANCEL = "注销"


#: (from, to) -> the one move that leads there; what is not here does not happen.
MACHINE: Mapping[tuple[CardState, CardState], CardMove] = {
    **{(gone, CardState.ISSUED): CardMove.NUMBER for gone in WITHOUT_CARD},
    (CardState.ISSUED, CardState.NOT_ACTIVE): CardMove.HAND_OUT,
    (CardState.NOT_ACTIVE, CardState.NORMAL): CardMove.ACTIVATE,
    **{(usable, blocked): CardMove.BLOCK for usable in USABLE for blocked in BLOCKED},
    (CardState.LOST_TEMPORARILY, CardState.LOST): CardMove.BLOCK,
    **{(blocked, usable): CardMove.RELEASE for usable in USABLE for blocked in BLOCKED},
    # A formal report was not true, and a temporary one still holds.
    (CardState.LOST, CardState.LOST_TEMPORARILY): CardMove.RELEASE,
    **{(state, CardState.CANCELLED): CardMove.CANCEL for state in (CardState.ISSUED, *USABLE)},
    **{(blocked, CardState.CANCELLED_AFTER_LOSS): CardMove.CANCEL for blocked in BLOCKED},
}


def bring(person: str, to: CardState, *moves: CardMove) -> None:
    """Bring a person's card into a state, by one of these moves. Nothing happens to a card that is
    there already, nor where the registry has nobody. The person is locked, and a transaction runs.

    Raises `NotPossible`, and `central.ports.NotNow`.
    """
    known = registry().find(person)
    if known is None or known.card_state == to:
        return
    if MACHINE.get((known.card_state, to)) not in moves:
        raise NotPossible(f"card {known.card_state} → {to}")
    registry().set_card_state(person, to)


def number(person: str, bank: str, made: date) -> None:
    """放号: another card is made for this person, who has none. `made`: when (制卡日期).

    Raises like `bring`.
    """
    bring(person, CardState.ISSUED, CardMove.NUMBER)
    registry().set_new_card(person, bank, made)


def spoil(person: str) -> None:
    """The card that was made is nobody's any more, and was never handed out; where the register
    has cancelled it already, nothing is left to do. Raises like `bring`, and where it was."""
    known = registry().find(person)
    if known is not None and known.card_state not in (CardState.ISSUED, *WITHOUT_CARD):
        raise NotPossible(f"card {known.card_state} was handed out")
    cancel(person)


def cancel(person: str) -> None:
    """注销: the card never serves again. Raises like `bring`."""
    known = registry().find(person)
    if known is None or known.card_state in WITHOUT_CARD:
        return
    lost = known.card_state in BLOCKED
    to = CardState.CANCELLED_AFTER_LOSS if lost else CardState.CANCELLED
    bring(person, to, CardMove.CANCEL)
