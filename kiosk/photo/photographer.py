"""From the camera to the card: look at a frame, say what is wrong, make the photo.

`look` is for the preview: the same measuring as `make`, so that what the citizen is told is what
would stop the photo. `make` measures its own result again, from the finished bytes; a difference
between the two measurements is corrected, and a photo that still does not measure as it should is
not handed out.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kiosk.photo import jpeg, report
from kiosk.photo.advice import Objection, first_told, objections
from kiosk.photo.antispoof import AntiSpoof, BadDescription
from kiosk.photo.background import treat
from kiosk.photo.crop import OVERHANG, Crop, cut, overhang, solve
from kiosk.photo.encode import encode
from kiosk.photo.findings import CardPhoto, Finding, FindingCode, Look, PhotoRefused
from kiosk.photo.gauge import Gauge, Sight
from kiosk.photo.measures import Measure, unknown
from kiosk.photo.models import models_dir
from kiosk.photo.report import Report
from kiosk.photo.standard import THIRD_GENERATION, Background, Standard

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Picture
    from kiosk.photo.measure import Head

#: Mean brightness (0 to 255) below which a frame is dark.
_DARK_FRAME = 45.0
#: Standard deviation of brightness below which a dark frame shows nothing at all.
_NO_DETAIL = 5.0
#: How often a photo is made, each time with what measuring the one before has shown.
_ATTEMPTS = 3


@dataclass(frozen=True)
class _View:
    """A frame that a photo can be made of (`crop`), or not."""

    finding: Finding
    sight: Sight
    crop: Crop | None = None


class Photographer:
    """Looks at frames and makes card photos. Belongs to one thread.

    A frame is an array of height x width x 3 bytes, RGB, upright, not mirrored. `excused`: the
    citizen wears something that cannot be taken off; the rules about it are then left to staff.
    """

    def __init__(
        self,
        models: Path | None = None,
        standard: Standard = THIRD_GENERATION,
        antispoof: Path | None = None,
    ) -> None:
        """`models`: their folder; `antispoof`: the description of a network that the operator
        switched on. Raises `kiosk.photo.models.ModelsMissing`."""
        self.standard = standard
        self._gauge = Gauge(models or models_dir())
        self._likeness_of_life = _asked_of(antispoof)

    def look(self, rgb: Picture, excused: bool = False) -> Look:
        """What stands in the way of a photo, the most important first. Raises nothing.

        The frame is the next one of a stream: what changes slowly is measured in turns.
        """
        view = self._view(rgb, excused, live=True)
        return Look(view.finding, view.sight.measures)

    def look_once(self, rgb: Picture, excused: bool = False) -> Look:
        """The same of a single picture, of which everything is measured now. Raises nothing."""
        view = self._view(rgb, excused)
        return Look(view.finding, view.sight.measures)

    def make(self, rgb: Picture, excused: bool = False) -> CardPhoto:
        """The photo of the one person in the frame. Raises `PhotoRefused`.

        What is returned meets every rule that is a must when its bytes are measured again, but for
        hair that had to be cut, which the report says.
        """
        view = self._view(rgb, excused)
        head, crop = view.sight.head, view.crop
        if head is None or crop is None:
            raise PhotoRefused(view.finding)
        if self._likeness_of_life is not None:
            view.sight.measures["person.live"] = self._likeness_of_life(rgb, view.sight.faces[0])
        for _ in range(_ATTEMPTS):
            image = self._treated(cut(rgb, head, crop, self.standard))
            data = encode(image, self.standard)
            again = self._measure_finished(data, view.sight)
            if again.head is None:
                break
            found = self.judge(data, again, crop.hair_cut, excused)
            if found.met:
                digest = hashlib.sha256(data).hexdigest()
                return CardPhoto(data, digest, image.width, image.height, found)
            head = _corrected(head, again.head, crop)
            crop = solve(head, self.standard, _size(rgb))
        raise PhotoRefused(replace(view.finding, code=FindingCode.UNCERTAIN, stops=True))

    def measure(self, rgb: Picture) -> Sight:
        """Everything about a picture, whatever is in it. Raises nothing."""
        return self._gauge.measure(rgb)

    def judge(
        self, data: bytes, sight: Sight, hair_cut: bool = False, excused: bool = False
    ) -> Report:
        """The compliance report of a finished JPEG. `sight`: measured on its pixels."""
        rules = {rule.id for rule in self.standard.rules}
        values: dict[str, float | Measure] = {
            name: measure for name, measure in sight.measures.items() if name in rules
        }
        values |= jpeg.file_values(data)
        if (head := sight.head) is not None:
            values |= {
                "face.width": head.face_width,
                "face.eyes_x": head.eye_x,
                "face.eyes_above_bottom": self.standard.height - head.eye_y,
                "face.height_share": head.height / self.standard.height,
            }
            if not hair_cut:  # cut hair has no top; the report then says "cannot tell"
                values["face.crown"] = head.crown_y
        return report.judge(self.standard, values, excused)

    # -- looking -----------------------------------------------------------------------------

    def _view(self, rgb: Picture, excused: bool, live: bool = False) -> _View:
        sight = self._gauge.measure(rgb, live)
        box = _shares(sight.faces[0], rgb) if sight.faces else None
        if sight.light < _DARK_FRAME and sight.contrast < _NO_DETAIL:
            return _View(Finding(FindingCode.COVERED, box), sight)
        if sight.head is None:
            dark = sight.light < _DARK_FRAME
            code = FindingCode.TOO_DARK if dark else FindingCode.NO_FACE
            if _on_its_head(sight):
                code = FindingCode.UPSIDE_DOWN
            return _View(Finding(code, box), sight)
        crop = solve(sight.head, self.standard, _size(rgb))
        found = objections(self.standard, sight.measures, excused)
        # The width of a turned head says nothing about how far away it is.
        turned = any(one.code == FindingCode.LOOK_STRAIGHT for one in found)
        found += self._misplaced(rgb, sight.head, crop, turned)
        first = min(found, key=first_told, default=Objection(FindingCode.OK, False))
        finding = Finding(first.code, box, first.stops)
        return _View(finding, sight, None if first.stops else crop)

    def _misplaced(self, rgb: Picture, head: Head, crop: Crop, turned: bool) -> list[Objection]:
        """Whether the head is where it cannot be photographed."""
        narrowest = self.standard.rule("face.width").low
        if narrowest is not None and head.face_width < narrowest:  # it would have to be blown up
            return [] if turned else [Objection(FindingCode.TOO_FAR, True)]
        if overhang(crop, head, self.standard, _size(rgb)) > OVERHANG + 0.01:  # of rounding
            too_large = self.standard.height / crop.scale > rgb.shape[0]
            code = FindingCode.TOO_NEAR if too_large else FindingCode.OFF_CENTRE
            return [Objection(code, True)]
        return []

    # -- making ------------------------------------------------------------------------------

    def _treated(self, image: Image.Image) -> Image.Image:
        """With the background as the profile has it."""
        if self.standard.background == Background.AS_IS:
            return image
        rgb = np.asarray(image.convert("RGB"))
        person = self._gauge.person(rgb)
        if person is None:
            return image
        return Image.fromarray(treat(rgb, person, self.standard.background))

    def _measure_finished(self, data: bytes, whole: Sight) -> Sight:
        """`whole`: the frame, in which is seen what the photo's edges cut off."""
        with Image.open(io.BytesIO(data)) as image:
            sight = self._gauge.measure(np.asarray(image.convert("RGB")))
        sight.measures["photo.age"] = Measure(0.0, "month")  # it was taken just now
        for name in {"person.held_up", "clothes.apart", "person.live"} & whole.measures.keys():
            sight.measures[name] = whole.measures[name]
        return sight


def _asked_of(description: Path | None) -> Callable[[Picture, Face], Measure] | None:
    """What says whether somebody is there; None where nobody wants to know. A network that cannot
    be had stops no photo, but what was asked for stays open."""
    if description is None:
        return None
    try:
        return AntiSpoof(description).likeness
    except BadDescription as bad:
        why = str(bad)
        return lambda _picture, _face: unknown("", why)


def _on_its_head(sight: Sight) -> bool:
    upright = sight.measures["frame.upright"].value
    return upright is not None and upright < 0.0


def _size(rgb: Picture) -> tuple[int, int]:
    return rgb.shape[1], rgb.shape[0]


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
