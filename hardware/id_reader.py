"""居民身份证阅读器: a SAM module on a serial line.

Frame out: AA AA AA 96 69 | length (2, big-endian) | command parameter | data | checksum
Frame in:  AA AA AA 96 69 | length (2, big-endian) | SW1 SW2 SW3 | data | checksum

The length counts all that follows it; the checksum is the XOR of all bytes between preamble and
checksum. A card is found, selected and read, in this order and afresh for every reading. After a
reading that failed the card must be lifted and put down again: until the reader has reported "no
card" once, nothing is read.

The text of a card is 256 bytes of UTF-16LE with fixed places; the kind of document stands at 248.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import xor
from typing import Literal, NoReturn, TypeAlias

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.serial_port import SerialPort
from hardware.supervision import Condition

PREAMBLE = bytes.fromhex("AAAAAA9669")

#: Command and parameter bytes.
SAM_STATUS, SAM_ID = b"\x11\xff", b"\x12\xff"
FIND, SELECT, READ_TEXT = b"\x20\x01", b"\x20\x02", b"\x30\x01"

#: SW3, the third status byte.
SW_OK, SW_FOUND, SW_WRONG_CARD, SW_UNAUTHORISED, SW_NO_CARD = 0x90, 0x9F, 0x40, 0x66, 0x80

#: Readers miss cards that are polled faster than this, seconds.
POLL_S = 0.3

#: Longest wait for an answer to begin, seconds: reading text and photo takes about one.
_ANSWER_S, _READ_S = 1.0, 4.0

#: Longest wait for the rest of an answer that has begun, seconds: ten times what it takes at
#: 115200 baud. A card lifted in the middle is known by it.
_REST_S = 1.2

#: No answer is longer than text, photo and two fingerprints.
_LONGEST_FRAME = 4096

Kind: TypeAlias = Literal["resident", "J", "I", "Y"]

#: Character at 248 -> kind of document.
_KINDS: dict[str, Kind] = {" ": "resident", "\0": "resident", "J": "J", "I": "I", "Y": "Y"}

TEXT_BYTES = 256

#: Field -> (offset, length) in the text of a resident card; a 港澳台居民居住证 (J) has the same.
TEXT_FIELDS = {
    "name": (0, 30),
    "sex_code": (30, 2),
    "ethnic_code": (32, 4),
    "birth": (36, 16),
    "address": (52, 70),
    "number": (122, 36),
    "issuer": (158, 30),
    "valid_from": (188, 16),
    "valid_to": (204, 16),
}
KIND_OFFSET = 248


class IdStep(StrEnum):
    """What the citizen should know while a card is waited for."""

    WAITING = "waiting"
    SEEN = "seen"
    LIFT_AND_REPLACE = "lift_and_replace"
    WRONG_DOCUMENT = "wrong_document"


@dataclass(frozen=True)
class IdCard:
    """What a card says of itself, unchecked. Dates are YYYYMMDD, `valid_to` may be 长期.

    Of kinds other than "resident" and "J" only the kind is read: their fields lie elsewhere.
    """

    kind: Kind
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
    valid_to: str


@dataclass(frozen=True)
class Answer:
    """A frame from the reader. `status` is SW3."""

    status: int
    data: bytes


def _bad_frame(why: str) -> NoReturn:
    raise DeviceFault(FaultCode.ID_READER_PROTOCOL, why)


def checksum(body: bytes) -> int:
    """XOR of all bytes."""
    return reduce(xor, body, 0)


def command_frame(command: bytes, data: bytes = b"") -> bytes:
    """The bytes that ask the reader something."""
    body = (len(command) + len(data) + 1).to_bytes(2, "big") + command + data
    return PREAMBLE + body + bytes([checksum(body)])


def parse_frame(frame: bytes) -> Answer:
    """Take a whole frame apart. Raises `DeviceFault(ID_READER_PROTOCOL)`, nothing else."""
    if not frame.startswith(PREAMBLE):
        _bad_frame("preamble")
    body = frame[len(PREAMBLE) :]
    if len(body) < 6 or int.from_bytes(body[:2], "big") != len(body) - 2:
        _bad_frame("length")
    if checksum(body[:-1]) != body[-1]:
        _bad_frame("checksum")
    return Answer(body[4], body[5:-1])


def parse_reading(data: bytes) -> IdCard:
    """The text of a reading: two lengths, the text, the photo (not decoded here).

    Raises `DeviceFault` ID_READER_PROTOCOL for wrong lengths, ID_CARD_UNREADABLE for text that is
    no text.
    """
    text_bytes = int.from_bytes(data[:2], "big")
    photo_bytes = int.from_bytes(data[2:4], "big")
    if text_bytes != TEXT_BYTES or len(data) < 4 + text_bytes + photo_bytes:
        _bad_frame("reading")
    return parse_text(data[4 : 4 + TEXT_BYTES])


def parse_text(block: bytes) -> IdCard:
    """The 256 bytes of text. Raises `DeviceFault(ID_CARD_UNREADABLE)`."""
    try:
        kind = _KINDS.get(block[KIND_OFFSET : KIND_OFFSET + 2].decode("utf-16-le"))
        fields = {
            name: block[offset : offset + length].decode("utf-16-le").rstrip(" \0")
            for name, (offset, length) in TEXT_FIELDS.items()
        }
    except UnicodeDecodeError:
        kind, fields = None, {}
    if kind is None:
        raise DeviceFault(FaultCode.ID_CARD_UNREADABLE, "text")
    if kind in ("I", "Y"):
        fields = dict.fromkeys(TEXT_FIELDS, "")
    return IdCard(kind, **fields)


class IdReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, port: str, baud: int = 115200) -> None:
        offline, busy = FaultCode.ID_READER_OFFLINE, FaultCode.ID_READER_BUSY
        self._line = SerialPort(port, offline, busy, baud)
        self._sam_id = ""
        self._asked_at = 0.0

    def open(self) -> None:
        self._line.open()
        try:
            self._must_be_ok(self._ask(SAM_STATUS))
            self._sam_id = self._must_be_ok(self._ask(SAM_ID)).data.hex()
        except DeviceFault:
            self._line.close()
            raise

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        self._must_be_ok(self._ask(SAM_STATUS))
        return Condition(serial=self._sam_id)

    def read(self, cancelled: Callable[[], bool], report: Callable[[IdStep], None]) -> IdCard:
        """Wait for a card and read it, however often it is lifted too early.

        Raises `NotWanted` when cancelled, `DeviceFault` when the reader itself fails.
        """
        report(IdStep.WAITING)
        while True:
            self._wait_for(lambda answer: answer.status == SW_FOUND, cancelled)
            report(IdStep.SEEN)
            card = self._read_found(report)
            if card is not None:
                return card
            self._wait_for(lambda answer: answer.status == SW_NO_CARD, cancelled)

    def _read_found(self, report: Callable[[IdStep], None]) -> IdCard | None:
        """Select and read the card that was found; None if it must be put down again."""
        try:
            answer = self._ask(SELECT)
            if answer.status == SW_OK:
                answer = self._ask(READ_TEXT, timeout_s=_READ_S)
            if answer.status == SW_OK:
                return parse_reading(answer.data)
        except DeviceFault:
            # A card lifted in the middle may cut the answer off anywhere. If it is the reader that
            # failed, the next question to it says so.
            report(IdStep.LIFT_AND_REPLACE)
            return None
        wrong = answer.status == SW_WRONG_CARD
        report(IdStep.WRONG_DOCUMENT if wrong else IdStep.LIFT_AND_REPLACE)
        return None

    def _wait_for(self, happened: Callable[[Answer], bool], cancelled: Callable[[], bool]) -> None:
        """Ask for a card every 300 ms until the answer is the wanted one."""
        while True:
            if cancelled():
                raise NotWanted
            time.sleep(max(0.0, self._asked_at + POLL_S - time.monotonic()))
            self._asked_at = time.monotonic()
            answer = self._ask(FIND)
            if answer.status == SW_UNAUTHORISED:
                self._must_be_ok(answer)
            if happened(answer):
                return

    def _must_be_ok(self, answer: Answer) -> Answer:
        if answer.status == SW_UNAUTHORISED:
            raise DeviceFault(FaultCode.ID_READER_UNAUTHORISED, "SW3 66", temporary=False)
        if answer.status != SW_OK:
            raise self._line.fault(f"SW3 {answer.status:02X}")
        return answer

    def _ask(self, command: bytes, timeout_s: float = _ANSWER_S) -> Answer:
        """One command, one answer."""
        self._line.drop_input()
        self._line.write(command_frame(command))
        head = self._line.read(len(PREAMBLE) + 2, timeout_s)
        if not head:
            raise self._line.fault("no answer")
        length = int.from_bytes(head[-2:], "big")
        if not head.startswith(PREAMBLE) or not 4 <= length <= _LONGEST_FRAME:
            _bad_frame("head")
        return parse_frame(head + self._line.read(length, _REST_S))
