"""Appends to the journal: one chain for all programs of a terminal, one flush for each entry.

The screen, the agent and a technician's command write one after the other, under a lock on the
folder that the kernel gives back however its holder ends. An entry is one `write` followed by
`fdatasync`, so a power cut can tear at most the last line; whoever appends next takes the torn
piece away and says so in an entry.
"""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sync.header import BEIJING
from sync.journal import kinds
from sync.journal.lines import (
    LINE_LIMIT,
    START,
    Entry,
    Position,
    files_of,
    name_for,
    parsed,
    written,
)
from sync.journal.lock import lend_to_owner, locked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sync.journal.kinds import Fact

#: A file is full at this size, and so many are kept: half a year of 2,800 entries a day, which is a
#: busy hall (网络安全法 art. 21: six months), and never more than this on the disk.
FILE_BYTES, FILES = 4 * 1024 * 1024, 32


@dataclass(frozen=True)
class _End:
    """Where the journal ends: the newest file and how much of it is entries."""

    file: Path | None = None
    size: int = 0
    position: Position = START
    #: Bytes behind that which are no entry.
    torn: int = 0


class Journal:
    """One program's way into the journal. `by` names the program in its entries.

    Not for several threads at once.
    """

    def __init__(
        self, folder: Path, by: str, *, file_bytes: int = FILE_BYTES, files: int = FILES
    ) -> None:
        """Touches nothing yet. At least two files are kept."""
        self._folder = folder
        self._by = by
        self._file_bytes = file_bytes
        self._files = max(2, files)
        self._known: _End | None = None

    def append(self, kind: str, facts: Mapping[str, Fact], at: datetime | None = None) -> Position:
        """Write one entry; it is on the disk when this returns.

        `at`: when it happened, now if not given. Raises `ValueError` for what does not fit its
        kind, and `OSError`; then the entry is not written, or is torn.
        """
        kinds.check(kind, facts)
        when = (at or datetime.now(BEIJING)).isoformat(timespec="milliseconds")
        self._make_folder()
        with locked(self._folder):
            end = self._mended(self._end(), when)
            end = self._with_room(end, when)
            self._known = None  # until it is written: what is on the disk is not known
            end = self._write(end, when, kind, facts)
            self._known = end
        return end.position

    def position(self) -> Position:
        """Where the journal ends now. Raises `OSError`."""
        self._make_folder()
        with locked(self._folder):
            return self._end().position

    # -- under the lock --------------------------------------------------------------------------

    def _make_folder(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            lend_to_owner(self._folder, self._folder.parent)
            _flush_folder(self._folder.parent)

    def _end(self) -> _End:
        files = files_of(self._folder)
        known = self._known
        if known is not None and known.file is not None and files and files[-1] == known.file:
            with suppress(FileNotFoundError):
                if known.file.stat().st_size == known.size:
                    return known
        if not files:
            return _End()
        data = files[-1].read_bytes()
        size, entry = _last_entry(data)
        for file in reversed(files[:-1]):
            if entry is not None:
                break
            entry = _last_entry(file.read_bytes())[1]
        position = entry.position if entry else START
        return _End(files[-1], size, position, len(data) - size)

    def _mended(self, end: _End, when: str) -> _End:
        """Without what a power cut left behind the last entry. More than a line was no power cut:
        it stays, for `sync.journal.check` to name."""
        if not end.torn or end.file is None:
            return end
        if end.torn > LINE_LIMIT:
            with end.file.open("ab") as file:
                file.write(b"\n")
            return replace(end, size=end.file.stat().st_size, torn=0)
        with end.file.open("r+b") as file:
            file.truncate(end.size)
        return self._write(replace(end, torn=0), when, "torn", {"bytes": end.torn})

    def _with_room(self, end: _End, when: str) -> _End:
        """A new file if this one is full. What goes is said before it goes."""
        if end.file is not None and end.size < self._file_bytes:
            return end
        end = _End(self._folder / name_for(end.position.seq + 1), 0, end.position)
        kept = files_of(self._folder)
        for oldest, next_oldest in itertools.pairwise(kept):
            if len(kept) < self._files:
                break
            last = _last_entry(oldest.read_bytes())[1]
            through = last.position if last else Position(int(next_oldest.stem) - 1)
            facts: dict[str, Fact] = {"through": through.seq, "hash": through.hash}
            end = self._write(end, when, "dropped", facts)
            oldest.unlink()
            kept = kept[1:]
        return end

    def _write(self, end: _End, when: str, kind: str, facts: Mapping[str, Fact]) -> _End:
        assert end.file is not None
        line = written(end.position, when, self._by, kind, facts)
        descriptor = os.open(end.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if end.size == 0:
                lend_to_owner(descriptor, self._folder)
                _flush_folder(self._folder)
            if os.write(descriptor, line) != len(line):
                raise OSError("the disk took only part of an entry")
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        entry = parsed(line[:-1])
        assert entry is not None
        return _End(end.file, end.size + len(line), entry.position)


def _last_entry(data: bytes) -> tuple[int, Entry | None]:
    """How many bytes of a file there are up to the end of its last entry, and that entry."""
    end = data.rfind(b"\n")
    while end >= 0:
        begin = data.rfind(b"\n", 0, end)
        if (entry := parsed(data[begin + 1 : end])) is not None:
            return end + 1, entry
        end = begin
    return 0, None


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
