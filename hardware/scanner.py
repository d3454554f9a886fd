"""扫码器: a 2D scanner which sends the text of every code that is held before it, on a serial line
(USB-COM or RS-232) or as a keyboard would type it (HID).

It is listened to and never sent anything. What the text of an electronic card means only its
platform knows (`hardware.codes`), so it is passed on as it is. A code that came before it was
wanted is somebody else's and dropped, half of one too. Scanners end a code with CR, LF, both or
nothing, and say it again as long as the telephone is held there: a text is handed on once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from hardware.codes import OneTimeCode, UsedCodes
from hardware.faults import FaultCode, NotWanted
from hardware.keyboard_line import KeyboardLine
from hardware.serial_port import SerialPort
from hardware.supervision import Condition

#: Where the system keeps what types.
INPUT_DEVICES = "/dev/input/"

#: Longest text of a code, bytes; a longer one is none of an electronic card.
LONGEST = 512

#: Between two looks whether anybody still waits, and the silence that ends a code, seconds.
_LOOK_S, _SILENCE_S = 0.2, 0.1


class ScanStep(StrEnum):
    """What the citizen should know while a code is waited for."""

    WAITING = "waiting"
    #: Asking whose it is.
    CHECKING = "checking"
    #: It was used before, or its minute is over.
    REFRESH = "refresh"
    #: That is none of an electronic card, or two codes at once.
    OTHER_CODE = "other_code"


class Scanner:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, port: str, baud: int = 9600) -> None:
        """`port`: a serial port, or the input device of one that types."""
        faults = FaultCode.SCANNER_OFFLINE, FaultCode.SCANNER_BUSY
        types = port.startswith(INPUT_DEVICES)
        self._line = KeyboardLine(port, *faults) if types else SerialPort(port, *faults, baud)
        self._used = UsedCodes()
        self._scans = 0

    def open(self) -> None:
        self._line.open()

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        """Nobody waits: what it has said since is forgotten. Whether it would read a code it does
        not tell."""
        self._line.drop_input()
        return Condition(counters={"scans": self._scans})

    def read(
        self, cancelled: Callable[[], bool], report: Callable[[ScanStep], None]
    ) -> OneTimeCode:
        """Wait for a code that is held there from now on. Raises `NotWanted`, `DeviceFault`."""
        self._drop(cancelled)
        while True:
            data = self._next(cancelled)
            text = _text(data)
            if text is None:
                report(ScanStep.OTHER_CODE)
            elif not self._used.is_new(text):
                report(ScanStep.REFRESH)
            else:
                self._scans += 1
                return OneTimeCode(text)

    def _drop(self, cancelled: Callable[[], bool]) -> None:
        """What was said before, and the end of what is being said, however long that takes."""
        self._line.drop_input()
        while self._line.read(LONGEST, _SILENCE_S):
            if cancelled():
                raise NotWanted

    def _next(self, cancelled: Callable[[], bool]) -> bytes:
        """What is sent until the line is silent. Of more than a code has, the beginning."""
        while not (first := self._line.read(1, _LOOK_S)):
            if cancelled():
                raise NotWanted
        data = first
        while more := self._line.read(LONGEST, _SILENCE_S):
            data = (data + more)[: 2 * LONGEST]
            if cancelled():
                raise NotWanted
        return data


def _text(data: bytes) -> str | None:
    """The one code in what was sent; None if it is none, or if there are two that differ: the other
    one may be somebody else's."""
    lines = {line.strip(b"\x02\x03\r\n\t ") for line in data.replace(b"\r", b"\n").split(b"\n")}
    lines.discard(b"")
    if len(lines) != 1:
        return None
    line = lines.pop()
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if len(line) <= LONGEST and text.isprintable() else None
