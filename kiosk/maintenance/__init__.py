"""What a technician can do at the terminal, and how one proves to be one.

No citizen's data can be seen here: the terminal has none to show.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hardware.faults import Device
from kiosk.maintenance.technicians import Admitted, Refused, Technicians
from kiosk.receipts import check_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hardware.printer import ReceiptPrinter
    from kiosk.parts import Parts, Performer
    from kiosk.receipts import Letterhead

#: Longest wait for the test page, seconds.
_PRINT_S = 30.0


class Maintenance:
    """The technician's verbs. Each blocks: screens call them on a thread of their own."""

    def __init__(
        self,
        parts: Parts,
        letterhead: Callable[[], Letterhead],
        now: Callable[[], datetime],
        performer: Callable[[str], Performer],
    ) -> None:
        self._words = parts.words
        self._letterhead, self._now, self._performer = letterhead, now, performer
        self._journal = parts.journal
        #: Who is in, and since when.
        self._inside: tuple[str, float] | None = None
        self._technicians = Technicians(
            parts.settings.maintenance.technicians, parts.state / "maintenance-tries.json"
        )

    def admit(self, pin: str) -> Admitted | Refused:
        """Check a technician's PIN; a right one begins a time of maintenance."""
        answer = self._technicians.admit(pin)
        if isinstance(answer, Admitted):
            self._inside = (answer.technician, time.monotonic())
            self._journal.record("maintenance_entered", technician=answer.technician)
        else:
            self._journal.record("maintenance_refused", locked=answer.locked_s > 0)
        return answer

    def left(self) -> None:
        """The technician has left the page, or nobody was there any more."""
        if self._inside is not None:
            technician, since = self._inside
            self._inside = None
            seconds = round(time.monotonic() - since)
            self._journal.record("maintenance_left", technician=technician, seconds=seconds)

    def _did(self, what: str) -> None:
        if self._inside is not None:
            self._journal.record("technician_did", technician=self._inside[0], what=what)

    def print_test_page(self) -> None:
        """Print a page that uses everything a receipt uses. Raises `DeviceFault`."""
        self._did("print_test_page")
        page = check_page(self._letterhead(), self._words, self._now())
        action = f"test-{time.time_ns()}"

        def job(printer: ReceiptPrinter) -> None:
            printer.print(page, action)

        self._performer(Device.PRINTER).submit(job).result(_PRINT_S)
