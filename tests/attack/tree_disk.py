"""Calls of `os` that change a folder: killed before any, or replayed on a disk that forgets.

`watched` stands between the code under attack and `os`. Killed before a call, the process does
neither that call nor any after it, not even in an `except` or `finally`.

The disk is one whose file system keeps changes of names in their order (ext4, xfs): after a power
cut they are there up to some point, at least up to the last one whose folder was flushed. What is
in a file that was not flushed is anything: nothing, a part, noughts, or all of it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock


class Killed(BaseException):
    """kill -9: nothing of the program runs after it."""


@dataclass(frozen=True)
class Name:
    """One change of a name: m(ake folder), c(reate), l(ink), r(ename) or u(nlink)."""

    operation: str
    path: str
    more: Any = None


@dataclass
class Record:
    """What was done to the folder `root`, call by call."""

    root: Path
    kill_at: int = -1
    calls: int = 0
    names: list[Name] = field(default_factory=list)
    #: Number of changes of names that are surely on the disk.
    flushed: int = 0
    #: Inode -> what is surely in the file.
    durable: dict[int, bytes] = field(default_factory=dict)
    #: For each call, what was sure before it: changes of names, flushed ones, contents.
    before: list[tuple[int, int, dict[int, bytes]]] = field(default_factory=list)
    #: Every path outside the folder that was changed.
    outside: list[str] = field(default_factory=list)

    def called(self) -> None:
        if self.calls == self.kill_at:
            raise Killed
        self.calls += 1
        self.before.append((len(self.names), self.flushed, dict(self.durable)))

    def name(self, operation: str, path: str, more: Any = None) -> None:
        if not Path(path).is_relative_to(self.root):
            self.outside.append(path)
        self.names.append(Name(operation, path, more))

    def sync(self, descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if not Path(path).is_dir():
            self.durable[os.fstat(descriptor).st_ino] = Path(path).read_bytes()
            return
        for number, name in enumerate(self.names, 1):
            touched = [name.path] + ([name.more] if name.operation == "r" else [])
            if any(os.path.dirname(one) == path for one in touched):
                self.flushed = max(self.flushed, number)

    def after_power_cut(self, call: int, chance: random.Random, into: Path) -> None:
        """Lay out, in a new folder, what a disk may hold that has seen the calls before one."""
        names, flushed, durable = self.before[call]
        reached = chance.choice([flushed, names, chance.randint(flushed, names)])
        tree: dict[str, Name] = {}
        for name in self.names[:reached]:
            if name.operation == "r":
                below = [one for one in tree if one == name.path or one.startswith(name.path + "/")]
                for one in below:
                    tree[name.more + one.removeprefix(name.path)] = tree.pop(one)
            elif name.operation == "u":
                tree.pop(name.path)
            else:
                tree[name.path] = name
        into.mkdir()
        for path in sorted(tree):
            name, place = tree[path], into / Path(path).relative_to(self.root)
            if name.operation == "m":
                place.mkdir()
            elif name.operation == "l":
                place.symlink_to(name.more)
            else:
                inode, mode = name.more
                place.write_bytes(durable[inode] if inode in durable else _anything(chance))
                place.chmod(mode)


def _anything(chance: random.Random) -> bytes:
    return chance.choice([b"", bytes(chance.randint(1, 2000)), chance.randbytes(300), b'{"curr'])


#: Functions that change a name by it alone, and all that are watched.
_TOLD = {"mkdir": "m", "rmdir": "u", "unlink": "u", "symlink": "l"}
_REAL = {
    name: getattr(os, name)
    for name in ("open", "write", "fsync", "fchmod", "rename", "replace", *_TOLD)
}


class Hooks:
    """What stands in the place of a function of `os`, each with its name."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def all(self) -> dict[str, Callable[..., Any]]:
        hooks = {"open": self._open, "fsync": self._fsync}
        hooks |= dict.fromkeys(("rename", "replace"), self._move)
        hooks |= {name: partial(self._plain, name) for name in ("write", "fchmod")}
        return hooks | {name: partial(self._name, name) for name in _TOLD}

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if not flags & os.O_CREAT:
            return _REAL["open"](path, flags, mode, dir_fd=dir_fd)
        self._record.called()
        new = not os.path.lexists(path)
        descriptor: int = _REAL["open"](path, flags, mode, dir_fd=dir_fd)
        inode = os.fstat(descriptor).st_ino
        if new or flags & os.O_TRUNC:
            self._record.durable.pop(inode, None)
        if new:
            self._record.name("c", os.fspath(path), (inode, mode))
        return descriptor

    def _fsync(self, descriptor: int) -> None:
        self._record.called()
        self._record.sync(descriptor)

    def _move(self, old: Any, new: Any) -> None:
        self._record.called()
        _REAL["rename"](old, new)
        self._record.name("r", os.fspath(old), os.fspath(new))

    def _name(self, name: str, path: Any, *more: Any, dir_fd: int | None = None) -> None:
        self._record.called()
        target, place = (path, more[0]) if name == "symlink" else (None, path)
        _REAL[name](path, *more, dir_fd=dir_fd)
        folder = "" if dir_fd is None else os.readlink(f"/proc/self/fd/{dir_fd}")
        self._record.name(_TOLD[name], os.path.join(folder, place), target)

    def _plain(self, name: str, *given: Any) -> Any:
        self._record.called()
        return _REAL[name](*given)


@contextmanager
def watched(record: Record) -> Iterator[None]:
    """Everything that changes files goes through the record."""
    with mock.patch.multiple(os, **Hooks(record).all()):
        yield
