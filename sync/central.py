"""What the centre is asked while somebody waits: by the screen process, and by `kioskctl card`.

Constructing a client loads nothing heavy; the first question does, so call `warm_up` from a worker
thread when a visit begins.

A question has one deadline for all of it: waiting for another's, finding the address, connecting,
sending and hearing the answer.
"""

from __future__ import annotations

import base64
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sync.faults import CentralRefused, CentralUnreachable
from sync.identity import DEVICE_KEY_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from sync.canonical import Json
    from sync.identity import Identity
    from sync.signing import DeviceKey
    from sync.transport import Transport
    from sync.wire.doors import Door

__all__ = ["CentralClient", "CentralRefused", "CentralUnreachable"]

A = TypeVar("A", bound="BaseModel")


class CentralClient:
    """Questions of one enrolled terminal. Several threads may ask; one question goes at a time."""

    def __init__(self, identity: Identity, state_dir: Path) -> None:
        self._identity = identity
        self._state_dir = state_dir
        self._mutex = threading.Lock()
        self._transport: Transport | None = None
        self._key: DeviceKey | None = None
        self._made: tuple[int, int] | None = None

    def warm_up(self) -> None:
        """Load what the first question needs, a key out of the TPM too. Raises `NotEnrolled`."""
        from sync.sealing import TpmFault

        with self._mutex, suppress(TpmFault):  # a question says it
            self._ready()
            if self._key is not None:
                self._key.lost()

    def close(self) -> None:
        with self._mutex:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def ask(
        self, kind_id: str, question: Mapping[str, Json], *, timeout_s: float
    ) -> dict[str, Any]:
        """The centre's answer to a question of `sync.kinds`, e.g. "first_application.eligibility".

        Question and answer are sealed. What the answer looks like says the question's `reply`;
        fields it does not have have their defaults. Raises `CentralUnreachable` after at most
        `timeout_s`, `ValueError` for what cannot be asked, and `NotEnrolled`, also where this
        release does not know how the centre wants to be sealed to.
        """
        # Loaded here: the screen process imports this module before home is shown.
        from pydantic import ValidationError

        from sync.envelope import ReplyOpener, Sealer, Unreadable
        from sync.header import SCHEMA_VERSION
        from sync.identity import NotEnrolled, newest
        from sync.kinds import questions
        from sync.wire.doors import QUESTIONS
        from sync.wire.envelopes import Envelope
        from sync.wire.questions import Reply

        until = time.monotonic() + timeout_s
        described = questions()[kind_id]
        try:
            described.asked.model_validate(question)
        except ValidationError:
            # Without the details: they repeat what was entered.
            raise ValueError(f"this is no question of {kind_id}") from None
        identity = newest(self._identity, self._state_dir)
        try:
            sealer, opener = Sealer.of(identity), ReplyOpener(identity.algorithm)
        except ValueError as unknown:
            raise NotEnrolled(str(unknown)) from None
        header = sealer.question_header(identity.terminal, kind_id)
        asked: dict[str, Json] = {
            "schema_version": SCHEMA_VERSION,
            "kind": kind_id,
            "question": dict(question),
            "reply_key": {
                "algorithm": opener.algorithm,
                "public_key": base64.b64encode(opener.public_key).decode("ascii"),
            },
        }
        envelope = Envelope.of(header.as_wire(), sealer.seal(header, asked))
        reply = self._post(QUESTIONS, envelope, Reply, until)
        try:
            answer = opener.open(header.id, reply.sealed)
            found: dict[str, Any] = described.reply.model_validate(answer).model_dump(mode="json")
        except (Unreadable, ValidationError):
            raise CentralUnreachable("not_the_centre") from None
        return found

    # -- cards: `card` has the fields of `sync.wire.cards.CardFacts` ------------------------------

    def prove_card(
        self,
        card: Mapping[str, str],
        factors: tuple[bytes, bytes],
        proof: bytes,
        *,
        timeout_s: float,
    ) -> str:
        """Is this card genuine? Returns the exchange that `open_card` names.

        `factors`: process and source, eight bytes each. Raises as `ask`.
        """
        from sync.wire.cards import CardFacts, CardProof, CardProofAnswer
        from sync.wire.doors import CARD_PROOF

        facts, (process, source) = CardFacts.model_validate(card), factors
        message = CardProof(card=facts, process=process, source=source, proof=proof)
        until = time.monotonic() + timeout_s
        return self._post(CARD_PROOF, message, CardProofAnswer, until).exchange

    def open_card(
        self,
        exchange: str,
        card: Mapping[str, str],
        factors: tuple[bytes, bytes],
        *,
        timeout_s: float,
    ) -> bytes:
        """The cryptogram, 16 bytes, that opens the holder's file. Raises as `ask`."""
        from sync.wire.cards import CardFacts, CardOpening, CardOpeningAnswer
        from sync.wire.doors import CARD_OPENING

        facts, (process, source) = CardFacts.model_validate(card), factors
        message = CardOpening(exchange=exchange, card=facts, process=process, source=source)
        until = time.monotonic() + timeout_s
        return self._post(CARD_OPENING, message, CardOpeningAnswer, until).cryptogram

    def card_script(
        self,
        card: Mapping[str, str],
        purpose: str,
        authorisation: str,
        challenge: bytes,
        *,
        timeout_s: float,
    ) -> dict[str, Json]:
        """The script for this card, as JSON for `hardware.card.script.parse_script`.

        `authorisation`: the code that an operator gave out. Raises `ValueError` if it cannot be
        one, and as `ask`.
        """
        from sync.wire.cards import CardFacts, ScriptAnswer, ScriptPurpose, ScriptQuestion
        from sync.wire.doors import CARD_SCRIPT

        message = ScriptQuestion(
            card=CardFacts.model_validate(card),
            purpose=ScriptPurpose(purpose),
            authorisation=authorisation,
            challenge=challenge,
        )
        until = time.monotonic() + timeout_s
        answer = self._post(CARD_SCRIPT, message, ScriptAnswer, until)
        script: dict[str, Json] = answer.model_dump(mode="json")
        return script

    # -- how it is done --------------------------------------------------------------------------

    def _post(self, door: Door, message: BaseModel, answer: type[A], until: float) -> A:
        """One request. `until`: of the monotonic clock, also for who waits for another's."""
        if not self._mutex.acquire(timeout=max(0.0, until - time.monotonic())):
            raise CentralUnreachable("timeout")
        try:
            left = max(until - time.monotonic(), 0.05)
            return self._ready().post(door.path, message, answer, left)
        finally:
            self._mutex.release()

    def _ready(self) -> Transport:
        from sync.signing import DeviceKey
        from sync.transport import Transport

        made = _made(self._state_dir / DEVICE_KEY_FILE)
        if self._transport is not None and made not in (None, self._made):
            self._transport.close()  # the agent took another key, and the centre forgets this one
            self._transport = None
        if self._transport is None:
            self._made = made
            self._key = DeviceKey.load(self._state_dir)
            self._transport = Transport(self._identity.central_url, self._key)
        return self._transport


def _made(file: Path) -> tuple[int, int] | None:
    """Which file this is, of those that came one after the other at its place."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
