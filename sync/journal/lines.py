"""How an entry stands in a file, and how files follow each other.

    <sha256 of the rest> {"at":…,"by":…,"kind":…,"prev":<sha256 of the line before>,"seq":…, …}

One entry a line, in canonical JSON. `seq` counts from 1 and never starts again; the first `prev` is
`GENESIS`. A file is named for its first `seq`; when it is full the next one begins, and the oldest
go, which the entry "dropped" says with the hash that the remaining chain begins after.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from sync.canonical import canonical
from sync.journal.lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sync.journal.kinds import Fact

GENESIS = "0" * 64

#: No line is longer, bytes; what is torn off by a power cut is less than one line.
LINE_LIMIT = 1024

_LINE = re.compile(rb"([0-9a-f]{64}) (\{.*\})")
_FILE = re.compile(r"[0-9]{12}\.jsonl")


class Position(NamedTuple):
    """A place in the chain: how many entries there are up to it, and the hash of the last."""

    seq: int = 0
    hash: str = GENESIS


#: Before the first entry.
START = Position()


class Entry(NamedTuple):
    """One line as it was read. Nothing says yet that it is right: see `whole`."""

    seq: int
    at: str
    by: str
    kind: str
    prev: str
    facts: Mapping[str, Fact]
    #: As the line states it.
    hash: str
    #: Whether that is the hash of the rest of the line.
    whole: bool

    @property
    def position(self) -> Position:
        return Position(self.seq, self.hash)


class Line(NamedTuple):
    """A line and where it stands."""

    file: str
    #: From 1.
    number: int
    data: bytes
    #: Whether its end is there; the last one of the journal may have been torn off.
    ended: bool = True

    @property
    def entry(self) -> Entry | None:
        """What it says; None if it is no entry."""
        return parsed(self.data) if self.ended else None


def written(after: Position, at: str, by: str, kind: str, facts: Mapping[str, Fact]) -> bytes:
    """The line of the entry that comes after a position."""
    frame: dict[str, Fact] = {
        "at": at,
        "by": by,
        "kind": kind,
        "prev": after.hash,
        "seq": after.seq + 1,
    }
    body = canonical({**facts, **frame})
    return hashlib.sha256(body).hexdigest().encode("ascii") + b" " + body + b"\n"


def parsed(data: bytes) -> Entry | None:
    """An entry from a line without its end; None if it is none. Never raises."""
    found = _LINE.fullmatch(data)
    if found is None:
        return None
    stated, body = found[1].decode("ascii"), found[2]
    try:
        document = json.loads(body)
        at, by, kind = document.pop("at"), document.pop("by"), document.pop("kind")
        prev, seq = document.pop("prev"), document.pop("seq")
    except (ValueError, KeyError, RecursionError):
        return None
    if type(seq) is not int or not type(at) is type(by) is type(kind) is type(prev) is str:
        return None
    whole = hashlib.sha256(body).hexdigest() == stated
    return Entry(seq, at, by, kind, prev, document, stated, whole)


def hash_at(folder: Path, seq: int) -> str:
    """What the entry with this number hashes to now, "" if it was dropped with age or is `START`.

    An entry that is gone otherwise has the hash of none. Raises `OSError`.
    """
    files = files_of(folder)
    if not seq or (files and files[0].name > name_for(seq)):
        return ""
    for line in read(folder, since=seq):
        entry = line.entry
        if entry is not None and entry.seq == seq:
            return entry.hash if entry.whole else hashlib.sha256(line.data[65:]).hexdigest()
    return GENESIS


def files_of(folder: Path) -> list[Path]:
    """The files of a journal in order; [] if there is none. Raises `OSError`."""
    try:
        return sorted(file for file in folder.iterdir() if _FILE.fullmatch(file.name))
    except FileNotFoundError:
        return []


def name_for(seq: int) -> str:
    return f"{seq:012d}.jsonl"


def read(folder: Path, since: int = 0) -> Iterator[Line]:
    """Every line of every file, in order, up to what is there when this is called.

    `since`: files that should hold only entries before this one are passed over, and so is a file
    dropped meanwhile. Raises `OSError`.
    """
    with locked(folder) if folder.is_dir() else nullcontext():
        files = files_of(folder)
        newest_size = files[-1].stat().st_size if files else 0
    first = sum(file.name <= name_for(since) for file in files[1:])
    for file in files[first:]:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            continue
        if file == files[-1]:
            data = data[:newest_size]
        lines = data.split(b"\n")
        for number, line in enumerate(lines, start=1):
            ended = number < len(lines)
            if line or ended:
                yield Line(file.name, number, line, ended)
