"""`kiosk agent`: the process beside the screen that keeps in touch with the centre.

One loop, one thread: deliver what is in the outbox as soon as it is there, tell the centre what
this terminal is, keep what it should be. It shares nothing with the screen process but files, so
either may die without the other. How it gets on is in `agent.json`:

    {"central": "ok" | reason of `CentralUnreachable` | "not_enrolled", "since": …, "pid": …}
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

from sync.courier import Backoff, Courier
from sync.faults import CentralUnreachable
from sync.fleet import Fleet
from sync.header import BEIJING
from sync.identity import Identity, NotEnrolled, write_whole
from sync.outbox import Outbox, OutboxUnavailable
from sync.signing import DeviceKey
from sync.transport import Transport

log = logging.getLogger(__name__)

OUTBOX_FILE = "outbox.db"
STATUS_FILE = "agent.json"

#: How often the outbox is looked at, seconds: a citizen is waiting for the centre's word.
_TICK_S = 0.2


@dataclass(frozen=True)
class AgentSettings:
    """How often and how patiently."""

    #: Seconds between heartbeats; up to a tenth is added at random, so that a fleet does not beat
    #: in step.
    heartbeat_s: float = 60.0
    backoff_base_s: float = 1.0
    backoff_cap_s: float = 300.0


class Status:
    """`agent.json`, written when it changes."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / STATUS_FILE
        self._central = ""

    def set(self, central: str) -> None:
        if central == self._central:
            return
        self._central = central
        since = datetime.now(BEIJING).isoformat(timespec="seconds")
        document = {"central": central, "since": since, "pid": os.getpid()}
        log.info("central: %s", central)
        try:
            write_whole(self._path, json.dumps(document).encode("ascii"))
        except OSError as error:
            log.warning("%s not written: %s", STATUS_FILE, error.strerror)


class Agent:
    """The loop's state: what is due when, in seconds of the monotonic clock."""

    def __init__(
        self,
        outbox: Outbox,
        courier: Courier,
        fleet: Fleet,
        status: Status,
        settings: AgentSettings,
    ) -> None:
        self._outbox, self._courier, self._fleet = outbox, courier, fleet
        self._status, self._settings = status, settings
        self._backoff = Backoff(settings.backoff_base_s, settings.backoff_cap_s)
        #: Before this nothing is sent at all.
        self._not_before = 0.0
        self._beat_due = 0.0
        self._waiting = True

    def tick(self) -> None:
        """Do what is due now. Never raises what the network or the disk may do to it."""
        try:
            if time.monotonic() < self._not_before:
                return
            if self._outbox.changed() or self._waiting:
                self._waiting = True
                self._deliver()
            if time.monotonic() >= self._beat_due:
                self._beat()
        except CentralUnreachable as error:
            self._status.set(error.reason)
            self._wait(error.retry_after_s)
        except (OutboxUnavailable, OSError) as error:
            log.error("%s: %s", type(error).__name__, error)
            self._wait(None)

    def _deliver(self) -> None:
        delivery = self._courier.deliver()
        if not delivery.sent:
            self._waiting = False
            return
        self._status.set("ok")
        if delivery.to_come_later:
            self._wait(None)
        else:
            self._backoff.succeeded()

    def _beat(self) -> None:
        self._fleet.beat()
        self._status.set("ok")
        self._backoff.succeeded()
        self._beat_due = time.monotonic() + self._settings.heartbeat_s * random.uniform(1.0, 1.1)
        # Also finds what a courier that died had on lease.
        self._waiting = True

    def _wait(self, retry_after_s: float | None) -> None:
        self._waiting = True
        self._not_before = time.monotonic() + self._backoff.failed(retry_after_s)


def run_agent(
    state_dir: Path,
    stop: Event,
    settings: AgentSettings | None = None,
    versions: Mapping[str, str] | None = None,
) -> None:
    """Run until `stop` is set. Waits for enrolment if this terminal has no identity yet."""
    settings = settings or AgentSettings()
    status = Status(state_dir)
    while not stop.is_set():
        try:
            identity, key = Identity.load(state_dir), DeviceKey.load(state_dir)
            outbox = Outbox(state_dir / OUTBOX_FILE, identity)
        except NotEnrolled as error:
            status.set("not_enrolled")
            log.debug("%s", error)
            stop.wait(1.0)
            continue
        except OutboxUnavailable as error:
            log.error("outbox: %s", error.reason)
            stop.wait(5.0)
            continue
        transport = Transport(identity.central_url, key)
        with closing(outbox), closing(transport):
            fleet = Fleet(state_dir, identity, outbox, transport, versions or {})
            agent = Agent(outbox, Courier(outbox, transport), fleet, status, settings)
            while not stop.is_set():
                agent.tick()
                stop.wait(_TICK_S)
