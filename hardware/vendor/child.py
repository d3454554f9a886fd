"""The process in which a maker's library runs; the kiosk's side is `hardware.vendor.library`.

    python -m hardware.vendor.child SOCKET LIBRARY FUNCTION,FUNCTION…

Over the socket come requests, each one message of JSON, and each is answered with one:

    {"function": "name", "arguments": [7, {"bytes": "00a4…"}, {"out": 64}, {"count": 0}]}
    {"value": -2, "out": ["3b6d…"], "counts": [0]}

The first answer comes unasked: {"missing": "why"} when the library cannot be loaded, and else
{"lacking": [names]}, those of the functions that it does not have. The answer of a function that
wrote past a buffer is {"overrun": true}.

This knows no family: what a function takes comes with each request. The library may print and read
as it likes: its standard files are /dev/null. When the kiosk has gone this ends, also while the
library hangs.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

#: Longest message either way.
LONGEST = 1 << 16

#: Longest file that the library may write, bytes.
_LONGEST_FILE = 16 << 20

#: Bytes behind each buffer that the library must leave alone.
_GUARD = b"\xa5" * 4096


def main(arguments: list[str]) -> int:
    """Serve until the kiosk goes. Returns the exit code."""
    line = socket.socket(fileno=int(arguments[0]))
    line.set_inheritable(False)
    _silence()
    _limit()
    threading.Thread(target=_end_with_kiosk, args=(line,), daemon=True).start()
    try:
        path = os.path.abspath(arguments[1])
        with suppress(OSError):
            # Where such libraries look for their own files, and write what they write.
            os.chdir(os.path.dirname(path))
        library = ctypes.CDLL(path)
    except OSError as error:
        _answer(line, {"missing": str(error)[:300]})
        return 1
    _answer(line, {"lacking": [n for n in arguments[2].split(",") if not hasattr(library, n)]})
    while message := line.recv(LONGEST):
        _answer(line, _call(library, json.loads(message)))
    return 0


def _answer(line: socket.socket, answer: dict[str, Any]) -> None:
    line.sendall(json.dumps(answer).encode("ascii"))


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def _limit() -> None:
    """A core dump would hold what a citizen's card said; and a log that the library writes ends
    before the disk is full."""
    # It goes on without, instead of being ended for it.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _LONGEST_FILE)):
        # A unit may forbid to set limits, and then sets them itself.
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def _end_with_kiosk(line: socket.socket) -> None:
    gone = select.poll()
    gone.register(line, select.POLLRDHUP)
    gone.poll()
    os._exit(1)


def _call(library: ctypes.CDLL, request: dict[str, Any]) -> dict[str, Any]:
    function = getattr(library, request["function"])
    # The whole register: whether a maker's `long` or `int` is meant, the kiosk's side knows.
    function.restype = ctypes.c_long
    given: list[Any] = []
    buffers: list[Any] = []
    counts: list[Any] = []
    for argument in request["arguments"]:
        if isinstance(argument, int):
            given.append(ctypes.c_long(argument))
            continue
        ((kind, value),) = argument.items()
        if kind == "count":
            # Eight bytes, so that it may be taken for a count of any width.
            counts.append(ctypes.c_uint64(value))
            given.append(ctypes.byref(counts[-1]))
            continue
        content = bytes.fromhex(value) + b"\0" if kind == "bytes" else bytes(value)
        buffer = ctypes.create_string_buffer(content + _GUARD, len(content) + len(_GUARD))
        buffers.append((kind, len(content), buffer))
        given.append(buffer)
    value = function(*given)
    out = [buffer.raw[:size].hex() for kind, size, buffer in buffers if kind == "out"]
    overrun = any(buffer.raw[size:] != _GUARD for _, size, buffer in buffers)
    for _, size, buffer in buffers:
        ctypes.memset(buffer, 0, size)
    if overrun:
        return {"overrun": True}
    return {"value": value, "out": out, "counts": [count.value for count in counts]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
