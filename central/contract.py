"""Terminals of another major version are told so before anything of theirs is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.utils import timezone

from sync.contract import CONTRACT, HEADER, refusal, said
from sync.wire.base import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

_DOOR = re.compile(r"/api/v([0-9]{1,4})/")


def speak_one_major_version(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: every answer says which version the centre speaks."""

    def answer(request: HttpRequest) -> HttpResponse:
        error = _refusal(request)
        response = _refused(error) if error else get_response(request)
        response.headers[HEADER] = str(CONTRACT)
        return response

    return answer


def _refusal(request: HttpRequest) -> str:
    """Why this request is not for us; "" if it is, or is no terminal's."""
    door = _DOOR.match(request.path)
    if door is None:
        return ""
    theirs = said(request.headers.get(HEADER))
    if theirs is None:
        return "bad_request"
    # The address and the header say the same; a proxy that changes one must not confuse us.
    return refusal(int(door[1])) or refusal(theirs.major)


def _refused(error: str) -> HttpResponse:
    body = Refusal(error=error, server_time=timezone.localtime().isoformat(timespec="seconds"))
    return HttpResponse(body.model_dump_json(), status=400, content_type="application/json")
