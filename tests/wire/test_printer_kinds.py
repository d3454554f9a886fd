"""Receipt printers differ: what holds for all kinds that are described, against far ends that have
their manners. A receipt is whole or it is named why not, and nobody gets a line of another's.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hardware.escpos import Encoder
from hardware.faults import DeviceFault, FaultCode
from hardware.layout import PrintLine
from hardware.paper import Pair, Qr, Receipt, Text
from hardware.printer import ReceiptPrinter
from hardware.printer_models import (
    PrinterModel,
    UnknownModel,
    model_answering,
    model_named,
    models,
)
from hardware.virtual.printer import Manners, VirtualPrinter

LINES = 9
FIRST: Receipt = (*(Pair(f"甲{n}", f"内容{n}") for n in range(LINES)),)
NEXT: Receipt = (Text("乙的回执"), Text("请收好"))


@dataclass(frozen=True)
class Kind:
    """A model as the settings name it, and a far end that behaves so."""

    model: str
    manners: Manners


KINDS = {
    "epson": Kind("epson", Manners()),
    "epson, early answers": Kind("epson", Manners(queue="early")),
    "asked": Kind("ask", Manners(name="TM-m30III")),
    "snbc": Kind("snbc", Manners(forgets="never")),
    "masung": Kind("masung", Manners(forgets="esc @", queue="never", presenter=True)),
    "text": Kind("text", Manners(forgets="never", queue="never", more_than_text=False)),
    "unknown, forgets": Kind("", Manners()),
    "unknown, cannot forget": Kind("", Manners(forgets="never", queue="never")),
    "unknown, says nothing": Kind("", Manners(forgets="fn 8 mute", queue="early")),
}
#: Lines after which paper ends; KIOSK_EVERY_LINE=1 tries them all.
WHERE = range(1, LINES + 1) if os.environ.get("KIOSK_EVERY_LINE") else (1, 5, LINES)

#: Those that only staff can clear.
BY_STAFF = ("snbc", "text", "unknown, cannot forget", "unknown, says nothing")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.printer._STATUS_S", 3.0)
    monkeypatch.setattr("hardware.printer._CANCELLED_S", 0.3)
    monkeypatch.setattr("hardware.printer._NEVER_ANSWERS_S", 0.3)
    for name, model in models().items():
        # Ten times as long as the far ends take: a busy machine must not make them late.
        monkeypatch.setitem(models(), name, replace(model, line_s=0.05))


@dataclass
class Stand:
    """A printer and its driver, as one terminal has them."""

    kind: str
    far_end: VirtualPrinter
    driver: ReceiptPrinter

    def restart(self) -> None:
        """The program ended and begins again."""
        self.driver.close()
        self.driver = ReceiptPrinter(self.far_end.port, KINDS[self.kind].model)
        self.driver.open()

    def stops(self) -> None:
        """Until nothing more comes out."""
        until = time.monotonic() + 10
        while self.far_end.busy() and time.monotonic() < until:
            time.sleep(0.01)

    def takes(self) -> list[str]:
        """What comes out for whoever stands there, torn off where nothing cuts."""
        before = len(self.far_end.printed())
        self.stops()
        self.far_end.tear_off()
        self.far_end.take()
        self.stops()
        return [piece.text for piece in self.far_end.printed()[before:]]


@pytest.fixture(params=KINDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    kind = KINDS[request.param]
    far_end = VirtualPrinter(tmp_path / "paper", line_s=0.005, manners=kind.manners)
    driver = ReceiptPrinter(far_end.port, kind.model)
    driver.open()
    made = Stand(request.param, far_end, driver)
    if driver.poll().fault is FaultCode.PRINTER_UNCLEARED:
        driver.print((Text("测试页"),), "staff", by_staff=True)
        made.takes()
    yield made
    made.driver.close()
    far_end.close()


def fault_of(stand: Stand, receipt: Receipt = FIRST, action: str = "a1") -> FaultCode:
    with pytest.raises(DeviceFault) as caught:
        stand.driver.print(receipt, action)
    return caught.value.code


def next_one_gets_only_theirs(stand: Stand) -> None:
    """Staff comes first where they must; then the next citizen's receipt."""
    if stand.driver.poll().fault is FaultCode.PRINTER_UNCLEARED:
        assert stand.kind in BY_STAFF
        assert fault_of(stand, NEXT, "a2") is FaultCode.PRINTER_UNCLEARED
        stand.driver.print((Text("测试页"),), f"staff-{time.time_ns()}", by_staff=True)
        stand.takes()
    before = len(stand.far_end.printed())
    stand.driver.print(NEXT, "a3")
    stand.takes()
    *_, got = (piece.text for piece in stand.far_end.printed()[before:])
    assert "乙的回执" in got and "请收好" in got, "theirs, and whole"
    assert "甲" not in got, "a line of another's receipt"


def test_a_receipt_comes_out_whole_and_once(stand: Stand) -> None:
    before = len(stand.far_end.printed())
    stand.driver.print(FIRST, "a1")
    stand.takes()
    got = "".join(piece.text for piece in stand.far_end.printed()[before:])
    assert [got.count(f"内容{n}") for n in range(LINES)] == [1] * LINES
    stand.driver.print(FIRST, "a1")
    assert stand.takes() == []
    assert stand.driver.poll().fault is None


@pytest.mark.parametrize(
    ("line", "after"),
    [
        *((line, "refill") for line in WHERE),
        *((line, after) for line in WHERE[1:2] for after in ("refill and restart", "off and on")),
    ],
)
def test_paper_out_at_every_line_gives_no_line_to_the_next(
    stand: Stand, line: int, after: str
) -> None:
    stand.far_end.run_out(after_lines=line)
    assert fault_of(stand) is FaultCode.PRINTER_PAPER_OUT
    if after == "off and on":
        stand.far_end.switch_off_and_on()
    stand.far_end.load()
    if after == "refill and restart":
        stand.restart()
    next_one_gets_only_theirs(stand)


def at_line(far_end: VirtualPrinter, line: int, happens: Callable[[], None]) -> None:
    count = far_end._count_line
    left = [line]

    def counting() -> None:
        count()
        left[0] -= 1
        if left[0] == 0:
            happens()

    far_end._count_line = counting  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (lambda far, on: far.open_cover() if on else far.close_cover(), "printer_cover_open"),
        (lambda far, on: far.jam_cutter(on), "printer_cutter"),
        (lambda far, on: far.get_hot(on), "printer_hot"),
    ],
    ids=["cover", "jam", "hot"],
)
def test_a_trouble_in_the_middle_gives_no_line_to_the_next(
    stand: Stand, trouble: Callable[[Any, bool], None], code: str
) -> None:
    at_line(stand.far_end, 4, lambda: trouble(stand.far_end, True))
    assert fault_of(stand) == code
    trouble(stand.far_end, False)
    next_one_gets_only_theirs(stand)


def test_a_power_cut_in_the_middle_gives_no_line_to_the_next(stand: Stand) -> None:
    at_line(stand.far_end, 4, threading.Thread(target=stand.far_end.unplug).start)
    assert fault_of(stand) is FaultCode.PRINTER_OFFLINE
    stand.far_end.switch_off_and_on()
    stand.far_end.plug()
    stand.driver.open()
    next_one_gets_only_theirs(stand)


def test_what_only_staff_can_clear_stays_a_fault_until_they_have(stand: Stand) -> None:
    stand.far_end.run_out(after_lines=3)
    fault_of(stand)
    assert stand.driver.poll().fault is FaultCode.PRINTER_PAPER_OUT, "what is to be done first"
    stand.far_end.load()
    time.sleep(0.2)
    found = stand.driver.poll().fault
    assert found == (FaultCode.PRINTER_UNCLEARED if stand.kind in BY_STAFF else None)
    assert stand.driver.poll().fault == found, "it does not go by itself"


def test_an_early_answer_does_not_stand_for_paper(tmp_path: Path) -> None:
    """GS r was answered when the line was made into dots; the driver said "printed"."""
    far_end = VirtualPrinter(tmp_path / "p", line_s=0.02, manners=Manners(queue="early"))
    driver = ReceiptPrinter(far_end.port, "epson")
    driver._model = replace(driver._model, line_s=0.04)
    driver.open()
    far_end.run_out(after_lines=LINES - 1)
    with pytest.raises(DeviceFault) as caught:
        driver.print(FIRST, "a1")
    assert caught.value.code is FaultCode.PRINTER_PAPER_OUT
    driver.close()
    far_end.close()


def test_a_printer_without_an_answer_is_known_after_its_first_receipt(tmp_path: Path) -> None:
    """It took 20 s and was "not printed"."""
    far_end = VirtualPrinter(tmp_path / "p", line_s=0.005, manners=Manners(queue="never"))
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    driver.print(FIRST, "a1")
    driver.print(NEXT, "a2")
    time.sleep(0.1)
    assert "内容8" in far_end.printed()[-2].text
    assert far_end.printed()[-1].text == "乙的回执\n请收好\n"
    driver.close()
    far_end.close()


def test_a_question_among_the_dots_of_a_picture_is_not_asked() -> None:
    """10 04 0n in a picture was answered as a question, and the answer taken for another's."""
    from PIL import Image

    from hardware.escpos import _as_raster

    for code in (4, 5, 0x14):
        for shift in range(3):
            rows = b"\xff" * shift + bytes([0x10 ^ 0xFF, code ^ 0xFF]) + b"\xff" * (6 - shift)
            sent = _as_raster(Image.frombytes("1", (64, 1), rows))
            assert bytes([0x10, code]) not in sent[8:]
            assert bytes([0x18, code]) in sent[8:]


def test_the_mouth_is_cleared_for_the_next_and_after_half_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manners = Manners(forgets="esc @", queue="never", presenter=True)
    far_end = VirtualPrinter(tmp_path / "p", line_s=0.005, manners=manners)
    driver = ReceiptPrinter(far_end.port, "masung")
    driver._model = replace(driver._model, retract=b"\x1bd\x01")
    written: list[bytes] = []
    driver.open()
    write = driver._line.write

    def noted(data: bytes) -> None:
        written.append(data)
        write(data)

    monkeypatch.setattr(driver._line, "write", noted)
    driver.print(FIRST, "a1")
    time.sleep(0.1)
    assert driver.poll().fault is None and b"\x1bd\x01" not in written
    assert driver._in_mouth_since is not None
    driver._in_mouth_since -= 31
    driver.poll()
    assert written.count(b"\x1bd\x01") == 1
    far_end.take()
    driver.poll()
    assert driver._in_mouth_since is None
    far_end.jam_mouth()
    assert driver.poll().fault is FaultCode.PRINTER_JAM
    with pytest.raises(DeviceFault) as caught:
        driver.print(NEXT, "a2")
    assert caught.value.code is FaultCode.PRINTER_JAM
    far_end.jam_mouth(False)
    driver.print(NEXT, "a2")
    driver.close()
    far_end.close()


def test_what_only_knows_text_is_sent_only_text() -> None:
    encoder = Encoder(model_named("text"))
    large = encoder.encode(PrintLine("社保卡 A1", size=2, bold=True))
    assert large == "社保卡 A1\n".encode("gb18030")
    assert encoder.encode(PrintLine("㛃")) == "〓\n".encode("gb18030")


def test_a_code_is_left_out_where_none_can_be_drawn(tmp_path: Path) -> None:
    manners = KINDS["text"].manners
    far_end = VirtualPrinter(tmp_path / "p", 32, line_s=0.005, manners=manners)
    driver = ReceiptPrinter(far_end.port, "text")
    driver.open()
    driver.print((Text("编号 13029926112400015"), Qr("13029926112400015")), "a1", by_staff=True)
    time.sleep(0.1)
    far_end.tear_off()
    time.sleep(0.1)
    assert far_end.printed()[-1].text.split() == ["编号", "13029926112400015"]
    driver.close()
    far_end.close()


def test_models_are_found_by_what_they_say_and_by_name() -> None:
    assert model_answering("TM-m30").id == model_answering("eu-m30").id == "epson"
    assert model_answering("BTP-M300").id == "snbc"
    assert model_answering("XP-80").id == "generic"
    with pytest.raises(UnknownModel, match=r"known are .*epson"):
        model_named("star")


@pytest.mark.parametrize("name", models())
def test_every_model_is_whole(name: str) -> None:
    model = models()[name]
    assert model.title and model.columns in (32, 48) and 0 < model.line_s < 0.2
    assert model.cancel or not model.cancelled


def test_a_model_that_says_what_nobody_reads_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('title = "x"\ncolour = "red"\n')
    with pytest.raises(ValueError, match=r"odd\.toml: unknown colour"):
        PrinterModel.read(file)
