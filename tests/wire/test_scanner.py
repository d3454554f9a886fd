"""The 2D scanner over a real pty: somebody else's code, half a code, two at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from hardware.camera import Camera
from hardware.codes import CodeSpent, OneTimeCode
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.scanner import Scanner, ScanStep
from hardware.virtual.camera import VirtualCamera
from hardware.virtual.scanner import VirtualScanner
from kiosk.operations.scanner import CodeView, Sight


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.scanner._SILENCE_S", 0.05)
    monkeypatch.setattr("hardware.scanner._LOOK_S", 0.02)


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

        def drop_and_say() -> None:
            drop()
            dropped.set()

        scanner._drop = drop_and_say  # type: ignore[method-assign]
        self.future: Future[OneTimeCode] = ThreadPoolExecutor(1).submit(
            scanner.read, self.cancel.is_set, self.steps.append
        )
        assert dropped.wait(5), "what came before is dropped by now"

    def text(self) -> str:
        return self.future.result(5).take()


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


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
        reading.future.result(5)


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
        reading.future.result(5)
    noise.set()
    thread.join()


def test_an_unplugged_scanner_is_offline_until_it_is_back(
    far_end: VirtualScanner, scanner: Scanner
) -> None:
    reading = Reading(scanner)
    far_end.unplug()
    with pytest.raises(DeviceFault) as caught:
        reading.future.result(5)
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
