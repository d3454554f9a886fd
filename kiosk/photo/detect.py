"""Pixels to faces: BlazeFace and the face mesh, run by LiteRT on one thread.

What the two networks expect and return is fixed by how they were trained (the published graphs
`face_detection_short_range` and `face_landmark`):

- detector: 128x128 RGB from -1 to 1, letterboxed; 896 anchors, each with a score before the
  sigmoid and 16 offsets in pixels (box centre and size, then six points);
- mesh: 192x192 RGB from 0 to 1 of the upright face; 468 points (x, y, z) in those pixels, and a
  score before the sigmoid that there is a face at all.

Pictures are height x width x 3 bytes, RGB. Points are (x, y) in pixels of the picture given.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo import models

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float32]

#: Mesh points of the corners of the eyes, left and right in the picture.
LEFT_CORNERS, RIGHT_CORNERS = (33, 133), (362, 263)

_DETECTOR_SIDE = 128
_MESH_SIDE = 192
#: (cells along a side, anchors in each cell) of the detector's two feature maps.
_ANCHOR_GRIDS = ((16, 2), (8, 6))
#: A detection below this score is not a face; the value its authors ship.
_FACE_SCORE = 0.5
#: Two boxes that share more than this part of their union are one face.
_SAME_FACE = 0.3
#: The mesh wants this much more than the box of the detector.
_MESH_MARGIN = 1.5


class Net:
    """One network. Not to be shared between threads."""

    def __init__(self, model: models.Model, folder: Path, low: float = 0.0) -> None:
        """`low`: what the network takes for black; white is 1. Raises `ModelsMissing`."""
        from ai_edge_litert.interpreter import Interpreter

        content = models.load(model, folder)
        with _without_praise():
            # One thread: the screen needs the other core, and the nets do not gain from more.
            self._net: Any = Interpreter(model_content=content, num_threads=1)
            self._net.allocate_tensors()
        self._low, self._step = np.float32(low), np.float32((1.0 - low) / 255.0)
        self._input: int = self._net.get_input_details()[0]["index"]
        self._outputs: list[int] = [item["index"] for item in self._net.get_output_details()]

    def run(self, picture: NDArray[Any]) -> list[Floats]:
        """Every output for one picture (height x width x 3 bytes, of the network's size)."""
        given = self._net.tensor(self._input)()[0]  # where the network reads it: nothing is copied
        np.multiply(picture, self._step, out=given)
        if self._low:
            given += self._low
        del given  # the network does not run while anybody looks into it
        self._net.invoke()
        return [np.asarray(self._net.get_tensor(index), np.float32) for index in self._outputs]


#: What LiteRT writes to standard error, past Python, when the first network is made.
_PRAISE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"


@contextmanager
def _without_praise() -> Iterator[None]:
    """Pass on what is written to standard error meanwhile, but for that line."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        before = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            kept.seek(0)
            if said := kept.read().replace(_PRAISE, b""):
                os.write(2, said)


@dataclass(frozen=True)
class Face:
    """A detected face: its box in pixels, the middle of each eye, and how sure the network is."""

    x: float
    y: float
    width: float
    height: float
    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    score: float


class Detector:
    """Finds faces and their landmarks. Not to be shared between threads."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the models. Raises `ModelsMissing`."""
        self._detector = Net(models.FACE_DETECTION, folder, low=-1.0)
        self._mesh = Net(models.FACE_LANDMARKS, folder)
        self._anchors = _anchors()
        #: How sure the last mesh is that there is a face, before the sigmoid: 20 or more for a bare
        #: one, 8 for a masked one.
        self.presence = 0.0

    def faces(self, picture: Picture) -> list[Face]:
        """Every face, the largest first."""
        small, scale = _letter(picture)
        return sorted(self._distinct(small, scale), key=lambda face: -face.width)

    def faces_and_upright(self, picture: Picture) -> tuple[list[Face], float]:
        """Every face, and how much surer the network is of them than of those it sees when the
        picture is turned by half, -1 to 1; below 0 it stands on its head.

        Of an upside-down face the network makes an upright one with the mouth at the brow, and the
        mesh follows it; but it is less sure of it: of 464 pictures of bare faces by 0.07 at least.
        """
        small, scale = _letter(picture)
        here = self._distinct(small, scale)
        there = self._distinct(np.ascontiguousarray(small[::-1, ::-1]), scale)
        sure, turned = (max((face.score for face in found), default=0.0) for found in (here, there))
        return sorted(here, key=lambda face: -face.width), sure - turned

    def _distinct(self, small: Picture, scale: float) -> list[Face]:
        """The faces of a picture that was shrunk by `scale` to what the network takes."""
        height, width = small.shape[:2]
        left, top = (_DETECTOR_SIDE - width) // 2, (_DETECTOR_SIDE - height) // 2
        square = np.zeros((_DETECTOR_SIDE, _DETECTOR_SIDE, 3), np.uint8)
        square[top : top + height, left : left + width] = small
        offsets, scores = self._detector.run(square)
        certainty = 1.0 / (1.0 + np.exp(-np.clip(scores[0, :, 0], -50.0, 50.0)))
        found = np.flatnonzero(certainty >= _FACE_SCORE)
        points = offsets[0, found].reshape(-1, 8, 2).copy()
        points[:, [0, 2, 3, 4, 5, 6, 7]] += self._anchors[found][:, None] * _DETECTOR_SIDE
        points[:, [0, 2, 3, 4, 5, 6, 7]] -= (left, top)
        return _distinct(
            [
                _face(each / scale, float(score))
                for each, score in zip(points, certainty[found], strict=True)
            ]
        )

    def landmarks(self, picture: Picture, face: Face) -> Floats | None:
        """The 468 points of a face as 468 x 3, or None if the mesh sees no face there.

        z is the depth in pixels of the picture, towards the camera negative.

        Two passes: the detector's box is coarse (a tenth of the face), and the mesh is steadier
        when the face fills its picture in the way it was trained.
        """
        roll = np.arctan2(
            face.right_eye[1] - face.left_eye[1], face.right_eye[0] - face.left_eye[0]
        )
        centre = (face.x + face.width / 2, face.y + face.height / 2)
        side = max(face.width, face.height) * _MESH_MARGIN
        points = self._mesh_pass(picture, centre, side, float(roll))
        return None if points is None else self.follow(picture, points)

    def follow(self, picture: Picture, points: Floats) -> Floats | None:
        """The same points, in a picture where the face is about where `points` have it."""
        left, right = eye_middles(points)
        roll = np.arctan2(right[1] - left[1], right[0] - left[0])
        x, y, size = extent(points)
        return self._mesh_pass(picture, (x, y), size * _MESH_MARGIN, float(roll))

    def _mesh_pass(
        self, picture: Picture, centre: tuple[float, float], side: float, roll: float
    ) -> Floats | None:
        to_mesh = upright(centre, side, roll, _MESH_SIDE)
        # Outside of the frame the mesh sees black, as in its authors' graph.
        crop = cv2.warpAffine(picture, to_mesh, (_MESH_SIDE, _MESH_SIDE), flags=cv2.INTER_LINEAR)
        points, presence = self._mesh.run(crop)
        self.presence = float(presence.ravel()[0])
        if self.presence < 0.0:
            return None
        back = np.zeros((3, 4))
        back[:2, [0, 1, 3]] = cv2.invertAffineTransform(to_mesh)
        back[2, 2] = side / _MESH_SIDE  # of the depth
        found = cv2.transform(points.reshape(-1, 1, 3), back)
        return np.asarray(found, np.float32).reshape(-1, 3)


def _letter(picture: Picture) -> tuple[Picture, float]:
    """The picture as small as the detector takes it, and how much smaller that is."""
    height, width = picture.shape[:2]
    scale = _DETECTOR_SIDE / max(width, height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), scale


def eye_middles(points: Floats) -> tuple[Floats, Floats]:
    """Of the eye at the left of the picture and the one at the right. `points`: 468 x 2 or 3."""
    # Halves of sums: a mean along an axis takes ten times as long for so few points.
    outer_left, inner_left, inner_right, outer_right = points[[*LEFT_CORNERS, *RIGHT_CORNERS]]
    return (outer_left + inner_left) / 2, (inner_right + outer_right) / 2


def extent(points: Floats) -> tuple[float, float, float]:
    """Middle, across and down, and larger side of the box around points (n x 2 or 3)."""
    # In rows that lie in memory as they are read: across columns it takes eight times as long.
    x, y = np.ascontiguousarray(points[:, :2].T)
    left, right, top, bottom = float(x.min()), float(x.max()), float(y.min()), float(y.max())
    return (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top)


def upright(
    centre: tuple[float, float], side: float, roll: float, pixels: int
) -> NDArray[np.float64]:
    """The 2x3 transform that puts a square, turned by `roll` radians, into `pixels` squared."""
    scale = pixels / side
    cos, sin = math.cos(roll) * scale, math.sin(roll) * scale
    x, y = centre
    half = pixels / 2
    return np.array(
        [[cos, sin, half - cos * x - sin * y], [-sin, cos, half + sin * x - cos * y]], np.float64
    )


def _anchors() -> Floats:
    """Centres of the detector's 896 anchors, shares of its picture."""
    grids = []
    for cells, each in _ANCHOR_GRIDS:
        y, x = np.mgrid[0:cells, 0:cells]
        centres = np.stack((x, y), axis=-1).reshape(-1, 2)
        grids.append(np.repeat((centres + 0.5) / cells, each, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _face(points: Floats, score: float) -> Face:
    """From (centre, size, six points) in pixels. The first eye is on the picture's left."""
    (x, y), (width, height) = points[0].tolist(), points[1].tolist()
    left, right = points[2].tolist(), points[3].tolist()
    return Face(
        x=x - width / 2,
        y=y - height / 2,
        width=width,
        height=height,
        left_eye=(left[0], left[1]),
        right_eye=(right[0], right[1]),
        score=score,
    )


def _distinct(faces: list[Face]) -> list[Face]:
    """One face, the surest, for each heap of boxes that cover each other."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda each: -each.score):
        if all(_overlap(face, other) < _SAME_FACE for other in kept):
            kept.append(face)
    return kept


def _overlap(one: Face, other: Face) -> float:
    """Intersection over union of two boxes."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)
