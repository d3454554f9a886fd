"""What the centre is asked while somebody waits: by the screen process, and by `kioskctl card`.

Constructing a client loads nothing heavy; the first question does, so call `warm_up` from a worker
thread once home is shown.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sync.faults import CentralRefused, CentralUnreachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sync.canonical import Json
    from sync.identity import Identity
    from sync.messages import EligibilityAnswer
    from sync.transport import Transport

__all__ = ["CentralClient", "CentralRefused", "CentralUnreachable"]


class CentralClient:
    """Questions of one enrolled terminal. Several threads may ask; one question goes at a time."""

    def __init__(self, identity: Identity, state_dir: Path) -> None:
        self._identity = identity
        self._state_dir = state_dir
        self._mutex = threading.Lock()
        self._transport: Transport | None = None

    def warm_up(self) -> None:
        """Load what the first question needs. Raises `NotEnrolled`."""
        with self._mutex:
            self._ready()

    def close(self) -> None:
        with self._mutex:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def eligibility(
        self, service: str, id_number: str, name: str, *, timeout_s: float
    ) -> EligibilityAnswer:
        """May the holder of this number and name use `service`?

        The question is sealed like a transaction, the answer holds nothing personal. Raises
        `CentralUnreachable` after at most about `timeout_s`, and `NotEnrolled`.
        """
        # Loaded here: the screen process imports this module before home is shown.
        from sync.envelope import Sealer
        from sync.identity import newest
        from sync.messages import KIND_ELIGIBILITY, EligibilityAnswer, Envelope

        identity = newest(self._identity, self._state_dir)
        sealer = Sealer.of(identity)
        header = sealer.question_header(identity.terminal, KIND_ELIGIBILITY)
        question: dict[str, Json] = {
            "schema_version": header.schema_version,
            "service": service,
            "id_number": id_number,
            "name": name,
        }
        envelope = Envelope.of(header.as_wire(), sealer.seal(header, question))
        with self._mutex:
            return self._ready().post("eligibility", envelope, EligibilityAnswer, timeout_s)

    # -- cards: `card` has the fields of `sync.messages.CardFacts` ------------------------------

    def prove_card(
        self,
        card: Mapping[str, str],
        factors: tuple[bytes, bytes],
        proof: bytes,
        *,
        timeout_s: float,
    ) -> str:
        """Is this card genuine? Returns the exchange that `open_card` names.

        `factors`: process and source, eight bytes each. Raises as `eligibility`.
        """
        from sync.messages import CardFacts, CardProof, CardProofAnswer

        facts, (process, source) = CardFacts.model_validate(card), factors
        message = CardProof(card=facts, process=process, source=source, proof=proof)
        with self._mutex:
            return self._ready().post("card-proof", message, CardProofAnswer, timeout_s).exchange

    def open_card(
        self,
        exchange: str,
        card: Mapping[str, str],
        factors: tuple[bytes, bytes],
        *,
        timeout_s: float,
    ) -> bytes:
        """The cryptogram, 16 bytes, that opens the holder's file. Raises as `eligibility`."""
        from sync.messages import CardFacts, CardOpening, CardOpeningAnswer

        facts, (process, source) = CardFacts.model_validate(card), factors
        message = CardOpening(exchange=exchange, card=facts, process=process, source=source)
        with self._mutex:
            answer = self._ready().post("card-opening", message, CardOpeningAnswer, timeout_s)
        return answer.cryptogram

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
        one, and as `eligibility`.
        """
        from sync.messages import CardFacts, ScriptAnswer, ScriptPurpose, ScriptQuestion

        message = ScriptQuestion(
            card=CardFacts.model_validate(card),
            purpose=ScriptPurpose(purpose),
            authorisation=authorisation,
            challenge=challenge,
        )
        with self._mutex:
            answer = self._ready().post("card-script", message, ScriptAnswer, timeout_s)
        script: dict[str, Json] = answer.model_dump(mode="json")
        return script

    def _ready(self) -> Transport:
        from sync.signing import DeviceKey
        from sync.transport import Transport

        if self._transport is None:
            key = DeviceKey.load(self._state_dir)
            self._transport = Transport(self._identity.central_url, key)
        return self._transport
