"""The technician's commands for single devices, on virtual ones: what they say and how they end."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hardware.card.monitor import ReaderState, Seen
from hardware.faults import FaultCode
from hardware.inventory import _cameras, _headset_jacks, _keyboards, _with_a_library
from hardware.virtual.bench import Bench
from hardware.virtual.page_printer import VirtualPagePrinter
from hardware.virtual.personas import ID_PERSONAS
from kiosk.demo.smartcard import free_port
from kiosk.kioskctl import app
from kiosk.kioskctl.cards import changes
from kiosk.words import Words
from tests.system.conftest import environment

ZHANG = ID_PERSONAS["zhang"]


class Table:
    """A bench, and a terminal's settings that name its wires."""

    def __init__(self, state: Path) -> None:
        self.state = state
        port = free_port()
        self.bench = Bench(state, port)
        (state / "settings.toml").write_text(
            'mode = "test"\n[devices]\n'
            f'id_reader = "{self.bench.id_reader.port}"\n'
            f'printer = "{self.bench.printer.port}"\n'
            f'camera = "{self.bench.camera.url}"\n'
            f'card = "direct:{port}"\n'
        )

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--state", str(self.state)])

    def say(self, *words: str) -> dict[str, Any]:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path)
    yield made
    made.bench.close()


def test_a_card_is_read_and_its_holder_masked(table: Table) -> None:
    table.bench.do("card", "insert", "second")
    said = table.say("card", "read", "--wait", "10")
    assert (said["generation"], said["region"], said["name"]) == (2, "130299", "张*国")
    assert said["number"].startswith("130*") and ZHANG.number not in str(said)
    assert table.say("card", "read", "--unmasked")["name"] == ZHANG.name


def test_a_card_in_the_ministry_s_order(table: Table) -> None:
    table.bench.do("card", "insert", "second")
    result = table.run("card", "read", "--ministry")
    assert result.stdout.strip().startswith(f"130299|{ZHANG.number}|")


def test_a_name_that_the_ministry_s_encoding_lacks_is_said_without_the_name(table: Table) -> None:
    table.bench.do("card", "insert", "second-long-name")
    result = table.run("card", "read", "--ministry")
    assert result.exit_code == 2
    assert "GBK" in result.stderr and "阿卜" not in result.output


def test_a_card_is_read_also_where_there_is_no_way_to_its_hsm(table: Table) -> None:
    settings = table.state / "settings.toml"
    settings.write_text(settings.read_text() + 'card_authenticator = "hsm"\n')
    table.bench.do("card", "insert", "third")
    result = table.run("card", "read")
    assert result.exit_code == 0, result.output
    assert "HSM" in result.stderr and "3.00" in result.stdout


def test_a_foreign_card_is_named_with_what_to_do(table: Table) -> None:
    table.bench.do("card", "insert", "foreign")
    result = table.run("card", "read")
    assert result.exit_code == 1
    assert FaultCode.CARD_FOREIGN in result.stderr
    assert Words().say("fault.card_foreign.fix")[:8] in result.stderr


def test_no_card_in_time_is_said(table: Table) -> None:
    result = table.run("card", "read", "--wait", "0.3")
    assert result.exit_code == 1
    assert "nothing was there" in result.stderr


def test_an_id_card_is_read_and_masked(table: Table) -> None:
    table.bench.do("id", "put", "zhang")
    said = table.say("id", "read", "--wait", "10")
    assert (said["kind"], said["name"]) == ("resident", "张*国")
    assert ZHANG.number not in str(said) and set(said["address"]) == {"*"}


def test_a_test_page_comes_out_of_the_printer(table: Table) -> None:
    result = table.run("print", "test")
    assert result.exit_code == 0, result.output
    (page,) = table.bench.printer.printed()
    assert "0123456789" in page.text


def test_a_printer_without_paper_is_named(table: Table) -> None:
    table.bench.do("paper", "out")
    result = table.run("print", "test")
    assert result.exit_code == 1
    assert FaultCode.PRINTER_PAPER_OUT in result.stderr


def test_the_page_comes_out_on_a4(table: Table) -> None:
    paper = VirtualPagePrinter()
    result = table.run("print", "a4", "--where", paper.where)
    assert result.exit_code == 0, result.output
    assert [page[:5] for page in paper.tray] == [b"%PDF-"]
    paper.unplug()
    result = table.run("print", "a4", "--where", paper.where)
    assert (result.exit_code, FaultCode.PAGE_PRINTER_OFFLINE in result.stderr) == (1, True)
    paper.close()


def test_a_picture_is_for_its_owner_alone(table: Table, tmp_path: Path) -> None:
    file = tmp_path / "look.png"
    result = table.run("camera", "snap", str(file), "--after", "0.2")
    assert result.exit_code == 0, result.output
    with Image.open(file) as picture:
        assert picture.size == (1280, 720)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_device_that_is_not_set_has_to_be_named(tmp_path: Path) -> None:
    for device, words in (
        ("id_reader", ("id", "read")),
        ("printer", ("print", "test")),
        ("camera", ("camera", "snap", "x.png")),
    ):
        result = CliRunner().invoke(app, [*words])
        assert result.exit_code == 2
        assert f"name the {device}'s port, or a terminal with --state" in result.stderr


def test_what_is_plugged_in_is_listed_without_touching_it() -> None:
    result = CliRunner().invoke(app, ["devices", "--json"])
    assert result.exit_code == 0
    assert all({"kind", "place", "detail"} == thing.keys() for thing in json.loads(result.stdout))


def test_a_camera_is_named_by_the_path_that_lasts(tmp_path: Path) -> None:
    device = tmp_path / "sys/class/video4linux/video3"
    device.mkdir(parents=True)
    (device / "name").write_text("HD Camera\n")
    (tmp_path / "dev/v4l/by-id").mkdir(parents=True)
    (tmp_path / "dev/video3").touch()
    lasting = tmp_path / "dev/v4l/by-id/usb-HD_Camera-video-index0"
    lasting.symlink_to("../../video3")
    (found,) = _cameras(tmp_path)
    assert (found.place, found.detail) == (str(lasting), "HD Camera")


def test_a_headset_jack_is_listed_by_the_name_that_lasts(tmp_path: Path) -> None:
    for event, switches, name in (
        ("event3", "4", "HDA Intel PCH Front Headphone"),
        ("event4", "10 14", "Headset"),
        ("event5", "10", "HDA Intel PCH Mic"),
        ("event6", "0", "AT keyboard"),
    ):
        device = tmp_path / "sys/class/input" / event / "device"
        (device / "capabilities").mkdir(parents=True)
        (device / "capabilities/sw").write_text(f"{switches}\n")
        (device / "name").write_text(f"{name}\n")
    folder = tmp_path / "dev/input"
    folder.mkdir(parents=True)
    (folder / "event4").touch()
    (folder / "headset").symlink_to("event4")
    found = [(one.kind, one.place, one.detail) for one in _headset_jacks(tmp_path)]
    assert found == [
        ("headset", "/dev/input/event3", "HDA Intel PCH Front Headphone"),
        ("headset", str(folder / "headset"), "Headset"),
    ]


def test_a_scanner_that_types_is_named_by_what_it_says_it_is(tmp_path: Path) -> None:
    links = tmp_path / "dev/input/by-id"
    links.mkdir(parents=True)
    for name in ("usb-Newland_FM430-event-kbd", "usb-Mouse-event-mouse"):
        (links / name).symlink_to("../event7")
    (found,) = _keyboards(tmp_path)
    assert (found.kind, found.place) == ("keyboard", str(links / "usb-Newland_FM430-event-kbd"))


def test_a_reader_that_needs_its_maker_s_library_is_named(tmp_path: Path) -> None:
    for name, vendor, product in (("1-1", "0400", "C35A"), ("1-2", "1d6b", "0002")):
        device = tmp_path / "sys/bus/usb/devices" / name
        device.mkdir(parents=True)
        (device / "idVendor").write_text(vendor + "\n")
        (device / "idProduct").write_text(product + "\n")
    (found,) = _with_a_library(tmp_path)
    assert (found.kind, found.place) == ("library", "sdt:1001")
    assert "id_reader_library" in found.detail


def test_what_comes_and_goes_is_said_in_words() -> None:
    empty, card = ReaderState(), ReaderState(card=True, atr=bytes.fromhex("3B6D0000FF"))
    mute = ReaderState(card=True, mute=True)
    story = [
        Seen(True, {"A": empty}),
        Seen(True, {"A": card}),
        Seen(True, {"A": empty, "B": mute}),
        Seen(False),
        Seen(True, {"B": empty}),
    ]
    told = [list(changes(before, now)) for before, now in pairwise([Seen(True), *story])]
    assert told == [
        ["reader in: A"],
        ["card in: A 3b6d0000…"],
        ["card out: A", "reader in: B", "card in: B (mute)"],
        ["service is gone", "reader out: A", "reader out: B"],
        ["service is back", "reader in: B"],
    ]


def test_watching_says_that_there_is_no_service() -> None:
    program = "from kiosk.kioskctl import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "card", "watch", "--for", "1"],
        env=environment() | {"PCSCLITE_CSOCK_NAME": "/nowhere/pcscd.comm"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "service is gone" in done.stdout
