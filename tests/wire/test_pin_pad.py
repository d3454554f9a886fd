"""The PIN pad over a real pty: digits while they are asked for, masks never taken for digits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.pin_pad import PinPad
from hardware.virtual.pin_pad import VirtualPinPad
from hardware.virtual.printer import VirtualPrinter
from tests.patience import PATIENCE_S, eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.pin_pad._ANSWER_S", 1.0)
    monkeypatch.setattr("hardware.pin_pad._REST_S", 0.5)
    monkeypatch.setattr("hardware.pin_pad._LOOK_S", 0.02)
    monkeypatch.setattr("hardware.port_proof._WHO_S", 0.2)


@pytest.fixture
def far_end() -> Iterator[VirtualPinPad]:
    virtual = VirtualPinPad()
    yield virtual
    virtual.close()


@pytest.fixture
def pad(far_end: VirtualPinPad) -> Iterator[PinPad]:
    driver = PinPad(far_end.port)
    driver.open()
    yield driver
    driver.close()


class Typing:
    """Somebody types, on a thread of their own."""

    def __init__(self, pad: PinPad, far_end: VirtualPinPad) -> None:
        self.keys: list[str] = []
        self.cancel = threading.Event()
        self.future: Future[None] = ThreadPoolExecutor(1).submit(
            pad.keys, self.cancel.is_set, self.keys.append
        )
        eventually(lambda: far_end.on)

    def end(self) -> None:
        self.cancel.set()
        with pytest.raises(NotWanted):
            self.future.result(PATIENCE_S)


def fault_of(act: Callable[[], object]) -> tuple[FaultCode, str]:
    with pytest.raises(DeviceFault) as caught:
        act()
    return caught.value.code, caught.value.detail


def test_frames_are_those_of_the_pads_protocol(far_end: VirtualPinPad, pad: PinPad) -> None:
    frames = far_end.heard.split(b"\x02")[1:]
    assert frames[:2] == [b"0013\x0301", b"0045032\x0333"]
    named = frames[2]
    assert named.startswith(b"0494" + b"3132331B34353608")
    assert (pad.poll().firmware, pad.poll().serial) == ("ZT588", "0042")


def test_keys_are_told_while_they_are_asked_for_and_the_pad_is_off_before_and_after(
    far_end: VirtualPinPad, pad: PinPad
) -> None:
    far_end.press("999999")
    typing = Typing(pad, far_end)
    for keys in ("13", "delete", "5790", "clear", "enter"):
        far_end.press(keys)
    eventually(lambda: typing.keys[-1:] == ["enter"])
    assert typing.keys == ["1", "3", "delete", "5", "7", "9", "0", "clear", "enter"]
    typing.end()
    assert not far_end.on
    pad.poll()


def test_other_keys_and_late_answers_are_no_keys(far_end: VirtualPinPad, pad: PinPad) -> None:
    typing = Typing(pad, far_end)
    far_end.send(b"A#.\x07\x020010\x0302" + b"4")
    eventually(lambda: typing.keys == ["4"])
    typing.end()


def test_its_own_time_limit_does_not_end_the_typing(far_end: VirtualPinPad, pad: PinPad) -> None:
    typing = Typing(pad, far_end)
    far_end.time_out()
    eventually(lambda: far_end.on)
    far_end.press("8")
    eventually(lambda: typing.keys == ["8"])
    typing.end()


@pytest.mark.parametrize("mask", [b"*", b"\xff"])
def test_a_pad_that_encrypts_is_unfit_and_its_masks_are_no_digits(
    far_end: VirtualPinPad, pad: PinPad, mask: bytes
) -> None:
    typing = Typing(pad, far_end)
    far_end.send(mask)
    code, _ = fault_of(lambda: typing.future.result(PATIENCE_S))
    assert code is FaultCode.PIN_PAD_UNFIT
    assert typing.keys == []
    assert fault_of(pad.poll)[0] is FaultCode.PIN_PAD_UNFIT
    far_end.unplug()
    far_end.plug()
    pad.open()
    assert pad.poll().fault is None, "its maker has set it right, perhaps"


@pytest.mark.parametrize(
    ("manner", "detail"),
    [("mute", "no answer"), ("refuses", "refused EF"), ("spoilt", "checksum")],
)
def test_a_pad_that_does_not_answer_right_is_offline(
    far_end: VirtualPinPad, manner: str, detail: str
) -> None:
    setattr(far_end, manner, True)
    driver = PinPad(far_end.port)
    assert fault_of(driver.open) == (FaultCode.PIN_PAD_OFFLINE, detail)
    setattr(far_end, manner, False)
    far_end.unplug()
    far_end.plug()
    driver.open()
    driver.close()


@pytest.mark.parametrize(
    "said", [b"\x02abc", b"\x02999", b"\x02", b"\x020050\x03", b"\x02001000000", b"noise"]
)
def test_broken_frames_are_a_fault_and_nothing_else(
    far_end: VirtualPinPad, pad: PinPad, said: bytes
) -> None:
    far_end.mute = True
    threading.Timer(0.05, far_end.send, (said,)).start()
    assert fault_of(pad.poll)[0] is FaultCode.PIN_PAD_OFFLINE


def test_a_pad_that_is_unplugged_while_somebody_types(far_end: VirtualPinPad, pad: PinPad) -> None:
    typing = Typing(pad, far_end)
    far_end.unplug()
    assert fault_of(lambda: typing.future.result(PATIENCE_S))[0] is FaultCode.PIN_PAD_OFFLINE


def test_a_port_that_another_program_holds(far_end: VirtualPinPad, pad: PinPad) -> None:
    assert fault_of(PinPad(far_end.port).open)[0] is FaultCode.PIN_PAD_BUSY


def test_nothing_of_it_is_printed_where_a_printer_is(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path)
    assert fault_of(PinPad(printer.port).open)[0] is FaultCode.PORTS_EXCHANGED
    printer.tear_off()
    assert printer.printed() == []
    printer.close()
