"""Questions of terminals: opened, answered by their business, sealed to the key they brought.

A terminal asks while a citizen stands there, so there is a limit to how often that can be. Whoever
asks more, a stolen key or a program that runs wild, could try out ID numbers: it gets no answer,
and an alarm says so.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils import timezone
from pydantic import ValidationError

from central import alarms
from central.business import answers
from central.keys import keyring
from central.models import Terminal
from central.ports import NotNow
from central.signatures import BadRequest
from central.whole import has_nul
from sync.envelope import Unreadable, seal_reply
from sync.header import SCHEMA_VERSION
from sync.kinds import questions
from sync.wire.questions import Asked, Reply

if TYPE_CHECKING:
    from sync.wire.envelopes import Envelope

log = logging.getLogger(__name__)

#: So many in a window: a citizen takes minutes, and asks a handful.
LIMIT, WINDOW = 40, timedelta(minutes=5)


def answer(terminal: Terminal, envelope: Envelope) -> Reply:
    """Raises `BadRequest`: unreadable, too_many_questions, unknown_key_of_centre, and the words of
    `central.ports.NotNow`."""
    header = envelope.facts
    described, answering = questions().get(header.kind), answers().get(header.kind)
    if header.terminal != terminal.number or described is None or answering is None:
        raise BadRequest("unreadable")
    _count(terminal)
    asked = _opened(envelope)
    try:
        question = described.asked.model_validate(asked.question)
    except ValidationError:
        raise BadRequest("unreadable") from None
    try:
        reply = answering(question).model_dump(mode="json")
    except NotNow as error:
        alarms.sound(str(error))
        raise BadRequest(str(error)) from None
    try:
        sealed = seal_reply(asked.reply_key.algorithm, asked.reply_key.public_key, header.id, reply)
    except ValueError:
        raise BadRequest("unreadable") from None
    return Reply(id=header.id, sealed=sealed)


def _opened(envelope: Envelope) -> Asked:
    header = envelope.facts
    opener = keyring().opener(header.key_id)
    if opener is None:
        alarms.sound("unknown_key", None, header.key_id)
        raise BadRequest("unknown_key_of_centre")
    try:
        plain: dict[str, Any] = opener.open(envelope.header, envelope.sealed)
        asked = Asked.model_validate(plain)
    except (Unreadable, ValidationError):
        raise BadRequest("unreadable") from None
    other = asked.kind != header.kind or asked.schema_version != SCHEMA_VERSION
    if other or has_nul(asked.question):
        raise BadRequest("unreadable")
    return asked


def _count(terminal: Terminal) -> None:
    """Raises `BadRequest` for one too many within the window."""
    now = timezone.now()
    mine = Terminal.objects.filter(pk=terminal.pk)
    began = terminal.questions_since
    if began is None or now - began > WINDOW:
        mine.update(questions_since=now, questions=1)
        return
    # Counted by the database: two workers must not each count for themselves.
    if mine.filter(questions__lt=LIMIT).update(questions=F("questions") + 1):
        return
    alarms.sound("many_questions", terminal)
    raise BadRequest("too_many_questions")
