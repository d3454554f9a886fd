"""1:1: is the person in the photo the one in the reference picture? SFace, run by OpenCV.

The reference is the portrait of the ID card's chip, or the picture in the person register. The same
code runs on the terminal and again at the centre, which does not believe the terminal. What is
compared is 128 numbers of each face; they are never kept and never leave the function.

| cosine          | band        | what follows                                             |
|-----------------|-------------|----------------------------------------------------------|
| from `MATCH_AT` | match       | nothing                                                  |
| between         | unsure      | a person compares before anything is finished            |
| below `MISMATCH_BELOW` | mismatch | a person compares, and asks                          |
| none            | cannot tell | a person compares                                        |

The comparison never decides alone. Only a match spares the second look, so `MATCH_AT` is set for at
most one stranger in a thousand (false match 0.1 %, measured on public pairs by
`tests/bench/face_pairs.py`; the numbers are in docs/face.md); nobody is refused for a low score,
and whoever does not want to be compared applies all the same
(人脸识别技术应用安全管理办法: never the only way, with a consent of its own).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Floats, Picture


class Place(StrEnum):
    """Where faces are compared."""

    TERMINAL = "terminal"
    CENTRAL = "central"
    NONE = "none"


class Band(StrEnum):
    MATCH = "match"
    UNSURE = "unsure"
    MISMATCH = "mismatch"
    CANNOT_TELL = "cannot_tell"


class Why(StrEnum):
    """Why nothing was compared."""

    #: The citizen did not agree.
    DECLINED = "declined"
    #: There is no picture to compare with, or nobody here can open it.
    NO_PORTRAIT = "no_portrait"
    #: A picture holds no face, more than one, or one that is too small.
    NO_FACE = "no_face"
    #: This machine does not compare: it is not set up to, or its network is missing.
    NO_METHOD = "no_method"
    #: A child, for whom a guardian would have to agree (办法 第7条); the age is the policy's.
    GUARDIAN = "guardian"
    #: The centre compares.
    AT_CENTRAL = "at_central"


#: Cosine of the 128 numbers of two faces, -1 to 1: from the first on a match, below the second a
#: mismatch.
MATCH_AT, MISMATCH_BELOW = 0.435, 0.25

#: Size of the portrait in an ID card's chip, pixels.
PORTRAIT = (102, 126)

#: Side of the picture that the network was trained on, and where it has the middle of each eye, the
#: tip of the nose and the corners of the mouth, in these pixels.
_SIDE = 112
_PLACES = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
#: The same points of the face mesh; an eye is the middle between its corners.
_NOSE, _MOUTH_LEFT, _MOUTH_RIGHT = 1, 61, 291
#: A face of fewer pixels between its eyes, as given, is not compared; a chip's portrait has 27.
_LEAST_EYES = 14.0
#: A further face of at least this part of the first one's width is another person.
_SECOND_FACE = 0.3
#: A picture whose longer side is smaller is enlarged to it before faces are looked for.
_SMALL = 256


@dataclass(frozen=True)
class Comparison:
    """What came of comparing; a hint."""

    band: Band
    #: Cosine, -1 to 1, rounded to a thousandth; None if nothing was compared.
    score: float | None = None
    #: What compared, with its version.
    method: str = ""
    #: Of `Band.CANNOT_TELL` only.
    why: Why | None = None


def cannot_tell(why: Why) -> Comparison:
    return Comparison(Band.CANNOT_TELL, why=why)


def band(score: float) -> Band:
    if score >= MATCH_AT:
        return Band.MATCH
    return Band.MISMATCH if score < MISMATCH_BELOW else Band.UNSURE


class FaceComparer:
    """Compares two pictures. Belongs to one thread.

    Costs about 70 MB of memory and a quarter of a second to make, and some 20 ms for each picture
    on one core (`tests/bench/photo.py`), so whoever makes one lets go of it soon.
    """

    method = "sface-2021dec-int8bq"

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: of the models. Raises `kiosk.photo.models.ModelsMissing`."""
        import cv2
        import numpy as np

        from kiosk.photo import models
        from kiosk.photo.detect import Detector
        from kiosk.photo.onnx import with_one_input

        folder = folder or models.models_dir()
        self._detector = Detector(folder)
        network = with_one_input(models.load(models.FACE_COMPARISON, folder), "data")
        self._net = cv2.dnn.readNetFromONNX(np.frombuffer(network, np.uint8))

    def compare(self, photo: Picture, reference: Picture) -> Comparison:
        """Two pictures, height x width x 3 bytes, RGB, each with one person. Raises nothing."""
        import numpy as np

        ours, theirs = self.features(photo), self.features(reference)
        if ours is None or theirs is None:
            return Comparison(Band.CANNOT_TELL, method=self.method, why=Why.NO_FACE)
        score = float(np.dot(ours, theirs))
        return Comparison(band(score), round(score, 3), self.method)

    def features(self, picture: Picture) -> Floats | None:
        """The 128 numbers of the one face, as a vector of length 1; None if there is not one."""
        import cv2
        import numpy as np

        given, picture = picture, _enlarged(picture)
        faces = self._detector.faces(picture)
        if not faces or _crowded(faces):
            return None
        mesh = self._detector.landmarks(picture, faces[0])
        if mesh is None:
            return None
        points = _five(mesh)
        eyes = float(np.linalg.norm(points[1] - points[0]))
        if eyes * given.shape[1] / picture.shape[1] < _LEAST_EYES:
            return None
        upright = _similarity(points, np.array(_PLACES, np.float32))
        crop = cv2.warpAffine(picture, upright, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
        # RGB from 0 to 255, as the publishers' own example has it.
        self._net.setInput(cv2.dnn.blobFromImage(crop, 1.0, (_SIDE, _SIDE)))
        numbers = np.asarray(self._net.forward(), np.float32).ravel()
        length = float(np.linalg.norm(numbers))
        return numbers / length if length > 0 else None


def portrait_picture(portrait: bytes) -> Picture | None:
    """102 x 126 x 3 bytes, as the chip's decoder gives them; None for anything else."""
    import numpy as np

    width, height = PORTRAIT
    if len(portrait) != width * height * 3:
        return None
    return np.frombuffer(portrait, np.uint8).reshape(height, width, 3)


def jpeg_picture(jpeg: bytes) -> Picture | None:
    """None for what is no JPEG that can be opened."""
    import numpy as np
    from PIL import Image

    from kiosk.photo.parts import BAD_BYTES

    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))
    except (Image.DecompressionBombError, *BAD_BYTES):
        return None


def _enlarged(picture: Picture) -> Picture:
    """A small picture at a size where a face is found: a chip's face has some 60 pixels."""
    import cv2
    import numpy as np

    longer = max(picture.shape[:2])
    if longer >= _SMALL or longer == 0:
        return picture
    factor = _SMALL / longer
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _crowded(faces: Sequence[Face]) -> bool:
    """Whether there is somebody beside the largest face."""
    return any(face.width >= _SECOND_FACE * faces[0].width for face in faces[1:])


def _five(mesh: Floats) -> Floats:
    """The five points of `_PLACES` in a picture."""
    import numpy as np

    from kiosk.photo.detect import eye_middles

    left, right = eye_middles(mesh)
    points = (left, right, mesh[_NOSE], mesh[_MOUTH_LEFT], mesh[_MOUTH_RIGHT])
    return np.array([point[:2] for point in points], np.float32)


def _similarity(points: Floats, places: Floats) -> Floats:
    """The turn, scale and shift (2 x 3) that bring points nearest to places, by least squares.

    In complex numbers it is one multiplication and one addition.
    """
    import numpy as np

    one, other = points[:, 0] + 1j * points[:, 1], places[:, 0] + 1j * places[:, 1]
    spread = one - one.mean()
    turn = np.sum(np.conj(spread) * (other - other.mean())) / np.sum(np.abs(spread) ** 2)
    shift = other.mean() - turn * one.mean()
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32
    )
