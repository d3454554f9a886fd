"""电子社保卡: the code on the citizen's telephone, read and asked about in one go.

The code is good for one minute and one scan. It goes from the scanner to the centre at once and
once, is no answer of any prompt, and is forgotten here whatever the centre says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.codes import CodeSpent
from hardware.scanner import ScanStep
from kiosk.operations.central import asked
from kiosk.records.electronic import CodeSaid, ElectronicCard
from kiosk.records.submission import Question

if TYPE_CHECKING:
    from hardware.scanner import Scanner
    from kiosk.operations.work import Work
    from kiosk.visit import prompts

#: After so many codes that were no good nobody is asked for another.
MOST_CODES = 4

#: What the centre says of a code for which another may be shown -> the word for the citizen.
_ANOTHER = {"expired": ScanStep.REFRESH, "unknown": ScanStep.OTHER_CODE}


def scan_card(prompt: prompts.ScanCard, scanner: Scanner, work: Work) -> ElectronicCard:
    """Wait for a code and have the centre say whose it is; reports each `ScanStep`."""
    for _ in range(MOST_CODES):
        code = scanner.read(work.cancelled, work.report)
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
