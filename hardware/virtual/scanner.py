"""The far end of the scanner's line: telephones that are held before it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hardware.virtual.wire import FarEnd

if TYPE_CHECKING:
    from hardware.virtual.personas import IdPersona


class VirtualScanner(FarEnd):
    """A scanner that ends each code with CR, and hears nothing."""

    def __init__(self, folder: Path | None = None, end: bytes = b"\r") -> None:
        self._end = end
        super().__init__("scanner", folder)

    def scan(self, text: str) -> None:
        """A code with this text is held there."""
        self.send(text.encode("utf-8") + self._end)

    def show(self, persona: IdPersona, age_s: float = 0.0) -> None:
        """The electronic card of a persona, its code made so long ago: as the demonstration's
        platform writes it (`central.ports.electronic_cards`)."""
        made = int(time.time() - age_s)
        self.scan(f"DEMO-ESSC|{made}|{persona.number}|{persona.name}")

    def received(self, data: bytes) -> None:
        """It is sent nothing; what comes all the same it ignores."""
