"""The terminals' doors, made from the one table of the contract (`sync.wire.doors`).

Every request goes the same way: is it short enough for its door, whose signature is under it, does
it come for the first time; only then is it unpacked, read and answered. What is wrong is said in
the contract's words, without repeating what was sent.
"""

from __future__ import annotations

import json
import logging
import zlib
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils import timezone
from pydantic import ValidationError

from central import card_scripts, cards, fleet, intake, journal, packs, pieces, questions
from central.releases import serving
from central.signatures import BadRequest, check, sender
from central.whole import has_nul
from sync.canonical import sha256_hex
from sync.contract import TERMINAL_TOO_NEW, TERMINAL_TOO_OLD
from sync.contract import refusal as refusal_of
from sync.wire import doors
from sync.wire.base import API, Refusal
from sync.wire.envelopes import BatchAnswer, InPieces, Piece, PieceAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from pydantic import BaseModel

    from central.models import Terminal
    from sync.wire.doors import Door
    from sync.wire.enrolment import EnrolRequest
    from sync.wire.envelopes import Batch
    from sync.wire.fleet import Heartbeat, HeartbeatAnswer

log = logging.getLogger(__name__)

#: Error code -> HTTP status; all others are 401.
_STATUS = {
    "bad_request": 400,
    TERMINAL_TOO_OLD: 400,
    TERMINAL_TOO_NEW: 400,
    "unreadable": 422,
    "too_large": 413,
    "too_many_questions": 429,
    "code_unknown": 403,
    "code_used": 403,
    "code_expired": 403,
    "no_numbers": 403,
    "terminal_disabled": 403,
    "not_authorised": 403,
    "unknown_pack": 404,
    "no_such_file": 404,
    "range_needed": 416,
    "exchange_unknown": 409,
    "card_unproven": 422,
    "hsm_refused": 422,
    # Not of the 500s: those say that the centre itself cannot answer.
    "hsm_unreachable": 424,
    "no_registry": 424,
    "no_platform": 424,
    "list_unreadable": 424,
    "unknown_key_of_centre": 424,
}

#: For zlib: a gzip head and tail.
_GZIP = 31


def at_the_doors(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: terminals are answered here. What stands behind it, sessions and the like, is for
    operators only, and a fifth of what a heartbeat costs."""
    doors_at = {f"{API}/{door.path}": door for door in doors.DOORS.values()}

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(serving.PREFIX):
            return _file(request)
        door = doors_at.get(request.path)
        return get_response(request) if door is None else _answered(request, door)

    return answer


def _answered(request: HttpRequest, door: Door) -> HttpResponse:
    try:
        return _json(_ANSWERS[door.path](request, door).model_dump_json())
    except BadRequest as error:
        return refused(error.error)


def _file(request: HttpRequest) -> HttpResponse:
    """Part of a release."""
    try:
        return serving.give(request)
    except BadRequest as error:
        return refused(error.error)


def refused(error: str) -> HttpResponse:
    """A refusal of the whole request."""
    refusal = Refusal(error=error, server_time=now())
    return _json(refusal.model_dump_json(), _STATUS.get(error, 401))


def now() -> str:
    return timezone.localtime().isoformat(timespec="seconds")


def _json(body: str, status: int = 200) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json")
    response.headers["Content-Length"] = str(len(response.content))
    # Bodies may come packed (RFC 9110 §12.5.3).
    response.headers["Accept-Encoding"] = "gzip"
    return response


# -- one request -----------------------------------------------------------------------------------


def _must_be_short(request: HttpRequest, door: Door) -> None:
    """Raises `BadRequest` before anything of the body is read."""
    if request.method != "POST":
        raise BadRequest("bad_request")
    length = request.headers.get("Content-Length", "")
    if not length.isascii() or not length.isdigit():
        raise BadRequest("bad_request")
    if int(length) > door.limit:
        raise BadRequest("too_large")


def _read(request: HttpRequest, door: Door) -> Any:
    """The message. Raises `BadRequest`."""
    encoding = request.headers.get("Content-Encoding", "")
    if encoding not in ("", "gzip") or (encoding and not door.packed):
        raise BadRequest("bad_request")
    body = _unpacked(request.body, door.limit) if encoding else request.body
    try:
        message = door.request.model_validate_json(body)
        if b"\\u0000" in body and has_nul(json.loads(body)):
            raise BadRequest("bad_request")
    except (ValidationError, RecursionError):
        # Without the details: they repeat what was sent.
        raise BadRequest("bad_request") from None
    return message


def _unpacked(packed: bytes, limit: int) -> bytes:
    """Raises `BadRequest` for too much, whatever the body claims, and for what is no gzip."""
    inflating = zlib.decompressobj(_GZIP)
    try:
        data = inflating.decompress(packed, limit)
    except zlib.error:
        raise BadRequest("bad_request") from None
    if not inflating.eof:
        raise BadRequest("too_large" if inflating.unconsumed_tail else "bad_request")
    return data


def _signed(
    answer: Callable[[Terminal, Any], BaseModel],
) -> Callable[[HttpRequest, Door], BaseModel]:
    """Who is answered must be an enrolled terminal, and signs each request once."""

    def answered(request: HttpRequest, door: Door) -> BaseModel:
        _must_be_short(request, door)
        terminal = sender(request)
        return answer(terminal, _read(request, door))

    return answered


# -- the answers -----------------------------------------------------------------------------------


def _enrol(request: HttpRequest, door: Door) -> BaseModel:
    """The request is signed with the very key it brings."""
    _must_be_short(request, door)
    body: EnrolRequest = _read(request, door)
    key = body.device_public_key
    key_id = sha256_hex(key)[:16]
    check(request, lambda named: key if named == key_id else None)
    try:
        return fleet.enrol(body.code, key_id, key, body.hall)
    except fleet.BadCode as bad:
        raise BadRequest(bad.error) from None


def _envelopes(terminal: Terminal, body: Batch) -> BatchAnswer:
    _must_be_readable(body.schema_version)
    return intake.receive(terminal, body.envelopes)


def _piece(terminal: Terminal, body: Piece) -> PieceAnswer:
    return PieceAnswer(held=pieces.keep(terminal, body))


def _in_pieces(terminal: Terminal, body: InPieces) -> BatchAnswer:
    try:
        envelope = pieces.whole(terminal, body)
    except ValidationError:
        raise BadRequest("bad_request") from None
    if envelope is None:
        return intake.receive(terminal, [])  # no answer to the item: it is sent again
    answer = intake.receive(terminal, [envelope])
    if answer.answers[0].position:
        pieces.forget(terminal, answer.answers[0].id)
    return answer


def _heartbeat(terminal: Terminal, body: Heartbeat) -> HeartbeatAnswer:
    _must_be_readable(body.schema_version)
    if body.terminal != terminal.number:
        raise BadRequest("bad_request")
    return fleet.heard(terminal, body)


def _must_be_readable(schema_version: int) -> None:
    """A message of another major version, sent through the door of this one."""
    if error := refusal_of(schema_version):
        raise BadRequest(error)


_ANSWERS: dict[str, Callable[[HttpRequest, Door], BaseModel]] = {
    doors.ENROL.path: _enrol,
    doors.ENVELOPES.path: _signed(_envelopes),
    doors.QUESTIONS.path: _signed(questions.answer),
    doors.PIECES.path: _signed(_piece),
    doors.IN_PIECES.path: _signed(_in_pieces),
    doors.HEARTBEAT.path: _signed(_heartbeat),
    doors.POLICY_PACK.path: _signed(packs.give),
    doors.JOURNAL.path: _signed(journal.take),
    doors.CARD_PROOF.path: _signed(cards.prove),
    doors.CARD_OPENING.path: _signed(cards.open_card),
    doors.CARD_SCRIPT.path: _signed(card_scripts.give),
}
