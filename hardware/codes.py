"""电子社保卡: the QR code on a citizen's phone, read from a picture, and handed on exactly once.

The code is valid for one minute and for one scan. What it says is between the platform and the
phone: to the terminal it is opaque text, passed on at once, never kept, logged or tried again
(facts, hardware §A3). No other symbology is read. The decoder was chosen by `tests.bench.codes`.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

#: Seconds from reading to the end; the platform's own minute began earlier.
LIFETIME_S = 60.0

#: So many codes are known again; a citizen shows a handful at most.
_REMEMBERED = 64


class CodeSpent(Exception):
    """The code was handed on before, or its minute is over: the citizen must refresh it."""


class OneTimeCode:
    """Opaque text that can be taken once within a minute. Shows nothing but its length."""

    __slots__ = ("_length", "_lock", "_text", "_until")

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        self._length = len(text)
        self._until = time.monotonic() + LIFETIME_S
        self._lock = threading.Lock()

    def take(self) -> str:
        """The text; forgotten here from now on. Raises `CodeSpent`."""
        with self._lock:
            text, self._text = self._text, None
        if text is None or time.monotonic() >= self._until:
            raise CodeSpent
        return text

    def __len__(self) -> int:
        """Characters of the text, also when it was taken."""
        return self._length

    def __repr__(self) -> str:
        return f"<OneTimeCode of {self._length} characters>"

    def __hash__(self) -> int:
        raise TypeError("a one-time code is no key")

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("a one-time code is neither copied nor stored")


class UsedCodes:
    """Knows a text again without keeping it: digests under a key that ends with the program."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._digests: deque[bytes] = deque(maxlen=_REMEMBERED)

    def is_new(self, text: str) -> bool:
        """Whether the text was never asked about before; it is known from now on."""
        digest = hashlib.blake2b(text.encode("utf-8"), key=self._key).digest()
        if digest in self._digests:
            return False
        self._digests.append(digest)
        return True


def read_text(rgb: Image) -> str | None:
    """The text of the one QR code in a picture of height x width x 3 bytes.

    None if there is none that holds text, or if there are two that differ: the other one may be
    somebody else's.
    """
    import cv2  # both on the camera's thread
    import zxingcpp

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)  # twice as fast as zxing's own
    qr = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)
    found = zxingcpp.read_barcodes(grey, formats=qr)
    texts = {_text(code.bytes) for code in found}
    return texts.pop() if len(texts) == 1 else None


def _text(data: bytes) -> str | None:
    """UTF-8, as phones write it; the decoder's guess at anything else would be passed on wrong."""
    try:
        return data.decode("utf-8") or None
    except UnicodeDecodeError:
        return None
