"""The mains have gone and the UPS's battery is nearly empty: no visit begins any more, and the
machine is shut down in order.

Whoever is being served may finish, for two minutes at most; then the command of the settings runs
(`devices.ups_shutdown`), once for each time that the battery is low. What was submitted is on the
disk by then, whatever happens. Without a command NUT's own `upsmon` has to do it.
"""

from __future__ import annotations

import logging
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence

from hardware.faults import Device, FaultCode
from hardware.supervision import HealthTable

log = logging.getLogger(__name__)

#: A visit that runs is waited for so long, seconds.
LONGEST_VISIT_S = 120.0


def is_low(health: HealthTable) -> bool:
    """Whether the power is about to go."""
    row = health.get(Device.UPS)
    return row is not None and row.fault is FaultCode.UPS_LOW


def _run(command: Sequence[str]) -> None:
    """Not waited for: it may end this very program."""
    subprocess.Popen(command, stdin=subprocess.DEVNULL)


class Power:
    """`look` is called about once a second."""

    def __init__(
        self,
        health: HealthTable,
        visit_runs: Callable[[], bool],
        command: str,
        run: Callable[[Sequence[str]], None] = _run,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._health, self._visit_runs, self._run, self._clock = health, visit_runs, run, clock
        self._command = shlex.split(command)
        self._low_since: float | None = None
        self._done = False

    def look(self) -> None:
        """Raises `OSError` if the command cannot be run; it is tried again at the next look."""
        if not is_low(self._health):
            self._low_since, self._done = None, False
            return
        if self._low_since is None:
            self._low_since = self._clock()
        if self._done or not self._command:
            return
        waited = self._clock() - self._low_since
        if self._visit_runs() and waited < LONGEST_VISIT_S:
            return
        log.warning("the battery is nearly empty: shutting down")
        self._run(self._command)
        self._done = True
