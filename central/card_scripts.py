"""Scripts that reset or unblock the PIN of one card: only where an operator has allowed it.

An operator who has seen who the citizen is enters the card and gets a code (授权码), for one card,
one purpose, once, within the hour; or a business allows what a proven citizen asked for at a
terminal. The code is kept as its hash, and of the card only what the
operator must recognise. The script itself is made by the 加密机 and kept nowhere.
"""

from __future__ import annotations

import logging
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from central.cards import asked_hsm, hash_of, hash_of_id
from central.codes import code_hash, fresh_code
from central.hsm import configured
from central.models import CardAuthorisation
from central.signatures import BadRequest
from sync.wire.cards import ScriptAnswer

if TYPE_CHECKING:
    from datetime import datetime

    from central.cases import Case
    from central.models import Terminal
    from sync.wire.cards import ScriptQuestion

log = logging.getLogger(__name__)

#: The citizen is on the way from the operator to a terminal.
VALID = timedelta(hours=1)


class BadCard(ValueError):
    """What was entered is no 卡识别码."""


def authorise(allowed: CardAuthorisation, card_id: str) -> str:
    """Allow what a new record says, for one card; returns the code, which cannot be shown again.

    `card_id`: as `read_card_id` gives it.
    """
    code = fresh_code()
    allowed.code_sha256 = code_hash(code)
    _allow(allowed, card_id, timezone.now() + VALID)
    return code


def authorise_case(case: Case, purpose: str, card_id: str, valid: timedelta) -> None:
    """Allow what a case asks for, that was decided without an operator. Its code is its id, which
    the terminal that filed it knows."""
    allowed = CardAuthorisation(purpose=purpose, made_by=case.receipt_no, code_sha256=code_of(case))
    _allow(allowed, card_id.upper(), case.created + valid)


def code_of(case: Case) -> str:
    """Hash of the code that a case's authorisation has."""
    return code_hash(str(case.id))


def _allow(allowed: CardAuthorisation, card_id: str, until: datetime) -> None:
    allowed.card = hash_of_id(card_id)
    allowed.card_shown = f"{card_id[:6]}…{card_id[-4:]}"
    allowed.expires_at = until
    allowed.save()
    log.info("authorisation %s: %s, by %s", allowed.pk, allowed.purpose, allowed.made_by)


def read_card_id(text: str) -> str:
    """卡识别码 as somebody entered it: 32 hexadecimal digits. Raises `BadCard`."""
    card_id = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[0-9A-F]{32}", card_id):
        raise BadCard("卡识别码应为32位十六进制数")
    return card_id


def give(terminal: Terminal, question: ScriptQuestion) -> ScriptAnswer:
    """The script, if it is allowed. Raises `BadRequest`: not_authorised, hsm_unreachable,
    hsm_refused.

    The authorisation is taken before the HSM is asked, so two terminals cannot share it, and given
    back if the HSM made nothing.
    """
    now, script = timezone.now(), uuid.uuid4()
    allowed = CardAuthorisation.objects.filter(
        code_sha256=code_hash(question.authorisation),
        card=hash_of(question.card),
        purpose=str(question.purpose),
        used_at=None,
        expires_at__gt=now,
    )
    if not allowed.update(used_at=now, used_by=terminal, script=script):
        log.warning("terminal %s: a script that is not allowed", terminal.number)
        raise BadRequest("not_authorised")
    try:
        with asked_hsm(f"script {script}"):
            steps = configured().script(question.purpose, question.card, question.challenge)
    except BadRequest:
        taken = CardAuthorisation.objects.filter(script=script)
        taken.update(used_at=None, used_by=None, script=None)
        raise
    log.info("script %s: given to terminal %s", script, terminal.number)
    return ScriptAnswer(id=str(script), steps=steps)
