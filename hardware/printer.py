"""凭条打印机: a receipt is printed whole, or it is cancelled in the printer too.

A printer out of paper keeps what it was sent and prints the rest when paper is back, into the
hands of whoever stands there then. So a job is sent a few lines at a time with the status asked
in between, never more than its buffer holds, and a job that cannot be finished is thrown away in
the printer before anything else happens. A printer that cannot be told to forget, or does not
confirm that it has, prints for nobody until staff has taken away what is left
(`printer_uncleared`). Lines that were on paper by then hang from the printer, and would come out as
the head of the next receipt: they are cut off as soon as it can cut.

A job ends in exactly one state: printed, or a `DeviceFault`. Printed means that the printer had
time to put the last line on paper after it had got it, and then still said that nothing stops it.
Its own answer in the queue (GS r) is waited for where it gives one, and alone proves little: many
give it when the line is made into dots.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hardware import escpos
from hardware.byte_line import line_of
from hardware.faults import DeviceFault, FaultCode
from hardware.layout import PrintLine, QrLine, lay_out
from hardware.paper import Receipt
from hardware.printer_models import ASK, GENERIC, PrinterModel, model_answering, model_named
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

#: Longest wait for the word that everything is forgotten, and for a printer's name; seconds.
_CANCELLED_S, _NAME_S = 1.0, 0.3

#: Longest wait for the whole receipt to be on paper; seconds.
_FINISH_S = 20.0

#: A printer that answers nothing in the queue is known by this: so long after a piece must have
#: been printed, seconds.
_NEVER_ANSWERS_S = 1.5

#: Bytes after the first of a status that nobody asked for, and how soon they come, seconds.
_PUSHED_REST, _PUSHED_S = 3, 0.05

#: Between two looks at the status while the end is waited for; seconds.
_CONFIRM_POLL_S = 0.2
#: And while nothing is left but its paper; seconds.
_SETTLE_POLL_S = 1.0

#: A receipt that nobody took is taken back after this long, seconds.
_LEFT_IN_MOUTH_S = 30.0

#: Of the answer about the mouth: something blocks it, paper is in it, paper is jammed.
_BLOCKED, _IN_MOUTH, _JAMMED = 0x01, 0x04, 0x08

#: So many action ids are remembered as printed.
_REMEMBERED = 256


@dataclass
class _Piece:
    """A part of a job that is not known to be on paper."""

    bytes: int
    #: When it must be, of the monotonic clock.
    due: float


class ReceiptPrinter:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, port: str, model: str = "", columns: int = 0, baud: int = 115200) -> None:
        """`model`: one of `hardware.printer_models`, "" for one that nobody described, "ask" to ask
        the printer; `columns` of a line, 0 for the model's. `port`: see `hardware.byte_line`.
        Raises `UnknownModel`, `ValueError`."""
        offline, busy = FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY
        self._line = line_of(port, offline, busy, baud)
        self._ask_model = model == ASK
        self._model = model_named(GENERIC if model in ("", ASK) else model)
        self._columns = columns
        self._printed: OrderedDict[str, None] = OrderedDict()
        #: What wears out, since this program started.
        self._counters = {"receipts": 0, "cuts": 0, "paper_mm": 0}
        #: Whether the printer may still hold something of a job that was given up.
        self._unclean = True
        #: Whether lines of such a job may hang from it. Nobody knows after a start.
        self._hanging = True
        #: Whether it answers in the queue; None until that is known.
        self._queued = self._model.queued
        #: Each piece of the job that is not known to be on paper.
        self._waiting: deque[_Piece] = deque()
        #: When all that was sent must be on paper.
        self._on_paper_at = 0.0
        #: Since when paper is in the mouth; None: there is none.
        self._in_mouth_since: float | None = None

    @property
    def model(self) -> PrinterModel:
        """What it is taken for."""
        return self._model

    def open(self) -> None:
        self._line.open()
        try:
            self._recognise()
            # A program that died left its job in the printer, and perhaps paper has come since.
            self._unclean = self._hanging = True
            self._clean_at_start()
        except DeviceFault:
            self._line.close()
            raise

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        """Paper near its end is a warning; another fault is shown while the line stays open."""
        try:
            status = self._tidy()
            fault = status.fault() or self._look_at_mouth()
        except DeviceFault as uncleared:
            if uncleared.code is not FaultCode.PRINTER_UNCLEARED:
                raise
            fault = self.status().fault() or uncleared.code
        counters = dict(self._counters)
        if fault:
            return Condition(DeviceState.FAULT, fault, counters=counters)
        if status.near_end:
            near_end = FaultCode.PRINTER_PAPER_NEAR_END
            return Condition(DeviceState.WARNING, near_end, counters=counters)
        return Condition(counters=counters)

    def status(self) -> escpos.Status:
        """All four status bytes. A printer that does not answer is offline."""
        return escpos.Status(*(self._ask(kind) for kind in (1, 2, 3, 4)))

    def print(self, receipt: Receipt, action: str, *, by_staff: bool = False) -> None:
        """Print a receipt and cut it off. An action that was printed is not printed again.
        `by_staff`: whoever stands there takes away what the printer may still hold, and that is
        how one that cannot forget is cleared.

        Raises `DeviceFault`; then nothing of the receipt will come out any more, or no other
        receipt will before staff has cleared the printer.
        """
        if action in self._printed:
            log.info("receipt %s was printed already", action)
            return
        fault = (self._cut_off_the_rest() if by_staff else self._tidy()).fault()
        if fault := fault or self._look_at_mouth(now=True):
            raise DeviceFault(fault)
        self._unclean = self._hanging = True
        try:
            self._send(receipt)
            self._wait_until_unprinted(-1)
            self._wait_for_paper()
        except DeviceFault:
            self._give_up()
            raise
        self._unclean = self._hanging = False
        self._counters["receipts"] += 1
        self._printed[action] = None
        if len(self._printed) > _REMEMBERED:
            self._printed.popitem(last=False)

    # -- a job -------------------------------------------------------------------------------

    def _send(self, receipt: Receipt) -> None:
        lines = lay_out(receipt, self._columns or self._model.columns)
        encoder = escpos.Encoder(self._model)
        self._line.drop_input()
        if self._model.cancel != escpos.INIT:
            # Else it would also forget the cut that it was told a moment ago.
            self._line.write(escpos.INIT)
        self._waiting.clear()
        self._on_paper_at = 0.0
        for some, data in in_pieces(lines, encoder):
            self._wait_until_unprinted(_ROOM - len(data))
            self._write_piece(data, sum(map(escpos.height_mm, some)))
            self._must_print()
        self._cut()
        self._write_piece(b"", 0)

    def _write_piece(self, data: bytes, millimetres: int) -> None:
        """`millimetres`: what it takes of the paper, a line being four."""
        ask = b"" if self._queued is False else escpos.ASK_PAPER_QUEUED
        self._line.write(data + ask)
        begins = max(self._on_paper_at, self._line.sent_at())
        self._on_paper_at = begins + self._model.line_s * millimetres / escpos.LINE_MM
        self._waiting.append(_Piece(len(data), self._on_paper_at))
        self._counters["paper_mm"] += millimetres

    def _cut(self) -> None:
        self._line.write(self._model.cut or escpos.TEAR_OFF)
        self._counters["cuts"] += bool(self._model.cut)
        self._counters["paper_mm"] += escpos.CUT_FEED_MM

    def _wait_until_unprinted(self, most: int) -> None:
        """Until of all but so many bytes it is known that they are on paper; below zero: of
        everything."""
        until = max(self._line.sent_at(), self._on_paper_at) + _FINISH_S
        while self._waiting and sum(piece.bytes for piece in self._waiting) > most:
            if time.monotonic() >= until:
                raise DeviceFault(FaultCode.PRINTER_UNCONFIRMED)
            before = len(self._waiting)
            if self._queued is False:
                time.sleep(min(_CONFIRM_POLL_S, max(0.0, self._waiting[0].due - time.monotonic())))
            else:
                self._listen(_CONFIRM_POLL_S)
            if len(self._waiting) == before:
                self._must_print()
                self._pass_time()

    def _pass_time(self) -> None:
        """It has just said that it prints. Where it answers nothing in the queue, what had its
        time is on paper."""
        now = time.monotonic()
        if self._queued is None and now >= self._waiting[0].due + _NEVER_ANSWERS_S:
            log.info("the printer does not answer in the queue")
            self._queued = False
        while self._queued is False and self._waiting and self._waiting[0].due <= now:
            self._waiting.popleft()

    def _wait_for_paper(self) -> None:
        """What was made into dots needs its time until it is on paper, and may still meet an end
        of paper there."""
        while (left := self._on_paper_at - time.monotonic()) > 0:
            time.sleep(min(left, _SETTLE_POLL_S))
            self._must_print()
        self._must_print()

    # -- what is left of a job ---------------------------------------------------------------

    def _give_up(self) -> None:
        """Cancel in the printer what it holds; if it cannot be told now, it is told first thing."""
        try:
            self._clean()
        except DeviceFault as fault:
            log.warning("receipt not yet cancelled in the printer: %s", fault.code)

    def _tidy(self) -> escpos.Status:
        """Clear away what is left of a job that was given up, as far as the printer can now.
        Raises `DeviceFault` with `printer_uncleared` where only staff can."""
        if self._unclean:
            self._clean()
        return self._cut_off_the_rest()

    def _cut_off_the_rest(self) -> escpos.Status:
        status = self.status()
        if self._hanging and status.fault() is None:
            self._cut()
            self._hanging = False
        return status

    def _clean(self) -> None:
        """Make the printer forget everything that was sent to it, and have it say so."""
        cancel = self._model.cancel
        if not cancel:
            raise DeviceFault(FaultCode.PRINTER_UNCLEARED)
        self._line.drop_input()
        self._cancel()
        # The printer may have stopped reading in the middle of a command's data. What follows
        # ends it, and whatever it has still taken as text goes with the second clearing.
        self._line.write(escpos.INIT)
        confirmed = self._cancel()
        self._ask(1)
        if not confirmed:
            raise DeviceFault(FaultCode.PRINTER_UNCLEARED)
        self._unclean = False

    def _cancel(self) -> bool:
        """Whether it has forgotten, as it says, or as its maker does."""
        self._line.write(self._model.cancel)
        expected = self._model.cancelled
        if not expected:
            return True
        until = self._line.sent_at() + _CANCELLED_S
        heard = b""
        while expected not in heard:
            if time.monotonic() >= until:
                return False
            heard += self._line.read(1, _CONFIRM_POLL_S)
        return True

    def _clean_at_start(self) -> None:
        """One that cannot forget and is ready has printed by now what it held, and the first cut
        takes that off; where there is no cutter, staff has to."""
        try:
            self._clean()
        except DeviceFault as fault:
            if fault.code is not FaultCode.PRINTER_UNCLEARED:
                raise
            self._unclean = not self._model.cut or self.status().fault() is not None

    # -- what it says ------------------------------------------------------------------------

    def _recognise(self) -> None:
        """Ask what it is, if the settings say so. A printer that is blocked does not answer."""
        if not self._ask_model:
            return
        self._line.drop_input()
        self._line.write(escpos.ASK_MODEL)
        until = self._line.sent_at() + _NAME_S
        said = b""
        while not said.endswith(b"\0") and time.monotonic() < until:
            said += self._line.read(1, _NAME_S)
        _, _, name = said.rstrip(b"\0").rpartition(b"_")
        if not name:
            return
        found = model_answering(name.decode("ascii", "replace"))
        if found != self._model:
            log.info("the printer is taken for %s", found.id)
            self._model, self._queued = found, found.queued

    def _look_at_mouth(self, now: bool = False) -> FaultCode | None:
        """Take back what nobody took; at once if the next receipt is to come `now`."""
        if not self._model.presenter:
            return None
        self._line.drop_input()
        self._line.write(self._model.presenter)
        said = self._line.read(1, _STATUS_S)
        if not said:
            raise DeviceFault(FaultCode.PRINTER_OFFLINE, "no word of the mouth")
        if said[0] & (_JAMMED | _BLOCKED):
            return FaultCode.PRINTER_JAM
        if not said[0] & _IN_MOUTH:
            self._in_mouth_since = None
            return None
        moment = time.monotonic()
        since = self._in_mouth_since = self._in_mouth_since or moment
        if self._model.retract and (now or moment - since >= _LEFT_IN_MOUTH_S):
            self._line.write(self._model.retract)
        return None

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
            elif escpos.is_queued_answer(answer) and self._waiting:
                self._queued = True
                self._waiting.popleft()
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
