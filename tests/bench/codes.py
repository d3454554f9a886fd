"""Which decoder reads a phone's QR code best, and what a frame costs: rate and time, side by side.

Generated scenes, 1280x720: a phone in front of a booth's wall that shows a code as long as that of
the 电子社保卡, each in one way made hard. Every decoder gets the same grey pictures. Not in the
set: real phones and real lenses. What was taken, with its numbers, stands in docs/decisions.md.

`python -m tests.bench.codes [N]` prints the whole table, N pictures of each case.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import qrcode

from hardware.virtual.portrait import frame
from tests.bench.numbers import Number, against_peer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Random = np.random.Generator

HEIGHT, WIDTH = 720, 1280


def _screen(text: str, dark: bool = False) -> Grey:
    """A phone's screen with a code of 400 pixels on it, seen straight on."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    modules = np.where(np.asarray(code.get_matrix()), 20, 235).astype(np.uint8)
    screen = np.full((800, 460), 235, np.uint8)
    screen[200:600, 30:430] = cv2.resize(modules, (400, 400), interpolation=cv2.INTER_NEAREST)
    screen[:14], screen[-14:], screen[:, :14], screen[:, -14:] = 30, 30, 30, 30
    return 255 - screen if dark else screen


def _held(random: Random, screen: Grey, side: float, turn: float = 0.0, tilt: float = 0.0) -> Grey:
    """The phone before the wall. `side`: of the code, pixels; `turn`: degrees; `tilt`: how much
    shorter the far edge is, a share."""
    height, width = screen.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    held = (corners - (width / 2, height / 2)) * (side / 400.0)
    held[:2] *= 1.0 - tilt
    held[:, 1] *= 1.0 - tilt / 2
    angle = np.radians(turn)
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    held = held @ spin + (WIDTH / 2, HEIGHT / 2) + random.uniform(-60, 60, 2)
    to = cv2.getPerspectiveTransform(corners, held.astype(np.float32))
    wall = np.ascontiguousarray(frame("nobody")[:, :, 1])
    # Small on the sensor is averaged over, as a lens does it.
    shrink = cv2.GaussianBlur(screen, (0, 0), max(0.3, 200.0 / side))
    cv2.warpPerspective(shrink, to, (WIDTH, HEIGHT), wall, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return wall


def _noisy(random: Random, picture: NDArray[Any], sigma: float) -> Grey:
    grain = random.standard_normal(picture.shape, np.float32) * sigma
    return np.clip(picture.astype(np.float32) + grain, 0, 255).astype(np.uint8)


def _straight(random: Random, text: str) -> Grey:
    return _held(random, _screen(text), 300)


def _of_side(side: float) -> Callable[[Random, str], Grey]:
    return lambda random, text: _held(random, _screen(text), side)


def _turned(random: Random, text: str) -> Grey:
    return _held(random, _screen(text), 260, turn=random.uniform(0, 360))


def _tilted(random: Random, text: str) -> Grey:
    return _held(random, _screen(text), 260, turn=random.uniform(-20, 20), tilt=0.3)


def _out_of_focus(sigma: float) -> Callable[[Random, str], Grey]:
    return lambda random, text: np.asarray(
        cv2.GaussianBlur(_straight(random, text), (0, 0), sigma), np.uint8
    )


def _moving(random: Random, text: str) -> Grey:
    trail = np.zeros((11, 11), np.float32)
    trail[5] = 1 / 11
    return np.asarray(cv2.filter2D(_straight(random, text), -1, trail), np.uint8)


def _moire(random: Random, text: str) -> Grey:
    """The phone's grid of pixels against the sensor's."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    waves = 22 * np.sin(x * random.uniform(0.6, 1.2) + y * 0.2) + 18 * np.sin(y * 0.9 - x * 0.15)
    return _noisy(random, _straight(random, text) + waves, 10)


def _glare(random: Random, text: str) -> Grey:
    """A lamp is mirrored in a corner of the code."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    at_x, at_y = WIDTH / 2 + random.uniform(-90, 90), HEIGHT / 2 + random.uniform(-90, 90)
    lamp = 330 * np.exp(-(((x - at_x) / 55) ** 2) - ((y - at_y) / 55) ** 2)
    return _noisy(random, _straight(random, text) + lamp, 2)


def _dim(random: Random, text: str) -> Grey:
    """Brightness of the screen turned down, in a bright booth."""
    return _noisy(random, _straight(random, text).astype(np.float32) * 0.14 + 90, 3)


def _dark_mode(random: Random, text: str) -> Grey:
    return _noisy(random, _held(random, _screen(text, dark=True), 260), 4)


CASES: dict[str, Callable[[Random, str], Grey]] = {
    "straight": _straight,
    "140 px": _of_side(140),
    "95 px": _of_side(95),
    "turned": _turned,
    "tilted": _tilted,
    "blur 2.5": _out_of_focus(2.5),
    "blur 3.5": _out_of_focus(3.5),
    "moving": _moving,
    "moire": _moire,
    "glare": _glare,
    "dim": _dim,
    "dark mode": _dark_mode,
}

Decoder = Callable[["Grey"], str | None]


def _zxing() -> Decoder:
    import zxingcpp

    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)

    def decode(picture: Grey) -> str | None:
        found = zxingcpp.read_barcodes(picture, formats=formats)
        return found[0].text if found else None

    return decode


def _opencv(kind: Any) -> Decoder:
    def decode(picture: Grey) -> str | None:
        try:
            return kind.detectAndDecode(picture)[0] or None
        except cv2.error:  # both raise it now and then, at pictures without a fault
            return None

    return decode


def decoders() -> dict[str, Decoder]:
    """What can be installed without a system library; pyzbar needs libzbar0."""
    found = {
        "zxing-cpp": _zxing(),
        "QRCodeDetector": _opencv(cv2.QRCodeDetector()),
        "QRCodeDetectorAruco": _opencv(cv2.QRCodeDetectorAruco()),
    }
    try:
        from pyzbar import pyzbar
    except ImportError:
        return found

    def decode(picture: Grey) -> str | None:
        codes = pyzbar.decode(picture, [pyzbar.ZBarSymbol.QRCODE])
        return codes[0].data.decode("utf-8", "replace") if codes else None

    return found | {"pyzbar": decode}


def contest(pictures: int) -> dict[str, dict[str, float]]:
    """Decoder -> case -> share of the codes that were read; and the milliseconds a frame takes,
    with a code in it ("ms") and without ("ms without")."""
    table: dict[str, dict[str, float]] = {}
    random = np.random.default_rng(20)
    texts = [random.bytes(32).hex() for _ in range(pictures)]
    scenes = {name: [draw(random, text) for text in texts] for name, draw in CASES.items()}
    empty = np.ascontiguousarray(frame("portrait")[:, :, 1])
    for name, decode in decoders().items():
        row, times = {}, []
        for case, drawn in scenes.items():
            right = 0
            for picture, text in zip(drawn, texts, strict=True):
                took, read = _timed(decode, picture)
                right += read == text
                times.append(took)
            row[case] = right / pictures
        row["mean"] = sum(row.values()) / len(CASES)
        row["ms"] = median(times) * 1000
        row["ms without"] = median(_timed(decode, empty)[0] for _ in range(9)) * 1000
        table[name] = row
    return table


def _timed(decode: Decoder, picture: Grey) -> tuple[float, str | None]:
    began = time.perf_counter()
    read = decode(picture)
    return time.perf_counter() - began, read


def numbers(runs: int) -> dict[str, Number]:
    """The decoder that is used against the best of the others: codes missed, and time a frame."""
    table = contest(max(1, runs))
    ours = table.pop("zxing-cpp")
    missed = [1.0 - row["mean"] for row in table.values()]
    return {
        "codes_missed_share": against_peer(1.0 - ours["mean"], max(min(missed), 0.001), 1.0),
        "code_frame_ms": against_peer(ours["ms"], min(row["ms"] for row in table.values()), 1.0),
        "codeless_frame_ms": against_peer(
            ours["ms without"], min(row["ms without"] for row in table.values()), 1.0
        ),
    }


if __name__ == "__main__":
    for decoder, row in contest(int(sys.argv[1]) if len(sys.argv) > 1 else 20).items():
        print(decoder, " ".join(f"{case}={value:.2f}" for case, value in row.items()))
