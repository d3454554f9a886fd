"""Answer to reset (ISO 7816-3 §8): its historical bytes, found by its structure.

Their place differs from card to card, and a reader makes one up for a contactless card (PC/SC part
3: 3B 8n 80 01 …). Drivers report them as 卡复位信息.
"""

from __future__ import annotations

#: TS: direct or inverse convention.
_BEGINNINGS = (0x3B, 0x3F)


def historical_bytes(atr: bytes) -> bytes:
    """The historical bytes; b"" if the bytes are no whole answer to reset.

        TS T0 | TA1 TB1 TC1 TD1 | TA2 … | T1 … TK | TCK

    The high half of T0 and of each TD says which of the four interface bytes follow; the low half
    of T0 is K.
    """
    if len(atr) < 2 or atr[0] not in _BEGINNINGS:
        return b""
    count, (place, _) = atr[1] & 0x0F, _interface(atr)
    found = atr[place : place + count]
    return found if len(found) == count else b""


def speaks_t1(atr: bytes) -> bool:
    """Whether T=1 is among the protocols that a card offers; PC/SC takes it then."""
    return len(atr) >= 2 and 1 in _interface(atr)[1]


def _interface(atr: bytes) -> tuple[int, list[int]]:
    """Where the interface bytes end, and the protocols that are offered in them."""
    place, follows, protocols = 2, atr[1] >> 4, []
    while follows:
        place += follows.bit_count()
        if not follows & 0x8 or place > len(atr):
            break
        protocols.append(atr[place - 1] & 0x0F)
        follows = atr[place - 1] >> 4
    return place, protocols
