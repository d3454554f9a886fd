"""Opens the portrait of an ID card's chip (WLT, 1,024 bytes), where the centre is licensed to.

The format is not published. `KIOSK_CENTRAL_PORTRAIT_DECODER` names the vendor's program, which gets
the 1,024 bytes and gives 102 x 126 x 3 bytes back, red first, top row first; it runs in a process
of its own for each portrait, because such libraries were seen to crash and to hang. Without one
nobody compares at the centre, and a person looks. The demonstration opens those of the virtual
cards and no others.
"""

from __future__ import annotations

import io
import logging
import shlex
import subprocess
from typing import Protocol

from django.conf import settings
from PIL import Image, UnidentifiedImageError

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 102, 126
RGB_BYTES = WIDTH * HEIGHT * 3

#: Longest decoding, seconds; it takes some hundredths.
PATIENCE_S = 3.0


class PortraitDecoder(Protocol):
    def decode(self, wlt: bytes) -> bytes | None:
        """The pixels; None if they cannot be had, whatever the reason. Raises nothing."""


class NoDecoder:
    """Stands where the centre has no licence."""

    def decode(self, wlt: bytes) -> bytes | None:
        return None


class ProgramDecoder:
    """A vendor's program."""

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)

    def decode(self, wlt: bytes) -> bytes | None:
        try:
            done = subprocess.run(
                self._command, input=wlt, capture_output=True, timeout=PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("no portrait: %s", type(error).__name__)
            return None
        if done.returncode != 0 or len(done.stdout) != RGB_BYTES:
            log.warning("no portrait: the decoder ended with %d", done.returncode)
            return None
        return done.stdout


class DemoDecoder:
    """The virtual cards' own format: "NOT-WLT1", two bytes of length, a WebP picture."""

    def decode(self, wlt: bytes) -> bytes | None:
        if len(wlt) != 1024 or wlt[:8] != b"NOT-WLT1":
            return None
        packed = wlt[10 : 10 + int.from_bytes(wlt[8:10], "big")]
        try:
            with Image.open(io.BytesIO(packed), formats=["WEBP"]) as image:
                return image.convert("RGB").tobytes() if image.size == (WIDTH, HEIGHT) else None
        except (UnidentifiedImageError, OSError, ValueError):
            return None


def portrait_decoder() -> PortraitDecoder:
    """The one that is set up."""
    if settings.PORTRAIT_DECODER:
        return ProgramDecoder(settings.PORTRAIT_DECODER)
    return DemoDecoder() if settings.DEMO else NoDecoder()
