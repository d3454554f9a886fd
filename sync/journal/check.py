"""Was the journal altered, and where first?

| found                                                  | named                            |
|--------------------------------------------------------|----------------------------------|
| a line that is not what its hash says, or no entry     | that entry, "edited"             |
| a line that is whole, but not what the next continues  | that entry, "edited"             |
| an entry missing that comes further down               | that entry, "reordered"          |
| an entry missing for good                              | that entry, "removed"            |
| a line where no entry is missing                       | that line, "inserted"            |
| fewer entries than a checkpoint vouches for            | the first missing, "truncated"   |
| a whole chain, but not the one a checkpoint vouches for | first after the last checkpoint  |
|                                                        | that agrees, "rewritten"         |
| a checkpoint with a signature not this terminal's      | its entry, "forged"              |

A last line that is no entry and shorter than one was torn by a power cut or a kill while it was
written. It is told apart from tampering by its place, unless a checkpoint vouches for it. Who may
write the files may cut off what no checkpoint covers yet; nothing on the terminal can show that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from sync.journal.lines import LINE_LIMIT, START, Position, files_of, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from sync.journal.lines import Entry, Line


class Alteration(StrEnum):
    """What was done to the journal; see the table above."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORGED = "forged"


@dataclass(frozen=True)
class Altered:
    """The first entry that was altered. `file` and `line` say where; "" and 0 if it is nowhere."""

    what: Alteration
    seq: int
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    #: Entries that are right, and the last of them.
    entries: int
    first: int
    last: Position
    altered: Altered | None = None
    #: The entry that a power cut tore, if the last line is one; 0: none.
    torn: int = 0
    #: Checkpoints that the entries agree with.
    checkpoints: int = 0


@dataclass(frozen=True)
class Vouched:
    """A checkpoint as far as a check needs it."""

    position: Position
    #: Whether its signature is this terminal's.
    genuine: bool


def check(folder: Path, checkpoints: Sequence[Vouched] = ()) -> Checked:
    """Check everything on the disk. Raises `OSError`."""
    wanted = {vouched.position.seq for vouched in checkpoints}
    while True:
        oldest = files_of(folder)[:1]
        walk = _Walk(_beginning(folder), wanted)
        walk.through(read(folder))
        if walk.altered is None or files_of(folder)[:1] == oldest:
            return _against(walk, checkpoints)
        # The oldest file was dropped meanwhile, as it should be: look again.


def _beginning(folder: Path) -> Position:
    """What the first entry on the disk continues: nothing, or what was dropped before it."""
    lines = read(folder)
    first = next(_entries(lines), None)
    if first is None or first.seq == 1:
        return START
    through = 0
    for entry in _entries(line for line in lines if b'"dropped"' in line.data):
        seq = entry.facts.get("through")
        if entry.kind == "dropped" and entry.whole and isinstance(seq, int):
            if seq == first.seq - 1:
                return Position(seq, str(entry.facts.get("hash")))
            through = max(through, seq)
    return Position(through)


class _Walk:
    """One pass over all lines, up to the first that is wrong."""

    def __init__(self, beginning: Position, wanted: AbstractSet[int]) -> None:
        """`wanted`: entries whose hashes are to be kept."""
        self.first = beginning.seq + 1
        self.last = beginning
        self.entries = 0
        self.hashes: dict[int, str] = {}
        self.altered: Altered | None = None
        self.torn = 0
        self._wanted = wanted

    def through(self, lines: Iterator[Line]) -> None:
        before: Line | None = None
        line = next(lines, None)
        while line is not None:
            following = next(lines, None)
            entry = line.entry
            if entry is None and following is None and len(line.data) <= LINE_LIMIT:
                self.torn = self.last.seq + 1
                return
            rest = chain([following] if following else [], lines)
            self.altered = self._wrong(entry, line, before, rest)
            if self.altered is not None:
                return
            assert entry is not None
            self._take(entry)
            before, line = line, following

    def _take(self, entry: Entry) -> None:
        self.last = entry.position
        self.entries += 1
        if entry.seq in self._wanted:
            self.hashes[entry.seq] = entry.hash

    def _wrong(
        self, entry: Entry | None, line: Line, before: Line | None, rest: Iterator[Line]
    ) -> Altered | None:
        """What is wrong with a line; `rest` is read on only if something is."""
        expected = self.last.seq + 1
        if entry is None or not entry.whole:
            too_many = not (entry and entry.seq == expected) and _next_seq(rest) == expected
            what = Alteration.INSERTED if too_many else Alteration.EDITED
            return Altered(what, expected, line.file, line.number)
        if entry.seq < expected:
            return Altered(Alteration.INSERTED, entry.seq, line.file, line.number)
        if entry.seq > expected:
            later = any(other.seq == expected for other in _entries(rest))
            what = Alteration.REORDERED if later else Alteration.REMOVED
            return Altered(what, expected, line.file, line.number)
        if entry.prev != self.last.hash:
            # This line is whole, so it is the one before that is not what it was.
            where = before or line
            return Altered(
                Alteration.EDITED, max(self.last.seq, self.first), where.file, where.number
            )
        return None


def _entries(lines: Iterator[Line]) -> Iterator[Entry]:
    return filter(None, (line.entry for line in lines))


def _next_seq(lines: Iterator[Line]) -> int | None:
    entry = next(_entries(lines), None)
    return entry.seq if entry else None


def _against(walk: _Walk, checkpoints: Sequence[Vouched]) -> Checked:
    """What the checkpoints say about entries that are right by themselves."""
    altered, agreed, sure = walk.altered, 0, walk.first - 1
    for vouched in sorted(checkpoints, key=lambda one: one.position.seq):
        seq = vouched.position.seq
        if altered is not None and seq >= altered.seq:
            break
        if not vouched.genuine:
            altered = Altered(Alteration.FORGED, seq)
        elif seq > walk.last.seq:
            altered = Altered(Alteration.TRUNCATED, walk.last.seq + 1)
        elif seq in walk.hashes and walk.hashes[seq] != vouched.position.hash:
            altered = Altered(Alteration.REWRITTEN, sure + 1)
        elif seq in walk.hashes:
            agreed, sure = agreed + 1, seq
    return Checked(
        entries=walk.entries,
        first=walk.first,
        last=walk.last,
        altered=altered,
        torn=walk.torn,
        checkpoints=agreed,
    )
