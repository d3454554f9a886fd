"""The ID-card reader over a real pty, against everything that happens at a counter."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.id_documents import IdCard, parse_address, parse_reading, parse_text
from hardware.id_reader import MOST_TRIES, POLL_S, STATUSES, IdReader, IdStep, Then
from hardware.sam import (
    FIND,
    READ_TEXT,
    SAM_ID,
    SAM_STATUS,
    SELECT,
    Answer,
    Sam,
    SerialSam,
    command_frame,
    parse_frame,
)
from hardware.supervision import DeviceLoop, HealthTable
from hardware.vendor.sdt import SdtSam
from hardware.virtual.id_reader import VirtualIdReader, answer_frame, text_block
from hardware.virtual.personas import ID_PERSONAS
from tests.id_cards import said_by
from tests.patience import PATIENCE_S, eventually
from tests.wire.makers import library

ZHANG = ID_PERSONAS["zhang"]
LONG_NAME = replace(ZHANG, name="阿卜杜热合曼·买买提明")


#: A hand lifts a card for so long, seconds: longer than two looks for it.
LIFTED_S = 0.15


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards are looked for and read several times as fast as they are; that they are not looked for
    more often than readers bear has a test of its own."""
    monkeypatch.setattr("hardware.id_reader.POLL_S", 0.05)
    monkeypatch.setattr("hardware.sam._REST_S", 0.4)
    monkeypatch.setattr("hardware.virtual.id_reader._READING_S", 0.1)


@pytest.fixture
def far_end() -> Iterator[VirtualIdReader]:
    virtual = VirtualIdReader()
    yield virtual
    virtual.close()


@pytest.fixture(params=["serial", "sdt"])
def sam(
    request: pytest.FixtureRequest, far_end: VirtualIdReader, monkeypatch: pytest.MonkeyPatch
) -> Sam:
    """The same far end, over a line or through a maker's library."""
    if request.param == "serial":
        return SerialSam(far_end.port)
    monkeypatch.setenv("MOCK_SAM_LINE", far_end.port)
    return SdtSam(library("sdt"))


@pytest.fixture
def reader(sam: Sam) -> Iterator[IdReader]:
    driver = IdReader(sam)
    driver.open()
    yield driver
    driver.close()


class Reading:
    """A reading under way on a thread of its own, and the steps it reported."""

    def __init__(self, reader: IdReader, *, fresh: bool = False) -> None:
        self.steps: list[IdStep] = []
        self._cancel = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self.future: Future[IdCard] = self._pool.submit(
            partial(reader.read, fresh=fresh), self._cancel.is_set, self.steps.append
        )

    def card(self) -> IdCard:
        return self.future.result(20)

    def cancel(self) -> None:
        self._cancel.set()

    def wait_for(self, step: IdStep, times: int = 1) -> None:
        eventually(lambda: self.steps.count(step) >= times)


def test_frames_are_those_of_the_protocol() -> None:
    assert [command_frame(c).hex()[10:].upper() for c in (SAM_STATUS, SAM_ID)] == [
        "000311FFED",
        "000312FFEE",
    ]
    assert [command_frame(c).hex()[10:].upper() for c in (FIND, SELECT, READ_TEXT)] == [
        "0003200122",
        "0003200221",
        "0003300132",
    ]
    found = bytes.fromhex("AAAAAA9669000800009F0000000097")
    assert parse_frame(found) == Answer(0x9F, bytes(4))
    assert answer_frame(0x9F, bytes(4)) == found


def test_a_card_is_read_as_it_lies_there(far_end: VirtualIdReader, reader: IdReader) -> None:
    far_end.put(LONG_NAME)
    reading = Reading(reader)
    assert reading.card() == said_by(LONG_NAME)
    assert reading.steps == [IdStep.WAITING, IdStep.SEEN]


def test_a_card_may_come_later(far_end: VirtualIdReader, reader: IdReader) -> None:
    reading = Reading(reader)
    time.sleep(LIFTED_S)
    assert reading.steps == [IdStep.WAITING]
    far_end.put(ZHANG)
    assert reading.card().name == ZHANG.name


def test_a_card_is_not_looked_for_more_often_than_readers_bear(
    far_end: VirtualIdReader, reader: IdReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.id_reader.POLL_S", POLL_S)
    looks: list[float] = []
    whole = VirtualIdReader.received

    def noting(virtual: VirtualIdReader, data: bytes) -> None:
        if command_frame(FIND) in data:
            looks.append(time.monotonic())
        whole(virtual, data)

    monkeypatch.setattr(VirtualIdReader, "received", noting)
    reading = Reading(reader)
    eventually(lambda: len(looks) >= 4)
    reading.cancel()
    # Seen from the far end, one may have been late and the next then not.
    assert looks[3] - looks[0] > 3 * POLL_S - 0.1
    assert POLL_S == 0.3


def test_a_card_lifted_mid_read_is_named_and_may_be_back_at_once(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.lift_during_read = True
    far_end.put(ZHANG)
    with pytest.raises(DeviceFault) as caught:
        Reading(reader).card()
    assert caught.value.code is FaultCode.ID_CARD_LIFTED
    far_end.put(ZHANG)  # before the operation reads again
    again = Reading(reader, fresh=True)
    assert again.card() == said_by(ZHANG)
    assert again.steps == [IdStep.WAITING, IdStep.SEEN]


# -- a card that was there before ------------------------------------------------------------------


@pytest.mark.parametrize("was_read", [False, True])
def test_a_card_that_lay_there_is_not_read_until_it_was_taken_and_laid_down_anew(
    far_end: VirtualIdReader, reader: IdReader, was_read: bool
) -> None:
    """Whether the citizen before was served with it or put it down and went."""
    far_end.put(ZHANG)
    if was_read:
        assert Reading(reader).card() == said_by(ZHANG)
    reading = Reading(reader, fresh=True)
    reading.wait_for(IdStep.REMOVE)
    time.sleep(LIFTED_S)
    assert reading.steps == [IdStep.REMOVE]
    far_end.lift()
    reading.wait_for(IdStep.WAITING)
    far_end.put(LONG_NAME)
    assert reading.card() == said_by(LONG_NAME)


def test_waiting_for_a_left_card_to_be_taken_can_be_given_up(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.put(ZHANG)
    reading = Reading(reader, fresh=True)
    reading.wait_for(IdStep.REMOVE)
    reading.cancel()
    with pytest.raises(NotWanted):
        reading.card()


@pytest.mark.parametrize("name", ["zhang", "moved", "permit"])
def test_a_card_is_known_to_lie_there_before_and_after_it_was_read(
    far_end: VirtualIdReader, reader: IdReader, name: str
) -> None:
    assert not reader.present()
    far_end.put(ID_PERSONAS[name])
    assert reader.present()
    Reading(reader).card()
    assert [reader.present() for _ in range(3)] == [True, True, True]
    far_end.lift()
    assert not reader.present()
    far_end.put(ID_PERSONAS[name])
    assert reader.present()


def test_whether_a_card_lies_there_is_not_known_of_a_reader_that_is_gone(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.put(ZHANG)
    Reading(reader).card()
    far_end.mute = True
    with pytest.raises(DeviceFault) as caught:
        reader.present()
    assert caught.value.code is FaultCode.ID_READER_OFFLINE


def test_after_the_visit_a_card_that_came_back_is_nobody_s(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.lift_during_read = True
    far_end.put(ZHANG)
    with pytest.raises(DeviceFault):
        Reading(reader).card()
    reader.visit_over()
    far_end.put(ZHANG)
    reading = Reading(reader, fresh=True)
    reading.wait_for(IdStep.REMOVE)
    reading.cancel()


def test_a_card_whose_reading_failed_is_not_read_until_it_was_lifted(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.put_other_card()
    reading = Reading(reader)
    reading.wait_for(IdStep.WRONG_DOCUMENT)
    far_end.lift()
    time.sleep(LIFTED_S)
    far_end.put(ZHANG)
    assert reading.card() == said_by(ZHANG)


@pytest.mark.parametrize("name", ["zhang", "moved", "permit", "resident-2017", "resident-2023"])
def test_every_kind_of_document_is_read_whole(
    far_end: VirtualIdReader, reader: IdReader, name: str
) -> None:
    far_end.put(ID_PERSONAS[name])
    assert Reading(reader).card() == said_by(ID_PERSONAS[name])


def test_what_only_some_kinds_say_is_there() -> None:
    permit, of_2017, of_2023 = (
        said_by(ID_PERSONAS[name]) for name in ("permit", "resident-2017", "resident-2023")
    )
    assert (permit.pass_number, permit.issue_count) == ("H00000001", "01")
    assert (of_2017.nationality, of_2017.address) == ("USA", "")
    assert of_2023.english_name.endswith("ANTOINETTE FICTITIOUS"), "it goes on elsewhere"


def test_the_newest_address_counts_and_the_printed_one_is_kept(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.put(ID_PERSONAS["moved"])
    card = Reading(reader).card()
    assert "曹妃甸" in card.address
    assert card.printed_address == ID_PERSONAS["moved"].address


def test_a_reader_that_knows_no_newest_address_reads_the_printed_one(
    far_end: VirtualIdReader, reader: IdReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.virtual.id_reader._READ_ADDRESS", b"none")
    far_end.put(ID_PERSONAS["moved"])
    assert Reading(reader).card().address == ID_PERSONAS["moved"].address


def test_nothing_of_a_person_is_in_a_repr(far_end: VirtualIdReader, reader: IdReader) -> None:
    far_end.put(ZHANG)
    shown = repr(Reading(reader).card())
    assert ZHANG.name not in shown and ZHANG.number not in shown and "路北区张北" not in shown


# -- every status ----------------------------------------------------------------------------------


OF_A_CARD = [sw3 for sw3, (_, then, _) in STATUSES.items() if then is Then.LIFT]
OF_THE_READER = [sw3 for sw3, (_, then, _) in STATUSES.items() if then is Then.FAULT]


def lift_and_put_down(far_end: VirtualIdReader, reading: Reading, times: int) -> None:
    """As a citizen does who is asked to, each time the page says so."""
    for asked in range(1, times + 1):
        reading.wait_for(IdStep.LIFT_AND_REPLACE, asked)
        far_end.lift()
        time.sleep(LIFTED_S)
        far_end.put(ZHANG)


@pytest.mark.parametrize("sw3", [*OF_A_CARD, 0x99], ids=lambda sw3: f"{sw3:02X}")
def test_a_card_that_fails_once_is_lifted_put_down_and_read(
    far_end: VirtualIdReader, reader: IdReader, sw3: int
) -> None:
    far_end.next_statuses = [sw3]
    far_end.put(ZHANG)
    reading = Reading(reader)
    lift_and_put_down(far_end, reading, 1)
    assert reading.card() == said_by(ZHANG)


@pytest.mark.parametrize(
    ("sw3", "code"),
    [
        (0x31, FaultCode.ID_CARD_REJECTED),
        (0x32, FaultCode.ID_CARD_REJECTED),
        (0x41, FaultCode.ID_CARD_UNREADABLE),
    ],
)
def test_a_card_that_fails_three_times_is_named_and_the_next_one_reads(
    far_end: VirtualIdReader, reader: IdReader, sw3: int, code: FaultCode
) -> None:
    far_end.next_statuses = [sw3] * MOST_TRIES
    far_end.put(ZHANG)
    reading = Reading(reader)
    lift_and_put_down(far_end, reading, MOST_TRIES - 1)
    with pytest.raises(DeviceFault) as caught:
        reading.card()
    assert caught.value.code is code
    far_end.lift()
    time.sleep(LIFTED_S)
    far_end.put(LONG_NAME)
    assert Reading(reader).card() == said_by(LONG_NAME)


@pytest.mark.parametrize("sw3", OF_THE_READER, ids=lambda sw3: f"{sw3:02X}")
def test_a_status_of_the_reader_is_its_fault(
    far_end: VirtualIdReader, reader: IdReader, sw3: int
) -> None:
    far_end.next_statuses = [sw3]
    far_end.put(ZHANG)
    with pytest.raises(DeviceFault) as caught:
        Reading(reader).card()
    lasting = (FaultCode.ID_READER_UNAUTHORISED, FaultCode.ID_READER_SELF_TEST)
    assert caught.value.code is STATUSES[sw3][2]
    assert caught.value.temporary is (caught.value.code not in lasting)


# -- a bad line ------------------------------------------------------------------------------------


def test_noise_before_an_answer_is_passed_over(far_end: VirtualIdReader, reader: IdReader) -> None:
    far_end.noise = b"\x00\xff\xaa\x96noise\xaa\xaa"
    far_end.put(ZHANG)
    assert Reading(reader).card() == said_by(ZHANG)


def test_a_line_that_only_makes_noise_is_a_protocol_fault(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.noise = b"\x55" * 200
    with pytest.raises(DeviceFault) as caught:
        reader.poll()
    assert caught.value.code is FaultCode.ID_READER_PROTOCOL


def test_an_answer_byte_by_byte_is_one_answer(
    far_end: VirtualIdReader, reader: IdReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.sam._REST_S", PATIENCE_S)
    far_end.trickle = 7
    far_end.put(ZHANG)
    assert Reading(reader).card() == said_by(ZHANG)


def test_a_spoilt_answer_is_not_believed(far_end: VirtualIdReader, reader: IdReader) -> None:
    far_end.spoil = True
    far_end.put(ZHANG)
    reading = Reading(reader)
    lift_and_put_down(far_end, reading, 1)
    assert reading.card() == said_by(ZHANG)


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.06, 0.09, 0.12, 0.2])
def test_a_cable_pulled_at_any_moment_is_named_and_the_reader_comes_back(
    far_end: VirtualIdReader, after_s: float
) -> None:
    table = HealthTable()
    loop = DeviceLoop("id_reader", lambda: IdReader(SerialSam(far_end.port)), table, poll_s=0.2)
    loop.start()

    def read(reader: IdReader) -> IdCard:
        until = time.monotonic() + 8
        return reader.read(lambda: time.monotonic() > until, lambda step: None, fresh=False)

    far_end.put(ZHANG)
    threading.Timer(after_s, far_end.unplug).start()
    try:
        assert loop.submit(read).result(9) == said_by(ZHANG), "it was quicker than the hand"
    except DeviceFault as fault:
        assert fault.code is FaultCode.ID_READER_OFFLINE
    eventually(lambda: (row := table.get("id_reader")) is not None and row.fault is not None)
    far_end.lift()
    far_end.plug()
    eventually(lambda: (row := table.get("id_reader")) is not None and row.fault is None, 10)
    far_end.put(LONG_NAME)
    assert loop.submit(read).result(9) == said_by(LONG_NAME)
    loop.stop()


def test_a_reading_nobody_waits_for_ends(far_end: VirtualIdReader, reader: IdReader) -> None:
    reading = Reading(reader)
    reading.wait_for(IdStep.WAITING)
    reading.cancel()
    with pytest.raises(NotWanted):
        reading.future.result(PATIENCE_S)


def test_reader_unplugged_while_waiting_is_offline_and_comes_back(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    reading = Reading(reader)
    reading.wait_for(IdStep.WAITING)
    far_end.unplug()
    with pytest.raises(DeviceFault) as caught:
        reading.future.result(PATIENCE_S)
    assert caught.value.code is FaultCode.ID_READER_OFFLINE
    with pytest.raises(DeviceFault):
        reader.open()
    far_end.plug()
    reader.open()
    far_end.put(ZHANG)
    assert Reading(reader).card() == said_by(ZHANG)


def test_a_mute_reader_is_offline_not_a_hang(far_end: VirtualIdReader, reader: IdReader) -> None:
    far_end.mute = True
    with pytest.raises(DeviceFault) as caught:
        reader.poll()
    assert caught.value.code is FaultCode.ID_READER_OFFLINE


def test_a_sam_without_authority_is_a_permanent_fault(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.unauthorised = True
    with pytest.raises(DeviceFault) as caught:
        Reading(reader).card()
    assert caught.value.code is FaultCode.ID_READER_UNAUTHORISED
    assert not caught.value.temporary


def test_a_port_is_not_shared(far_end: VirtualIdReader) -> None:
    first = IdReader(SerialSam(far_end.port))
    first.open()
    with pytest.raises(DeviceFault) as caught:
        IdReader(SerialSam(far_end.port)).open()
    assert caught.value.code is FaultCode.ID_READER_BUSY
    first.close()


def test_the_sam_number_is_its_serial_number(reader: IdReader) -> None:
    assert len(reader.poll().serial) == 32


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_a_protocol_fault(data: bytes) -> None:
    for frame in (data, answer_frame(0x90, data)[:-1] + data[:1]):
        try:
            parse_frame(frame)
        except DeviceFault as fault:
            assert fault.code is FaultCode.ID_READER_PROTOCOL


@pytest.mark.parametrize("fingerprint", [None, 0, 512, 1024])
def test_a_reading_is_taken_apart_with_or_without_a_fingerprint(fingerprint: int | None) -> None:
    """1295, 1297, 1809 and 2321 bytes as whole frames."""
    text, photo = text_block(ZHANG), bytes(range(256)) * 4
    parts = [text, photo, *([] if fingerprint is None else [b"\xfe" * fingerprint])]
    data = b"".join(len(part).to_bytes(2, "big") for part in parts) + b"".join(parts)
    whole = {None: 1295, 0: 1297, 512: 1809, 1024: 2321}[fingerprint]
    assert len(answer_frame(0x90, data)) == whole
    reading = parse_reading(data)
    assert (reading.text, reading.photo) == (text, photo)
    assert b"\xfe" not in reading.text + reading.photo.replace(bytes(range(256)), b"")


@given(st.binary(max_size=1400))
def test_any_reading_is_taken_apart_or_a_protocol_fault(data: bytes) -> None:
    for reading in (data, bytes.fromhex("01000400") + data, bytes.fromhex("010004000400") + data):
        try:
            assert len(parse_reading(reading).text) == 256
        except DeviceFault as fault:
            assert fault.code is FaultCode.ID_READER_PROTOCOL


@given(st.binary(min_size=256, max_size=256), st.sampled_from([b"", b" ", b"J", b"I", b"Y"]))
def test_any_text_block_is_a_card_or_unreadable(block: bytes, kind: bytes) -> None:
    if kind:
        block = block[:248] + kind + b"\0" + block[250:]
    try:
        parse_text(block)
    except DeviceFault as fault:
        assert fault.code is FaultCode.ID_CARD_UNREADABLE


@given(st.binary(max_size=90))
def test_any_bytes_are_an_address_or_none(data: bytes) -> None:
    assert len(parse_address(data)) <= 35


def test_a_field_too_long_for_a_card_is_refused_by_the_far_end() -> None:
    with pytest.raises(ValueError, match="name"):
        text_block(replace(ZHANG, name="长" * 16))
