"""Virtual cards in process: what the tests of the card's application talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from hardware.card.apdu import over_t0
from hardware.card.atr import speaks_t1
from hardware.card.authenticator import Factors
from hardware.card.contents import SocialCard
from hardware.card.session import CardSession, Interface, Transmit
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual import keys
from hardware.virtual.card import VirtualCard
from hardware.virtual.personas import CARD_PERSONAS


def no_psam() -> AbstractContextManager[CardSession]:
    raise DeviceFault(FaultCode.PSAM_ABSENT)


def session(transmit: Transmit, atr: bytes = b"") -> CardSession:
    """A session on whatever answers."""
    return CardSession(transmit, atr, Interface.CONTACT, "test", no_psam)


class Desk:
    """One virtual card under power, and a PSAM beside it, reached as their protocols want it.
    Counts the commands to both, and pulls the card at one of them."""

    def __init__(self, persona: str, *, pull_at: int | None = None, psam: str = "psam") -> None:
        self.virtual = VirtualCard(CARD_PERSONAS[persona])
        self.commands: list[bytes] = []
        self._pull_at = pull_at
        self._psam = psam
        atr = self.virtual.atr
        self.card = CardSession(self._transmit, atr, Interface.CONTACT, "test", self._power_psam)

    def _transmit(self, command: bytes) -> bytes:
        return self._through(self.virtual, command)

    def _through(self, card: VirtualCard, command: bytes) -> bytes:
        if len(self.commands) == self._pull_at:
            raise DeviceFault(FaultCode.CARD_PULLED)
        self.commands.append(command)
        return card.answer(command if speaks_t1(card.atr) else over_t0(command))

    @contextmanager
    def _power_psam(self) -> Iterator[CardSession]:
        if not self._psam:
            raise DeviceFault(FaultCode.PSAM_ABSENT)
        module = VirtualCard(CARD_PERSONAS[self._psam])
        yield session(lambda command: self._through(module, command), module.atr)

    def again(self) -> None:
        """Power down and up: what the card keeps, it keeps."""
        self.virtual.reset()
        self.commands.clear()
        self._pull_at = None


class Centre:
    """A centre with an HSM, in process. `ruin` changes what opens the card, or takes its time."""

    def __init__(self, ruin: Callable[[bytes], bytes] = lambda cryptogram: cryptogram) -> None:
        self.asked: list[SocialCard] = []
        self._ruin = ruin

    def prove(self, card: SocialCard, factors: Factors, proof: bytes, patience_s: float) -> str:
        self.asked.append(card)
        expected = keys.cryptogram(keys.INTERNAL, bytes.fromhex(card.card_id), b"".join(factors))
        if proof != expected[:8]:
            raise DeviceFault(FaultCode.CARD_UNPROVEN)
        return "exchange"

    def open(self, exchange: str, card: SocialCard, factors: Factors, patience_s: float) -> bytes:
        assert exchange == "exchange"
        card_id = bytes.fromhex(card.card_id)
        return self._ruin(keys.cryptogram(keys.READ, card_id, b"".join(factors)))
