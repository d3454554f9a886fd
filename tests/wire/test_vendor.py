"""Makers' libraries with every bad manner there is: the kiosk names it and goes on.

The contract of a card's way and of an ID reader is in test_card_transport and test_id_reader.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import kiosk.__main__
from hardware.aside import ourselves
from hardware.card.contents import SocialCard
from hardware.card.reader import CardReader
from hardware.card.session import CardSession, Interface
from hardware.devices import make_card_reader, make_id_reader
from hardware.faults import DeviceFault, FaultCode
from hardware.id_documents import IdCard
from hardware.id_reader import IdReader
from hardware.supervision import DeviceLoop, DeviceState, HealthTable
from hardware.vendor import child, dc, icc, make_card_transport, sdt
from hardware.vendor.library import Library, Prototype
from hardware.vendor.sdt import SdtSam
from hardware.virtual.card import CardSlot
from hardware.virtual.id_reader import VirtualIdReader
from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
from kiosk.demo.smartcard import free_port
from kiosk.settings import Devices, Settings
from kiosk.upkeep.doctor import Patient, examine
from tests.id_cards import said_by
from tests.patience import PATIENCE_S, eventually
from tests.wire.makers import library

Manners = Callable[[str], None]


@pytest.fixture
def manners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manners:
    """Tell the library to misbehave: "crash dc_cpureset 1"."""
    file = tmp_path / "manners"
    monkeypatch.setenv("MOCK_MANNERS", str(file))

    def tell(manner: str) -> None:
        # At once whole: the library may be reading it just now.
        new = file.with_suffix(".new")
        new.write_text(manner)
        new.replace(file)

    return tell


@pytest.fixture
def card_slot(monkeypatch: pytest.MonkeyPatch) -> Iterator[CardSlot]:
    port = free_port()
    monkeypatch.setenv("MOCK_CARD", str(port))
    monkeypatch.setenv("MOCK_NEAR", str(free_port()))
    monkeypatch.setattr("hardware.vendor.cards.LOOK_S", 0.02)
    monkeypatch.setattr("hardware.vendor.icc._COMMAND_S", 1.0)
    monkeypatch.setattr("hardware.vendor.dc._COMMAND_S", 1.0)
    slot = CardSlot(port)
    yield slot
    slot.close()


@pytest.fixture
def sam_line(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualIdReader]:
    monkeypatch.setattr("hardware.id_reader.POLL_S", 0.02)
    monkeypatch.setattr("hardware.virtual.id_reader._READING_S", 0.05)
    monkeypatch.setattr("hardware.vendor.library.CALL_S", 1.0)
    far_end = VirtualIdReader()
    monkeypatch.setenv("MOCK_SAM_LINE", far_end.port)
    yield far_end
    far_end.close()


def within(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def ignore(step: object) -> None:
    """Nobody looks."""


def read_card(reader: CardReader) -> SocialCard:
    return reader.read(within(10), ignore, fresh=False)


def read_id(reader: IdReader) -> IdCard:
    return reader.read(within(10), ignore, fresh=False)


def state(table: HealthTable) -> tuple[DeviceState, FaultCode | None]:
    row = table.get("device")
    assert row is not None
    return row.state, row.fault


def next_reading(loop: DeviceLoop[Any], read: Callable[[Any], Any]) -> Any:
    """As the next citizen has it, once the device was opened anew."""
    until = time.monotonic() + 15
    while True:
        try:
            return loop.submit(read).result(20)
        except DeviceFault as fault:
            assert fault.code is FaultCode.LIBRARY_FAILED and time.monotonic() < until, fault
            time.sleep(0.05)


#: What the process of the library does that ends it, or must be ended for it.
MANNERS = ["hang", "crash", "abort", "exit", "stop", "group", "close", "babble", "long", "overrun"]
COMMANDS = {"icc": "ICC_Reader_Application", "dc": "dc_cpuapduInt"}


@pytest.mark.parametrize(
    ("family", "manner"),
    [*(("icc", manner) for manner in MANNERS), ("dc", "hang"), ("dc", "crash"), ("dc", "long")],
)
def test_whatever_a_library_does_in_the_middle_of_a_card_the_next_reading_reads(
    card_slot: CardSlot, manners: Manners, family: str, manner: str
) -> None:
    """The loop opens the device anew, with another process."""
    line = make_card_transport(family, library(family), "", False, 0)
    table = HealthTable()
    loop = DeviceLoop("device", lambda: CardReader(line), table, poll_s=30.0)
    loop.start()
    card_slot.insert(CARD_PERSONAS["second"])
    manners(f"{manner} {COMMANDS[family]} 3")
    with pytest.raises(DeviceFault) as caught:
        loop.submit(read_card).result(20)
    assert caught.value.code is FaultCode.LIBRARY_FAILED
    assert COMMANDS[family] in caught.value.detail
    assert next_reading(loop, read_card).generation == 2
    assert state(table) == (DeviceState.READY, None)
    loop.stop()


@pytest.mark.parametrize(
    ("manner", "function"),
    [
        *((manner, "SDT_StartFindIDCard") for manner in ("hang", "crash", "overrun", "garbage")),
        ("crash", "SDT_ReadBaseMsg"),
        ("long", "SDT_ReadBaseMsg"),
        ("hang", "SDT_ReadNewAppMsg"),
    ],
)
def test_whatever_an_id_library_does_the_next_reading_reads(
    sam_line: VirtualIdReader, manners: Manners, manner: str, function: str
) -> None:
    table = HealthTable()
    loop = DeviceLoop("device", lambda: IdReader(SdtSam(library("sdt"))), table, poll_s=30.0)
    loop.start()
    eventually(lambda: state(table)[0] is DeviceState.READY)
    sam_line.put(ID_PERSONAS["zhang"])
    manners(f"{manner} {function} 1")
    try:
        read = loop.submit(read_id).result(20)
    except DeviceFault as fault:
        assert fault.code is FaultCode.LIBRARY_FAILED
    else:
        assert function == "SDT_ReadNewAppMsg", "the newest address is not worth a reading"
        assert read == said_by(ID_PERSONAS["zhang"])
    # A card whose reading failed has to be lifted, as over a serial line.
    sam_line.lift()
    sam_line.put(ID_PERSONAS["zhang"])
    assert next_reading(loop, read_id) == said_by(ID_PERSONAS["zhang"])
    assert state(table) == (DeviceState.READY, None)
    loop.stop()


@pytest.mark.parametrize("family", ["icc", "dc", "sdt"])
def test_a_library_that_prints_what_looks_like_an_answer_is_not_heard(
    card_slot: CardSlot, sam_line: VirtualIdReader, manners: Manners, family: str
) -> None:
    manners("chatter")
    if family == "sdt":
        id_reader = IdReader(SdtSam(library("sdt")))
        id_reader.open()
        sam_line.put(ID_PERSONAS["zhang"])
        assert read_id(id_reader) == said_by(ID_PERSONAS["zhang"])
        id_reader.close()
    else:
        reader = CardReader(make_card_transport(family, library(family), "", False, 0))
        reader.open()
        card_slot.insert(CARD_PERSONAS["second"])
        assert read_card(reader).generation == 2
        reader.close()


@pytest.mark.parametrize("family", ["icc", "dc"])
def test_a_library_that_answers_nonsense_about_its_slot_is_a_reader_that_is_gone(
    card_slot: CardSlot, manners: Manners, family: str
) -> None:
    told = threading.Event()
    reader = CardReader(make_card_transport(family, library(family), "", False, 0))
    reader.watch(told.set)
    reader.open()
    function = {"icc": "ICC_Reader_GetStatus", "dc": "dc_card_status"}[family]
    manners(f"garbage {function} 1")
    assert told.wait(PATIENCE_S), "the loop is woken"
    with pytest.raises(DeviceFault) as caught:
        reader.poll()
    assert caught.value.code is FaultCode.CARD_READER_OFFLINE
    reader.unwatch()


def test_a_command_that_never_returns_is_given_up_with_its_process(
    card_slot: CardSlot, manners: Manners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card reader's own watch is sooner than that of the library."""
    monkeypatch.setattr("hardware.vendor.icc._COMMAND_S", 60.0)
    reader = CardReader(make_card_transport("icc", library("icc"), "", False, 0), answer_s=0.3)
    reader.open()
    card_slot.insert(CARD_PERSONAS["second"])
    manners("hang ICC_Reader_Application 2")
    with pytest.raises(DeviceFault) as caught:
        read_card(reader)
    assert caught.value.code is FaultCode.CARD_READER_STUCK
    eventually(lambda: all(thread.name != "card" for thread in threading.enumerate()))
    reader.close()
    reader.open()
    assert read_card(reader).generation == 2
    reader.close()


# -- a library that is not there ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nowhere/lib.so", "/etc/passwd"])
def test_a_library_that_cannot_be_loaded_waits_for_a_person(path: str) -> None:
    for open_it in (make_card_transport("dc", path, "", False, 0).open, SdtSam(path).open):
        with pytest.raises(DeviceFault) as caught:
            open_it()
        assert caught.value.code is FaultCode.LIBRARY_MISSING
        assert not caught.value.temporary
        assert path in caught.value.detail


def test_a_library_of_another_family_is_named_by_what_it_lacks(card_slot: CardSlot) -> None:
    with pytest.raises(DeviceFault, match="no dc_init") as caught:
        make_card_transport("dc", library("icc"), "", False, 0).open()
    assert caught.value.code is FaultCode.LIBRARY_MISSING


def test_a_reader_that_is_not_plugged_in_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOCK_CARD", raising=False)
    monkeypatch.setenv("MOCK_SAM_LINE", "/nowhere/tty")
    for family, code in (
        ("icc", FaultCode.CARD_READER_OFFLINE),
        ("dc", FaultCode.CARD_READER_OFFLINE),
        ("sdt", FaultCode.ID_READER_OFFLINE),
    ):
        with pytest.raises(DeviceFault) as caught:
            if family == "sdt":
                IdReader(SdtSam(library(family))).open()
            else:
                make_card_transport(family, library(family), "", False, 0).open()
        assert caught.value.code is code


# -- what a citizen's card said ------------------------------------------------------------------


def children() -> set[int]:
    """Processes of ours that run a library."""
    found = set()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"hardware.vendor.child" in line.read_bytes():
                status = (line.parent / "status").read_text(encoding="utf-8")
                if f"PPid:\t{os.getpid()}\n" in status:
                    found.add(int(line.parent.name))
    return found


def test_the_process_that_heard_a_card_ends_with_the_visit(
    card_slot: CardSlot, sam_line: VirtualIdReader
) -> None:
    before = children()
    reader = CardReader(make_card_transport("icc", library("icc"), "", False, 0))
    id_reader = IdReader(SdtSam(library("sdt")))
    reader.open()
    id_reader.open()
    idle = children() - before
    reader.visit_over()
    id_reader.visit_over()
    assert children() - before == idle, "they heard nothing"
    card_slot.insert(CARD_PERSONAS["second"])
    sam_line.put(ID_PERSONAS["zhang"])
    read_card(reader)
    read_id(id_reader)
    reader.visit_over()
    id_reader.visit_over()
    after = children() - before
    assert len(after) == 2 and not after & idle
    # A card that lies there is known by the next process too.
    eventually(reader.present)
    eventually(id_reader.present)
    reader.close()
    id_reader.close()
    assert children() == before


def test_the_kiosk_s_end_is_the_library_s_end_also_while_it_hangs(
    card_slot: CardSlot, manners: Manners, tmp_path: Path
) -> None:
    before = children()
    made = Library(library("icc"), icc.FUNCTIONS)
    made.start()
    (process,) = children() - before
    manners("hang ICC_Reader_Open 1")
    call = threading.Thread(target=given_up, args=(made,), daemon=True)
    call.start()
    eventually(lambda: not (tmp_path / "manners").exists())
    assert made._line is not None
    made._line.shutdown(socket.SHUT_RDWR)  # as the system does for a process that was killed
    call.join(5)
    eventually(lambda: process not in children())


def given_up(made: Library) -> None:
    with suppress(DeviceFault):
        made.call("ICC_Reader_Open", b"USB1", within_s=30)


def test_a_unit_that_lets_nobody_set_limits_does_not_end_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the filter of system calls in sscard-screen.service does."""

    asked: list[int] = []

    def refuse(limit: int, _: object) -> None:
        asked.append(limit)
        raise PermissionError

    monkeypatch.setattr(child.resource, "setrlimit", refuse)
    monkeypatch.setattr(child.signal, "signal", lambda *handler: None)
    child._limit()
    assert {resource.RLIMIT_CORE, resource.RLIMIT_FSIZE} <= set(asked), "each is tried"


def test_a_library_fills_no_disk(card_slot: CardSlot, manners: Manners, tmp_path: Path) -> None:
    reader = CardReader(make_card_transport("icc", library("icc"), "", False, 0))
    reader.open()
    (process,) = children()
    limits = Path(f"/proc/{process}/limits").read_text(encoding="ascii")
    assert re.search(rf"Max file size +{16 << 20} ", limits)
    assert re.search(r"Max core file size +0 ", limits)
    assert Path(f"/proc/{process}/cwd").resolve() == Path(library("icc")).parent
    reader.close()


def test_another_card_between_two_looks_is_not_taken_for_the_first(
    card_slot: CardSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer to reset is another."""
    reader = CardReader(make_card_transport("dc", library("dc"), "", False, 0))
    reader.open()
    card_slot.insert(CARD_PERSONAS["second"])
    eventually(reader.present)
    monkeypatch.setattr("hardware.vendor.cards.LOOK_S", 60.0)
    time.sleep(0.1)  # the look that was due
    first = reader.use(within(5), ignore, lambda card: card.insertion, fresh=False)
    card_slot.pull()
    card_slot.insert(CARD_PERSONAS["third"])
    time.sleep(0.5)
    with pytest.raises(DeviceFault) as caught:
        reader.use(within(5), ignore, lambda card: card.insertion, insertion=first)
    assert caught.value.code is FaultCode.CARD_PULLED
    reader.close()


# -- settings, and what is said of it ------------------------------------------------------------


@pytest.mark.parametrize("family", ["icc", "dc"])
def test_a_card_held_near_is_read_after_the_slot_was_looked_into(
    card_slot: CardSlot, family: str
) -> None:
    reader = CardReader(make_card_transport(family, library(family), "", True, 0))
    reader.open()
    field = CardSlot(int(os.environ["MOCK_NEAR"]))
    field.insert(CARD_PERSONAS["third"])

    def which(card: CardSession) -> Interface:
        card.transmit(bytes.fromhex("0084000008"))
        return card.interface

    for _ in range(2):
        assert reader.use(within(10), ignore, which, fresh=False) is Interface.CONTACTLESS
    card_slot.insert(CARD_PERSONAS["second"])
    eventually(
        lambda: reader.use(within(10), ignore, which, fresh=False) is Interface.CONTACT,
    )
    field.close()
    reader.close()


def test_settings_choose_the_library_and_the_doctor_says_what_is_there(
    card_slot: CardSlot, sam_line: VirtualIdReader, tmp_path: Path
) -> None:
    devices = Devices(
        card="dc:100",
        card_library=library("dc"),
        id_reader="sdt:1001",
        id_reader_library=library("sdt"),
    )
    assert make_card_reader(devices) is not None and make_id_reader(devices) is not None
    patient = Patient(tmp_path, Settings(devices=devices))
    assert examine(patient, "card_reader").detail == "dc 100"
    assert examine(patient, "id_reader").healthy
    wrong = Devices(card="icc:AUTO", card_library=library("dc"))
    finding = examine(Patient(tmp_path, Settings(devices=wrong)), "card_reader")
    assert finding.fault is FaultCode.LIBRARY_MISSING
    assert "ICC_Reader_Open" in finding.detail


def test_a_reader_says_who_it_is(card_slot: CardSlot) -> None:
    said = []
    for family in ("icc", "dc"):
        reader = CardReader(make_card_transport(family, library(family), "", False, 0))
        reader.open()
        row = reader.poll()
        said.append((row.detail, row.serial, row.firmware))
        reader.close()
    assert said == [("MOCK TEST AUTO", "", "12"), ("dc 100", "D0000000000000000001", "T101.0")]


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("vendor", "hardware.vendor.child"),
        ("wlt", "hardware.wlt"),
        ("camera-proof", "hardware.camera_proof"),
    ],
)
def test_in_the_bundle_both_programs_call_the_kiosk(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """✗ kioskctl called itself, and knows none of these."""
    assert ourselves(name, module) == [sys.executable, "-m", module]
    assert importlib.util.find_spec(module) is not None
    assert f'given[:1] == ["{name}"]' in inspect.getsource(kiosk.__main__.main)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/kiosk/kioskctl")
    assert ourselves(name, module) == ["/opt/kiosk/kiosk", name]


def test_the_kiosk_s_own_command_runs_a_library(
    card_slot: CardSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the bundle, which has no Python."""
    command = [sys.executable, "-m", "kiosk", "vendor"]
    monkeypatch.setattr("hardware.vendor.library.ourselves", lambda *which: command)
    line = make_card_transport("icc", library("icc"), "", False, 0)
    line.open()
    assert line.check().firmware == "12"
    line.close()


# -- prototypes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("functions", [icc.FUNCTIONS, dc.FUNCTIONS, sdt.FUNCTIONS])
def test_every_prototype_is_one(functions: dict[str, str]) -> None:
    for text in functions.values():
        parsed = Prototype.parse(text)
        assert text.startswith(f"{parsed.returns}(")
        assert len(parsed.arguments) == text.count(",") + 1


@pytest.mark.parametrize("text", ["", "int", "int()", "void(int)", "int(int,int)", "int(out)x"])
def test_what_is_no_prototype_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no prototype"):
        Prototype.parse(text)


@pytest.mark.parametrize(
    ("returns", "register", "value"),
    [
        ("int", 0xFFFFFFFE, -2),  # an int: the upper half of the register is not set
        ("int", -2, -2),
        ("int", 0x7700000007, 7),
        ("short", 0xFFFE, -2),
        ("short", 0x10000, 0),
        ("handle", 0xFFFFFFF5, -11),
        ("handle", -11, -11),
        ("handle", 0x7F0011223344, 0x7F0011223344),
    ],
)
def test_a_number_is_read_in_the_width_that_every_maker_fills(
    returns: str, register: int, value: int
) -> None:
    assert Prototype(returns, ()).value(register) == value
