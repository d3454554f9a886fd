"""What a receipt of forty lines takes: time to compose it, and bytes on the wire.

The receipt is a real one, as `kiosk.receipts.compose` makes it, with rows until it has forty lines
of text. The peer for both is its bare text in GB18030, with a line feed after each line: what the
words themselves need. The bytes are all that the driver sends for it, its questions to the printer
with them; the QR code is no text and is left out.
"""

from __future__ import annotations

import time
from datetime import datetime
from statistics import median
from typing import Any, cast

from hardware.escpos import ASK_PAPER_QUEUED, Encoder
from hardware.layout import PrintLine, lay_out
from hardware.paper import Qr, Receipt, Text
from hardware.printer import ReceiptPrinter
from hardware.printer_models import model_named
from kiosk.clock import beijing_now
from kiosk.receipts import Letterhead, Slip
from kiosk.receipts.layout import compose
from kiosk.words import Words
from tests.bench.numbers import Number, against_peer, at_most

LINES, COLUMNS = 40, 48

#: Seconds, and bytes against what the text needs.
COMPOSE_LIMIT, BYTES_LIMIT = 0.005, 1.1

_HEAD = Letterhead("唐山市路北区政务服务中心社会保障卡自助服务", "130299", "2026-11", "12333")


def numbers(runs: int) -> dict[str, Number]:
    """Medians of twenty compositions for each run."""
    words, now = Words("zh_CN"), beijing_now()
    rows = _rows_for_forty_lines(words, now)
    sent = _on_the_wire(_receipt(rows, words, now))
    text = _text(_receipt(rows, words, now))
    composed = _median(lambda: _sent(_receipt(rows, words, now)), 20 * runs)
    bare = _median(lambda: "".join(text).encode("gb18030"), 20 * runs)
    needed = len("".join(text).encode("gb18030"))
    return {
        "receipt_composed_s": at_most(composed, COMPOSE_LIMIT, bare) | {"lines": len(text)},
        "receipt_bytes": against_peer(sent, needed, BYTES_LIMIT),
    }


def _receipt(rows: int, words: Words, now: datetime) -> Receipt:
    slip = Slip(
        id="apply.slip",
        state="state.accepted",
        number="13029926112400015",
        rows=tuple(("form.outlet", f"唐山市路北区张北小区第{n}服务网点") for n in range(rows)),
        notes=("apply.slip.days", "apply.slip.bring"),
        facts={"days": 15, "fee": 0},
    )
    return compose(slip, _HEAD, words, now)


def _rows_for_forty_lines(words: Words, now: datetime) -> int:
    rows = 0
    while len(_text(_receipt(rows, words, now))) < LINES:
        rows += 1
    return rows


def _text(receipt: Receipt) -> list[str]:
    """Its lines without codes and empty ones."""
    lines = [line for line in lay_out(receipt, COLUMNS) if isinstance(line, PrintLine)]
    return [f"{line.text}\n" for line in lines if line.text]


def _sent(receipt: Receipt) -> bytes:
    """The bytes of its lines of text."""
    encoder = Encoder(model_named("epson"))
    lines = lay_out(receipt, COLUMNS)
    return b"".join(
        encoder.encode(line) for line in lines if isinstance(line, PrintLine) and line.text
    )


class _Printer:
    """A line to a printer that prints at once, and counts the bytes that it gets."""

    def __init__(self) -> None:
        self.count = 0
        self._answers = b""

    def write(self, data: bytes) -> None:
        self.count += len(data)
        self._answers += b"\x37\x25\0" * data.count(b"\x10\x14")
        self._answers += b"\x12" * data.count(b"\x10\x04") + b"\0" * data.count(ASK_PAPER_QUEUED)

    def read(self, count: int, timeout_s: float) -> bytes:
        said, self._answers = self._answers[:count], self._answers[count:]
        return said

    def drop_input(self) -> None:
        self._answers = b""

    def sent_at(self) -> float:
        return time.monotonic()


def _on_the_wire(receipt: Receipt) -> int:
    """All bytes that its text costs: questions, cut and what sets the printer up with it."""
    printer, line = ReceiptPrinter("", "epson", COLUMNS), _Printer()
    printer._line = cast(Any, line)
    printer.print((Text(""),), "before")  # what is left of a start
    line.count = 0
    printer.print(tuple(part for part in receipt if not isinstance(part, Qr)), "counted")
    return line.count


def _median(work: object, times: int) -> float:
    assert callable(work)
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)
