"""What a family of makers' libraries for card readers is asked; `hardware.vendor.cards` asks it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from hardware.card.transport import Readers


class Place(StrEnum):
    """Where a card may be."""

    CONTACT = "contact"
    NEAR = "near"
    PSAM = "psam"


class CardFamily(Protocol):
    """What is asked of a library. All raise `DeviceFault`: CARD_READER_OFFLINE, and of the library
    LIBRARY_MISSING, LIBRARY_FAILED."""

    def open(self) -> None:
        """Reach the reader."""

    def close(self) -> None:
        """Let go of it."""

    def about(self) -> Readers:
        """What the reader says of itself."""

    def present(self, place: Place) -> bool:
        """Whether a card is there; never asked of one under power."""

    def power(self, place: Place) -> bytes:
        """Power a card up: its answer to reset, b"" if it gives none."""

    def transmit(self, place: Place, command: bytes) -> bytes:
        """One command, one response; b"" if there is none."""

    def release(self, place: Place) -> None:
        """Power it down: it forgets."""
