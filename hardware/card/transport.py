"""The seam between the card reader and the way to its cards.

`hardware.card.pcsc` goes through the PC/SC service, as most readers do, `hardware.vendor.cards`
through the library of a reader's maker; `hardware.card.direct` stands in for both where neither can
run. Each is a `CardTransport`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hardware.card.session import Interface


class Connection(Protocol):
    """A card that was powered up for us alone."""

    @property
    def atr(self) -> bytes: ...

    def transmit(self, command: bytes) -> bytes:
        """One command APDU, one response with its status word. Raises `DeviceFault`."""

    def close(self) -> None:
        """Let go of the card and make it forget; never raises."""


class Slot(Protocol):
    """A place for a card: a reader, and how it reaches cards."""

    @property
    def reader(self) -> str: ...
    @property
    def interface(self) -> Interface: ...
    @property
    def insertion(self) -> int:
        """Counts how often a card was put in, in any reader of this transport: the same number is
        the same card that has not moved since."""

    def connect(self) -> Connection:
        """Take hold of the card alone. Raises `DeviceFault`: CARD_PULLED, CARD_MUTE …"""


@dataclass(frozen=True)
class Readers:
    """Which readers there are, for people: names, serial numbers, versions of their firmware."""

    names: str
    serial: str = ""
    firmware: str = ""


class CardTransport(Protocol):
    """A way to the cards of one terminal."""

    def open(self) -> None:
        """Reach the readers. Raises `DeviceFault`: CARD_SERVICE_DOWN, CARD_READER_OFFLINE."""

    def close(self) -> None:
        """Let go of them; never raises."""

    def check(self) -> Readers:
        """Which readers there are. Raises as `open` if they are there no more."""

    def card_in(self, timeout_s: float) -> Slot | None:
        """The slot with the citizen's card, waiting for one for so long. Raises as `open`."""

    def abandon(self) -> None:
        """The card never answered: its connection is never used again. Never raises."""

    def visit_over(self) -> None:
        """The citizen has gone: whatever still holds what their card said has to forget it. Raises
        as `open`."""

    def psam_slot(self) -> Slot:
        """Where the PSAM is. Raises `DeviceFault(PSAM_ABSENT)`."""

    def watch(self, told: Callable[[], None]) -> None:
        """Tell of every reader and card that comes or goes, from the first `open` on and also
        while closed, until `unwatch`."""

    def unwatch(self) -> None:
        """Tell nobody any more, and let go of everything. When nobody uses this any more."""
