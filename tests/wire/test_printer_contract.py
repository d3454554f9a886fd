"""What a receipt printer has to do, whatever is at the other end of its line.

The driver passes the same tests against our virtual printer and against emupos, a simulator that
nobody here wrote.

emupos needs a newer Python than the terminal and so an environment of its own, which is made here
where such a Python is found (in PATH, or among pyenv's); `KIOSK_EMUPOS` names one that is there
already. Otherwise its tests are skipped and say so.

emupos has no Chinese font. Its text of a receipt is code page 437, cell by cell, from which the
bytes that it was sent, and so their GB18030 text, come back.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from hardware.faults import DeviceFault, FaultCode
from hardware.layout import PrintLine, lay_out
from hardware.paper import Pair, Qr, Receipt, Rule, Text
from hardware.printer import ReceiptPrinter
from hardware.supervision import DeviceState
from hardware.virtual.printer import VirtualPrinter
from kiosk.demo.processes import leash
from kiosk.demo.smartcard import free_port
from tests.patience import eventually

#: The first test installs it.
pytestmark = pytest.mark.timeout(420)

#: Debian 12 has no Python that is new enough for emupos.
FAR_ENDS = ["virtual", pytest.param("emupos", marks=pytest.mark.optional)]

VERSION = "0.4.0"

RECEIPT: Receipt = (
    Text("唐山市社会保障卡自助服务", align="center"),
    Rule(),
    *(Pair(f"第{n}项：", f"￥{n}.00 ①〇·") for n in range(1, 41)),
    Text("请妥善保管本回执，凭回执号码查询办理进度；如有疑问，请到窗口咨询或拨打电话。"),
)
NEXT: Receipt = (Text("下一位的回执"),)

#: What happens to a printer -> what it is to us.
FAULTS = {
    "paper-near-end": (DeviceState.WARNING, FaultCode.PRINTER_PAPER_NEAR_END),
    "paper-out": (DeviceState.FAULT, FaultCode.PRINTER_PAPER_OUT),
    "cover-open": (DeviceState.FAULT, FaultCode.PRINTER_COVER_OPEN),
    "offline": (DeviceState.FAULT, FaultCode.PRINTER_OFFLINE),
}


class FarEnd(Protocol):
    """A printer as a person stands before it."""

    @property
    def port(self) -> str: ...

    def fault(self, name: str) -> None:
        """One of `FAULTS` happens to it."""

    def mend(self, name: str) -> None:
        """It is put right."""

    def receipts(self) -> list[str]:
        """Text of every piece of paper that this test had cut off, oldest first."""


class Virtual:
    """Ours."""

    def __init__(self, printer: VirtualPrinter) -> None:
        self._printer = printer
        self.port = printer.port

    def fault(self, name: str) -> None:
        {
            "paper-near-end": self._printer.near_end,
            "paper-out": self._printer.run_out,
            "cover-open": self._printer.open_cover,
            "offline": self._printer.go_offline,
        }[name]()

    def mend(self, name: str) -> None:
        {
            "paper-near-end": self._printer.load,
            "paper-out": self._printer.load,
            "cover-open": self._printer.close_cover,
            "offline": lambda: self._printer.go_offline(False),
        }[name]()

    def receipts(self) -> list[str]:
        return [piece.text for piece in self._printer.printed()]


@dataclass
class Emupos:
    """Another's: its port, its folder of receipts, and where it is told what happens to it."""

    port: str
    folder: Path
    api: str

    def fault(self, name: str) -> None:
        self._tell(name, "PUT")

    def mend(self, name: str) -> None:
        self._tell(name, "DELETE")

    def _tell(self, name: str, method: str) -> None:
        request = urllib.request.Request(f"{self.api}/devices/rcpt/faults/{name}", method=method)
        urllib.request.urlopen(request, timeout=5).close()

    def fresh(self) -> None:
        """Forget the faults and the receipts of the test before."""
        for name in FAULTS:
            self.mend(name)
        for file in self.folder.glob("*.*"):
            file.unlink()

    def receipts(self) -> list[str]:
        """Text of every piece of paper that this test had cut off, oldest first."""
        return [_chinese(file) for file in sorted(self.folder.glob("*.txt"))]


def _chinese(file: Path) -> str:
    return file.read_text(encoding="utf-8").encode("cp437").decode("gb18030")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The simulator, installed now if it has to be."""
    if found := os.environ.get("KIOSK_EMUPOS") or shutil.which("emupos"):
        return found
    python = _new_python()
    if python is None:
        pytest.skip("no Python 3.13 or later for emupos, and KIOSK_EMUPOS does not name it")
    folder = tmp_path_factory.mktemp("emupos")
    # Our own pip installs into it: an environment with a pip takes several seconds more to make.
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    install = [*pip, "install", "--quiet", "--no-compile", f"emupos=={VERSION}"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"emupos {VERSION} cannot be installed: {done.stderr.strip()[-200:]}")
    return str(folder / "bin/emupos")


def _new_python() -> str | None:
    """An interpreter that is new enough, if this machine has one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(13, 20):
        candidates = [shutil.which(f"python3.{minor}"), *versions.glob(f"3.{minor}*/bin/python")]
        for candidate in filter(None, candidates):
            asked = subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info >= (3, 13))"],
                capture_output=True,
                text=True,
                timeout=20,
            )
            if asked.stdout.strip() == "True":
                return str(candidate)
    return None


@pytest.fixture(scope="module")
def running(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emupos]:
    """The simulator as a process, for all tests: its start takes longer than they do."""
    folder = tmp_path_factory.mktemp("simulator")
    api_port = free_port()
    (folder / "emupos.yaml").write_text(
        "schema: 1\n"
        f"api: {{ host: 127.0.0.1, port: {api_port} }}\n"
        "devices:\n"
        "  - { id: rcpt, type: printer, profile: xprinter-xp80t,"
        " connections: [ { serial: { pty: true, link: rcpt } } ] }\n"
    )
    environment = os.environ | {"TMPDIR": str(folder)}
    with (folder / "emupos.log").open("w") as log:
        process = subprocess.Popen(
            [*leash(), program, "run"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    link = folder / "emupos" / "rcpt"
    eventually(link.exists, 60)
    yield Emupos(str(link), folder / "receipts", f"http://127.0.0.1:{api_port}/api/v1")
    process.terminate()
    process.wait(10)


@pytest.fixture
def emupos(running: Emupos, monkeypatch: pytest.MonkeyPatch) -> Emupos:
    # A printer answers at once; this program may have to load what it draws codes with first.
    monkeypatch.setattr("hardware.printer._STATUS_S", 10.0)
    eventually(lambda: _answers(running.api), 60)
    running.fresh()
    return running


def _answers(api: str) -> bool:
    try:
        urllib.request.urlopen(f"{api}/devices", timeout=5).close()
    except OSError:
        return False
    return True


@pytest.fixture
def virtual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Virtual]:
    # It answers from a thread of this process, which a busy machine may keep waiting.
    monkeypatch.setattr("hardware.printer._STATUS_S", 5.0)
    printer = VirtualPrinter(tmp_path / "receipts", line_s=0.005)
    yield Virtual(printer)
    printer.close()


@pytest.fixture(params=FAR_ENDS)
def far_end(request: pytest.FixtureRequest) -> FarEnd:
    found: FarEnd = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def printer(far_end: FarEnd) -> Iterator[ReceiptPrinter]:
    driver = ReceiptPrinter(far_end.port)
    # The port may be there before anybody listens on it.
    eventually(lambda: _opens(driver), 60)
    yield driver
    driver.close()


def _opens(driver: ReceiptPrinter) -> bool:
    try:
        driver.open()
    except DeviceFault:
        return False
    return True


def after_pieces(printer: ReceiptPrinter, pieces: int, happens: Callable[[], None]) -> None:
    """It happens when so many pieces of a receipt were sent, beside the sending of the others. By
    then the first are on paper: the driver sends no more than the printer may hold."""
    look, counted = printer._must_print, itertools.count(1)

    def looking() -> None:
        if next(counted) == pieces:
            threading.Thread(target=happens).start()
        look()

    printer._must_print = looking  # type: ignore[method-assign]


def test_what_is_printed_is_what_was_sent(far_end: FarEnd, printer: ReceiptPrinter) -> None:
    printer.print((*RECEIPT, Qr("13029926112400015")), "a1")
    eventually(lambda: len(far_end.receipts()) == 1)
    expected = [line.text.rstrip() for line in lay_out(RECEIPT, 48) if isinstance(line, PrintLine)]
    *printed, code = [line.rstrip() for line in far_end.receipts()[0].rstrip().split("\n")]
    assert printed == expected
    assert code.lower() == "[qr 13029926112400015]"


@pytest.mark.parametrize("name", FAULTS)
def test_what_happens_to_it_has_its_name(
    far_end: FarEnd, printer: ReceiptPrinter, name: str
) -> None:
    assert printer.poll().state is DeviceState.READY
    far_end.fault(name)
    found = printer.poll()
    assert (found.state, found.fault) == FAULTS[name]
    far_end.mend(name)
    assert printer.poll().state is DeviceState.READY


def test_paper_near_its_end_is_still_printed_on(far_end: FarEnd, printer: ReceiptPrinter) -> None:
    threading.Timer(0.02, far_end.fault, ["paper-near-end"]).start()
    printer.print(RECEIPT, "a1")
    eventually(lambda: len(far_end.receipts()) == 1)
    assert "请妥善保管" in far_end.receipts()[0]


@pytest.mark.parametrize("name", ["paper-out", "cover-open", "offline"])
def test_a_receipt_broken_off_leaves_nothing_for_the_next_citizen(
    far_end: FarEnd, printer: ReceiptPrinter, name: str
) -> None:
    after_pieces(printer, 20, lambda: far_end.fault(name))
    with pytest.raises(DeviceFault) as caught:
        printer.print(RECEIPT * 20, "a1")
    assert caught.value.code is FAULTS[name][1]
    far_end.mend(name)
    if printer.poll().fault is FaultCode.PRINTER_UNCLEARED:
        # It did not confirm that it has forgotten: staff takes away what is left.
        printer.print((Text("测试页"),), "staff", by_staff=True)
        eventually(lambda: "测试页" in far_end.receipts()[-1])
    before = len(far_end.receipts())
    printer.print(NEXT, "a2")
    eventually(lambda: len(far_end.receipts()) > before)
    begun, *_, next_one = far_end.receipts()
    assert 0 < begun.count("第1项：") < 20
    assert next_one.strip() == "下一位的回执"
