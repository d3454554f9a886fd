"""What a picture file may do to its decoder: more parts than any picture, and what is raised.

Pillow reads the head of a JPEG and the chunks of a PNG one by one, in Python: 30 MB of empty ones
keep it busy for half a minute, and of some it keeps a record, 700 MB of them. And each scan of a
JPEG goes over all of its pixels, however small the file. What is counted here is what costs Pillow
a step, so that a file that passes is read in a moment.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

#: What Pillow raises for bytes that are no picture, or no whole one. It catches much itself, but a
#: tag of an odd kind in an EXIF, or a chunk of an odd length, comes out as any of these.
BAD_BYTES = (
    *(OSError, SyntaxError, ValueError, LookupError, EOFError, ArithmeticError),
    *(AttributeError, TypeError, RuntimeError, NotImplementedError, struct.error),
)

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
#: Start of scan, and how many a file may have: a progressive photo has ten.
_SCAN, _MOST_SCANS = b"\xff\xda", 100
#: Segments before the first scan; a colour profile alone may take 255.
_MOST_SEGMENTS = 1_000
#: Usual writers cut a PNG every 8 KB: four thousand chunks in 30 MB.
_MOST_CHUNKS = 10_000
#: Second byte of the markers that are followed by nothing, and of those no decoder knows.
_BARE = frozenset({0x00, 0xC8, 0xFF, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
_LENGTH, _CHUNK_FRAME = 2, 12


def too_many_parts(data: bytes) -> bool:
    """Of a JPEG or PNG; every other file has none that matter."""
    if data.startswith(_JPEG):
        return data.count(_SCAN) > _MOST_SCANS or _more_than(_MOST_SEGMENTS, _segments(data))
    return data.startswith(_PNG) and _more_than(_MOST_CHUNKS, _chunks(data))


def _more_than(most: int, steps: Iterator[int]) -> bool:
    return next(islice(steps, most, None), None) is not None


def _segments(data: bytes) -> Iterator[int]:
    """Where a reader of a JPEG's head stops: at each segment, and at each byte that is none."""
    place = len(_JPEG) - 1
    while place + 1 < len(data):
        yield place
        first, code = data[place], data[place + 1]
        if first != _SCAN[0] or code == first:
            place += 1
        elif code == _SCAN[1]:
            return
        elif code in _BARE:
            place += 2
        else:
            length = int.from_bytes(data[place + 2 : place + 2 + _LENGTH], "big")
            place += 2 + max(length, _LENGTH)


def _chunks(data: bytes) -> Iterator[int]:
    """Where the chunks of a PNG begin."""
    place = len(_PNG)
    while place < len(data):
        yield place
        place += _CHUNK_FRAME + int.from_bytes(data[place : place + 4], "big")
