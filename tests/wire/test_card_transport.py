"""The card reader, directly and through a real pcscd: every card, and pulled at every command."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import pytest

from hardware.card.authenticator import CardCentre, HsmAuthenticator
from hardware.card.contents import SocialCard
from hardware.card.direct import DirectTransport
from hardware.card.files import read_social_card
from hardware.card.monitor import PcscMonitor, ReaderState, Seen
from hardware.card.pcsc import Contexts, PcscConnection, PcscSlot, PcscTransport, ReaderNames
from hardware.card.reader import CardReader, CardStep
from hardware.card.session import CardSession, Interface
from hardware.card.transport import Readers
from hardware.devices import make_card_reader
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import DeviceLoop, DeviceState, Health, HealthTable
from hardware.vendor import make_card_transport
from hardware.vendor.cards import VendorTransport
from hardware.virtual.card import CardSlot, VirtualCard
from hardware.virtual.personas import CARD_PERSONAS, CardPersona
from kiosk.clock import beijing_now
from kiosk.demo.smartcard import free_port
from kiosk.operations.cards import read_card
from kiosk.operations.work import Work
from kiosk.settings import Devices, Settings
from kiosk.upkeep.doctor import Finding, Patient, examine
from kiosk.visit.prompts import ReadCard
from tests.patience import PATIENCE_S
from tests.wire.cards import Centre, Desk
from tests.wire.makers import library
from tests.wire.smartcard_service import SECOND_PORT, VPCD_PORT, Service, service_of_ours
from tests.wire.test_card_authentication import OPERATIONS

#: Another run on this machine may hold the service for as long as its own tests take.
pytestmark = pytest.mark.timeout(600)


Line: TypeAlias = PcscTransport | DirectTransport | VendorTransport


@dataclass
class Counter:
    """A driver, and the slot of its far end."""

    reader: CardReader
    line: Line
    slot: CardSlot
    #: Of which kind the line is.
    kind: str

    def insert(self, persona: CardPersona) -> None:
        """Put a card in until it is seen: on a busy machine the virtual reader behind the service
        has missed one that came right after another had gone (once in some hundred)."""
        for _ in range(3):
            self.slot.insert(persona)
            if self.line.card_in(5.0) is not None:
                return
        raise AssertionError("never seen")

    def gone(self) -> None:
        """Wait until the reader knows that nothing is in it."""
        until = time.monotonic() + 20
        while self.line.card_in(0.05) is not None:
            assert time.monotonic() < until, "still in"


@pytest.fixture(scope="module")
def pcscd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The PC/SC service of this machine, ours alone for as long as these tests run."""
    with service_of_ours(tmp_path_factory.mktemp("pcscd")) as service:
        yield service


@pytest.fixture(params=["direct", "icc", "dc", "pcsc"])
def counter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    line: Line
    port = free_port()
    if request.param == "pcsc":
        request.getfixturevalue("pcscd")
        port = VPCD_PORT
        line = PcscTransport()
    elif request.param == "direct":
        line = DirectTransport(port)
    else:
        monkeypatch.setenv("MOCK_CARD", str(port))
        monkeypatch.setenv("MOCK_SAM", str(free_port()))
        monkeypatch.setattr("hardware.vendor.cards.LOOK_S", 0.02)
        line = make_card_transport(request.param, library(request.param), "", False, 0)
    slot, reader = CardSlot(port), CardReader(line)
    reader.open()
    counter = Counter(reader, line, slot, request.param)
    yield counter
    slot.close()
    # vpcd notices within one of its polls that the card is gone.
    counter.gone()
    reader.close()


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
    card = counter.reader.read(within(20), steps.append, fresh=False)
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
    card = counter.reader.read(within(20), ignore, fresh=False)
    assert card.generation == 2
    assert card.in_date_on(date(2026, 11, 24)) is in_date
    assert card.holder is not None


@pytest.mark.parametrize("name", ["third-t1", "third-near"])
def test_a_card_of_t1_is_opened_over_its_line_as_well(counter: Counter, name: str) -> None:
    """Its answer to reset says the protocol; a card of T=0 refuses what T=1 needs."""

    def opened(card: CardSession) -> SocialCard:
        return read_social_card(card, HsmAuthenticator(Centre()))

    counter.slot.insert(CARD_PERSONAS[name])
    card = counter.reader.use(within(20), ignore, opened, fresh=False)
    assert (card.algorithm, card.holder is not None) == ("03", True)


def test_a_name_cut_in_the_middle_of_a_character_is_joined(counter: Counter) -> None:
    counter.slot.insert(CARD_PERSONAS["second-long-name"])
    card = counter.reader.read(within(20), ignore, fresh=False)
    assert card.holder is not None
    assert card.holder.name == "阿卜杜热合曼·买买提明·阿卜㛃提"


@pytest.mark.parametrize(
    ("name", "code"),
    [("foreign", FaultCode.CARD_FOREIGN), ("damaged", FaultCode.CARD_DAMAGED)],
)
def test_a_card_that_is_none_of_ours_is_named(counter: Counter, name: str, code: FaultCode) -> None:
    counter.slot.insert(CARD_PERSONAS[name])
    with pytest.raises(DeviceFault) as caught:
        counter.reader.read(within(20), ignore, fresh=False)
    assert caught.value.code is code


class Reading:
    """A reading under way as a visit does it, and the steps it reported."""

    def __init__(self, counter: Counter) -> None:
        self.steps: list[CardStep] = []
        self._cancel = threading.Event()
        self.future = ThreadPoolExecutor(1).submit(
            counter.reader.read, self._cancel.is_set, self.steps.append
        )

    def wait_for(self, step: CardStep) -> None:
        until = time.monotonic() + 20
        while step not in self.steps:
            assert time.monotonic() < until, f"no {step}"
            time.sleep(0.01)

    def cancel(self) -> None:
        self._cancel.set()
        with pytest.raises(NotWanted):
            self.future.result(20)


@pytest.mark.parametrize("was_read", [False, True])
def test_a_card_that_was_in_is_not_read_until_it_was_pulled_and_put_in_anew(
    counter: Counter, was_read: bool
) -> None:
    """✗ A card left in the slot was read for the next citizen 0.03 s later."""
    counter.insert(CARD_PERSONAS["second"])
    if was_read:
        read(counter.reader)
    reading = Reading(counter)
    reading.wait_for(CardStep.REMOVE)
    time.sleep(0.5)
    assert reading.steps == [CardStep.REMOVE]
    counter.slot.pull()
    reading.wait_for(CardStep.WAITING)
    counter.insert(CARD_PERSONAS["third"])
    assert reading.future.result(20).generation == 3
    assert reading.steps == [CardStep.REMOVE, CardStep.WAITING, CardStep.SEEN]


def test_asking_whether_a_card_is_in_does_not_disturb_who_talks_with_it(counter: Counter) -> None:
    """✗ The question took away the patience of the reading: a card that lay still was "pulled"."""
    counter.insert(CARD_PERSONAS["third"])
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            counter.line.card_in(0.0)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(10):
            assert read(counter.reader).generation == 3
    finally:
        over.set()
        asking.join()


def test_waiting_for_a_left_card_to_be_pulled_can_be_given_up(counter: Counter) -> None:
    counter.insert(CARD_PERSONAS["second"])
    reading = Reading(counter)
    reading.wait_for(CardStep.REMOVE)
    reading.cancel()


def test_a_card_is_known_to_be_in_before_and_after_it_was_read(counter: Counter) -> None:
    assert not counter.reader.present()
    counter.insert(CARD_PERSONAS["second"])
    assert counter.reader.present()
    read(counter.reader)
    assert counter.reader.present()
    counter.slot.pull()
    counter.gone()
    assert not counter.reader.present()


def test_a_pulled_card_is_one_reading_however_long_the_reader_goes_on_calling_it_present() -> None:
    """✗ It was read again and again meanwhile: the counter of cards rose by 79."""
    used: list[int] = []

    @dataclass
    class Taken:
        insertion: int
        reader: str = "A"
        interface: Interface = Interface.CONTACT

        def connect(self) -> Any:
            used.append(self.insertion)
            raise DeviceFault(FaultCode.CARD_PULLED)

    class Late(DirectTransport):
        looks = 0

        def card_in(self, timeout_s: float) -> Any:
            self.looks += 1
            return Taken(1 if self.looks < 9 else 2)

        def check(self) -> Readers:
            return Readers("A")

    reader = CardReader(Late(0))
    for _ in range(2):
        with pytest.raises(DeviceFault):
            read(reader)
    assert used == [1, 2], "the next one that is put in, and not the one that went"
    assert reader.poll().counters["cycles"] == 2


def test_a_card_that_is_used_again_and_again_is_one_reading(counter: Counter) -> None:
    counter.insert(CARD_PERSONAS["second"])
    first = counter.reader.use(within(20), ignore, lambda card: card.insertion, fresh=False)
    for _ in range(3):
        counter.reader.use(within(20), ignore, lambda card: None, insertion=first)
    assert counter.reader.poll().counters["cycles"] == 1


def test_a_card_pulled_in_the_middle_may_be_back_before_it_is_asked_for(counter: Counter) -> None:
    counter.slot.pull_after = 2
    counter.slot.insert(CARD_PERSONAS["second"])
    with pytest.raises(DeviceFault) as caught:
        read(counter.reader)
    assert caught.value.code is FaultCode.CARD_PULLED
    counter.gone()
    counter.insert(CARD_PERSONAS["second"])
    again = Reading(counter)
    assert again.future.result(20).generation == 2
    assert CardStep.REMOVE not in again.steps


def test_after_the_visit_a_pulled_card_that_came_back_is_nobody_s(counter: Counter) -> None:
    counter.slot.pull_after = 2
    counter.slot.insert(CARD_PERSONAS["second"])
    with pytest.raises(DeviceFault):
        read(counter.reader)
    counter.reader.visit_over()
    counter.gone()
    counter.insert(CARD_PERSONAS["second"])
    reading = Reading(counter)
    reading.wait_for(CardStep.REMOVE)
    reading.cancel()


def test_the_card_of_a_visit_is_used_again_and_no_other(counter: Counter) -> None:
    """As between reading a card and verifying its PIN."""
    counter.insert(CARD_PERSONAS["second"])

    def which(card: CardSession) -> int:
        return card.insertion

    first = counter.reader.use(within(20), ignore, which, fresh=False)
    assert counter.reader.use(within(20), ignore, which, insertion=first) == first
    counter.slot.pull()
    counter.gone()
    with pytest.raises(DeviceFault) as caught:
        counter.reader.use(within(20), ignore, which, insertion=first)
    assert caught.value.code is FaultCode.CARD_PULLED
    counter.insert(CARD_PERSONAS["third"])
    with pytest.raises(DeviceFault) as caught:
        counter.reader.use(within(20), ignore, which, insertion=first)
    assert caught.value.code is FaultCode.CARD_PULLED


def test_a_card_that_is_watched_over_is_missed_as_soon_as_it_goes(counter: Counter) -> None:
    counter.insert(CARD_PERSONAS["second"])
    first = counter.reader.use(within(20), ignore, lambda card: card.insertion, fresh=False)
    counter.reader.stay(first, within(0.3))
    watching = ThreadPoolExecutor(1).submit(counter.reader.stay, first, within(20))
    counter.slot.pull()
    with pytest.raises(DeviceFault) as caught:
        watching.result(PATIENCE_S)
    assert caught.value.code is FaultCode.CARD_PULLED


def test_a_card_may_come_later(counter: Counter) -> None:
    threading.Timer(0.6, counter.slot.insert, [CARD_PERSONAS["third"]]).start()
    assert counter.reader.read(within(20), ignore, fresh=False).generation == 3


def test_waiting_ends_when_nobody_wants_it(counter: Counter) -> None:
    with pytest.raises(NotWanted):
        counter.reader.read(within(0.3), ignore)


def commands(operation: str) -> list[bytes]:
    """What an operation sends to the card itself."""
    persona, run = OPERATIONS[operation]
    card, sent = Desk(persona), []

    def transmit(command: bytes) -> bytes:
        sent.append(command)
        return card.card.transmit(command)

    run(replace(card.card, transmit=transmit))
    return sent


def first_of_its_own(operation: str) -> int:
    """Place of the first command that a reading without authentication does not send as well."""
    pairs = enumerate(zip(commands(operation), commands("read"), strict=False))
    return next((place for place, (one, other) in pairs if one != other), len(commands("read")))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_card_pulled_at_every_command_of_every_operation_is_named_and_the_next_card_works(
    counter: Counter, operation: str
) -> None:
    persona, run = OPERATIONS[operation]
    if operation == "psam" and isinstance(counter.line, DirectTransport):
        counter.slot.insert(CARD_PERSONAS[persona])
        with pytest.raises(DeviceFault) as caught:
            counter.reader.use(within(20), ignore, run, fresh=False)
        assert caught.value.code is FaultCode.PSAM_ABSENT, "it has one slot"
        return
    # A card takes most of a second to come and go through the service, so what all operations
    # begin with is pulled once there, in the reading.
    shared = operation != "read" and isinstance(counter.line, PcscTransport)
    with module_beside(counter) if operation == "psam" else nullcontext():
        for place in range(first_of_its_own(operation) if shared else 0, len(commands(operation))):
            counter.slot.pull_after = place
            counter.insert(fresh(persona))
            with pytest.raises(DeviceFault) as caught:
                counter.reader.use(within(20), ignore, run, fresh=False)
            assert caught.value.code is FaultCode.CARD_PULLED, f"at {place}"
            counter.gone()
        counter.insert(fresh(persona))
        counter.reader.use(within(20), ignore, run, fresh=False)


@contextmanager
def module_beside(counter: Counter) -> Iterator[None]:
    """A PSAM in the second slot, and settings that say so."""
    counter.reader.close()
    if counter.kind == "pcsc":
        counter.line, port = PcscTransport(ReaderNames(psam="00 01")), SECOND_PORT
    else:
        made = make_card_transport(counter.kind, library(counter.kind), "", False, 1)
        counter.line, port = made, int(os.environ["MOCK_SAM"])
    line = counter.line
    counter.reader = CardReader(line)
    counter.reader.open()
    module = CardSlot(port)
    module.insert(CARD_PERSONAS["psam"])
    wait_until(lambda: has_module(line))
    yield
    module.close()
    wait_until(lambda: not has_module(line))


def has_module(line: Line) -> bool:
    try:
        line.psam_slot().connect().close()
    except DeviceFault:
        return False
    return True


def wait_until(condition: Callable[[], bool], patience_s: float = 20.0) -> None:
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def fresh(persona: str) -> CardPersona:
    """The same card never used: what it kept of an operation broken off is not carried over."""
    return replace(CARD_PERSONAS[persona])


def read(reader: CardReader) -> SocialCard:
    return reader.read(within(20), ignore, fresh=False)


# -- the service ---------------------------------------------------------------------------------


def test_pcscd_killed_while_idle_is_named_and_comes_back_at_once(pcscd: Service) -> None:
    table, reader = HealthTable(), CardReader(PcscTransport())
    loop = DeviceLoop("card_reader", lambda: reader, table, poll_s=30.0)
    slot = CardSlot(VPCD_PORT)
    reader.watch(loop.wake)
    loop.start()
    eventually(lambda: table.get("card_reader"), DeviceState.READY)
    for _ in range(3):  # each time the wait until the next try would be longer
        pcscd.kill()
        eventually(lambda: table.get("card_reader"), DeviceState.FAULT)
        row = table.get("card_reader")
        assert row is not None and row.fault is FaultCode.CARD_SERVICE_DOWN
        pcscd.start()
        eventually(lambda: table.get("card_reader"), DeviceState.READY, 5.0)
    slot.insert(CARD_PERSONAS["third"])
    assert loop.submit(read).result(20).generation == 3
    slot.close()
    reader.unwatch()
    loop.stop()
    time.sleep(0.5)


def test_pcscd_killed_at_every_command_is_named_and_the_next_card_reads(
    pcscd: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = PcscConnection.transmit, iter([0][:0])

    def dying(connection: PcscConnection, command: bytes) -> bytes:
        if next(left, 1) == 0:
            pcscd.kill()
        return whole(connection, command)

    monkeypatch.setattr(PcscConnection, "transmit", dying)
    table, reader = HealthTable(), CardReader(PcscTransport())
    loop = DeviceLoop("card_reader", lambda: reader, table, poll_s=30.0)
    slot = CardSlot(VPCD_PORT)
    slot.insert(CARD_PERSONAS["third"])
    reader.watch(loop.wake)
    loop.start()
    for step in range(len(commands("read"))):
        left = iter(range(step, -1, -1))
        with pytest.raises(DeviceFault) as caught:
            loop.submit(read).result(20)
        assert caught.value.code in (FaultCode.CARD_SERVICE_DOWN, FaultCode.CARD_PULLED), step
        eventually(lambda: table.get("card_reader"), DeviceState.FAULT)
        pcscd.start()
        eventually(lambda: table.get("card_reader"), DeviceState.READY)
        assert loop.submit(read).result(20).generation == 3
    slot.close()
    reader.unwatch()
    loop.stop()
    time.sleep(0.3)


def eventually(
    row: Callable[[], Health | None], state: DeviceState, patience_s: float = 20.0
) -> None:
    until = time.monotonic() + patience_s
    while (found := row()) is None or found.state is not state:
        assert time.monotonic() < until, f"never {state}: {found}"
        time.sleep(0.02)


# -- cards that do not answer --------------------------------------------------------------------


class Slow(VirtualCard):
    """Takes its time over one command, once."""

    wait = iter([0.8])

    def answer(self, command: bytes) -> bytes:
        time.sleep(next(self.wait, 0.0))
        return super().answer(command)


def test_a_command_that_does_not_return_is_left_behind_and_its_answer_heard_by_nobody(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Slow, "wait", iter([0.8]))
    monkeypatch.setattr("hardware.virtual.card.VirtualCard", Slow)
    hasty = counter.reader = CardReader(counter.line, answer_s=0.2)
    counter.slot.insert(CARD_PERSONAS["second"])
    with pytest.raises(DeviceFault) as caught:
        read(hasty)
    assert caught.value.code is FaultCode.CARD_READER_STUCK
    time.sleep(1.0)
    hasty.close()  # as the device's loop does after this fault
    hasty.open()
    assert read(hasty).generation == 2


def test_a_slow_card_is_waited_for(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slow, "wait", iter([0.8]))
    monkeypatch.setattr("hardware.virtual.card.VirtualCard", Slow)
    counter.slot.insert(CARD_PERSONAS["second"])
    assert read(counter.reader).generation == 2


def test_a_reader_is_stuck_until_its_command_returns_and_one_thread_waits_for_that() -> None:
    forever, told = threading.Event(), threading.Event()

    class Stuck:
        atr = b""

        def transmit(self, command: bytes) -> bytes:
            forever.wait(20)
            return b"\x90\x00"

        def close(self) -> None:
            """Nothing to let go of."""

    class StuckLine(DirectTransport):
        def card_in(self, timeout_s: float) -> Any:
            return SimpleNamespace(reader="stuck", interface="contact", insertion=1, connect=Stuck)

    reader = CardReader(StuckLine(0), answer_s=0.05)
    reader.watch(told.set)
    for _ in range(5):
        with pytest.raises(DeviceFault) as caught:
            read(reader)
        assert caught.value.code is FaultCode.CARD_READER_STUCK
    with pytest.raises(DeviceFault, match="has not returned"):
        reader.poll()
    assert sum(thread.name == "card" for thread in threading.enumerate()) == 1
    assert not told.is_set()
    forever.set()
    assert told.wait(PATIENCE_S), "the loop is woken when it can be used again"
    reader.poll()


def test_a_visit_that_ends_stops_the_reading_at_the_next_command(counter: Counter) -> None:
    counter.slot.insert(CARD_PERSONAS["second"])
    enough = threading.Event()

    def work(card: CardSession) -> None:
        card.transmit(bytes.fromhex("00A40000023F00"))
        enough.set()
        card.transmit(bytes.fromhex("00A40000023F00"))

    with pytest.raises(NotWanted):
        counter.reader.use(enough.is_set, ignore, work, fresh=False)
    assert read(counter.reader).generation == 2


# -- other programs, other readers ---------------------------------------------------------------


def test_a_card_that_another_program_holds_is_busy(pcscd: Service) -> None:
    first, second = CardReader(PcscTransport()), CardReader(PcscTransport())
    first.open()
    second.open()
    slot = CardSlot(VPCD_PORT)
    slot.insert(CARD_PERSONAS["third"])

    def while_held(card: CardSession) -> FaultCode:
        with pytest.raises(DeviceFault) as caught:
            read(second)
        return caught.value.code

    code = first.use(within(20), ignore, while_held, fresh=False)
    assert code is FaultCode.CARD_READER_BUSY
    assert read(second).generation == 3
    slot.close()
    first.close()
    second.close()
    time.sleep(0.5)


def test_contact_and_contactless_are_two_readers_and_contact_goes_first(pcscd: Service) -> None:
    names = ReaderNames(contactless="00 01")
    reader = CardReader(PcscTransport(names))
    reader.open()
    slot, field = CardSlot(VPCD_PORT), CardSlot(SECOND_PORT)

    def which(card: CardSession) -> tuple[Interface, str]:
        return card.interface, card.reader

    field.insert(CARD_PERSONAS["third"])
    near = reader.use(within(20), ignore, which, fresh=False)
    assert near == (Interface.CONTACTLESS, "Virtual PCD 00 01")
    slot.insert(CARD_PERSONAS["second"])
    until = time.monotonic() + 20
    while reader.use(within(20), ignore, which, fresh=False)[0] is not Interface.CONTACT:
        assert time.monotonic() < until
    slot.close()
    field.close()
    reader.close()
    time.sleep(0.5)


def test_a_psam_is_powered_beside_the_card(pcscd: Service) -> None:
    reader = CardReader(PcscTransport(ReaderNames(psam="00 01")))
    reader.open()
    slot, module = CardSlot(VPCD_PORT), CardSlot(SECOND_PORT)
    slot.insert(CARD_PERSONAS["third"])

    def ask_both(card: CardSession) -> tuple[str, bytes]:
        with card.psam() as psam:
            return psam.reader, psam.transmit(bytes.fromhex("0084000008"))

    with pytest.raises(DeviceFault) as caught:
        reader.use(within(20), ignore, ask_both, fresh=False)
    assert caught.value.code is FaultCode.PSAM_ABSENT
    module.insert(CARD_PERSONAS["foreign"])
    until = time.monotonic() + 20
    while True:
        try:
            name, answer = reader.use(within(20), ignore, ask_both, fresh=False)
            break
        except DeviceFault:
            assert time.monotonic() < until
            time.sleep(0.1)
    assert name == "Virtual PCD 00 01"
    assert len(answer) >= 2
    slot.close()
    module.close()
    reader.close()
    time.sleep(0.5)


def test_while_the_centre_is_asked_the_card_stays_powered_and_ours_alone(counter: Counter) -> None:
    others: list[FaultCode] = []

    def meanwhile(cryptogram: bytes) -> bytes:
        if isinstance(counter.line, PcscTransport):
            other = CardReader(PcscTransport())
            other.open()
            with pytest.raises(DeviceFault) as caught:
                read(other)
            others.append(caught.value.code)
            other.close()
        time.sleep(0.5)
        return cryptogram

    def with_hsm(card: CardSession) -> SocialCard:
        return read_social_card(card, HsmAuthenticator(Centre(meanwhile)))

    counter.slot.insert(CARD_PERSONAS["third"])
    assert counter.reader.use(within(20), ignore, with_hsm, fresh=False).holder is not None
    assert set(others) <= {FaultCode.CARD_READER_BUSY}
    assert len(others) == isinstance(counter.line, PcscTransport)


def test_a_card_pulled_while_the_centre_is_asked_is_named(counter: Counter) -> None:
    def meanwhile(cryptogram: bytes) -> bytes:
        counter.slot.pull()
        return cryptogram

    counter.slot.insert(CARD_PERSONAS["third"])
    with pytest.raises(DeviceFault) as caught:
        counter.reader.use(
            within(20),
            ignore,
            lambda card: read_social_card(card, HsmAuthenticator(Centre(meanwhile))),
            fresh=False,
        )
    assert caught.value.code is FaultCode.CARD_PULLED
    counter.gone()
    counter.slot.insert(CARD_PERSONAS["second"])
    assert read(counter.reader).generation == 2


def kiosk_reads(counter: Counter, way: str, centre: CardCentre | None) -> SocialCard:
    """As the terminal does for a service, with these settings."""
    settings = Settings(devices=Devices(card_authenticator=way))
    parts = SimpleNamespace(settings=settings, card_centre=centre)

    def obey(step: Any) -> None:
        if step is CardStep.REMOVE:
            counter.slot.pull()
        elif step is CardStep.WAITING:
            counter.slot.insert(CARD_PERSONAS["third"])

    work = Work(
        parts=cast(Any, parts),
        report=obey,
        cancelled=within(20),
        told=list,
        now=beijing_now,
        online=never,
        letterhead=cast(Any, None),
    )
    return read_card(ReadCard("card_check.read", holder=True), counter.reader, work)


def test_the_terminal_opens_a_card_as_its_settings_say(counter: Counter) -> None:
    assert kiosk_reads(counter, "none", None).holder is None
    assert kiosk_reads(counter, "pin", None).holder is None, "nobody has entered it"
    assert kiosk_reads(counter, "hsm", Centre()).holder is not None
    with pytest.raises(DeviceFault) as caught:
        kiosk_reads(counter, "hsm", None)
    assert caught.value.code is FaultCode.HSM_UNREACHABLE
    if counter.kind != "direct":
        with module_beside(counter):
            assert kiosk_reads(counter, "psam", None).holder is not None


def test_a_reader_of_another_name_is_offline(pcscd: Service) -> None:
    reader = CardReader(PcscTransport(ReaderNames(contact="Acme")))
    with pytest.raises(DeviceFault) as caught:
        reader.open()
    assert caught.value.code is FaultCode.CARD_READER_OFFLINE
    reader.close()


def test_readers_that_come_and_go_with_their_service_are_told_at_once(pcscd: Service) -> None:
    """vpcd's readers cannot be pulled out while pcscd runs; under another name they are others."""
    table = HealthTable()
    reader = CardReader(PcscTransport(ReaderNames(contact="Virtual PCD")))
    loop = DeviceLoop("card_reader", lambda: reader, table, poll_s=30.0)
    reader.watch(loop.wake)
    loop.start()
    eventually(lambda: table.get("card_reader"), DeviceState.READY)
    for name, state in (("Other", DeviceState.FAULT), ("Virtual PCD", DeviceState.READY)):
        pcscd.kill()
        eventually(lambda: table.get("card_reader"), DeviceState.FAULT)
        pcscd.name = name
        pcscd.start()
        if state is DeviceState.FAULT:
            until = time.monotonic() + 20
            while (row := table.get("card_reader")) is None or (
                row.fault is not FaultCode.CARD_READER_OFFLINE
            ):
                assert time.monotonic() < until, row
                time.sleep(0.02)
        eventually(lambda: table.get("card_reader"), state, 5.0)
    reader.unwatch()
    loop.stop()


def test_doctor_s_line_turns_red_with_the_service_and_green_again(
    pcscd: Service, tmp_path: Path
) -> None:
    patient = Patient(tmp_path, Settings(devices=Devices(card="pcsc")))
    assert examine(patient, "card_reader") == Finding("card_reader", detail="Virtual PCD 00 00")
    pcscd.kill()
    assert examine(patient, "card_reader").fault is FaultCode.CARD_SERVICE_DOWN
    pcscd.start()
    assert examine(patient, "card_reader").healthy


def test_a_technician_watches_cards_and_the_service_come_and_go(pcscd: Service) -> None:
    program = "from kiosk.kioskctl import main; main()"
    command = [sys.executable, "-u", "-c", program, "card", "watch", "--for", "60"]
    slot = CardSlot(VPCD_PORT)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None

        def says(words: str) -> None:
            while words not in (line := watch.stdout.readline()):  # type: ignore[union-attr]
                assert line, f"it ended before it said {words}"

        says("reader in: Virtual PCD 00 01")
        slot.insert(CARD_PERSONAS["third"])
        says("card in: Virtual PCD 00 00 3b6d0000")
        slot.pull()
        says("card out: Virtual PCD 00 00")
        pcscd.kill()
        says("service is gone")
        pcscd.start()
        says("service is back")
        watch.terminate()


# -- the monitor alone, on a service that does what real readers do -------------------------------


class FakeScard:
    """`smartcard.scard` with readers that can be plugged in and pulled out."""

    def __init__(self) -> None:
        from smartcard import scard

        self._real = scard
        self.readers: dict[str, int] = {}
        self.up = True
        self.changed = threading.Condition()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def set(self, **change: Any) -> None:
        with self.changed:
            vars(self).update(change)
            self.changed.notify_all()

    def SCardEstablishContext(self, scope: int) -> tuple[int, object]:  # noqa: N802 - its name
        return (0, object()) if self.up else (self._real.SCARD_E_NO_SERVICE, None)

    def SCardReleaseContext(self, context: object) -> int:  # noqa: N802
        if not self.up:
            raise SystemError("a handle that died with the service")
        return 0

    def SCardCancel(self, context: object) -> int:  # noqa: N802
        self.set(cancelled=True)
        return 0

    cancelled = False

    def SCardListReaders(self, context: object, groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
        if not self.readers:
            return self._real.SCARD_E_NO_READERS_AVAILABLE, []
        return 0, list(self.readers)

    def SCardGetStatusChange(  # noqa: N802
        self, context: object, timeout_ms: int, asked: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        with self.changed:
            # As pcsc-lite: how many there were when it was asked, not when they were listed.
            count = len(self.readers)
            told = self.changed.wait_for(lambda: self._news(asked, count), timeout_ms / 1000)
            if self.cancelled:
                return self._real.SCARD_E_CANCELLED, []
            if not self.up:
                return self._real.SCARD_E_NO_SERVICE, []
            if not told:
                return self._real.SCARD_E_TIMEOUT, []
            unknown = self._real.SCARD_STATE_UNKNOWN
            return 0, [(name, self.readers.get(name, unknown), [0x3B, -1]) for name, _ in asked]

    def _news(self, asked: list[tuple[str, int]], count: int) -> bool:
        unknown = self._real.SCARD_STATE_UNKNOWN
        changed = any(self.readers.get(name, unknown) != state for name, state in asked[:-1])
        return self.cancelled or not self.up or changed or len(self.readers) != count


def test_readers_and_cards_that_come_and_go_are_told_one_by_one() -> None:
    fake = FakeScard()
    empty, present = fake.SCARD_STATE_EMPTY, fake.SCARD_STATE_PRESENT
    news: queue.SimpleQueue[Seen] = queue.SimpleQueue()
    monitor = PcscMonitor(fake, lambda: news.put(monitor.seen()))
    monitor.start()
    assert news.get(timeout=PATIENCE_S) == Seen(True, {})
    fake.set(readers={"A": empty})
    assert news.get(timeout=PATIENCE_S) == Seen(True, {"A": ReaderState()})
    fake.set(readers={"A": present})
    assert news.get(timeout=PATIENCE_S) == Seen(
        True, {"A": ReaderState(card=True, atr=b"\x3b\xff")}
    )
    fake.set(readers={"A": present | fake.SCARD_STATE_MUTE})
    assert news.get(timeout=PATIENCE_S).readers["A"].mute
    fake.set(readers={"A": empty, "B": empty})
    assert set(latest(news, 2).readers) == {"A", "B"}
    fake.set(readers={"B": empty})
    assert set(latest(news, 1).readers) == {"B"}
    fake.set(up=False)
    assert news.get(timeout=PATIENCE_S) == Seen(False, {})
    fake.set(up=True)
    assert set(latest(news, 1).readers) == {"B"}
    monitor.stop()


def test_a_reader_plugged_in_between_two_questions_is_not_overlooked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As USB readers are that come up while the service starts."""
    monkeypatch.setattr("hardware.card.monitor._ASK_S", 0.2)

    class Late(FakeScard):
        def SCardListReaders(self, context: object, groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
            listed = super().SCardListReaders(context, groups)
            self.readers = {"A": self.SCARD_STATE_EMPTY}
            return listed

    monitor = PcscMonitor(Late(), lambda: None)
    monitor.start()
    assert "A" in monitor.wait_for(lambda seen: bool(seen.readers), 5).readers
    monitor.stop()


def test_whatever_the_library_raises_does_not_end_the_monitor() -> None:
    class Raising(FakeScard):
        raises = iter((SystemError("no handle"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "")))

        def SCardListReaders(self, context: object, groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
            if (error := next(self.raises, None)) is not None:
                raise error
            return super().SCardListReaders(context, groups)

    fake = Raising()
    fake.readers = {"A": fake.SCARD_STATE_EMPTY}
    monitor = PcscMonitor(fake, lambda: None)
    monitor.start()
    assert "A" in monitor.wait_for(lambda seen: bool(seen.readers), 5).readers
    monitor.stop()


class Refusing(FakeScard):
    """A service that a rule of the machine (polkit) keeps from this program."""

    def SCardEstablishContext(self, scope: int) -> tuple[int, object]:  # noqa: N802
        return self._real.SCARD_W_SECURITY_VIOLATION, None


def test_a_service_that_may_not_be_used_is_not_one_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """✗ A technician was sent to start a service that was running."""
    transport = PcscTransport()
    monkeypatch.setattr("smartcard.scard", Refusing())
    transport.watch(lambda: None)
    with pytest.raises(DeviceFault) as caught:
        transport.open()
    assert caught.value.code is FaultCode.CARD_SERVICE_FORBIDDEN
    transport.unwatch()


class Odd(FakeScard):
    """Answers a question with something odd, so often as `odd` says."""

    odd = 0
    code = "SCARD_F_INTERNAL_ERROR"

    def SCardGetStatusChange(  # noqa: N802
        self, context: object, timeout_ms: int, asked: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        if self.odd > 0:
            self.odd -= 1
            return getattr(self._real, self.code), []
        return super().SCardGetStatusChange(context, timeout_ms, asked)


@pytest.mark.parametrize(
    "code", ["SCARD_F_INTERNAL_ERROR", "SCARD_E_UNKNOWN_READER", "SCARD_E_NO_MEMORY"]
)
def test_one_odd_answer_of_the_service_is_not_the_end_of_it(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """✗ All readers were gone, and a card that lay still was another one afterwards."""
    monkeypatch.setattr("hardware.card.monitor._ASK_S", 0.02)
    monkeypatch.setattr("hardware.card.monitor.RETRY_S", 0.02)
    fake = Odd()
    fake.code = code
    fake.readers = {"A": fake.SCARD_STATE_PRESENT}
    seen: list[Seen] = []
    monitor = PcscMonitor(fake, lambda: seen.append(monitor.seen()))
    monitor.start()
    first = monitor.wait_for(lambda now: bool(now.readers), 5).readers["A"].insertion
    fake.set(odd=3)
    wait_until(lambda: fake.odd == 0)
    fake.set(readers={"A": fake.SCARD_STATE_PRESENT, "B": fake.SCARD_STATE_EMPTY})
    now = monitor.wait_for(lambda now: "B" in now.readers, 5)
    assert all(one.service for one in seen)
    assert now.readers["A"].insertion == first
    fake.set(odd=50)
    assert not monitor.wait_for(lambda now: not now.service, 5).service
    fake.set(odd=0)
    assert monitor.wait_for(lambda now: now.service, 5).service
    monitor.stop()


class Broken:
    """A card in the slot whose commands fail; `there`: for so many looks it is called present."""

    def __init__(self, there: int, code: str = "SCARD_E_NOT_TRANSACTED") -> None:
        from smartcard import scard

        self._real, self._there, self._code = scard, there, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def SCardEstablishContext(self, scope: int) -> tuple[int, object]:  # noqa: N802
        return 0, object()

    def SCardConnect(self, *given: object) -> tuple[int, object, int]:  # noqa: N802
        return 0, object(), self._real.SCARD_PROTOCOL_T1

    def SCardTransmit(self, *given: object) -> tuple[int, list[int]]:  # noqa: N802
        return getattr(self._real, self._code), []

    def SCardGetStatusChange(  # noqa: N802
        self, context: object, timeout_ms: int, asked: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        self._there -= 1
        state = self._real.SCARD_STATE_PRESENT if self._there >= 0 else self._gone
        return 0, [("A", 1 << 16 | state, [])]

    @property
    def _gone(self) -> int:
        return int(self._real.SCARD_STATE_EMPTY)


class Flicked(Broken):
    """It went and came back between two looks: present, and counted."""

    @property
    def _gone(self) -> int:
        return 2 << 16 | int(self._real.SCARD_STATE_PRESENT)


@pytest.mark.parametrize(
    ("card", "there", "code"),
    [
        (Broken, 0, FaultCode.CARD_PULLED),
        (Broken, 3, FaultCode.CARD_PULLED),
        (Flicked, 0, FaultCode.CARD_PULLED),
        (Broken, 99, FaultCode.CARD_MUTE),
    ],
)
@pytest.mark.parametrize("said", ["SCARD_E_NOT_TRANSACTED", "SCARD_S_SUCCESS"])
def test_a_command_that_failed_asks_whether_the_card_is_still_there(
    card: type[Broken], there: int, code: FaultCode, said: str
) -> None:
    """✗ A card that lay in the slot was asked to be put back."""
    state = ReaderState(card=True, insertion=1, events=1)
    contexts = Contexts(card(there, said))
    connection = PcscConnection(PcscSlot(contexts, "A", Interface.CONTACT, state, {}))
    with pytest.raises(DeviceFault) as caught:
        connection.transmit(b"\x00\x84\x00\x00\x08")
    assert caught.value.code is code


def latest(news: queue.SimpleQueue[Seen], readers: int) -> Seen:
    """The first news with so many readers."""
    until = time.monotonic() + 20
    while len((seen := news.get(timeout=PATIENCE_S)).readers) != readers:
        assert time.monotonic() < until
    return seen


def test_without_a_service_it_is_named() -> None:
    """In a process that looks for the service where there is none."""
    code = (
        "from hardware.card.reader import CardReader\n"
        "from hardware.card.pcsc import PcscTransport\n"
        "from hardware.faults import DeviceFault\n"
        "try:\n    CardReader(PcscTransport()).open()\n"
        "except DeviceFault as fault:\n    print(fault.code)"
    )
    environment = os.environ | {"PCSCLITE_CSOCK_NAME": "/nowhere/pcscd.comm"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=20
    )
    assert done.stdout.strip() == FaultCode.CARD_SERVICE_DOWN


def test_settings_name_the_way_to_the_card() -> None:
    assert make_card_reader(Devices()) is None
    assert make_card_reader(Devices(card="pcsc")) is not None
    assert make_card_reader(Devices(card="direct:1234")) is not None
    with pytest.raises(ValueError, match="use pcsc"):
        make_card_reader(Devices(card="usb"))


def test_a_card_that_does_not_answer_to_power_is_mute_and_the_next_card_reads() -> None:
    """Directly: vpcd shows a card without an answer to reset as no card at all."""
    port = free_port()
    reader, slot = CardReader(DirectTransport(port)), CardSlot(port)
    reader.open()
    slot.insert(CARD_PERSONAS["mute"])
    with pytest.raises(DeviceFault) as caught:
        read(reader)
    assert caught.value.code is FaultCode.CARD_MUTE
    slot.insert(CARD_PERSONAS["third"])
    assert read(reader).generation == 3
    slot.close()
    reader.close()


def test_a_card_that_the_service_calls_mute_is_not_waited_for() -> None:
    mute = ReaderState(card=True, mute=True)
    with pytest.raises(DeviceFault) as caught:
        PcscSlot(Contexts(None), "A", Interface.CONTACT, mute, {}).connect()
    assert caught.value.code is FaultCode.CARD_MUTE
