"""Looks at frames that were never taken, for what follows from looks alone."""

from __future__ import annotations

from kiosk.photo.findings import Finding, FindingCode, Look
from kiosk.photo.measures import Measure

#: A face of a quarter of the frame's width, in the middle.
FACE = (0.375, 0.25, 0.25, 0.45)
#: Frames a second.
RATE = 20

#: Codes without a face in the frame.
FACELESS = (FindingCode.COVERED, FindingCode.FROZEN, FindingCode.GREY, FindingCode.NO_FACE)


def look(
    code: FindingCode = FindingCode.OK,
    *,
    stops: bool | None = None,
    face: tuple[float, float, float, float] | None = FACE,
    eyes: float = 0.25,
    yaw: float = 0.0,
    pitch: float = 0.0,
    width: float = 230.0,
) -> Look:
    """A frame with this finding and these measures; what is not said is usual."""
    if code in FACELESS:
        return Look(Finding(code))
    measures = {
        "eye.left_open": Measure(eyes, ""),
        "eye.right_open": Measure(eyes, ""),
        "eyes.open": Measure(eyes, ""),
        "head.yaw": Measure(yaw, "degree"),
        "head.pitch": Measure(pitch, "degree"),
        "face.pixels": Measure(width, "px"),
    }
    stops = code is not FindingCode.OK if stops is None else stops
    return Look(Finding(code, face, stops), measures)
