"""A version on trial proves itself here, or gives itself up; see sync/slots.py for what follows.

It is good when all of this holds:

- home was drawn (nothing here runs earlier), and words, settings, rules and outbox could be read;
- every device that worked under the version before it works again;
- its own agent has had an answer of the centre or, where the line is down, has lived for `GRACE_S`.

Where a device does not come back within `PATIENCE_S`, or the agent does not live or is refused by
the centre at the end of the grace, the version is given up. A crash or a hang needs nothing here:
the launcher counts starts. Whether more visits are abandoned than before is for the centre to see,
which sees many terminals.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.faults import Device, FaultCode
from hardware.supervision import DeviceState
from sync.identity import write_whole

if TYPE_CHECKING:
    from hardware.supervision import Health
    from sync.slots import Slots

log = logging.getLogger(__name__)

BEFORE_FILE = "before_trial.json"

#: Longest wait for a device to come back, seconds.
PATIENCE_S = 600.0
#: So long a version runs without a line to the centre before it counts as good, seconds.
GRACE_S = 6 * 3600.0

_WORKS = (DeviceState.READY, DeviceState.WARNING)

#: Faults with which a device says what a person has to do: it is reached as before.
_FOR_PEOPLE = frozenset(
    {
        FaultCode.PRINTER_PAPER_OUT,
        FaultCode.PRINTER_COVER_OPEN,
        FaultCode.PRINTER_CUTTER,
        FaultCode.PRINTER_HOT,
        FaultCode.PRINTER_JAM,
        FaultCode.PRINTER_UNCLEARED,
    }
)

#: Nothing is refused to a citizen without them, and they are switched off and unplugged by people.
_DONE_WITHOUT = frozenset({Device.PAGE_PRINTER, Device.HEADSET})

#: Words of `agent.json` for a line that is down, which no version can help.
_NO_LINE = frozenset({"connection", "timeout", "busy", "server_error"})


class Probation:
    """`look` is called about once a second, and raises `OSError` of the slots' folder."""

    def __init__(
        self,
        state: Path,
        slots: Slots | None,
        version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """To be made before the first `health.json` of this version is written."""
        self._state, self._slots, self._version, self._clock = state, slots, version, clock
        self._began = clock()
        self._over = slots is None or not slots.on_trial()
        try:
            self._needed = self._worked_before()
        except (OSError, LookupError, TypeError) as error:
            log.warning("what worked before is not known: %s", type(error).__name__)
            self._needed = frozenset()
        #: Whether this process should end as soon as nobody stands there.
        self.restart_due = False

    def look(self, rows: Iterable[Health], agent: Mapping[str, Any]) -> None:
        """`rows`: the health table; `agent`: what `agent.json` says."""
        if self._slots is None or self.restart_due:
            return
        if not self._over:
            self._judge({row.device: row for row in rows}, agent)
        trial = self._slots.trial()
        if trial is not None and not trial.boots:
            log.info("version %s waits to be tried", trial.version)
            self.restart_due = True
        elif trial is not None and self._slots.outdated():
            # The launcher could not count a start of the trial and started the good version, beside
            # an agent of the other: begun anew once it can.
            self._slots.rewrite()
            self.restart_due = True

    def _judge(self, rows: Mapping[str, Health], agent: Mapping[str, Any]) -> None:
        assert self._slots is not None
        ran_s = self._clock() - self._began
        missing = sorted(name for name in self._needed if not _as_before(rows.get(name)))
        outbox = rows.get("outbox")
        if outbox is not None and outbox.state is DeviceState.FAULT:
            missing.append("outbox")
        ours = agent.get("version") == self._version
        central = agent.get("central") if ours else ""
        if not missing and (central == "ok" or (ran_s >= GRACE_S and central in _NO_LINE)):
            log.info("version %s is good after %.0f s", self._version, ran_s)
            self._slots.mark_good()
            self._over = True
        elif (missing and ran_s >= PATIENCE_S) or ran_s >= GRACE_S:
            why = ", ".join(missing) or f"agent: {central or 'does not live'}"
            log.error("version %s is given up: %s", self._version, why)
            self.restart_due = self._slots.give_up()
            self._over = True

    def _worked_before(self) -> frozenset[str]:
        """The devices that worked when the version before this one was last seen; kept in a file
        until the trial is over, because this one writes over what that one said."""
        if self._over:
            (self._state / BEFORE_FILE).unlink(missing_ok=True)
            return frozenset()
        before = _read(self._state / BEFORE_FILE)
        if before.get("version") != self._version:
            last = _read(self._state / "health.json")
            works = [row["device"] for row in last.get("health", []) if row["state"] in _WORKS]
            before = {"version": self._version, "works": works}
            write_whole(self._state / BEFORE_FILE, json.dumps(before).encode("ascii"))
        return (frozenset(before["works"]) & frozenset(Device)) - _DONE_WITHOUT


def _as_before(row: Health | None) -> bool:
    return row is not None and (row.state in _WORKS or row.fault in _FOR_PEOPLE)


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
