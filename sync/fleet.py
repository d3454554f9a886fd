"""What a terminal is, told to the centre; what it should be, taken from it.

The heartbeat carries the health table as the screen process last wrote it to `health.json`:

    {"health": [{"device": …, "state": …, "since": …, "fault": …, …}, …],
     "services": {"first_application": "open", …}, "versions": {…}}

Its answer is the desired state, signed (`sync.wire.desired`). It is kept in `desired.json`, which
stays in force while the centre cannot be reached; the time of that file is the time of the centre's
last answer. For this user alone: it has the hashes of the technicians' PINs.
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
from sync.signing import centre_signed
from sync.untold import Untold
from sync.verified import number_of, standing_of
from sync.wire.desired import Desired, DesiredState
from sync.wire.fleet import (
    HealthRow,
    Heartbeat,
    HeartbeatAnswer,
    QueueReport,
)
from sync.wire.release import ReleaseReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sync.commands import Commands
    from sync.identity import Identity
    from sync.outbox import Outbox
    from sync.self_test import SelfTest
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


class Kept(DesiredState):
    """`desired.json`."""

    #: When the centre said it.
    issued: str = ""


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
        commands: Commands | None = None,
        self_test: SelfTest | None = None,
    ) -> None:
        """`region`: whose policy packs this terminal takes; `updates`: knows its releases;
        `commands`: carries out the centre's commands, without it none is noted; `self_test`: whose
        result is told."""
        self._state_dir = state_dir
        self._identity = identity
        self._outbox = outbox
        self._transport = transport
        self._versions = dict(versions)
        self._region = region
        self._updates, self._commands, self._self_test = updates, commands, self_test
        self._untold = Untold(state_dir)
        #: The terminal's key as the centre has it, in its last signed answer; "": none yet.
        self.device_key_id = ""
        #: Whether the centre should hear from this terminal again soon.
        self.more_to_say = False
        self._desired = _read_desired(state_dir / DESIRED_FILE)
        self._issued = self._desired.issued if self._desired else ""

    @property
    def desired(self) -> DesiredState | None:
        """What the centre wants, as last heard."""
        return self._desired

    @property
    def settings(self) -> Mapping[str, object]:
        """Those that the centre wants."""
        return self._desired.settings if self._desired else {}

    def beat(self, line: Transport | None = None) -> HeartbeatAnswer:
        """One heartbeat; keeps what the centre desires, takes a new key of it, returns its answer.
        `line`: another way to the centre.

        Raises `CentralUnreachable`, `OutboxUnavailable` or `OSError`.
        """
        report = self._report()
        answer = (line or self._transport).post("heartbeat", report, HeartbeatAnswer, _TIMEOUT_S)
        self._untold.told(report.crashes)
        desired = self._believed(answer.desired)
        if desired is not None and self._commands is not None:
            told = [result.id for result in report.results]
            self.more_to_say = self._commands.follow(desired.commands, report.commands, told)
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
        tested = self._self_test.last if self._self_test else {}
        return Heartbeat(
            terminal=self._identity.terminal,
            at=datetime.now(BEIJING).isoformat(timespec="seconds"),
            versions=found.versions | self._versions,
            health=found.health,
            health_age_s=age_s,
            queue=QueueReport(**vars(self._outbox.counts_and_ages())),
            services=found.services,
            desired_version=self._desired.version if self._desired else "",
            commands=self._commands.noted() if self._commands else [],
            results=self._commands.results() if self._commands else [],
            crashes=self._untold.some(),
            self_test_at=tested.get("at", ""),
            self_test_wrong=tested.get("wrong", ""),
            region=self._region,
            release=self._updates.report() if self._updates else ReleaseReport(),
            envelope_key_id=self._identity.central_key_id,
            envelope_key_number=self._identity.central_key_number,
        )

    def _believed(self, said: Desired) -> DesiredState | None:
        """What the centre wants now; None if this is not its word, or an old one."""
        key, terminal = self._identity.central_signing_key, self._identity.terminal
        if not centre_signed(said, key, terminal=terminal):
            log.error("the desired state is not signed by the centre")
            return None
        held = self._desired
        issued = datetime.fromisoformat(said.issued)
        if self._issued and issued < datetime.fromisoformat(self._issued):
            log.error("a desired state that is older than one that was seen")
            return None
        self._issued = said.issued
        self.device_key_id = said.device_key_id
        state = said.state or held
        if state is None or state.version != said.version:
            log.error("the centre speaks of a desired state that is not here")
            self._desired = None  # so that the next answer brings it
            return None
        self._keep(Kept.model_validate(state.model_dump() | {"issued": said.issued}))
        return state

    def _keep(self, desired: Kept) -> None:
        """A disk that takes nothing keeps no command from being followed, and the next answer
        brings what is not here."""
        path, before = self._state_dir / DESIRED_FILE, self._desired
        same = before is not None and before.version == desired.version and path.exists()
        try:
            if same:
                os.utime(path)  # still what the centre wants; spares the disk a write
            else:
                write_whole(path, desired.model_dump_json(indent=2).encode("utf-8") + b"\n", 0o600)
        except OSError as error:
            log.error("%s not written: %s", DESIRED_FILE, error.strerror)
            return
        self._desired = desired
        if not same:
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


def _read_desired(path: Path) -> Kept | None:
    try:
        return Kept.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None  # the next heartbeat brings it
