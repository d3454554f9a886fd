"""What is wrong with a camera frame, and the photo that comes out when nothing is.

The words for each finding are `photo.finding.<code>` in the locale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.photo.report import Report


class FindingCode(StrEnum):
    """The first of these, from the top, is what the citizen is told."""

    #: Nothing but darkness: a hand or a cap on the lens.
    COVERED = "covered"
    TOO_DARK = "too_dark"
    NO_FACE = "no_face"
    MANY_FACES = "many_faces"
    #: The face has fewer pixels than the standard asks; it would have to be blown up.
    TOO_FAR = "too_far"
    #: The crop would be larger than the frame.
    TOO_NEAR = "too_near"
    #: The crop would reach over an edge of the frame.
    OFF_CENTRE = "off_centre"
    #: The head is turned or tilted; its width cannot be measured.
    TURNED = "turned"
    #: The finished photo did not measure as it was made.
    UNCERTAIN = "uncertain"
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    """One look at one frame."""

    code: FindingCode
    #: The largest face as (x, y, width, height) in shares of the frame, origin top left; None
    #: if there is none. Shares, so that an overlay need not know the size of the frame.
    face: tuple[float, float, float, float] | None = None


class PhotoRefused(Exception):
    """No photo can be made of this frame."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


@dataclass(frozen=True)
class CardPhoto:
    """The finished photo. Its bytes stay out of `repr`, and so out of every log."""

    jpeg: bytes = field(repr=False)
    #: SHA-256 of `jpeg`, lower-case hex.
    sha256: str
    width: int
    height: int
    report: Report = field(default=Report(), repr=False)
