"""The portrait in a resident ID card's chip (WLT, 1024 bytes), by a vendor's library.

The format is not published, so it takes a library with a licence; without one a card has no
portrait here and everything goes on. Such libraries were seen to crash and to hang, so each
portrait is decoded in a process of its own, which is ended when it takes too long:

    python -m hardware.wlt LIBRARY  < 1024 bytes  > 102 x 126 x 3 bytes

Two interfaces are known of such libraries; which one a library has is found by its symbols. Both
give a picture of 102 x 126 pixels in the byte order of Windows bitmaps: rows from the bottom, blue
first.

| symbol | what it is                                                         |
|--------|--------------------------------------------------------------------|
| unpack | int unpack(const char *wlt, char *pixels, int mode); 1 is success  |
| GetBmp | int GetBmp(const char *file_wlt, int mode); writes file.bmp, 1 or 0 |
"""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from hardware.aside import ourselves

log = logging.getLogger(__name__)

WLT_BYTES = 1024
WIDTH, HEIGHT = 102, 126
RGB_BYTES = WIDTH * HEIGHT * 3

#: Instead of a library: what opens the portraits of the virtual cards, and nothing else. It is not
#: in the bundle, and the settings refuse it in production.
DEMO = "demo"
_DEMO_DECODER = [sys.executable, "-m", "hardware.virtual.demo_wlt"]

#: A bitmap's row is filled to four bytes, and its pixels begin after two headers.
_ROW = (WIDTH * 3 + 3) // 4 * 4
_BITMAP_HEAD = 54

#: Longest decoding, seconds; it takes some hundredths.
PATIENCE_S = 3.0


def decode(wlt: bytes, library: str) -> bytes | None:
    """The portrait, red first, top row first; None if it cannot be had, whatever the reason."""
    if not library or len(wlt) != WLT_BYTES or not any(wlt):
        return None
    command = _DEMO_DECODER if library == DEMO else [*ourselves("wlt", "hardware.wlt"), library]
    try:
        done = subprocess.run(command, input=wlt, capture_output=True, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("no portrait: %s", type(error).__name__)
        return None
    if done.returncode != 0 or len(done.stdout) != RGB_BYTES:
        log.warning("no portrait: the decoder ended with %d", done.returncode)
        return None
    return done.stdout


def main(arguments: list[str]) -> int:
    """In the process of its own. Returns 0 with the pixels written, else 1."""
    library = ctypes.CDLL(arguments[0])
    wlt = sys.stdin.buffer.read(WLT_BYTES)
    pixels = _unpack(library, wlt) if hasattr(library, "unpack") else _get_bmp(library, wlt)
    if pixels is None:
        return 1
    sys.stdout.buffer.write(pixels)
    return 0


def _unpack(library: ctypes.CDLL, wlt: bytes) -> bytes | None:
    pixels = ctypes.create_string_buffer(_ROW * HEIGHT)
    if library.unpack(wlt, pixels, 1) != 1:
        return None
    return _upright(pixels.raw, WIDTH * 3)


def _get_bmp(library: ctypes.CDLL, wlt: bytes) -> bytes | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "portrait.wlt"
        file.write_bytes(wlt)
        if library.GetBmp(str(file).encode(), 2) != 1:
            return None
        return _upright(file.with_suffix(".bmp").read_bytes()[_BITMAP_HEAD:], _ROW)


def _upright(pixels: bytes, row: int) -> bytes:
    """From rows of `row` bytes, the bottom first and blue first."""
    rows = [pixels[place * row : place * row + WIDTH * 3] for place in reversed(range(HEIGHT))]
    turned = bytearray(b"".join(rows))
    turned[0::3], turned[2::3] = turned[2::3], turned[0::3]
    return bytes(turned)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
