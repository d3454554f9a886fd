"""What a terminal is, told to the centre; what it should be, taken from it.

The heartbeat carries the health table as the screen process last wrote it to `health.json`:

    {"health": [{"device": …, "state": …, "since": …, "fault": …, …}, …],
     "services": {"first_application": "open", …}, "versions": {…}}

Its answer is the desired state. It is kept in `desired.json`, which stays in force while the centre
cannot be reached; the time of that file is the time of the centre's last answer.
"""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from sync import rollover
from sync.header import BEIJING
from sync.identity import write_whole
from sync.verified import number_of, standing_of
from sync.wire.fleet import (
    DesiredState,
    HealthRow,
    Heartbeat,
    HeartbeatAnswer,
    QueueReport,
)
from sync.wire.release import ReleaseReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sync.identity import Identity
    from sync.outbox import Outbox
    from sync.transport import Transport
    from sync.updates.worker import Updates

log = logging.getLogger(__name__)

HEALTH_FILE = "health.json"
DESIRED_FILE = "desired.json"

_TIMEOUT_S = 10.0


class _HealthFile(BaseModel):
    """What is understood of `health.json`."""

    health: list[HealthRow] = []
    services: dict[str, str] = {}
    versions: dict[str, str] = {}


class Fleet:
    """The fleet's side of one terminal."""

    def __init__(
        self,
        state_dir: Path,
        identity: Identity,
        outbox: Outbox,
        transport: Transport,
        versions: Mapping[str, str],
        region: str = "",
        updates: Updates | None = None,
    ) -> None:
        """`region`: whose policy packs this terminal takes; `updates`: knows its releases."""
        self._state_dir = state_dir
        self._identity = identity
        self._outbox = outbox
        self._transport = transport
        self._versions = dict(versions)
        self._region = region
        self._updates = updates
        self._desired = _read_desired(state_dir / DESIRED_FILE)

    def beat(self) -> HeartbeatAnswer:
        """One heartbeat; keeps what the centre desires, takes a new key of it, returns its answer.

        Raises `CentralUnreachable`, `OutboxUnavailable` or `OSError`.
        """
        answer = self._transport.post("heartbeat", self._report(), HeartbeatAnswer, _TIMEOUT_S)
        self._keep(answer.desired)
        if (standing := standing_of(answer.standing, self._identity)) is not None:
            self._outbox.settle(standing)
        if answer.numbered is not None:
            self._outbox.centre_knows(number_of(answer.numbered, self._identity))
        if answer.envelope_key is not None:
            self._identity = rollover.take(answer.envelope_key, self._identity, self._state_dir)
        if self._updates is not None:
            self._updates.follow(answer.release)
        return answer

    def _report(self) -> Heartbeat:
        found, age_s = _read_health(self._state_dir / HEALTH_FILE)
        return Heartbeat(
            terminal=self._identity.terminal,
            at=datetime.now(BEIJING).isoformat(timespec="seconds"),
            versions=found.versions | self._versions,
            health=found.health,
            health_age_s=age_s,
            queue=QueueReport(**vars(self._outbox.counts_and_ages())),
            services=found.services,
            desired_version=self._desired.version if self._desired else "",
            region=self._region,
            release=self._updates.report() if self._updates else ReleaseReport(),
            envelope_key_id=self._identity.central_key_id,
            envelope_key_number=self._identity.central_key_number,
        )

    def _keep(self, desired: DesiredState) -> None:
        path = self._state_dir / DESIRED_FILE
        if desired == self._desired and path.exists():
            os.utime(path)  # still what the centre wants; spares the disk a write
            return
        write_whole(path, desired.model_dump_json(indent=2).encode("utf-8") + b"\n")
        self._desired = desired
        log.info("desired state is now %s", desired.version)


def _read_health(path: Path) -> tuple[_HealthFile, int | None]:
    """The health table and its age in seconds; empty and None if there is none to read."""
    try:
        age_s = max(0, int(time.time() - path.stat().st_mtime))
        return _HealthFile.model_validate(json.loads(path.read_text(encoding="utf-8"))), age_s
    except FileNotFoundError:
        return _HealthFile(), None
    except (OSError, ValueError) as error:  # ValidationError is a ValueError
        log.warning("%s unreadable: %s", path.name, type(error).__name__)
        return _HealthFile(), None


def _read_desired(path: Path) -> DesiredState | None:
    try:
        return DesiredState.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None  # the next heartbeat brings it
