"""A disk that forgets what was not flushed, played from a record of the calls that changed it.

What a file system with ordered metadata may do at a power cut (ext4 with data=ordered, xfs): each
write since the file's last flush is on the disk or not, in any order, or some of its sectors are;
names made, changed and removed since the folder's last flush are so up to some point.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512


@dataclass(frozen=True)
class Call:
    """One recorded call: w(rite), s(ync), t(runcate), c(reate), u(nlink), r(ename) or n(ote)."""

    operation: str
    name: str
    number: int
    data: bytes


def recorded(file: Path) -> list[Call]:
    """What the shim wrote (see attack_record in shim.c), to the last call that is there whole: the
    process may have been killed while it wrote."""
    data, at, calls = file.read_bytes(), 0, []

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at]

    while at < len(data):
        operation = take(1).decode()
        name = take(int.from_bytes(take(8), "little")).decode()
        number = int.from_bytes(take(8), "little", signed=True)
        call = Call(operation, name, number, take(int.from_bytes(take(8), "little")))
        if at <= len(data):
            calls.append(call)
    return calls


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)


class Disk:
    """One folder. `call` is done by the program; `after_power_cut` says what is left."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        #: As the program sees the folder, and as it is on the disk.
        self._names: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._pending_names: list[tuple[Call, _File | None]] = []

    def call(self, call: Call) -> None:
        if call.operation in "wt":
            self._names[call.name].pending.append(call)
        elif call.operation == "s" and call.name == self._folder:
            for pending in self._pending_names:
                _rename(self._durable_names, *pending)
            self._pending_names.clear()
        elif call.operation == "s":
            file = self._names[call.name]
            for pending_call in file.pending:
                _write(file.durable, pending_call)
            file.pending.clear()
        else:
            made = _File() if call.operation == "c" else None
            _rename(self._names, call, made)
            self._pending_names.append((call, made))

    def after_power_cut(self, chance: random.Random | None) -> dict[str, bytes]:
        """Name -> contents; `None`: nothing that was not flushed is there."""
        names = dict(self._durable_names)
        reached = chance.randint(0, len(self._pending_names)) if chance else 0
        for pending in self._pending_names[:reached]:
            _rename(names, *pending)
        return {Path(name).name: _left(file, chance) for name, file in names.items()}


def _rename(names: dict[str, _File], call: Call, made: _File | None) -> None:
    if made is not None:
        names[call.name] = made
    elif call.operation == "u":
        names.pop(call.name, None)
    elif call.name in names:
        names[call.data.decode()] = names.pop(call.name)


def _write(contents: bytearray, call: Call) -> None:
    if call.operation == "t":
        contents[:] = contents[: call.number].ljust(call.number, b"\0")
        return
    if len(contents) < call.number:
        contents.extend(bytes(call.number - len(contents)))
    contents[call.number : call.number + len(call.data)] = call.data


def _left(file: _File, chance: random.Random | None) -> bytes:
    contents = bytearray(file.durable)
    if chance is None:
        return bytes(contents)
    pending = [call for call in file.pending if chance.random() < 0.6]
    if chance.random() < 0.5:
        chance.shuffle(pending)
    for call in pending:
        for part in _sectors(call, chance):
            _write(contents, part)
    return bytes(contents)


def _sectors(call: Call, chance: random.Random) -> Iterator[Call]:
    """All of a call, or, one time in three, some sectors of it."""
    if call.operation == "t" or chance.random() < 0.67:
        yield call
        return
    end, at = call.number + len(call.data), call.number
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        if chance.random() < 0.5:
            yield Call("w", call.name, at, call.data[at - call.number : until - call.number])
        at = until
