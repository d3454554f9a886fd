"""Bodies that arrive compressed, and the word to terminals that they may (RFC 9110 §12.5.3).

A signature covers the body as it was sent, so it is checked first; what is unpacked afterwards may
not be larger than the largest message of the contract, whatever the packed body claims.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from ninja.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

#: A batch of full envelopes in base64, and some room; bytes.
BODY_LIMIT = 16 * 1024 * 1024

#: For zlib: a gzip head and tail.
_GZIP = 31


class UnpackingParser(Parser):
    """Reads JSON bodies, packed or not."""

    def parse_body(self, request: HttpRequest) -> Any:
        return super().parse_body(_Unpacked(request))  # type: ignore[arg-type]


class _Unpacked:
    """A request as the parser looks at it: its body, unpacked."""

    def __init__(self, request: HttpRequest) -> None:
        packed = request.headers.get("Content-Encoding", "") == "gzip"
        self.body = unpack(request.body) if packed else request.body


def unpack(body: bytes) -> bytes:
    """Raises `ValueError`, which is answered with 400, for too much and for what is not gzip."""
    inflating = zlib.decompressobj(_GZIP)
    try:
        data = inflating.decompress(body, BODY_LIMIT)
    except zlib.error as error:
        raise ValueError("not gzip") from error
    if not inflating.eof:
        raise ValueError("too large, or cut short")
    return data


def say_what_is_understood(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: every answer says that bodies may come packed."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["Accept-Encoding"] = "gzip"
        return response

    return answer
