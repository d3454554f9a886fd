"""A Linux input device (`/dev/input/…`) and the events it tells of, as `input.h` has them."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

EV_SYN, EV_KEY, EV_SW = 0, 1, 5
#: Of EV_SYN: the kernel lost events.
SYN_DROPPED = 3

#: struct input_event: two words of time, type, code, value.
_EVENT = struct.Struct("@llHHi")
#: _IOW('E', 0x90, int): events go to whoever holds the device, and to nobody else.
_EVIOCGRAB = 0x40044590

#: Events that are fetched at once.
_MOST = 64


class Event(NamedTuple):
    kind: int
    code: int
    value: int


class InputDevice:
    """One device. Everything raises `OSError`, a device that is gone or was not opened too."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def open(self) -> int:
        """Returns the open file, for what is asked of it."""
        self.close()
        self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._file

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    @property
    def file(self) -> int:
        if self._file is None:
            raise OSError("not open")
        return self._file

    def events(self, timeout_s: float, settle_s: float = 0.0) -> Iterator[Event]:
        """What happens within the time, or has happened. `settle_s`: so long what belongs to the
        first event is waited for."""
        if not select.select([self.file], [], [], timeout_s)[0]:
            return iter(())
        time.sleep(settle_s)
        data = os.read(self.file, _EVENT.size * _MOST)
        if not data:
            raise OSError("gone")
        whole = len(data) - len(data) % _EVENT.size
        return (Event(*fields[2:]) for fields in _EVENT.iter_unpack(data[:whole]))


def why(error: OSError) -> str:
    """For a technician, and without the path."""
    return type(error).__name__ if error.errno else str(error)


def hold(file: int) -> None:
    """Let nobody else hear it. Raises `OSError`: EBUSY where another program does."""
    fcntl.ioctl(file, _EVIOCGRAB, 1)
