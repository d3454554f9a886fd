"""The receipt printer's driver against a printer in memory, whose time passes only when one waits.

So each wait has its length in these tests, and none takes any. The same promises on a real port,
with a real clock, are the matter of `test_printer` and `test_printer_kinds`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import hardware.printer
import hardware.serial_port
from hardware.escpos import Encoder
from hardware.faults import DeviceFault, FaultCode
from hardware.layout import PrintLine
from hardware.paper import Receipt, Text
from hardware.printer import ReceiptPrinter, in_pieces
from hardware.printer_models import PrinterModel
from hardware.supervision import DeviceState

CANCEL, CANCELLED, CUT = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", b"\x37\x25\x00", b"\x1dVB\x00"
MOUTH, RETRACT = b"\x10\x04\x05", b"\x1dR"

MODEL = PrinterModel(
    "test", "测试", 48, 0.25, cut=CUT, chinese=b"\x1c&", codes=True, cancel=CANCEL,
    cancelled=CANCELLED,
)  # fmt: skip

#: All that it understands; the rest is text.
COMMANDS = re.compile(
    rb"(?P<cancel>\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08)|\x10\x04(?P<status>[\x01-\x05])"
    rb"|(?P<queued>\x1dr\x01)|(?P<init>\x1b@)|(?P<model>\x1dI\x43)|(?P<cut>\x1dVB\x00)"
    rb"|(?P<retract>\x1dR)|(?P<text>[^\n\x10\x1d\x1b]*\n)",
)

RECEIPT: Receipt = tuple(Text(f"Line {number}") for number in range(1, 11))
LINES = [f"Line {number}" for number in range(1, 11)]


class Printer:
    """The port and the printer at its end, and the clock of both."""

    def __init__(self) -> None:
        self.now, self.looks = 1000.0, 0
        self.is_open = False
        #: Of DLE EOT 1 to 4, and of the mouth; None: it says nothing.
        self.says: dict[int, int] | None = {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}
        self.mouth: int | None = 0
        self.name = b""
        #: What is ready to be printed, since when it prints at what is first.
        self.queue: deque[tuple[str, bytes]] = deque()
        self.answers: deque[int] = deque()
        self.begun = 0.0
        self.line_s = 0.25
        #: Whether it answers GS r, and that already when the line is made into dots.
        self.answers_queued, self.early = True, False
        self.confirms = True
        self.paper: list[str] = []
        self.written: list[bytes] = []
        self.most_held = 0
        #: What happens, and after how many lines on paper.
        self.happens: dict[int, Callable[[], None]] = {}

    # The clock.
    def monotonic(self) -> float:
        self.looks += 1
        assert self.looks < 100_000, "it waits for ever"
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        until = self.now + seconds
        while self.now < until:
            self._print()
            self.now = min(self.now + 0.01, until)
        self._print()

    # The port.
    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def sent_at(self) -> float:
        return self.now

    def drop_input(self) -> None:
        self.answers.clear()

    def write(self, data: bytes) -> None:
        assert self.is_open
        self.written.append(data)
        at = 0
        while at < len(data):
            if data[at : at + 3] == b"\x1dv0":
                wide, high = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6 : at + 8]
                at += 8 + wide * int.from_bytes(high, "little")
                self._take("text", b"[picture]\n")
                continue
            found = COMMANDS.match(data, at)
            if found is None:
                at += 1
                continue
            at = found.end()
            self._take(str(found.lastgroup), found[str(found.lastgroup)])
        held = sum(len(one) for kind, one in self.queue if kind == "text")
        self.most_held = max(self.most_held, held)

    def _take(self, kind: str, data: bytes) -> None:
        if kind == "cancel":
            self.queue.clear()
            self.answers.extend(CANCELLED if self.confirms else b"")
        elif kind == "status":
            if data[0] == 5:
                self.answers.extend([] if self.mouth is None else [self.mouth])
            elif self.says is not None:
                self.answers.append(self.says[data[0]])
        elif kind == "model":
            self.answers.extend(self.name)
        elif kind == "queued" and self.early:
            self.answers.append(0)
        elif kind == "retract":
            self.paper.append("[retracted]")
        elif kind != "init":
            if not self.queue:
                self.begun = self.now
            self.queue.append((kind, data))

    def _stands(self) -> bool:
        return self.says is not None and any(
            self.says[kind] & mask for kind, mask in ((2, 0x64), (3, 0x6C), (4, 0x60))
        )

    def _print(self) -> None:
        while self.queue and not self._stands():
            kind, data = self.queue[0]
            if kind == "text":
                if self.now < self.begun + self.line_s:
                    return
                self.begun += self.line_s
                self.paper.append(data.decode("gb18030").rstrip())
            elif kind == "cut":
                self.paper.append("[cut]")
            elif self.answers_queued and not self.early:
                self.answers.append(0)
            self.queue.popleft()
            if kind == "text":
                lines = sum(not line.startswith("[") for line in self.paper)
                self.happens.pop(lines, lambda: None)()

    def read(self, most: int, timeout_s: float) -> bytes:
        until = self.now + timeout_s
        self._print()
        while not self.answers and self.now < until:
            self.now = min(self.now + 0.01, until)
            self._print()
        return bytes(self.answers.popleft() for _ in range(min(most, len(self.answers))))

    # What happens to it.
    def becomes(self, **says: int) -> Callable[[], None]:
        names = {"printer": 1, "offline": 2, "error": 3, "paper": 4}
        assert self.says is not None
        told = self.says
        return lambda: told.update({names[name]: value for name, value in says.items()})


class SlowLine(Printer):
    """The same behind a serial port: the system takes all bytes at once, the line carries them at
    its pace."""

    def __init__(self, baud: int) -> None:
        super().__init__()
        self.baud, self.free_at = baud, 0.0
        self.under_way: deque[tuple[float, bytes]] = deque()

    def write(self, data: bytes) -> None:
        self.free_at = max(self.free_at, self.now) + len(data) * 10 / self.baud
        self.under_way.append((self.free_at, data))

    def _print(self) -> None:
        while self.under_way and self.under_way[0][0] <= self.now:
            super().write(self.under_way.popleft()[1])
        super()._print()

    # What pyserial calls it.
    reset_input_buffer = Printer.drop_input

    def read(self, most: int, timeout_s: float = 0.05) -> bytes:
        return super().read(most, timeout_s)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Printer:
    made = Printer()
    clock = SimpleNamespace(monotonic=made.monotonic, sleep=made.sleep)
    monkeypatch.setattr(hardware.printer, "time", clock)
    monkeypatch.setattr(hardware.printer, "line_of", lambda *_: made)
    return made


def driver(
    monkeypatch: pytest.MonkeyPatch, model: PrinterModel = MODEL, **more: Any
) -> ReceiptPrinter:
    monkeypatch.setattr(hardware.printer, "model_named", lambda name: model)
    return ReceiptPrinter("port", **more)


@pytest.fixture
def printer(far: Printer, monkeypatch: pytest.MonkeyPatch) -> ReceiptPrinter:
    made = driver(monkeypatch)
    made.open()
    return made


def fault_of(printer: ReceiptPrinter, action: str = "a", **more: Any) -> FaultCode:
    with pytest.raises(DeviceFault) as caught:
        printer.print(RECEIPT, action, **more)
    return caught.value.code


PAPER_OUT, PAPER_IN = {"offline": 0x32, "paper": 0x72}, {"offline": 0x12, "paper": 0x12}

# -- a receipt -----------------------------------------------------------------------------------


def test_a_receipt_is_printed_whole_and_cut_off(far: Printer, printer: ReceiptPrinter) -> None:
    printer.print(RECEIPT, "a")
    # What may hang from it after a start is cut off first.
    assert far.paper == ["[cut]", *LINES, "[cut]"]
    assert not far.queue


@pytest.mark.parametrize("baud", [9600, 19200])
def test_a_slow_line_full_of_pictures_is_not_taken_for_a_dead_printer(
    monkeypatch: pytest.MonkeyPatch, baud: int
) -> None:
    """An answer comes only when the question has arrived behind them."""
    far = SlowLine(baud)
    clock = SimpleNamespace(monotonic=far.monotonic, sleep=far.sleep)
    monkeypatch.setattr(hardware.printer, "time", clock)
    monkeypatch.setattr(hardware.serial_port, "time", clock)
    monkeypatch.setattr("serial.Serial", lambda *_, **__: far)
    far.open()
    printer = driver(monkeypatch, baud=baud)
    printer.open()
    printer.print((Text("㛃" * 23), Text("䶮" * 23), Text("㛃" * 23), Text("䶮" * 23)), "a")
    assert far.paper == ["[cut]", *["[picture]"] * 4, "[cut]"]


def test_printed_means_that_it_is_on_paper(far: Printer, printer: ReceiptPrinter) -> None:
    """Also where the printer says so early."""
    far.early = True
    printer.print(RECEIPT, "a")
    assert far.paper[-2:] == ["Line 10", "[cut]"]
    assert far.now >= 1000 + 10 * 0.25


def test_paper_that_ends_after_it_said_so_early_is_told(
    far: Printer, printer: ReceiptPrinter
) -> None:
    far.early = True
    far.happens[9] = far.becomes(**PAPER_OUT)
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT


def test_a_few_lines_are_sent_at_a_time_and_the_status_is_asked_in_between(
    far: Printer, printer: ReceiptPrinter
) -> None:
    far.written.clear()
    printer.print(RECEIPT, "a")
    text = [data for data in far.written if b"Line" in data]
    assert [data.count(b"\n") for data in text] == [4, 4, 2]
    assert all(data.endswith(b"\x1dr\x01") for data in text)
    first, second, third = (far.written.index(data) for data in text)
    asked = [b"\x10\x04\x01", b"\x10\x04\x04"]
    assert far.written[first + 1 : first + 3] == asked
    assert far.written[second + 1 : second + 3] == asked
    # It begins as a printer that was just turned on, with the questions about it before that.
    assert far.written[first - 1] == b"\x1b@"
    assert far.written[:4] == [bytes((0x10, 4, kind)) for kind in (1, 2, 3, 4)]
    assert far.written[third + 3 : third + 5] == [CUT, b"\x1dr\x01"]


def test_it_never_holds_more_than_its_buffer(far: Printer, printer: ReceiptPrinter) -> None:
    printer.print(tuple(Text("x" * 48) for _ in range(120)), "a")
    assert 1500 < far.most_held <= 2000
    assert far.paper.count("x" * 48) == 120


def test_an_action_is_printed_once(far: Printer, printer: ReceiptPrinter) -> None:
    printer.print(RECEIPT, "a")
    printer.print(RECEIPT, "a")
    assert far.paper.count("Line 1") == 1
    printer.print(RECEIPT, "b")
    assert far.paper.count("Line 1") == 2


def test_so_many_actions_are_remembered(far: Printer, printer: ReceiptPrinter) -> None:
    for number in range(257):
        printer.print((Text("x"),), str(number))
    before = len(far.paper)
    for number in (1, 256):
        printer.print((Text("x"),), str(number))
    assert len(far.paper) == before
    printer.print((Text("x"),), "0")
    assert len(far.paper) > before


def test_what_wears_out_is_counted(far: Printer, printer: ReceiptPrinter) -> None:
    assert printer.poll().counters == {"receipts": 0, "cuts": 1, "paper_mm": 12}
    printer.print(RECEIPT, "a")
    assert printer.poll().counters == {"receipts": 1, "cuts": 2, "paper_mm": 12 + 40 + 12}
    printer.print((Text("x", size=2),), "b")
    assert printer.poll().counters == {"receipts": 2, "cuts": 3, "paper_mm": 64 + 8 + 12}


def test_where_there_is_no_cutter_it_is_fed_to_the_edge(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = driver(monkeypatch, replace(MODEL, cut=b""))
    printer.open()
    printer.print(RECEIPT, "a")
    assert far.paper == ["", "", "", "", *LINES, "", "", "", ""]
    assert printer.poll().counters["cuts"] == 0


@pytest.mark.parametrize(("columns", "lines"), [(0, 1), (48, 1), (47, 2)])
def test_a_line_is_as_wide_as_the_settings_say_or_the_model(
    far: Printer, monkeypatch: pytest.MonkeyPatch, columns: int, lines: int
) -> None:
    printer = driver(monkeypatch, columns=columns)
    printer.open()
    printer.print((Text("x" * 48),), "a")
    assert len(far.paper[1:-1]) == lines


def test_what_forgets_by_beginning_anew_is_not_told_to_after_the_cut(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would forget the cut as well."""
    printer = driver(monkeypatch, replace(MODEL, cancel=b"\x1b@", cancelled=b""))
    printer.open()
    far.written.clear()
    printer.print(RECEIPT, "a")
    assert b"\x1b@" not in far.written


def test_lines_go_four_at_a_time_and_large_ones_alone() -> None:
    small, large = PrintLine("x"), PrintLine("y" * 1500)
    encoder = Encoder(MODEL)
    pieces = list(in_pieces([small] * 5 + [large, large, small], encoder))
    assert [len(some) for some, _ in pieces] == [4, 2, 2]
    assert [some[0] for some, _ in pieces] == [small, small, large]
    assert b"".join(data for _, data in pieces) == b"x\n" * 5 + (b"y" * 1500 + b"\n") * 2 + b"x\n"
    assert list(in_pieces([], encoder)) == []
    exact = PrintLine("z" * 999)
    assert [len(some) for some, _ in in_pieces([exact, exact, small], encoder)] == [2, 1]


# -- trouble -------------------------------------------------------------------------------------


def test_paper_out_before_prints_nothing_of_it(far: Printer, printer: ReceiptPrinter) -> None:
    far.becomes(**PAPER_OUT)()
    far.written.clear()
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT
    assert not any(b"Line" in data for data in far.written)
    far.becomes(**PAPER_IN)()
    printer.print(RECEIPT, "a")
    assert far.paper[-11:] == [*LINES, "[cut]"]


@pytest.mark.parametrize("lines", [1, 4, 9])
@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (PAPER_OUT, FaultCode.PRINTER_PAPER_OUT),
        ({"printer": 0x1A, "offline": 0x16}, FaultCode.PRINTER_COVER_OPEN),
        ({"printer": 0x1A, "error": 0x1A}, FaultCode.PRINTER_CUTTER),
    ],
)
def test_trouble_in_the_middle_is_named_and_gives_no_line_to_the_next(
    far: Printer, printer: ReceiptPrinter, lines: int, trouble: dict[str, int], code: FaultCode
) -> None:
    far.happens[lines] = far.becomes(**trouble)
    assert fault_of(printer) is code
    far.becomes(printer=0x12, offline=0x12, error=0x12, paper=0x12)()
    far.sleep(30)
    assert far.paper == ["[cut]", *LINES[:lines]], "the rest is forgotten"
    # What hangs from it is cut off while nobody prints, and once.
    for _ in range(3):
        assert printer.poll().state is DeviceState.READY
    far.sleep(1)
    assert far.paper == ["[cut]", *LINES[:lines], "[cut]"]
    printer.print(RECEIPT, "a")
    assert far.paper[lines + 2 :] == [*LINES, "[cut]"]


def test_a_job_that_was_given_up_is_taken_back_twice(far: Printer, printer: ReceiptPrinter) -> None:
    """It may have stopped in the middle of a command's data: the first goes into that."""
    far.happens[2] = far.becomes(**PAPER_OUT)
    fault_of(printer)
    last = far.written.index(CANCEL, 4)
    assert far.written[last : last + 4] == [CANCEL, b"\x1b@", CANCEL, b"\x10\x04\x01"]


def test_what_does_not_say_that_it_forgot_prints_for_nobody(
    far: Printer, printer: ReceiptPrinter
) -> None:
    far.confirms = False
    far.happens[2] = far.becomes(**PAPER_OUT)
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT
    far.becomes(**PAPER_IN)()
    before = far.now
    assert fault_of(printer, "b") is FaultCode.PRINTER_UNCLEARED
    assert far.now == pytest.approx(before + 2, abs=0.5), "a second for each of both"
    poll = printer.poll()
    assert (poll.state, poll.fault) == (DeviceState.FAULT, FaultCode.PRINTER_UNCLEARED)
    # The cause that staff can see comes first.
    far.becomes(**PAPER_OUT)()
    assert printer.poll().fault is FaultCode.PRINTER_PAPER_OUT
    far.becomes(**PAPER_IN)()
    far.confirms = True
    assert printer.poll().state is DeviceState.READY
    printer.print(RECEIPT, "c")
    assert far.paper[-11:] == [*LINES, "[cut]"]


def test_what_cannot_forget_is_cleared_by_staff_who_print(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = driver(monkeypatch, replace(MODEL, cancel=b"", cancelled=b""))
    printer.open()
    printer.print(RECEIPT, "a")
    far.happens[13] = far.becomes(**PAPER_OUT)
    assert fault_of(printer, "b") is FaultCode.PRINTER_PAPER_OUT
    far.becomes(**PAPER_IN)()
    far.sleep(30)
    assert fault_of(printer, "c") is FaultCode.PRINTER_UNCLEARED
    printer.print(RECEIPT, "d", by_staff=True)
    printer.print(RECEIPT, "e")
    assert far.paper[-22:] == [*LINES, "[cut]"] * 2


@pytest.mark.parametrize(
    ("cut", "trouble", "is_clear"), [(CUT, {}, True), (b"", {}, False), (CUT, PAPER_OUT, False)]
)
def test_what_cannot_forget_and_is_ready_after_a_start_has_printed_what_it_held(
    far: Printer,
    monkeypatch: pytest.MonkeyPatch,
    cut: bytes,
    trouble: dict[str, int],
    is_clear: bool,
) -> None:
    far.becomes(**trouble)()
    printer = driver(monkeypatch, replace(MODEL, cancel=b"", cancelled=b"", cut=cut))
    printer.open()
    far.becomes(**PAPER_IN)()
    if is_clear:
        printer.print(RECEIPT, "a")
    else:
        assert fault_of(printer) is FaultCode.PRINTER_UNCLEARED


def test_what_a_program_that_died_left_is_forgotten_at_the_start(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.becomes(**PAPER_OUT)()
    far.is_open = True
    far.write(b"of somebody else\n")
    far.is_open = False
    printer = driver(monkeypatch)
    printer.open()
    far.becomes(**PAPER_IN)()
    printer.print(RECEIPT, "a")
    assert far.paper == ["[cut]", *LINES, "[cut]"]


def test_what_says_nothing_is_offline_and_its_port_is_closed(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    says, far.says = far.says, None
    printer = driver(monkeypatch)
    with pytest.raises(DeviceFault) as caught:
        printer.open()
    assert (caught.value.code, far.is_open) == (FaultCode.PRINTER_OFFLINE, False)
    far.says = says
    printer.open()
    far.says = None
    before = far.now
    assert fault_of(printer) is FaultCode.PRINTER_OFFLINE
    assert far.now == pytest.approx(before + 0.5, abs=0.05)
    with pytest.raises(DeviceFault) as caught:
        printer.poll()
    assert caught.value.detail == "no status"
    printer.close()
    assert not far.is_open


def test_paper_near_its_end_is_a_warning_and_still_printed_on(
    far: Printer, printer: ReceiptPrinter
) -> None:
    assert (printer.poll().state, printer.poll().fault) == (DeviceState.READY, None)
    far.becomes(paper=0x1E)()
    poll = printer.poll()
    assert (poll.state, poll.fault) == (DeviceState.WARNING, FaultCode.PRINTER_PAPER_NEAR_END)
    assert poll.counters["cuts"] == 1
    printer.print(RECEIPT, "a")
    far.becomes(**PAPER_OUT)()
    poll = printer.poll()
    assert (poll.state, poll.fault) == (DeviceState.FAULT, FaultCode.PRINTER_PAPER_OUT)
    assert poll.counters["receipts"] == 1


def test_what_forgets_without_a_word_is_believed(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its maker says."""
    far.confirms = False
    printer = driver(monkeypatch, replace(MODEL, cancelled=b""))
    printer.open()
    far.happens[2] = far.becomes(**PAPER_OUT)
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT
    far.becomes(**PAPER_IN)()
    printer.print(RECEIPT, "b")
    assert far.paper == ["[cut]", "Line 1", "Line 2", "[cut]", *LINES, "[cut]"]


def test_its_line_has_the_faults_of_a_printer(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(hardware.printer, "line_of", lambda *about: asked.append(about) or far)
    assert ReceiptPrinter("port", baud=9600).model.id == "generic"
    assert asked == [("port", FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY, 9600)]


# -- what it answers in the queue ----------------------------------------------------------------


def asks(far: Printer) -> int:
    return sum(data.count(b"\x1dr\x01") for data in far.written)


def test_what_answers_nothing_in_the_queue_is_known_after_its_first_receipt(
    far: Printer, printer: ReceiptPrinter
) -> None:
    """It takes a second and a half more, once."""
    far.answers_queued = False
    printer.print((Text("x"),), "a")
    assert far.paper == ["[cut]", "x", "[cut]"]
    assert far.now == pytest.approx(1000 + 0.25 + 1.5, abs=0.25)
    before, asked = far.now, asks(far)
    printer.print((Text("x"),), "b")
    assert asks(far) == asked > 0
    assert far.now == pytest.approx(before + 0.25, abs=0.25)


def test_what_is_described_to_answer_nothing_is_never_asked(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.answers_queued = False
    printer = driver(monkeypatch, replace(MODEL, queued=False))
    printer.open()
    printer.print(RECEIPT, "a")
    assert asks(far) == 0 and far.paper[-2:] == ["Line 10", "[cut]"]
    lines = [data for data in far.written if b"Line" in data]
    assert all(data.endswith(b"\n") for data in lines), "nothing else goes onto the paper"
    assert far.now - 1000 == pytest.approx(2.5, abs=0.7)


def test_an_end_that_is_never_confirmed_is_not_taken_for_one(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.answers_queued = False
    printer = driver(monkeypatch, replace(MODEL, queued=True))
    printer.open()
    assert fault_of(printer) is FaultCode.PRINTER_UNCONFIRMED
    assert far.now == pytest.approx(1000 + 2.5 + 20, abs=0.8)


def test_a_status_that_nobody_asked_for_confirms_nothing(
    far: Printer, printer: ReceiptPrinter
) -> None:
    """Four bytes, of which three look like confirmations."""
    far.happens[1] = lambda: far.answers.extend([0x10, 0x00, 0x00, 0x00])
    far.happens[6] = far.becomes(**PAPER_OUT)
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT
    assert far.paper == ["[cut]", *LINES[:6]]


def test_a_slow_printer_is_waited_for(far: Printer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line may take its time; the end is waited for from when it must be on paper."""
    far.line_s = 6.0
    printer = driver(monkeypatch, replace(MODEL, line_s=6.0))
    printer.open()
    printer.print(RECEIPT, "a")
    assert far.paper[-2:] == ["Line 10", "[cut]"]


# -- what it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known"),
    [(b"_TM-T88VI\x00", "epson"), (b"_BTP-X\x00", "snbc"), (b"_Nobody\x00", "generic"),
     (b"", "generic"), (b"noise_MS-1\x00", "masung"), (b"more_noise_MS-1\x00", "masung"),
     (b"_\xb4\xf2\x00", "generic")],
)  # fmt: skip
def test_it_is_asked_what_it_is_where_the_settings_say_so(
    far: Printer, name: bytes, known: str
) -> None:
    far.name = name
    far.mouth = 0
    printer = ReceiptPrinter("port", "ask")
    printer.open()
    assert printer.model.id == known
    assert (far.now < 1000.2) is bool(name), (
        "a name ends with its zero byte, which is not waited on"
    )
    assert far.written[0] == b"\x1dIC"


@pytest.mark.parametrize("model", ["", "epson"])
def test_it_is_not_asked_otherwise(far: Printer, model: str) -> None:
    """A simple one would print the question."""
    far.name = b"_BTP-X\x00"
    printer = ReceiptPrinter("port", model)
    printer.open()
    assert printer.model.id == (model or "generic")
    assert not any(data.startswith(b"\x1dI") for data in far.written)


# -- the mouth -----------------------------------------------------------------------------------


@pytest.fixture
def with_mouth(far: Printer, monkeypatch: pytest.MonkeyPatch) -> ReceiptPrinter:
    made = driver(monkeypatch, replace(MODEL, presenter=MOUTH, retract=RETRACT))
    made.open()
    return made


@pytest.mark.parametrize("says", [0x01, 0x08, 0x09, 0x0D])
def test_paper_that_blocks_the_mouth_is_a_jam(
    far: Printer, with_mouth: ReceiptPrinter, says: int
) -> None:
    far.mouth = says
    assert with_mouth.poll().fault is FaultCode.PRINTER_JAM
    assert fault_of(with_mouth) is FaultCode.PRINTER_JAM


def test_a_receipt_that_nobody_took_is_taken_back_after_half_a_minute(
    far: Printer, with_mouth: ReceiptPrinter
) -> None:
    far.mouth = 0x04
    for seconds, is_back in ((0, False), (29, False), (1.1, True)):
        far.sleep(seconds)
        assert with_mouth.poll().state is DeviceState.READY
        assert ("[retracted]" in far.paper) is is_back


def test_the_half_minute_begins_with_the_receipt(far: Printer, with_mouth: ReceiptPrinter) -> None:
    for mouth in (0x04, 0x00, 0x04):
        far.mouth = mouth
        with_mouth.poll()
        far.sleep(20)
    with_mouth.poll()
    assert "[retracted]" not in far.paper


def test_the_next_receipt_does_not_push_out_that_of_another(
    far: Printer, with_mouth: ReceiptPrinter
) -> None:
    far.mouth = 0x04
    with_mouth.print(RECEIPT, "a")
    assert far.paper.index("[retracted]") < far.paper.index("Line 1")
    far.mouth = 0x00
    with_mouth.print(RECEIPT, "b")
    assert far.paper.count("[retracted]") == 1


def test_a_mouth_that_takes_nothing_back_is_left_alone(
    far: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = driver(monkeypatch, replace(MODEL, presenter=MOUTH))
    printer.open()
    far.mouth = 0x04
    printer.print(RECEIPT, "a")
    assert far.paper[-2:] == ["Line 10", "[cut]"]


def test_a_mouth_that_says_nothing_is_a_printer_that_is_away(
    far: Printer, with_mouth: ReceiptPrinter
) -> None:
    far.mouth = None
    assert fault_of(with_mouth) is FaultCode.PRINTER_OFFLINE
