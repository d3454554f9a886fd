"""One try before the camera: frames are looked at, the citizen is guided, the photo is taken.

Runs on the camera's worker. Looking and making is done in a process of its own (`kiosk.darkroom`),
which may crash or hang without the screen, and takes its memory along when it ends; what is left
here waits for it, and decides.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.capture import Capture, whole_frame
from kiosk.photo.findings import Finding, FindingCode, Look, PhotoRefused
from kiosk.photo.guidance import Guidance, Guide, Phase
from kiosk.photo.liveness import Challenge, Liveness

if TYPE_CHECKING:
    from hardware.camera import Camera, Frame
    from kiosk.operations.work import Work
    from kiosk.photo import CardPhoto
    from kiosk.photo.detect import Picture
    from kiosk.visit.prompts import TakePhoto

#: Seconds of the same picture to the last bit after which the citizen is told to wait; the camera's
#: own patience is longer, and then ends the visit (`hardware.camera`).
_STOPPED_S = 1.5


@dataclass(frozen=True)
class View:
    """One camera frame for the preview, and what is said about it.

    `rgb`: height x width x 3 bytes, top row first, not mirrored; they may be the camera's own
    frame, which the photo is made of, so nobody writes to them.
    """

    rgb: bytes | memoryview
    width: int
    height: int
    guidance: Guidance


class Looks(Protocol):
    """What a session needs of `kiosk.photo.Photographer`, or of who stands for it elsewhere."""

    def look(self, rgb: Picture, excused: bool = False) -> Look: ...
    def make(self, rgb: Picture, excused: bool = False) -> CardPhoto: ...


def take_photo(prompt: TakePhoto, camera: Camera, work: Work) -> Capture:
    """Guide the citizen until a photo is taken that meets every rule that is a must.

    A frame that cannot become such a photo is not taken: why not is said, and it goes on.
    """
    sitting = work.studio.sitting
    ask = work.parts.settings.photo.liveness and sitting.taken == 0
    liveness = Liveness(challenges() if ask else ())
    session = Session(work.studio, liveness, work.told, excused=prompt.excused)
    # Closed here whatever happens: an exception's traceback would keep the camera running.
    with closing(camera.frames(work.cancelled)) as frames:
        for frame in frames:
            view = session.see(frame)
            work.report(view)
            if view.guidance.phase is Phase.CAPTURE and (taken := session.take(frame)) is not None:
                sitting.taken += 1
                if sitting.taken == 1:
                    sitting.liveness = taken.liveness
                return replace(taken, liveness=sitting.liveness)
    raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, "the stream ended")


def challenges() -> tuple[Challenge, ...]:
    """A blink and a turn to one side, in an order that nobody can know before."""
    draw = random.SystemRandom()
    asked = [Challenge.BLINK, draw.choice((Challenge.TURN_LEFT, Challenge.TURN_RIGHT))]
    draw.shuffle(asked)
    return tuple(asked)


class Session:
    """Between the camera, the photographer and the guide."""

    def __init__(
        self,
        photographer: Looks,
        liveness: Liveness,
        told: Callable[[], list[str]],
        *,
        excused: bool = False,
    ) -> None:
        """`excused`: what is worn cannot be taken off, see `kiosk.photo.Photographer`."""
        self._excused = excused
        self._photographer = photographer
        self._liveness = liveness
        self._told = told
        self._guide = Guide(liveness=liveness)
        self._stopped = _Stopped()
        self._paused = False

    def see(self, frame: Frame) -> View:
        """Look at a frame; never slower than the camera, for it gives the newest only."""
        for word in self._told():
            self._obey(word)
        look = self._photographer.look(frame.rgb, self._excused)
        if self._stopped.is_since(frame):
            look = Look(Finding(FindingCode.FROZEN, look.finding.face), look.measures)
        if self._paused:
            self._guide.pause()
        height, width = frame.rgb.shape[:2]
        return View(frame.pixels, width, height, self._guide.see(frame.at, look))

    def take(self, frame: Frame) -> Capture | None:
        """The photo of a frame; None if it cannot be made, which is then said."""
        try:
            photo = self._photographer.make(frame.rgb, self._excused)
        except PhotoRefused as refused:
            self._guide.refused(frame.at, refused.finding.code)
            return None
        return Capture(photo, whole_frame(frame.rgb), self._liveness.hint)

    def _obey(self, word: str) -> None:
        if word == "now":
            self._guide.hurry()
        else:
            self._paused = word == "pause"


class _Stopped:
    """Whether a camera shows the same picture, to the bit, for longer than a moment."""

    def __init__(self) -> None:
        self._before: Picture | None = None
        self._changed_at = 0.0

    def is_since(self, frame: Frame) -> bool:
        import numpy as np

        sample = frame.rgb[::16, ::16].copy()
        before, self._before = self._before, sample
        if before is None or not np.array_equal(sample, before):
            self._changed_at = frame.at
        return frame.at - self._changed_at > _STOPPED_S
