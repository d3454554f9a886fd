"""JPEG bytes to what the file rules ask: size, density, colours, quality. Needs no network.

Used on the photo just made, and by the central server on whatever arrives, so nothing is trusted:
the header is read first, and pixels are decoded only if their number is harmless.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from PIL import Image, JpegImagePlugin

from kiosk.photo.parts import BAD_BYTES, too_many_parts
from kiosk.photo.report import Report, Verdict, judge
from kiosk.photo.standard import THIRD_GENERATION, Standard

#: Larger files are not opened, bytes; fifty times what the standard calls usual.
_LARGEST_FILE = 2_000_000
#: Larger pictures are not decoded, pixels; a 4K frame passes.
_LARGEST_PICTURE = 10_000_000
#: JFIF: the density is in dots per inch.
_PER_INCH = 1


class JpegFinding(StrEnum):
    """Why a file is not the photo of a card."""

    #: No JPEG at all, or its header cannot be read.
    NOT_JPEG = "not_jpeg"
    TRUNCATED = "truncated"
    #: Too many bytes, pixels or parts to be looked at.
    TOO_LARGE = "too_large"
    #: Grey, CMYK or with more than 8 bits.
    NOT_RGB = "not_rgb"
    WRONG_SIZE = "wrong_size"
    WRONG_DENSITY = "wrong_density"
    WRONG_QUALITY = "wrong_quality"


@dataclass(frozen=True)
class JpegReport:
    """What was found; no finding means that the file keeps every file rule that is a must."""

    findings: tuple[JpegFinding, ...]
    report: Report

    @property
    def ok(self) -> bool:
        return not self.findings


#: Rule of the standard -> what its breach is called.
_NAMED = {
    "file.width": JpegFinding.WRONG_SIZE,
    "file.height": JpegFinding.WRONG_SIZE,
    "file.density": JpegFinding.WRONG_DENSITY,
    "file.colour_bits": JpegFinding.NOT_RGB,
    "file.quality": JpegFinding.WRONG_QUALITY,
}


def inspect_jpeg(data: bytes, standard: Standard = THIRD_GENERATION) -> JpegReport:
    """Check a file against the file rules of a standard. Never raises for bad bytes."""
    values = {"file.size": float(len(data))}
    if len(data) > _LARGEST_FILE or too_many_parts(data):
        return JpegReport((JpegFinding.TOO_LARGE,), judge(standard, values))
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG",))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return JpegReport((JpegFinding.TOO_LARGE,), judge(standard, values))
    except BAD_BYTES:
        return JpegReport((JpegFinding.NOT_JPEG,), judge(standard, values))
    with image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        values |= _header(image)
        report = judge(standard, values)
        findings = tuple(dict.fromkeys(_NAMED[rule] for rule in report.broken() if rule in _NAMED))
        return JpegReport(findings + _decoded(image), report)


def file_values(data: bytes) -> dict[str, float]:
    """Rule id -> value of the file rules, for bytes known to be a JPEG."""
    report = inspect_jpeg(data).report
    return {
        line.rule.id: line.value
        for line in report.lines
        if line.value is not None and line.verdict != Verdict.CANNOT_TELL
    }


def _header(image: JpegImagePlugin.JpegImageFile) -> dict[str, float]:
    per_inch = image.info.get("jfif_unit") == _PER_INCH
    across, down = image.info.get("jfif_density", (0, 0)) if per_inch else (0, 0)
    return {
        "file.width": float(image.width),
        "file.height": float(image.height),
        "file.density": float(across if across == down else 0),
        "file.colour_bits": float(image.bits * 3 if image.mode == "RGB" else image.bits),
        "file.quality": float(_quality(image) or 0),
    }


def _decoded(image: JpegImagePlugin.JpegImageFile) -> tuple[JpegFinding, ...]:
    """Whether all pixels are there: read from first to last, and made in grey and an eighth of the
    size, which takes half the time."""
    if image.width * image.height > _LARGEST_PICTURE:
        return (JpegFinding.TOO_LARGE,)
    try:
        image.draft("L", (1, 1))
        image.load()
    except BAD_BYTES:
        return (JpegFinding.TRUNCATED,)
    return ()


def _quality(image: JpegImagePlugin.JpegImageFile) -> int | None:
    """The quality factor whose tables the file uses, if it is one of libjpeg's."""
    tables = {key: tuple(table) for key, table in image.quantization.items()}
    return next((factor for factor in _by_likelihood() if _tables(factor) == tables), None)


def _by_likelihood() -> list[int]:
    """70 first: it is what a correct file has, and each factor not yet seen costs an encoding."""
    return sorted(range(1, 101), key=lambda factor: (factor != THIRD_GENERATION.quality, factor))


@cache
def _tables(factor: int) -> dict[int, tuple[int, ...]]:
    """The quantisation tables of a factor, read from a picture encoded with it."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=factor)
    with Image.open(buffer) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        return {key: tuple(table) for key, table in image.quantization.items()}
