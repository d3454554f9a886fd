"""IPP, the language of CUPS and of printers (RFC 8010, 8011): a question and its answer over HTTP.

Only what one A4 printer needs: whole numbers, truth values and words. Values of other kinds are
left as their bytes. The far end is on this machine, at a unix socket or a loopback port: what is
printed goes over no network in clear text.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

#: Operations (RFC 8011 §4, §5.4.15).
CREATE_JOB, SEND_DOCUMENT, CANCEL_JOB = 0x0005, 0x0006, 0x0008
GET_JOB, GET_JOBS, GET_PRINTER = 0x0009, 0x000A, 0x000B

#: Kinds of values (RFC 8010 §3.5.2).
_INTEGER, _BOOLEAN, _ENUM = 0x21, 0x22, 0x23
_NAME, _KEYWORD, _URI, _CHARSET, _LANGUAGE, _FORMAT = 0x42, 0x44, 0x45, 0x47, 0x48, 0x49
_OPERATION_GROUP, _JOB_GROUP, _END, _UNSUPPORTED_GROUP = 0x01, 0x02, 0x03, 0x05
_FIRST_VALUE = 0x10
#: From here on words; below it, values of other kinds.
_WORDS = 0x41

#: What is asked -> its kind; a word that is not here is a keyword.
_KINDS: Mapping[str, int] = {
    "attributes-charset": _CHARSET,
    "attributes-natural-language": _LANGUAGE,
    "printer-uri": _URI,
    "requesting-user-name": _NAME,
    "job-name": _NAME,
    "document-format": _FORMAT,
}

#: No more of an answer is read, bytes.
_LONGEST = 1 << 18

#: Statuses below this are good ones (RFC 8011 §4.1.6).
_FIRST_BAD = 0x0100

Value = int | bool | str | bytes
Group = dict[str, list[Value]]
Asked = Mapping[str, Value | Sequence[Value]]


class Refused(Exception):
    """The far end understood and will not. `status`: its IPP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"IPP {status:04x}")
        self.status = status


@dataclass(frozen=True)
class Place:
    """Where a queue is. `socket`: path of a unix socket, or "" for `port` at loopback."""

    path: str
    socket: str = ""
    port: int = 0

    @property
    def uri(self) -> str:
        """What the far end knows the queue by."""
        return f"ipp://localhost{f':{self.port}' if self.port else ''}{self.path}"

    @property
    def is_cups(self) -> bool:
        """Whether CUPS is there, as this machine's CUPS is set up usually."""
        return self.socket == CUPS or self.port == CUPS_PORT


#: Where CUPS listens.
CUPS, CUPS_PORT = "/run/cups/cups.sock", 631


def parse_place(where: str) -> Place:
    """NAME, a queue of CUPS; NAME@/path/of/a/socket or NAME@127.0.0.1:PORT where it listens
    elsewhere; ipp/print@127.0.0.1:PORT for a printer without CUPS. Raises `ValueError`."""
    name, _, at = where.partition("@")
    at = at or CUPS
    host, _, port = at.rpartition(":")
    unix = at.startswith("/")
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
    here = host in ("127.0.0.1", "localhost") and 0 < number < 65_536
    if not re.fullmatch(r"[\w./-]+", name, re.ASCII) or not (unix or here):
        raise ValueError(f"A4 printer {where!r}: use NAME, or NAME@127.0.0.1:PORT; never a network")
    path = f"/{name}" if "/" in name else f"/printers/{name}"
    return Place(path, socket=at) if unix else Place(path, port=number)


def ask(
    place: Place,
    operation: int,
    about: Asked,
    job: Asked | None = None,
    document: bytes = b"",
    limit_s: float = 5.0,
) -> list[Group]:
    """Ask one thing. `about`, `job`: attributes of the operation and of the job that it makes.

    Returns the groups of the answer, but for the first, which is about the operation, and for what
    the far end did not understand of the question. Raises `Refused`; `OSError` or `ValueError`
    where there is no answer within `limit_s` seconds, or none that can be read.
    """
    said = b"\x02\x00" + operation.to_bytes(2, "big") + b"\0\0\0\x01"
    always: dict[str, Value | Sequence[Value]] = {
        "attributes-charset": "utf-8",
        "attributes-natural-language": "en",
        "printer-uri": place.uri,
    }
    said += bytes([_OPERATION_GROUP]) + _encoded(always | dict(about))
    if job:
        said += bytes([_JOB_GROUP]) + _encoded(job)
    answer = _post(place, said + bytes([_END]) + document, limit_s)
    status = int.from_bytes(answer[2:4], "big")
    if len(answer) < 9:
        raise ValueError("no whole answer")
    if status >= _FIRST_BAD:
        raise Refused(status)
    return _groups(answer)[1:]


def _encoded(attributes: Asked) -> bytes:
    said = b""
    for name, given in attributes.items():
        values = [given] if isinstance(given, int | str | bytes) else list(given)
        for place, value in enumerate(values):
            kind, data = _value(name, value)
            called = b"" if place else name.encode("ascii")
            said += bytes([kind]) + _counted(called) + _counted(data)
    return said


def _value(name: str, value: Value) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return _BOOLEAN, bytes([value])
    if isinstance(value, int):
        return _INTEGER, value.to_bytes(4, "big", signed=True)
    data = value.encode() if isinstance(value, str) else value
    return _KINDS.get(name, _KEYWORD), data


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _groups(answer: bytes) -> list[Group]:
    """Raises `ValueError` for one that ends too early."""
    groups: list[Group] = []
    group: Group = {}
    place, values = 8, list[Value]()
    while True:
        kind = _cut(answer, place, 1)[0]
        place += 1
        if kind == _END:
            return groups
        if kind < _FIRST_VALUE:
            group = {}
            if kind != _UNSUPPORTED_GROUP:
                groups.append(group)
            continue
        name, place = _counted_at(answer, place)
        data, place = _counted_at(answer, place)
        if name:
            values = group.setdefault(name.decode("ascii", "replace"), [])
        values.append(_read(kind, data))


def _read(kind: int, data: bytes) -> Value:
    if kind in (_INTEGER, _ENUM):
        return int.from_bytes(data, "big", signed=True)
    if kind == _BOOLEAN:
        return data != b"\0"
    return data.decode("utf-8", "replace") if kind >= _WORDS else data


def _counted_at(answer: bytes, place: int) -> tuple[bytes, int]:
    length = int.from_bytes(_cut(answer, place, 2), "big")
    return _cut(answer, place + 2, length), place + 2 + length


def _cut(answer: bytes, place: int, length: int) -> bytes:
    if place + length > len(answer):
        raise ValueError("no whole answer")
    return answer[place : place + length]


class _Line(http.client.HTTPConnection):
    """HTTP to a place on this machine."""

    def __init__(self, place: Place, limit_s: float) -> None:
        super().__init__("localhost", place.port or None, timeout=limit_s)
        self._socket = place.socket

    def connect(self) -> None:
        if not self._socket:
            self.sock = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket)


def _cut_off(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _post(place: Place, body: bytes, limit_s: float) -> bytes:
    headers = {"Content-Type": "application/ipp", "Connection": "close"}
    with closing(_Line(place, limit_s)) as line:
        line.connect()
        # One that sends a byte now and then keeps within every limit of a single read.
        end = threading.Timer(limit_s, _cut_off, (line.sock,))
        end.daemon = True
        end.start()
        try:
            line.request("POST", place.path, body, headers)
            answer = line.getresponse()
            if answer.status != http.client.OK:
                raise ValueError(f"HTTP {answer.status}")
            return answer.read(_LONGEST)
        except http.client.HTTPException as error:
            raise ValueError(type(error).__name__) from None
        finally:
            end.cancel()
