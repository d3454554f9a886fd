"""The ID-card reader over a real pty, against everything that happens at a counter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.id_reader import (
    FIND,
    READ_TEXT,
    SAM_ID,
    SAM_STATUS,
    SELECT,
    Answer,
    IdCard,
    IdReader,
    IdStep,
    command_frame,
    parse_frame,
    parse_reading,
    parse_text,
)
from hardware.virtual.id_reader import VirtualIdReader, answer_frame, text_block
from hardware.virtual.personas import ID_PERSONAS

ZHANG = IdCard(**vars(ID_PERSONAS["zhang"]))
LONG_NAME = replace(ZHANG, name="阿卜杜热合曼·买买提明")


@pytest.fixture
def far_end() -> Iterator[VirtualIdReader]:
    virtual = VirtualIdReader()
    yield virtual
    virtual.close()


@pytest.fixture
def reader(far_end: VirtualIdReader) -> Iterator[IdReader]:
    driver = IdReader(far_end.port)
    driver.open()
    yield driver
    driver.close()


class Reading:
    """A reading under way on a thread of its own, and the steps it reported."""

    def __init__(self, reader: IdReader) -> None:
        self.steps: list[IdStep] = []
        self._cancel = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self.future: Future[IdCard] = self._pool.submit(
            reader.read, self._cancel.is_set, self.steps.append
        )

    def card(self) -> IdCard:
        return self.future.result(8)

    def cancel(self) -> None:
        self._cancel.set()

    def wait_for(self, step: IdStep) -> None:
        eventually(lambda: step in self.steps)


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


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
    assert reading.card() == LONG_NAME
    assert reading.steps == [IdStep.WAITING, IdStep.SEEN]


def test_a_card_may_come_later(far_end: VirtualIdReader, reader: IdReader) -> None:
    reading = Reading(reader)
    time.sleep(0.7)
    assert reading.steps == [IdStep.WAITING]
    far_end.put(ZHANG)
    assert reading.card().name == ZHANG.name


def test_card_lifted_mid_read_must_be_put_down_again(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.lift_during_read = True
    far_end.put(ZHANG)
    reading = Reading(reader)
    reading.wait_for(IdStep.LIFT_AND_REPLACE)
    assert not reading.future.done()
    time.sleep(0.5)
    far_end.put(ZHANG)
    assert reading.card() == ZHANG


def test_a_card_whose_reading_failed_is_not_read_until_it_was_lifted(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    far_end.put_other_card()
    reading = Reading(reader)
    reading.wait_for(IdStep.WRONG_DOCUMENT)
    far_end.lift()
    time.sleep(0.5)
    far_end.put(ZHANG)
    assert reading.card() == ZHANG


@pytest.mark.parametrize("kind", ["J", "I", "Y"])
def test_a_card_of_another_kind_is_told_by_its_kind(
    far_end: VirtualIdReader, reader: IdReader, kind: str
) -> None:
    far_end.put(replace(ZHANG, kind=kind))  # type: ignore[arg-type]
    assert Reading(reader).card().kind == kind


def test_a_reading_nobody_waits_for_ends(far_end: VirtualIdReader, reader: IdReader) -> None:
    reading = Reading(reader)
    reading.wait_for(IdStep.WAITING)
    reading.cancel()
    with pytest.raises(NotWanted):
        reading.future.result(2)


def test_reader_unplugged_while_waiting_is_offline_and_comes_back(
    far_end: VirtualIdReader, reader: IdReader
) -> None:
    reading = Reading(reader)
    reading.wait_for(IdStep.WAITING)
    far_end.unplug()
    with pytest.raises(DeviceFault) as caught:
        reading.future.result(5)
    assert caught.value.code is FaultCode.ID_READER_OFFLINE
    with pytest.raises(DeviceFault):
        reader.open()
    far_end.plug()
    reader.open()
    far_end.put(ZHANG)
    assert Reading(reader).card() == ZHANG


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


def test_a_port_is_not_shared(far_end: VirtualIdReader, reader: IdReader) -> None:
    with pytest.raises(DeviceFault) as caught:
        IdReader(far_end.port).open()
    assert caught.value.code is FaultCode.ID_READER_BUSY


def test_the_sam_number_is_its_serial_number(reader: IdReader) -> None:
    assert len(reader.poll().serial) == 32


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_a_protocol_fault(data: bytes) -> None:
    for frame in (data, answer_frame(0x90, data)[:-1] + data[:1]):
        try:
            parse_frame(frame)
        except DeviceFault as fault:
            assert fault.code is FaultCode.ID_READER_PROTOCOL


@given(st.binary(max_size=1400))
def test_any_reading_is_a_card_or_a_named_fault(data: bytes) -> None:
    try:
        parse_reading(data)
    except DeviceFault as fault:
        assert fault.code in (FaultCode.ID_READER_PROTOCOL, FaultCode.ID_CARD_UNREADABLE)


@given(st.binary(min_size=256, max_size=256))
def test_any_text_block_is_a_card_or_unreadable(block: bytes) -> None:
    try:
        parse_text(block)
    except DeviceFault as fault:
        assert fault.code is FaultCode.ID_CARD_UNREADABLE


def test_a_field_too_long_for_a_card_is_refused_by_the_far_end() -> None:
    with pytest.raises(ValueError, match="name"):
        text_block(replace(ZHANG, name="长" * 16))
