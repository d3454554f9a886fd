"""Door, presence, lamp and watchdog on a Modbus board over a real pty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.contacts import DOOR_TOLD_S, BoardLine, ContactBoard, crc, parse_lines
from hardware.faults import DeviceFault, FaultCode
from hardware.supervision import DeviceState
from hardware.virtual.contacts import VirtualBoard
from hardware.virtual.printer import VirtualPrinter

LINES = parse_lines({"door": "in0", "presence": "in1", "lamp": "out0", "watchdog": "out3"})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.contacts._ANSWER_S", 0.5)
    monkeypatch.setattr("hardware.port_proof._WHO_S", 0.2)


@pytest.fixture
def far_end() -> Iterator[VirtualBoard]:
    virtual = VirtualBoard()
    virtual.inputs[0] = True
    yield virtual
    virtual.close()


@pytest.fixture
def board(far_end: VirtualBoard) -> Iterator[ContactBoard]:
    driver = ContactBoard(far_end.port, 9600, 255, LINES)
    driver.open()
    yield driver
    driver.close()


def fault_of(board: ContactBoard) -> tuple[FaultCode, str]:
    with pytest.raises(DeviceFault) as caught:
        board.poll()
    return caught.value.code, caught.value.detail


def test_the_check_is_that_of_modbus() -> None:
    """Frames of boards' manuals, and one of the description of Modbus."""
    for frame in ("FF050000FF0099E4", "FF0500000000D814", "110200C40016BAA9"):
        whole = bytes.fromhex(frame)
        assert crc(whole[:-2]) == whole[-2:]


def test_frames_are_those_of_modbus(far_end: VirtualBoard, board: ContactBoard) -> None:
    board.visit(True)
    assert far_end.heard.startswith(b"\x10\x04\x01" + bytes.fromhex("FF0200000002"))
    assert far_end.heard.endswith(bytes.fromhex("FF050000FF0099E4"))


def test_an_open_door_is_told_and_stays_told(
    far_end: VirtualBoard, board: ContactBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert board.poll().state is DeviceState.READY
    far_end.inputs[0] = False
    found = board.poll()
    assert (found.state, found.fault) == (DeviceState.WARNING, FaultCode.DOOR_OPEN)
    far_end.inputs[0] = True
    found = board.poll()
    assert (found.fault, found.detail) == (FaultCode.DOOR_OPEN, "shut again")
    now = time.monotonic
    monkeypatch.setattr("time.monotonic", lambda: now() + DOOR_TOLD_S)
    assert board.poll().fault is None


def test_the_lamp_is_on_while_somebody_is_there_or_served(
    far_end: VirtualBoard, board: ContactBoard
) -> None:
    assert far_end.orders == [(0, False)], "whatever it was before"
    far_end.inputs[1] = True
    board.poll()
    board.visit(True)
    assert far_end.outputs[0] and far_end.orders[1:] == [(0, True)], "told once"
    far_end.inputs[1] = False
    board.poll()
    assert far_end.outputs[0], "a visit runs"
    board.visit(False)
    assert not far_end.outputs[0]


def test_who_comes_is_counted(far_end: VirtualBoard, board: ContactBoard) -> None:
    for present in (True, True, False, True):
        far_end.inputs[1] = present
        board.poll()
    assert board.poll().counters == {"approaches": 2}


def test_the_watchdog_hears_a_change_each_time(far_end: VirtualBoard, board: ContactBoard) -> None:
    for _ in range(3):
        board.alive()
        board.poll()
    assert [on for line, on in far_end.orders if line == 3] == [True, False, True]


def test_an_inverted_line_is_the_other_way_round(far_end: VirtualBoard) -> None:
    lines = parse_lines({"door": "!in2", "lamp": "!out1"})
    assert lines == {"door": BoardLine(2, True), "lamp": BoardLine(1, True)}
    board = ContactBoard(far_end.port, 9600, 255, lines)
    board.open()
    assert far_end.outputs[1], "the lamp is off"
    assert board.poll().fault is None
    far_end.inputs[2] = True
    assert board.poll().fault is FaultCode.DOOR_OPEN
    board.visit(True)
    assert not far_end.outputs[1]
    board.close()


@pytest.mark.parametrize(
    ("manner", "detail"),
    [
        ("mute", "no answer"),
        ("refuses", "refused 02"),
        ("spoilt", "checksum"),
        ("other", "answer of another"),
    ],
)
def test_a_board_that_does_not_answer_right(
    far_end: VirtualBoard, board: ContactBoard, manner: str, detail: str
) -> None:
    setattr(far_end, manner, True)
    assert fault_of(board) == (FaultCode.CONTACTS_OFFLINE, detail)


@pytest.mark.parametrize("said", [b"\xff", b"\xff\x02", b"\xff\x02\x01", b"garbage is here"])
def test_half_an_answer_is_a_fault(far_end: VirtualBoard, board: ContactBoard, said: bytes) -> None:
    far_end._say = lambda body: far_end.send(said)  # type: ignore[method-assign]
    assert fault_of(board)[0] is FaultCode.CONTACTS_OFFLINE


def test_a_board_that_comes_back_is_told_its_lamp_again(
    far_end: VirtualBoard, board: ContactBoard
) -> None:
    board.visit(True)
    far_end.unplug()
    assert fault_of(board)[0] is FaultCode.CONTACTS_OFFLINE
    far_end.outputs = [False] * 8
    far_end.plug()
    board.open()
    assert far_end.outputs[0]


def test_a_board_that_another_program_holds(far_end: VirtualBoard, board: ContactBoard) -> None:
    with pytest.raises(DeviceFault) as caught:
        ContactBoard(far_end.port, 9600, 255, LINES).open()
    assert caught.value.code is FaultCode.CONTACTS_BUSY


def test_nothing_of_it_is_printed_where_a_printer_is(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path)
    with pytest.raises(DeviceFault) as caught:
        ContactBoard(printer.port, 9600, 255, LINES).open()
    assert caught.value.code is FaultCode.PORTS_EXCHANGED
    printer.tear_off()
    assert printer.printed() == []
    printer.close()


@pytest.mark.parametrize(
    "given",
    [
        {"door": "out0"},
        {"lamp": "in0"},
        {"bell": "in0"},
        {"door": "0"},
        {"door": "in32"},
        {"door": 1},
    ],
)
def test_lines_that_cannot_be_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="contacts_lines"):
        parse_lines(given)
