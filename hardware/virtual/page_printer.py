"""The far end of an A4 printer: a little print server that speaks IPP, and has manners.

Its bytes are written literally. A job goes through `course`, one state with each look at it: 3
pending, 4 held, 5 processing, 6 stopped, 7 cancelled, 8 aborted, 9 completed. What a completed job
held lies in `tray`.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_OPENING = (
    b"\x01\x47\x00\x12attributes-charset\x00\x05utf-8"
    b"\x48\x00\x1battributes-natural-language\x00\x05en-us"
)
#: A value of many parts, as real printers tell of their trays: to be stepped over.
_COLLECTION = (
    b"\x34\x00\x11media-col-default\x00\x00\x4a\x00\x00\x00\x0amedia-type"
    b"\x44\x00\x00\x00\x0astationery\x37\x00\x00\x00\x00"
)
#: What it did not understand of a question comes before what was asked for.
_UNSUPPORTED = b"\x05\x10\x00\x10job-cancel-after\x00\x00"
_PENDING, _DONE = 3, (7, 8, 9)


@dataclass
class VirtualJob:
    """One job of the queue."""

    user: str
    name: str
    document: bytes = b""
    state: int = _PENDING
    course: list[int] = field(default_factory=list)
    sheets: int = 0


class VirtualPagePrinter:
    """A queue called "a4", idle, with paper."""

    def __init__(self) -> None:
        self.state, self.accepting = 3, True
        self.reasons = ["none"]
        self.formats = ["application/pdf", "image/pwg-raster"]
        self.media = ["iso_a4_210x297mm", "na_letter_8.5x11in"]
        self.course = [3, 5, 9]
        self.job_reasons = ["none"]
        #: What it counts of a completed job; -1 says nothing of it.
        self.counts = 1
        self.jobs: dict[int, VirtualJob] = {}
        self.tray: list[bytes] = []
        #: Reasons, and its state, from the moment on that a job is completed.
        self.after_job: tuple[int, list[str]] | None = None
        #: Operation -> status that it answers with.
        self.refuses: dict[int, int] = {}
        #: Operations that it answers nothing, a byte now and then, half; and those whose jobs stay.
        self.mute: set[int] = set()
        self.dribbles: set[int] = set()
        self.breaks: set[int] = set()
        self.keeps_jobs = False
        #: Whose a job is, whoever asked for it.
        self.owner = ""
        #: Said instead of every answer; and with which status of HTTP.
        self.instead: bytes | None = None
        self.http = 200
        #: Each question: operation, attributes.
        self.heard: list[tuple[int, dict[str, list[bytes]]]] = []
        self._open = True
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.plug()

    @property
    def where(self) -> str:
        return f"a4@127.0.0.1:{self.port}"

    def plug(self) -> None:
        """Listen, at the same port as before."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                # Whoever asked may be gone.
                with suppress(OSError):
                    outer.serve(self.rfile.read(length), self)

            def log_message(self, *args: object) -> None:
                """It says nothing."""

        if self._server is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
            self._server.daemon_threads = True
            self.port = self._server.server_address[1]
            serve = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
            serve.start()

    def unplug(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def close(self) -> None:
        self._open = False
        self.unplug()

    def lack(self, *reasons: str, state: int = 3) -> None:
        self.reasons, self.state = list(reasons) or ["none"], state

    def add_job(self, user: str, state: int = _PENDING) -> int:
        """A job that is there already, and stays as it is."""
        number = len(self.jobs) + 1
        self.jobs[number] = VirtualJob(user, "", b"%PDF of before", state, [state])
        return number

    def left(self) -> list[int]:
        """Numbers of the jobs that have not ended."""
        return [number for number, job in self.jobs.items() if job.state not in _DONE]

    # -- what it hears -----------------------------------------------------------------------

    def serve(self, body: bytes, http: BaseHTTPRequestHandler) -> None:
        operation = body[2] << 8 | body[3]
        with self._lock:
            asked, document = _parse(body)
            self.heard.append((operation, asked))
            answer = self._answer(operation, asked, document, body[4:8])
        while operation in self.mute and self._open:
            time.sleep(0.02)
        http.send_response_only(self.http)
        http.send_header("Content-Type", "application/ipp")
        http.send_header("Content-Length", str(len(answer)))
        http.end_headers()
        if operation in self.breaks:
            http.wfile.write(answer[: len(answer) // 2])
            http.connection.shutdown(socket.SHUT_RDWR)
            return
        for byte in answer if operation in self.dribbles else ():
            if not self._open:
                return
            http.wfile.write(bytes([byte]))
            time.sleep(0.1)
        if operation not in self.dribbles:
            http.wfile.write(answer)

    def _answer(
        self, operation: int, asked: dict[str, list[bytes]], document: bytes, number: bytes
    ) -> bytes:
        if self.instead is not None:
            return self.instead
        status, groups = self.refuses.get(operation, 0), b""
        job = int.from_bytes(asked.get("job-id", [b"\0"])[0], "big")
        if status == 0 and job and job not in self.jobs:
            status = 0x0406
        if status == 0:
            groups, status = self._do(operation, asked, document, job)
        return b"\x02\x00" + status.to_bytes(2, "big") + number + _OPENING + groups + b"\x03"

    def _do(
        self, operation: int, asked: dict[str, list[bytes]], document: bytes, number: int
    ) -> tuple[bytes, int]:
        if operation == 0x0005:
            number = len(self.jobs) + 1
            user, name = asked["requesting-user-name"][0], asked["job-name"][0]
            self.jobs[number] = VirtualJob(
                self.owner or user.decode(), name.decode(), course=list(self.course)
            )
            return _UNSUPPORTED + self._of(number), 1
        if operation == 0x0006:
            self.jobs[number].document = document
            return self._of(number), 0
        if operation == 0x0008:
            return self._cancel(number)
        if operation == 0x0009:
            if b"job-state" in asked["requested-attributes"]:
                self._move(self.jobs[number])
            return self._of(number), 0
        if operation == 0x000A:
            ended = asked["which-jobs"] == [b"completed"]
            chosen = [one for one, job in self.jobs.items() if (job.state in _DONE) is ended]
            return b"".join(map(self._of, chosen)), 0
        if operation == 0x000B:
            return self._self(), 0
        return b"", 0x0501

    def _cancel(self, number: int) -> tuple[bytes, int]:
        job = self.jobs[number]
        if job.state in _DONE:
            job.document = b""
            return b"", 0x0404
        if not self.keeps_jobs:
            job.state, job.course, job.document = 7, [], b""
        return b"", 0

    def _move(self, job: VirtualJob) -> None:
        """The next state of its course; the last one stays."""
        if job.state in _DONE:
            return
        if job.course:
            job.state = job.course[0]
            job.course = job.course[1:] or job.course[:1]
        if job.state == 9:
            self.tray.append(job.document)
            job.sheets = self.counts
            if self.after_job is not None:
                self.state, self.reasons = self.after_job

    # -- what it says ------------------------------------------------------------------------

    def _self(self) -> bytes:
        said = b"\x04\x23\x00\x0dprinter-state\x00\x04" + self.state.to_bytes(4, "big")
        said += _words(b"printer-state-reasons", self.reasons)
        said += b"\x22\x00\x19printer-is-accepting-jobs\x00\x01" + bytes([self.accepting])
        said += _words(b"media-supported", self.media) + _COLLECTION
        return said + _words(b"document-format-supported", self.formats, b"\x49")

    def _of(self, number: int) -> bytes:
        job = self.jobs[number]
        said = b"\x02\x21\x00\x06job-id\x00\x04" + number.to_bytes(4, "big")
        said += b"\x23\x00\x09job-state\x00\x04" + job.state.to_bytes(4, "big")
        said += _words(b"job-state-reasons", self.job_reasons)
        said += _words(b"job-originating-user-name", [job.user], b"\x42")
        if job.sheets >= 0:
            said += b"\x21\x00\x1ajob-media-sheets-completed\x00\x04" + job.sheets.to_bytes(
                4, "big"
            )
        return said


def _words(name: bytes, words: list[str], kind: bytes = b"\x44") -> bytes:
    """A list of words: the name stands with the first only."""
    said = b""
    for place, word in enumerate(words):
        called = b"" if place else name
        data = word.encode()
        said += kind + bytes([0, len(called)]) + called + bytes([0, len(data)]) + data
    return said


def _parse(body: bytes) -> tuple[dict[str, list[bytes]], bytes]:
    """The attributes by name, and the document behind them."""
    found: dict[str, list[bytes]] = {}
    rest, name = body[8:], ""
    while rest[0] != 0x03:
        if rest[0] < 0x10:
            rest = rest[1:]
            continue
        length = rest[1] << 8 | rest[2]
        name = rest[3 : 3 + length].decode() or name
        rest = rest[3 + length :]
        length = rest[0] << 8 | rest[1]
        found.setdefault(name, []).append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    return found, rest[1:]
