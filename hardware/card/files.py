"""社会保障卡: how the chip is asked for its files.

The commands are those of LD/T 32.5, the files and records those of LD/T 32.6. EF05 (发卡机构数据)
is free on every card. EF06 (持卡人基本信息) is free on cards of version 1.00 and 2.00; a card of
3.00 answers 6982 until the terminal has authenticated (`hardware.card.authenticator`); where it
cannot, `holder` is None. What the records say is in `hardware.card.contents`.

Operating systems differ, so what is in the field is tried in the order of the tables here, and what
this card understood once is tried first from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.card.apdu import (
    OK,
    SECURITY_NOT_SATISFIED,
    Answer,
    exchange,
    refused,
)
from hardware.card.contents import (
    SocialCard,
    decode,
    holder_of,
    parse_record,
    parse_records,
)
from hardware.card.session import CardSession, Transmit
from hardware.faults import DeviceFault, FaultCode

if TYPE_CHECKING:
    from hardware.card.authenticator import CardAuthenticator

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
    return replace(read, holder=holder_of(holder))


def algorithm_of(fci: bytes) -> str:
    """The algorithm id in the application's file control information; "01" if there is none."""
    place = fci.find(_ALGORITHM_TAG)
    found = fci[place + len(_ALGORITHM_TAG) :][:1] if place >= 0 else b""
    return found.hex() or "01"


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
