"""Opening a third-generation card for a terminal, in two steps (`sync.wire.cards.CardProof` …).

Only a card that has proven itself is opened, once, for the terminal that it proved itself to, and
only for as long as its holder would stand there. Of the card itself nothing is kept but a keyed
hash, to know it again in the second step; nothing of an exchange is logged but its id and outcome.
"""

from __future__ import annotations

import hmac
import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from central.hsm import HsmRefused, HsmUnreachable, configured
from central.models import CardExchange
from central.signatures import BadRequest
from sync.wire.cards import CardOpeningAnswer, CardProofAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.models import Terminal
    from sync.wire.cards import CardFacts, CardOpening, CardProof

log = logging.getLogger(__name__)

#: Between the two steps a terminal draws two numbers from the card.
VALID = timedelta(seconds=20)

#: What became of an exchange can be looked up for so long.
_KEPT = timedelta(days=30)


def prove(terminal: Terminal, message: CardProof) -> CardProofAnswer:
    """First step. Raises `BadRequest`: hsm_unreachable, hsm_refused, card_unproven, and replayed
    for a proof that was taken before: whoever has one on record does not have the card."""
    with asked_hsm(f"a card at terminal {terminal.number}"):
        expected = configured().internal(message.card, message.process + message.source)
    if not hmac.compare_digest(expected, message.proof):
        log.warning("terminal %s: a card that is not genuine", terminal.number)
        raise BadRequest("card_unproven")
    CardExchange.objects.filter(made_at__lt=timezone.now() - _KEPT).delete()
    proof = _hash(message.card.card_id, message.process, message.source)
    try:
        with transaction.atomic():
            made = CardExchange.objects.create(
                terminal=terminal, card=hash_of(message.card), proof=proof
            )
    except IntegrityError:
        log.warning("terminal %s: a card's proof from before", terminal.number)
        raise BadRequest("replayed") from None
    return CardProofAnswer(exchange=str(made.id))


def open_card(terminal: Terminal, message: CardOpening) -> CardOpeningAnswer:
    """Second step. Raises `BadRequest`: exchange_unknown, hsm_unreachable, hsm_refused.

    An exchange that is used, expired, another terminal's or another card's is as unknown as one
    that never was. It is used up before the HSM is asked, so two requests cannot share it.
    """
    now = timezone.now()
    taken = CardExchange.objects.filter(
        id=message.exchange,
        terminal=terminal,
        card=hash_of(message.card),
        used_at=None,
        made_at__gt=now - VALID,
    ).update(used_at=now)
    if not taken:
        log.warning("terminal %s: no such exchange with a card", terminal.number)
        raise BadRequest("exchange_unknown")
    with asked_hsm(f"exchange {message.exchange}"):
        cryptogram = configured().external(message.card, message.process + message.source)
    log.info("exchange %s: opened at terminal %s", message.exchange, terminal.number)
    return CardOpeningAnswer(cryptogram=cryptogram)


def hash_of(card: CardFacts) -> str:
    """Knows a card again and tells nothing about it, without this centre's secret."""
    return hash_of_id(card.card_id)


def hash_of_id(card_id: str) -> str:
    """`card_id`: 卡识别码, 32 hexadecimal digits in capitals."""
    return _hash(card_id)


def _hash(card_id: str, *factors: bytes) -> str:
    text = card_id + b"".join(factors).hex()
    return salted_hmac("central.cards", text, algorithm="sha256").hexdigest()


@contextmanager
def asked_hsm(about: str) -> Iterator[None]:
    """Says what the HSM did not do in the contract's words, and in the log."""
    try:
        yield
    except HsmUnreachable as error:
        log.error("%s: the HSM cannot be reached: %s", about, error)
        raise BadRequest("hsm_unreachable") from None
    except HsmRefused as error:
        log.warning("%s: the HSM refused: %s", about, error)
        raise BadRequest("hsm_refused") from None
