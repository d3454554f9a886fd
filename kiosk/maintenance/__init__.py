"""What a technician can do at the terminal, and how one proves to be one.

No citizen's data can be seen here: the terminal has none to show.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kiosk.maintenance.technicians import Admitted, Refused, Technicians
from kiosk.receipts import check_page

if TYPE_CHECKING:
    from hardware.printer import ReceiptPrinter
    from kiosk.terminal import Terminal

#: Longest wait for the test page, seconds.
_PRINT_S = 30.0


class Maintenance:
    """The technician's verbs. Each blocks: screens call them on a thread of their own."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        parts = terminal.parts
        self._technicians = Technicians(
            parts.settings.maintenance.technicians, parts.state / "maintenance-tries.json"
        )

    def admit(self, pin: str) -> Admitted | Refused:
        """Check a technician's PIN."""
        return self._technicians.admit(pin)

    def print_test_page(self) -> None:
        """Print a page that uses everything a receipt uses. Raises `DeviceFault`."""
        terminal = self._terminal
        page = check_page(terminal.letterhead(), terminal.words, terminal.now())
        action = f"test-{time.time_ns()}"

        def job(printer: ReceiptPrinter) -> None:
            printer.print(page, action)

        terminal.performer("printer").submit(job).result(_PRINT_S)
