"""How a terminal earns the right to read who holds a card of the third generation (EF06).

| name | how                                                                          | where |
|------|------------------------------------------------------------------------------|-------|
| none | not at all: the holder stays unknown                                         |       |
| pin  | by the citizen's PIN, where the card profile of the city allows it           | [S]   |
| psam | a 安全存取模块 in the reader's second slot computes the cryptogram            | [S]   |
| hsm  | a 加密机 behind the central server does, in two steps over the network       | [S]   |

Which one holds in Tangshan is not public, so it is a setting. The terminal computes no cryptogram
and holds no key of the card management in any of them. All commands are those of LD/T 32.5.

A card counts wrong cryptograms and locks its key for good after a few. A PSAM or HSM that was set
up wrongly would lock the cards of a whole day, so a `Gate` stands before the last command: it lets
no card be tried twice, and nobody's after three cards in a row have refused.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeAlias

from hardware.card.apdu import exchange, exchange_whole, refused
from hardware.card.pin import Pin, verify
from hardware.faults import DeviceFault, FaultCode

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard
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
_CRYPTOGRAM_BYTES = 16

#: So many cards in a row that refuse are no accident: the key of this terminal is a wrong one.
MOST_REFUSALS = 3
#: So many cards that refused are remembered.
MOST_KEPT = 10_000

#: Answers about the card's key: it was locked before; this was the last wrong one.
_KEY_BLOCKED, _NO_TRY_LEFT = 0x6983, 0x63C0

#: Process factor (过程因子) and source factor (原始信息).
Factors: TypeAlias = tuple[bytes, bytes]


class CardAuthenticator(Protocol):
    """One way. See the table above."""

    @property
    def proves(self) -> bool:
        """Whether a card that it opens was found genuine."""

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        """Open the holder's file; False if this way does not try. The application is selected,
        before and after. Raises `DeviceFault`."""


@dataclass
class Gate:
    """Which cards have refused, and how many in a row. One for a reader, for as long as the program
    runs: after the setting was mended the program is started again."""

    #: The oldest first; digests under a key of this program's own, because it outlives the visit.
    _refused: dict[bytes, None] = field(default_factory=dict, repr=False)
    _in_a_row: int = 0
    _key: bytes = field(default_factory=lambda: os.urandom(16), repr=False)

    @property
    def closed(self) -> bool:
        return self._in_a_row >= MOST_REFUSALS

    def must_let(self, card_id: str) -> None:
        """Before anything is asked for. Raises `DeviceFault`: CARD_KEY_CLOSED, CARD_KEY_REFUSED for
        a card that has refused before: it is not made to count once more."""
        if self.closed:
            raise DeviceFault(FaultCode.CARD_KEY_CLOSED, f"{MOST_REFUSALS} cards refused")
        if self._name(card_id) in self._refused:
            raise DeviceFault(FaultCode.CARD_KEY_REFUSED, "not tried again")

    def opened(self) -> None:
        """The key is right, so the row is over; the cards that refused are still not tried."""
        self._in_a_row = 0

    def refused(self, card_id: str, status: int) -> NoReturn:
        """The card did not accept what should have opened it. Raises `DeviceFault`: CARD_BLOCKED,
        CARD_KEY_BLOCKED, CARD_KEY_REFUSED."""
        fault = refused(status, "EXTERNAL AUTHENTICATE")
        if fault.code is not FaultCode.CARD_REFUSED:
            raise fault
        if status != _KEY_BLOCKED:
            self._in_a_row += 1
            self._refused[self._name(card_id)] = None
            if len(self._refused) > MOST_KEPT:
                del self._refused[next(iter(self._refused))]
        blocked = status in (_KEY_BLOCKED, _NO_TRY_LEFT)
        code = FaultCode.CARD_KEY_BLOCKED if blocked else FaultCode.CARD_KEY_REFUSED
        raise DeviceFault(code, fault.detail)

    def _name(self, card_id: str) -> bytes:
        return hashlib.blake2b(card_id.encode("utf-8"), digest_size=16, key=self._key).digest()


class NoAuthenticator:
    """The holder of a third-generation card stays unknown."""

    proves = False

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        return False


@dataclass(frozen=True)
class PinAuthenticator:
    """The citizen has entered the PIN."""

    proves = False
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

    proves = False
    key: PsamKey = PsamKey(usage=0x47, number=0x0A)
    gate: Gate = field(default_factory=Gate)

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        self.gate.must_let(about.card_id)
        with card.psam() as psam:
            diversifier = bytes.fromhex(about.card_id)[-8:]
            head = bytes([0x80, 0x1A, self.key.usage, self.key.number])
            _of_the_module(psam.transmit, head, diversifier)
            factors = b"".join(_factors(card.transmit))
            cryptogram = _of_the_module(psam.transmit, _COMPUTE, factors, expects=True)
        if len(cryptogram) != _CRYPTOGRAM_BYTES:
            raise DeviceFault(FaultCode.PSAM_UNFIT, f"{len(cryptogram)} bytes")
        _authenticate(card.transmit, self.key.card_key, cryptogram, self.gate, about)
        return True


def _of_the_module(
    transmit: Transmit, header: bytes, data: bytes, *, expects: bool = False
) -> bytes:
    """What the module computes. Raises `DeviceFault(PSAM_UNFIT)` with its status word."""
    answer = exchange(transmit, header, data, expects=expects)
    if not answer.ok:
        raise DeviceFault(FaultCode.PSAM_UNFIT, f"{header[1]:02X} {answer.status:04X}")
    return answer.data


# -- HSM ------------------------------------------------------------------------------------------


class CardCentre(Protocol):
    """The way to the 加密机 behind the centre. All raise `DeviceFault`: HSM_UNREACHABLE within the
    seconds given, HSM_REFUSED."""

    def prove(self, card: SocialCard, factors: Factors, proof: bytes, patience_s: float) -> str:
        """Returns the name of the exchange; raises CARD_UNPROVEN too.

        `proof`: what the card made of the factors, its first eight bytes."""

    def open(self, exchange: str, card: SocialCard, factors: Factors, patience_s: float) -> bytes:
        """What to show the card, 16 bytes."""


@dataclass(frozen=True)
class HsmAuthenticator:
    """Two steps over the network; the card stays powered and ours alone meanwhile.

    The centre learns whether the card is genuine before it computes anything that opens it, so the
    answer that the card must have given never comes to the terminal.
    """

    proves = True
    centre: CardCentre
    #: Seconds for both steps together.
    patience_s: float = 8.0
    card_key: int = RKSSSE
    gate: Gate = field(default_factory=Gate)

    def unlock(self, card: CardSession, about: SocialCard) -> bool:
        """As all do. Raises `DeviceFault(CARD_UNPROVEN)` for a card that is not genuine."""
        self.gate.must_let(about.card_id)
        until = time.monotonic() + self.patience_s
        factors = _factors(card.transmit)
        answer = exchange(card.transmit, _INTERNAL_AUTHENTICATE, b"".join(factors), expects=True)
        proof = answer.must("INTERNAL AUTHENTICATE")[:_CHALLENGE_BYTES]
        if len(proof) != _CHALLENGE_BYTES:
            # What is no proof is no forgery either: the HSM is not asked about it.
            raise DeviceFault(FaultCode.CARD_REFUSED, f"proof of {len(proof)} bytes")
        named = self.centre.prove(about, factors, proof, _left(until))
        factors = _factors(card.transmit)
        cryptogram = self.centre.open(named, about, factors, _left(until))
        _left(until)
        if len(cryptogram) != _CRYPTOGRAM_BYTES:
            raise DeviceFault(FaultCode.HSM_REFUSED, "length")
        _authenticate(card.transmit, self.card_key, cryptogram, self.gate, about)
        return True


def _left(until: float) -> float:
    """Seconds that are left. Raises `DeviceFault(HSM_UNREACHABLE)` if none are."""
    left = until - time.monotonic()
    if left <= 0:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE, "too late")
    return left


def _factors(transmit: Transmit) -> Factors:
    """Two challenges; the later one is the process factor, which goes first."""
    source, process = challenge(transmit), challenge(transmit)
    return process, source


def challenge(transmit: Transmit) -> bytes:
    """A random number of the card, eight bytes."""
    command = _GET_CHALLENGE + bytes([_CHALLENGE_BYTES])
    drawn = exchange_whole(transmit, command).must("GET CHALLENGE")
    if len(drawn) != _CHALLENGE_BYTES:
        raise DeviceFault(FaultCode.CARD_REFUSED, "challenge")
    return drawn


def _authenticate(
    transmit: Transmit, key: int, cryptogram: bytes, gate: Gate, about: SocialCard
) -> None:
    answer = exchange(transmit, _EXTERNAL_AUTHENTICATE + bytes([key]), cryptogram)
    if not answer.ok:
        gate.refused(about.card_id, answer.status)
    gate.opened()


def make_authenticator(
    name: str, centre: CardCentre | None, pin: Pin | None = None, gate: Gate | None = None
) -> CardAuthenticator:
    """By its name in the settings. Raises `ValueError` for another, or for one that lacks what it
    needs: "hsm" without a way to the centre.

    "pin" without a PIN reads the card as "none" does, until the citizen has entered it.
    """
    gate = gate or Gate()
    if name == "none" or (name == "pin" and pin is None):
        return NoAuthenticator()
    if name == "pin" and pin is not None:
        return PinAuthenticator(pin)
    if name == "psam":
        return PsamAuthenticator(gate=gate)
    if name == "hsm" and centre is not None:
        return HsmAuthenticator(centre, gate=gate)
    raise ValueError(f"card authenticator {name!r}: use none, pin, psam, or hsm with a centre")
