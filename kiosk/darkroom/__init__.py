"""The card photo is measured and made in a process of its own, which lives as long as a visit.

A library that crashes or hangs on a frame then takes no screen with it, and what the networks hold
of memory and of a face is gone after each visit (docs/decisions.md has the numbers). The camera
stays with the screen, and each of its frames is looked at next door:

    screen process                                              darkroom process
    camera ─frame─> Darkroom ──copy──> memory without a name ──> Photographer
                             ──Ask───> a pair of sockets ──────> look, make, compare
                             <─Look, CardPhoto, Comparison … ─────┘

| module  | what it does                                                                    |
|---------|---------------------------------------------------------------------------------|
| room    | `Darkroom`: looks, makes and compares; starts the process anew once             |
| process | one such process, from its start to its end                                     |
| inside  | what runs in it: `kiosk darkroom`                                               |
| memory  | where a frame lies for both                                                     |
| wire    | what the two say to each other                                                  |

It is started when a visit begins whose service needs the camera, because its networks take a second
to load, and killed when the visit ends: so nothing of a face is left to be overwritten. It ends too
when the screen does, however that ends. It writes no log and no core dump.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Why, cannot_tell
from kiosk.photo.liveness import Hint

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture
    from kiosk.photo.faces import Comparison
    from kiosk.photo.findings import CardPhoto, Look


@dataclass
class Sitting:
    """What one visit's photos have in common; it outlives Back, which the photos do not."""

    #: How many were taken.
    taken: int = 0
    #: Blink and turn are asked for before the first photo only; this is what was seen then.
    liveness: Hint = field(default_factory=Hint)


class Studio(Protocol):
    """Where one visit's photos are made and compared. Any thread may close it; the others are for
    one.

    `look` and `make` are those of `kiosk.photo.Photographer`. They raise `DeviceFault` besides,
    `hardware.faults.NotWanted` once it is closed, and whatever a photographer cannot begin with.
    `compare` is that of `kiosk.photo.faces.FaceComparer`, of a JPEG and the chip's portrait.
    """

    @property
    def sitting(self) -> Sitting: ...
    def open(self) -> None: ...
    def look(self, rgb: Picture, excused: bool = False) -> Look: ...
    def make(self, rgb: Picture, excused: bool = False) -> CardPhoto: ...
    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Comparison: ...
    def close(self) -> None: ...


class NoStudio:
    """Stands for the studio of a terminal that has none."""

    def __init__(self) -> None:
        self.sitting = Sitting()

    def open(self) -> None:
        """Nothing to begin with."""

    def look(self, rgb: Picture, excused: bool = False) -> Look:
        raise DeviceFault(FaultCode.DEVICE_MISSING, "studio", temporary=False)

    def make(self, rgb: Picture, excused: bool = False) -> CardPhoto:
        raise DeviceFault(FaultCode.DEVICE_MISSING, "studio", temporary=False)

    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Comparison:
        return cannot_tell(Why.NO_METHOD)

    def close(self) -> None:
        """Nothing is held."""
