"""What is measured on one frame: the ids, their units, and what a measure says when it cannot.

| id               | unit   | meaning                                                             |
|------------------|--------|---------------------------------------------------------------------|
| frame.light      | level  | mean brightness of the frame                                        |
| frame.colour     | level  | mean distance of its colour channels; 0 from a grey camera          |
| frame.upright    |        | how much surer the faces are than in the frame turned by half       |
| person.count     |        | faces, those far behind not counted                                 |
| person.beside    |        | what looks like a person beside the head, in squares of the face    |
| face.pixels      | px     | width of the face at the ears, in pixels of this frame              |
| face.covered     |        | below 0 a bare mouth, above 1 a covered one (`kiosk.photo.skin`)    |
| face.hand        |        | likeness of a hand near the face, 0 to 1                            |
| face.forehead    |        | share of the forehead, down to the brows, that is no skin           |
| person.ears      |        | below 0 ears are seen, above 0 hair (`kiosk.photo.ears`)            |
| person.held_up   | side   | sides of the head, 0 to 3, with a straight edge: a picture held up  |
| person.live      |        | likeness of somebody, not a picture (`kiosk.photo.antispoof`)       |
| head.yaw         | degree | positive: turned to the right of the picture                        |
| head.pitch       | degree | positive: chin up; 0 is the usual frontal head                      |
| head.roll        | degree | positive: the eye at the right of the picture is lower              |
| eye.left_open    |        | height of the eye's opening as a share of its width                 |
| eye.right_open   |        |                                                                     |
| eyes.open        |        | the less open of both                                               |
| eyes.wink        |        | how much more open the other eye is, where one is hardly open       |
| eyes.gaze        |        | how far the irises are aside, crossed, up or down from where they   |
|                  |        | usually are, as a share of the eye's width                          |
| glasses.clear    |        | light under the eyes or in their white, by that on the cheeks       |
| glasses.glare    |        | share of reflections before one eye                                 |
| mouth.open       |        | gap between the lips as a share of the distance of the eyes         |
| mouth.smile      |        | width, lift and gap of the mouth: about 0 at rest, above 1 smiling  |
| light.face       | level  | lightness of the cheeks; of dark ones, of the white of the eyes     |
| light.burnt      |        | share of cheeks and nose that is burnt out                          |
| light.behind     | level  | lightness of the background less that of the face                   |
| light.sides      | level  | difference of the lightness of both cheeks                          |
| light.hue        | degree | hue of the cheeks                                                   |
| light.sharpness  |        | variance of the Laplacian at a face of 200 pixels                   |
| light.contrast   |        | how much darker the darkest of eyes, nose, mouth is than the        |
|                  |        | lightest, as a share of that                                        |
| background.light | level  | lightness of what is behind the head                                |
| background.even  | level  | its standard deviation                                              |
| background.tint  | level  | its distance from grey                                              |
| clothes.apart    | level  | distance of the colour over the shoulders from that of the wall     |

Left and right are those of the picture as the camera gives it, not mirrored. Levels are 0 to 255.
Not measured, because no method that ships was found valid: hats above the forehead, shoulders
(a light wall and a light shirt look alike to the segmentation: AUC 0.6), frowns, whether
there are glasses.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A measure below this confidence decides nothing.
SURE_ENOUGH = 0.5


@dataclass(frozen=True)
class Measure:
    """One quantity of one frame. `value` is None exactly if `cannot_tell` says why."""

    value: float | None
    unit: str = ""
    #: 0 to 1: how far the method is valid here; see `SURE_ENOUGH`.
    confidence: float = 1.0
    #: Why there is no value, in a few words for technicians; "" if there is one.
    cannot_tell: str = ""

    @property
    def decides(self) -> bool:
        """Whether a rule may be judged by it."""
        return self.value is not None and self.confidence >= SURE_ENOUGH


def unknown(unit: str, why: str) -> Measure:
    return Measure(None, unit, 0.0, why)
