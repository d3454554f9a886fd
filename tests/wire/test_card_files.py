"""What a card says: every manner of card is read, any bytes give a card or a named fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.card.apdu import Answer, exchange, over_t0, refused
from hardware.card.atr import historical_bytes, speaks_t1
from hardware.card.contents import Holder, SocialCard, decode, holder_of, parse_records
from hardware.card.files import (
    HOLDER_RECORDS,
    ISSUER_RECORDS,
    CardFiles,
    algorithm_of,
    read_social_card,
)
from hardware.card.session import CardSession, Interface
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual.card import VirtualCard
from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
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
        # ✗ Both were said to be blank.
        ("not-understood", FaultCode.CARD_NOT_UNDERSTOOD),
        ("guarded", FaultCode.CARD_NOT_UNDERSTOOD),
    ],
)
def test_a_card_that_cannot_be_used_is_named(persona: str, code: FaultCode) -> None:
    assert fault_of(persona) is code


@pytest.mark.parametrize(
    "persona",
    [
        "second",
        "second-old-manners",
        "second-short-id",
        "second-all-at-once",
        "second-long-name",
        "second-blanks",
    ],
)
def test_every_way_of_addressing_files_and_records_is_understood(persona: str) -> None:
    card = read_social_card(Desk(persona).card)
    assert card.generation == 2
    assert card.region == "130299"
    assert card.holder is not None
    assert card.holder.birthplace == "130299"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("6982", FaultCode.CARD_NOT_UNDERSTOOD),
        ("6A82", FaultCode.CARD_NOT_UNDERSTOOD),
        ("6A83", FaultCode.CARD_NOT_UNDERSTOOD),
        ("6700", FaultCode.CARD_NOT_UNDERSTOOD),
        ("6281", FaultCode.CARD_NOT_UNDERSTOOD),
        ("6283", FaultCode.CARD_BLOCKED),
        ("9303", FaultCode.CARD_BLOCKED),
        # Data that is no record.
        ("414243449000", FaultCode.CARD_DAMAGED),
        ("0104FFFFFFFF9000", FaultCode.CARD_BLANK),
        ("0104FFFF00206282", FaultCode.CARD_BLANK),
    ],
)
def test_only_a_card_whose_records_were_read_and_are_empty_is_blank(
    said: str, code: FaultCode
) -> None:
    """✗ So was every card that was only not understood."""

    def transmit(command: bytes) -> bytes:
        return bytes.fromhex(said if command[1] == 0xB2 else "9000")

    with pytest.raises(DeviceFault) as caught:
        read_social_card(session(transmit))
    assert caught.value.code is code
    if code in (FaultCode.CARD_NOT_UNDERSTOOD, FaultCode.CARD_BLOCKED):
        assert caught.value.detail == f"EF05 {said}"


def test_a_file_that_cannot_be_selected_says_with_what() -> None:
    answers = {0x04: "9000", 0x02: "6A82", 0x00: "6A86"}

    def transmit(command: bytes) -> bytes:
        return bytes.fromhex(answers[command[2]] if command[1] == 0xA4 else "6A82")

    with pytest.raises(DeviceFault, match=r"^card_not_understood: EF05 6A82 6A86$"):
        read_social_card(session(transmit))


def test_records_are_filed_by_their_tags_not_by_their_places() -> None:
    """✗ A card of version 1.00 lost sex, ethnic group, birthplace and birth: it has no 4E."""
    card = read_social_card(Desk("first").card)
    assert card.generation == 1
    assert card.holder is not None
    zhang = ID_PERSONAS["zhang"]
    assert (card.holder.name, card.holder.number) == (zhang.name, zhang.number)
    assert (card.holder.sex_code, card.holder.ethnic_code) == ("1", "01")
    assert (card.holder.birth, card.holder.birthplace) == (date(1957, 3, 16), "130299")


def test_a_record_in_an_unknown_place_does_not_push_out_the_last() -> None:
    persona = CARD_PERSONAS["second-old-manners"]
    more = {0x50: b"new", **persona.holder_file}
    desk = Desk("second-old-manners")
    desk.virtual = VirtualCard(replace(persona, holder_file=more))
    card = read_social_card(desk.card)
    assert card.holder is not None
    assert card.holder.birth == date(1957, 3, 16)


def test_what_fills_a_record_up_does_not_lose_the_holder() -> None:
    """✗ FF did; x in a small letter was another number; ethnic group and birthplace were "ff"."""
    card = read_social_card(Desk("second-ff").card)
    assert card.holder is not None
    assert card.holder.name == "张建国"
    assert card.holder.number == "13029919571231023X"
    assert (card.holder.ethnic_code, card.holder.birthplace) == ("", "")
    blanks = read_social_card(Desk("second-blanks").card)
    assert blanks.holder is not None
    assert blanks.holder.name == "张建国"


def test_an_end_that_cannot_be_read_is_neither_in_date_nor_over() -> None:
    """✗ It counted as in date."""
    card = read_social_card(Desk("second-ff").card)
    assert (card.expires, card.in_date_on(date(2026, 11, 28))) == (None, None)
    assert read_social_card(Desk("third").card).in_date_on(date(2099, 1, 1)) is True
    second = read_social_card(Desk("second").card)
    assert [second.in_date_on(date(2029, 9, day)) for day in (2, 3)] == [True, False]


HOLDER = {"number": b"130203199001011239", "name": "王秀英".encode("gb18030")}


def holder(**records: bytes) -> Holder | None:
    return holder_of({**HOLDER, **records})


@pytest.mark.parametrize(
    "number",
    [
        b"ABC",
        b"",
        b"130203199001011238",  # its check character is another
        b"13020319900101123",
        b"1302031990010112399",
        b"13020319900101123\xb9",
        b"13020319900101123a",
        b"US000000000000000A",
        b"\xff" * 18,
    ],
)
def test_what_is_no_number_is_nobody_s(number: bytes) -> None:
    """✗ "ABC" was taken for a 社会保障号码."""
    assert holder(number=number) is None


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (b"130203199001011239", "130203199001011239"),
        (b"13029919571231023x", "13029919571231023X"),
        (b"130203199001011239\xff\xff", "130203199001011239"),
        (b"USA0H0000000000001", "USA0H0000000000001"),
    ],
)
def test_a_number_is_read_in_large_letters(number: bytes, read: str) -> None:
    found = holder(number=number)
    assert found is not None
    assert found.number == read


@pytest.mark.parametrize(
    ("code", "name"),
    [("FE59", "龴"), ("FE91", "\U000241fe"), ("FEA0", "龻"), ("FE9F", "䶮"), ("82359037", "龴")],
)
def test_a_name_is_read_as_gb_18030_2022_has_it(code: str, name: str) -> None:
    """✗ Python's codec left fourteen characters in the private area."""
    found = holder(name=bytes.fromhex(code) + b"\0" * 4)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("records", "read"),
    [
        ({"sex_code": b"2"}, ("2", "", "", None)),
        ({"sex_code": b"7"}, ("", "", "", None)),
        ({"sex_code": b"\xff"}, ("", "", "", None)),
        ({"ethnic_code": b"\x15"}, ("", "15", "", None)),
        ({"ethnic_code": b"\x1f"}, ("", "", "", None)),
        ({"birthplace": b"\x13\x02\x03"}, ("", "", "130203", None)),
        ({"birthplace": b"\x13\x02\xff"}, ("", "", "", None)),
        ({"birth": b"\x19\x90\x01\x01"}, ("", "", "", date(1990, 1, 1))),
        ({"birth": b"1990"}, ("", "", "", date(1990, 1, 1))),
        ({"birth": b"\x19\x90\x13\x01"}, ("", "", "", None)),
    ],
)
def test_what_makes_no_sense_is_left_out(
    records: dict[str, bytes], read: tuple[str, str, str, date | None]
) -> None:
    found = holder(**records)
    assert found is not None
    assert (found.sex_code, found.ethnic_code, found.birthplace, found.birth) == read


#: SELECT of the application by its name, and of the two files as most cards like it.
APPLICATION = "00a404000f7378312e73682ec9e7bbe1b1a3d5cf00"
EF05, EF06 = "00a4020002ef0500", "00a4020002ef0600"


def asked(persona: str) -> list[str]:
    desk = Desk(persona)
    read_social_card(desk.card)
    return [command.hex() for command in desk.commands]


def by(p2: str, *p1: str) -> list[str]:
    return [f"00b2{one}{p2}00" for one in p1]


def test_a_well_mannered_card_is_not_asked_anything_in_vain() -> None:
    holder = by("00", "08", "09", "4e", "0a", "0b", "0c", "0d")
    assert asked("second") == [
        *(APPLICATION, EF05, *by("00", "01", "02", "03", "04", "05", "06", "07")),
        *(EF06, *holder),
    ]
    # One answer is enough to know that the holder is kept.
    assert asked("third") == [
        *(APPLICATION, EF05, *by("00", "01", "02", "03", "04", "05", "06", "07")),
        *(EF06, *by("00", "08")),
    ]


def test_a_card_that_wants_numbers_is_asked_to_the_end_of_its_file() -> None:
    assert asked("first") == [
        *(APPLICATION, EF05, *by("00", "01")),
        *by("04", "01", "02", "03", "04", "05", "06", "07"),
        *(EF06, *by("04", "01", "02", "03", "04", "05", "06", "07")),
    ]


def test_a_card_that_wants_short_ids_is_asked_by_them() -> None:
    numbers = ("01", "02", "03", "04", "05", "06", "07")
    other = "00a4000002ef"
    assert asked("second-short-id") == [
        *(APPLICATION, EF05, other + "0500", *by("2c", *numbers)),
        *(EF06, other + "0600", *by("34", *numbers)),
    ]


def test_a_card_that_gives_all_at_once_is_asked_once() -> None:
    assert asked("second-all-at-once") == [
        *(APPLICATION, EF05, *by("00", "01"), *by("04", "01"), *by("2c", "01"), *by("05", "01")),
        *(EF06, *by("05", "01")),
    ]


class Scripted:
    """Answers by the beginning of the command in hexadecimal; the longest that fits."""

    def __init__(self, **answers: str) -> None:
        self.answers = {name.removeprefix("_"): answer for name, answer in answers.items()}
        self.asked: list[str] = []

    def __call__(self, command: bytes) -> bytes:
        self.asked.append(command.hex())
        fits = [begins for begins in self.answers if command.hex().startswith(begins)]
        return bytes.fromhex(self.answers[max(fits, key=len)])


def test_an_application_without_its_name_is_found_by_its_file() -> None:
    card = Scripted(_00a404="6a82", _00a400="9000", _00a4000002ddf1="6f079f0c038601039000")
    assert CardFiles(card).enter() == "03"
    assert card.asked == [APPLICATION, "00a40000023f0000", "00a4000002ddf100"]


def test_where_no_way_leads_in_the_card_is_foreign_and_no_step_is_left_out() -> None:
    card = Scripted(_00a404="6a82", _00a400="6a86")
    with pytest.raises(DeviceFault, match=r"^card_foreign: SW 6A86$"):
        CardFiles(card).enter()
    assert card.asked == [APPLICATION, "00a40000023f0000"]


def test_an_application_that_is_locked_is_not_looked_for_otherwise() -> None:
    card = Scripted(_00a404="6a81")
    with pytest.raises(DeviceFault, match=r"^card_blocked: SELECT 6A81$"):
        CardFiles(card).enter()
    assert card.asked == [APPLICATION]


def test_how_a_file_is_selected_is_remembered() -> None:
    card = Scripted(_00a402="6a86", _00a400="9000", _00b2="010141029000")
    files = CardFiles(card)
    for _ in range(2):
        assert files.read(0xEF05, {"card_id": 0x01, "class": 0x02}) == {"card_id": b"A"}
    selects = [one for one in card.asked if one.startswith("00a4")]
    assert selects == ["00a4020002ef0500", "00a4000002ef0500", "00a4000002ef0500"]


def test_one_record_that_fails_does_not_lose_the_others() -> None:
    card = Scripted(_00a4="9000", _00b201="6281", _00b203="0301439000", _00b2="6a83")
    assert CardFiles(card).read(0xEF05, {"a": 1, "b": 2, "c": 3}) == {"c": b"C"}
    assert card.asked[1:] == by("00", "01", "02", "03"), "nor one that is not there"


def test_a_card_that_never_comes_to_an_end_is_not_asked_for_ever() -> None:
    card = Scripted(_00a4="9000", _00b2="5001419000", _00b20100="6a86")
    files = CardFiles(card)
    assert files.read(0xEF05, {"a": 1}) == {}
    numbers = [f"{number:02x}" for number in range(1, 17)]
    assert card.asked[1:] == [
        *by("00", "01"),
        *by("04", *numbers),
        *by("2c", *numbers),
        *by("05", "01"),
    ]
    fault = files.why_none("EF05")
    assert (fault.code, fault.detail) == (FaultCode.CARD_DAMAGED, "EF05: no records")


def test_why_nothing_was_found_is_asked_of_the_file_read_last() -> None:
    card = Scripted(_00a4="9000", _00a4020002ef06="6982", _00b2="6282")
    files = CardFiles(card)
    assert not files.locked
    files.read(0xEF05, {"a": 1})
    card.answers = {"00": "6700"}
    files.read(0xEF06, {"a": 1})
    assert files.why_none("EF06").detail == "EF06 6700"


# -- with what opens the holder's file -----------------------------------------------------------


class Way:
    """An authenticator that opens the card, or says that it did."""

    proves = False

    def __init__(self, desk: Desk, *, tries: bool = True, opens: bool = True) -> None:
        self.desk, self.tries, self.opens = desk, tries, opens
        self.about: list[SocialCard] = []

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        self.about.append(about)
        assert card is self.desk.card
        self.desk.virtual._may_read |= self.opens
        return self.tries


def test_the_holder_is_read_once_the_file_is_open() -> None:
    desk = Desk("third")
    way = Way(desk)
    card = read_social_card(desk.card, way)
    assert card.holder is not None
    assert card.holder.name == ID_PERSONAS["wang"].name
    assert way.about == [replace(card, holder=None)]


def test_a_file_that_stays_locked_all_the_same_is_a_fault() -> None:
    desk = Desk("third")
    with pytest.raises(DeviceFault, match=r"^card_refused: EF06 after authentication 6982$"):
        read_social_card(desk.card, Way(desk, opens=False))


def test_where_nobody_tries_the_holder_stays_unknown() -> None:
    desk = Desk("third")
    assert read_social_card(desk.card, Way(desk, tries=False, opens=False)).holder is None


def test_a_free_file_needs_nobody() -> None:
    desk = Desk("second")
    way = Way(desk)
    assert read_social_card(desk.card, way).holder is not None
    assert way.about == []


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


@pytest.mark.parametrize("persona", ["third-t1", "third-near"])
def test_over_t1_the_algorithm_is_said_only_to_who_says_what_is_expected(persona: str) -> None:
    """✗ It was read as 01."""
    card = read_social_card(Desk(persona).card)
    assert (card.generation, card.algorithm) == (3, "03")


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


def test_all_that_a_card_says_is_told() -> None:
    near = replace(Desk("second").card, insertion=7, interface=Interface.CONTACTLESS)
    card = read_social_card(near)
    assert card == SocialCard(
        card_id="130299D15600000501312D0100000000",
        version="2.00",
        generation=2,
        issuer="915600000213029900000001",
        issued=date(2019, 9, 2),
        expires=date(2029, 9, 2),
        card_no="A20000001",
        holder=Holder(
            number=ID_PERSONAS["zhang"].number,
            name="张建国",
            sex_code="1",
            ethnic_code="01",
            birth=date(1957, 3, 16),
            birthplace="130299",
        ),
        reset_info="00904E43238697000001312D01",
        algorithm="01",
        interface=Interface.CONTACTLESS,
    )
    assert (card.insertion, card.region, card.pin_tries) == (7, "130299", None)


def test_records_alone_are_a_card_without_a_reader() -> None:
    issuer = {"card_id": b"\x13\x02\x99" + bytes(13), "version": b"1.00", "card_no": b"A2 \0\xff"}
    card = decode(issuer, HOLDER)
    assert (card.card_no, card.issuer, card.reset_info) == ("A2", "", "")
    assert decode({"card_id": issuer["card_id"], "version": b"1"}, {}).card_no == ""
    assert decode({**issuer, "issuer": b"\xab\xcd"}, {}).issuer == "ABCD"
    assert (card.algorithm, card.interface, card.insertion) == ("01", Interface.CONTACT, 0)
    assert card.holder is not None
    assert (card.issued, card.expires) == (None, None)
    longer = decode({**issuer, "card_no": b"B12345678and more"}, {}, algorithm="03")
    assert (longer.card_no, longer.algorithm) == ("B12345678", "03")
    assert decode({**issuer, "card_no": b"B1\x07"}, {}).card_no == ""


@pytest.mark.parametrize(
    ("answer", "records"),
    [
        ("0802414209014309", {8: b"AB", 9: b"C"}),
        ("08054142", {}),
        ("0801410A05", {8: b"A"}),
        ("0800", {8: b""}),
        ("08", {}),
        ("", {}),
    ],
)
def test_a_record_that_is_cut_short_is_none(answer: str, records: dict[int, bytes]) -> None:
    assert parse_records(bytes.fromhex(answer)) == records


def test_a_name_goes_on_where_its_first_part_is_filled_up() -> None:
    for filled in (b"MALX", b"MALX\0\0", b"MALX\xff\xff"):
        found = holder(name=filled, name_more=b"Y  \0\xff")
        assert found is not None
        assert found.name == "MALXY"
    assert holder_of({"number": HOLDER["number"]}) is None
    assert holder_of({"name": HOLDER["name"]}) is None
    assert holder(name=b"\x81") is None, "half a character"


def test_nothing_of_a_card_s_holder_appears_where_it_may_be_logged() -> None:
    shown = repr(read_social_card(Desk("second").card))
    for said in ("张", "A20000001", "D156000005", "1957", "Holder(number"):
        assert said not in shown


# -- single commands -----------------------------------------------------------------------------


def test_what_comes_with_a_refused_length_is_no_part_of_the_answer() -> None:
    answers = iter([b"\xde\xad\x6c\x02", b"\x01\x02\x90\x00"])
    assert exchange(lambda command: next(answers), b"\x00\xb2\x01\x00").data == b"\x01\x02"


def test_a_card_that_says_nothing_or_never_ends_is_damaged() -> None:
    for short in (b"", b"\x90"):
        with pytest.raises(DeviceFault, match=r"^card_damaged: no status word$"):
            exchange(lambda command, said=short: said, b"\0\xb2\1\0")
    asked: list[bytes] = []

    def endless(command: bytes) -> bytes:
        asked.append(command)
        return b"a\x61\x01"

    with pytest.raises(DeviceFault, match=r"^card_damaged: endless answer$"):
        exchange(endless, b"\0\xb2\1\0")
    assert len(asked) == 16


def test_what_a_command_needs_is_there_or_a_fault_with_its_status() -> None:
    assert Answer(0x9000, b"ab").must("READ") == b"ab"
    with pytest.raises(DeviceFault, match=r"^card_refused: READ 0A82$"):
        Answer(0x0A82).must("READ")
    assert "ab" not in repr(Answer(0x9000, b"ab"))
    assert Answer(0x6B00) == Answer(0x6B00, b"")


@pytest.mark.parametrize("status", [0x6283, 0x6A81, 0x9303])
def test_a_card_that_is_locked_says_so(status: int) -> None:
    fault = refused(status, "SELECT")
    assert (fault.code, fault.detail) == (FaultCode.CARD_BLOCKED, f"SELECT {status:04X}")


def test_a_command_says_its_lengths() -> None:
    sent: list[bytes] = []

    def transmit(command: bytes) -> bytes:
        sent.append(command)
        return b"\x90\x00"

    exchange(transmit, b"\0\x20\0\0")
    exchange(transmit, b"\0\x20\0\0", b"\x12\x34")
    exchange(transmit, b"\0\xb2\0\0", expects=True)
    exchange(transmit, b"\0\xa4\0\0", b"\x12\x34", expects=True)
    assert [one.hex() for one in sent] == [
        "00200000",
        "00200000021234",
        "00b2000000",
        "00a4000002123400",
    ]


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
        ("3B8D01 00904E4323869700000000000A 5F", "00904E4323869700000000000A"),
        ("3B6D0000", ""),
        ("3BF0", ""),
        ("00", ""),
        ("", ""),
    ],
)
def test_historical_bytes_stand_where_the_structure_says(atr: str, expected: str) -> None:
    assert historical_bytes(bytes.fromhex(atr)) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("atr", "block"),
    [
        ("3B6D0000" + "00" * 13, False),
        ("3B8A8001" + "41" * 10 + "3C", True),
        ("3B8D01" + "00" * 13, True),
        # TD1 says T=0 and another; TD2 that it is T=1
        ("3B8080 01", True),
        ("3B8080 1F", False),
        ("3B80", False),
        ("3B", False),
        ("", False),
    ],
)
def test_whether_a_card_speaks_t1_stands_in_its_answer_to_reset(atr: str, block: bool) -> None:
    assert speaks_t1(bytes.fromhex(atr)) is block


@pytest.mark.parametrize(
    ("sent", "carried"),
    [
        ("00200000", "0020000000"),
        ("00B2010400", "00B2010400"),
        ("0020000003123456", "0020000003123456"),
        ("00A40200 02EF05 00", "00A4020002EF05"),
        ("8412000001AA", "8412000001AA"),
        ("8412000001AA00", "8412000001AA"),
    ],
)
def test_t0_carries_one_length(sent: str, carried: str) -> None:
    assert over_t0(bytes.fromhex(sent)) == bytes.fromhex(carried)


def test_data_stay_in_a_command_whose_length_was_refused() -> None:
    """✗ INTERNAL AUTHENTICATE was sent again without what was to be proven."""
    sent: list[bytes] = []

    def transmit(command: bytes) -> bytes:
        sent.append(command)
        return b"\x6c\x10" if len(sent) == 1 else bytes(16) + b"\x90\x00"

    exchange(transmit, b"\x00\x88\x00\x00", b"\x01\x02", expects=True)
    assert [command.hex() for command in sent] == ["0088000002010200", "0088000002010210"]


def test_the_algorithm_is_one_where_the_card_does_not_say() -> None:
    assert algorithm_of(CARD_PERSONAS["second"].fci) == "01"
    assert algorithm_of(bytes.fromhex("9F0C038601")) == "01", "cut off before it"
    assert algorithm_of(bytes.fromhex("6F0A9F0C0386010299 9F0C03860103")) == "02"
    assert algorithm_of(bytes.fromhex("9F0C03860103")) == "03"


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
            FaultCode.CARD_NOT_UNDERSTOOD,
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
