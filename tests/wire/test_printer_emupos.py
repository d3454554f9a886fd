"""The receipt printer against emupos, a printer simulator that nobody here wrote.

It needs a newer Python than the terminal and so an environment of its own, which is made here where
such a Python is found (in PATH, or among pyenv's); `KIOSK_EMUPOS` names one that is there already.
Otherwise these tests are skipped and say so.

emupos has no Chinese font. Its text of a receipt is code page 437, cell by cell, from which the
bytes that it was sent, and so their GB18030 text, come back.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.faults import DeviceFault, FaultCode
from hardware.layout import Line, lay_out
from hardware.paper import Pair, Qr, Receipt, Rule, Text
from hardware.printer import ReceiptPrinter
from hardware.supervision import DeviceState

pytestmark = [
    pytest.mark.optional,  # Debian 12 has no Python that is new enough for emupos
    pytest.mark.timeout(420),  # the first test installs it
]

VERSION = "0.4.0"

RECEIPT: Receipt = (
    Text("唐山市社会保障卡自助服务", align="center"),
    Rule(),
    *(Pair(f"第{n}项：", f"￥{n}.00 ①〇·") for n in range(1, 41)),
    Text("请妥善保管本回执，凭回执号码查询办理进度；如有疑问，请到窗口咨询或拨打电话。"),
)
NEXT: Receipt = (Text("下一位的回执"),)

#: Its faults -> what they are to us.
FAULTS = {
    "paper-near-end": (DeviceState.WARNING, FaultCode.PRINTER_PAPER_NEAR_END),
    "paper-out": (DeviceState.FAULT, FaultCode.PRINTER_PAPER_OUT),
    "cover-open": (DeviceState.FAULT, FaultCode.PRINTER_COVER_OPEN),
    "offline": (DeviceState.FAULT, FaultCode.PRINTER_OFFLINE),
}


@dataclass
class Emupos:
    """One simulated printer: its port, its folder of receipts, and its faults."""

    port: str
    folder: Path
    api: str

    def fault(self, name: str, method: str = "PUT") -> None:
        request = urllib.request.Request(f"{self.api}/devices/rcpt/faults/{name}", method=method)
        urllib.request.urlopen(request, timeout=5).close()

    def fresh(self) -> None:
        """Forget the faults and the receipts of the test before."""
        for name in FAULTS:
            self.fault(name, "DELETE")
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
    with socket.create_server(("127.0.0.1", 0)) as probe:
        api_port = probe.getsockname()[1]
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
            [program, "run"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    link = folder / "emupos" / "rcpt"
    eventually(link.exists, 30)
    yield Emupos(str(link), folder / "receipts", f"http://127.0.0.1:{api_port}/api/v1")
    process.terminate()
    process.wait(10)


@pytest.fixture
def emupos(running: Emupos) -> Emupos:
    eventually(lambda: _answers(running.api), 30)
    running.fresh()
    return running


def _answers(api: str) -> bool:
    try:
        urllib.request.urlopen(f"{api}/devices", timeout=5).close()
    except OSError:
        return False
    return True


@pytest.fixture
def printer(emupos: Emupos, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceiptPrinter]:
    # A printer answers at once; this program may have to load what it draws codes with first.
    monkeypatch.setattr("hardware.printer._STATUS_S", 10.0)
    driver = ReceiptPrinter(emupos.port)
    # Its port is there before it listens on it.
    eventually(lambda: _opens(driver), 30)
    yield driver
    driver.close()


def _opens(driver: ReceiptPrinter) -> bool:
    try:
        driver.open()
    except DeviceFault:
        return False
    return True


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def test_what_another_printer_prints_is_what_was_sent(
    emupos: Emupos, printer: ReceiptPrinter
) -> None:
    printer.print((*RECEIPT, Qr("13029926112400015")), "a1")
    eventually(lambda: len(emupos.receipts()) == 1)
    expected = [line.text.rstrip() for line in lay_out(RECEIPT, 48) if isinstance(line, Line)]
    printed = [line.rstrip() for line in emupos.receipts()[0].rstrip().split("\n")]
    assert printed == [*expected, "[qr 13029926112400015]"]


@pytest.mark.parametrize("name", FAULTS)
def test_its_faults_have_their_names(emupos: Emupos, printer: ReceiptPrinter, name: str) -> None:
    assert printer.poll().state is DeviceState.READY
    emupos.fault(name)
    found = printer.poll()
    assert (found.state, found.fault) == FAULTS[name]
    emupos.fault(name, "DELETE")
    assert printer.poll().state is DeviceState.READY


@pytest.mark.parametrize("name", ["paper-out", "cover-open", "offline"])
def test_a_receipt_broken_off_leaves_nothing_for_the_next_citizen(
    emupos: Emupos, printer: ReceiptPrinter, name: str
) -> None:
    breaker = threading.Timer(0.1, emupos.fault, [name])
    breaker.start()
    with pytest.raises(DeviceFault):
        printer.print(RECEIPT * 20, "a1")
    emupos.fault(name, "DELETE")
    printer.print(NEXT, "a2")
    eventually(lambda: len(emupos.receipts()) >= 2)
    begun, next_one = emupos.receipts()
    assert 0 < begun.count("第1项：") < 20
    assert next_one.strip() == "下一位的回执"
