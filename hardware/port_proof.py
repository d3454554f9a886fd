"""A port is asked who is there before anything is sent to it that a printer would put on paper.

What answers the printers' question (DLE EOT, which prints nothing) is told to be one. What has
never answered in its driver's language is asked three times, not for ever: that is less than fills
a printer's line. It is proven by its first answer, and asked anew once it is plugged in anew.
"""

from __future__ import annotations

import time

from hardware.escpos import ask_status, is_status
from hardware.faults import DeviceFault, FaultCode
from hardware.serial_port import SerialPort

#: How long a printer may take to say that it is one, seconds.
_WHO_S = 0.2

#: When a port that has never answered is asked, seconds after it was plugged in or first opened: a
#: device may start later than the terminal.
_ASKS_S = (0.0, 60.0, 3600.0)


class PortProof:
    """What is known of one port."""

    def __init__(self, line: SerialPort) -> None:
        self._line = line
        #: What is plugged in, since when, and how often it was asked.
        self._plugged: tuple[int, int, int] | None = None
        self._plugged_at = 0.0
        self._asks = 0
        self._proven = False

    def answered(self) -> None:
        """It has just spoken its driver's language."""
        self._proven = True

    def may_ask(self) -> None:
        """Raises `DeviceFault` if a printer is here, or what may be one for all that it says."""
        self._line.drop_input()
        self._line.write(ask_status(1))
        if any(map(is_status, self._line.read(1, _WHO_S))):
            raise DeviceFault(FaultCode.PORTS_EXCHANGED, "a printer answers here")
        if (plugged := self._line.plugged()) != self._plugged:
            self._plugged, self._plugged_at = plugged, time.monotonic()
            self._asks, self._proven = 0, False
        if self._proven:
            return
        due = (*_ASKS_S, float("inf"))[self._asks]
        if time.monotonic() - self._plugged_at < due:
            raise self._line.fault(f"never answered, asked {self._asks} times")
        self._asks += 1
