"""What is wrong with a camera frame, and the photo that comes out when nothing is.

The words for each finding are `photo.finding.<code>` in the words: what to do, not what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.photo.measures import Measure
from kiosk.photo.report import Report


class FindingCode(StrEnum):
    """The first of these, from the top, is what the citizen is told.

    What spoils the whole picture comes first, then where the citizen is, then how they hold their
    head, then what only a good picture can show. A hat above the forehead, shoulders and a frown
    are not among them: nothing here can see them reliably, so the report says "cannot tell" and a
    person looks.
    """

    #: Nothing but darkness: a hand or a cap on the lens.
    COVERED = "covered"
    #: The camera repeats itself, or nothing is looked at for a moment. Known to whoever reads the
    #: camera, never to one frame.
    FROZEN = "frozen"
    #: A camera without colour; the card needs 24-bit colour.
    GREY = "grey"
    #: The camera is mounted head down, or the file was turned.
    UPSIDE_DOWN = "upside_down"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    #: The face is much darker than what is behind it.
    BACK_LIGHT = "back_light"
    NO_FACE = "no_face"
    #: More faces than one, or what looks like somebody beside the head.
    MANY_FACES = "many_faces"
    #: The face has fewer pixels than the standard asks; it would have to be blown up.
    TOO_FAR = "too_far"
    #: The crop would be larger than the frame.
    TOO_NEAR = "too_near"
    #: The crop would reach over an edge of the frame.
    OFF_CENTRE = "off_centre"
    #: The head leans to one shoulder.
    LEVEL_HEAD = "level_head"
    #: The head is turned to one side.
    LOOK_STRAIGHT = "look_straight"
    CHIN_UP = "chin_up"
    CHIN_DOWN = "chin_down"
    #: Straight edges beside the head: a face on paper or on a telephone.
    HELD_UP = "held_up"
    #: A mask over mouth and nose, or a hand near the face.
    FACE_COVERED = "face_covered"
    #: A hat or hair over the forehead, down to the brows.
    FOREHEAD = "forehead"
    #: Hair, or a cap, over the ears.
    EARS = "ears"
    #: Tinted glasses.
    SUNGLASSES = "sunglasses"
    GLASSES_GLARE = "glasses_glare"
    EYES_CLOSED = "eyes_closed"
    #: The eyes look elsewhere.
    LOOK_HERE = "look_here"
    MOUTH_OPEN = "mouth_open"
    SMILING = "smiling"
    UNEVEN_LIGHT = "uneven_light"
    COLOUR_TINT = "colour_tint"
    #: Neither dark nor light is left in the face: the lens is dirty, or a lamp shines into it. What
    #: is hazy is not sharp either, but to hold still does not help.
    HAZY = "hazy"
    BLURRED = "blurred"
    BACKGROUND = "background"
    #: Clothes of the colour of the wall: the shoulders would melt into it.
    WHITE_TOP = "white_top"
    #: The finished photo did not measure as it was made.
    UNCERTAIN = "uncertain"
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    """The most important thing about one frame."""

    code: FindingCode
    #: The largest face as (x, y, width, height) in shares of the frame, origin top left; None
    #: if there is none. Shares, so that an overlay need not know the size of the frame.
    face: tuple[float, float, float, float] | None = None
    #: Whether no photo can be made of this frame. If not, this is advice: the photo would keep
    #: every rule that is a must, and the report would carry a warning.
    stops: bool = True


@dataclass(frozen=True)
class Look:
    """One frame, measured. `measures`: id of `kiosk.photo.measures` -> what was found."""

    finding: Finding
    measures: Mapping[str, Measure] = field(default_factory=dict)


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
