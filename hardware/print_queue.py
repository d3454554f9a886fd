"""One queue of a print server that speaks IPP, for `hardware.page_printer`: every answer is a value
or a `DeviceFault`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hardware import ipp
from hardware.faults import DeviceFault, FaultCode

#: Whose jobs ours are, and what all of them are called.
_USER, _NAME = "sscard-kiosk", "kiosk"

_A4, _PDF = "iso_a4_210x297mm", "application/pdf"

#: Longest wait for an answer, and for a document to be taken; seconds.
_ANSWER_S, _DOCUMENT_S = 5.0, 30.0
#: So many jobs are looked at.
_MOST_JOBS = 100
#: CUPS cancels a job by itself after so long, should this program have died; seconds.
_CUPS_CANCELS_S = 600

_SENT: ipp.Asked = {"document-format": _PDF, "last-document": True}

#: client-error-not-found: CUPS has no such queue. server-error-not-accepting-jobs, printer-is-
#: deactivated. client-error-document-format-not-supported and -format-error.
_REFUSED: Mapping[int, FaultCode] = {
    0x0406: FaultCode.PAGE_PRINTER_OFFLINE,
    0x0506: FaultCode.PAGE_PRINTER_STOPPED,
    0x050A: FaultCode.PAGE_PRINTER_STOPPED,
    0x040A: FaultCode.PAGE_PRINTER_FILTER,
    0x0411: FaultCode.PAGE_PRINTER_FILTER,
}
_STRANGE = FaultCode.PAGE_PRINTER_ERROR


class PrintQueue:
    """The queue at a place. Everything raises `DeviceFault`."""

    def __init__(self, place: ipp.Place) -> None:
        self._place = place

    def must_do(self) -> None:
        """It takes PDF and A4, as far as it says what it takes."""
        asked = {"requested-attributes": ["document-format-supported", "media-supported"]}
        said = _first(self._ask(ipp.GET_PRINTER, asked))
        for name, needed in (("document-format-supported", _PDF), ("media-supported", _A4)):
            if needed not in said.get(name, [needed]):
                raise DeviceFault(FaultCode.PAGE_PRINTER_FILTER, f"no {needed}", temporary=False)

    def look(self) -> tuple[int, bool, list[str]]:
        """Its state, whether it takes jobs, and what it lacks."""
        asked = ["printer-state", "printer-state-reasons", "printer-is-accepting-jobs"]
        said = self._ask(ipp.GET_PRINTER, {"requested-attributes": asked})
        accepting = _first(said).get("printer-is-accepting-jobs", [True])[0]
        return _number(said, "printer-state"), accepting is not False, _words(said, "printer-state")

    def new_job(self) -> int:
        """An empty job; its number is known before anything of it is sent."""
        wishes: ipp.Asked = {
            "copies": 1,
            "sides": "one-sided",
            "media": _A4,
            "job-hold-until": "no-hold",
            # A banner would be a page that nobody takes.
            "job-sheets": "none",
            "job-cancel-after": _CUPS_CANCELS_S,
        }
        said = self._ask(ipp.CREATE_JOB, {"job-name": _NAME}, wishes)
        return _number(said, "job-id")

    def must_be_ours(self, job: int) -> None:
        """Nothing is sent for a job that a sweep would not know: CUPS may name another owner."""
        names = ["job-originating-user-name"]
        said = self._ask(ipp.GET_JOB, {**_of(job), "requested-attributes": names})
        if _first(said).get("job-originating-user-name") != [_USER]:
            self.forget(job)
            raise DeviceFault(FaultCode.PAGE_PRINTER_ERROR, "jobs get another name")

    def send(self, job: int, pdf: bytes) -> None:
        """The document of a job, which ends with it."""
        self._ask(ipp.SEND_DOCUMENT, {**_of(job), **_SENT}, document=pdf)

    def jobs(self, which: str = "not-completed") -> list[tuple[int, int]]:
        """Number and state of every job of ours that has not ended, or that has."""
        names = ["job-id", "job-state", "job-originating-user-name"]
        ours: ipp.Asked = {"which-jobs": which, "my-jobs": True, "limit": _MOST_JOBS}
        return [
            (_number([one], "job-id"), _number([one], "job-state"))
            for one in self._ask(ipp.GET_JOBS, {**ours, "requested-attributes": names})
            if one.get("job-originating-user-name") == [_USER]
        ]

    def job(self, job: int) -> tuple[int, list[str], int]:
        """State, reasons, and sheets that it has counted."""
        names = ["job-state", "job-state-reasons", "job-media-sheets-completed"]
        said = self._ask(ipp.GET_JOB, {**_of(job), "requested-attributes": names})
        done = _first(said).get("job-media-sheets-completed", [0])[0]
        sheets = done if isinstance(done, int) else 0
        return _number(said, "job-state"), _words(said, "job-state"), sheets

    def forget(self, job: int) -> None:
        """Cancel a job, and have CUPS delete what it was. One that has ended cannot be cancelled,
        says a printer without CUPS."""
        self._ask(ipp.CANCEL_JOB, {**_of(job), "purge-job": True}, may_refuse=True)

    def _ask(
        self,
        operation: int,
        about: ipp.Asked,
        job: ipp.Asked | None = None,
        document: bytes = b"",
        *,
        may_refuse: bool = False,
    ) -> list[ipp.Group]:
        limit = _DOCUMENT_S if document else _ANSWER_S
        asked = {**about, "requesting-user-name": _USER}
        try:
            return ipp.ask(self._place, operation, asked, job, document, limit)
        except ipp.Refused as refused:
            if may_refuse:
                return []
            raise DeviceFault(_REFUSED.get(refused.status, _STRANGE), str(refused)) from None
        except (OSError, ValueError, OverflowError) as error:
            raise DeviceFault(FaultCode.PAGE_PRINTER_OFFLINE, str(error)[:60]) from None


def _of(job: int) -> ipp.Asked:
    return {"job-id": job}


def _first(said: list[ipp.Group]) -> ipp.Group:
    return said[0] if said else {}


def _number(said: list[ipp.Group], name: str) -> int:
    """Raises `DeviceFault` where it is missing: a far end that does not answer what is asked."""
    value = _first(said).get(name, [None])[0]
    if not isinstance(value, int):
        raise DeviceFault(FaultCode.PAGE_PRINTER_OFFLINE, f"no {name}")
    return value


def _words(said: list[ipp.Group], of: str) -> list[str]:
    """The reasons, for logs and pages: keywords and nothing else."""
    given = (str(one) for one in _first(said).get(f"{of}-reasons", []))
    return [one for one in given if one != "none" and re.fullmatch(r"[a-z0-9._-]{1,60}", one)]
