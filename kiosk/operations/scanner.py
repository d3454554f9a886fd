"""电子社保卡: the code on the citizen's telephone, read and asked about in one go.

It is held to the scanner, or to the camera where there is no scanner.

The code is good for one minute and one scan. It goes from the scanner to the centre at once and
once, is no answer of any prompt, and is forgotten here whatever the centre says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hardware.codes import CodeSpent, OneTimeCode
from hardware.scanner import LONGEST, ScanStep
from kiosk.operations.central import asked
from kiosk.records.electronic import CodeSaid, ElectronicCard
from kiosk.records.submission import Question

if TYPE_CHECKING:
    from hardware.camera import Camera, Scanned
    from hardware.scanner import Scanner
    from kiosk.operations.work import Work
    from kiosk.visit import prompts

#: After so many codes that were no good nobody is asked for another.
MOST_CODES = 4

#: What the centre says of a code for which another may be shown -> the word for the citizen.
_ANOTHER = {"expired": ScanStep.REFRESH, "unknown": ScanStep.OTHER_CODE}


@runtime_checkable
class Reads(Protocol):
    """What reads codes by itself."""

    def read(self, cancelled: Callable[[], bool], report: Callable[[Any], None]) -> OneTimeCode:
        """See `hardware.scanner.Scanner.read`."""


@dataclass(frozen=True)
class CodeView:
    """One frame for the preview. `rgb` as in `kiosk.operations.camera.View`."""

    rgb: bytes | memoryview
    width: int
    height: int


class Sight:
    """The camera as a scanner, for one prompt."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._asked = False

    def read(self, cancelled: Callable[[], bool], report: Callable[[Any], None]) -> OneTimeCode:
        """As `hardware.scanner.Scanner.read`; reports a `CodeView` for each frame as well."""

        def look(seen: Scanned) -> None:
            height, width = seen.frame.rgb.shape[:2]
            report(CodeView(seen.frame.pixels, width, height))
            # What was said of a code of this visit holds as long as it is still held there.
            if seen.used and not self._asked:
                report(ScanStep.REFRESH)

        while True:
            code = self._camera.scan(cancelled, look)
            if len(code) <= LONGEST:
                self._asked = True
                return code
            report(ScanStep.OTHER_CODE)


def scan_card(prompt: prompts.ScanCard, device: Scanner | Camera, work: Work) -> ElectronicCard:
    """Wait for a code and have the centre say whose it is; reports each `ScanStep`."""
    reader = device if isinstance(device, Reads) else Sight(device)
    for _ in range(MOST_CODES):
        code = reader.read(work.cancelled, work.report)
        work.report(ScanStep.CHECKING)
        try:
            question = Question("electronic_card.holder", {"code": code.take()})
        except CodeSpent:
            work.report(ScanStep.REFRESH)
            continue
        facts = asked(question, work).facts
        if facts is None:
            return ElectronicCard(CodeSaid.UNASKED)
        said = str(facts.get("said"))
        if said not in _ANOTHER:
            break
        work.report(_ANOTHER[said])
    else:
        return ElectronicCard(CodeSaid.UNKNOWN)
    if said == CodeSaid.VALID:
        return ElectronicCard(CodeSaid.VALID, str(facts["name"]), str(facts["id_number"]))
    return ElectronicCard(CodeSaid.STOPPED if said == CodeSaid.STOPPED else CodeSaid.UNKNOWN)
