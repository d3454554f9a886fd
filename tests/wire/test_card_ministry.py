"""The ministry driver's fields and error codes, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.card.apdu import refused
from hardware.card.files import read_social_card
from hardware.card.ministry import (
    ERROR_CODES,
    BasicCard,
    ReadType,
    basic_card,
    error_code,
    fault_of,
    read_basic_card,
    status_word_code,
    write_basic_card,
)
from hardware.card.session import Interface
from hardware.faults import FaultCode
from hardware.virtual.personas import ID_PERSONAS
from tests.wire.cards import Desk

#: The example that is published with the interface.
EXAMPLE = (
    "639900|111111198101011110|X00000019|639900D15600000500BF7C7A48FB4966|张三|"
    "00814E43238697159900BF7C7A|1.00|20101001|20201001|410100813475|终端设备号|"
)


def test_the_published_example_is_read_and_written_the_same() -> None:
    card = read_basic_card(EXAMPLE.encode("gbk"))
    assert (card.region, card.name, card.version) == ("639900", "张三", "1.00")
    assert (card.issued, card.expires, card.device) == ("20101001", "20201001", "终端设备号")
    assert write_basic_card(card).decode("gbk") == EXAMPLE


def test_a_card_is_reported_in_the_ministry_s_order() -> None:
    card = read_social_card(Desk("second").card)
    fields = write_basic_card(basic_card(card, "000000000000", "130299")).decode("gbk").split("|")
    person = ID_PERSONAS["zhang"]
    assert fields[:2] == ["130299", person.number]
    assert fields[3][:6] == fields[0]
    assert fields[4] == person.name
    assert fields[6:9] == ["2.00", "20190902", "20290902"]
    assert fields[9:] == ["000000000000", "130299", ""]


def test_a_card_that_keeps_its_holder_leaves_the_fields_empty() -> None:
    card = basic_card(read_social_card(Desk("third").card), "1", "2")
    assert (card.name, card.number, card.expires) == ("", "", "")


_FIELD = st.text(st.characters(codec="gbk", exclude_characters="|\0"), max_size=20)


@given(st.builds(BasicCard, *[_FIELD] * 11))
def test_what_is_written_is_read_back(card: BasicCard) -> None:
    assert read_basic_card(write_basic_card(card)) == card


@given(st.binary(max_size=80))
def test_any_bytes_are_a_card_or_refused_without_their_content(out: bytes) -> None:
    try:
        read_basic_card(out)
    except ValueError as error:
        assert str(error) == "not GBK" or "fields instead of 11" in str(error)


@pytest.mark.parametrize("name", ["张|三", "𠮷"])
def test_what_the_encoding_cannot_say_is_refused(name: str) -> None:
    card = BasicCard("", "", "", "", name, "", "", "", "", "", "")
    with pytest.raises(ValueError):
        write_basic_card(card)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (0x63C0, -25536),
        (0x6700, -26368),
        (0x6982, -27010),
        (0x6983, -27011),
        (0x6985, -27013),
        (0x6A82, -27266),
        (0x6A88, -27272),
        (0x9302, -37634),
        (0x9303, -37635),
    ],
)
def test_a_status_word_is_its_negative(status: int, code: int) -> None:
    assert status_word_code(status) == code
    if status not in (0x63C0, 0x6983):  # which of them the key or the PIN is, the command tells
        assert fault_of(code) is refused(status, "").code


def test_what_the_driver_says_of_a_key_is_not_said_of_the_pin() -> None:
    assert fault_of(-25536) is FaultCode.CARD_KEY_REFUSED
    assert fault_of(-27011) is FaultCode.CARD_KEY_BLOCKED
    assert fault_of(-52) is FaultCode.CARD_PIN_BLOCKED


@pytest.mark.parametrize("fault", FaultCode)
def test_every_fault_has_a_number_that_means_something(fault: FaultCode) -> None:
    assert error_code(fault) < 0
    if fault in ERROR_CODES:
        assert ERROR_CODES[fault][0] == error_code(fault)


def test_the_kind_of_reading_says_which_interface() -> None:
    near, contact = Interface.CONTACTLESS, Interface.CONTACT
    assert [kind.allows(near) for kind in ReadType] == [False, True, True, True]
    assert [kind.allows(contact) for kind in ReadType] == [True, False, True, True]
