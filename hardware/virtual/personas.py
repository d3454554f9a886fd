"""The people and cards of the demo and the tests. None of them exists.

The region 130299 of their numbers was never assigned (GB/T 2260), so a number with a right check
digit (GB 11643) still belongs to nobody. A persona is what a chip says; `registry` is what the
demo's central server knows of the same people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

REGION = "130299"

_CHECK_CHARACTERS = "10X98765432"


def check_character(first_seventeen: str) -> str:
    """ISO 7064 MOD 11-2 over seventeen digits."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first_seventeen))
    return _CHECK_CHARACTERS[total % 11]


def number(birth: str, sequence: int) -> str:
    """The number of nobody born on a day (YYYYMMDD); an odd sequence is a man's."""
    body = f"{REGION}{birth}{sequence:03d}"
    return body + check_character(body)


# -- resident ID cards --------------------------------------------------------------------------


@dataclass(frozen=True)
class IdPersona:
    """An ID card: what is written into its chip, in the chip's own form."""

    kind: Literal["resident", "J", "I", "Y"]
    name: str
    #: GB/T 2261.1, "1" 男, "2" 女.
    sex_code: str
    #: GB/T 3304, two digits.
    ethnic_code: str
    birth: str
    address: str
    number: str
    issuer: str
    valid_from: str
    #: YYYYMMDD or 长期.
    valid_to: str
    #: Written into the chip after a move.
    new_address: str = ""
    english_name: str = ""
    nationality: str = ""
    pass_number: str = ""
    issue_count: str = ""
    version: str = ""
    old_document: str = ""
    #: Whose portrait the chip holds, of `hardware.virtual.portrait.CHIPS`; "": as the sex says.
    portrait: str = ""


def _resident(
    name: str,
    birth: str,
    sequence: int,
    address: str,
    valid: tuple[str, str] = ("20180612", "20380612"),
    ethnic_code: str = "01",
) -> IdPersona:
    return IdPersona(
        kind="resident",
        name=name,
        sex_code="1" if sequence % 2 else "2",
        ethnic_code=ethnic_code,
        birth=birth,
        address=address,
        number=number(birth, sequence),
        issuer="唐山市公安局路北分局",
        valid_from=valid[0],
        valid_to=valid[1],
    )


_ZHANG = _resident(
    "张建国",
    "19570316",
    11,
    "河北省唐山市路北区张北小区19楼1门401号",
    valid=("20100101", "长期"),
)
_WANG = _resident("王秀英", "19790822", 24, "河北省唐山市路南区学院南里7楼2门302号")
_ZHAO = _resident(
    "赵敏", "20070902", 46, "河北省唐山市丰润区白官屯镇李各庄村83号", ("20230910", "20330910")
)

ID_PERSONAS: Mapping[str, IdPersona] = {
    "zhang": _ZHANG,
    "wang": _WANG,
    "li": _resident("李志强", "19861105", 33, "河北省唐山市丰南区青年路书香园5楼1门102号"),
    "chen": _resident("陈桂芝", "19630427", 68, "河北省唐山市古冶区林西街12楼2门202号"),
    # Whose new card was handed out and waits for its activation.
    "ma": _resident("马秀芬", "19660519", 84, "河北省唐山市滦南县倴城镇东街12号"),
    "liu": _resident("刘国安", "19610412", 87, "河北省唐山市路北区友谊里6楼3门401号"),
    # A chip whose portrait nobody can open.
    "he": replace(
        _resident("何玉兰", "19681108", 72, "河北省唐山市开平区新苑小区8楼1门601号"),
        portrait="none",
    ),
    # Grown up, but young; a rural address.
    "zhao": _ZHAO,
    # Eleven characters with a middle dot, nearly what the chip can hold.
    "long-name": _resident(
        "阿卜杜热合曼·买买提明",
        "19900518",
        57,
        "河北省唐山市路北区翔云里12楼3门501号",
        ethnic_code="05",
    ),
    # Under sixteen until 2029: the guardian's way.
    "child": _resident(
        "孙浩然",
        "20130603",
        19,
        "河北省唐山市路北区张北小区3楼2门201号",
        valid=("20220701", "20270701"),
    ),
    # A chip that contradicts itself: the last digit is not the check digit.
    "wrong-check": replace(_ZHANG, number=_ZHANG.number[:-1] + "X"),
    # Moved since the card was printed.
    "moved": replace(
        _WANG, name="孙秀兰", new_address="河北省唐山市曹妃甸区新城大街8号3楼1门601号"
    ),
    # 港澳台居民居住证, read by the same reader.
    "permit": replace(
        _WANG,
        kind="J",
        name="陈家明",
        issuer="唐山市公安局",
        pass_number="H00000001",
        issue_count="01",
    ),
    # 外国人永久居留身份证, of 2017 and of 2023.
    "resident-2017": IdPersona(
        kind="I",
        name="史密斯",
        english_name="SMITH, JOHN FICTITIOUS",
        sex_code="1",
        ethnic_code="",
        birth="19750412",
        address="",
        number="USA130299750412",
        issuer="1302",
        valid_from="20180601",
        valid_to="20280601",
        nationality="USA",
        version="01",
    ),
    "resident-2023": IdPersona(
        kind="Y",
        name="玛丽",
        english_name="EXAMPLE-MARIE, JEANNE ANTOINETTE FICTITIOUS",
        sex_code="2",
        ethnic_code="",
        birth="19880229",
        address="",
        number="911302198802290028",
        issuer="",
        valid_from="20240101",
        valid_to="20340101",
        nationality="FRA",
        issue_count="01",
        old_document="001",
    ),
    "expired": _resident(
        "刘玉兰",
        "19680210",
        42,
        "河北省唐山市开平区新苑路8楼1门601号",
        valid=("20050301", "20250301"),
    ),
}


# -- social security cards ----------------------------------------------------------------------


@dataclass(frozen=True)
class CardPersona:
    """A chip card as its files, and how its operating system likes to be spoken to.

    `issuer_file` and `holder_file` are EF05 and EF06: tag -> value (LD/T 32.6).
    """

    atr: bytes
    issuer_file: Mapping[int, bytes]
    holder_file: Mapping[int, bytes]
    #: False: a card without the social security application, for instance a bank card.
    social: bool = True
    #: False: EF06 answers 6982 until the terminal has authenticated (all 3.00 cards).
    holder_free: bool = True
    #: P1 of SELECT by file id that the card understands; others get 6A86.
    select_p1: frozenset[int] = frozenset({0x00, 0x02})
    #: How records are addressed: by identifier (P2 = 00, P1 = tag), by number (P2 = 04), by short
    #: file id and number, all at once (P2 = 05).
    records_by: frozenset[Literal["tag", "number", "short id", "all"]] = frozenset(
        {"tag", "number"}
    )
    #: T = 0 manners: answers wait behind 61xx, and a wrong Le gets 6Cxx.
    fetch_answers: bool = False
    #: What SELECT tells of the application beside its name.
    fci: bytes = bytes.fromhex("A50388011E")
    #: The application was locked for good.
    blocked: bool = False
    pin: str = "135790"
    #: Wrong PINs it takes: 3, 6 or 8, as the city wants it.
    pin_tries: int = 6
    pin_blocked: bool = False
    #: Whether the PIN opens the holder's file, as some cities have it.
    pin_opens_holder: bool = False
    #: Speaks T=1, as all cards near a reader do: data only for who says how much is expected.
    block_protocol: bool = False
    #: Answer to every READ RECORD, where a card likes no form of it that is known here.
    reads_refused: bytes = b""
    #: Wrong cryptograms that its key for reading takes before it is locked for good.
    key_tries: int = 5
    #: Length of its answer to INTERNAL AUTHENTICATE.
    proof_bytes: int = 16
    #: Seconds it takes over each command.
    answer_s: float = 0.0
    #: A 安全存取模块 instead of a citizen's card, and the usage and number of the key in it.
    psam: bool = False
    psam_key: bytes = bytes.fromhex("470A")


def _bcd(day: date | None) -> bytes:
    """A date as the card holds it; none is filled with F."""
    return bytes.fromhex(day.strftime("%Y%m%d")) if day else b"\xff" * 4


def _issuer_file(
    version: str, serial: int, issued: date, expires: date | None
) -> Mapping[int, bytes]:
    card_id = bytes.fromhex(REGION + "D156000005") + serial.to_bytes(4, "big") + bytes(4)
    return {
        0x01: card_id,
        0x02: b"1",
        0x03: version.encode("ascii").ljust(4, b"\0"),
        0x04: bytes.fromhex("915600000213029900000001"),
        0x05: _bcd(issued),
        0x06: _bcd(expires),
        0x07: b"A" + f"{serial:08d}".encode("ascii"),
    }


def _holder_file(person: IdPersona) -> Mapping[int, bytes]:
    """A name longer than 30 bytes of GBK goes on in the extension, cut where 30 bytes are full."""
    name = person.name.encode("gb18030")
    return {
        0x08: person.number.encode("ascii"),
        0x09: name[:30].ljust(30, b"\0"),
        0x4E: name[30:50].ljust(20, b"\0"),
        0x0A: person.sex_code.encode("ascii"),
        0x0B: bytes.fromhex(person.ethnic_code),
        0x0C: bytes.fromhex(REGION),
        0x0D: bytes.fromhex(person.birth),
    }


def _atr(serial: int) -> bytes:
    """3B 6D 00 00 and thirteen historical bytes: chip, COS, maker, serial."""
    historical = bytes.fromhex("00904E43238697") + serial.to_bytes(6, "big")
    return bytes.fromhex("3B6D0000") + historical


def _t1_atr(serial: int) -> bytes:
    """As `_atr`, with TD1 = 01 (T=1) and the check byte that T=1 has."""
    body = bytes.fromhex("8D01") + _atr(serial)[4:]
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes([check])


def _card(
    person: IdPersona, version: str, serial: int, issued: date, expires: date | None
) -> CardPersona:
    return CardPersona(
        _atr(serial), _issuer_file(version, serial, issued, expires), _holder_file(person)
    )


_THIRD = replace(
    _card(_WANG, "3.00", 30000001, date(2024, 5, 20), None),
    holder_free=False,
    fci=bytes.fromhex("A50388011E9F0C03860103"),
)
_SECOND = _card(_ZHANG, "2.00", 20000001, date(2019, 9, 2), date(2029, 9, 2))
_SPLIT_NAME = replace(ID_PERSONAS["long-name"], name="阿卜杜热合曼·买买提明·阿卜㛃提")

CARD_PERSONAS: Mapping[str, CardPersona] = {
    "third": _THIRD,
    # The same near the reader's field: another answer to reset, the same application.
    "third-near": replace(
        _THIRD,
        atr=bytes.fromhex("3B8A8001") + b"SSCARD-CPU" + b"\x3c",
        block_protocol=True,
    ),
    # Contacts, and T=1 on them.
    "third-t1": replace(_THIRD, atr=_t1_atr(30000003), block_protocol=True),
    # Its proof is cut short.
    "third-half-proof": replace(_THIRD, proof_bytes=4),
    # Likes no form of READ RECORD, or wants a key before it says even who issued it.
    "not-understood": replace(_THIRD, reads_refused=b"\x67\x00"),
    "guarded": replace(_THIRD, reads_refused=b"\x69\x82"),
    # Its city lets the PIN open the holder's file.
    "third-pin": replace(_THIRD, pin_opens_holder=True),
    # Just handed out to another person; its PIN is the one that it was issued with.
    "new": replace(
        _card(ID_PERSONAS["ma"], "3.00", 30000002, date(2026, 10, 20), None),
        holder_free=False,
        fci=_THIRD.fci,
        pin="123456",
    ),
    "initial-pin": replace(_THIRD, pin="123456", pin_tries=3),
    "blocked-pin": replace(_THIRD, pin_blocked=True),
    "blocked": replace(_THIRD, blocked=True),
    # 预制卡: the application is on it, and nobody's data.
    "blank": replace(
        _THIRD,
        issuer_file={tag: b"\xff" * len(value) for tag, value in _THIRD.issuer_file.items()},
        holder_file={tag: bytes(len(value)) for tag, value in _THIRD.holder_file.items()},
    ),
    # Upside down in the slot, or its contacts are dirty.
    "mute": replace(_THIRD, atr=b""),
    "slow": replace(_THIRD, answer_s=0.22),
    # Only the forms of addressing that few cards want.
    "second-short-id": replace(_SECOND, select_p1=frozenset(), records_by=frozenset({"short id"})),
    "second-all-at-once": replace(_SECOND, records_by=frozenset({"all"})),
    "second": _SECOND,
    "second-expired": _card(_WANG, "2.00", 20000002, date(2012, 3, 15), date(2022, 3, 15)),
    # The manners of older operating systems, and a version and dates not as the standard has them.
    "second-old-manners": replace(
        _SECOND,
        issuer_file={**_SECOND.issuer_file, 0x03: b"2.0\0", 0x05: b"2012", 0x06: b"2029"},
        select_p1=frozenset({0x02}),
        records_by=frozenset({"number"}),
        fetch_answers=True,
    ),
    # The fifteenth character has four bytes: it is cut in two between 姓名 and 姓名扩展.
    "second-long-name": _card(_SPLIT_NAME, "2.00", 20000003, date(2020, 1, 6), date(2030, 1, 6)),
    # Version 1.00: no 姓名扩展, so that all after it stand one place earlier in the file.
    "first": replace(
        _card(_ZHANG, "1.00", 10000001, date(2012, 6, 1), date(2032, 6, 1)),
        holder_file={tag: value for tag, value in _holder_file(_ZHANG).items() if tag != 0x4E},
        records_by=frozenset({"number"}),
    ),
    # Filled up with FF, a check character in a small letter, an ethnic group that nobody knew, an
    # end that is no date.
    "second-ff": replace(
        _SECOND,
        issuer_file={**_SECOND.issuer_file, 0x06: bytes.fromhex("20991399")},
        holder_file={
            **_SECOND.holder_file,
            0x08: number("19571231", 23).lower().encode("ascii"),
            0x09: "张建国".encode("gb18030").ljust(30, b"\xff"),
            0x4E: b"\xff" * 20,
            0x0B: b"\xff",
            0x0C: b"\xff" * 3,
        },
    ),
    "second-blanks": replace(
        _SECOND,
        holder_file={
            **_SECOND.holder_file,
            0x09: "张建国".encode("gb18030").ljust(30, b" "),
            0x4E: b" " * 20,
        },
    ),
    "psam": CardPersona(bytes.fromhex("3B6800000073C84013009001"), {}, {}, social=False, psam=True),
    "foreign": CardPersona(bytes.fromhex("3B6800000073C84013009000"), {}, {}, social=False),
    # 卡识别码 is missing and the version is garbage.
    "damaged": replace(
        _SECOND,
        issuer_file={
            tag: b"\xff" * 4 if tag == 0x03 else value
            for tag, value in _SECOND.issuer_file.items()
            if tag != 0x01
        },
    ),
}


# -- what the centre knows ----------------------------------------------------------------------


#: Who is known there, and what differs from a person who may apply. The others are unknown.
#: The names are those of the central server's registry; card state "1" is 正常 (domain §2.3).
_STANDINGS: Mapping[str, Mapping[str, Any]] = {
    "zhang": {},
    "zhao": {},
    "chen": {},
    "he": {},
    "long-name": {},
    "child": {},
    "expired": {},
    "wang": {"card_state": "1", "card_no": "A30000001", "bank": "boc"},
    "ma": {"card_state": "A", "card_no": "A30000002", "bank": "icbc"},
    # Has a second-generation card in date, and draws benefits on it.
    "liu": {
        "card_state": "1",
        "card_no": "T00000342",
        "bank": "icbc",
        "card_made": "2019-05-06",
        "generation": 2,
        "card_expires": "2029-05-06",
        "benefits": ["pension", "farming"],
        "phone": "13900000000",
    },
    "li": {"open_elsewhere": True},
}


#: Who is on the list of a unit (附件2), and what the list says beside name and ID number.
_LISTED: Mapping[str, Mapping[str, str]] = {
    "long-name": {
        "serial": "7",
        "insurance_no": "1302000007",
        "birth": "1990-05-18",
        "address": "唐山市路北区翔云里12楼3门501号",
        "user_source": "医保职工",
        "user_type": "正常缴费用户",
        "phone": "13900000007",
    },
}


def registry() -> list[dict[str, Any]]:
    """The people the demo's centre knows, ready for JSON."""
    return [
        {"id_number": ID_PERSONAS[key].number, "name": ID_PERSONAS[key].name, **standing}
        | ({"listed": _LISTED[key]} if key in _LISTED else {})
        for key, standing in _STANDINGS.items()
    ]
