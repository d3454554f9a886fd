"""The 2D scanner over a real pty: somebody else's code, half a code, two at once."""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hardware.camera import Camera
from hardware.codes import CodeSpent, OneTimeCode
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.input_events import hold
from hardware.scanner import Scanner, ScanStep
from hardware.virtual.camera import VirtualCamera
from hardware.virtual.scanner import VirtualScanner
from kiosk.operations.scanner import CodeView, Sight
from tests.patience import eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.scanner._SILENCE_S", 0.05)
    monkeypatch.setattr("hardware.scanner._LOOK_S", 0.02)
    # On a busy machine the virtual camera takes its time.
    monkeypatch.setattr("hardware.camera._FRAME_S", 20.0)


@pytest.fixture
def far_end() -> Iterator[VirtualScanner]:
    virtual = VirtualScanner()
    yield virtual
    virtual.close()


@pytest.fixture
def scanner(far_end: VirtualScanner) -> Iterator[Scanner]:
    driver = Scanner(far_end.port)
    driver.open()
    yield driver
    driver.close()


class Reading:
    """A reading under way on a thread of its own, and the steps it reported."""

    def __init__(self, scanner: Scanner) -> None:
        self.steps: list[ScanStep] = []
        self.cancel = threading.Event()
        dropped, drop = threading.Event(), scanner._drop

        def drop_and_say(cancelled: Callable[[], bool]) -> None:
            drop(cancelled)
            dropped.set()

        scanner._drop = drop_and_say  # type: ignore[method-assign]
        self.future: Future[OneTimeCode] = ThreadPoolExecutor(1).submit(
            scanner.read, self.cancel.is_set, self.steps.append
        )
        assert dropped.wait(20), "what came before is dropped by now"

    def text(self) -> str:
        return self.future.result(20).take()


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"", b"\x03", b"\t\r\n"])
def test_a_code_is_read_however_the_scanner_ends_it(end: bytes) -> None:
    virtual = VirtualScanner(end=end)
    driver = Scanner(virtual.port)
    driver.open()
    reading = Reading(driver)
    virtual.scan("SSC:电子社保卡/1")
    assert reading.text() == "SSC:电子社保卡/1"
    driver.close()
    virtual.close()


def test_a_code_that_was_shown_before_is_nobodys(far_end: VirtualScanner, scanner: Scanner) -> None:
    far_end.scan("the citizen before")
    reading = Reading(scanner)
    far_end.scan("mine")
    assert reading.text() == "mine"
    assert reading.steps == []


def test_the_end_of_a_code_that_came_too_early_is_no_code(
    far_end: VirtualScanner, scanner: Scanner
) -> None:
    far_end.send(b"first ha")
    reading = Reading.__new__(Reading)
    thread = threading.Timer(0.02, far_end.send, (b"lf\r",))
    thread.start()
    Reading.__init__(reading, scanner)
    far_end.scan("mine")
    assert reading.text() == "mine"


@pytest.mark.parametrize("types", [False, True], ids=["serial", "keyboard"])
def test_the_end_of_a_code_that_comes_slowly_is_no_code_either(
    types: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scanners can be set to type as slowly as people. After ten silences' time the rest was taken
    for the next citizen's code."""
    scanner: Scanner = request.getfixturevalue("typed" if types else "scanner")
    far_end = request.getfixturevalue("keys" if types else "far_end")
    says = far_end.type if types else lambda text: far_end.send(text.encode())
    monkeypatch.setattr("hardware.scanner._SILENCE_S", 0.02)
    read, left = scanner._line.read, list("S" * 15 + "\r")

    def slow(count: int, timeout_s: float) -> bytes:
        if left:
            says(left.pop(0))
        return read(count, timeout_s)

    monkeypatch.setattr(scanner._line, "read", slow)
    reading = Reading(scanner)
    monkeypatch.setattr("hardware.scanner._SILENCE_S", 0.5)
    says("mine\r")
    assert reading.text() == "mine"
    assert (reading.steps, left) == ([], [])


def test_the_same_text_is_handed_on_once(far_end: VirtualScanner, scanner: Scanner) -> None:
    first = Reading(scanner)
    far_end.send(b"again\ragain\r")
    assert first.text() == "again"
    second = Reading(scanner)
    far_end.scan("again")
    eventually(lambda: second.steps == [ScanStep.REFRESH])
    far_end.scan("new")
    assert second.text() == "new"
    with pytest.raises(CodeSpent):
        second.future.result().take()


@pytest.mark.parametrize(
    "said",
    [b"one\rother\r", b"\xff\xfe\r", b"bell\x07\r", b"x" * 513 + b"\r", b"y" * 5000, b"a\0b\r"],
)
def test_what_is_no_text_of_one_code_is_not_passed_on(
    far_end: VirtualScanner, scanner: Scanner, said: bytes
) -> None:
    reading = Reading(scanner)
    far_end.send(said)
    eventually(lambda: ScanStep.OTHER_CODE in reading.steps)
    assert not reading.future.done()
    far_end.scan("mine")
    assert reading.text() == "mine"


def test_nobody_waits_any_more(scanner: Scanner) -> None:
    reading = Reading(scanner)
    reading.cancel.set()
    with pytest.raises(NotWanted):
        reading.future.result(20)


def test_a_scanner_that_never_falls_silent_lets_go(
    far_end: VirtualScanner, scanner: Scanner
) -> None:
    reading = Reading(scanner)
    far_end.send(b"z" * 300)
    noise = threading.Event()

    def chatter() -> None:
        while not noise.wait(0.01):
            far_end.send(b"z" * 50)

    thread = threading.Thread(target=chatter, daemon=True)
    thread.start()
    reading.cancel.set()
    with pytest.raises(NotWanted):
        reading.future.result(20)
    noise.set()
    thread.join()


def test_an_unplugged_scanner_is_offline_until_it_is_back(
    far_end: VirtualScanner, scanner: Scanner
) -> None:
    reading = Reading(scanner)
    far_end.unplug()
    with pytest.raises(DeviceFault) as caught:
        reading.future.result(20)
    assert caught.value.code is FaultCode.SCANNER_OFFLINE
    with pytest.raises(DeviceFault):
        scanner.poll()
    with pytest.raises(DeviceFault):
        scanner.open()
    far_end.plug()
    scanner.open()
    assert scanner.poll().counters == {"scans": 0}


def test_a_port_that_another_program_holds_is_busy(
    far_end: VirtualScanner, scanner: Scanner
) -> None:
    with pytest.raises(DeviceFault) as caught:
        Scanner(far_end.port).open()
    assert caught.value.code is FaultCode.SCANNER_BUSY


# -- a scanner that types --------------------------------------------------------------------------


#: Character -> key, as the kernel's input.h numbers them, and whether with shift.
KEYS = {
    **dict(zip("1234567890", [(code, False) for code in range(2, 12)], strict=True)),
    "-": (12, False), "|": (43, True), "q": (16, False), "S": (31, True), "C": (46, True),
    "m": (50, False), "i": (23, False), "n": (49, False), "e": (18, False), "a": (30, False),
    ":": (39, True), "/": (53, False), "_": (12, True), "?": (53, True), "]": (27, False),
    "\\": (43, False), "`": (41, False), "\r": (28, False),
}  # fmt: skip


class Keys:
    """The far end of an input device: events as the kernel writes them."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        # Both ends: opening it to write only would wait for the driver.
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def event(self, kind: int, code: int, value: int) -> None:
        os.write(self._file, struct.pack("@qqHHi", 1, 2, kind, code, value) + bytes(24))

    def press(self, code: int, shifted: bool = False) -> None:
        if shifted:
            self.event(1, 42, 1)
        self.event(4, 4, 0x70000 + code)
        self.event(1, code, 1)
        self.event(1, code, 2)
        self.event(1, code, 0)
        if shifted:
            self.event(1, 42, 0)

    def type(self, text: str) -> None:
        for character in text:
            self.press(*KEYS[character])

    def close(self) -> None:
        os.close(self._file)


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    monkeypatch.setattr("hardware.scanner.INPUT_DEVICES", str(tmp_path))
    monkeypatch.setattr("hardware.keyboard_line.hold", lambda file: None)
    far_end = Keys(str(tmp_path / "event7"))
    yield far_end
    far_end.close()


@pytest.fixture
def typed(keys: Keys, tmp_path: Path) -> Iterator[Scanner]:
    driver = Scanner(str(tmp_path / "event7"))
    driver.open()
    yield driver
    driver.close()


def test_a_scanner_that_types_is_read_with_its_capitals_and_signs(
    keys: Keys, typed: Scanner
) -> None:
    reading = Reading(typed)
    keys.type("SSC|1234567890-_mine?/:]\\`\r")
    assert reading.text() == "SSC|1234567890-_mine?/:]\\`"


def test_what_was_typed_before_is_nobodys_and_half_of_it_no_code(
    keys: Keys, typed: Scanner
) -> None:
    keys.type("SSC|\r")
    typed.poll()
    keys.type("SS")
    reading = Reading(typed)
    keys.type("mine\r")
    assert reading.text() == "mine"
    assert reading.steps == []


def test_a_keyboard_that_types_without_end_lets_go(
    keys: Keys, typed: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.read

    def endless(file: int, count: int) -> bytes:
        said = read(file, count)
        os.write(keys._file, said)
        return said

    keys.press(30)
    monkeypatch.setattr("os.read", endless)
    typed.poll()


@pytest.mark.parametrize(
    "disturb",
    [
        lambda keys: keys.event(0, 3, 0),  # SYN_DROPPED: the kernel lost some
        lambda keys: keys.press(59),  # F1
        lambda keys: keys.press(14),  # rubs out what was before
        lambda keys: keys.press(29),  # control
    ],
)
def test_a_code_of_which_a_key_is_missing_is_none(
    keys: Keys, typed: Scanner, disturb: Callable[[Keys], None]
) -> None:
    reading = Reading(typed)
    keys.type("SSC|")
    disturb(keys)
    keys.type("1234\r")
    eventually(lambda: ScanStep.OTHER_CODE in reading.steps)
    keys.type("mine\r")
    assert reading.text() == "mine"


def test_shift_that_was_lost_is_not_held_for_ever(keys: Keys, typed: Scanner) -> None:
    keys.event(1, 54, 1)
    keys.event(0, 3, 0)
    reading = Reading(typed)
    keys.type("mine\r")
    assert reading.text() == "mine"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EBUSY, FaultCode.SCANNER_BUSY), (errno.ENOTTY, FaultCode.SCANNER_OFFLINE)],
)
def test_a_keyboard_that_cannot_be_held_alone_is_not_listened_to(
    keys: Keys,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: FaultCode,
) -> None:
    def refused(file: int) -> None:
        raise OSError(number, "")

    monkeypatch.setattr("hardware.keyboard_line.hold", refused)
    driver = Scanner(str(tmp_path / "event7"))
    with pytest.raises(DeviceFault) as caught:
        driver.open()
    assert caught.value.code is code
    with pytest.raises(DeviceFault) as caught:
        driver.poll()
    assert caught.value.code is FaultCode.SCANNER_OFFLINE


def test_what_is_no_input_device_cannot_be_held(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file, pytest.raises(OSError):
        hold(file.fileno())


def test_a_scanner_that_types_and_is_pulled_out_is_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.scanner.INPUT_DEVICES", str(tmp_path))
    monkeypatch.setattr("hardware.keyboard_line.hold", lambda file: None)
    driver = Scanner(str(tmp_path / "none"))
    with pytest.raises(DeviceFault) as caught:
        driver.open()
    assert caught.value.code is FaultCode.SCANNER_OFFLINE
    keys = Keys(str(tmp_path / "event7"))
    driver = Scanner(str(tmp_path / "event7"))
    driver.open()
    keys.close()
    with pytest.raises(DeviceFault) as caught:
        driver.poll()
    assert caught.value.code is FaultCode.SCANNER_OFFLINE
    driver.close()


# -- the camera as a scanner -----------------------------------------------------------------------


def test_without_a_scanner_the_camera_reads_the_code() -> None:
    camera = VirtualCamera()
    camera.show_code("old")
    views: list[CodeView] = []
    steps: list[ScanStep] = []

    def report(event: Any) -> None:
        if isinstance(event, CodeView):
            views.append(event)
            if len(views) == 3:
                camera.show_code("mine")
        else:
            steps.append(event)

    reader = Sight(Camera(camera.url))
    assert reader.read(lambda: False, report).take() == "old"
    assert reader.read(lambda: False, report).take() == "mine"
    assert steps == [], "what was said of a code holds while it is still held there"
    assert (views[0].width, views[0].height, len(views[0].rgb)) == (1280, 720, 1280 * 720 * 3)
    again = Sight(reader._camera)
    looks = len(views) + 2
    with pytest.raises(NotWanted):
        again.read(lambda: len(views) > looks, report)
    assert set(steps) == {ScanStep.REFRESH}, "of the visit before"
    camera.close()
