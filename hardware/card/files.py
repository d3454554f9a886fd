"""社会保障卡: what the chip says, and how it is asked.

The commands are those of LD/T 32.5, the files and records those of LD/T 32.6. EF05 (发卡机构数据)
is free on every card. EF06 (持卡人基本信息) is free on cards of version 1.00 and 2.00; a card of
3.00 answers 6982 until the terminal has authenticated (`hardware.card.authenticator`); where it
cannot, `holder` is None.

Operating systems differ, so what is in the field is tried in the order of the tables here, and what
this card understood once is tried first from then on. No card data, however odd, raises anything
but `DeviceFault`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from hardware.card.apdu import (
    OK,
    SECURITY_NOT_SATISFIED,
    Answer,
    damaged,
    exchange,
    refused,
)
from hardware.card.atr import historical_bytes
from hardware.card.session import CardSession, Interface, Transmit
from hardware.faults import DeviceFault, FaultCode

if TYPE_CHECKING:
    from hardware.card.authenticator import CardAuthenticator

#: Name of the application, "sx1.sh.社会保障" in GBK.
APPLICATION = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")

EF_ISSUER, EF_HOLDER = 0xEF05, 0xEF06
EF_FINGERPRINT, EF_PHOTO = 0xEF07, 0xEF08

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

#: How to reach the application: each a row of SELECT commands (P1 P2, data).
_WAYS_IN = (
    ((0x04, 0x00, APPLICATION),),
    # By file id, from the master file.
    ((0x00, 0x00, b"\x3f\x00"), (0x00, 0x00, b"\xdd\xf1")),
)
#: SELECT of an elementary file by its id: P1.
_SELECT_P1 = (0x02, 0x00)

#: READ RECORD, how a record is named: P1 P2 from its number, its tag and the file's short id.
_RECORD_FORMS: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "identifier": lambda number, tag, short_id: (tag, 0x00),
    "number": lambda number, tag, short_id: (number, 0x04),
    "short id": lambda number, tag, short_id: (number, short_id << 3 | 0x04),
}
#: READ RECORD of everything from the first on.
_ALL_RECORDS = bytes.fromhex("00B20105")

#: Answers that mean "not in this form", so that the other records need not be tried.
_NOT_THIS_WAY = (0x6A86, 0x6B00, 0x6D00, 0x6E00, 0x6A81)

#: Tag in the file control information of the application -> its algorithm id.
_ALGORITHM_TAG = bytes.fromhex("9F0C038601")

_CARD_ID_BYTES, _CARD_NO_CHARACTERS = 16, 9


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
    #: GB/T 2260, six digits.
    birthplace: str = field(default="", repr=False)


@dataclass(frozen=True)
class SocialCard:
    """What a card gives. What was missing or senseless on it is "" or None."""

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
    #: 卡复位信息: the historical bytes, in hexadecimal.
    reset_info: str = field(default="", repr=False)
    #: Algorithm id of the application: "03" is SM4; "01" where the card does not say.
    algorithm: str = "01"
    interface: Interface = Interface.CONTACT

    @property
    def region(self) -> str:
        """发卡地区行政区划代码."""
        return self.card_id[:6]

    def in_date_on(self, day: date) -> bool:
        """Whether the card may be used on a day. Cards of the third generation do not expire."""
        return self.generation >= 3 or self.expires is None or self.expires >= day


def read_social_card(
    card: CardSession, authenticator: CardAuthenticator | None = None
) -> SocialCard:
    """Select the application and read both files; the second as far as the card lets us.

    Raises `DeviceFault`: CARD_FOREIGN without the application, CARD_BLANK if nothing was written
    on it, CARD_DAMAGED if EF05 lacks what identifies the card, CARD_BLOCKED, and whatever the
    authenticator or the card raises.
    """
    files = CardFiles(card.transmit)
    algorithm = files.enter()
    issuer = files.read(EF_ISSUER, ISSUER_RECORDS)
    read = decode(issuer, {}, card, algorithm)
    holder = files.read(EF_HOLDER, HOLDER_RECORDS)
    if files.locked and authenticator is not None and authenticator.unlock(card, read):
        # Authentication went through the application's own selection.
        holder = files.read(EF_HOLDER, HOLDER_RECORDS)
        if files.locked:
            raise refused(SECURITY_NOT_SATISFIED, "EF06 after authentication")
    return replace(read, holder=_holder(holder))


def algorithm_of(fci: bytes) -> str:
    """The algorithm id in the application's file control information; "01" if there is none."""
    place = fci.find(_ALGORITHM_TAG)
    found = fci[place + len(_ALGORITHM_TAG) :][:1] if place >= 0 else b""
    return found.hex() or "01"


# -- decoding: no command below this line, and above the next ------------------------------------


def decode(
    issuer: Mapping[str, bytes],
    holder: Mapping[str, bytes],
    card: CardSession | None = None,
    algorithm: str = "01",
) -> SocialCard:
    """Records by item -> the card. Raises `DeviceFault`: CARD_BLANK, CARD_DAMAGED."""
    if not any(value.strip(b"\0\xff") for value in issuer.values()):
        raise DeviceFault(FaultCode.CARD_BLANK)
    card_id = issuer.get("card_id", b"")
    if len(card_id) != _CARD_ID_BYTES:
        damaged("card id")
    version = _ascii(issuer.get("version", b""))
    if version[:1] not in ("1", "2", "3"):
        damaged("version")
    return SocialCard(
        card_id=card_id.hex().upper(),
        version=version,
        generation=int(version[0]),
        issuer=issuer.get("issuer", b"").hex().upper(),
        issued=_date(issuer.get("issued", b""), (1, 1)),
        expires=_date(issuer.get("expires", b""), (12, 31)),
        card_no=_ascii(issuer.get("card_no", b"")[:_CARD_NO_CHARACTERS]),
        holder=_holder(holder),
        reset_info=historical_bytes(card.atr).hex().upper() if card else "",
        algorithm=algorithm,
        interface=card.interface if card else Interface.CONTACT,
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
        birthplace=records.get("birthplace", b"").hex().rstrip("f"),
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


def parse_records(answer: bytes) -> dict[int, bytes]:
    """Records one after the other, by tag; what is cut short at the end is left out."""
    found: dict[int, bytes] = {}
    while len(answer) >= 2 and (value := parse_record(answer, answer[0])) is not None:
        found[answer[0]] = value
        answer = answer[2 + len(value) :]
    return found


# -- commands ---------------------------------------------------------------------------------


class CardFiles:
    """The files of one card, and what it was found to understand."""

    def __init__(self, transmit: Transmit) -> None:
        self._transmit = transmit
        self._select_p1: tuple[int, ...] = _SELECT_P1
        self._forms: tuple[str, ...] = tuple(_RECORD_FORMS)
        #: Whether the file read last may be read only after authentication.
        self.locked = False

    def enter(self) -> str:
        """Select the application; returns its algorithm id.

        Raises `DeviceFault`: CARD_FOREIGN, CARD_BLOCKED.
        """
        answer = Answer(0)
        for way in _WAYS_IN:
            for p1, p2, name in way:
                answer = exchange(self._transmit, bytes([0x00, 0xA4, p1, p2]), name)
                if not answer.ok:
                    break
            if answer.ok:
                return algorithm_of(answer.data)
            if (fault := refused(answer.status, "SELECT")).code is FaultCode.CARD_BLOCKED:
                raise fault
        raise DeviceFault(FaultCode.CARD_FOREIGN, f"SW {answer.status:04X}")

    def read(self, file: int, records: Mapping[str, int]) -> dict[str, bytes]:
        """The records of a file that the card gives. A file it does not give has none."""
        self.locked = False
        selected = self._select(file)
        for form in self._forms:
            if selected or form == "short id":
                found = self._read_in_form(form, file, records)
                if self.locked:
                    return {}
                if found:
                    self._forms = tuple(sorted(self._forms, key=lambda one: one != form))
                    return found
        return self._read_all_at_once(records) if selected else {}

    def read_whole(self, file: int, length: int) -> bytes:
        """A transparent file (EF07 指纹, EF08 照片): `length` bytes of it, or what there is.

        Raises `DeviceFault(CARD_REFUSED)` where the card wants authentication first.
        """
        if not self._select(file):
            raise DeviceFault(FaultCode.CARD_REFUSED, f"file {file:04X}")
        got = b""
        while len(got) < length:
            header = bytes([0x00, 0xB0, len(got) >> 8, len(got) & 0xFF])
            part = exchange(self._transmit, header).must("READ BINARY")
            if not part:
                break
            got += part
        return got[:length]

    def _select(self, file: int) -> bool:
        for p1 in self._select_p1:
            header = bytes([0x00, 0xA4, p1, 0x00])
            if exchange(self._transmit, header, file.to_bytes(2, "big")).ok:
                self._select_p1 = tuple(sorted(self._select_p1, key=lambda one: one != p1))
                return True
        return False

    def _read_in_form(self, form: str, file: int, records: Mapping[str, int]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for number, (item, tag) in enumerate(records.items(), start=1):
            p1, p2 = _RECORD_FORMS[form](number, tag, file & 0x1F)
            answer = exchange(self._transmit, bytes([0x00, 0xB2, p1, p2]))
            if answer.status == SECURITY_NOT_SATISFIED:
                self.locked = True
                break
            if answer.status in _NOT_THIS_WAY:
                break
            value = parse_record(answer.data, tag) if answer.status == OK else None
            if value is not None:
                found[item] = value
        return found

    def _read_all_at_once(self, records: Mapping[str, int]) -> dict[str, bytes]:
        answer = exchange(self._transmit, _ALL_RECORDS)
        by_tag = parse_records(answer.data) if answer.ok else {}
        return {item: by_tag[tag] for item, tag in records.items() if tag in by_tag}
