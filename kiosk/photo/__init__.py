"""The card photo: the third-generation standard as data, measured live, met by construction.

| module       | what it does                                                               |
|--------------|----------------------------------------------------------------------------|
| standard     | every rule with its Chinese text, number and severity                      |
| findings     | what is wrong with a frame; the finished photo                             |
| measures     | the quantities of a frame by id, with how sure they are                    |
| models       | the six published networks: fetched once, checked at every start           |
| detect       | pixels -> faces and their landmarks                                        |
| measure      | landmarks -> the quantities the standard speaks of                         |
| patch        | a part of a picture, turned, scaled and cut out                            |
| ears         | are both ears seen, or under hair?                                         |
| crop         | the crop that meets every pixel rule at once                               |
| encode       | pixels -> JPEG bytes                                                       |
| jpeg         | JPEG bytes -> size, density, colours, quality; needs no network            |
| parts        | whether a file has more parts than a decoder should walk through           |
| track        | what one frame tells about the next: what is measured when                 |
| report       | each rule: value, limit, verdict                                           |
| photographer | all of it together: look at a frame, make the photo                        |
| held_up      | is it a face on paper or on a telephone?                                   |
| antispoof    | the same, asked of a network that the operator brings: off until then      |
| faces        | is it the person of the reference picture? a hint in four bands            |
| review       | why a person must look at a photo: a closed set of codes                   |

Names are imported when they are first asked for: the screen process shows its home page without
them, and `Photographer` and `inspect_jpeg` bring numpy, Pillow, OpenCV and LiteRT with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiosk.photo.findings import CardPhoto, Finding, FindingCode, Look, PhotoRefused
    from kiosk.photo.jpeg import JpegFinding, JpegReport, inspect_jpeg
    from kiosk.photo.measures import Measure
    from kiosk.photo.photographer import Photographer
    from kiosk.photo.report import Report
    from kiosk.photo.review import Reason, review_reasons

__all__ = [
    "CardPhoto",
    "Finding",
    "FindingCode",
    "JpegFinding",
    "JpegReport",
    "Look",
    "Measure",
    "PhotoRefused",
    "Photographer",
    "Reason",
    "Report",
    "inspect_jpeg",
    "review_reasons",
]

#: Name -> the module that is imported when the name is first used.
_LATE = {
    name: f"kiosk.photo.{module}"
    for module, names in {
        "findings": ("CardPhoto", "Finding", "FindingCode", "Look", "PhotoRefused"),
        "jpeg": ("JpegFinding", "JpegReport", "inspect_jpeg"),
        "measures": ("Measure",),
        "photographer": ("Photographer",),
        "report": ("Report",),
        "review": ("Reason", "review_reasons"),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATE[name]), name)
