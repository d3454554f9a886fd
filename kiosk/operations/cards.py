"""身份证 and 社会保障卡: waiting for a card and reading it.

A card taken away too early may be put back: the same page says so for ten seconds (domain §6), and
only then the visit ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hardware.faults import DeviceFault, FaultCode, NotWanted
from kiosk.visit.prompts import PutBack

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard
    from hardware.card.reader import CardReader
    from hardware.card.session import CardSession
    from hardware.id_documents import IdCard
    from hardware.id_reader import IdReader
    from kiosk.operations.work import Work
    from kiosk.visit import prompts

T = TypeVar("T")

#: How long a card may be away before the visit ends, seconds (domain §6).
PUT_BACK_S = 10.0

#: What a reader says when the card went away in the middle.
_PULLED = frozenset({FaultCode.CARD_PULLED, FaultCode.ID_CARD_LIFTED})


def place_id_card(prompt: prompts.PlaceIdCard, reader: IdReader, work: Work) -> IdCard:
    """Wait for a 居民身份证 and read it; reports each `IdStep`."""
    return with_put_back(reader.read, work)


def read_card(prompt: prompts.ReadCard, reader: CardReader, work: Work) -> SocialCard:
    """Wait for a 社会保障卡 and read what it gives without a PIN: of a third-generation card the
    holder too, where the service needs it and the settings say how it is opened."""
    from hardware.card.authenticator import make_authenticator
    from hardware.card.files import read_social_card

    parts = work.parts
    way = parts.settings.devices.card_authenticator if prompt.holder else "none"
    if way == "hsm" and parts.card_centre is None:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE, "no way to one is set up")
    authenticator = make_authenticator(way, parts.card_centre, gate=reader.gate)

    def look(card: CardSession) -> SocialCard:
        found = read_social_card(card, authenticator)
        return replace(found, pin_tries=tries_of(card)) if prompt.tries else found

    def read(cancelled: Callable[[], bool], report: Callable[[Any], None]) -> SocialCard:
        return reader.use(cancelled, report, look)

    return with_put_back(read, work, gone=prompt.back)


def tries_of(card: CardSession) -> int | None:
    """How many wrong PINs the card would still take; None if it does not say."""
    from hardware.card.files import CardFiles
    from hardware.card.pin import tries_left

    CardFiles(card.transmit).enter()
    return tries_left(card)


def with_put_back(
    read: Callable[[Callable[[], bool], Callable[[Any], None]], T],
    work: Work,
    clock: Callable[[], float] = time.monotonic,
    *,
    gone: bool = False,
) -> T:
    """Read; after a pulled card wait for it once more, and count down on the same page, as often
    as it is pulled. `gone`: it is away already.

    `read(cancelled, report)` raises `NotWanted` when cancelled. Raises the fault of the pulled card
    if it does not come back in time.
    """
    cancelled, report = work.cancelled, work.report
    pulled = DeviceFault(FaultCode.CARD_PULLED) if gone else None
    while True:
        if pulled is not None:
            wait = _Countdown(work, clock)
            cancelled, report = wait.over, wait.report
        try:
            return read(cancelled, report)
        except DeviceFault as fault:
            if fault.code not in _PULLED:
                raise
            pulled = fault.bare()
        except NotWanted:
            if work.cancelled() or pulled is None:
                raise
            raise pulled from None


class _Countdown:
    """The seconds in which a card may be put back. Anything the reader reports besides that it
    waits means that the card is there, and the time stands still."""

    def __init__(self, work: Work, clock: Callable[[], float]) -> None:
        self._work, self._clock = work, clock
        self._ends: float | None = clock() + PUT_BACK_S
        self._said = 0

    def over(self) -> bool:
        if self._work.cancelled():
            return True
        if self._ends is None:
            return False
        left = math.ceil(self._ends - self._clock())
        if left != self._said and left > 0:
            self._said = left
            self._work.report(PutBack(left))
        return left <= 0

    def report(self, step: Any) -> None:
        if str(step) != "waiting":
            self._ends = None
            self._work.report(step)
