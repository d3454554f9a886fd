"""社会保障卡读写器: waits for a card, reads it, and lets it forget.

A card is reached in one of two ways: `hardware.card.pcsc` goes through the PC/SC service, as every
real reader does; `hardware.card.direct` stands in for it where no such service can run.

After each reading the card is powered down on purpose: whatever was unlocked on it is locked again
before anybody else stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from hardware.card.files import SocialCard, read_social_card
from hardware.faults import NotWanted
from hardware.supervision import Condition

#: Seconds between two looks for a card.
POLL_S = 0.25


class CardStep(StrEnum):
    """What the citizen should know meanwhile."""

    WAITING = "waiting"
    SEEN = "seen"


class Line(Protocol):
    """A way to a card."""

    def open(self) -> None:
        """Reach the reader. Raises `DeviceFault(CARD_READER_OFFLINE)`."""

    def close(self) -> None:
        """Let go of it; never raises."""

    def there(self) -> bool:
        """Whether a card is in the reader, waiting for one for at most `POLL_S`."""

    def power(self) -> None:
        """Take hold of the card alone. Raises `DeviceFault` CARD_PULLED or CARD_MUTE."""

    def transmit(self, command: bytes) -> bytes:
        """One command APDU, one response with its status word. Raises `DeviceFault`."""

    def power_down(self) -> None:
        """Let go of the card and make it forget; never raises."""

    @property
    def name(self) -> str:
        """The reader's name."""


class CardReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def open(self) -> None:
        self._line.open()

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        self._line.there()
        return Condition(detail=self._line.name)

    def read(self, cancelled: Callable[[], bool], report: Callable[[CardStep], None]) -> SocialCard:
        """Wait for a card and read what it gives without a PIN.

        Raises `NotWanted` when cancelled, and `DeviceFault`: CARD_PULLED, CARD_MUTE, CARD_FOREIGN,
        CARD_DAMAGED for the card, CARD_READER_OFFLINE for the reader.
        """
        report(CardStep.WAITING)
        while not self._line.there():
            if cancelled():
                raise NotWanted
        report(CardStep.SEEN)
        self._line.power()
        try:
            return read_social_card(self._line.transmit)
        finally:
            self._line.power_down()


def make_card_reader(setting: str) -> CardReader | None:
    """ "pcsc", "direct:PORT", or "" for a terminal without one. Raises `ValueError` otherwise."""
    from hardware.card.direct import DirectLine
    from hardware.card.pcsc import PcscLine

    if not setting:
        return None
    if setting == "pcsc":
        return CardReader(PcscLine())
    kind, _, port = setting.partition(":")
    if kind == "direct" and port.isdigit():
        return CardReader(DirectLine(int(port)))
    raise ValueError(f"card reader {setting!r}: use pcsc, or direct:PORT")
