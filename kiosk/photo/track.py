"""What one frame of a stream tells about the next, so that not every network runs on each frame.

| network      | runs, live                                                              |
|--------------|-------------------------------------------------------------------------|
| detector     | on one frame in five, and whenever the mesh has lost the face           |
| mesh         | once, from where the face was; twice after the detector                 |
| eyes         | always                                                                  |
| segmentation | on every second frame; what is cut out moves with the head              |
| hands        | on one frame in five, not the detector's                                |

A frame that does not look like the one before it, as a thumbnail, begins anew: somebody came, or
left. A single picture always does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Floats, Picture
    from kiosk.photo.silhouette import Silhouette

_DETECT_EVERY, _SEGMENT_EVERY, _HAND_EVERY, _HAND_AT = 5, 2, 5, 2
#: Thumbnails that differ by more on average, levels of 255, are different scenes. Somebody who
#: moves in front of the camera stays below one.
_ANOTHER_SCENE = 2.0


@dataclass
class Track:
    """One stretch of frames of the same scene; `frame` counts from 0."""

    thumbnail: Picture
    frame: int = 0
    faces: tuple[Face, ...] = ()
    #: Of the largest face; None if it was not seen in the last frame.
    mesh: Floats | None = None
    silhouette: Silhouette | None = None
    #: Likeness of a hand near the face.
    hand: float | None = None

    def goes_on(self, thumbnail: Picture) -> bool:
        """Take the next frame in, if it shows the same scene."""
        difference = np.abs(thumbnail.astype(np.int16) - self.thumbnail).mean()
        self.thumbnail = thumbnail
        self.frame += 1
        return bool(difference <= _ANOTHER_SCENE)

    def follows(self) -> bool:
        """Whether the face may be looked for where it was."""
        return self.mesh is not None and self.frame % _DETECT_EVERY != 0

    def keeps_silhouette(self) -> bool:
        return self.silhouette is not None and self.frame % _SEGMENT_EVERY != 0

    def keeps_hand(self) -> bool:
        return self.hand is not None and self.frame % _HAND_EVERY != _HAND_AT


def moved(face: Face, before: Floats, now: Floats) -> Face:
    """A detector's face, taken along by its mesh (468 x 3 each)."""
    (middle, size), (new_middle, new_size) = _extent(before), _extent(now)
    scale = new_size / size

    def there(x: float, y: float) -> tuple[float, float]:
        place = new_middle + (np.array((x, y)) - middle) * scale
        return float(place[0]), float(place[1])

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


def _extent(mesh: Floats) -> tuple[Floats, float]:
    """Middle and larger side of the box around a mesh, pixels."""
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    return (low + high) / 2, float((high - low).max())
