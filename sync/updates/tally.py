"""What happened while a version ran, counted from the journal, so that the centre can compare.

The screen process writes what it does into the journal; here its entries are counted by the version
that wrote them. In the state directory, `tally.json`:

    {"seq": entry that was counted last, "version": of the screen, "running": …, "faults": […],
     "left": […], "tallies": {version: `sync.wire.release.Tally`, …}}

A fault that was there before the program was started, and is found again, is no fault of the new
start. A start without an end before it is a crash, also where the power was cut: that happens to
every version alike.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sync.identity import write_whole
from sync.journal import FOLDER
from sync.journal.lines import files_of, read
from sync.wire.release import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sync.journal.kinds import Fact
    from sync.journal.lines import Entry

log = logging.getLogger(__name__)

TALLY_FILE = "tally.json"

#: Who writes what is counted.
_SCREEN = "screen"

#: Versions that are remembered: those that the centre may compare.
_VERSIONS = 4


class _Kept(BaseModel):
    seq: int = 0
    version: str = ""
    running: bool = False
    #: "device code" of every fault that is there now, and of those that were before the start.
    faults: set[str] = set()
    left: set[str] = set()
    tallies: dict[str, Tally] = {}


class Tallies:
    """Of one terminal."""

    def __init__(self, state_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._journal, self._clock = state_dir / TALLY_FILE, state_dir / FOLDER, clock
        try:
            self._kept = _Kept.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            self._kept = _Kept()
        except (OSError, ValueError) as error:
            log.warning("%s unreadable: %s", TALLY_FILE, type(error).__name__)
            self._kept = _Kept()
        self._looked, self._minutes_from = (0, 0), clock()
        self._kept_whole = True

    def now(self) -> dict[str, Tally]:
        """Version -> what happened until now. Raises `OSError`."""
        self._count_minutes()
        files = files_of(self._journal)
        if not files:
            return self._kept.tallies
        found = files[-1].stat()
        looked = (found.st_ino, found.st_size)
        if looked != self._looked:
            known = self._kept.seq
            entries = [one.entry for one in read(self._journal, since=known + 1) if one.entry]
            for entry in entries:
                if entry.seq > known:
                    self._kept.seq = entry.seq
                    if entry.by == _SCREEN:
                        self._count(entry)
            if entries and entries[-1].seq < known:
                self._begin_anew(entries)
            self._looked = looked
            self._keep()
        return self._kept.tallies

    def _begin_anew(self, entries: Sequence[Entry]) -> None:
        """The journal was lost, or its last entry with the power. Counted is what comes from here
        on: what is there may have been counted already."""
        self._kept.seq = entries[-1].seq
        for entry in entries:
            if entry.by == _SCREEN and entry.kind == "started":
                self._kept.version = str(entry.facts.get("version", ""))

    def _count_minutes(self) -> None:
        """While the screen is there, as far as the journal says."""
        minutes = int((self._clock() - self._minutes_from) / 60)
        if minutes:
            self._minutes_from += minutes * 60
            if self._kept.running:
                self._add("minutes", minutes)
                self._keep()

    def _count(self, entry: Entry) -> None:
        act = _ACTS.get(entry.kind)
        if act is not None:
            act(self, entry.facts)

    def _started(self, facts: Mapping[str, Fact]) -> None:
        kept = self._kept
        if kept.running:
            self._add("crashes")
        kept.left, kept.faults = kept.faults, set()
        kept.version, kept.running = str(facts.get("version", "")), True
        self._add("visits", 0)

    def _stopped(self, facts: Mapping[str, Fact]) -> None:
        self._kept.running = False

    def _visit_ended(self, facts: Mapping[str, Fact]) -> None:
        outcome = facts.get("outcome")
        self._add("visits")
        self._add("unfinished", int(outcome != "done"))
        self._add("crashes", int(outcome == "crashed"))

    def _fault_begun(self, facts: Mapping[str, Fact]) -> None:
        fault = f"{facts.get('device')} {facts.get('code')}"
        if fault in self._kept.left:
            self._kept.left.discard(fault)
        elif fault not in self._kept.faults:
            self._add("faults")
        self._kept.faults.add(fault)

    def _fault_ended(self, facts: Mapping[str, Fact]) -> None:
        self._kept.faults.discard(f"{facts.get('device')} {facts.get('code')}")

    def _add(self, name: str, count: int = 1) -> None:
        tallies, version = self._kept.tallies, self._kept.version
        tally = tallies.pop(version, Tally())
        # Put last: the first of them is forgotten first.
        tallies[version] = tally.model_copy(update={name: getattr(tally, name) + count})
        while len(tallies) > _VERSIONS:
            del tallies[next(iter(tallies))]

    def _keep(self) -> None:
        document = self._kept.model_dump(mode="json")
        try:
            write_whole(self._file, json.dumps(document).encode("utf-8"))
        except OSError as error:
            # It counts on in memory; what is not written is counted again after a restart.
            if self._kept_whole:
                log.error("%s not written: %s", TALLY_FILE, error.strerror)
            self._kept_whole = False
        else:
            self._kept_whole = True


_ACTS: Mapping[str, Callable[[Tallies, Mapping[str, Fact]], None]] = {
    "started": Tallies._started,
    "stopped": Tallies._stopped,
    "visit_ended": Tallies._visit_ended,
    "fault_begun": Tallies._fault_begun,
    "fault_ended": Tallies._fault_ended,
}
