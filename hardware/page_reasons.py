"""What an A4 printer says that it lacks, as faults: the keywords of printer-state-reasons (RFC 8011
§5.4.12, PWG 5100.9, and CUPS's own) with how grave each is: `media-empty-error`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hardware.faults import FaultCode

#: What a reason begins with -> its fault; the first that fits. A reason that ends in "-report", and
#: one that is not here and does not end in "-error", says nothing about this job.
_REASONS: Mapping[str, FaultCode] = {
    "media-empty": FaultCode.PAGE_PRINTER_PAPER_OUT,
    "media-needed": FaultCode.PAGE_PRINTER_PAPER_OUT,
    "input-tray-missing": FaultCode.PAGE_PRINTER_PAPER_OUT,
    "media-jam": FaultCode.PAGE_PRINTER_JAM,
    "door-open": FaultCode.PAGE_PRINTER_OPEN,
    "cover-open": FaultCode.PAGE_PRINTER_OPEN,
    "interlock-open": FaultCode.PAGE_PRINTER_OPEN,
    "toner-empty": FaultCode.PAGE_PRINTER_TONER_OUT,
    "marker-supply-empty": FaultCode.PAGE_PRINTER_TONER_OUT,
    "marker-waste-full": FaultCode.PAGE_PRINTER_TONER_OUT,
    "developer-empty": FaultCode.PAGE_PRINTER_TONER_OUT,
    "opc-life-over": FaultCode.PAGE_PRINTER_TONER_OUT,
    "output-area-full": FaultCode.PAGE_PRINTER_TRAY_FULL,
    "output-tray-missing": FaultCode.PAGE_PRINTER_TRAY_FULL,
    "cups-missing-filter": FaultCode.PAGE_PRINTER_FILTER,
    "cups-insecure-filter": FaultCode.PAGE_PRINTER_FILTER,
    "offline": FaultCode.PAGE_PRINTER_OFFLINE,
    "shutdown": FaultCode.PAGE_PRINTER_OFFLINE,
    "timed-out": FaultCode.PAGE_PRINTER_OFFLINE,
    "toner-low": FaultCode.PAGE_PRINTER_LOW,
    "marker-supply-low": FaultCode.PAGE_PRINTER_LOW,
    "marker-waste-almost-full": FaultCode.PAGE_PRINTER_LOW,
    "developer-low": FaultCode.PAGE_PRINTER_LOW,
    "media-low": FaultCode.PAGE_PRINTER_LOW,
    "opc-near-eol": FaultCode.PAGE_PRINTER_LOW,
    "output-area-almost-full": FaultCode.PAGE_PRINTER_LOW,
    "paused": FaultCode.PAGE_PRINTER_STOPPED,
    "moving-to-paused": FaultCode.PAGE_PRINTER_STOPPED,
    "stopped": FaultCode.PAGE_PRINTER_STOPPED,
}
#: These prevent printing however mildly they are said: CUPS says "offline-report", and who waits
#: for paper in the middle of a job "media-needed-warning".
_ALWAYS = (
    "media-needed",
    "offline",
    "shutdown",
    "timed-out",
    "cups-",
    "paused",
    "moving-to-paused",
    "stopped",
)
#: A printer that lacks one of these may stand in the middle of a page.
IN_A_PAGE = frozenset(
    {
        FaultCode.PAGE_PRINTER_PAPER_OUT,
        FaultCode.PAGE_PRINTER_JAM,
        FaultCode.PAGE_PRINTER_OPEN,
        FaultCode.PAGE_PRINTER_TONER_OUT,
        FaultCode.PAGE_PRINTER_TRAY_FULL,
        FaultCode.PAGE_PRINTER_ERROR,
    }
)


def gravest(reasons: Iterable[str]) -> tuple[FaultCode | None, str]:
    """The gravest of the reasons as a fault, and its word; faults stand in that order."""
    found = [(code, word) for word in reasons if (code := fault_of(word)) is not None]
    return min(found, key=lambda one: list(FaultCode).index(one[0]), default=(None, ""))


def fault_of(word: str) -> FaultCode | None:
    """The fault that a reason is; None for one that prevents nothing."""
    keyword, _, grave = re.sub(r"-(error|warning|report)$", r" \1", word).partition(" ")
    code = next((code for name, code in _REASONS.items() if keyword.startswith(name)), None)
    if keyword.startswith(_ALWAYS) or code is FaultCode.PAGE_PRINTER_LOW:
        return code
    if grave == "report":
        return None
    if grave == "warning":
        # One of several trays, or a supply that still lasts.
        return None if code is None else FaultCode.PAGE_PRINTER_LOW
    return code or (FaultCode.PAGE_PRINTER_ERROR if grave == "error" else None)
