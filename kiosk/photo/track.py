"""What one frame of a stream tells about the next, so that not every network runs on each frame.

| part                        | measured anew, live             | ms  | a change is told by frame  |
|-----------------------------|---------------------------------|-----|----------------------------|
| mesh: place, pose, mouth    | on each frame                   | 5   | 1, the first that shows it |
| eyes                        | one in turn; both if it changed | 5   | 1; a wink or a look: 2     |
| skin: light, glasses, mask  | after 8 frames                  | 4   | 12                         |
| silhouette: crown, wall     | after 4 frames                  | 11  | 6                          |
| faces: somebody else beside,| after 12 frames                 | 12  | 12                         |
| a camera on its head        |                                 |     |                            |
| hand near the face          | after 12 frames                 | 27  | 12                         |
| a picture that is held up   | after 36 frames                 | 12  | 40                         |

Besides mesh and eye a frame has room for one part of the lower five; which of those that are due
goes first is the order of `EVERY`. A look that begins anew leaves the hand and a picture held up to
the two frames after it: so no look costs much more than the dearest network.

It begins anew when the mesh has lost the face, and with a frame that does not look like the one
before it, as a thumbnail: somebody came, or left. A single picture is measured whole, and nothing
of it is kept. Milliseconds are those of one core of a slow terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

import cv2

from kiosk.photo.detect import extent

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Floats, Picture
    from kiosk.photo.eyes import Eye
    from kiosk.photo.silhouette import Behind, Silhouette
    from kiosk.photo.skin import Skin


class Part(Enum):
    """What need not be measured on each frame."""

    HAND = auto()
    FACES = auto()
    SILHOUETTE = auto()
    SKIN = auto()
    HELD_UP = auto()


#: After how many frames each is measured anew. Of two that are due the upper one goes first: what
#: is rare is not put off by what comes back at once. A picture held up waits for a frame with
#: nothing to do: a count-down lasts longer than it may wait.
EVERY = {Part.HAND: 12, Part.FACES: 12, Part.SILHOUETTE: 4, Part.SKIN: 8, Part.HELD_UP: 36}
#: What a stream may know a frame or two later: nothing is photographed so soon.
_LATER = frozenset({Part.HAND, Part.HELD_UP})
#: Thumbnails that differ by more on average, levels of 255, are different scenes. Somebody who
#: moves in front of the camera stays below one.
_ANOTHER_SCENE = 2.0


@dataclass
class Track:
    """One stretch of frames of the same scene, or one picture; `frame` counts from 0."""

    thumbnail: Picture
    #: Of a stream; a single picture is measured whole.
    live: bool = False
    frame: int = 0
    #: What is measured on this frame, besides mesh and eyes.
    turn: frozenset[Part] = frozenset()
    faces: tuple[Face, ...] = ()
    #: Of the largest face; None if it was not seen in the last frame. So are those below.
    mesh: Floats | None = None
    eyes: tuple[Eye, Eye] | None = None
    silhouette: Silhouette | None = None
    #: See `Detector.faces_and_upright`; measured with the faces.
    upright: float = 0.0
    behind: Behind | None = None
    #: See `Silhouette.beside` and `Silhouette.clothes`.
    beside: float = 0.0
    clothes: float | None = None
    skin: Skin | None = None
    #: Likeness of a hand near the face; None if it was not looked for yet.
    hand: float | None = None
    #: See `kiosk.photo.held_up`.
    held_up: int | None = None
    _measured: dict[Part, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Nothing is known of who is in this frame."""
        self.mesh = self.eyes = self.silhouette = self.behind = self.skin = self.hand = None
        self.clothes = self.held_up = None
        self._measured = {}
        self._take(frozenset(Part) - (_LATER if self.live else frozenset()))

    def goes_on(self, thumbnail: Picture) -> bool:
        """Take the next frame in, if it shows the same scene."""
        difference = cv2.norm(thumbnail, self.thumbnail, cv2.NORM_L1) / thumbnail.size
        if difference > _ANOTHER_SCENE:
            return False
        self.thumbnail = thumbnail
        self.frame += 1
        if self.mesh is None:
            self.begin()
        else:
            self._take(frozenset(self._due()))
        return True

    def knows(self, part: Part) -> bool:
        """Whether it was measured since the stretch began, or is on this frame."""
        return part in self._measured

    def _due(self) -> list[Part]:
        """The one part that is measured next, if it is time for any."""
        due = (
            part
            for part, every in EVERY.items()
            if self.frame - self._measured.get(part, -every) >= every
        )
        return list(due)[:1]

    def _take(self, parts: frozenset[Part]) -> None:
        self.turn = parts
        self._measured |= dict.fromkeys(parts, self.frame)


def moved(face: Face, before: Floats, now: Floats) -> Face:
    """A detector's face, taken along by its mesh (468 x 3 each)."""
    (middle_x, middle_y, size), (new_x, new_y, new_size) = extent(before), extent(now)
    scale = new_size / size

    def there(x: float, y: float) -> tuple[float, float]:
        return new_x + (x - middle_x) * scale, new_y + (y - middle_y) * scale

    x, y = there(face.x, face.y)
    return replace(
        face,
        x=x,
        y=y,
        width=face.width * scale,
        height=face.height * scale,
        left_eye=there(*face.left_eye),
        right_eye=there(*face.right_eye),
    )
