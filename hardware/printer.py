"""凭条打印机: a receipt is printed whole, or it is cancelled in the printer too.

A printer out of paper keeps what it was sent and prints the rest when paper is back, into the
hands of whoever stands there then. So a job is sent a few lines at a time with the status asked
in between, never more than its buffer holds, and a job that cannot be finished is thrown away in
the printer before anything else happens; if the printer does not even take that command, it is
sent as the first thing when it is reached again. Lines that were on paper by then hang from the
printer, and would come out as the head of the next receipt: they are cut off as soon as it can
cut. A job ends in exactly one state: printed, which the printer confirms after the last line, or
a `DeviceFault`.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence

from hardware import escpos
from hardware.faults import DeviceFault, FaultCode
from hardware.layout import PrintLine, QrLine, lay_out
from hardware.paper import Receipt
from hardware.serial_port import SerialPort
from hardware.supervision import Condition, DeviceState

log = logging.getLogger(__name__)

#: Lines between two looks at the printer's status.
_LINES_AT_ONCE = 4

#: Bytes that the printer may hold unprinted, unless one line has more. Its buffer (4 kB, sometimes
#: less) must not fill up: then it takes no questions and cannot be told to forget.
_ROOM = 2000

#: Longest wait for an answer to DLE EOT, which even a blocked printer gives as soon as it has got
#: the question; seconds.
_STATUS_S = 0.5

#: Longest wait for the whole receipt to be on paper; seconds.
_FINISH_S = 20.0

#: Bytes after the first of a status that nobody asked for, and how soon they come, seconds.
_PUSHED_REST, _PUSHED_S = 3, 0.05

#: Between two looks at the status while the end is waited for; seconds.
_CONFIRM_POLL_S = 0.2

#: So many action ids are remembered as printed.
_REMEMBERED = 256


class ReceiptPrinter:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(
        self, port: str, columns: int = 48, baud: int = 115200, *, native_qr: bool = True
    ) -> None:
        """`columns` of a line: 48 on 80 mm paper, 32 on 58 mm. `native_qr`: it draws QR codes."""
        offline, busy = FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY
        self._line = SerialPort(port, offline, busy, baud)
        self._columns = columns
        self._native_qr = native_qr
        self._printed: OrderedDict[str, None] = OrderedDict()
        #: What wears out, since this program started.
        self._counters = {"receipts": 0, "cuts": 0, "paper_mm": 0}
        #: Whether the printer may still hold something of a job that was given up.
        self._unclean = True
        #: Whether lines of such a job may hang from it. Nobody knows after a start.
        self._hanging = True
        #: Bytes of each piece of the job that the printer has not said to be on paper.
        self._unconfirmed: deque[int] = deque()

    def open(self) -> None:
        self._line.open()
        try:
            # A program that died left its job in the printer, and perhaps paper has come since.
            self._unclean = True
            self._clean()
        except DeviceFault:
            self._line.close()
            raise

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        """Paper near its end is a warning; another fault is shown while the line stays open."""
        status = self._tidy()
        counters = dict(self._counters)
        if fault := status.fault():
            return Condition(DeviceState.FAULT, fault, counters=counters)
        if status.near_end:
            near_end = FaultCode.PRINTER_PAPER_NEAR_END
            return Condition(DeviceState.WARNING, near_end, counters=counters)
        return Condition(counters=counters)

    def status(self) -> escpos.Status:
        """All four status bytes. A printer that does not answer is offline."""
        return escpos.Status(*(self._ask(kind) for kind in (1, 2, 3, 4)))

    def print(self, receipt: Receipt, action: str) -> None:
        """Print a receipt and cut it off. An action that was printed is not printed again.

        Raises `DeviceFault`; then nothing of the receipt will come out any more.
        """
        if action in self._printed:
            log.info("receipt %s was printed already", action)
            return
        if fault := self._tidy().fault():
            raise DeviceFault(fault)
        self._unclean = self._hanging = True
        try:
            self._send(receipt)
            self._wait_until_unprinted(-1)
        except DeviceFault:
            self._give_up()
            raise
        self._unclean = self._hanging = False
        self._counters["receipts"] += 1
        self._printed[action] = None
        if len(self._printed) > _REMEMBERED:
            self._printed.popitem(last=False)

    def _send(self, receipt: Receipt) -> None:
        lines = lay_out(receipt, self._columns)
        encoder = escpos.Encoder(native_qr=self._native_qr)
        self._line.drop_input()
        self._line.write(escpos.INIT)
        self._unconfirmed.clear()
        for some, data in in_pieces(lines, encoder):
            self._wait_until_unprinted(_ROOM - len(data))
            self._line.write(data + escpos.ASK_PAPER_QUEUED)
            self._unconfirmed.append(len(data))
            self._must_print()
            self._counters["paper_mm"] += sum(map(escpos.height_mm, some))
        self._cut()
        self._line.write(escpos.ASK_PAPER_QUEUED)
        self._unconfirmed.append(0)

    def _cut(self) -> None:
        self._line.write(escpos.CUT)
        self._counters["cuts"] += 1
        self._counters["paper_mm"] += escpos.CUT_FEED_MM

    def _wait_until_unprinted(self, most: int) -> None:
        """Until the printer has said of all but so many bytes that they are on paper; below zero:
        of everything."""
        until = self._line.sent_at() + _FINISH_S
        while self._unconfirmed and sum(self._unconfirmed) > most:
            if time.monotonic() >= until:
                raise DeviceFault(FaultCode.PRINTER_UNCONFIRMED)
            before = len(self._unconfirmed)
            self._listen(_CONFIRM_POLL_S)
            if len(self._unconfirmed) == before:
                self._must_print()

    def _give_up(self) -> None:
        """Cancel in the printer what it holds; if it cannot be told now, it is told first thing."""
        try:
            self._clean()
        except DeviceFault as fault:
            log.warning("receipt not yet cancelled in the printer: %s", fault.code)

    def _tidy(self) -> escpos.Status:
        """Clear away what is left of a job that was given up, as far as the printer can now."""
        if self._unclean:
            self._clean()
        status = self.status()
        if self._hanging and status.fault() is None:
            self._cut()
            self._hanging = False
        return status

    def _clean(self) -> None:
        """Make the printer forget everything that was sent to it."""
        self._line.write(escpos.CLEAR_BUFFER)
        # The printer may have stopped reading in the middle of a command's data. What follows
        # ends it, and whatever it has still taken as text goes with the second clearing.
        self._line.write(escpos.INIT + escpos.CLEAR_BUFFER)
        self._ask(1)
        self._unclean = False

    def _must_print(self) -> None:
        """Raises `DeviceFault` if it does not print. Two questions tell that it does; the other two
        are for the cause."""
        quick = escpos.Status(printer=self._ask(1), paper=self._ask(4))
        if quick.fault() is not None and (fault := self.status().fault()) is not None:
            raise DeviceFault(fault)

    def _ask(self, kind: int) -> int:
        """One status byte."""
        self._line.write(escpos.ask_status(kind))
        until = self._line.sent_at() + _STATUS_S
        while time.monotonic() < until:
            answer = self._listen(_STATUS_S)
            if answer is not None:
                return answer
        raise DeviceFault(FaultCode.PRINTER_OFFLINE, "no status")

    def _listen(self, timeout_s: float) -> int | None:
        """The next status byte, if one comes. A confirmation that comes instead is noted."""
        for answer in self._line.read(1, timeout_s):
            if escpos.is_status(answer):
                return answer
            if escpos.is_pushed(answer):
                # The zeros that follow would look like confirmations.
                self._line.read(_PUSHED_REST, _PUSHED_S)
            elif escpos.is_queued_answer(answer) and self._unconfirmed:
                self._unconfirmed.popleft()
        return None


def in_pieces(
    lines: Sequence[PrintLine | QrLine], encoder: escpos.Encoder
) -> Iterator[tuple[list[PrintLine | QrLine], bytes]]:
    """Lines and their bytes, a few at a time: four of text; a drawn one may be alone."""
    some: list[PrintLine | QrLine] = []
    data = b""
    for line in lines:
        more = encoder.encode(line)
        if some and (len(some) == _LINES_AT_ONCE or len(data) + len(more) > _ROOM):
            yield some, data
            some, data = [], b""
        some.append(line)
        data += more
    if some:
        yield some, data
