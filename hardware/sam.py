"""The 安全控制模块 (SAM) of an ID-card reader, and the ways to it: a serial line, or a library.

    Frame out: AA AA AA 96 69 | length (2, big-endian) | command parameter | data | checksum
    Frame in:  AA AA AA 96 69 | length (2, big-endian) | SW1 SW2 SW3 | data | checksum

The length counts all that follows it; the checksum is the XOR of all bytes between preamble and
checksum. `hardware.vendor.sdt` asks the same of a reader whose maker gives a library instead.

A printer would put frames on paper, so a port is asked first (`hardware.port_proof`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import NoReturn, Protocol

from hardware.faults import DeviceFault, FaultCode
from hardware.port_proof import PortProof
from hardware.serial_port import SerialPort

PREAMBLE = bytes.fromhex("AAAAAA9669")

#: Command and parameter bytes.
SAM_STATUS, SAM_ID = b"\x11\xff", b"\x12\xff"
FIND, SELECT, READ_TEXT = b"\x20\x01", b"\x20\x02", b"\x30\x01"
READ_ADDRESS = b"\x30\x03"

#: SW3, the third status byte.
SW_OK, SW_FOUND, SW_NO_CARD = 0x90, 0x9F, 0x80
#: A card was asked for what it does not have, and answered.
SW_NO_CONTENTS = 0x91

#: Longest wait for an answer to begin, seconds: reading text and photo takes about one.
_ANSWER_S, _READ_S = 1.0, 4.0

#: Longest wait for the rest of an answer that has begun, seconds: ten times what it takes at
#: 115200 baud. A card lifted in the middle is known by it.
_REST_S = 1.2

#: Preamble and length.
_HEAD = len(PREAMBLE) + 2

#: So many bytes before a preamble are noise; more is not this protocol.
_MOST_NOISE = 64

#: No answer is longer than text, photo and two fingerprints.
_LONGEST_FRAME = 4096


@dataclass(frozen=True)
class Answer:
    """What the module answered. `status` is SW3."""

    status: int
    data: bytes = field(default=b"", repr=False)


class Sam(Protocol):
    """A way to the module. All raise `DeviceFault`: ID_READER_OFFLINE, ID_READER_BUSY,
    ID_READER_PROTOCOL; of a line PORTS_EXCHANGED, of a library LIBRARY_MISSING, LIBRARY_FAILED."""

    def open(self) -> None:
        """Take hold of the reader."""

    def close(self) -> None:
        """Let go of it; never raises."""

    def ask(self, command: bytes) -> Answer:
        """One command, one answer."""

    def visit_over(self) -> None:
        """The citizen has gone: whatever still holds what their card said has to forget it."""


class SerialSam:
    """The module on a serial line."""

    def __init__(self, port: str, baud: int = 115200) -> None:
        offline, busy = FaultCode.ID_READER_OFFLINE, FaultCode.ID_READER_BUSY
        self._line = SerialPort(port, offline, busy, baud)
        self._proof = PortProof(self._line)

    def open(self) -> None:
        self._line.open()
        try:
            self._proof.may_ask()
        except DeviceFault:
            self._line.close()
            raise

    def close(self) -> None:
        self._line.close()

    def visit_over(self) -> None:
        """Nothing is kept here."""

    def ask(self, command: bytes) -> Answer:
        """What was on the line before the answer's preamble is noise."""
        self._line.drop_input()
        self._line.write(command_frame(command))
        head = self._line.read(_HEAD, _READ_S if command == READ_TEXT else _ANSWER_S)
        if not head:
            raise self._line.fault("no answer")
        noise = 0
        while not head.startswith(PREAMBLE) and len(head) == _HEAD and noise < _MOST_NOISE:
            place = head.find(PREAMBLE[:1], 1)
            skipped = place if place > 0 else len(head)
            noise += skipped
            head = head[skipped:] + self._line.read(skipped, _REST_S)
        length = int.from_bytes(head[-2:], "big")
        if head.startswith(PREAMBLE):
            self._proof.answered()
        if not head.startswith(PREAMBLE) or not 4 <= length <= _LONGEST_FRAME:
            _bad_frame("head")
        return parse_frame(head + self._line.read(length, _REST_S))


def _bad_frame(why: str) -> NoReturn:
    raise DeviceFault(FaultCode.ID_READER_PROTOCOL, why)


def checksum(body: bytes) -> int:
    """XOR of all bytes."""
    return reduce(xor, body, 0)


def command_frame(command: bytes, data: bytes = b"") -> bytes:
    """The bytes that ask the module something."""
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
