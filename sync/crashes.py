"""Crashes of this terminal's programs, kept until the centre has heard of them.

A crash is an exception that nothing caught, in any thread, or a fault of the process itself
(segmentation fault), which `faulthandler` writes down. Kept are the kind and lines of code; the
message of an exception is not, because it may quote what a citizen entered. What would have been
printed with it, is not printed either. One file each in `crashes/`:

    ID.json          a report (`sync.wire.crash`)
    PROGRAM.fault    where `faulthandler` writes; read at the next start

Standard library only for whoever records: the screen imports this before home is shown.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import re
import sys
import threading
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sync.header import BEIJING
from sync.identity import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

log = logging.getLogger(__name__)

FOLDER = "crashes"

#: Innermost lines that are kept.
DEEPEST = 30

#: What goes: the name of a class, and "screens/app.py:120 handle_exception".
ERROR = r"^[A-Za-z_][A-Za-z0-9_.]{0,79}$"
LINE = r"^[A-Za-z0-9_./<>-]{1,80}:[0-9]{1,6} [A-Za-z0-9_<>.]{1,60}$"

#: No more are kept; a program that crashes again and again fills no disk.
_MOST = 40

#: Of what `faulthandler` writes, bytes.
_FAULT_LIMIT = 64 * 1024
_FATAL = re.compile(r"^Fatal Python error: ([A-Za-z ]{1,40})", re.MULTILINE)
_FRAME = re.compile(r'^  File "([^"\n]+)", line (\d+) in ([^\n]+)$', re.MULTILINE)
_THREAD = re.compile(r"^(?=(?:Current thread|Thread) )", re.MULTILINE)
_FITS = re.compile(LINE)


class Crashes:
    """Of one program. `record` is for any thread and never raises."""

    def __init__(self, state: Path, program: str, version: str) -> None:
        self._folder, self._program, self._version = state / FOLDER, program, version

    def install(self) -> None:
        """From now on every exception that nothing catches is recorded. Never raises."""
        sys.excepthook = self._uncaught
        threading.excepthook = lambda args: self._uncaught(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        sys.unraisablehook = lambda args: self._uncaught(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        fault = self._folder / f"{self._program}.fault"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._read_fault(fault)
            # Stays open: it is written to when nothing else works any more.
            self._fault = fault.open("wb")
            faulthandler.enable(self._fault)
        except OSError as error:
            log.warning("no crashes are kept: %s", error.strerror)

    def record(self, error: BaseException) -> None:
        """Keep where this came from."""
        stack, trace = [], error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            stack.append(_line(code.co_filename, trace.tb_lineno, code.co_name))
            trace = trace.tb_next
        self._keep(_kind(error), stack)

    def _uncaught(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if issubclass(kind, (KeyboardInterrupt, SystemExit)):
            return
        broken = error if error is not None else kind()
        self.record(broken.with_traceback(trace) if trace is not None else broken)
        log.critical("crashed: %s", _kind(broken))

    def _keep(self, error: str, stack: Sequence[str]) -> None:
        try:
            report = {
                "id": str(uuid.uuid4()),
                "program": self._program,
                "version": self._version,
                "error": error,
                "stack": [line for line in stack if _FITS.match(line)][-DEEPEST:],
                "at": datetime.now(BEIJING).isoformat(timespec="seconds"),
            }
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if len(list(self._folder.glob("*.json"))) < _MOST:
                file = self._folder / f"{report['id']}.json"
                write_whole(file, json.dumps(report).encode("ascii"), 0o600)
        except OSError as trouble:
            log.error("a crash could not be kept: %s", trouble.strerror)

    def _read_fault(self, file: Path) -> None:
        """What `faulthandler` wrote when the last process of this program ended."""
        try:
            text = file.read_bytes()[:_FAULT_LIMIT].decode("utf-8", "replace")
        except FileNotFoundError:
            return
        fatal = _FATAL.search(text)
        if fatal is None:
            return
        threads = _THREAD.split(text)
        broken = next((part for part in threads if part.startswith("Current thread")), text)
        frames = [_line(*found) for found in _FRAME.findall(broken)]
        self._keep("".join(fatal[1].title().split()), frames[::-1])


def _kind(error: BaseException) -> str:
    """The name of an exception's class; one that was made up at run time may hold anything."""
    name = type(error).__name__
    return name if re.match(ERROR, name) else "Unknown"


def _line(file: str, line: int | str, function: str) -> str:
    """A line of code, without where on this machine it lies."""
    path = Path(file)
    return f"{'/'.join(path.parts[-2:]).lstrip('/')}:{line} {function}"
