"""A frame with a face to its measures (`kiosk.photo.measures`): which networks are run, and when.

How far each measure is valid is known to `kiosk.photo.validity`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo import validity
from kiosk.photo.detect import Detector
from kiosk.photo.eyes import Eye, EyeReader
from kiosk.photo.hands import HandFinder
from kiosk.photo.held_up import sides
from kiosk.photo.measure import Head, Ruler
from kiosk.photo.measures import Measure, unknown
from kiosk.photo.mouth import mouth
from kiosk.photo.pose import pose
from kiosk.photo.skin import Skin, skin
from kiosk.photo.track import Part, Track, moved

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Floats, Picture

#: A second face of at least this part of the first one's width is somebody in the booth.
_SECOND_FACE = 0.3
_NOT_YET = "not looked for yet"
#: No masked face of a hundred is surer when it is turned by more than this.
_SURELY_TURNED = -0.1
#: A thumbnail that the sensor's noise does not reach, pixels; and of how many pixels of the frame
#: each of them is the mean, at least.
_THUMBNAIL, _ENOUGH = (64, 36), 20


@dataclass(frozen=True)
class Sight:
    """What is in one frame. `head` is None if there is no face that can be measured."""

    faces: tuple[Face, ...]
    head: Head | None
    measures: dict[str, Measure]
    #: Mean and standard deviation of the frame's brightness.
    light: float
    contrast: float


class Gauge:
    """All networks together. Belongs to one thread."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the models. Raises `ModelsMissing`."""
        self._detector = Detector(folder)
        self._ruler = Ruler(folder)
        self._eyes = EyeReader(folder)
        self._hands = HandFinder(folder)
        self._track: Track | None = None

    def measure(self, rgb: Picture, live: bool = False) -> Sight:
        """A frame of any size: height x width x 3 bytes, RGB. Raises nothing.

        `live`: the frame follows the live one before it, and not everything is measured anew
        (`kiosk.photo.track`).
        """
        thumbnail = _thumbnail(rgb)
        found, light, contrast = _frame(thumbnail)
        track = self._live_track(thumbnail) if live else Track(thumbnail)
        self._find(rgb, track)
        faces, mesh = track.faces, track.mesh
        near = [face for face in faces if face.width >= _SECOND_FACE * faces[0].width]
        found["person.count"] = Measure(float(len(near)))
        found["frame.upright"] = Measure(track.upright)
        if mesh is None:
            return Sight(faces, None, found, light, contrast)
        head = self._head(rgb, track, mesh)
        if head.face_width <= 0 or head.height <= 0 or head.crown_to_eyes <= 0:  # seen from behind
            track.mesh = None
            return Sight(faces, None, found, light, contrast)
        found["face.pixels"] = Measure(head.face_width, "px")
        turn = pose(mesh)
        found["head.yaw"] = Measure(turn.yaw, "degree")
        # People differ by some degrees in what the mesh takes for level.
        found["head.pitch"] = Measure(turn.pitch, "degree", 0.7)
        found["head.roll"] = Measure(math.degrees(head.roll), "degree")
        if track.silhouette is not None:
            found["person.beside"] = Measure(track.beside, "", 0.7)
        face, eyes = self._face(rgb, track, mesh, head)
        # Half a face looks a little like one on its head; one on its head, much like half a face.
        if validity.is_masked(face) and track.upright > _SURELY_TURNED:
            found["frame.upright"] = Measure(track.upright, "", 0.4)
        found |= validity.light(face, track.behind, validity.are_shut(eyes)) | validity.glasses(
            face
        )
        found |= validity.background(track.behind, track.clothes)
        found |= validity.eyes(eyes, abs(turn.yaw), face)
        found |= validity.mouth(mouth(mesh), face)
        found["person.ears"] = validity.ears(face, abs(turn.yaw))
        found["face.hand"] = self._hand(rgb, track)
        found["person.held_up"] = self._held_up(rgb, track, head)
        return Sight(faces, head, found, light, contrast)

    # -- measured, or known from the frame before --------------------------------------------

    def _live_track(self, thumbnail: Picture) -> Track:
        if self._track is None or not self._track.goes_on(thumbnail):
            self._track = Track(thumbnail, live=True)
        return self._track

    def _find(self, rgb: Picture, track: Track) -> None:
        """Every face, the largest first, and the mesh of that one."""
        before = track.mesh
        if before is not None and Part.FACES not in track.turn:
            mesh = self._detector.follow(rgb, before)
            if mesh is not None:
                track.faces = (moved(track.faces[0], before, mesh), *track.faces[1:])
                track.mesh = mesh
                return
            track.begin()
        found, track.upright = self._detector.faces_and_upright(rgb)
        track.faces = faces = tuple(found)
        track.mesh = self._detector.landmarks(rgb, faces[0]) if faces else None

    def _head(self, rgb: Picture, track: Track, mesh: Floats) -> Head:
        earlier = None if Part.SILHOUETTE in track.turn else track.silhouette
        head, silhouette = self._ruler.measure(rgb, mesh, earlier)
        if silhouette is not earlier:
            track.silhouette = silhouette
            chin = head.chin_y - head.eye_y
            track.behind = silhouette.behind(chin)
            track.beside = silhouette.beside(chin, head.face_width)
            below = rgb.shape[0] - head.eye_y
            wall = None if track.behind is None else track.behind.tones
            track.clothes = silhouette.clothes(chin, head.face_width, below, wall)
        return head

    def _face(
        self, rgb: Picture, track: Track, mesh: Floats, head: Head
    ) -> tuple[Skin, tuple[Eye, Eye]]:
        if track.skin is None or Part.SKIN in track.turn:
            track.skin = skin(rgb, mesh, head, self._detector.presence)
        if track.eyes is None:
            track.eyes = self._eyes.read(rgb, mesh)
        else:
            track.eyes = self._eyes.follow(rgb, mesh, track.eyes, track.frame % 2)
        return track.skin, track.eyes

    def _hand(self, rgb: Picture, track: Track) -> Measure:
        if Part.HAND in track.turn:
            track.hand = self._hands.likeness(rgb, track.faces[0])
        if track.hand is None:
            return unknown("", _NOT_YET)
        return Measure(track.hand, "", 0.6)

    @staticmethod
    def _held_up(rgb: Picture, track: Track, head: Head) -> Measure:
        if not track.knows(Part.HELD_UP):
            return unknown("side", _NOT_YET)
        if Part.HELD_UP in track.turn:
            track.held_up = sides(rgb, head)
        if track.held_up is None:
            return unknown("side", "the picture ends beside the head")
        return Measure(float(track.held_up), "side", 0.6)

    def person(self, rgb: Picture) -> Floats | None:
        """Where the largest face's person is: height x width, 0 to 1; None without a face."""
        faces = self._detector.faces(rgb)
        mesh = self._detector.landmarks(rgb, faces[0]) if faces else None
        if mesh is None:
            return None
        head, silhouette = self._ruler.measure(rgb, mesh)
        size = (rgb.shape[1], rgb.shape[0])
        return silhouette.over((head.eye_x, head.eye_y), head.roll, size)


def _thumbnail(rgb: Picture) -> Picture:
    # Every so many rows: averaging all of a frame takes ten times as long.
    across, down = _THUMBNAIL
    rows = down * math.ceil(_ENOUGH * across / rgb.shape[1])
    step = max(rgb.shape[0] // rows, 1)
    few = rgb[step // 2 :: step]
    return np.asarray(cv2.resize(few, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.uint8)


def _frame(small: Picture) -> tuple[dict[str, Measure], float, float]:
    """Of a thumbnail: measures, mean and standard deviation of the brightness."""
    mean, deviation = cv2.meanStdDev(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    light, contrast = float(mean[0, 0]), float(deviation[0, 0])
    red, green, blue = cv2.split(small)
    brightest, darkest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return (
        {
            "frame.light": Measure(light, "level"),
            "frame.colour": Measure(cv2.mean(brightest)[0] - cv2.mean(darkest)[0], "level"),
        },
        light,
        contrast,
    )
