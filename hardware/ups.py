"""不间断电源 (UPS), as NUT (Network UPS Tools) tells of it.

`upsd` runs on this machine and knows the make; it is asked over TCP, in lines:

    GET VAR NAME ups.status      VAR NAME ups.status "OB DISCHRG"     or     ERR WHY

OL on mains, OB on battery, LB battery nearly empty, FSD the power is about to be cut, RB the
battery is to be replaced (networkupstools.org, developer guide, network protocol). On battery
nobody is turned away; with a nearly empty one no visit begins (`kiosk.upkeep.power`). A UPS that
falls silent while it runs on its battery counts as nearly empty, as it does for NUT itself. One
that cannot be asked is a warning: the terminal does without.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import closing

from hardware.faults import FaultCode
from hardware.supervision import Condition, DeviceState

#: NUT's own port.
PORT = 3493

#: Longest wait for the connection and for each answer, seconds.
_ANSWER_S = 1.0

#: Silence of a UPS that was on battery, after which its battery counts as nearly empty, seconds.
_DEAD_S = 15.0

#: An answer is no longer than this, bytes.
_LONGEST = 1024


class Ups:
    """The driver; runs in a `DeviceLoop`. It never is a fault that it cannot be asked."""

    def __init__(self, where: str) -> None:
        """`where`: NAME, NAME@HOST or NAME@HOST:PORT, as NUT writes it. Raises `ValueError`."""
        name, _, address = where.partition("@")
        host, _, port = address.partition(":")
        if not re.fullmatch(r"[\w.-]+", name, re.ASCII) or (port and not port.isdigit()):
            raise ValueError(f"UPS {where!r}: use NAME@HOST:PORT")
        self._name, self._host, self._port = name, host or "127.0.0.1", int(port or PORT)
        #: When it last said that it runs on its battery; None: it did not.
        self._on_battery_at: float | None = None

    def open(self) -> None:
        """Every question has a connection of its own."""

    def close(self) -> None:
        """Likewise."""

    def poll(self) -> Condition:
        try:
            said = self._ask("ups.status")
            words = set(said.split())
            if not words & {"OL", "OB", "FSD"}:
                return self._silent(said or "no status")
            detail = " ".join(filter(None, [said, self._charge()]))
        except (OSError, ValueError) as error:
            return self._silent(str(error)[:60] or type(error).__name__)
        if "FSD" in words or {"OB", "LB"} <= words:
            return Condition(DeviceState.FAULT, FaultCode.UPS_LOW, detail)
        if "OB" in words:
            self._on_battery_at = time.monotonic()
            return Condition(DeviceState.WARNING, FaultCode.UPS_ON_BATTERY, detail)
        self._on_battery_at = None
        if "RB" in words:
            return Condition(DeviceState.WARNING, FaultCode.UPS_BATTERY_OLD, detail)
        return Condition(detail=detail)

    def _silent(self, why: str) -> Condition:
        since = self._on_battery_at
        if since is not None and time.monotonic() - since >= _DEAD_S:
            return Condition(DeviceState.FAULT, FaultCode.UPS_LOW, f"silent on battery: {why}")
        return Condition(DeviceState.WARNING, FaultCode.UPS_OFFLINE, why)

    def _charge(self) -> str:
        """How full its battery is; "" where it does not say."""
        try:
            return f"{float(self._ask('battery.charge')):.0f}%"
        except (OSError, ValueError):
            return ""

    def _ask(self, variable: str) -> str:
        """One variable. Raises `ValueError` for anything but an answer, `OSError`."""
        until = time.monotonic() + _ANSWER_S
        with closing(socket.create_connection((self._host, self._port), _ANSWER_S)) as line:
            line.sendall(f"GET VAR {self._name} {variable}\n".encode("ascii"))
            said = b""
            while b"\n" not in said:
                line.settimeout(max(0.01, until - time.monotonic()))
                more = line.recv(_LONGEST)
                if not more or len(said) > _LONGEST or time.monotonic() > until:
                    raise ValueError("no whole answer")
                said += more
        first = said.partition(b"\n")[0].decode("ascii", "replace").strip()
        answer = re.fullmatch(rf'VAR {re.escape(self._name)} {re.escape(variable)} "(.*)"', first)
        if answer is None:
            raise ValueError(first.removeprefix("ERR ") if first.startswith("ERR ") else "garbled")
        return answer[1]
