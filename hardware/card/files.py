"""社会保障卡: how the chip is asked for its files.

The commands are those of LD/T 32.5, the files and records those of LD/T 32.6. EF05 (发卡机构数据)
is free on every card. EF06 (持卡人基本信息) is free on cards of version 1.00 and 2.00; a card of
3.00 answers 6982 until the terminal has authenticated (`hardware.card.authenticator`); where it
cannot, `holder` is None. What the records say is in `hardware.card.contents`.

Operating systems differ, so what is in the field is tried in the order of the tables here, and what
this card understood once is tried first from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.card.apdu import (
    ENDED_BEFORE_LE,
    OK,
    RECORD_NOT_FOUND,
    SECURITY_NOT_SATISFIED,
    Answer,
    exchange,
    refused,
)
from hardware.card.contents import SocialCard, decode, holder_of, parse_records
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

#: READ RECORD, how records are named by P1 -> P2: by its tag; by its number in the file that is
#: selected, or in one named by its short id (+ id << 3); everything from the first on.
_RECORD_FORMS = {"identifier": 0x00, "number": 0x04, "short id": 0x04, "all": 0x05}

#: Numbers that are asked for; no file of ours has so many records.
_MOST_RECORDS = 16

#: Answers that mean "not in this form", so that the other records need not be tried.
_NOT_THIS_WAY = (0x6700, 0x6981, 0x6986, 0x6A81, 0x6A86, 0x6B00, 0x6D00, 0x6E00)

#: Answers of a card that is locked for good; 6A81 to a READ means another form.
_LOCKED_FOR_GOOD = (0x6283, 0x9303)

#: Tag in the file control information of the application -> its algorithm id.
_ALGORITHM_TAG = bytes.fromhex("9F0C038601")


def read_social_card(
    card: CardSession, authenticator: CardAuthenticator | None = None
) -> SocialCard:
    """Select the application and read both files; the second as far as the card lets us.

    Raises `DeviceFault`: CARD_FOREIGN without the application, CARD_BLANK if its records were read
    and are empty, CARD_DAMAGED if EF05 lacks what identifies the card, CARD_NOT_UNDERSTOOD if it
    gave no record in any form, CARD_BLOCKED, and whatever the authenticator or the card raises.
    """
    files = CardFiles(card.transmit)
    algorithm = files.enter()
    issuer = files.read(EF_ISSUER, ISSUER_RECORDS)
    if not issuer:
        raise files.why_none("EF05")
    read = decode(issuer, {}, card, algorithm)
    holder = files.read(EF_HOLDER, HOLDER_RECORDS)
    genuine = False
    if files.locked and authenticator is not None and authenticator.unlock(card, read):
        # Authentication went through the application's own selection.
        genuine = authenticator.proves
        holder = files.read(EF_HOLDER, HOLDER_RECORDS)
        if files.locked:
            raise refused(SECURITY_NOT_SATISFIED, "EF06 after authentication")
    return replace(read, genuine=genuine, holder=holder_of(holder))


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
        #: What was answered to the commands for the file read last.
        self._said: list[int] = []

    def enter(self) -> str:
        """Select the application; returns its algorithm id.

        Raises `DeviceFault`: CARD_FOREIGN, CARD_BLOCKED.
        """
        answer = Answer(0)
        for way in _WAYS_IN:
            for p1, p2, name in way:
                header = bytes([0x00, 0xA4, p1, p2])
                answer = exchange(self._transmit, header, name, expects=True)
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
        self._said = []
        selected = self._select(file)
        for form in self._forms:
            if selected or form == "short id":
                found = self._read_in_form(form, file, records)
                if self.locked:
                    return {}
                if found:
                    self._forms = tuple(sorted(self._forms, key=lambda one: one != form))
                    return found
        return {}

    def why_none(self, file: str) -> DeviceFault:
        """Why `read` found nothing. Only what a card answered with data is the card's own fault:
        for all else it may be good, and known elsewhere."""
        for status in self._said:
            if status in _LOCKED_FOR_GOOD:
                return refused(status, file)
        if OK in self._said:
            return DeviceFault(FaultCode.CARD_DAMAGED, f"{file}: no records")
        said = " ".join(f"{status:04X}" for status in dict.fromkeys(self._said))
        return DeviceFault(FaultCode.CARD_NOT_UNDERSTOOD, f"{file} {said}")

    def _select(self, file: int) -> bool:
        for p1 in self._select_p1:
            header = bytes([0x00, 0xA4, p1, 0x00])
            answer = exchange(self._transmit, header, file.to_bytes(2, "big"), expects=True)
            if answer.ok:
                self._select_p1 = tuple(sorted(self._select_p1, key=lambda one: one != p1))
                return True
            self._said.append(answer.status)
        return False

    def _read_in_form(self, form: str, file: int, records: Mapping[str, int]) -> dict[str, bytes]:
        """What comes is filed by the tag that it bears, not by the place it was asked for at: cards
        of version 1.00 have no 姓名扩展, and all after it stand one place earlier."""
        items = {tag: item for item, tag in records.items()}
        found: dict[str, bytes] = {}
        for p1 in _asked_for(form, items):
            p2 = _RECORD_FORMS[form] | ((file & 0x1F) << 3 if form == "short id" else 0)
            answer = exchange(self._transmit, bytes([0x00, 0xB2, p1, p2]), expects=True)
            if answer.status == SECURITY_NOT_SATISFIED:
                self.locked = True
            if answer.status in (OK, ENDED_BEFORE_LE):
                came = parse_records(answer.data)
                found |= {items[tag]: value for tag, value in came.items() if tag in items}
            self._said.append(answer.status)
            past_the_end = form != "identifier" and answer.status == RECORD_NOT_FOUND
            if self.locked or past_the_end or answer.status in _NOT_THIS_WAY:
                break
            if len(found) == len(items):
                break
        return found


def _asked_for(form: str, tags: Iterable[int]) -> Iterable[int]:
    """P1 of each command in a form."""
    if form == "identifier":
        return tags
    return range(1, 2 if form == "all" else _MOST_RECORDS + 1)
