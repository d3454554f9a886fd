"""The portrait in a virtual ID card: 1,024 bytes that look like WLT from outside and are not.

How a real chip packs its portrait is not published and takes a licensed library (`hardware.wlt`).
The demo needs a portrait that can be opened all the same, so this is a format of our own: eight
bytes that say so, the length of what follows, a WebP picture of 102 x 126 pixels, zeros up to
1,024. No vendor's library opens it, and `devices.wlt_library = "demo"`, which does, is refused in
production. As a command it is what a vendor's library is to `hardware.wlt`:

    python -m hardware.virtual.demo_wlt  < 1024 bytes  > 102 x 126 x 3 bytes
"""

from __future__ import annotations

import io
import sys

from PIL import Image, UnidentifiedImageError

MARK = b"NOT-WLT1"
BYTES = 1024
SIZE = (102, 126)

_LENGTH = 2
_ROOM = BYTES - len(MARK) - _LENGTH


def packed(picture: Image.Image) -> bytes:
    """A picture of `SIZE`, with as much of it as fits. Raises `ValueError` for another size."""
    if picture.size != SIZE:
        raise ValueError(f"a portrait has {SIZE[0]} x {SIZE[1]} pixels")
    for quality in range(80, -1, -2):
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= _ROOM:
            content = buffer.getvalue()
            head = MARK + len(content).to_bytes(_LENGTH, "big")
            return (head + content).ljust(BYTES, b"\0")
    raise ValueError("the picture does not fit into a portrait")


def decode(wlt: bytes) -> bytes | None:
    """Red first, top row first; None for anything but such a portrait."""
    if len(wlt) != BYTES or not wlt.startswith(MARK):
        return None
    start = len(MARK) + _LENGTH
    length = int.from_bytes(wlt[len(MARK) : start], "big")
    try:
        with Image.open(io.BytesIO(wlt[start : start + length]), formats=["WEBP"]) as image:
            return image.convert("RGB").tobytes() if image.size == SIZE else None
    except (UnidentifiedImageError, OSError, ValueError):
        return None


def main() -> int:
    pixels = decode(sys.stdin.buffer.read(BYTES + 1))
    if pixels is None:
        return 1
    sys.stdout.buffer.write(pixels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
