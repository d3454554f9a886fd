"""社会保障卡: what the chip says without a PIN, and how it is asked.

The commands are those of LD/T 32.5, the files and records those of LD/T 32.6. EF05 (发卡机构数据)
is free on every card. EF06 (持卡人基本信息) is free on cards of version 1.00 and 2.00; a card of
3.00 answers 6982 until the terminal has authenticated, and then `holder` is None.

Operating systems differ, so a command is tried in the forms that are in the field: SELECT by file
id with P1 = 02 or 00, READ RECORD by identifier or by number, answers waiting behind 61xx, a wrong
Le answered with 6Cxx. No card data, however odd, raises anything but `DeviceFault`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn, TypeAlias

from hardware.faults import DeviceFault, FaultCode

#: Command APDU -> response APDU with its status word. Raises `DeviceFault` if there is no response.
Transmit: TypeAlias = Callable[[bytes], bytes]

#: Name of the application, "sx1.sh.社会保障" in GBK.
APPLICATION = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")

EF_ISSUER, EF_HOLDER = 0xEF05, 0xEF06

#: Records in the order in which they stand in the file: item -> tag.
ISSUER_RECORDS = {
    "card_id": 0x01,
    "card_class": 0x02,
    "version": 0x03,
    "issuer": 0x04,
    "issued": 0x05,
    "expires": 0x06,
    "card_no": 0x07,
}
HOLDER_RECORDS = {
    "number": 0x08,
    "name": 0x09,
    "name_more": 0x4E,
    "sex_code": 0x0A,
    "ethnic_code": 0x0B,
    "birthplace": 0x0C,
    "birth": 0x0D,
}

_CARD_ID_BYTES, _CARD_NO_CHARACTERS = 16, 9

_SW_OK, _SW_NOT_ALLOWED = 0x9000, 0x6982

#: A card that still says 61xx or 6Cxx after so many rounds is broken.
_MOST_ROUNDS = 16


@dataclass(frozen=True)
class Holder:
    """持卡人. Nothing of it appears in a `repr`, so that it cannot get into a log."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    #: GB/T 2261.1.
    sex_code: str = field(repr=False)
    #: GB/T 3304, two digits.
    ethnic_code: str = field(repr=False)
    birth: date | None = field(repr=False)


@dataclass(frozen=True)
class SocialCard:
    """What a card gives freely. What was missing or senseless on it is "" or None."""

    #: 卡识别码, 32 hexadecimal digits.
    card_id: str = field(repr=False)
    #: 规范版本 as it stands on the card: "3.00", "2.00", also "2.0".
    version: str
    #: 1, 2 or 3: the first character of the version decides.
    generation: int
    #: 初始化机构编号, 24 hexadecimal digits.
    issuer: str
    issued: date | None
    #: 卡有效期; None: none stated.
    expires: date | None
    #: 卡号, a letter and eight digits.
    card_no: str = field(repr=False)
    holder: Holder | None = None

    def in_date_on(self, day: date) -> bool:
        """Whether the card may be used on a day. Cards of the third generation do not expire."""
        return self.generation >= 3 or self.expires is None or self.expires >= day


def read_social_card(transmit: Transmit) -> SocialCard:
    """Select the application and read both files, as far as they are free.

    Raises `DeviceFault`: CARD_FOREIGN without the application, CARD_DAMAGED if EF05 lacks what
    identifies the card, and whatever `transmit` raises.
    """
    status, _ = _exchange(transmit, b"\x00\xa4\x04\x00", APPLICATION)
    if status != _SW_OK:
        raise DeviceFault(FaultCode.CARD_FOREIGN, f"SW {status:04X}")
    issuer = _read_file(transmit, EF_ISSUER, ISSUER_RECORDS)
    holder = _read_file(transmit, EF_HOLDER, HOLDER_RECORDS)
    return decode(issuer, holder)


# -- decoding: no command below this line, and above the next ------------------------------------


def decode(issuer: Mapping[str, bytes], holder: Mapping[str, bytes]) -> SocialCard:
    """Records by item -> the card. Raises `DeviceFault(CARD_DAMAGED)`, nothing else."""
    card_id = issuer.get("card_id", b"")
    if len(card_id) != _CARD_ID_BYTES:
        _damaged("card id")
    version = _ascii(issuer.get("version", b""))
    if version[:1] not in ("1", "2", "3"):
        _damaged("version")
    return SocialCard(
        card_id=card_id.hex().upper(),
        version=version,
        generation=int(version[0]),
        issuer=issuer.get("issuer", b"").hex().upper(),
        issued=_date(issuer.get("issued", b""), (1, 1)),
        expires=_date(issuer.get("expires", b""), (12, 31)),
        card_no=_ascii(issuer.get("card_no", b"")[:_CARD_NO_CHARACTERS]),
        holder=_holder(holder),
    )


def _holder(records: Mapping[str, bytes]) -> Holder | None:
    """None if the card did not give who holds it, or not so that it can be read."""
    number = _ascii(records.get("number", b""))
    # The name goes on in its extension, and a character may be cut in two between them.
    name = (records.get("name", b"").rstrip(b"\0") + records.get("name_more", b"")).rstrip(b"\0 ")
    try:
        text = name.decode("gb18030")
    except UnicodeDecodeError:
        return None
    if not number or not text:
        return None
    return Holder(
        number=number,
        name=text,
        sex_code=_ascii(records.get("sex_code", b"")),
        # BCD here, other than on the resident ID card: byte 15 is code 15.
        ethnic_code=records.get("ethnic_code", b"").hex(),
        birth=_date(records.get("birth", b""), (1, 1)),
    )


def _ascii(value: bytes) -> str:
    """Text padded with zeros or blanks; "" if it is not printable ASCII."""
    text = value.rstrip(b"\0 \xff").decode("latin-1")
    return text if text.isascii() and text.isprintable() else ""


def _date(value: bytes, only_year: tuple[int, int]) -> date | None:
    """Four bytes of BCD YYYYMMDD, padded with F or 0 if there is none.

    Some cards hold the year in ASCII instead; it stands for the (month, day) `only_year` in it.
    """
    if len(value) != 4:
        return None
    if all(0x30 <= byte <= 0x39 for byte in value):
        digits = value.decode("ascii") + "{:02d}{:02d}".format(*only_year)
    else:
        digits = value.hex()
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def parse_record(answer: bytes, tag: int) -> bytes | None:
    """The value of a record `tag length value`; None if it is another record or cut short."""
    if len(answer) < 2 or answer[0] != tag or len(answer) < 2 + answer[1]:
        return None
    return answer[2 : 2 + answer[1]]


def _damaged(what: str) -> NoReturn:
    raise DeviceFault(FaultCode.CARD_DAMAGED, what)


# -- commands ---------------------------------------------------------------------------------


def _read_file(transmit: Transmit, file: int, records: Mapping[str, int]) -> dict[str, bytes]:
    """The records of a file that the card gives. A file it does not give has none."""
    if not _select_file(transmit, file):
        return {}
    found: dict[str, bytes] = {}
    # (P2 of READ RECORD, P1 of each item): by identifier, else by number.
    by_tag = (0x00, tuple(records.values()))
    by_number = (0x04, tuple(range(1, len(records) + 1)))
    for form in (by_tag, by_number):
        allowed = _read_records(transmit, form, records, found)
        if found or not allowed:
            break
    return found


def _read_records(
    transmit: Transmit,
    form: tuple[int, Sequence[int]],
    records: Mapping[str, int],
    found: dict[str, bytes],
) -> bool:
    """Read what answers to one form of addressing; False if the card refuses to be read at all."""
    p2, places = form
    for (item, tag), p1 in zip(records.items(), places, strict=True):
        status, answer = _exchange(transmit, bytes([0x00, 0xB2, p1, p2]))
        if status == _SW_NOT_ALLOWED:
            return False
        value = parse_record(answer, tag) if status == _SW_OK else None
        if value is not None:
            found[item] = value
    return True


def _select_file(transmit: Transmit, file: int) -> bool:
    for p1 in (0x02, 0x00):
        status, _ = _exchange(transmit, bytes([0x00, 0xA4, p1, 0x00]), file.to_bytes(2, "big"))
        if status == _SW_OK:
            return True
    return False


def _exchange(transmit: Transmit, header: bytes, data: bytes = b"") -> tuple[int, bytes]:
    """One command to its end: (status word, all of its data)."""
    command = header + (bytes([len(data)]) + data if data else b"\x00")
    collected = b""
    for _ in range(_MOST_ROUNDS):
        answer = transmit(command)
        if len(answer) < 2:
            _damaged("no status word")
        collected += answer[:-2]
        sw1, sw2 = answer[-2:]
        if sw1 == 0x61:
            command = bytes([0x00, 0xC0, 0x00, 0x00, sw2])
        elif sw1 == 0x6C:
            command = command[:4] + bytes([sw2])
        else:
            return sw1 << 8 | sw2, collected
    _damaged("endless answer")
