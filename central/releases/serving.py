"""The files of releases, to enrolled terminals: GET, signed like every request, in short ranges.

Nothing in them is secret, and the terminal proves what it gets; requests are signed so that a
terminal that was disabled gets nothing more. An answer is at most `PART` bytes, so that no slow
line keeps a thread from those that beat.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse

from central.releases.repository import FOLDER
from central.signatures import BadRequest, sender
from sync.wire.base import API
from sync.wire.release import FILES, PART

if TYPE_CHECKING:
    from django.http import HttpRequest

PREFIX = f"{API}/{FILES}/"

#: No name leads out of its folder.
_NAME = re.compile(r"(metadata|targets)/[A-Za-z0-9][A-Za-z0-9_.-]{0,200}")
_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{0,12})")


def give(request: HttpRequest) -> HttpResponse:
    """One file of metadata, or a range of a target. Raises `BadRequest`."""
    name = request.path.removeprefix(PREFIX)
    if request.method != "GET" or not _NAME.fullmatch(name):
        raise BadRequest("bad_request")
    sender(request)
    try:
        with (Path(settings.STATE) / FOLDER / name).open("rb") as file:
            size = file.seek(0, 2)
            if name.startswith("metadata/"):
                file.seek(0)
                return _bytes(file.read(), 200)
            start, end = _wanted(request.headers.get("Range", ""), size)
            file.seek(start)
            response = _bytes(file.read(end - start), 206)
    except FileNotFoundError:
        raise BadRequest("no_such_file") from None
    response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _wanted(header: str, size: int) -> tuple[int, int]:
    """First byte, and the one after the last. Raises `BadRequest`."""
    found = _RANGE.fullmatch(header)
    if found is None:
        raise BadRequest("range_needed")
    start = int(found[1])
    end = min(int(found[2] or size - 1) + 1, size, start + PART)
    if start >= end:
        raise BadRequest("range_needed")
    return start, end


def _bytes(data: bytes, status: int) -> HttpResponse:
    response = HttpResponse(data, status=status, content_type="application/octet-stream")
    response.headers["Content-Length"] = str(len(data))
    return response
