"""What a card says: every manner of card is read, any bytes give a card or a named fault."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.card.apdu import exchange
from hardware.card.atr import historical_bytes
from hardware.card.contents import decode, parse_records
from hardware.card.files import (
    HOLDER_RECORDS,
    ISSUER_RECORDS,
    algorithm_of,
    read_social_card,
)
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual.personas import CARD_PERSONAS
from tests.wire.cards import Desk, session


def fault_of(persona: str) -> FaultCode:
    with pytest.raises(DeviceFault) as caught:
        read_social_card(Desk(persona).card)
    return caught.value.code


@pytest.mark.parametrize(
    ("persona", "code"),
    [
        ("foreign", FaultCode.CARD_FOREIGN),
        ("damaged", FaultCode.CARD_DAMAGED),
        ("blank", FaultCode.CARD_BLANK),
        ("blocked", FaultCode.CARD_BLOCKED),
    ],
)
def test_a_card_that_cannot_be_used_is_named(persona: str, code: FaultCode) -> None:
    assert fault_of(persona) is code


@pytest.mark.parametrize(
    "persona",
    ["second", "second-old-manners", "second-short-id", "second-all-at-once", "second-long-name"],
)
def test_every_way_of_addressing_files_and_records_is_understood(persona: str) -> None:
    card = read_social_card(Desk(persona).card)
    assert card.generation == 2
    assert card.region == "130299"
    assert card.holder is not None
    assert card.holder.birthplace == "130299"


def test_a_well_mannered_card_is_not_asked_anything_in_vain() -> None:
    desk = Desk("second")
    read_social_card(desk.card)
    assert len(desk.commands) == 1 + 2 + len(ISSUER_RECORDS) + len(HOLDER_RECORDS)


def test_what_a_card_understood_once_is_tried_first() -> None:
    desk = Desk("second-old-manners")
    read_social_card(desk.card)
    reads = [command for command in desk.commands if command[1] == 0xB2]
    in_vain = [command for command in reads if command[3] == 0x00]
    assert len(in_vain) == 1, "by identifier once, and never again"


def test_the_third_generation_says_its_algorithm_and_keeps_its_holder() -> None:
    card = read_social_card(Desk("third").card)
    assert (card.generation, card.algorithm, card.holder) == (3, "03", None)
    assert len(card.reset_info) == 26


def test_the_answer_to_reset_of_a_contactless_card_is_read_by_its_structure() -> None:
    card = read_social_card(Desk("third-near").card)
    assert bytes.fromhex(card.reset_info) == b"SSCARD-CPU"


def test_dates_in_letters_and_a_short_version_do_not_stop_anybody() -> None:
    card = read_social_card(Desk("second-old-manners").card)
    assert (card.version, card.issued, card.expires) == (
        "2.0",
        date(2012, 1, 1),
        date(2029, 12, 31),
    )


# -- single commands -----------------------------------------------------------------------------


def test_what_comes_with_a_refused_length_is_no_part_of_the_answer() -> None:
    answers = iter([b"\xde\xad\x6c\x02", b"\x01\x02\x90\x00"])
    assert exchange(lambda command: next(answers), b"\x00\xb2\x01\x00").data == b"\x01\x02"


def test_an_answer_in_two_halves_is_put_together() -> None:
    asked: list[bytes] = []

    def transmit(command: bytes) -> bytes:
        asked.append(command)
        return b"ab\x61\x02" if len(asked) == 1 else b"cd\x90\x00"

    assert exchange(transmit, b"\x00\xb2\x01\x00").data == b"abcd"
    assert asked[1] == bytes.fromhex("00C0000002")


@pytest.mark.parametrize(
    ("atr", "expected"),
    [
        ("3B6D00000081544343238697150099BF7C", "0081544343238697150099BF7C"),
        ("3B8A8001534C4A5353434152443130", "534C4A53534341524431"),
        ("3B00", ""),
        ("3F6300000102 03", "010203"),
        # TA1, TC1, TD1 -> TA2: four interface bytes before the history
        ("3BD2 11 00 11 22 4142", "4142"),
        ("3B6D0000", ""),
        ("3BF0", ""),
        ("00", ""),
        ("", ""),
    ],
)
def test_historical_bytes_stand_where_the_structure_says(atr: str, expected: str) -> None:
    assert historical_bytes(bytes.fromhex(atr)) == bytes.fromhex(expected)


def test_the_algorithm_is_one_where_the_card_does_not_say() -> None:
    assert algorithm_of(CARD_PERSONAS["second"].fci) == "01"
    assert algorithm_of(bytes.fromhex("9F0C038601")) == "01", "cut off before it"


# -- any bytes -----------------------------------------------------------------------------------


@given(st.binary(max_size=40))
def test_any_answer_to_reset_has_historical_bytes_or_none(atr: bytes) -> None:
    assert historical_bytes(atr) in atr


@given(st.binary(max_size=60))
def test_any_bytes_are_records_or_none(answer: bytes) -> None:
    for tag, value in parse_records(answer).items():
        assert bytes([tag, len(value)]) + value in answer


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40))
def test_a_card_that_answers_anything_gives_a_card_or_a_named_fault(answers: list[bytes]) -> None:
    rest = iter(answers * 60)

    def transmit(command: bytes) -> bytes:
        return next(rest)

    try:
        read_social_card(session(transmit, answers[0]))
    except DeviceFault as fault:
        assert fault.code in (
            FaultCode.CARD_FOREIGN,
            FaultCode.CARD_DAMAGED,
            FaultCode.CARD_BLANK,
            FaultCode.CARD_BLOCKED,
        )


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
        assert fault.code in (FaultCode.CARD_DAMAGED, FaultCode.CARD_BLANK)
