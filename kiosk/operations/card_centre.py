"""The way from a card to the 加密机 behind the centre: the seams of `hardware.card` over `sync`.

Whatever goes wrong on it is one of three faults. What the centre calls by a name that is not in the
table is its refusal, with that name as the detail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault, FaultCode
from kiosk.late import dataclass
from sync.faults import CentralRefused, CentralUnreachable
from sync.identity import NotEnrolled

if TYPE_CHECKING:
    from hardware.card.authenticator import Factors
    from hardware.card.contents import SocialCard
    from sync.central import CentralClient

#: What the centre says -> what that is at the terminal.
_FAULTS = {
    "hsm_unreachable": FaultCode.HSM_UNREACHABLE,
    "card_unproven": FaultCode.CARD_UNPROVEN,
}


@dataclass(frozen=True)
class CentralHsm:
    """A `hardware.card.authenticator.CardCentre`."""

    central: CentralClient

    def prove(self, card: SocialCard, factors: Factors, proof: bytes, patience_s: float) -> str:
        with _as_device_faults():
            return self.central.prove_card(_facts(card), factors, proof, timeout_s=patience_s)

    def open(self, exchange: str, card: SocialCard, factors: Factors, patience_s: float) -> bytes:
        with _as_device_faults():
            return self.central.open_card(exchange, _facts(card), factors, timeout_s=patience_s)


@dataclass(frozen=True)
class CentralScripts:
    """A `hardware.card.script.ScriptSource`: what one authorisation of an operator allows."""

    central: CentralClient
    #: "reset" or "unblock".
    purpose: str
    authorisation: str

    def script(self, card: SocialCard, challenge: bytes, patience_s: float) -> object:
        with _as_device_faults():
            return self.central.card_script(
                _facts(card), self.purpose, self.authorisation, challenge, timeout_s=patience_s
            )


def _facts(card: SocialCard) -> dict[str, str]:
    """The fields of `sync.wire.cards.CardFacts`."""
    names = ("region", "reset_info", "algorithm", "card_id")
    return {name: getattr(card, name) for name in names}


@contextmanager
def _as_device_faults() -> Iterator[None]:
    try:
        yield
    except CentralRefused as refused:
        code = _FAULTS.get(refused.reason, FaultCode.HSM_REFUSED)
        raise DeviceFault(code, refused.reason) from None
    except CentralUnreachable as unreachable:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE, unreachable.reason) from None
    except NotEnrolled:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE, "not enrolled") from None
    except ValueError:
        # A card or a code that no message of the contract can hold; the text would repeat it.
        raise DeviceFault(FaultCode.HSM_REFUSED, "bad_request") from None
