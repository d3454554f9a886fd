"""A maker's library, called in a process of its own: it may hang, crash or talk nonsense there.

Whatever it does is one `DeviceFault`: LIBRARY_MISSING for a library that cannot be loaded or lacks
a function, LIBRARY_FAILED when it did not return in time, ended, wrote past a buffer or answered
what is no answer. After LIBRARY_FAILED its process is gone; the device's loop opens the device
anew, later each time, and that starts another.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from hardware.aside import ourselves
from hardware.faults import DeviceFault, FaultCode

#: Longest loading of a library, and longest call of a function that says nothing else, seconds.
LOAD_S, CALL_S = 15.0, 8.0

_LONGEST = 1 << 16

_PROTOTYPE = re.compile(r"(int|short|handle)\((.*)\)")
_ARGUMENT = re.compile(r"(int|bytes|out|count)(?: (\d+))?")


@dataclass(frozen=True)
class Prototype:
    """What a function takes and returns.

    Written as in "int(int, bytes, out 64, count)": `int` stands for every whole number, whatever
    its width; `bytes` for a pointer to what is handed over, with a zero behind it; `out N` for a
    pointer to so many bytes to be filled; `count N` for a pointer to a number that is N before.
    Returned is an `int`, a `short`, or a `handle`, which may be a pointer.
    """

    returns: str
    arguments: tuple[tuple[str, int], ...]

    @classmethod
    def parse(cls, text: str) -> Prototype:
        """Raises `ValueError` for what is none."""
        whole = _PROTOTYPE.fullmatch(text)
        parts = [_ARGUMENT.fullmatch(part) for part in whole[2].split(", ")] if whole else [None]
        if whole is None or not all(parts):
            raise ValueError(f"no prototype: {text}")
        return cls(whole[1], tuple((part[1], int(part[2] or 0)) for part in parts if part))

    def request(self, given: tuple[int | bytes, ...]) -> list[Any]:
        """The arguments as they travel; `given` are those of kind `int` and `bytes`."""
        left = iter(given)
        return [
            {kind: size} if kind in ("out", "count") else _travelling(next(left))
            for kind, size in self.arguments
        ]

    def value(self, register: int) -> int:
        """What was returned. Some makers' headers say `long` where others say `int`, so of a number
        only what both fill is looked at; a pointer fills the register, a number below zero that
        does not is an `int`."""
        if self.returns == "handle" and not 1 << 31 <= register < 1 << 32:
            return register
        bits = 16 if self.returns == "short" else 32
        low = register & (1 << bits) - 1
        return low - (1 << bits) if low >> bits - 1 else low


def _travelling(value: int | bytes) -> Any:
    return value if isinstance(value, int) else {"bytes": value.hex()}


@dataclass(frozen=True)
class Returned:
    """What a function returned and filled, in the order of its arguments."""

    value: int
    out: tuple[bytes, ...] = field(default=(), repr=False)
    counts: tuple[int, ...] = ()


class Library:
    """The kiosk's side. Any thread may call: one call is made at a time."""

    def __init__(self, path: str, functions: Mapping[str, str]) -> None:
        self._path = path
        self._functions = {name: Prototype.parse(text) for name, text in functions.items()}
        self._lacking = frozenset(functions)
        self._calling = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._undead: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def start(self) -> None:
        """Load the library in a process of its own. Raises `DeviceFault`."""
        self.stop()
        if self._undead is not None and self._undead.poll() is None:
            # Stuck in the kernel, on the device's wire: another would get stuck as well.
            raise DeviceFault(FaultCode.LIBRARY_FAILED, "the process before does not end")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line = ours
        command = ourselves("vendor", "hardware.vendor.child")
        command += [str(theirs.fileno()), self._path, ",".join(self._functions)]
        with theirs:
            try:
                # In a session of its own: a library that signals its group, or starts helpers, does
                # not reach the kiosk with it.
                self._child = subprocess.Popen(
                    command,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                self.fail(f"no process: {type(error).__name__}")
        said = self._answer(LOAD_S, "loading")
        if "missing" in said:
            self.stop()
            raise DeviceFault(FaultCode.LIBRARY_MISSING, str(said["missing"]), temporary=False)
        lacking = said.get("lacking")
        self._lacking = frozenset(lacking if isinstance(lacking, list) else self._functions)

    def stop(self) -> None:
        """End the process, whatever the library is doing; never raises. For any thread: who waits
        for a call hears that it failed."""
        child, self._child = self._child, None
        line, self._line = self._line, None
        if line is not None:
            # Shut down first: closing alone does not wake a thread that waits for an answer.
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        if child is not None:
            with suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)
            try:
                child.wait(1.0)
            except subprocess.TimeoutExpired:
                self._undead = child

    def has(self, function: str) -> bool:
        """Whether the library that was started has a function of the table."""
        return function not in self._lacking

    def call(self, function: str, *given: int | bytes, within_s: float = 0.0) -> Returned:
        """Call a function of the table, which may take so long; 0: `CALL_S`. Raises
        `DeviceFault`."""
        prototype = self._functions[function]
        if not self.has(function):
            raise DeviceFault(FaultCode.LIBRARY_MISSING, f"no {function}", temporary=False)
        with self._calling:
            answer = self._asked(function, prototype.request(given), within_s or CALL_S)
            try:
                return _returned(prototype, answer)
            except (KeyError, TypeError, ValueError):
                self.fail(f"{function}: {'overrun' if answer.get('overrun') else 'no answer'}")

    def fail(self, why: str) -> NoReturn:
        """What the library said cannot be: end it. Raises `DeviceFault(LIBRARY_FAILED)`."""
        self.stop()
        raise DeviceFault(FaultCode.LIBRARY_FAILED, why)

    def _asked(self, function: str, arguments: list[Any], within_s: float) -> dict[str, Any]:
        request = json.dumps({"function": function, "arguments": arguments}).encode("ascii")
        line = self._line
        if line is None:
            raise DeviceFault(FaultCode.LIBRARY_FAILED, "not running")
        try:
            line.sendall(request)
        except OSError:
            self._ended(function)
        return self._answer(within_s, function)

    def _answer(self, within_s: float, doing: str) -> dict[str, Any]:
        line = self._line
        if line is None:
            raise DeviceFault(FaultCode.LIBRARY_FAILED, f"{doing}: given up")
        try:
            line.settimeout(within_s)
            message = line.recv(_LONGEST)
        except TimeoutError:
            self.fail(f"{doing}: no return in {within_s:g} s")
        except OSError:
            message = b""
        if not message:
            self._ended(doing)
        try:
            answer = json.loads(message)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self.fail(f"{doing}: no answer")
        return answer

    def _ended(self, doing: str) -> NoReturn:
        """The process has gone, or closed its side: say by what."""
        child = self._child
        code = None
        if child is not None:
            with suppress(subprocess.TimeoutExpired):
                code = child.wait(1.0)
        self.fail(f"{doing}: ended {_how(code)}")


def _how(code: int | None) -> str:
    if code is None:
        return "its line"
    return signal.Signals(-code).name if code < 0 else f"with {code}"


def _returned(prototype: Prototype, answer: dict[str, Any]) -> Returned:
    """Raises `KeyError`, `TypeError`, `ValueError` for what is no answer."""
    out = tuple(bytes.fromhex(part) for part in answer["out"])
    counts = tuple(int(count) & 0xFFFFFFFF for count in answer["counts"])
    sizes = [size for kind, size in prototype.arguments if kind == "out"]
    if [len(part) for part in out] != sizes:
        raise ValueError("sizes")
    return Returned(prototype.value(int(answer["value"])), out, counts)
