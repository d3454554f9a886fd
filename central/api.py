"""The terminals' door: `sync.messages` over HTTP. Every request is signed by its terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import ValidationError as NinjaValidationError
from pydantic import ValidationError

from central import card_scripts, cards, fleet, intake, journal, pieces
from central.eligibility import refusal
from central.encoding import UnpackingParser
from central.keys import Keyring
from central.signatures import BadRequest, check, sender
from sync.contract import TERMINAL_TOO_NEW, TERMINAL_TOO_OLD
from sync.contract import refusal as refusal_of
from sync.envelope import Unreadable, key_id_of
from sync.messages import (
    KIND_ELIGIBILITY,
    Batch,
    BatchAnswer,
    CardOpening,
    CardOpeningAnswer,
    CardProof,
    CardProofAnswer,
    Checkpoint,
    CheckpointAnswer,
    EligibilityAnswer,
    EligibilityQuestion,
    EnrolAnswer,
    EnrolRequest,
    Envelope,
    Heartbeat,
    HeartbeatAnswer,
    InPieces,
    ItemAnswer,
    Piece,
    PieceAnswer,
    Refusal,
    ScriptAnswer,
    ScriptQuestion,
    Verdict,
)

if TYPE_CHECKING:
    from central.models import Terminal

#: Error code -> HTTP status; all others are 401.
_STATUS = {
    "bad_request": 400,
    TERMINAL_TOO_OLD: 400,
    TERMINAL_TOO_NEW: 400,
    "unreadable": 422,
    "bad_code": 403,
    "terminal_disabled": 403,
    "not_authorised": 403,
    "exchange_unknown": 409,
    "card_unproven": 422,
    "hsm_refused": 422,
    # Not one of the 500s: those say that the centre itself cannot answer.
    "hsm_unreachable": 424,
}


class TerminalRequest(HttpRequest):
    """A request whose signature was checked; `auth` is the terminal that signed it."""

    auth: Terminal


api = NinjaAPI(
    title="社会保障卡自助服务终端接口",
    version="1",
    auth=sender,
    docs_url=None,
    parser=UnpackingParser(),
)


@api.post("/enrol", response=EnrolAnswer, auth=None)
def enrol(request: HttpRequest, body: EnrolRequest) -> EnrolAnswer:
    """A new terminal. The request is signed with the very key it brings."""
    key_id = key_id_of(body.device_public_key)
    check(request, lambda named: body.device_public_key if named == key_id else None)
    try:
        terminal = fleet.enrol(body.code, key_id, body.device_public_key, body.hall)
    except fleet.BadCode:
        raise BadRequest("bad_code") from None
    keyring = Keyring.of(Path(settings.STATE))
    current = keyring.current()
    return EnrolAnswer(
        terminal=terminal.number,
        device_key_id=key_id,
        central_public_key=current.public_key,
        central_key_id=current.key_id,
        algorithm=current.algorithm,
        central_key_number=current.number,
        central_signing_key=keyring.signing_key(),
    )


@api.post("/envelopes", response=BatchAnswer)
def envelopes(request: TerminalRequest, body: Batch) -> BatchAnswer:
    """Transactions, each decided for itself and in the order sent."""
    _must_be_readable(body.schema_version)
    return BatchAnswer(answers=[intake.receive(request.auth, item) for item in body.envelopes])


@api.post("/pieces", response=PieceAnswer)
def pieces_of_envelope(request: TerminalRequest, body: Piece) -> PieceAnswer:
    """Part of an envelope, over a bad line."""
    return PieceAnswer(held=pieces.keep(request.auth, body))


@api.post("/in-pieces", response=BatchAnswer)
def envelope_in_pieces(request: TerminalRequest, body: InPieces) -> BatchAnswer:
    """An envelope whose pieces are all here, decided like any other."""
    try:
        envelope = pieces.whole(request.auth, body)
    except ValidationError:
        raise BadRequest("bad_request") from None
    if envelope is None:
        item = str(body.header.get("id", ""))
        return BatchAnswer(
            answers=[ItemAnswer(id=item, verdict=Verdict.LATER, reason="pieces_lost")]
        )
    answer = intake.receive(request.auth, envelope)
    if answer.verdict is not Verdict.LATER:
        pieces.forget(request.auth, answer.id)
    return BatchAnswer(answers=[answer])


@api.post("/eligibility", response=EligibilityAnswer)
def eligibility(request: TerminalRequest, body: Envelope) -> EligibilityAnswer:
    """May this person apply? Asked before the citizen enters anything."""
    try:
        if body.facts.kind != KIND_ELIGIBILITY:
            raise Unreadable("unknown_kind")
        question = EligibilityQuestion.model_validate(intake.open_envelope(request.auth, body))
    except (Unreadable, ValidationError):
        raise BadRequest("unreadable") from None
    refused = refusal(question.id_number, question.name)
    if refused is None:
        return EligibilityAnswer()
    return EligibilityAnswer(rejection=refused[0], reason=refused[1])


@api.post("/heartbeat", response=HeartbeatAnswer)
def heartbeat(request: TerminalRequest, body: Heartbeat) -> HeartbeatAnswer:
    """What a terminal is, for what it should be."""
    _must_be_readable(body.schema_version)
    if body.terminal != request.auth.number:
        raise BadRequest("bad_request")
    desired = fleet.heard(request.auth, body)
    key = Keyring.of(Path(settings.STATE)).news_for(body.envelope_key_id)
    return HeartbeatAnswer(server_time=_now(), desired=desired, envelope_key=key)


def _must_be_readable(schema_version: int) -> None:
    """A message of another major version, sent through the door of this one."""
    if error := refusal_of(schema_version):
        raise BadRequest(error)


@api.post("/journal", response=CheckpointAnswer)
def checkpoint(request: TerminalRequest, body: Checkpoint) -> CheckpointAnswer:
    """How far a terminal's journal has come, and that it is still what it was."""
    return journal.take(request.auth, body)


@api.post("/card-proof", response=CardProofAnswer)
def card_proof(request: TerminalRequest, body: CardProof) -> CardProofAnswer:
    """Is this card genuine? The first of two steps to open it."""
    return cards.prove(request.auth, body)


@api.post("/card-opening", response=CardOpeningAnswer)
def card_opening(request: TerminalRequest, body: CardOpening) -> CardOpeningAnswer:
    """Open a card that was found genuine just now."""
    return cards.open_card(request.auth, body)


@api.post("/card-script", response=ScriptAnswer)
def card_script(request: TerminalRequest, body: ScriptQuestion) -> ScriptAnswer:
    """What an operator has allowed to be done to a card's PIN."""
    return card_scripts.give(request.auth, body)


@api.exception_handler(BadRequest)
def refused(request: HttpRequest, error: BadRequest) -> HttpResponse:
    answer = Refusal(error=error.error, server_time=_now())
    status = _STATUS.get(error.error, 401)
    return api.create_response(request, answer.model_dump(), status=status)


@api.exception_handler(NinjaValidationError)
def outside_the_contract(request: HttpRequest, _: NinjaValidationError) -> HttpResponse:
    """Without the details: they repeat what was sent."""
    return refused(request, BadRequest("bad_request"))


def _now() -> str:
    return timezone.localtime().isoformat(timespec="seconds")
