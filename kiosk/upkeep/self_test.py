"""The self-test (自检): the doctor's checks in a process of its own, for the agent.

Its own process, because it loads the drivers, which the agent does without for the rest of the day,
and because a driver that hangs must not hold the agent. While the screen program runs, devices are
judged by what it last said of them: no visit is disturbed, and the agent's unit shows it none.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: For all checks; each device has a limit of its own (`kiosk.upkeep.doctor`).
_PATIENCE_S = 180.0

#: What says that the test itself could not be made.
NOT_MADE = "self_test_not_made"


def ourselves() -> list[str]:
    """The command of the test; the bundle has no Python to call, and is called itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "self-test"]
    return [sys.executable, "-m", "kiosk", "self-test"]


def examined(state: Path) -> str:
    """Codes of the faults that were found, with blanks between; "" if there are none."""
    try:
        done = subprocess.run(
            [*ourselves(), "--state", str(state)],
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return NOT_MADE
    return " ".join(found) if isinstance(found, list) else NOT_MADE


def main(state: Path) -> int:
    """`kiosk self-test`: prints the codes as a JSON list."""
    from kiosk.settings import BadSettings, settings_in
    from kiosk.upkeep.doctor import CHECKS, Patient, examine

    try:
        patient = Patient(state, settings_in(state), from_afar=True)
    except BadSettings:
        sys.stdout.write('["bad_settings"]\n')
        return 0
    findings = [examine(patient, name) for name in CHECKS]
    found = sorted({str(one.fault) for one in findings if one.fault is not None})
    sys.stdout.write(json.dumps(found) + "\n")
    return 0
