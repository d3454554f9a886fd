"""Commands and answers (ISO 7816-4, LD/T 32.5): one command to its end, and what status words mean.

A card gives data only to a command that says how much of it is expected, its Le (ISO 7816-4 §5.1).
T=1 and T=CL carry that byte as it is. T=0 has one length byte only, so there it is left out behind
data (ISO 7816-3 §12.2): the card lets its answer wait (61xx: fetch it). A wrong Le is refused
(6Cxx: ask again with xx). None of this is done by the PC/SC service. Nothing of a command's or
answer's data is ever logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from hardware.card.session import Transmit
from hardware.faults import DeviceFault, FaultCode

OK = 0x9000
#: The record is shorter than what was expected; it came whole.
ENDED_BEFORE_LE = 0x6282
SECURITY_NOT_SATISFIED = 0x6982
RECORD_NOT_FOUND = 0x6A83

#: Status word -> what it means after any command. All others: the card refused the command. What
#: 6983 and 63Cx are about, the PIN or a key, only the command tells.
_FAULTS = {
    0x6283: FaultCode.CARD_BLOCKED,
    0x6A81: FaultCode.CARD_BLOCKED,
    0x9303: FaultCode.CARD_BLOCKED,
}

#: Le for all that the card has.
_EVERYTHING = b"\0"

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


def exchange(
    transmit: Transmit, header: bytes, data: bytes = b"", *, expects: bool = False
) -> Answer:
    """One command to its end. `header`: CLA INS P1 P2; `expects`: that the card answers with data,
    however much.

    Raises `DeviceFault(CARD_DAMAGED)` for an answer without an end, and what `transmit` raises.
    """
    body = bytes([len(data)]) + data if data else b""
    return exchange_whole(transmit, header + body + (_EVERYTHING if expects else b""))


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
            command = without_le(command) + bytes([sw2])
            continue
        collected += answer[:-2]
        if sw1 != 0x61:
            return Answer(sw1 << 8 | sw2, collected)
        command = bytes([0x00, 0xC0, 0x00, 0x00, sw2])
    raise DeviceFault(FaultCode.CARD_DAMAGED, "endless answer")


def without_le(command: bytes) -> bytes:
    """A command without the length that it expects, and with its data."""
    return command[: 5 + command[4]] if len(command) > 5 else command[:4]


def over_t0(command: bytes) -> bytes:
    """As T=0 carries a command: always one length, that of the data where there is any."""
    if len(command) > 5:
        return without_le(command)
    return command if len(command) == 5 else command + b"\0"


def damaged(what: str) -> NoReturn:
    raise DeviceFault(FaultCode.CARD_DAMAGED, what)
