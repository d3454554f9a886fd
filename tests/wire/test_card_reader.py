"""The card reader, directly and through a real pcscd: every card, and pulled at every command."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.card.direct import DirectLine
from hardware.card.files import (
    HOLDER_RECORDS,
    ISSUER_RECORDS,
    SocialCard,
    decode,
    read_social_card,
)
from hardware.card.pcsc import PcscLine
from hardware.card.reader import CardReader, CardStep, make_card_reader
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import DeviceLoop, DeviceState, Health, HealthTable
from hardware.virtual.card import CardSlot, VirtualCard
from hardware.virtual.personas import CARD_PERSONAS

VPCD_PORT = 35963

#: Another run on this machine may hold the service for as long as its own tests take.
pytestmark = pytest.mark.timeout(600)


@dataclass
class Counter:
    """A driver, and the slot of its far end."""

    reader: CardReader
    slot: CardSlot


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Service:
    """pcscd, started by us; it can be killed and started again."""

    def __init__(self) -> None:
        self._daemon = start_pcscd()

    def start(self) -> None:
        self._daemon = start_pcscd()

    def kill(self) -> None:
        self._daemon.kill()
        self._daemon.wait(5)

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.wait(5)


@pytest.fixture(scope="module")
def pcscd() -> Iterator[Service]:
    """The PC/SC service of this machine, ours alone for as long as these tests run."""
    if not (Path("/etc/reader.conf.d/vpcd").exists() and shutil.which("pcscd")):
        _cannot("pcscd or vsmartcard-vpcd is not installed")
    if os.geteuid() != 0:
        _cannot("only root may start pcscd")
    with Path("/tmp/kiosk-pcscd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        service = Service()
        yield service
        service.stop()


def _cannot(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"in CI this must run: {why}")
    pytest.skip(why)


def start_pcscd() -> subprocess.Popen[bytes]:
    daemon = subprocess.Popen(["pcscd", "--foreground"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", VPCD_PORT), timeout=1).close()
            return daemon
        except OSError:
            if daemon.poll() is not None:
                _cannot("pcscd ended at once: another is running")
            assert time.monotonic() < until, "pcscd does not come up"
            time.sleep(0.05)


@pytest.fixture(params=["direct", "pcsc"])
def counter(request: pytest.FixtureRequest) -> Iterator[Counter]:
    if request.param == "pcsc":
        request.getfixturevalue("pcscd")
        port, reader = VPCD_PORT, CardReader(PcscLine())
    else:
        port = free_port()
        reader = CardReader(DirectLine(port))
    slot = CardSlot(port)
    reader.open()
    yield Counter(reader, slot)
    slot.close()
    reader.close()
    # vpcd notices within one of its polls that the card is gone.
    time.sleep(0.5 if request.param == "pcsc" else 0)


def never() -> bool:
    return False


def ignore(step: CardStep) -> None:
    """Nobody looks."""


def within(seconds: float) -> Callable[[], bool]:
    """Cancels a reading that takes longer."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def test_a_third_generation_card_gives_its_issue_data_and_keeps_its_holder(
    counter: Counter,
) -> None:
    steps: list[CardStep] = []
    counter.slot.insert(CARD_PERSONAS["third"])
    card = counter.reader.read(within(5), steps.append)
    assert (card.generation, card.version, card.holder) == (3, "3.00", None)
    assert card.in_date_on(date(2099, 1, 1))
    assert steps == [CardStep.WAITING, CardStep.SEEN]


@pytest.mark.parametrize(
    ("name", "in_date"), [("second", True), ("second-expired", False), ("second-old-manners", True)]
)
def test_second_generation_cards_of_every_manner_are_read(
    counter: Counter, name: str, in_date: bool
) -> None:
    counter.slot.insert(CARD_PERSONAS[name])
    card = counter.reader.read(within(5), ignore)
    assert card.generation == 2
    assert card.in_date_on(date(2026, 11, 24)) is in_date
    assert card.holder is not None


def test_a_name_cut_in_the_middle_of_a_character_is_joined(counter: Counter) -> None:
    counter.slot.insert(CARD_PERSONAS["second-long-name"])
    card = counter.reader.read(within(5), ignore)
    assert card.holder is not None
    assert card.holder.name == "阿卜杜热合曼·买买提明·阿卜㛃提"


@pytest.mark.parametrize(
    ("name", "code"),
    [("foreign", FaultCode.CARD_FOREIGN), ("damaged", FaultCode.CARD_DAMAGED)],
)
def test_a_card_that_is_none_of_ours_is_named(counter: Counter, name: str, code: FaultCode) -> None:
    counter.slot.insert(CARD_PERSONAS[name])
    with pytest.raises(DeviceFault) as caught:
        counter.reader.read(within(5), ignore)
    assert caught.value.code is code


def test_a_card_may_come_later(counter: Counter) -> None:
    threading.Timer(0.6, counter.slot.insert, [CARD_PERSONAS["third"]]).start()
    assert counter.reader.read(within(5), ignore).generation == 3


def test_waiting_ends_when_nobody_wants_it(counter: Counter) -> None:
    began = time.monotonic()
    with pytest.raises(NotWanted):
        counter.reader.read(within(0.3), ignore)
    assert time.monotonic() - began < 2


def commands(name: str) -> int:
    """How many commands it takes to read a card."""
    card, count = VirtualCard(CARD_PERSONAS[name]), 0

    def transmit(command: bytes) -> bytes:
        nonlocal count
        count += 1
        return card.answer(command)

    read_social_card(transmit)
    return count


@pytest.mark.parametrize("step", range(commands("second")))
def test_card_pulled_at_every_command_is_named_and_the_next_card_reads(step: int) -> None:
    port = free_port()
    reader, slot = CardReader(DirectLine(port)), CardSlot(port)
    reader.open()
    slot.pull_after = step
    slot.insert(CARD_PERSONAS["second"])
    with pytest.raises(DeviceFault) as caught:
        reader.read(within(5), ignore)
    assert caught.value.code is FaultCode.CARD_PULLED
    slot.insert(CARD_PERSONAS["third"])
    assert reader.read(within(5), ignore).generation == 3
    slot.close()
    reader.close()


@pytest.mark.parametrize("step", [0, 5, 12])
def test_card_pulled_behind_pcscd_is_named_and_the_next_card_reads(
    pcscd: Service, step: int
) -> None:
    reader, slot = CardReader(PcscLine()), CardSlot(VPCD_PORT)
    reader.open()
    slot.pull_after = step
    slot.insert(CARD_PERSONAS["second"])
    with pytest.raises(DeviceFault) as caught:
        reader.read(within(5), ignore)
    assert caught.value.code in (FaultCode.CARD_PULLED, FaultCode.CARD_MUTE)
    time.sleep(0.6)
    slot.insert(CARD_PERSONAS["third"])
    assert reader.read(within(5), ignore).generation == 3
    slot.close()
    reader.close()
    time.sleep(0.5)


def read(reader: CardReader) -> SocialCard:
    return reader.read(within(5), ignore)


def test_pcscd_killed_while_idle_is_offline_and_comes_back(pcscd: Service) -> None:
    table = HealthTable()
    loop = DeviceLoop("card_reader", CardReader(PcscLine()), table, poll_s=0.3)
    slot = CardSlot(VPCD_PORT)
    loop.start()
    eventually(lambda: table.get("card_reader"), DeviceState.READY)
    pcscd.kill()
    eventually(lambda: table.get("card_reader"), DeviceState.FAULT)
    row = table.get("card_reader")
    assert row is not None and row.fault is FaultCode.CARD_READER_OFFLINE
    pcscd.start()
    eventually(lambda: table.get("card_reader"), DeviceState.READY)
    slot.insert(CARD_PERSONAS["third"])
    assert loop.submit(read).result(8).generation == 3
    slot.close()
    loop.stop()
    time.sleep(0.5)


def test_pcscd_killed_in_the_middle_of_a_reading_is_named_and_the_next_card_reads(
    pcscd: Service,
) -> None:
    line, left = PcscLine(), iter(range(4, -1, -1))

    class Dying(CardReader):
        def open(self) -> None:
            super().open()
            whole = PcscLine.transmit

            def transmit(command: bytes) -> bytes:
                if next(left, 1) == 0:
                    pcscd.kill()
                return whole(line, command)

            line.transmit = transmit  # type: ignore[method-assign]

    table = HealthTable()
    loop = DeviceLoop("card_reader", Dying(line), table, poll_s=0.3)
    slot = CardSlot(VPCD_PORT)
    slot.insert(CARD_PERSONAS["second"])
    loop.start()
    with pytest.raises(DeviceFault) as caught:
        loop.submit(read).result(8)
    assert caught.value.code in (FaultCode.CARD_READER_OFFLINE, FaultCode.CARD_PULLED)
    eventually(lambda: table.get("card_reader"), DeviceState.FAULT)
    pcscd.start()
    eventually(lambda: table.get("card_reader"), DeviceState.READY)
    assert loop.submit(read).result(8).generation == 2
    slot.close()
    loop.stop()
    time.sleep(0.5)


def eventually(row: Callable[[], Health | None], state: DeviceState) -> None:
    until = time.monotonic() + 10
    while (found := row()) is None or found.state is not state:
        assert time.monotonic() < until, f"never {state}"
        time.sleep(0.02)


def test_a_late_answer_is_not_taken_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.card.direct._ANSWER_S", 0.2)
    slow = iter([0.6])

    class Slow(VirtualCard):
        def answer(self, command: bytes) -> bytes:
            time.sleep(next(slow, 0.0))
            return super().answer(command)

    monkeypatch.setattr("hardware.virtual.card.VirtualCard", Slow)
    port = free_port()
    reader, slot = CardReader(DirectLine(port)), CardSlot(port)
    reader.open()
    slot.insert(CARD_PERSONAS["second"])
    with pytest.raises(DeviceFault) as caught:
        read(reader)
    assert caught.value.code is FaultCode.CARD_MUTE
    assert read(reader).generation == 2
    slot.close()
    reader.close()


def test_without_a_service_the_reader_is_offline() -> None:
    """In a process that looks for the service where there is none."""
    code = (
        "from hardware.card.reader import CardReader\nfrom hardware.card.pcsc import PcscLine\n"
        "from hardware.faults import DeviceFault\n"
        "try:\n    CardReader(PcscLine()).open()\n"
        "except DeviceFault as fault:\n    print(fault.code)"
    )
    environment = os.environ | {"PCSCLITE_CSOCK_NAME": "/nowhere/pcscd.comm"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=20
    )
    assert done.stdout.strip() == FaultCode.CARD_READER_OFFLINE


def test_settings_name_the_way_to_the_card() -> None:
    assert make_card_reader("") is None
    assert make_card_reader("pcsc") is not None
    assert make_card_reader("direct:1234") is not None
    with pytest.raises(ValueError, match="use pcsc"):
        make_card_reader("usb")


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40))
def test_a_card_that_answers_anything_gives_a_card_or_a_named_fault(answers: list[bytes]) -> None:
    rest = iter(answers * 40)

    def transmit(command: bytes) -> bytes:
        return next(rest)

    try:
        read_social_card(transmit)
    except DeviceFault as fault:
        assert fault.code in (FaultCode.CARD_FOREIGN, FaultCode.CARD_DAMAGED)


@given(
    st.dictionaries(st.sampled_from(sorted(ISSUER_RECORDS)), st.binary(max_size=40)),
    st.dictionaries(st.sampled_from(sorted(HOLDER_RECORDS)), st.binary(max_size=60)),
)
def test_any_records_are_a_card_or_a_damaged_one(
    issuer: dict[str, bytes], holder: dict[str, bytes]
) -> None:
    try:
        decode(issuer, holder)
    except DeviceFault as fault:
        assert fault.code is FaultCode.CARD_DAMAGED
