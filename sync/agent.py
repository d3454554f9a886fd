"""`kiosk agent`: the process beside the screen that keeps in touch with the centre.

One loop, one thread: deliver what is in the outbox as soon as it is there, tell the centre what
this terminal is, keep what it should be. It shares nothing with the screen process but files, so
either may die without the other. How it gets on is in `agent.json`:

    {"central": "ok" | reason of `CentralUnreachable` | "not_enrolled", "since": …, "pid": …,
     "policy": what is wrong with the policy packs, or "", "version": of this program}

Where another version has been started from the other slot, this process ends, and systemd starts
that version's agent.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sync import clock
from sync.commands import Commands
from sync.courier import Backoff, Courier
from sync.effects import effects_of
from sync.faults import CentralUnreachable
from sync.fleet import Fleet
from sync.header import BEIJING
from sync.identity import NEXT_KEY_FILE, NotEnrolled, load_identity, renamed, write_whole
from sync.journal import FOLDER, Journal, Recorder
from sync.journal.checkpoints import Checkpoints
from sync.journal.keeper import Keeper, Missing
from sync.marks import RETIRED_FILE
from sync.outbox import Outbox, OutboxUnavailable
from sync.packs import Packs
from sync.sealing import OTHER, TpmFault
from sync.self_test import SelfTest
from sync.signing import DeviceKey, use_next_key
from sync.slots import Slots
from sync.systemd import ALIVE, ALIVE_S, READY, notify
from sync.transport import Transport
from sync.updates.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from threading import Event

    from sync.identity import Identity
    from sync.packs import Shelf

log = logging.getLogger(__name__)

OUTBOX_FILE = "outbox.db"
STATUS_FILE = "agent.json"

#: How often the outbox is looked at, seconds: a citizen is waiting for the centre's word.
_TICK_S = 0.2

#: How long deliveries may follow each other before the rest has its turn, seconds.
_DELIVERING_S = 10.0

#: Heartbeats between two checkpoints of the journal.
_BEATS = 10


class Rhythm:
    """What is due when, in seconds of the monotonic clock."""

    def __init__(self, heartbeat_s: float, backoff: Backoff) -> None:
        self._heartbeat_s = heartbeat_s
        self._backoff = backoff
        self._not_before = self._asked_until = 0.0
        self._beat_due = 0.0

    def may_send(self) -> bool:
        return time.monotonic() >= self._not_before

    def may_send_urgent(self) -> bool:
        """What is urgent is tried once however long the line has been down, unless the server
        itself asked to be left alone."""
        return time.monotonic() >= self._asked_until

    def beat_is_due(self) -> bool:
        return time.monotonic() >= self._beat_due

    def beaten(self) -> None:
        """Up to a tenth is added at random, so that a fleet does not beat in step."""
        jitter = random.uniform(1.0, 1.1)
        self._beat_due = time.monotonic() + self._heartbeat_s * jitter

    def beat_soon(self) -> None:
        """Something is to be said; at random within a few seconds, because a command may be for
        the whole fleet."""
        soon = time.monotonic() + random.uniform(0.05, 0.1) * self._heartbeat_s
        self._beat_due = min(self._beat_due, soon)

    def went_well(self) -> None:
        self._backoff.succeeded()

    def wait(self, retry_after_s: float | None = None) -> None:
        """Leave the server alone for a while, longer each time."""
        self._not_before = time.monotonic() + self._backoff.failed(retry_after_s)
        self._asked_until = time.monotonic() + (retry_after_s or 0.0)


class Alive:
    """Tells systemd that the loop turns, and stops it once its version is not the one that runs."""

    def __init__(self, stop: Event, slots: Slots | None) -> None:
        self._stop, self._slots = stop, slots
        self._due = 0.0

    def tick(self) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + ALIVE_S
        notify(ALIVE)
        if self._slots is not None and self._slots.outdated():
            log.info("another version runs; this one's agent ends")
            self._stop.set()


class Status:
    """`agent.json`, written when it changes."""

    def __init__(self, state_dir: Path, version: str = "") -> None:
        self._path, self._version = state_dir / STATUS_FILE, version
        self._central = self._since = self._policy = ""

    def set(self, central: str) -> None:
        if central == self._central:
            return
        self._central = central
        self._since = datetime.now(BEIJING).isoformat(timespec="seconds")
        log.info("central: %s", central)
        self._write()

    def policy(self, trouble: str) -> None:
        """What is wrong with the policy packs; "" if nothing is."""
        if trouble != self._policy:
            self._policy = trouble
            self._write()

    def _write(self) -> None:
        document = {
            "central": self._central,
            "since": self._since,
            "pid": os.getpid(),
            "policy": self._policy,
            "version": self._version,
        }
        try:
            write_whole(self._path, json.dumps(document).encode("ascii"))
        except OSError as error:
            log.warning("%s not written: %s", STATUS_FILE, error.strerror)


class Agent:
    """One terminal's agent, a tick at a time."""

    def __init__(
        self,
        outbox: Outbox,
        courier: Courier,
        transport: Transport,
        fleet: Fleet,
        keeper: Keeper,
        status: Status,
        rhythm: Rhythm,
        packs: Packs | None = None,
        commands: Commands | None = None,
        out_of_use: Callable[[], bool] = lambda: False,
        next_line: Callable[[], Transport | None] = lambda: None,
    ) -> None:
        """`out_of_use`: whether this terminal is retired: it tells that, and nothing more;
        `next_line`: makes a way to the centre with the terminal's next key, if it has one."""
        self._outbox, self._transport, self._fleet = outbox, transport, fleet
        self._courier = courier
        self._keeper, self._status, self._rhythm = keeper, status, rhythm
        self._packs, self._commands = packs, commands
        self._out_of_use, self._next_line = out_of_use, next_line
        #: When the outbox is to be looked at although nobody wrote to it.
        self._look_at = 0.0

    def tick(self) -> None:
        """Do what is due now. Never raises what the network or the disk may do to it."""
        self._keeper.tick()
        try:
            if self._commands is not None and self._commands.tick():
                self._rhythm.beat_soon()
            if self._out_of_use():
                self._tell_the_last()
                return
            if self._outbox.changed():
                self._look_at = 0.0
            if not self._rhythm.may_send() and not self._something_urgent():
                return
            if time.monotonic() >= self._look_at:
                self._deliver()
            if self._rhythm.beat_is_due():
                self._beat()
        except CentralUnreachable as error:
            self._unreached(error.reason, error.retry_after_s)
        except TpmFault as error:
            self._unreached(error.reason)
        except (OutboxUnavailable, OSError) as error:
            log.error("%s: %s", type(error).__name__, error)
            self._wait()

    def _unreached(self, reason: str, retry_after_s: float | None = None) -> None:
        self._status.set(reason)
        self._wait(retry_after_s)
        if reason in ("unknown_key", OTHER):
            self._ask_with_next_key()

    def _ask_with_next_key(self) -> None:
        """The centre may have the next key, and the disk have lost that it was taken: then the
        answer names it, and `run_agent` goes over to it."""
        line = self._next_line()
        if line is None:
            return
        with closing(line):
            try:
                self._fleet.beat(line)
            except (CentralUnreachable, OutboxUnavailable, OSError) as error:
                log.error("the next key is of no use: %s", type(error).__name__)

    def _tell_the_last(self) -> None:
        untold = self._commands is not None and self._commands.results()
        if not untold:
            self._status.set("retired")
        elif self._rhythm.may_send() and self._rhythm.beat_is_due():
            self._beat()

    def _something_urgent(self) -> bool:
        return self._rhythm.may_send_urgent() and self._outbox.urgent_is_new()

    def _deliver(self) -> None:
        """What is due, batch after batch, but not so long that a heartbeat is missed."""
        until = time.monotonic() + _DELIVERING_S
        while time.monotonic() < until:
            delivery = self._courier.deliver()
            self._keeper.answered(delivery.answers)
            if not delivery.sent:
                due = self._outbox.due_in()
                self._look_at = math.inf if due is None else time.monotonic() + max(due, _TICK_S)
                return
            self._status.set("ok")
            self._rhythm.went_well()

    def _beat(self) -> None:
        answer = self._fleet.beat()
        self._status.set("ok")
        self._rhythm.went_well()
        self._rhythm.beaten()
        if self._fleet.more_to_say:
            self._rhythm.beat_soon()
        self._keeper.show(self._transport)
        if self._packs is not None:
            self._packs.follow(answer.packs)
            self._status.policy(self._packs.trouble)
        # Also finds what a courier that died had on lease.
        self._look_at = 0.0

    def _wait(self, retry_after_s: float | None = None) -> None:
        self._look_at = 0.0
        self._rhythm.wait(retry_after_s)


@dataclass(frozen=True)
class Hands:
    """What the agent does at this terminal beyond the wire; `kiosk.__main__` puts it together."""

    #: Whether nobody is being served at this moment.
    idle: Callable[[], bool] = lambda: True
    #: Examines the terminal; returns the codes of the faults that were found, with blanks between.
    self_test: Callable[[], str] | None = None

    def may_act(self, outbox: Outbox) -> Callable[[], bool]:
        """Whether a command may be carried out now: not during a visit, and never by a copy of a
        terminal."""
        return lambda: self.idle() and not outbox.counts_and_ages().copied


def run_agent(
    state_dir: Path,
    stop: Event,
    *,
    heartbeat_s: float = 60.0,
    backoff_cap_s: float = 300.0,
    versions: Mapping[str, str] | None = None,
    version: str = "0.0",
    shelf: Callable[[bytes], Shelf] | None = None,
    plan: Plan | None = None,
    hands: Hands | None = None,
    tpm: str = "",
) -> None:
    """Run until `stop` is set. Waits for enrolment if this terminal has no identity yet.

    `heartbeat_s`: seconds between heartbeats; `versions`: name -> version of what runs here;
    `version`: of this program; `shelf`: makes what keeps policy packs, of the key that the centre
    signs with; without it none is taken; `plan`: how releases are taken; without it none is;
    `tpm`: what the next device key is sealed to, "" for nothing.
    """
    status = Status(state_dir, version)
    alive = Alive(stop, Slots.ours())
    earliest = clock.not_before(state_dir / FOLDER)
    journal = Journal(state_dir / FOLDER, "agent")
    recorder = Recorder(journal)
    recorder.record("started", version=version)
    notify(READY)
    while not stop.is_set():
        alive.tick()
        try:
            identity, key = load_identity(state_dir), DeviceKey.load(state_dir)
            outbox = Outbox(state_dir / OUTBOX_FILE, identity.terminal)
        except NotEnrolled as error:
            status.set("not_enrolled")
            log.debug("%s", error)
            stop.wait(1.0)
            continue
        except OutboxUnavailable as error:
            log.error("outbox: %s", error.reason)
            stop.wait(5.0)
            continue

        def line(identity: Identity = identity, key: DeviceKey = key) -> Transport:
            return Transport(identity.central_url, key, earliest)

        transport, own = line(), hands or Hands()
        may_act = own.may_act(outbox)
        tested = SelfTest(state_dir, identity.terminal, own.self_test) if own.self_test else None
        terminal = identity.terminal
        commands = Commands(
            state_dir,
            terminal,
            key,
            effects_of(
                *(state_dir, terminal, outbox, line, stop),
                tested.now if tested else None,
                tpm,
            ),
            may_act,
            recorder,
        )
        with closing(outbox), closing(transport), closing(commands), ExitStack() as ends:
            packs = None
            if shelf is not None:
                kept = shelf(identity.central_signing_key)
                packs = Packs(state_dir, identity, transport, kept, recorder)
            region = packs.region if packs else ""
            running = plan.start(state_dir, identity, key, earliest) if plan else None
            updates = ends.enter_context(closing(running)).updates if running else None
            fleet = Fleet(
                *(state_dir, identity, outbox, transport, versions or {}, region),
                *(updates, commands, tested),
            )
            checkpoints = Checkpoints(
                state_dir / FOLDER, journal, identity.terminal, key, _BEATS * heartbeat_s
            )
            keeper = Keeper(recorder, Missing(state_dir / FOLDER, outbox), checkpoints)
            # A terminal that beats faster than the default, as in the demo, also tries sooner.
            rhythm = Rhythm(heartbeat_s, Backoff(cap_s=min(backoff_cap_s, 5 * heartbeat_s)))
            courier = Courier(outbox, transport, identity)
            agent = Agent(
                *(outbox, courier, transport, fleet, keeper, status, rhythm, packs, commands),
                (state_dir / RETIRED_FILE).exists,
                partial(_with_next_key, state_dir, line),
            )
            begun = fleet.settings
            while not stop.is_set() and not _another_self(state_dir, fleet, terminal):
                agent.tick()
                if fleet.settings != begun:
                    log.info("ends, to be started with other settings")
                    stop.set()
                alive.tick()
                if tested is not None:
                    tested.tick(may_act)
                stop.wait(_TICK_S)
    recorder.record("stopped")


def _with_next_key(state_dir: Path, line: Callable[..., Transport]) -> Transport | None:
    """A way to the centre with the next key, if there is one that can be used."""
    try:
        return line(key=DeviceKey.load(state_dir, NEXT_KEY_FILE))
    except NotEnrolled:
        return None


def _another_self(state_dir: Path, fleet: Fleet, terminal: str) -> bool:
    """Whether the terminal has another key or number from now on: then all that signs is made
    anew."""
    return another_key(state_dir, fleet) or renamed(state_dir, terminal)


def another_key(state_dir: Path, fleet: Fleet) -> bool:
    """Whether the centre has the next key, which is then taken."""
    try:
        return bool(fleet.device_key_id) and use_next_key(state_dir, fleet.device_key_id)
    except (OSError, NotEnrolled) as error:
        log.error("the next key: %s", type(error).__name__)
        return False
