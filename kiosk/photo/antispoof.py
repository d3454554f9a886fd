"""Is it somebody, or a picture of somebody? A network that the operator brings; none ships.

A passive test looks at one frame and asks nobody to blink. Of the networks that were found for it
none says where its weights come from and what it was trained on, so the choice is the operator's:
`photo.antispoof` in the settings names a TOML file that describes one, and the file with its
weights, in ONNX, lies beside it (docs/photo.md has an example with its numbers).

    file = "network.onnx"    # beside the description
    sha256 = "…"             # of that file, 64 hexadecimal digits
    licence = "…"            # of the weights; for those who answer for it
    trained_on = "…"         # the pictures it was trained on, or that nobody says
    side = 128               # of the picture it takes, pixels
    reach = 2.7              # side of the square around the face, in the larger side of its box
    channels = "RGB"         # or "BGR"
    black = 0.0              # what it takes for black and for white
    white = 255.0
    live = 0                 # which of its outputs says that somebody is there
    softmax = true           # whether its outputs still have to be made shares of 1
    least = 0.5              # from which share on it is somebody

It is asked once for each photo, of the whole frame. Below its limit a person looks
(`kiosk.photo.review`); so they do where it was switched on and cannot be run. It never stops a
photo, and the citizen is told nothing.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from kiosk.photo import models
from kiosk.photo.detect import upright
from kiosk.photo.measures import Measure, unknown

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Picture

#: In the measure, the limit of every network is here.
_LIMIT = 0.5
_LARGEST_SIDE, _LARGEST_FILE = 1024, 200_000_000


class BadDescription(Exception):
    """A network that is not described as it must be, or is not the one described. Says why."""


@dataclass(frozen=True)
class Description:
    """As in the table above."""

    file: str
    sha256: str
    licence: str
    trained_on: str
    side: int
    reach: float = 2.7
    channels: str = "RGB"
    black: float = 0.0
    white: float = 255.0
    live: int = 0
    softmax: bool = True
    least: float = 0.5

    def __post_init__(self) -> None:
        """Raises `BadDescription`."""
        stated = (self.licence, self.trained_on)
        checks = {
            "file is a plain name": Path(self.file).name == self.file and self.file != "",
            "licence and trained_on say something": all(map(str.strip, stated)),
            f"side is 1 to {_LARGEST_SIDE}": 0 < self.side <= _LARGEST_SIDE,
            "reach is 0.5 to 10": 0.5 <= self.reach <= 10.0,
            "channels are RGB or BGR": self.channels in ("RGB", "BGR"),
            "black is not white": math.isfinite(self.white - self.black)
            and self.black != self.white,
            "live is 0 or more": self.live >= 0,
            "least is between 0 and 1": 0.0 < self.least < 1.0,
        }
        if wrong := [what for what, holds in checks.items() if not holds]:
            raise BadDescription("it must be that " + ", ".join(wrong))


def described(file: Path) -> Description:
    """Raises `BadDescription`."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadDescription(f"{file.name}: {error}") from None
    wanted = {field.name: str(field.type) for field in fields(Description)}
    kinds: dict[str, type[Any]] = {"str": str, "int": int, "float": float, "bool": bool}
    for name, value in given.items():
        kind = kinds.get(wanted.get(name, ""))
        if kind is None:
            raise BadDescription(f"{file.name}: nothing is called {name}")
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise BadDescription(f"{file.name}: {name} is no {wanted[name]}")
    try:
        return Description(**given)
    except TypeError:
        missing = [field.name for field in fields(Description) if field.default is MISSING]
        said = ", ".join(name for name in missing if name not in given)
        raise BadDescription(f"{file.name} does not say: {said}") from None


class AntiSpoof:
    """One network. Belongs to one thread."""

    def __init__(self, file: Path) -> None:
        """`file`: the description. Raises `BadDescription`, also where the network is not the one
        described or does not run."""
        self.described = described(file)
        weights = file.parent / self.described.file
        try:
            if weights.stat().st_size > _LARGEST_FILE:
                raise BadDescription(f"{weights.name} is too large")
            wanted = self.described.sha256.lower()
            content = models.checked(weights.read_bytes(), wanted, weights.name)
        except (OSError, models.ModelsMissing) as error:
            raise BadDescription(str(error)) from None
        side = self.described.side
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
            outputs = self._run(np.zeros((side, side, 3), np.uint8))
        except cv2.error as error:
            raise BadDescription(f"{weights.name} does not run: {error.err}") from None
        if self.described.live >= len(outputs):
            raise BadDescription(f"{weights.name} has {len(outputs)} outputs")

    def likeness(self, picture: Picture, face: Face) -> Measure:
        """That somebody is there, 0 to 1; the network's own limit lies at one half. Raises
        nothing."""
        side = max(face.width, face.height) * self.described.reach
        centre = (face.x + face.width / 2, face.y + face.height / 2)
        to_net = upright(centre, side, 0.0, self.described.side)
        size = (self.described.side, self.described.side)
        border = cv2.BORDER_REPLICATE
        try:
            crop = cv2.warpAffine(picture, to_net, size, flags=cv2.INTER_AREA, borderMode=border)
            outputs = self._run(np.asarray(crop, np.uint8))
        except cv2.error:
            return unknown("", "the network does not run")
        share = float(outputs[self.described.live])
        if not math.isfinite(share):
            return unknown("", "the network gives no number")
        least = self.described.least
        if share < least:
            return Measure(_LIMIT * max(share, 0.0) / least)
        return Measure(_LIMIT + (1.0 - _LIMIT) * min((share - least) / (1.0 - least), 1.0))

    def _run(self, crop: Picture) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Its outputs, in a row. Raises `cv2.error`."""
        wanted = self.described
        step = (wanted.white - wanted.black) / 255.0
        given = crop.astype(np.float32) * np.float32(step) + np.float32(wanted.black)
        if wanted.channels == "BGR":
            given = given[:, :, ::-1]
        self._net.setInput(np.ascontiguousarray(given.transpose(2, 0, 1)[None]))
        found = np.asarray(self._net.forward(), np.float64).ravel()
        if wanted.softmax and found.size:
            found = np.exp(found - found.max())
            found /= found.sum()
        return found
