"""Commands and answers (ISO 7816-4, LD/T 32.5): one command to its end, and what status words mean.

A card that speaks T=0 lets its answer wait (61xx: fetch it) and refuses a wrong expected length
(6Cxx: ask again with xx). Neither is done by the PC/SC service. Nothing of a command's or answer's
data is ever logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from hardware.card.session import Transmit
from hardware.faults import DeviceFault, FaultCode

OK = 0x9000
SECURITY_NOT_SATISFIED = 0x6982
FILE_NOT_FOUND = 0x6A82
RECORD_NOT_FOUND = 0x6A83

#: Status word -> what it means for whoever waits. All others: the card refused the command.
_FAULTS = {
    0x6283: FaultCode.CARD_BLOCKED,
    0x6A81: FaultCode.CARD_BLOCKED,
    0x9303: FaultCode.CARD_BLOCKED,
    0x6983: FaultCode.CARD_PIN_BLOCKED,
    0x63C0: FaultCode.CARD_PIN_BLOCKED,
}

#: A card that still says 61xx or 6Cxx after so many rounds is broken.
_MOST_ROUNDS = 16


@dataclass(frozen=True)
class Answer:
    """All data of an answer, and its last status word."""

    status: int
    data: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return self.status == OK

    def must(self, doing: str) -> bytes:
        """The data of a command that has to succeed. Raises `DeviceFault` with the status word."""
        if not self.ok:
            raise refused(self.status, doing)
        return self.data


def refused(status: int, doing: str) -> DeviceFault:
    """What a status word means."""
    return DeviceFault(_FAULTS.get(status, FaultCode.CARD_REFUSED), f"{doing} {status:04X}")


def exchange(transmit: Transmit, header: bytes, data: bytes = b"") -> Answer:
    """One command to its end. `header`: CLA INS P1 P2; without data, everything is expected.

    Raises `DeviceFault(CARD_DAMAGED)` for an answer without an end, and what `transmit` raises.
    """
    return exchange_whole(transmit, header + (bytes([len(data)]) + data if data else b"\x00"))


def exchange_whole(transmit: Transmit, command: bytes) -> Answer:
    """As `exchange`, for a command with its lengths."""
    collected = b""
    for _ in range(_MOST_ROUNDS):
        answer = transmit(command)
        if len(answer) < 2:
            damaged("no status word")
        sw1, sw2 = answer[-2:]
        if sw1 == 0x6C:
            # What comes with a refusal is no part of the answer.
            command = command[:4] + bytes([sw2])
            continue
        collected += answer[:-2]
        if sw1 != 0x61:
            return Answer(sw1 << 8 | sw2, collected)
        command = bytes([0x00, 0xC0, 0x00, 0x00, sw2])
    raise DeviceFault(FaultCode.CARD_DAMAGED, "endless answer")


def damaged(what: str) -> NoReturn:
    raise DeviceFault(FaultCode.CARD_DAMAGED, what)
