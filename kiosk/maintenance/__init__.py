"""What a technician can do at the terminal, and how one proves to be one.

No citizen's data can be seen here: the terminal has none to show.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hardware.faults import Device
from kiosk.maintenance.roster import Person, Refusal, Role, Roster, StaffRefused
from kiosk.records.staff import Staff

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hardware.page_printer import PagePrinter
    from hardware.printer import ReceiptPrinter
    from kiosk.parts import Parts, Performer
    from kiosk.receipts import Letterhead

#: Longest wait for the test page, and for the one on A4, seconds.
_PRINT_S, _A4_S = 30.0, 150.0


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
        self._has_a4 = Device.PAGE_PRINTER in parts.devices.loops
        #: Who is in, and since when.
        self._inside: tuple[str, float] | None = None
        self._roster = Roster(parts.state)

    def admit(self, pin: str) -> Person:
        """Check a technician's PIN; a right one begins a time of maintenance. Raises
        `StaffRefused`."""
        try:
            technician = self._roster.admit(pin)
        except StaffRefused as refused:
            locked = refused.reason is Refusal.LOCKED
            self._journal.record("maintenance_refused", locked=locked)
            raise
        self._inside = (technician.id, time.monotonic())
        self._journal.record("maintenance_entered", technician=technician.id)
        return technician

    def staffed(self) -> bool:
        """Whether anybody may vouch for a citizen at this terminal. Reads a file."""
        return self._roster.any_of(Role.STAFF)

    def vouch(self, staff_id: str, pin: str, reason: str) -> Staff:
        """A member of staff vouches for the citizen (人工核验). Raises `StaffRefused`.

        `staff_id`: their number. `reason`: why a person was needed.
        """
        try:
            person = self._roster.check(staff_id, pin, Role.STAFF)
        except StaffRefused as refused:
            self._journal.record("staff_refused", why=str(refused.reason), reason=reason)
            raise
        self._journal.record("staff_vouched", staff=person.id, reason=reason)
        return Staff(person.id, reason, self._now())

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
        """Print a page that uses everything a receipt uses, and the same on A4 where there is such
        a printer, whatever becomes of the first. Raises `DeviceFault`."""
        from kiosk.receipts.layout import check_page

        self._did("print_test_page")
        page = check_page(self._letterhead(), self._words, self._now())
        action = f"test-{time.time_ns()}"

        def job(printer: ReceiptPrinter) -> None:
            printer.print(page, action, by_staff=True)

        def a4_job(printer: PagePrinter) -> None:
            from hardware.sheets import pdf_of

            printer.print(*pdf_of(page), by_staff=True)

        on_paper = self._performer(Device.PRINTER).submit(job)
        if self._has_a4:
            self._performer(Device.PAGE_PRINTER).submit(a4_job).result(_A4_S)
        on_paper.result(_PRINT_S)
