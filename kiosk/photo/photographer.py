"""From the camera to the card: look at a frame, say what is wrong, make the photo.

`look` is for the preview: the same measuring as `make`, so that what the citizen is told is what
would stop the photo. `make` measures its own result again, from the finished bytes; a difference
between the two measurements is corrected, and a photo that still does not measure
as it should is not handed out.
"""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from kiosk.photo import jpeg, report
from kiosk.photo.crop import Crop, cut, overhang, solve
from kiosk.photo.detect import Detector, Face
from kiosk.photo.encode import encode
from kiosk.photo.findings import CardPhoto, Finding, FindingCode, Look, PhotoRefused
from kiosk.photo.measure import Head, Ruler
from kiosk.photo.measures import Measure
from kiosk.photo.models import models_dir
from kiosk.photo.standard import THIRD_GENERATION, Standard

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture

#: Mean brightness (0 to 255) below which a frame is dark, and a face is.
_DARK_FRAME, _DARK_FACE = 45.0, 60.0
#: Standard deviation of brightness below which a dark frame shows nothing at all.
_NO_DETAIL = 5.0
#: A second face of at least this part of the first one's width is somebody in the booth.
_SECOND_FACE = 0.3
#: A head turned or tilted further is not 正面: share of the face width, and radians (12 degrees).
_MOST_TURN, _MOST_ROLL = 0.12, 0.21
#: The crop may overhang the frame by so many pixels of the frame; the edge is repeated there.
_OVERHANG = 2.0
#: How often a photo is made, each time with what measuring the one before has shown.
_ATTEMPTS = 3


@dataclass(frozen=True)
class _Sight:
    """A frame that a photo can be made of, or not."""

    finding: Finding
    head: Head | None = None
    crop: Crop | None = None

    @property
    def measures(self) -> dict[str, Measure]:
        """What the head says of itself."""
        if self.head is None:
            return {}
        return {
            "face.pixels": Measure(self.head.face_width, "px"),
            "head.roll": Measure(math.degrees(self.head.roll), "degree"),
        }


class Photographer:
    """Looks at frames and makes card photos. Belongs to one thread.

    A frame is an array of height x width x 3 bytes, RGB, upright, not mirrored.
    """

    def __init__(self, models: Path | None = None, standard: Standard = THIRD_GENERATION) -> None:
        """`models`: their folder. Raises `kiosk.photo.models.ModelsMissing`."""
        folder = models or models_dir()
        self._standard = standard
        self._detector = Detector(folder)
        self._ruler = Ruler(folder)

    def look(self, rgb: Picture) -> Look:
        """What stands in the way of a photo, the most important first. Raises nothing."""
        sight = self._see(rgb)
        return Look(sight.finding, sight.measures)

    def make(self, rgb: Picture) -> CardPhoto:
        """The photo of the one person in the frame. Raises `PhotoRefused`.

        What is returned meets every pixel rule of the standard when its bytes are measured again,
        but for hair that had to be cut, which the report says.
        """
        sight = self._see(rgb)
        if sight.head is None or sight.crop is None:
            raise PhotoRefused(sight.finding)
        head, crop = sight.head, sight.crop
        for _ in range(_ATTEMPTS):
            image = cut(rgb, head, crop, self._standard)
            data = encode(image, self._standard)
            again, count = self._measure_finished(data)
            if again is None:
                break
            found = self._report(data, again, count, crop)
            if found.met:
                digest = hashlib.sha256(data).hexdigest()
                return CardPhoto(data, digest, image.width, image.height, found)
            head = _corrected(head, again, crop)
            crop = solve(head, self._standard)
        raise PhotoRefused(replace(sight.finding, code=FindingCode.UNCERTAIN))

    def measure(self, rgb: Picture) -> Head | None:
        """The largest face of a picture, measured; None if there is none."""
        faces = self._detector.faces(rgb)
        landmarks = self._detector.landmarks(rgb, faces[0]) if faces else None
        return None if landmarks is None else self._ruler.measure(rgb, landmarks)

    # -- looking -----------------------------------------------------------------------------

    def _see(self, rgb: Picture) -> _Sight:
        mean, spread = _brightness(rgb)
        if mean < _DARK_FRAME and spread < _NO_DETAIL:
            return _Sight(Finding(FindingCode.COVERED))
        faces = self._detector.faces(rgb)
        if not faces:
            dark = mean < _DARK_FRAME
            return _Sight(Finding(FindingCode.TOO_DARK if dark else FindingCode.NO_FACE))
        box = _shares(faces[0], rgb)
        if _face_brightness(rgb, faces[0]) < _DARK_FACE:
            return _Sight(Finding(FindingCode.TOO_DARK, box))
        if len(faces) > 1 and faces[1].width >= _SECOND_FACE * faces[0].width:
            return _Sight(Finding(FindingCode.MANY_FACES, box))
        landmarks = self._detector.landmarks(rgb, faces[0])
        if landmarks is None:
            return _Sight(Finding(FindingCode.NO_FACE, box))
        return self._place(rgb, self._ruler.measure(rgb, landmarks), box)

    def _place(self, rgb: Picture, head: Head, box: tuple[float, float, float, float]) -> _Sight:
        """Whether a head is where it can be photographed."""
        height, width = rgb.shape[:2]
        if abs(head.turn) > _MOST_TURN or head.crown_to_eyes <= 0:
            return _Sight(Finding(FindingCode.LOOK_STRAIGHT, box))
        if abs(head.roll) > _MOST_ROLL:
            return _Sight(Finding(FindingCode.LEVEL_HEAD, box))
        narrowest = self._standard.rule("face.width").low
        if narrowest is not None and head.face_width < narrowest:  # it would have to be blown up
            return _Sight(Finding(FindingCode.TOO_FAR, box))
        crop = solve(head, self._standard)
        if overhang(crop, head, self._standard, (width, height)) > _OVERHANG:
            too_large = self._standard.height / crop.scale > height
            code = FindingCode.TOO_NEAR if too_large else FindingCode.OFF_CENTRE
            return _Sight(Finding(code, box))
        return _Sight(Finding(FindingCode.OK, box), head, crop)

    # -- measuring what was made -------------------------------------------------------------

    def _measure_finished(self, data: bytes) -> tuple[Head | None, int]:
        """The head in a finished photo, and the number of faces in it."""
        with Image.open(io.BytesIO(data)) as image:
            rgb = np.asarray(image.convert("RGB"))
        return self.measure(rgb), len(self._detector.faces(rgb))

    def _report(self, data: bytes, head: Head, count: int, crop: Crop) -> report.Report:
        values = jpeg.file_values(data)
        values |= {
            "face.width": head.face_width,
            "face.eyes_x": head.eye_x,
            "face.eyes_above_bottom": self._standard.height - head.eye_y,
            "face.height_share": head.height / self._standard.height,
            "person.count": float(count),
            "photo.age": 0.0,  # it was taken just now
        }
        if not crop.hair_cut:  # cut hair has no top; the report then says "cannot tell"
            values["face.crown"] = head.crown_y
        return report.judge(self._standard, values)


def _brightness(rgb: Picture) -> tuple[float, float]:
    """Mean and spread of brightness, over a thumbnail that the sensor's noise does not reach."""
    grey = cv2.cvtColor(cv2.resize(rgb, (64, 36), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return float(grey.mean()), float(grey.std())


def _face_brightness(rgb: Picture, face: Face) -> float:
    top, left = max(int(face.y), 0), max(int(face.x), 0)
    patch = rgb[top : int(face.y + face.height) + 1, left : int(face.x + face.width) + 1]
    return _brightness(patch)[0] if patch.size else 0.0


def _shares(face: Face, rgb: Picture) -> tuple[float, float, float, float]:
    height, width = rgb.shape[:2]
    return (face.x / width, face.y / height, face.width / width, face.height / height)


def _corrected(head: Head, again: Head, crop: Crop) -> Head:
    """The head in the frame as the finished photo says it is."""
    scale = 1.0 / crop.scale
    return replace(
        head,
        face_x=head.eye_x + (again.face_x - again.eye_x) * scale,
        face_width=again.face_width * scale,
        crown_y=crop.top + again.crown_y * scale,
        chin_y=crop.top + again.chin_y * scale,
    )
