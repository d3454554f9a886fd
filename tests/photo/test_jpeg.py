"""What may be sent in place of a photo: each has its own finding, and none stops the server."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kiosk.photo import JpegFinding, inspect_jpeg

Make = Callable[..., bytes]


def test_a_right_file_has_no_finding(jpeg_of: Make) -> None:
    found = inspect_jpeg(jpeg_of())
    assert found.ok
    assert found.report.line("file.quality").value == 70


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"mode": "L"}, JpegFinding.NOT_RGB),
        ({"mode": "CMYK"}, JpegFinding.NOT_RGB),
        ({"size": (357, 441)}, JpegFinding.WRONG_SIZE),
        ({"size": (441, 358)}, JpegFinding.WRONG_SIZE),
        ({"dpi": (300, 300)}, JpegFinding.WRONG_DENSITY),
        ({"dpi": (350, 300)}, JpegFinding.WRONG_DENSITY),
        ({"quality": 69}, JpegFinding.WRONG_QUALITY),
        ({"quality": 95}, JpegFinding.WRONG_QUALITY),
    ],
    ids=str,
)
def test_each_breach_has_its_finding(
    jpeg_of: Make, options: dict[str, object], finding: JpegFinding
) -> None:
    assert finding in inspect_jpeg(jpeg_of(**options)).findings


def test_without_a_density_in_the_header_the_density_is_wrong(jpeg_of: Make) -> None:
    data = bytearray(jpeg_of())
    data[data.index(b"JFIF\0") + 7] = 0  # units: none, as OpenCV writes them
    assert inspect_jpeg(bytes(data)).findings == (JpegFinding.WRONG_DENSITY,)


def test_the_quality_found_is_reported(jpeg_of: Make) -> None:
    assert inspect_jpeg(jpeg_of(quality=83)).report.line("file.quality").value == 83


def test_a_truncated_file(jpeg_of: Make) -> None:
    data = jpeg_of()
    assert inspect_jpeg(data[: len(data) // 2]).findings == (JpegFinding.TRUNCATED,)
    for lost in (100, 400):
        assert inspect_jpeg(data[:-lost]).findings == (JpegFinding.TRUNCATED,), "its last rows"


def test_a_file_cut_in_its_header(jpeg_of: Make) -> None:
    assert inspect_jpeg(jpeg_of()[:100]).findings == (JpegFinding.NOT_JPEG,)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"hello", b"\xff\xd8\xff\xe0" + b"\0" * 64])
def test_no_jpeg_at_all(data: bytes) -> None:
    assert inspect_jpeg(data).findings == (JpegFinding.NOT_JPEG,)


def test_a_picture_of_another_format() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (358, 441)).save(buffer, "PNG")
    assert inspect_jpeg(buffer.getvalue()).findings == (JpegFinding.NOT_JPEG,)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [5_000, 14_000, 65_000])
def test_a_header_that_promises_too_many_pixels_is_not_decoded(jpeg_of: Make, side: int) -> None:
    data = bytearray(jpeg_of())
    at = data.index(b"\xff\xc0") + 5  # start of frame: length, precision, then height and width
    data[at : at + 4] = struct.pack(">HH", side, side)
    assert JpegFinding.TOO_LARGE in inspect_jpeg(bytes(data)).findings


def test_a_file_of_too_many_bytes_is_not_opened(jpeg_of: Make) -> None:
    assert inspect_jpeg(jpeg_of() + b"\0" * 2_000_000).findings == (JpegFinding.TOO_LARGE,)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=6))
def test_damaged_bytes_never_raise(jpeg_of: Make, changes: list[tuple[int, int]]) -> None:
    data = bytearray(jpeg_of())
    for place, value in changes:
        data[place] = value
    inspect_jpeg(bytes(data))
