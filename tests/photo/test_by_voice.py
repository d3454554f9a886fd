"""Who does not see the preview is found, guided and photographed by what is said, and that alone.

The citizen of this test knows nothing but the ids of the words that were spoken. The frames are
composed where the citizen then sits, and the networks and the guide are the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.virtual.portrait import _MAN, _seat, _wall
from kiosk.photo import CardPhoto, Photographer
from kiosk.photo.guidance import Guide, Phase

Picture = NDArray[np.uint8]

#: Frames a second; the guide wants no more than 1.2 seconds between two.
RATE = 4


@dataclass
class Unseeing:
    """Sits somewhere, or not yet; does what was said, a little each time it is said."""

    x: float
    width: float
    away: bool = False
    heard: list[str] = field(default_factory=list)

    def hear(self, said: str) -> None:
        self.heard.append(said)
        if said == "photo.finding.no_face":
            self.away = False
        elif said == "photo.finding.too_far":
            self.width += 12
        elif said == "photo.finding.too_near":
            self.width -= 20
        elif said in ("photo.move.left", "photo.move.right"):
            # The camera's left is on the right of who faces it.
            self.x += 40 if said == "photo.move.left" else -40
        elif said == "photo.move.up":
            self.width -= 8

    def picture(self) -> Picture:
        return seated(None if self.away else (round(self.x), 330), self.width)


@cache
def seated(eyes: tuple[int, int] | None, width: float) -> Picture:
    picture = _wall()
    if eyes is not None:
        _seat(picture, _MAN, eyes, width)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "citizen",
    [
        Unseeing(640, 232.0, away=True),
        Unseeing(640, 160.0),
        Unseeing(100, 232.0),
    ],
    ids=["not yet there", "too far", "at the left"],
)
def test_a_photo_by_voice_alone(photographer: Photographer, citizen: Unseeing) -> None:
    assert by_voice(photographer, citizen).report.met
    assert citizen.heard[-1] == "photo.screen.counting"


def by_voice(photographer: Photographer, citizen: Unseeing) -> CardPhoto:
    guide, at = Guide(), 0.0
    while at < 40:
        picture = citizen.picture()
        guidance = guide.see(at, photographer.look(picture))
        if guidance.phase is Phase.CAPTURE:
            return photographer.make(picture)
        citizen.hear(guidance.say)
        at += 1 / RATE
    pytest.fail(f"no photo; heard: {dict.fromkeys(citizen.heard)}")
