"""`Darkroom`: what looks and makes for one visit, in a process that may die without ending it.

A process that died or hangs is started once more. Until that one is ready, the citizen sees
themself and reads 请稍候; whoever moved meanwhile is not photographed, because stillness begins
anew with it (`kiosk.photo.guidance`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from hardware.faults import DeviceFault, FaultCode, NotWanted
from kiosk.darkroom import Sitting
from kiosk.darkroom.process import DarkroomBug, Lost, Patience, Process, ourselves
from kiosk.photo.faces import Why, cannot_tell
from kiosk.photo.findings import Finding, FindingCode, Look
from kiosk.photo.models import ModelsMissing

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture
    from kiosk.photo.faces import Comparison
    from kiosk.photo.findings import CardPhoto

log = logging.getLogger(__name__)

#: A process may be started so often in a visit.
_STARTS = 2
#: How long a frame waits for a second process, seconds: the preview goes on meanwhile.
_GLANCE_S = 0.05

#: What is seen while nothing is looked at.
_NOTHING = Look(Finding(FindingCode.FROZEN))


class Darkroom:
    """A `kiosk.darkroom.Studio`. Costs nothing before `open` or the first frame."""

    def __init__(
        self, patience: Patience | None = None, command: Sequence[str] | None = None
    ) -> None:
        self._patience = patience or Patience()
        self._command = command or ourselves()
        self.sitting = Sitting()
        self._changing = threading.Lock()
        self._process: Process | None = None
        self._starts = 0
        self._why = ""
        self._closed = False

    def open(self) -> None:
        """Start the process, if there is none. Returns before it is ready; raises nothing."""
        try:
            self._current()
        except Lost as lost:
            self._lose(lost)
        except NotWanted:
            log.info("a visit ended before its darkroom was opened")

    def look(self, rgb: Picture, excused: bool = False) -> Look:
        """As `kiosk.photo.Photographer.look`. Raises what `kiosk.darkroom.Studio` says."""
        try:
            process = self._current()
            if self._starts > 1 and not process.is_ready(_GLANCE_S):
                return _NOTHING
            look: Look = self._ask(process, "look", rgb, excused)
        except Lost as lost:
            self._lose(lost)
            return _NOTHING
        return look

    def make(self, rgb: Picture, excused: bool = False) -> CardPhoto:
        """As `kiosk.photo.Photographer.make`. Raises what `kiosk.darkroom.Studio` says."""
        while True:
            try:
                photo: CardPhoto = self._ask(self._current(), "make", rgb, excused)
            except Lost as lost:
                self._lose(lost)  # the next start, or the one after the last, ends this loop
            else:
                return photo

    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Comparison:
        """As `kiosk.photo.faces.FaceComparer.compare`, of a JPEG and 102 x 126 x 3 bytes. Whatever
        fails, the answer is then "cannot tell": a comparison is a hint. Raises `NotWanted`."""
        while True:
            try:
                found: Comparison = self._current().compare(photo_jpeg, portrait)
            except Lost as lost:
                self._lose(lost)  # as in `make`
            except (DeviceFault, DarkroomBug, ModelsMissing) as error:
                log.error("no comparison: %s", error)
                return cannot_tell(Why.NO_METHOD)
            else:
                return found

    def close(self) -> None:
        """End the process, for good, and whoever waits for it. Any thread may close."""
        with self._changing:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.end()

    @property
    def pid(self) -> int | None:
        """Of the process, for tests and measuring."""
        process = self._process
        return process.pid if process is not None else None

    def _current(self) -> Process:
        with self._changing:
            if self._closed:
                raise NotWanted
            if self._process is None:
                if self._starts == _STARTS:
                    raise DeviceFault(FaultCode.PHOTO_STOPPED, self._why)
                self._starts += 1
                self._process = Process(self._command, self._patience)
            return self._process

    def _ask(
        self, process: Process, what: Literal["look", "make"], rgb: Picture, excused: bool
    ) -> Any:
        try:
            return process.ask(what, rgb, excused)
        except DarkroomBug as bug:
            log.error("darkroom: %s", bug)
            raise

    def _lose(self, lost: Lost) -> None:
        """Let go of a process that is of no use any more."""
        with self._changing:
            if self._closed:
                return
            process, self._process = self._process, None
            self._why = str(lost)
        log.warning("darkroom lost: %s", lost)
        if process is not None:
            process.end()
