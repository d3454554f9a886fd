"""Live, one frame tells about the next: most networks rest, and nothing else is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hardware.virtual.portrait import frame
from kiosk.photo import FindingCode, Photographer
from kiosk.photo.detect import Detector
from kiosk.photo.hands import HandFinder
from kiosk.photo.silhouette import Segmenter

#: Measure -> how far a followed face may be from one that was looked for, in the measure's unit.
MAY_DIFFER = {
    "face.pixels": 2.0,
    "head.yaw": 1.0,
    "head.pitch": 1.0,
    "head.roll": 0.5,
    "eyes.open": 0.02,
    "light.face": 2.0,
    "background.light": 2.0,
}


def _shifted(pixels: int) -> np.ndarray:
    return np.roll(frame("portrait"), pixels, axis=1)


def test_a_face_that_moves_is_measured_as_if_each_frame_were_the_first(
    photographer: Photographer,
) -> None:
    photographer.look(frame("nobody"))
    for pixels in range(0, 24, 3):
        picture = _shifted(pixels)
        live = photographer.look(picture)
        alone = photographer.measure(picture)
        assert live.finding.code is FindingCode.OK
        for name, most in MAY_DIFFER.items():
            followed, looked_for = live.measures[name].value, alone.measures[name].value
            assert followed is not None
            assert looked_for is not None
            assert abs(followed - looked_for) <= most, (pixels, name)
        assert live.finding.face is not None
        face = alone.faces[0]
        assert abs(live.finding.face[0] - face.x / picture.shape[1]) < 0.02


@pytest.mark.parametrize(
    ("scene", "code"),
    [
        ("two-people", FindingCode.MANY_FACES),
        ("nobody", FindingCode.NO_FACE),
        ("covered", FindingCode.COVERED),
        ("eyes-closed", FindingCode.EYES_CLOSED),
        ("mask", FindingCode.FACE_COVERED),
    ],
)
def test_what_changes_between_two_frames_is_told_at_once(
    photographer: Photographer, scene: str, code: FindingCode
) -> None:
    for _ in range(3):
        assert photographer.look(frame("portrait")).finding.code is FindingCode.OK
    assert photographer.look(frame(scene)).finding.code is code


def test_most_networks_rest_while_nothing_changes(
    photographer: Photographer, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: Counter[str] = Counter()

    def counted(owner: type, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def run(*args: Any, **named: Any) -> Any:
            runs[name] += 1
            return original(*args, **named)

        monkeypatch.setattr(owner, name, run)

    photographer.look(frame("nobody"))
    for owner, name in ((Detector, "faces"), (Segmenter, "segment"), (HandFinder, "likeness")):
        counted(owner, name)
    for _ in range(10):
        photographer.look(frame("portrait"))
    assert runs == {"faces": 2, "segment": 5, "likeness": 3}
    photographer.make(frame("portrait"))
    assert runs["faces"] >= 4, "the photo itself is never made of what was followed"
