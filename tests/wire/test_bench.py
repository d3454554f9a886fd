"""The bench as the demo runs it: a process of its own, moved over its socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hardware.camera import Camera
from hardware.faults import DeviceFault, FaultCode
from hardware.id_reader import IdReader
from hardware.paper import Text
from hardware.printer import ReceiptPrinter
from hardware.sam import SerialSam
from hardware.virtual.client import BenchClient, BenchError
from hardware.virtual.personas import ID_PERSONAS
from kiosk.demo.processes import leash


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bench")
    words = [sys.executable, "-m", "hardware.virtual", "--state", str(folder), "--card-port", "9"]
    process = subprocess.Popen([*leash(), *words])
    until = time.monotonic() + 20
    while not (folder / "bench.json").exists():
        assert process.poll() is None, "the bench ended"
        assert time.monotonic() < until, "the bench does not come up"
        time.sleep(0.05)
    yield folder
    process.terminate()
    assert process.wait(10) == 0
    assert not (folder / "bench.sock").exists()


@pytest.fixture
def bench(state: Path) -> BenchClient:
    return BenchClient(state / "bench.sock")


def wires(state: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((state / "bench.json").read_text())
    return found


def test_a_card_put_on_the_bench_is_read_by_the_driver(state: Path, bench: BenchClient) -> None:
    reader = IdReader(SerialSam(wires(state)["id_reader"]))
    reader.open()
    bench.do("id", "put", "zhang")
    assert bench.do("state")["id"] == "zhang"
    card = reader.read(lambda: False, lambda step: None, fresh=False)
    assert card.name == ID_PERSONAS["zhang"].name
    bench.do("id", "lift")
    reader.close()


def test_paper_emptied_on_the_bench_is_out_at_the_driver(state: Path, bench: BenchClient) -> None:
    printer = ReceiptPrinter(wires(state)["printer"])
    printer.open()
    bench.do("paper", "out")
    with pytest.raises(DeviceFault) as caught:
        printer.print((Text("回执"),), "a1")
    assert caught.value.code is FaultCode.PRINTER_PAPER_OUT
    bench.do("paper", "load")
    printer.print((Text("回执"),), "a1")
    printer.close()
    (piece,) = bench.do("printed")["printed"]
    assert piece["text"] == "回执\n"
    assert Path(piece["png"]).is_file()


def test_what_is_done_to_the_camera_on_the_bench_is_seen_by_the_driver(
    state: Path, bench: BenchClient
) -> None:
    driver = Camera(wires(state)["camera"])
    bench.do("camera", "code", "ESSC-0001")
    assert bench.do("state")["scene"] == "code"
    assert driver.scan(lambda: False, lambda look: None).take() == "ESSC-0001"
    with closing(driver.frames(lambda: False)) as frames:
        bench.do("camera", "cover")
        until = time.monotonic() + 3
        while next(frames).rgb.max() > 8:
            assert time.monotonic() < until
        bench.do("camera", "uncover")
        while next(frames).rgb.max() <= 8:
            assert time.monotonic() < until
        bench.do("camera", "stick")
        for _ in range(5):  # those that were on their way
            last = next(frames)
        assert (next(frames).rgb == last.rgb).all()
        bench.do("camera", "unstick")
        while (next(frames).rgb == last.rgb).all():
            assert time.monotonic() < until


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("id", "put", "nobody"), "no persona nobody"),
        (("id", "put"), "wrong number of words"),
        (("dance",), "unknown: dance"),
        (("hsm", "away"), "no HSM"),
        (("camera", "scene", "beach"), "no scene beach"),
        (("camera", "code", ""), "1 to 300 bytes"),
        (("camera", "code", "x" * 301), "1 to 300 bytes"),
        (("paper", "out-after", "soon"), "not a number"),
        (("card", "pull-after", "-1"), "not a number"),
        (("card", "tap", "third"), "has no contactless reader"),
        (("psam", "insert"), "has no slot for a PSAM"),
    ],
)
def test_what_the_bench_cannot_do_is_said(
    bench: BenchClient, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(BenchError, match=said):
        bench.do(*words)


@pytest.mark.parametrize("line", [b"\n", b"{\n", b"[]\n", b'{"verb": 3, "args": [{}]}\n'])
def test_nonsense_on_the_socket_is_answered_and_does_no_harm(
    state: Path, bench: BenchClient, line: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(state / "bench.sock"))
        connection.sendall(line)
        answer = json.loads(connection.makefile().readline())
    assert answer["ok"] is False
    assert bench.do("state")["ok"]


def test_the_socket_is_for_the_owner_alone(state: Path) -> None:
    assert (state / "bench.sock").stat().st_mode & 0o077 == 0
