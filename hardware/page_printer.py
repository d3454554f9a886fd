"""A4 打印机: whole pages, through CUPS or a printer that speaks IPP itself (`hardware.ipp`).

CUPS knows the make and its filters; here is only what a citizen's page needs: it comes out whole or
it is named why not, and nobody gets another's. So a job that did not end well is cancelled and
CUPS must say that it is gone, at every start too; and where pages may still be in the printer
itself, which nobody can tell to forget, it stays in fault until staff has printed the test page.

    Create-Job ── Send-Document ── Get-Job-Attributes … completed ── Cancel-Job (purge)
                                        └ trouble, or too long ── Cancel-Job, until it is gone

A job is called "kiosk" whatever is on it, and its file is purged from CUPS as soon as it ends.
What the printer lacks are keywords with how grave they are (`media-empty-error`; RFC 8011 §5.4.12
and CUPS's own). CUPS hears of them while a job runs, so they are as old as the last one.
"""

from __future__ import annotations

import logging
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

from hardware import ipp
from hardware.faults import WEIGHTS, DeviceFault, FaultCode, Weight
from hardware.page_reasons import IN_A_PAGE, gravest
from hardware.print_queue import PrintQueue
from hardware.supervision import Condition, DeviceState

log = logging.getLogger(__name__)

#: printer-state and job-state (RFC 8011 §5.4.11, §5.3.7).
_BUSY, _STOPPED = 4, 5
_HELD, _PROCESSING, _JOB_STOPPED, _CANCELLED, _ABORTED, _COMPLETED = 4, 5, 6, 7, 8, 9

#: Trouble that lasts so long ends the job, seconds; with staff at it, who has just put it right and
#: whose CUPS has not yet heard of that.
_TROUBLE_S, _TROUBLE_STAFF_S = 8.0, 30.0
#: Longest wait for a job, and more for each sheet of it, seconds. What CUPS counts of a job is no
#: sign of progress: it goes on counting while the printer waits for paper.
_JOB_S, _SHEET_S = 60.0, 15.0
#: A job that was cancelled must be gone after so long, and a printer idle after a job; seconds.
_GONE_S, _SETTLED_S = 5.0, 10.0
#: Between two looks, seconds.
_LOOK_S = 0.3


class PagePrinter:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, where: str) -> None:
        """`where`: see `hardware.ipp.parse_place`. Raises `ValueError`."""
        self._place = ipp.parse_place(where)
        self._queue = PrintQueue(self._place)
        #: Held while it is open: a second program would cancel this one's job.
        self._alone: socket.socket | None = None
        #: Whether jobs of ours may still be in the queue, and pages of one in the printer. After a
        #: start nobody knows.
        self._unswept = True
        self._held = False
        self._looked = False
        #: Whether this job was seen to be worked on.
        self._begun = False
        self._keeps = False
        self._counters = {"sheets": 0}

    def open(self) -> None:
        self._hold()
        self._keeps = self._place.is_cups and keeps_files()
        try:
            self._queue.must_do()
            self._sweep()
            if not self._looked:
                # A program that died may have left pages in a printer that waits for paper.
                self._held = self._held or self._trouble()[0] in IN_A_PAGE
                self._looked = True
        except DeviceFault:
            self.close()
            raise

    def close(self) -> None:
        alone, self._alone = self._alone, None
        if alone is not None:
            alone.close()

    def poll(self) -> Condition:
        if self._unswept:
            self._sweep()
        code, detail = self._trouble()
        counters = dict(self._counters)
        if self._held and _prints(code):
            code, detail = FaultCode.PAGE_PRINTER_UNCLEARED, ""
        if code is None and self._keeps:
            code = FaultCode.PAGE_PRINTER_KEEPS
        if code is None:
            return Condition(counters=counters)
        state = DeviceState.WARNING if _prints(code) else DeviceState.FAULT
        return Condition(state, code, detail, counters=counters)

    def print(self, pdf: bytes, sheets: int, *, by_staff: bool = False) -> None:
        """Print a document of so many sheets. `by_staff`: whoever stands there takes away what the
        printer may still hold, and that is how it is cleared.

        Raises `DeviceFault`; then nothing of it will come out any more, or no other document will
        before staff has cleared the printer.
        """
        self._sweep()
        code, detail = self._trouble()
        if code is not None and not _prints(code) and not by_staff:
            raise DeviceFault(code, detail)
        if self._held and not by_staff:
            raise DeviceFault(FaultCode.PAGE_PRINTER_UNCLEARED)
        self._unswept, self._begun = True, False
        job = self._queue.new_job()
        try:
            self._queue.must_be_ours(job)
            self._queue.send(job, pdf)
            self._wait(job, sheets, _TROUBLE_STAFF_S if by_staff else _TROUBLE_S)
            self._must_be_whole(job, sheets)
        except DeviceFault as fault:
            # What was not heard may have been printed.
            self._held |= self._begun or fault.code is FaultCode.PAGE_PRINTER_OFFLINE
            self._give_up()
            raise
        self._held = False
        # It came out: what could not be deleted now goes with the next sweep.
        with suppress(DeviceFault):
            self._queue.forget(job)
            self._unswept = False
        self._counters["sheets"] += sheets

    # -- a job -------------------------------------------------------------------------------

    def _wait(self, job: int, sheets: int, trouble_s: float) -> None:
        """Until it is completed. Raises `DeviceFault` for any other end, and where none comes."""
        until = time.monotonic() + _JOB_S + _SHEET_S * sheets
        troubled: float | None = None
        while True:
            state, reasons, _ = self._queue.job(job)
            self._begun |= state >= _PROCESSING
            if state == _COMPLETED:
                return
            if state in (_CANCELLED, _ABORTED):
                raise _ended(state, reasons)
            now = time.monotonic()
            code, detail = self._trouble()
            if state == _HELD:
                code, detail = FaultCode.PAGE_PRINTER_STOPPED, "job held"
            elif state == _JOB_STOPPED and _prints(code):
                # CUPS leaves a job there whose filter failed.
                code, detail = FaultCode.PAGE_PRINTER_FILTER, "job stopped"
            if code is None or _prints(code):
                troubled = None
            elif now - (troubled := troubled or now) >= trouble_s:
                raise DeviceFault(code, detail)
            if now >= until:
                raise DeviceFault(FaultCode.PAGE_PRINTER_UNCONFIRMED, f"job-state {state}")
            time.sleep(_LOOK_S)

    def _must_be_whole(self, job: int, sheets: int) -> None:
        """It says "completed" when it has sent everything: a printer that then stands still, or has
        counted fewer sheets, has not printed everything. The last sheet of paper is none of it."""
        until = time.monotonic() + _SETTLED_S
        while (state := self._queue.look()[0]) == _BUSY and time.monotonic() < until:
            time.sleep(_LOOK_S)
        code, detail = self._trouble()
        empty = code is FaultCode.PAGE_PRINTER_PAPER_OUT and state != _STOPPED
        if code is not None and not _prints(code) and not empty:
            raise DeviceFault(code, detail)
        done = self._queue.job(job)[2]
        if 0 < done < sheets:
            raise DeviceFault(FaultCode.PAGE_PRINTER_UNCONFIRMED, f"{done} of {sheets} sheets")

    def _give_up(self) -> None:
        """Cancel it now if that can be; else first thing when CUPS is back."""
        try:
            self._sweep()
        except DeviceFault as fault:
            log.warning("A4 job not yet cancelled: %s", fault.code)

    def _sweep(self) -> None:
        """Cancel every job of ours, see that none is left, and have CUPS delete what it kept."""
        if not self._unswept:
            return
        until = time.monotonic() + _GONE_S
        while jobs := self._queue.jobs():
            for job, state in jobs:
                # A CUPS that was started anew calls a job pending that it had begun.
                self._held = self._held or state >= _PROCESSING or not self._looked
                self._queue.forget(job)
            if time.monotonic() >= until:
                raise DeviceFault(FaultCode.PAGE_PRINTER_UNCLEARED, f"{len(jobs)} jobs are left")
            time.sleep(_LOOK_S / 3)
        for job, _ in self._queue.jobs("completed"):
            self._queue.forget(job)
        self._unswept = False

    def _trouble(self) -> tuple[FaultCode | None, str]:
        """The gravest thing that it says, and the word for it."""
        state, accepting, reasons = self._queue.look()
        code, word = gravest(reasons)
        if _prints(code) and (state == _STOPPED or not accepting):
            return FaultCode.PAGE_PRINTER_STOPPED, "" if accepting else "takes no jobs"
        return code, word

    def _hold(self) -> None:
        """A name that the kernel gives to one program at a time, and takes back when it ends."""
        self._alone = socket.socket(socket.AF_UNIX)
        try:
            self._alone.bind(f"\0sscard-kiosk {self._place.uri} {self._place.socket}"[:100])
        except OSError as error:
            self.close()
            raise DeviceFault(FaultCode.PAGE_PRINTER_BUSY, "held by another program") from error


def keeps_files(config: Path = Path("/etc/cups/cupsd.conf")) -> bool:
    """Whether CUPS keeps what was printed, as far as its settings can be read: it does where they
    do not forbid it (cupsd.conf, PreserveJobFiles)."""
    try:
        settings = config.read_text("utf-8", "replace")
    except OSError:
        return True
    said = re.findall(r"(?im)^[ \t]*PreserveJobFiles[ \t]+(\S+)", settings)
    return not said or said[-1].lower() not in ("no", "off", "false", "0")


def _prints(code: FaultCode | None) -> bool:
    """Whether the printer prints in spite of it."""
    return code is None or WEIGHTS[code] is Weight.WARNING


def _ended(state: int, reasons: list[str]) -> DeviceFault:
    said = reasons[0] if reasons else f"job-state {state}"
    if state == _ABORTED:
        return DeviceFault(FaultCode.PAGE_PRINTER_FILTER, said)
    return DeviceFault(FaultCode.PAGE_PRINTER_UNCONFIRMED, said)
