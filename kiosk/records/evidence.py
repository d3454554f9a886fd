"""What goes to the centre beside the card photo, so that it need not be believed.

| what       | so that                                                                        |
|------------|--------------------------------------------------------------------------------|
| report     | the centre can measure the photo again and compare, rule by rule               |
| frame      | it can be seen that nothing but cutting was done                               |
| liveness   | an operator knows where to look; a hint, on which nothing is refused           |
| exception  | who cannot take off a head covering is looked at by a person, not refused (R-D16) |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.late import dataclass

if TYPE_CHECKING:
    from kiosk.photo.capture import Capture
    from sync.canonical import Json


@dataclass(frozen=True)
class PhotoEvidence:
    """How the photo of an application came about. `document` has the names of
    `sync.kinds.first_application.PhotoEvidence`."""

    capture: Capture
    #: Photos that were taken in this visit.
    tries: int
    #: 「因宗教或医学因素不能摘除」, as the citizen said.
    head_covering: bool

    def document(self) -> dict[str, Json]:
        """Plain JSON. The frame itself is an attachment."""
        frame, report, live = self.capture.frame, self.capture.photo.report, self.capture.liveness
        return {
            "standard": report.standard,
            "rules": [
                {
                    "rule": line.rule.id,
                    "value": decimal(line.value),
                    "low": decimal(line.rule.low),
                    "high": decimal(line.rule.high),
                    "verdict": line.verdict.value,
                }
                for line in report.lines
            ],
            "frame": {
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
        }


def decimal(value: float | None) -> str:
    """Text, because what is sealed has no floating-point numbers; "" for what is not there."""
    return "" if value is None else f"{round(value, 3):.3f}".rstrip("0").rstrip(".")
