"""What a technician can do at the terminal, and how one proves to be one.

No citizen's data can be seen here: the terminal has none to show.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hardware.faults import Device
from kiosk.maintenance.technicians import Admitted, Refused, Technicians
from kiosk.receipts import check_page

if TYPE_CHECKING:
    from pathlib import Path

    from hardware.printer import ReceiptPrinter
    from kiosk.receipts import Letterhead
    from kiosk.settings import Settings
    from kiosk.upkeep.journaling import Journalist
    from kiosk.words import Words

T = TypeVar("T")

#: Longest wait for the test page, seconds.
_PRINT_S = 30.0


class Performer(Protocol):
    """Whoever runs a device's jobs; see `kiosk.terminal.Performer`."""

    def submit(self, job: Callable[[Any], T]) -> Future[T]: ...


class Parts(Protocol):
    """What of `kiosk.terminal.Parts` is used here."""

    @property
    def settings(self) -> Settings: ...
    @property
    def state(self) -> Path: ...
    @property
    def journal(self) -> Journalist: ...


class Maintained(Protocol):
    """The terminal that is looked after; see `kiosk.terminal.Terminal`."""

    @property
    def parts(self) -> Parts: ...
    @property
    def words(self) -> Words: ...
    def performer(self, name: str) -> Performer: ...
    def letterhead(self) -> Letterhead: ...
    def now(self) -> datetime: ...


class Maintenance:
    """The technician's verbs. Each blocks: screens call them on a thread of their own."""

    def __init__(self, terminal: Maintained) -> None:
        self._terminal = terminal
        parts = terminal.parts
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
        terminal = self._terminal
        page = check_page(terminal.letterhead(), terminal.words, terminal.now())
        action = f"test-{time.time_ns()}"

        def job(printer: ReceiptPrinter) -> None:
            printer.print(page, action)

        terminal.performer(Device.PRINTER).submit(job).result(_PRINT_S)
