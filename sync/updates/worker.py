"""The agent's part in updates: from what the centre wants to a version that waits to be tried.

`follow` hears what is wanted; `step`, on a thread of its own, does what can be done now: look at
what was released, fetch the whole bundle or a delta, whichever is smaller, make the bundle, check
it, put it into the idle slot, and in the hours that allow it ask for its trial. The screen then
changes over between two visits (`sync.slots`). Every step may be the last before a power cut; what
is there already is not fetched again.

In the state directory, `updates/`:

    root.json, metadata/   who is believed (`sync.updates.trusted`)
    seen.json              the newest that the centre wanted, so that nothing older counts
    *.part, target, *.tar  what is being fetched and made; gone when it is in its slot
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
import traceback
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from sync.alone import alone
from sync.canonical import sha256_hex
from sync.header import BEIJING
from sync.identity import write_whole
from sync.signing import centre_signed
from sync.slots import SlotBusy
from sync.updates.bringing import Bringer
from sync.updates.fetching import Halted
from sync.updates.stages import Stage, Stopped, Why
from sync.updates.tally import Tallies
from sync.wire.release import DesiredRelease, ReleaseReport, Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import Event

    from sync.identity import Identity
    from sync.updates.bringing import Slots, Way

log = logging.getLogger(__name__)

FOLDER, SEEN_FILE, _LOCK_FILE = "updates", "seen.json", "lock"

#: Between two steps, and after something went wrong: full jitter up to a cap that doubles, seconds.
_TICK_S, _FIRST_S, _LONGEST_S = 5.0, 30.0, 1800.0


def allowed(hours: str, now: datetime) -> bool:
    """Whether a version may be tried now. `hours`: "23:00-05:30"; "": always."""
    if not hours:
        return True
    first, _, last = hours.partition("-")
    clock = f"{now:%H:%M}"
    return first <= clock < last if first <= last else clock >= first or clock < last


class Updates:
    """Of one terminal. `follow` and `report` are for the agent's thread, `step` for another."""

    def __init__(
        self,
        state_dir: Path,
        identity: Identity,
        slots: Slots | None,
        way: Way,
        hours: str = "",
        wait: Callable[[float], bool] = lambda seconds: False,
    ) -> None:
        """`slots`: None, this was not started from one; `hours`: see `allowed`; `wait`: sleeps so
        many seconds, or returns True when this process ends."""
        self.folder = state_dir / FOLDER
        with suppress(OSError):  # an agent whose disk is full has to deliver; a step makes it later
            self.folder.mkdir(exist_ok=True)
        self._identity, self._slots = identity, slots
        self._hours, self._wait = hours, wait
        self._centre = sha256_hex(identity.central_signing_key)[:16]
        self._tallies = Tallies(state_dir)
        self._seen, self._wanted, self._first_root = self._load_seen()
        self._bringer = Bringer(self.folder, way, slots) if slots else None
        self._stage, self._why = Stage.IDLE, Why.NOTHING
        self._pause_s, self._not_until = 0.0, 0.0

    # -- the agent's thread ----------------------------------------------------------------------

    def follow(self, said: DesiredRelease | None) -> None:
        """What the centre wants, which came with a heartbeat; None: it never released any. What
        cannot be written down is not followed yet: the next heartbeat brings it again."""
        if said is None:
            return
        key, terminal = self._identity.central_signing_key, self._identity.terminal
        newest = (said.epoch, said.number)
        if not centre_signed(said, key, terminal=terminal) or newest < self._seen:
            log.error("update: what is wanted is not the centre's word, or an old one")
            return
        if (newest, said.version) == (self._seen, self._wanted):
            return
        document = {"centre": self._centre, "said": said.model_dump(mode="json")}
        try:
            write_whole(self.folder / SEEN_FILE, json.dumps(document).encode("utf-8"))
        except OSError as error:
            log.error("update: %s not written: %s", SEEN_FILE, error.strerror)
            self._why = Why.DISK
            return
        log.info("update: %s is wanted", said.version or "nothing")
        self._seen, self._first_root = newest, said.root
        self._wanted, self._not_until = said.version, 0.0

    def report(self) -> ReleaseReport:
        """How far it is."""
        slots, bringer = self._slots, self._bringer
        running, trial = (slots.running(), slots.trial()) if slots else (None, None)
        return ReleaseReport(
            version=running.version if running else "",
            slot=running.path.name if running else "",
            machine=bringer.machine if bringer else "",
            trial=trial is not None and running is not None and trial.version == running.version,
            wanted=self._wanted,
            stage=self._stage,
            progress=bringer.progress if bringer else 0,
            why=self._why,
            failed=list(slots.failed()) if slots else [],
            tallies=self._counted(),
        )

    def _counted(self) -> dict[str, Tally]:
        """A journal that cannot be read keeps no heartbeat from going."""
        try:
            return dict(self._tallies.now())
        except OSError as error:
            log.warning("update: nothing is counted: %s", error.strerror)
            return {}

    # -- its own thread --------------------------------------------------------------------------

    def run(self, stop: Event) -> None:
        while not stop.wait(_TICK_S):
            try:
                self.step()
            except Exception as error:  # noqa: BLE001 - the thread lives on
                place = traceback.extract_tb(error.__traceback__)[-1]
                name = type(error).__name__
                log.error("update: %s at %s:%s", name, place.filename, place.lineno)
                self._pause(Why.ERROR)

    def step(self) -> None:
        """Do what can be done now. Never raises what network, disk or a release may do to it."""
        if time.monotonic() < self._not_until:
            return
        try:
            self._step_alone()
        except Halted:
            pass
        except Stopped as stopped:
            self._pause(stopped.why)
        except SlotBusy:
            self._pause(Why.BUSY)
        except OSError as error:
            log.error("update: %s: %s", type(error).__name__, error)
            self._pause(Why.DISK)
        else:
            self._pause_s = 0.0

    def _step_alone(self) -> None:
        """One before this, which was not waited for any longer, may still be at its last step."""
        self.folder.mkdir(exist_ok=True)
        held = alone(self.folder / _LOCK_FILE)
        if held is None:
            raise Stopped(Why.BUSY)
        try:
            self._step(self._wanted)
        finally:
            os.close(held)

    def _pause(self, why: Why) -> None:
        if self._stage in (Stage.FETCHING, Stage.UNPACKING):
            self._stage = Stage.IDLE
        if why != self._why:
            log.warning("update: stopped: %s", why)
        self._why = why
        # A trial is over in minutes.
        longest = _FIRST_S if why is Why.BUSY else _LONGEST_S
        self._pause_s = min(max(2 * self._pause_s, _FIRST_S), longest)
        self._not_until = time.monotonic() + random.uniform(0.0, self._pause_s)

    def _step(self, wanted: str) -> None:
        slots, bringer = self._slots, self._bringer
        if not wanted:
            self._call_off()
            return
        if slots is None or bringer is None:
            raise Stopped(Why.NO_SLOTS)
        running, trial = slots.running(), slots.trial()
        if wanted == running.version:
            self._call_off()
            self._at(Stage.TRIAL if trial is not None and trial.boots else Stage.IDLE)
            bringer.tidy()
            return
        if wanted in slots.failed():
            raise Stopped(Why.GIVEN_UP)
        if trial is not None and trial.boots:
            raise Stopped(Why.BUSY)  # first it stays or is given up
        if trial is not None and trial.version == wanted:
            self._at(Stage.CHOSEN)
            return
        if slots.idle().version != wanted:
            bringer.bring(wanted, self._first_root, self._goes_on(wanted), self._at)
        bringer.tidy()
        self._try(wanted, slots)

    def _call_off(self) -> None:
        """Nothing else is wanted than what runs: what was chosen before is not tried any more. What
        the installer put there and the centre does not know of goes on until it decides."""
        slots = self._slots
        if slots is None or self._seen == (0, 0):
            return
        if slots.trial() is not None and slots.call_off():
            log.info("update: a trial is called off")
        if not self._wanted:
            self._at(Stage.IDLE)

    def _try(self, wanted: str, slots: Slots) -> None:
        if self._wanted != wanted:
            return
        self._at(Stage.READY)
        if not allowed(self._hours, datetime.now(BEIJING)):
            self._why = Why.HOURS
            return
        slots.try_next(wanted)
        self._at(Stage.CHOSEN)
        log.info("update: %s is tried at the next start", wanted)

    def _goes_on(self, wanted: str) -> Callable[[float], bool]:
        """Sleeps, and returns True when this process ends or something else is wanted."""
        return lambda seconds: self._wait(seconds) or self._wanted != wanted

    def _at(self, stage: Stage) -> None:
        self._stage, self._why = stage, Why.NOTHING

    # -- what was wanted last --------------------------------------------------------------------

    def _load_seen(self) -> tuple[tuple[int, int], str, str]:
        try:
            found = json.loads((self.folder / SEEN_FILE).read_bytes())
            if found["centre"] == self._centre:
                said = DesiredRelease.model_validate(found["said"])
                return (said.epoch, said.number), said.version, said.root
        except FileNotFoundError:
            pass
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("%s unreadable: %s", SEEN_FILE, type(error).__name__)
        return (0, 0), "", ""
