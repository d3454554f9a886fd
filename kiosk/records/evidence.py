"""What goes to the centre beside the card photo, so that it need not be believed.

| what       | so that                                                                        |
|------------|--------------------------------------------------------------------------------|
| report     | the centre can measure the photo again and compare, rule by rule               |
| frame      | it can be seen that nothing but cutting was done                               |
| liveness, comparison | an operator knows where to look; hints, on which nothing is refused  |
| exception  | who cannot take off a head covering is looked at by a person, not refused (R-D16) |
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.photo.verify import Comparison, Place, portrait_png

if TYPE_CHECKING:
    from kiosk.photo.capture import Capture
    from sync.canonical import Json


@dataclass(frozen=True)
class PhotoEvidence:
    """How the photo of an application came about. `document` has the names of
    `sync.messages.PhotoEvidence`."""

    capture: Capture
    tries: int
    #: 「因宗教或医学因素不能摘除」, as the citizen said.
    head_covering: bool
    comparison: Comparison
    #: The chip's portrait, only where the citizen agreed that the centre compares.
    portrait: bytes | None = field(default=None, repr=False)
    place: Place = Place.NONE

    def document(self) -> dict[str, Json]:
        """Plain JSON."""
        frame, report, live = self.capture.frame, self.capture.photo.report, self.capture.liveness
        compared = self.comparison
        return {
            "standard": report.standard,
            "rules": [
                {
                    "rule": line.rule.id,
                    "value": _decimal(line.value),
                    "low": _decimal(line.rule.low),
                    "high": _decimal(line.rule.high),
                    "verdict": line.verdict.value,
                }
                for line in report.lines
            ],
            "frame": {
                "jpeg": _base64(frame.jpeg),
                "width": frame.width,
                "height": frame.height,
                "camera_width": frame.camera_width,
                "quality": frame.quality,
            },
            "tries": self.tries,
            "head_covering": self.head_covering,
            "liveness": {
                "blink": live.blink.value,
                "turn": live.turn.value,
                "unbroken": live.unbroken,
            },
            "comparison": {
                "place": self.place.value,
                "band": compared.band.value,
                "distance": _decimal(compared.distance),
                "method": compared.method,
                "why": compared.why,
                "portrait_png": _base64(portrait_png(self.portrait)) if self.portrait else "",
            },
        }


def _decimal(value: float | None) -> str:
    """Text, because what is sealed has no floating-point numbers; "" for what is not there."""
    return "" if value is None else f"{round(value, 3):.3f}".rstrip("0").rstrip(".")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
