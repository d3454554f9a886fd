"""The A4 printer over real sockets: whole or named why not, and nobody gets another's page."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from hardware import ipp
from hardware.faults import DeviceFault, FaultCode
from hardware.page_printer import PagePrinter, keeps_files
from hardware.page_reasons import fault_of
from hardware.paper import Feed, Pair, Qr, Text
from hardware.sheets import pdf_of
from hardware.supervision import DeviceState
from hardware.virtual.page_printer import VirtualPagePrinter

PAGE = b"%PDF-1.4 of Zhang San"
CREATE, SEND, CANCEL, JOB, JOBS, PRINTER = 0x0005, 0x0006, 0x0008, 0x0009, 0x000A, 0x000B


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit is waited for in few tests, and there it is short."""
    for name, seconds in (
        ("_LOOK_S", 0.003),
        ("_TROUBLE_S", 0.0),
        ("_TROUBLE_STAFF_S", 30.0),
        ("_GONE_S", 0.05),
        ("_SETTLED_S", 0.05),
    ):
        monkeypatch.setattr(f"hardware.page_printer.{name}", seconds)


@pytest.fixture
def far_end() -> Iterator[VirtualPagePrinter]:
    virtual = VirtualPagePrinter()
    yield virtual
    virtual.close()


@pytest.fixture
def printer(far_end: VirtualPagePrinter) -> Iterator[PagePrinter]:
    driver = PagePrinter(far_end.where)
    driver.open()
    yield driver
    driver.close()


def refused(printer: PagePrinter, *, by_staff: bool = False) -> tuple[FaultCode, str]:
    with pytest.raises(DeviceFault) as caught:
        printer.print(PAGE, 1, by_staff=by_staff)
    return caught.value.code, caught.value.detail


def opening(where: str) -> tuple[FaultCode, str]:
    driver = PagePrinter(where)
    with pytest.raises(DeviceFault) as caught:
        driver.open()
    return caught.value.code, caught.value.detail


def heard(far_end: VirtualPagePrinter, operation: int) -> list[dict[str, list[bytes]]]:
    return [asked for op, asked in far_end.heard if op == operation]


# -- a page ----------------------------------------------------------------------------------------


def test_a_page_comes_out_whole_and_nothing_of_it_stays(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    far_end.course = [3, 3, 5, 5, 9]
    printer.print(PAGE, 1)
    assert far_end.tray == [PAGE]
    assert [job.document for job in far_end.jobs.values()] == [b""], "purged"
    condition = printer.poll()
    assert (condition.state, condition.counters) == (DeviceState.READY, {"sheets": 1})


def test_a_job_is_called_the_same_whoever_it_is_for(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    printer.print(PAGE, 1)
    (asked,) = heard(far_end, CREATE)
    assert asked["job-name"] == [b"kiosk"]
    assert asked["requesting-user-name"] == [b"sscard-kiosk"]
    assert asked["media"] == [b"iso_a4_210x297mm"]
    assert asked["job-sheets"] == [b"none"]
    assert int.from_bytes(asked["job-cancel-after"][0], "big") == 600
    (sent,) = heard(far_end, SEND)
    (purged,) = heard(far_end, CANCEL)
    assert purged["purge-job"] == [b"\x01"]
    assert (sent["document-format"], sent["last-document"]) == ([b"application/pdf"], [b"\x01"])
    told = b"".join(b"".join(values) for _, asked in far_end.heard for values in asked.values())
    assert b"Zhang" not in told


def test_the_bytes_are_those_of_the_standard() -> None:
    """RFC 8010 A.1 writes a request like this."""
    said = ipp._encoded({"attributes-charset": "utf-8", "copies": 20, "sides": ["a", "bc"]})
    assert said.hex() == (
        "470012617474726962757465732d63686172736574000 57574662d38".replace(" ", "")
        + "210006636f70696573000400000014"
        + "4400057369646573000161"
        + "44000000026263"
    )


# -- what it lacks ---------------------------------------------------------------------------------


LACKS = [
    ("media-empty-error", FaultCode.PAGE_PRINTER_PAPER_OUT),
    ("media-empty", FaultCode.PAGE_PRINTER_PAPER_OUT),
    ("media-needed-warning", FaultCode.PAGE_PRINTER_PAPER_OUT),
    ("media-jam-error", FaultCode.PAGE_PRINTER_JAM),
    ("door-open-error", FaultCode.PAGE_PRINTER_OPEN),
    ("cover-open", FaultCode.PAGE_PRINTER_OPEN),
    ("toner-empty-error", FaultCode.PAGE_PRINTER_TONER_OUT),
    ("marker-supply-empty-error", FaultCode.PAGE_PRINTER_TONER_OUT),
    ("output-area-full-error", FaultCode.PAGE_PRINTER_TRAY_FULL),
    ("offline-report", FaultCode.PAGE_PRINTER_OFFLINE),
    ("cups-missing-filter-warning", FaultCode.PAGE_PRINTER_FILTER),
    ("paused", FaultCode.PAGE_PRINTER_STOPPED),
    ("moving-to-paused-report", FaultCode.PAGE_PRINTER_STOPPED),
    ("fuser-over-temp-error", FaultCode.PAGE_PRINTER_ERROR),
]
MILD = [
    ("toner-low-report", FaultCode.PAGE_PRINTER_LOW),
    ("marker-supply-low-warning", FaultCode.PAGE_PRINTER_LOW),
    ("media-low", FaultCode.PAGE_PRINTER_LOW),
    # One tray of several.
    ("media-empty-warning", FaultCode.PAGE_PRINTER_LOW),
    ("media-empty-report", None),
    ("connecting-to-device", None),
    ("com.example-humming-report", None),
    ("none", None),
]


@pytest.mark.parametrize(("reason", "code"), [*LACKS, *MILD])
def test_each_reason_has_its_fault(reason: str, code: FaultCode | None) -> None:
    assert fault_of(reason) is code


@pytest.mark.parametrize(("reason", "code"), LACKS)
def test_a_printer_that_lacks_something_gets_no_job(
    far_end: VirtualPagePrinter, printer: PagePrinter, reason: str, code: FaultCode
) -> None:
    far_end.lack("toner-low-warning", reason)
    assert refused(printer) == (code, reason)
    condition = printer.poll()
    assert (condition.state, condition.fault) == (DeviceState.FAULT, code)
    assert far_end.jobs == {}
    far_end.lack()
    printer.print(PAGE, 1)
    assert far_end.tray == [PAGE], "it was before anything was sent: nothing hangs in it"


def test_of_several_the_gravest_is_told(far_end: VirtualPagePrinter, printer: PagePrinter) -> None:
    far_end.lack("door-open-error", "marker-supply-low-warning", "media-jam-error")
    assert printer.poll().fault is FaultCode.PAGE_PRINTER_JAM


@pytest.mark.parametrize(("reason", "code"), MILD)
def test_what_prevents_nothing_is_a_warning_at_most(
    far_end: VirtualPagePrinter, printer: PagePrinter, reason: str, code: FaultCode | None
) -> None:
    far_end.lack(reason)
    printer.print(PAGE, 1)
    assert printer.poll().fault is code
    assert printer.poll().state is (DeviceState.WARNING if code else DeviceState.READY)


def test_a_queue_that_is_stopped_or_takes_nothing(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    far_end.lack(state=5)
    assert refused(printer)[0] is FaultCode.PAGE_PRINTER_STOPPED
    far_end.lack()
    far_end.accepting = False
    assert refused(printer) == (FaultCode.PAGE_PRINTER_STOPPED, "takes no jobs")


@pytest.mark.parametrize(
    "said", ["e\x1b[2Jvil-error", "张三-error", "x" * 70 + "-error", "Media Empty-error"]
)
def test_what_is_no_keyword_is_not_passed_on(
    far_end: VirtualPagePrinter, printer: PagePrinter, said: str
) -> None:
    far_end.lack(said)
    assert printer.poll().fault is None


# -- a job that does not end well ------------------------------------------------------------------


def test_paper_that_ends_in_the_middle_ends_the_job_and_staff_clears_the_printer(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    far_end.course = [5]
    far_end.refuses = {}
    wait = printer._wait

    def run_out(job: int, sheets: int, trouble_s: float) -> None:
        far_end.lack("media-empty-error", state=5)
        wait(job, sheets, trouble_s)

    printer._wait = run_out  # type: ignore[method-assign]
    assert refused(printer) == (FaultCode.PAGE_PRINTER_PAPER_OUT, "media-empty-error")
    assert far_end.left() == [], "cancelled"
    far_end.lack()
    assert printer.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED
    assert refused(printer)[0] is FaultCode.PAGE_PRINTER_UNCLEARED, "the next citizen gets nothing"
    printer._wait = wait  # type: ignore[method-assign]
    far_end.course = [5, 9]
    printer.print(PAGE, 1, by_staff=True)
    assert printer.poll().fault is None
    printer.print(PAGE, 1)


def test_staff_prints_although_cups_has_not_heard_of_the_new_paper(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    """CUPS hears of it while a job runs only: whoever asks it before prints never again."""
    far_end.lack("media-needed-warning")
    far_end.after_job = (3, ["none"])
    printer.print(PAGE, 1, by_staff=True)
    assert printer.poll().fault is None


def test_one_that_processes_for_ever_has_a_limit(
    far_end: VirtualPagePrinter, printer: PagePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.page_printer._JOB_S", 0.05)
    monkeypatch.setattr("hardware.page_printer._SHEET_S", 0.0)
    far_end.course = [5]
    assert refused(printer) == (FaultCode.PAGE_PRINTER_UNCONFIRMED, "job-state 5")
    assert far_end.left() == []
    assert printer.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED


@pytest.mark.parametrize(
    ("course", "reason", "fault"),
    [
        ([5, 8], "document-format-error", FaultCode.PAGE_PRINTER_FILTER),
        ([5, 8], "aborted-by-system", FaultCode.PAGE_PRINTER_FILTER),
        ([5, 7], "job-canceled-at-device", FaultCode.PAGE_PRINTER_UNCONFIRMED),
        ([5, 6], "job-stopped", FaultCode.PAGE_PRINTER_FILTER),
        ([3, 4], "job-hold-until-specified", FaultCode.PAGE_PRINTER_STOPPED),
    ],
)
def test_a_job_that_ends_otherwise_is_named(
    far_end: VirtualPagePrinter,
    printer: PagePrinter,
    course: list[int],
    reason: str,
    fault: FaultCode,
) -> None:
    far_end.course, far_end.job_reasons = course, [reason]
    code, detail = refused(printer)
    ours = {4: "job held", 6: "job stopped"}
    assert (code, detail) == (fault, ours.get(course[-1], reason))
    assert far_end.tray == [] and far_end.left() == []
    assert [job.document for job in far_end.jobs.values()] == [b""], "purged"
    begun = 5 in course
    assert (printer.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED) is begun


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ((5, ["media-empty-error"]), FaultCode.PAGE_PRINTER_PAPER_OUT),
        ((3, ["media-jam-error"]), FaultCode.PAGE_PRINTER_JAM),
        ((5, ["none"]), FaultCode.PAGE_PRINTER_STOPPED),
    ],
)
def test_completed_is_not_believed_of_a_printer_that_stands_still(
    far_end: VirtualPagePrinter,
    printer: PagePrinter,
    after: tuple[int, list[str]],
    fault: FaultCode,
) -> None:
    far_end.after_job = after
    assert refused(printer)[0] is fault
    far_end.lack()
    assert printer.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED


def test_the_last_sheet_of_paper_is_a_whole_page(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    far_end.after_job = (3, ["media-empty-error"])
    printer.print(PAGE, 1)
    assert printer.poll().fault is FaultCode.PAGE_PRINTER_PAPER_OUT


@pytest.mark.parametrize("counted", [-1, 0, 3, 14])
def test_a_count_that_says_nothing_is_not_counted_on(
    far_end: VirtualPagePrinter, printer: PagePrinter, counted: int
) -> None:
    far_end.counts = counted
    printer.print(PAGE, 3)


def test_fewer_sheets_than_there_are_is_not_whole(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    far_end.counts = 2
    with pytest.raises(DeviceFault, match="2 of 3 sheets"):
        printer.print(PAGE, 3)
    assert printer.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED


# -- jobs of before, and of others -----------------------------------------------------------------


@pytest.mark.parametrize("state", [3, 5])
def test_a_program_that_died_left_its_job_and_nobody_else_gets_it(
    far_end: VirtualPagePrinter, state: int
) -> None:
    """A CUPS that was started anew, as after a power cut, calls it pending."""
    far_end.add_job("sscard-kiosk", state)
    others = far_end.add_job("office", 5)
    driver = PagePrinter(far_end.where)
    driver.open()
    assert far_end.left() == [others]
    assert driver.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED, "half of it may hang in it"
    driver.close()


def test_a_printer_that_waits_for_paper_at_the_start_may_hold_a_page(
    far_end: VirtualPagePrinter,
) -> None:
    far_end.lack("media-empty-error")
    driver = PagePrinter(far_end.where)
    driver.open()
    far_end.lack()
    assert driver.poll().fault is FaultCode.PAGE_PRINTER_UNCLEARED
    driver.close()


def test_a_job_that_cannot_be_cancelled_keeps_the_printer_closed(
    far_end: VirtualPagePrinter,
) -> None:
    far_end.add_job("sscard-kiosk", 5)
    far_end.keeps_jobs = True
    assert opening(far_end.where) == (FaultCode.PAGE_PRINTER_UNCLEARED, "1 jobs are left")
    far_end.keeps_jobs = False
    driver = PagePrinter(far_end.where)
    driver.open()
    assert far_end.left() == []
    driver.close()


def test_a_job_that_would_not_be_found_again_is_not_sent_for(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    far_end.owner = "root"
    assert refused(printer) == (FaultCode.PAGE_PRINTER_ERROR, "jobs get another name")
    assert far_end.left() == [] and heard(far_end, SEND) == []
    far_end.owner = ""
    printer.print(PAGE, 1)


def test_two_programs_do_not_cancel_each_others_jobs(
    far_end: VirtualPagePrinter, printer: PagePrinter
) -> None:
    job = far_end.add_job("sscard-kiosk", 5)
    assert opening(far_end.where) == (FaultCode.PAGE_PRINTER_BUSY, "held by another program")
    assert far_end.left() == [job]
    printer.close()
    PagePrinter(far_end.where).open()


def test_a_program_that_was_killed_holds_nothing(far_end: VirtualPagePrinter) -> None:
    code = (
        "import os, signal; from hardware.page_printer import PagePrinter\n"
        f"PagePrinter({far_end.where!r}).open(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    driver = PagePrinter(far_end.where)
    driver.open()
    driver.close()


# -- a far end without manners ---------------------------------------------------------------------


@pytest.mark.parametrize("operation", [CREATE, SEND, JOB, PRINTER])
@pytest.mark.parametrize("manner", ["mute", "dribbles", "breaks"])
def test_silence_ends_and_what_it_may_have_heard_is_cancelled_when_it_is_back(
    far_end: VirtualPagePrinter,
    printer: PagePrinter,
    monkeypatch: pytest.MonkeyPatch,
    manner: str,
    operation: int,
) -> None:
    ask = ipp.ask

    def impatient(*asked: Any) -> list[ipp.Group]:
        return ask(*asked[:-1], 0.2 if asked[1] == operation else 30.0)

    monkeypatch.setattr(ipp, "ask", impatient)
    far_end.course = [5]
    getattr(far_end, manner).add(operation)
    assert refused(printer)[0] is FaultCode.PAGE_PRINTER_OFFLINE
    getattr(far_end, manner).clear()
    monkeypatch.setattr(ipp, "ask", ask)
    begun = operation in (SEND, JOB)
    assert printer.poll().fault is (FaultCode.PAGE_PRINTER_UNCLEARED if begun else None)
    assert far_end.left() == []


def test_a_page_that_came_out_is_printed_though_its_file_cannot_be_deleted_yet(
    far_end: VirtualPagePrinter, printer: PagePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ipp.ask

    def impatient(*asked: Any) -> list[ipp.Group]:
        return ask(*asked[:-1], 0.2 if asked[1] == CANCEL else 30.0)

    monkeypatch.setattr(ipp, "ask", impatient)
    far_end.mute.add(CANCEL)
    printer.print(PAGE, 1)
    far_end.mute.clear()
    monkeypatch.setattr(ipp, "ask", ask)
    assert printer.poll().fault is None
    assert [job.document for job in far_end.jobs.values()] == [b""], "purged later"


def test_one_that_is_gone_in_the_middle(far_end: VirtualPagePrinter, printer: PagePrinter) -> None:
    far_end.unplug()
    assert refused(printer)[0] is FaultCode.PAGE_PRINTER_OFFLINE
    with pytest.raises(DeviceFault) as caught:
        printer.poll()
    assert caught.value.code is FaultCode.PAGE_PRINTER_OFFLINE
    far_end.plug()
    printer.print(PAGE, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x02",
        b"HELO",
        bytes.fromhex("0200000000000001"),
        bytes.fromhex("020000000000000103"),
        bytes.fromhex("02000000000000010104"),
        bytes.fromhex("020000000000000144000161000162 03".replace(" ", "")),
        bytes.fromhex("0200000000000001014700ff41"),
        bytes.fromhex("02000000000000010104230004") + b"name" + bytes.fromhex("0002000303"),
        b"\x02\x00" + bytes(300_000),
        bytes(range(256)) * 8,
    ],
)
def test_an_answer_that_is_none_is_a_printer_that_is_away(
    far_end: VirtualPagePrinter, printer: PagePrinter, answer: bytes
) -> None:
    far_end.instead = answer
    assert refused(printer)[0] in (FaultCode.PAGE_PRINTER_OFFLINE, FaultCode.PAGE_PRINTER_ERROR)
    with pytest.raises(DeviceFault):
        printer.poll()


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (0x0406, FaultCode.PAGE_PRINTER_OFFLINE),
        (0x0506, FaultCode.PAGE_PRINTER_STOPPED),
        (0x040A, FaultCode.PAGE_PRINTER_FILTER),
        (0x0500, FaultCode.PAGE_PRINTER_ERROR),
        (0xFFFF, FaultCode.PAGE_PRINTER_ERROR),
    ],
)
@pytest.mark.parametrize("operation", [CREATE, SEND])
def test_what_it_refuses_is_named(
    far_end: VirtualPagePrinter,
    printer: PagePrinter,
    operation: int,
    status: int,
    fault: FaultCode,
) -> None:
    far_end.refuses = {operation: status}
    assert refused(printer) == (fault, f"IPP {status:04x}")
    assert far_end.left() == [] and far_end.tray == []


def test_http_that_wants_something_else(far_end: VirtualPagePrinter, printer: PagePrinter) -> None:
    far_end.http = 426
    assert refused(printer) == (FaultCode.PAGE_PRINTER_OFFLINE, "HTTP 426")


def test_a_printer_without_pdf_or_a4_is_not_begun_with(far_end: VirtualPagePrinter) -> None:
    far_end.formats = ["image/pwg-raster"]
    assert opening(far_end.where) == (FaultCode.PAGE_PRINTER_FILTER, "no application/pdf")
    far_end.formats, far_end.media = ["application/pdf"], ["na_letter_8.5x11in"]
    assert opening(far_end.where) == (FaultCode.PAGE_PRINTER_FILTER, "no iso_a4_210x297mm")


# -- where it is, and what CUPS keeps --------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "uri", "socket"),
    [
        ("a4", "ipp://localhost/printers/a4", "/run/cups/cups.sock"),
        ("a4@/run/other.sock", "ipp://localhost/printers/a4", "/run/other.sock"),
        ("a4@127.0.0.1:631", "ipp://localhost:631/printers/a4", ""),
        ("ipp/print@localhost:60000", "ipp://localhost:60000/ipp/print", ""),
    ],
)
def test_where_a_queue_can_be(where: str, uri: str, socket: str) -> None:
    place = ipp.parse_place(where)
    assert (place.uri, place.socket) == (uri, socket)
    assert place.is_cups is (where in ("a4", "a4@127.0.0.1:631"))


@pytest.mark.parametrize(
    "where",
    [
        *("", "@127.0.0.1:631", "a4@192.168.1.20:631", "a4@printer.example", "a 4", "打印机"),
        *("a4@127.0.0.1:0", "a4@127.0.0.1:65536"),
    ],
)
def test_no_page_goes_over_a_network(where: str) -> None:
    with pytest.raises(ValueError, match="never a network"):
        PagePrinter(where)


@pytest.mark.parametrize(
    ("settings", "keeps"),
    [
        ("PreserveJobFiles No\n", False),
        ("  preservejobfiles off", False),
        ("PreserveJobFiles No\nPreserveJobFiles Yes\n", True),
        ("#PreserveJobFiles No\n", True),
        ("PreserveJobFiles 86400\n", True),
        ("", True),
        (None, True),
    ],
)
def test_cups_keeps_files_unless_it_is_told_not_to(
    tmp_path: Path, settings: str | None, keeps: bool
) -> None:
    config = tmp_path / "cupsd.conf"
    if settings is not None:
        config.write_text(settings)
    assert keeps_files(config) is keeps


def test_a_cups_that_keeps_files_is_a_warning(
    far_end: VirtualPagePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipp, "CUPS_PORT", far_end.port)
    for keeps, fault in ((True, FaultCode.PAGE_PRINTER_KEEPS), (False, None)):
        monkeypatch.setattr("hardware.page_printer.keeps_files", lambda keeps=keeps: keeps)
        driver = PagePrinter(far_end.where)
        driver.open()
        assert driver.poll().fault is fault
        driver.close()


# -- the page --------------------------------------------------------------------------------------


def test_a_receipt_becomes_sheets_that_can_be_read() -> None:
    lines = tuple(Pair("回执编号", f"{number:04}") for number in range(60))
    made, sheets = pdf_of((Text("测试页", size=2, bold=True), Qr("300001"), *lines, Feed(2)))
    assert made.startswith(b"%PDF-") and sheets == 3
    assert made.count(b"/Type /Page\n") == sheets
    assert made.count(b"[ 0 0 595.2 841.92 ]") == sheets, "A4 in points"
    pictures = [
        PIL.Image.open(io.BytesIO(found))
        for found in re.findall(rb"\xff\xd8.*?\xff\xd9", made, re.S)
    ]
    assert len(pictures) == sheets
    for picture in pictures:
        assert picture.size == (1240, 1754)
        dark = picture.convert("L").point(lambda grey: 255 if grey < 128 else 0).getbbox()
        assert dark is not None
        left, top, right, bottom = dark
        assert left > 100 and top > 100 and right < 1140 and bottom < 1660, "within the margin"
    assert pdf_of(())[1] == 1
