"""What the screen process and its darkroom say to each other, over a pair of sockets.

A message is a pickle behind its length. Both ends are this program, and nobody else can reach a
pair of sockets; pixels do not go this way (`kiosk.darkroom.memory`).

Every system call gives up Python's lock, and to get it back beside a busy window takes some
milliseconds. So a message is sent by one call, and an answer of usual size is got by one: that is
why this is not `multiprocessing.connection`, which needs four.
"""

from __future__ import annotations

import pickle
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Literal

from kiosk.photo.findings import Finding

_LENGTH = struct.Struct("=I")
#: <sys/time.h>: struct timeval
_TIMEVAL = struct.Struct("@ll")
#: Longer than any look.
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Ask:
    """To the darkroom: what to do with the frame that lies in the memory."""

    what: Literal["look", "make"]
    #: Height, width, 3.
    shape: tuple[int, ...]
    #: See `kiosk.photo.Photographer`.
    excused: bool


@dataclass(frozen=True)
class AskComparison:
    """To the darkroom: whether two pictures show one person; see `kiosk.photo.faces`."""

    photo_jpeg: bytes = field(repr=False)
    #: 102 x 126 x 3 bytes, red first.
    portrait: bytes = field(repr=False)


@dataclass(frozen=True)
class Ready:
    """From the darkroom, once: the networks are loaded. Then come `Look`, `CardPhoto`,
    `Comparison`, or these."""


@dataclass(frozen=True)
class Refused:
    """Instead of a photo."""

    finding: Finding


@dataclass(frozen=True)
class Missing:
    """Instead of `Ready`: the networks are not there. `message`: of `ModelsMissing`."""

    message: str


@dataclass(frozen=True)
class Bug:
    """An exception nobody foresaw: its type and place, for its message may quote what was seen."""

    where: str


#: Before the path of the description of a network for `kiosk.photo.antispoof`, on the command line.
ANTISPOOF = "--antispoof="


class Channel:
    """One end of the pair; for one thread at a time."""

    def __init__(self, end: socket.socket) -> None:
        """`end`: a stream socket, which is closed with it."""
        self._socket = end
        self._got = bytearray()

    def send(self, message: object) -> None:
        """Raises `OSError` if the other end is gone."""
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._socket.sendall(_LENGTH.pack(len(content)) + content)

    def receive(self, patience_s: float = 0.0) -> Any:
        """The next message. `patience_s`: the longest silence, 0 for no end to it.

        Raises `TimeoutError`, and any other `OSError` if one end is gone. What had come until then
        is kept for the next call.
        """
        self._let_wait(patience_s)
        while (content := self._whole()) is None:
            try:
                part = self._socket.recv(_CHUNK)
            except BlockingIOError:
                raise TimeoutError from None
            if not part:
                raise ConnectionResetError
            self._got += part
        return pickle.loads(content)

    def close(self) -> None:
        self._socket.close()

    def _let_wait(self, patience_s: float) -> None:
        """By the kernel, because a time-out of Python's own is one more call."""
        seconds, rest = divmod(patience_s, 1.0)
        limit = _TIMEVAL.pack(int(seconds), int(rest * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    def _whole(self) -> bytes | None:
        """The first message in what came, taken out of it; None if it is not all there."""
        if len(self._got) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._got)[0]
        if len(self._got) < end:
            return None
        content = bytes(self._got[_LENGTH.size : end])
        del self._got[:end]
        return content
