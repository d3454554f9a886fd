"""Files that are said to be pictures: pixels or a named finding, no exception and no hang."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from central.pictures import size_of
from kiosk.photo.faces import jpeg_picture
from kiosk.photo.files import FileFinding, file_bytes, read_picture
from kiosk.photo.jpeg import JpegFinding, inspect_jpeg

Make = Callable[..., bytes]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (200, 120)) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", size, (0, 0, 200))
    image.paste((200, 0, 0), (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def deep(size: int = 120) -> bytes:
    """A PNG of 16 bits a channel, red; Pillow cannot write one."""
    row = b"\0" + struct.pack(">HHH", 51_400, 257, 257) * size
    header = struct.pack(">IIBBBBB", size, size, 16, 2, 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    data = zlib.compress(row * size)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_plain_picture_has_pixels_and_no_finding(kind: str) -> None:
    found = read_picture(encoded(halves(), kind))
    assert found.findings == ()
    assert found.rgb is not None
    assert found.rgb.shape == (120, 200, 3)
    assert abs(int(found.rgb[60, 20, 0]) - 200) < 12


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (encoded(halves("CMYK"), "JPEG"), FileFinding.CMYK),
        (encoded(halves("L"), "JPEG"), FileFinding.GREY),
        (encoded(Image.new("I;16", (120, 120), 30_000)), FileFinding.DEEP),
        (deep(), FileFinding.DEEP),
        (encoded(halves("RGBA")), FileFinding.ALPHA),
        (encoded(halves("LA")), FileFinding.ALPHA),
    ],
    ids=["CMYK", "grey", "grey of 16 bit", "16 bit", "alpha", "grey with alpha"],
)
def test_an_unusual_picture_is_named_and_still_read(data: bytes, finding: FileFinding) -> None:
    found = read_picture(data)
    assert finding in found.findings
    assert found.rgb is not None
    assert (found.rgb.dtype, found.rgb.shape[2]) == (np.dtype(np.uint8), 3)


def test_deep_colours_keep_their_upper_bits() -> None:
    rgb = read_picture(deep()).rgb
    assert rgb is not None
    assert rgb[5, 5].tolist() == [200, 1, 1]


def test_what_is_transparent_lies_on_white() -> None:
    rgb = read_picture(encoded(Image.new("RGBA", (120, 120), (200, 0, 0, 0)))).rgb
    assert rgb is not None
    assert rgb[0, 0].tolist() == [255, 255, 255]


def test_a_picture_stored_lying_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right of what is stored
    found = read_picture(encoded(halves(), "JPEG", exif=exif, quality=95))
    assert found.findings == (FileFinding.ROTATED,)
    assert found.rgb is not None
    assert found.rgb.shape == (200, 120, 3)
    assert int(found.rgb[20, 60, 0]) > 150  # the left side is now on top
    assert int(found.rgb[180, 60, 2]) > 150


def with_exif(*entries: tuple[int, int, bytes]) -> bytes:
    """A JPEG that says it lies on its side, with more tags: number, type, four or eight bytes."""
    tags = [(0x0112, 3, struct.pack("<HH", 6, 0)), *entries]
    place = 8 + 2 + 12 * len(tags) + 4
    directory, far = struct.pack("<H", len(tags)), b""
    for tag, kind, value in tags:
        where = value if len(value) == 4 else struct.pack("<I", place + len(far))
        far += b"" if len(value) == 4 else value
        directory += struct.pack("<HHI", tag, kind, 1) + where
    body = b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory + bytes(4) + far
    return encoded(halves(), "JPEG", exif=body, quality=95)


@pytest.mark.parametrize(
    "entry",
    [
        (0x011A, 10, struct.pack("<ii", -72, 1)),  # a resolution below nothing
        (0x0132, 5, struct.pack("<II", 6, 1)),  # a date that is a fraction
        (0x011A, 5, struct.pack("<II", 0, 0)),  # no number
        (0x9201, 10, struct.pack("<ii", -(2**31), -1)),
        (0x927C, 12, struct.pack("<d", float("nan"))),
    ],
    ids=["signed resolution", "date of a fraction", "nan", "overflow", "double"],
)
def test_odd_tags_in_an_exif_do_not_keep_the_picture_from_being_turned(
    entry: tuple[int, int, bytes],
) -> None:
    data = with_exif(entry)
    found = read_picture(data)
    assert found.findings == (FileFinding.ROTATED,)
    assert found.rgb is not None and found.rgb.shape == (200, 120, 3)
    inspect_jpeg(data)
    assert size_of(data, "JPEG") == (200, 120)
    assert jpeg_picture(data) is not None


@pytest.mark.parametrize("turn", range(2, 9))
def test_each_way_a_picture_may_lie_is_the_one_pillow_knows(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    image = halves()
    image.paste((0, 200, 0), (0, 0, 200, 30))
    data = encoded(image, "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    found = read_picture(data)
    assert found.rgb is not None
    assert np.array_equal(found.rgb, expected)


def profile(*primaries: tuple[float, float, float]) -> bytes:
    """An ICC profile of three primaries (their XYZ under D50) and a gamma of 2.2."""

    def fixed(*numbers: float) -> bytes:
        return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 6) + b"other\0" + bytes(78)
    parts = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none", b"wtpt": None}
    bodies: list[tuple[bytes, bytes]] = [
        (name, body or b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249))
        for name, body in parts.items()
    ]
    for channel, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        bodies.append((channel + b"XYZ", b"XYZ " + bytes(4) + fixed(*primary)))
        bodies.append((channel + b"TRC", curve))
    place = 128 + 4 + 12 * len(bodies)
    index, data = struct.pack(">I", len(bodies)), b""
    for name, body in bodies:
        index += name + struct.pack(">II", place + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4sI", place + len(data), bytes(4), 0x02400000) + b"mntrRGB XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + index + data


#: AdobeRGB (1998), adapted to D50.
ADOBE = profile((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_other_colours_become_those_of_srgb(mode: str) -> None:
    """A skin that AdobeRGB stores as (190, 150, 130) is redder in sRGB."""
    data = encoded(Image.new(mode, (120, 120), (190, 150, 130)), icc_profile=ADOBE)
    found = read_picture(data)
    assert FileFinding.PROFILE in found.findings
    assert found.rgb is not None
    red, green, blue = map(int, found.rgb[60, 60])
    assert red == pytest.approx(205, abs=3)
    assert green == pytest.approx(150, abs=3)
    assert blue == pytest.approx(129, abs=3)


@pytest.mark.parametrize("stored", [b"junk", ADOBE[:200], ADOBE.replace(b"RGB ", b"CMYK", 1)])
def test_a_profile_that_cannot_be_used_changes_nothing(stored: bytes) -> None:
    data = encoded(Image.new("RGB", (120, 120), (190, 150, 130)), icc_profile=stored)
    rgb = read_picture(data).rgb
    assert rgb is not None
    assert rgb[60, 60].tolist() == [190, 150, 130]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_truncated_file(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    found = read_picture(data[: len(data) * 2 // 3])
    assert found.rgb is None
    assert found.findings[0] in (FileFinding.TRUNCATED, FileFinding.NOT_A_PICTURE)


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + bytes(40), b"%PDF-1.7", bytes(5000)])
def test_no_picture_at_all(data: bytes) -> None:
    assert read_picture(data).findings == (FileFinding.NOT_A_PICTURE,)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [6_000, 12_000, 40_000])
def test_a_bomb_is_not_decoded(side: int) -> None:
    """A few kilobytes that promise up to 1.6 thousand million pixels."""
    data = bytearray(encoded(Image.new("RGB", (120, 120))))
    header = b"IHDR" + struct.pack(">II", side, side) + bytes(data[24:29])
    data[12:33] = header + struct.pack(">I", zlib.crc32(header))
    tracemalloc.start()
    found = read_picture(bytes(data))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.findings == (FileFinding.TOO_LARGE,)
    assert most < 2_000_000


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as opened:
        opened.truncate(40_000_000)
    data = file_bytes(file)
    assert data is not None and len(data) < 40_000_000
    assert read_picture(data).findings == (FileFinding.TOO_LARGE,)


def test_a_file_that_goes_over_its_pixels_for_hours_is_not_decoded() -> None:
    data = encoded(halves(size=(400, 400)), "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    again = data[start : data.rindex(b"\xff\xd9")]
    found = read_picture(data[:start] + again * 200 + b"\xff\xd9")
    assert found.findings == (FileFinding.TOO_LARGE,)


def _chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


JPEG, PNG = (encoded(halves(size=(400, 400)), kind) for kind in ("JPEG", "PNG"))


@pytest.mark.parametrize(
    "made",
    [
        lambda: JPEG[:2] + b"\xff\xe5\x00\x02" * 7_000_000 + JPEG[2:],
        lambda: JPEG[:2] + b"\xff\xe5\x00\x00" * 7_000_000 + JPEG[2:],
        lambda: JPEG[:2] + b"\xff" * 29_000_000 + JPEG[2:],
        lambda: JPEG[:2] + b"\xff\xe0\x00\x02" + b"junk" * 7_000_000 + JPEG[2:],
        lambda: JPEG[:2] + (b"\xff\xf0" + b"\xea\x60" * 30_000) * 450 + JPEG[2:],
        lambda: PNG[:33] + _chunk(b"prVt") * 2_300_000 + PNG[33:],
        lambda: PNG[:-12] + _chunk(b"IDAT") * 2_300_000 + PNG[-12:],
    ],
    ids=["segments", "no length", "fill", "junk", "bare markers", "chunks", "data in chunks"],
)
def test_a_file_of_a_million_parts_is_not_walked_through(
    made: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a minute of Pillow each; so it must not even be asked."""
    data = made()
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("Pillow was asked"))
    assert read_picture(data).findings == (FileFinding.TOO_LARGE,)
    assert size_of(data, "JPEG") is size_of(data, "PNG") is None
    assert inspect_jpeg(data[:2_000_000]).findings[0] in (
        JpegFinding.TOO_LARGE,
        JpegFinding.NOT_JPEG,
    )


def test_what_a_phone_writes_has_few_parts() -> None:
    """A long colour profile in 255 pieces, notes, a PNG in pieces of 8 KB."""
    pieces = b"".join(b"\xff\xe2\x00\x10ICC_PROFILE\x00" + bytes((i, 255)) for i in range(1, 256))
    assert read_picture(JPEG[:2] + pieces + JPEG[2:]).rgb is not None
    texts = _chunk(b"tEXt", b"a\0b") * 500
    assert read_picture(PNG[:33] + texts + PNG[33:]).rgb is not None


def test_run_lengths_are_not_undone() -> None:
    header = struct.pack(
        "<IHHIIiiHHIIiiII", 100, 0, 0, 1078, 40, 400, 400, 1, 8, 1, 0, 0, 0, 256, 0
    )
    data = b"BM" + header + bytes(1024) + b"\x01\x07" * 160_000
    assert read_picture(data).findings == (FileFinding.NOT_A_PICTURE,)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "endless", "refused"])
def test_what_is_no_file_of_bytes_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    places = {
        "folder": tmp_path,
        "pipe": tmp_path / "pipe",
        "device": Path("/dev/tty"),
        "endless": Path("/dev/zero"),
        "refused": Path("/proc/self/mem"),  # a file, of which nothing can be read at its start
    }
    assert file_bytes(places[kind]) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_file_cut_anywhere_has_no_pixels_and_a_name(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (150, 150, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    for length in range(0, len(data) - 64, 1024):
        found = read_picture(data[:length])
        assert found.rgb is None
        assert found.findings in ((FileFinding.TRUNCATED,), (FileFinding.NOT_A_PICTURE,))


def test_a_stamp_is_too_small() -> None:
    assert read_picture(encoded(halves(size=(60, 80)))).findings == (FileFinding.TOO_SMALL,)


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "BMP", "WEBP"]),
    changes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=8),
)
def test_damaged_bytes_never_raise(kind: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(halves(), kind))
    for place, value in changes:
        data[place % len(data)] = value
    found = read_picture(bytes(data))
    assert (found.rgb is None) <= bool(found.findings)
