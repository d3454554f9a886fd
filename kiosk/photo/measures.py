"""What is measured on one frame: the ids, their units, and what a measure says when it cannot.

| id                  | unit   | meaning                                                          |
|---------------------|--------|------------------------------------------------------------------|
| frame.light         | level  | mean brightness of the frame, 0 to 255                           |
| frame.colour        | level  | mean distance of the colour channels; 0 from a grey camera       |
| person.count        |        | faces, those in the far background not counted                   |
| face.pixels         | px     | width of the face at the ears, in pixels of this frame           |
| head.yaw            | degree | positive: turned to the right of the picture                     |
| head.pitch          | degree | positive: chin up; 0 is the usual frontal head                   |
| head.roll           | degree | positive: the eye at the right of the picture is lower           |
| face.uncovered      |        | likeness of the lower face to the skin of the upper, 0 to 1      |
| glasses.clear       |        | light around the eyes as a share of that on the cheeks           |
| glasses.glare       |        | share of burnt-out pixels in front of the eyes                   |
| eye.left_open       |        | height of the eye's opening as a share of its width              |
| eye.right_open      |        |                                                                  |
| eyes.open           |        | mean of both                                                     |
| eyes.gaze           |        | distance of the iris from the middle, as a share of eye width    |
| mouth.open          |        | gap between the lips as a share of the distance of the eyes      |
| mouth.smile         |        | width and lift of the mouth, about 0 when neutral, 1 in a smile  |
| brow.frown          |        | never measured: no method is valid                               |
| light.face          | level  | lightness of the skin, 0 to 255                                  |
| light.burnt         |        | share of the skin that is burnt out                              |
| light.behind        | level  | lightness of the background less that of the face                |
| light.sides         | level  | difference of the lightness of both cheeks                       |
| light.tint          | degree | hue of the skin                                                  |
| light.sharpness     |        | variance of the Laplacian at a face of 200 pixels                |
| shoulders.seen      |        | how far the body reaches to both sides, in face widths           |
| shoulders.slope     | degree | positive: the shoulder at the right of the picture is lower      |
| background.light    | level  | lightness of what is behind the head, 0 to 255                   |
| background.spread   | level  | its standard deviation                                           |
| background.tint     | level  | its distance from grey                                           |

Left and right are those of the picture as the camera gives it, not mirrored. Levels of lightness
are L of CIELAB stretched to 255.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A measure below this confidence decides nothing.
SURE_ENOUGH = 0.5


@dataclass(frozen=True)
class Measure:
    """One quantity of one frame. `value` is None exactly if `cannot_tell` says why."""

    value: float | None
    unit: str
    #: 0 to 1: how far the method is valid here; see `SURE_ENOUGH`.
    confidence: float = 1.0
    #: Why there is no value, a short word of English for programs; "" if there is one.
    cannot_tell: str = ""

    @property
    def decides(self) -> bool:
        """Whether a rule may be judged by it."""
        return self.value is not None and self.confidence >= SURE_ENOUGH
