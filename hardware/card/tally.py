"""How many cards a reader has had, and which of them could not be read (domain R-G17, 坏卡).

Counted per insertion, by generation and by the maker of the chip as the answer to reset names it
(T1-T2 of the historical bytes). Nothing of a card that is its own is kept: neither its serial,
which stands in the same bytes, nor a number. A card that is wiped and put in again counts twice.

| counter                 | is                                                                     |
|-------------------------|------------------------------------------------------------------------|
| `cycles`                | insertions                                                             |
| `unreadable`            | of those, cards that gave no answer, no records, or no sense in them   |
| `read_G_MAKER`          | cards that were read                                                   |
| `unreadable_G_MAKER`    | G: generation, 0 where it could not be read; MAKER "mute": no answer   |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hardware.card.atr import historical_bytes
from hardware.card.contents import DamagedCard, SocialCard
from hardware.card.session import Interface
from hardware.faults import DeviceFault, FaultCode

#: T1-T2 of the historical bytes -> who made the chip. Others count together: what stands there on a
#: card that is none of ours is no list to grow.
MAKERS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"\x00\x81": "huada",  # 华大
        b"\x00\x85": "huahong",  # 华虹
        b"\x00\x87": "datang",  # 大唐
        b"\x00\x90": "fudan",  # 复旦微
    }
)
OTHER, NEAR, MUTE = "other", "near", "mute"

#: Faults that say that a card of ours could not be read. A card upside down is mute as well.
_UNREADABLE = (FaultCode.CARD_MUTE, FaultCode.CARD_DAMAGED, FaultCode.CARD_NOT_UNDERSTOOD)


class Tally:
    """Since the driver was made; whoever shows it adds what went before (`HealthTable`)."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter({"cycles": 0, "unreadable": 0})
        self._insertion: int | None = None
        #: Whether the card of this insertion stands in the list already.
        self._told = False

    @property
    def counters(self) -> dict[str, int]:
        return dict(self._counts)

    def used(self, insertion: int) -> None:
        """A card is used; the same insertion is the same card, which has not moved since."""
        if insertion != self._insertion:
            self._insertion, self._told = insertion, False
            self._counts["cycles"] += 1

    def read(self, card: SocialCard, atr: bytes) -> None:
        near = card.interface is Interface.CONTACTLESS
        self._tell("read", card.generation, NEAR if near else maker_of(atr))

    def failed(self, fault: DeviceFault, atr: bytes) -> None:
        """A use ended with a fault, of the card or not."""
        if fault.code in _UNREADABLE:
            generation = fault.generation if isinstance(fault, DamagedCard) else 0
            if self._tell("unreadable", generation, maker_of(atr)):
                self._counts["unreadable"] += 1

    def _tell(self, what: str, generation: int, maker: str) -> bool:
        if self._told:
            return False
        self._told = True
        self._counts[f"{what}_{generation}_{maker}"] += 1
        return True


def maker_of(atr: bytes) -> str:
    """Who made the chip. A card near a reader says it nowhere: its answer is the reader's."""
    if not atr:
        return MUTE
    if atr[2:4] == b"\x80\x01":
        return NEAR
    return MAKERS.get(historical_bytes(atr)[:2], OTHER)
