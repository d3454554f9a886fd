"""Who gets a photo: composed sitters of every skin, by what they wear and how old they are.

    python -m tests.bench.photo_tones [--json FILE]

The skins are the ten of the Monk scale (Monk, Schumann 2023). Each sitter is seated in four places
under three lamps, so every cell of the table is a share of twelve frames of each person. A photo
that the frame of a lighter sitter gets and that of a darker one does not is the fault looked for:
`spread` is the largest difference between two skins of one column, in points. The people are
drawn, so this says what a rule does to a skin, and not how real faces fare.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware.virtual import portrait
from kiosk.photo import Photographer, PhotoRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hardware.virtual.head import Sitter

    Picture = NDArray[np.uint8]

#: sRGB of the ten tones, lightest first, as swatches on a screen. Under lamps that show a white
#: wall as 246 no skin is as white as that wall: all are shown at `_SHOWN` of it.
MONK = (
    *((246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150)),
    *((160, 126, 86), (130, 92, 67), (96, 65, 52), (58, 49, 42), (41, 36, 32)),
)
WORN = ("bare", "glasses", "moustache", "wrinkles", "grey fringe")
_SHOWN = 0.9
_PEOPLE = {"man": portrait._MAN, "woman": portrait._WOMAN}
_PLACES = ((640, 312, 232.0), (600, 330, 215.0), (690, 318, 240.0), (650, 345, 250.0))
_LAMPS = (1.0, 0.85, 0.7)
#: Lips are darker and redder than the skin around them, in every skin.
_LIPS = np.array((0.80, 0.62, 0.63))


def sitter(person: str, tone: int, worn: str) -> Sitter:
    """One of two people with the skin `tone`, 0 to 9."""
    given = _PEOPLE[person]
    shown = np.array(MONK[tone]) * _SHOWN
    made = replace(given, skin=_rgb(shown), lips=_rgb(shown * _LIPS), age=0.3)
    if worn == "glasses":
        return replace(made, glasses="clear")
    if worn == "wrinkles":
        return replace(made, age=1.0)
    if worn == "grey fringe":
        low = (*made.hairline[:9], *(min(radius, 0.62) for radius in made.hairline[9:]))
        return replace(made, grey=0.95, hairline=low)
    return made


def _rgb(colour: NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = (int(each) for each in colour)
    return red, green, blue


def frames(person: str, tone: int, worn: str) -> Iterator[Picture]:
    """The camera's frames of one sitter: in every place, under every lamp."""
    for x, y, width in _PLACES:
        picture = portrait._wall()
        portrait._seat(picture, sitter(person, tone, worn), (x, y), width)
        if worn == "moustache":
            _moustache(picture, x, y, width / 2)
        grain = np.random.default_rng(7).standard_normal(picture.shape, np.float32)
        for lamp in _LAMPS:
            yield np.clip(picture * lamp + 1.2 * grain, 0, 255).astype(np.uint8)


def _moustache(picture: NDArray[np.float32], x: int, y: int, unit: float) -> None:
    """Dark hair between nose and upper lip."""
    corners = ((-0.36, 0.93), (-0.2, 0.80), (0, 0.77), (0.2, 0.80), (0.36, 0.93), (0, 0.88))
    outline = np.array([(x + u * unit, y + v * unit) for u, v in corners], np.int32)
    cover = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(cover, [outline], 0.9)
    cover = cv2.GaussianBlur(cover, (0, 0), unit / 60)[..., None]
    hair = 46.0 + 14.0 * np.random.default_rng(3).standard_normal((*picture.shape[:2], 1))
    picture += (np.asarray(hair, np.float32) - picture) * cover


def table(
    photographer: Photographer, people: Sequence[str]
) -> dict[str, list[dict[str, float | dict[str, int]]]]:
    """What is worn -> for each tone the share of frames with a photo, and why the others have none
    or what they are told besides."""
    return {
        worn: [_cell(photographer, people, tone, worn) for tone in range(len(MONK))]
        for worn in WORN
    }


def _cell(
    photographer: Photographer, people: Sequence[str], tone: int, worn: str
) -> dict[str, float | dict[str, int]]:
    made, told = 0, Counter[str]()
    all_frames = [frame for person in people for frame in frames(person, tone, worn)]
    for frame in all_frames:
        told[photographer.look_once(frame).finding.code.value] += 1
        try:
            photographer.make(frame)
            made += 1
        except PhotoRefused:
            pass
    return {"share": made / len(all_frames), "told": dict(told)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.photo_tones")
    parser.add_argument("--json", type=Path, help="write everything there, too")
    parser.add_argument("--people", nargs="+", choices=list(_PEOPLE), default=list(_PEOPLE))
    options = parser.parse_args()
    found = table(Photographer(), options.people)
    print("Monk tone   " + "".join(f"{worn:>13}" for worn in WORN))
    for tone in range(len(MONK)):
        shares = [found[worn][tone]["share"] for worn in WORN]
        print(f"{tone + 1:<12}" + "".join(f"{100 * float(share):12.1f}%" for share in shares))
    for worn in WORN:
        shares = [float(str(cell["share"])) for cell in found[worn]]
        print(f"spread, {worn}: {100 * (max(shares) - min(shares)):.1f} points; told: ", end="")
        print([cell["told"] for cell in found[worn]])
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
