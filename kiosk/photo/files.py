"""Any file that is said to be a picture -> RGB pixels, or a name for what is wrong with it.

For photos that did not come from this terminal's camera: what a technician checks, what a unit
uploads. Nothing is trusted: few formats, sizes read before pixels are decoded, bounded memory (a
picture of `_LARGEST_PICTURE` pixels takes 75 MB, and three times that for a moment) and time.
Nothing here raises for bad bytes.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

from kiosk.photo.parts import BAD_BYTES, too_many_parts

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture

#: Larger files are not opened, bytes.
_LARGEST_FILE = 30_000_000
#: Larger pictures are not decoded, pixels; a phone's 24 megapixels pass.
_LARGEST_PICTURE = 25_000_000
#: A smaller picture holds no face of any standard, pixels along a side.
_SMALLEST_SIDE = 100
#: Others are rarely photos, and their decoders are the ones that break.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
#: BMPs of run lengths: no photo is stored so, and Pillow undoes them in Python, 27 s for 28 MB.
_RUN_LENGTHS = (1, 2)
#: EXIF tag 274, and what is to be done for each value of it; 1, and whatever is no value of it, is
#: upright. Pillow's own `exif_transpose` also writes the EXIF anew, which some tags do not survive.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: A longer colour profile is not read, bytes; that of a printing press has two million.
_LARGEST_PROFILE = 4_000_000


class FileFinding(StrEnum):
    """What is unusual about a file. The first five mean that there are no pixels."""

    #: A folder, pipe or device, or a file that the system does not hand out.
    UNREADABLE = "unreadable"
    NOT_A_PICTURE = "not_a_picture"
    TRUNCATED = "truncated"
    #: Too many bytes, pixels or parts to be decoded.
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    #: Stored lying; it is turned as its EXIF says.
    ROTATED = "rotated"
    #: Without colour.
    GREY = "grey"
    CMYK = "cmyk"
    #: More than 8 bits a channel; the lower ones are dropped.
    DEEP = "deep"
    #: Partly transparent; it is laid on white.
    ALPHA = "alpha"
    #: In other colours than sRGB's (AdobeRGB, a telephone's P3, a press's); they are converted.
    PROFILE = "profile"


@dataclass(frozen=True)
class PictureFile:
    """`rgb`: height x width x 3 bytes, upright; None if the file cannot be used."""

    rgb: Picture | None
    findings: tuple[FileFinding, ...] = ()


UNREADABLE = PictureFile(None, (FileFinding.UNREADABLE,))


def read_picture(data: bytes) -> PictureFile:
    """The pixels of a file, and everything unusual about it. Never raises for bad bytes."""
    if len(data) > _LARGEST_FILE or too_many_parts(data):
        return PictureFile(None, (FileFinding.TOO_LARGE,))
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return PictureFile(None, (FileFinding.TOO_LARGE,))
    except BAD_BYTES:
        return PictureFile(None, (FileFinding.NOT_A_PICTURE,))
    with image:
        if stop := _not_to_be_decoded(image):
            return PictureFile(None, (stop,))
        profile = _profile(image)
        # Before decoding: loading forgets how the pixels were stored.
        findings = _kind(image, profile)
        try:
            rgb = _upright_rgb(image, profile)
        except BAD_BYTES:
            return PictureFile(None, (FileFinding.TRUNCATED,))
    return PictureFile(rgb, findings)


def file_bytes(file: Path) -> bytes | None:
    """What is in a file, up to one byte more than is opened; None if it is not one of bytes on a
    disk, or cannot be read. Waits for nobody. Raises `FileNotFoundError`."""
    try:
        # A pipe nobody writes to would be waited for for ever.
        number = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(number, "rb") as opened:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                return None
            # None where a file of the kernel has nothing to say now (its type says otherwise).
            found: bytes | None = opened.read(_LARGEST_FILE + 1)
            return found
    except FileNotFoundError:
        raise
    except OSError:
        return None


def _not_to_be_decoded(image: Image.Image) -> FileFinding | None:
    if image.width * image.height > _LARGEST_PICTURE:
        return FileFinding.TOO_LARGE
    if image.format == "BMP" and image.info.get("compression") in _RUN_LENGTHS:
        return FileFinding.NOT_A_PICTURE
    if min(image.size) < _SMALLEST_SIDE:
        return FileFinding.TOO_SMALL
    return None


def _kind(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> tuple[FileFinding, ...]:
    stored = "".join(str(tile[-1]) for tile in getattr(image, "tile", ()))
    present = {
        FileFinding.ROTATED: _turn(image) is not None,
        FileFinding.GREY: image.mode in ("1", "L", "LA") or image.mode.startswith(("I", "F")),
        FileFinding.CMYK: image.mode == "CMYK",
        FileFinding.DEEP: image.mode.startswith(("I", "F")) or ";16" in stored,
        FileFinding.ALPHA: image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info,
        FileFinding.PROFILE: profile is not None,
    }
    return tuple(finding for finding, is_so in present.items() if is_so)


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(int(image.getexif().get(_ORIENTATION, 1)))
    except BAD_BYTES:
        return None


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The colour profile to convert from; None for sRGB, and for one that cannot be read."""
    stored = image.info.get("icc_profile")
    if not isinstance(stored, bytes) or not 0 < len(stored) <= _LARGEST_PROFILE:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(stored))
        is_srgb = "srgb" in ImageCms.getProfileDescription(profile).lower()
    except (ImageCms.PyCMSError, *BAD_BYTES):
        return None
    return None if is_srgb else profile


def _in_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """The picture's colours as sRGB has them; as they are, where the profile is of another mode."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    coloured = image.convert("RGB") if alpha else image
    try:
        srgb = ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(coloured, profile, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *BAD_BYTES):
        return image
    if found is None:
        return image
    if alpha:
        found.putalpha(alpha)
    return found


def _upright_rgb(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Picture:
    """Decodes. Raises one of `BAD_BYTES`."""
    image.load()
    if (turn := _turn(image)) is not None:
        image = image.transpose(turn)
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64) >> 8
        image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    if image.mode in ("LA", "PA", "P") or "transparency" in image.info:
        image = image.convert("RGBA")
    if profile is not None:
        image = _in_srgb(image, profile)
    if image.mode == "RGBA":
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, image)
    return np.asarray(image.convert("RGB"))
