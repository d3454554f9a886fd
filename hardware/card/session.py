"""One card under power, and what may be done with it: the seam between transport and application.

Whoever works with a card gets a `CardSession` and knows no reader, no service and no socket.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

#: Command APDU -> response APDU with its status word. Raises `DeviceFault` if there is no response.
Transmit: TypeAlias = Callable[[bytes], bytes]


class Interface(StrEnum):
    """How the card is reached. Each is a PC/SC reader of its own, also when one device has both."""

    CONTACT = "contact"
    CONTACTLESS = "contactless"


@dataclass(frozen=True)
class CardSession:
    """A card that nobody else may speak to until the session ends; then it has forgotten all."""

    transmit: Transmit
    #: Answer to reset as the reader gives it; b"" if it gives none.
    atr: bytes
    interface: Interface
    #: The reader's name.
    reader: str
    #: Powers the 安全存取模块 (PSAM) beside the card; raises `DeviceFault(PSAM_ABSENT)`.
    psam: Callable[[], AbstractContextManager[CardSession]]
    #: Which presentation of a card this is, see `hardware.card.transport.Slot`.
    insertion: int = 0
