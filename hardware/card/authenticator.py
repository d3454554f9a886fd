"""How a terminal earns the right to read who holds a card of the third generation (EF06).

| name | how                                                                          | where |
|------|------------------------------------------------------------------------------|-------|
| none | not at all: the holder stays unknown                                         |       |
| pin  | by the citizen's PIN, where the card profile of the city allows it           | [S]   |
| psam | a 安全存取模块 in the reader's second slot computes the cryptogram            | [S]   |
| hsm  | a 加密机 behind the central server does, in two steps over the network       | [S]   |

Which one holds in Tangshan is not public, so it is a setting. The terminal computes no cryptogram
and holds no key of the card management in any of them. All commands are those of LD/T 32.5.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hardware.card.apdu import exchange, exchange_whole
from hardware.card.pin import Pin, verify
from hardware.faults import DeviceFault, FaultCode

if TYPE_CHECKING:
    from hardware.card.files import SocialCard
    from hardware.card.session import CardSession, Transmit

_GET_CHALLENGE = bytes.fromhex("00840000")
_INTERNAL_AUTHENTICATE = bytes.fromhex("00880000")
_EXTERNAL_AUTHENTICATE = bytes.fromhex("008200")

#: Key of the card that opens EF06 for reading, RKSSSE: P2 of EXTERNAL AUTHENTICATE.
RKSSSE = 0x0A

#: Of the module: compute with the key that was diversified last.
_COMPUTE = bytes.fromhex("80FA0000")

#: Challenges are eight bytes; an internal result is compared in its first eight.
_CHALLENGE_BYTES = 8


class CardAuthenticator(Protocol):
    """One way. See the table above."""

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        """Open the holder's file; False if this way does not try. The application is selected,
        before and after. Raises `DeviceFault`."""


class NoAuthenticator:
    """The holder of a third-generation card stays unknown."""

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        return False


@dataclass(frozen=True)
class PinAuthenticator:
    """The citizen has entered the PIN."""

    pin: Pin

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        outcome = verify(card, self.pin)
        outcome.must_not_be_blocked()
        return outcome.verified


# -- PSAM -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PsamKey:
    """Where a key is in the module: its usage and number, and the card's key it stands for."""

    usage: int
    number: int
    card_key: int = RKSSSE


@dataclass(frozen=True)
class PsamAuthenticator:
    """The module in the second slot diversifies its key for this card and answers its challenge.

    `key`: as vendors' code has it [S]; another module may have it elsewhere.
    """

    key: PsamKey = PsamKey(usage=0x47, number=0x0A)

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        with card.psam() as psam:
            diversifier = bytes.fromhex(about.card_id)[-8:]
            head = bytes([0x80, 0x1A, self.key.usage, self.key.number])
            _of_the_module(psam.transmit, head, diversifier)
            source, process = _challenge(card.transmit), _challenge(card.transmit)
            cryptogram = _of_the_module(psam.transmit, _COMPUTE, process + source)
        _authenticate(card.transmit, self.key.card_key, cryptogram)
        return True


def _of_the_module(transmit: Transmit, header: bytes, data: bytes) -> bytes:
    """What the module computes. Raises `DeviceFault(PSAM_UNFIT)` with its status word."""
    answer = exchange(transmit, header, data)
    if not answer.ok:
        raise DeviceFault(FaultCode.PSAM_UNFIT, f"{header[1]:02X} {answer.status:04X}")
    return answer.data


# -- HSM ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HsmRequest:
    """What the centre needs to compute both cryptograms; nothing of it names the holder."""

    region: str
    reset_info: str
    algorithm: str
    card_id: str
    internal_process: bytes
    internal_source: bytes
    external_process: bytes
    external_source: bytes
    terminal: str

    def text(self) -> str:
        """As it goes over the wire: eight fields and the terminal, each followed by "|"."""
        challenges = (
            self.internal_process,
            self.internal_source,
            self.external_process,
            self.external_source,
        )
        fields = [self.region, self.reset_info, self.algorithm, self.card_id]
        fields += [challenge.hex().upper() for challenge in challenges]
        return "".join(f"{field}|" for field in [*fields, self.terminal])


@dataclass(frozen=True)
class HsmAnswer:
    """The centre's: what the card must have answered, and what to show it."""

    internal_result: bytes
    external_data: bytes

    @classmethod
    def parse(cls, text: str) -> HsmAnswer:
        """From `internal result|external data|` in hexadecimal. Raises `DeviceFault(HSM_REFUSED)`
        for anything else: the centre's words for a refusal come this way too."""
        fields = text.strip().split("|")
        try:
            internal, external = (bytes.fromhex(field) for field in fields[:2])
        except ValueError:
            raise DeviceFault(FaultCode.HSM_REFUSED, "no cryptograms") from None
        if len(internal) != _CHALLENGE_BYTES or len(external) != 16:
            raise DeviceFault(FaultCode.HSM_REFUSED, "lengths")
        return cls(internal, external)


@dataclass(frozen=True)
class HsmAuthenticator:
    """Two steps with the network between them; the card stays powered and ours alone meanwhile.

    `ask`: carries the request's text to the centre and brings its answer, within the seconds given;
    raises `DeviceFault` HSM_UNREACHABLE or HSM_REFUSED.
    """

    terminal: str
    ask: Callable[[str, float], str]
    patience_s: float = 8.0
    card_key: int = RKSSSE

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        request, internal = self.first_step(card, about)
        until = time.monotonic() + self.patience_s
        answer = HsmAnswer.parse(self.ask(request.text(), self.patience_s))
        if time.monotonic() > until:
            raise DeviceFault(FaultCode.HSM_UNREACHABLE, "too late")
        self.second_step(card, internal, answer)
        return True

    def first_step(self, card: CardSession, about: SocialCard) -> tuple[HsmRequest, bytes]:
        """Challenges, and the card's proof that it is genuine."""
        source, process = _challenge(card.transmit), _challenge(card.transmit)
        proof = exchange(card.transmit, _INTERNAL_AUTHENTICATE, process + source)
        internal = proof.must("INTERNAL AUTHENTICATE")[:_CHALLENGE_BYTES]
        external_source, external_process = _challenge(card.transmit), _challenge(card.transmit)
        request = HsmRequest(
            region=about.region,
            reset_info=about.reset_info,
            algorithm=about.algorithm,
            card_id=about.card_id,
            internal_process=process,
            internal_source=source,
            external_process=external_process,
            external_source=external_source,
            terminal=self.terminal,
        )
        return request, internal

    def second_step(self, card: CardSession, internal: bytes, answer: HsmAnswer) -> None:
        """The card is genuine if its proof is what the centre expects; then the terminal proves
        itself to the card. Raises `DeviceFault(CARD_UNPROVEN)`."""
        if not hmac.compare_digest(internal, answer.internal_result):
            raise DeviceFault(FaultCode.CARD_UNPROVEN, "internal authentication")
        _authenticate(card.transmit, self.card_key, answer.external_data)


def _challenge(transmit: Transmit) -> bytes:
    command = _GET_CHALLENGE + bytes([_CHALLENGE_BYTES])
    challenge = exchange_whole(transmit, command).must("GET CHALLENGE")
    if len(challenge) != _CHALLENGE_BYTES:
        raise DeviceFault(FaultCode.CARD_REFUSED, "challenge")
    return challenge


def _authenticate(transmit: Transmit, key: int, cryptogram: bytes) -> None:
    header = _EXTERNAL_AUTHENTICATE + bytes([key])
    exchange(transmit, header, cryptogram).must("EXTERNAL AUTHENTICATE")


def make_authenticator(
    name: str, terminal: str, ask: Callable[[str, float], str] | None, pin: Pin | None = None
) -> CardAuthenticator:
    """By its name in the settings. Raises `ValueError` for another, or for one that lacks what it
    needs: "hsm" without a way to the centre.

    "pin" without a PIN reads the card as "none" does, until the citizen has entered it.
    """
    if name == "none" or (name == "pin" and pin is None):
        return NoAuthenticator()
    if name == "pin" and pin is not None:
        return PinAuthenticator(pin)
    if name == "psam":
        return PsamAuthenticator()
    if name == "hsm" and ask is not None:
        return HsmAuthenticator(terminal, ask)
    raise ValueError(f"card authenticator {name!r}: use none, pin, psam, or hsm with a centre")
