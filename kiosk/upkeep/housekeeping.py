"""What the screen process does on the side, about once a second, whether or not anybody is there.

It reads what the centre desires, and writes `health.json`, from which the agent makes its report:
the health table, and which services are open. The devices' counters (paper metres, card cycles) are
kept in `counters.json`, so that they go on counting after a restart.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.faults import FaultCode, place_of
from hardware.supervision import DeviceState
from kiosk.clock import beijing_at, beijing_now
from kiosk.upkeep.power import Power
from kiosk.upkeep.probation import Probation
from kiosk.upkeep.restarting import Restarting
from kiosk.upkeep.tidying import tidy
from kiosk.upkeep.visit_lock import visit_runs
from kiosk.version import VERSION
from sync.canonical import sha256_hex
from sync.clock import RELEASED
from sync.identity import renamed
from sync.journal import FOLDER
from sync.marks import RETIRED_FILE

if TYPE_CHECKING:
    from hardware.supervision import Health
    from kiosk.offers import Offers
    from kiosk.parts import Parts
    from kiosk.policy.shelf import RulesToday

log = logging.getLogger(__name__)

#: With less free on the disk somebody should come; the outbox has a limit of its own, far below.
LEAST_FREE_BYTES = 2_000_000_000

COUNTERS_FILE = "counters.json"

#: The agent's word for a time that cannot be (`sync.clock`).
CLOCK_IMPOSSIBLE = "clock_wrong"

#: What the agent says of the centre that is more than being out of reach, or less than a fault.
_CENTRE: dict[str, FaultCode | None] = {
    "ok": None,
    "clock_skew": None,  # these have a line of their own
    CLOCK_IMPOSSIBLE: None,
    "terminal_too_old": FaultCode.TERMINAL_TOO_OLD,
    "terminal_too_new": FaultCode.TERMINAL_TOO_NEW,
    "tpm_away": FaultCode.TPM_AWAY,
    "tpm_other": FaultCode.TPM_OTHER,
}

_PERIOD_S = 1.0

#: Longest detail of a health row.
_DETAIL = 200

#: Between two looks at the disk, and two writings of the counters: what a power cut may cost.
_SELDOM_S = 60.0

#: Between two times that old files are put away.
_DAY_S = 86_400.0

#: The file is written at least this often, so that its age tells whether the screen lives.
_LONGEST_SILENCE_S = 10.0


def load_counters(state: Path) -> Mapping[str, Mapping[str, int]]:
    """Device -> counters as an earlier program left them; {} if there are none to be read."""
    try:
        document = json.loads((state / COUNTERS_FILE).read_text(encoding="utf-8"))
        return {
            str(device): {str(name): int(count) for name, count in counters.items()}
            for device, counters in document.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("counters unreadable, counting from zero: %s", type(error).__name__)
        return {}


def fault_of_centre(said: str) -> FaultCode | None:
    """What is wrong with the way to the centre, from the word in `agent.json`."""
    return _CENTRE.get(said, FaultCode.CENTRE_UNREACHABLE)


def replace_unflushed(file: Path, document: str) -> None:
    """Replace a file at once. Unlike `sync.identity.write_whole` not flushed to the disk: it is
    written again before it is missed."""
    new = file.with_suffix(".new")
    new.write_text(document, encoding="utf-8")
    os.replace(new, file)


class Housekeeping:
    """A thread of its own; nothing here may end it."""

    def __init__(self, parts: Parts, offers: Offers) -> None:
        self._parts, self._offers = parts, offers
        self.restarting = Restarting(parts.state, parts.settings.wanted)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._written = ""
        self._written_at = 0.0
        self._renamed = False
        self._counted: Mapping[str, Mapping[str, int]] = {}
        self._seldom_due = self._tidy_due = 0.0
        self._probation = Probation(parts.state, parts.slots, VERSION)
        command = parts.settings.devices.ups_shutdown
        self._power = Power(parts.health, lambda: visit_runs(parts.state), command)

    @property
    def restart_due(self) -> bool:
        """Whether the program should end as soon as nobody stands there: another version waits,
        the centre wants it started anew, or the terminal has another number."""
        return self._probation.restart_due or self.restarting.due or self._renamed

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)
        self._safely(self._keep_counters)

    def _run(self) -> None:
        self._safely(self.restarting.begun)
        self._safely(self._record_start)
        while True:
            self._safely(self._often)
            self._safely(self._power.look)
            if time.monotonic() >= self._seldom_due:
                self._seldom_due = time.monotonic() + _SELDOM_S
                self._safely(self._look_at_disk)
                self._safely(self._look_at_journal)
                self._safely(self._keep_counters)
            if time.monotonic() >= self._tidy_due:
                self._tidy_due = time.monotonic() + _DAY_S
                self._safely(lambda: tidy(self._parts.state))
            if self._stop.wait(_PERIOD_S):
                return

    @staticmethod
    def _safely(work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            log.warning("housekeeping: %s", error.strerror)
        except Exception as bug:  # noqa: BLE001 - a dead thread would look like a dead screen
            log.error("housekeeping: %s", place_of(bug))

    def _record_start(self) -> None:
        """Which program on which settings; their digest only: an entry takes no text."""
        parts = self._parts
        parts.journal.record("started", version=VERSION)
        file = parts.state / "settings.toml"
        settings = file.read_bytes() if file.exists() else b""
        parts.journal.record("settings_loaded", digest=hashlib.sha256(settings).hexdigest())

    def _often(self) -> None:
        parts = self._parts
        if parts.desired.refresh():
            closed = dict(parts.desired.closed_services)
            parts.journal.record("desired_applied", digest=sha256_hex(closed), closed=len(closed))
        self.restarting.look()
        self._look_at_outbox()
        said = self._agent_says()
        self._renamed = renamed(parts.state, parts.terminal_id)
        retired = (parts.state / RETIRED_FILE).exists()
        disabled = said.get("central") == "terminal_disabled"
        self._offers.out_of_use = self._renamed or retired or disabled
        self._look_at_clock(said.get("central") == CLOCK_IMPOSSIBLE)
        rules = self._parts.packs.rules_on(beijing_now().date())
        self._look_at_centre(str(said.get("central", "")))
        self._look_at_policy(rules, str(said.get("policy", "")))
        self._write_health(rules)
        self._probation.look(parts.health.snapshot(), said)

    def _look_at_disk(self) -> None:
        free = shutil.disk_usage(self._parts.state).free
        detail = f"{free / 1e9:.1f} GB"
        if free < LEAST_FREE_BYTES:
            self._parts.health.put("disk", DeviceState.WARNING, FaultCode.DISK_LOW, detail)
        else:
            self._parts.health.put("disk", DeviceState.READY, detail=detail)

    def _look_at_outbox(self) -> None:
        """Stands beside the devices while it takes nothing."""
        refusal = self._offers.refresh()
        if refusal is not None:
            code, detail = FaultCode.OUTBOX_UNAVAILABLE, refusal.value
            self._parts.health.put("outbox", DeviceState.FAULT, code, detail)
        elif self._parts.health.get("outbox") is not None:
            self._parts.health.put("outbox", DeviceState.READY)

    def _agent_says(self) -> dict[str, Any]:
        """`agent.json`; {} while the agent has said nothing."""
        try:
            said = json.loads((self._parts.state / "agent.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def _look_at_centre(self, said: str) -> None:
        """A centre that does not speak our version stands beside the devices, and so does a TPM
        that gives no key for it; one that is merely out of reach does not, because that passes."""
        if not said:
            return
        fault = fault_of_centre(said)
        if fault not in (None, FaultCode.CENTRE_UNREACHABLE):
            self._parts.health.put("centre", DeviceState.WARNING, fault)
        elif self._parts.health.get("centre") is not None:
            self._parts.health.put("centre", DeviceState.READY)

    def _look_at_clock(self, impossible: bool) -> None:
        """Nothing is filed under a date that cannot be."""
        wrong = self._offers.clock_wrong = impossible or time.time() < RELEASED
        if wrong:
            self._parts.health.put("clock", DeviceState.WARNING, FaultCode.CLOCK_WRONG)
        elif self._parts.health.get("clock") is not None:
            self._parts.health.put("clock", DeviceState.READY)

    def _look_at_policy(self, rules: RulesToday, trouble: str) -> None:
        """Stands beside the devices while a pack cannot be used: one that the agent was given, or
        one that lies here."""
        wrong = [*(rules.unusable or {}).values(), *filter(None, [trouble])]
        if wrong:
            detail = "; ".join(wrong)[:_DETAIL]
            self._parts.health.put("policy", DeviceState.WARNING, FaultCode.POLICY_REFUSED, detail)
        elif self._parts.health.get("policy") is not None:
            self._parts.health.put("policy", DeviceState.READY)

    def _look_at_journal(self) -> None:
        """Stands beside the devices while something is wrong with it."""
        fault = None
        try:
            kept = (self._parts.state / FOLDER / "checkpoints.json").read_bytes()
            if json.loads(kept)["altered"]:
                fault = FaultCode.JOURNAL_ALTERED
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            pass  # the agent has said nothing yet
        if self._parts.journal.in_trouble:
            fault = FaultCode.JOURNAL_UNWRITABLE
        if fault is not None:
            self._parts.health.put("journal", DeviceState.WARNING, fault)
        elif self._parts.health.get("journal") is not None:
            self._parts.health.put("journal", DeviceState.READY)

    def _keep_counters(self) -> None:
        counted = {row.device: dict(row.counters) for row in self._parts.health.snapshot()}
        counted = {device: counters for device, counters in counted.items() if counters}
        if counted == self._counted:
            return
        replace_unflushed(self._parts.state / COUNTERS_FILE, json.dumps(counted, indent=1))
        self._counted = counted

    def _write_health(self, rules: RulesToday) -> None:
        document = json.dumps(self._document(rules), sort_keys=True)
        now = time.monotonic()
        if document == self._written and now - self._written_at < _LONGEST_SILENCE_S:
            return
        replace_unflushed(self._parts.state / "health.json", document)
        self._written, self._written_at = document, now

    def _document(self, rules: RulesToday) -> dict[str, Any]:
        offers = self._offers.now()
        return {
            "health": [_row(health) for health in self._parts.health.snapshot()],
            "services": {
                offer.service.id: "open" if offer.open else (offer.reason or "closed")
                for offer in offers
            },
            "versions": {
                "kiosk": VERSION,
                "policy": rules.version,
                "policy_origin": rules.origin,
            },
            "policy": rules.document(),
        }


def _row(health: Health) -> dict[str, Any]:
    return {
        "device": health.device,
        "state": health.state,
        "since": beijing_at(health.since).isoformat(timespec="seconds"),
        "fault": health.fault or "",
        "detail": health.detail,
        "serial": health.serial,
        "firmware": health.firmware,
        "counters": dict(health.counters),
    }
