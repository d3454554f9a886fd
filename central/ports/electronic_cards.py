"""全国社保卡服务平台: who shows the code of an electronic card (电子社保卡).

The platform issues the codes and checks them, each for one minute and once. Its interface is the
ministry's, reached with a licence and an organisation's code; here is the seam for it, and what
stands for it in the demonstration. Without a platform no code is believed: `NotNow`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, Protocol

from django.conf import settings

from central.keys import person_hash
from central.models import CardState
from central.ports import NotNow
from central.ports.registry import registry
from sync.canonical import sha256_hex

#: What the terminal is told while there is no platform.
NO_PLATFORM = "no_platform"

#: Seconds for which a code is good.
LIFETIME_S = 60.0

#: So many codes are known again by the demonstration.
_REMEMBERED = 1000

Refusal = Literal["expired", "stopped", "unknown"]


@dataclass(frozen=True)
class ShownBy:
    """Whose code it is."""

    name: str = field(repr=False)
    number: str = field(repr=False)


class ElectronicCards(Protocol):
    """What checks codes."""

    def check(self, code: str) -> ShownBy | Refusal:
        """Asked once for each code, which is spent by it. Raises `NotNow`."""


class NoPlatform:
    """Stands where the centre is not connected to one."""

    def check(self, code: str) -> ShownBy | Refusal:
        raise NotNow(NO_PLATFORM)


class DemoPlatform:
    """Takes the codes of the virtual telephones and no others: "DEMO-ESSC", seconds since the epoch
    when it was made, ID number and name, with "|" between them. Whoever can write may make one, so
    it stands in the demonstration only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: deque[str] = deque(maxlen=_REMEMBERED)

    def check(self, code: str) -> ShownBy | Refusal:
        kind, _, rest = code.partition("|")
        made, _, rest = rest.partition("|")
        number, _, name = rest.partition("|")
        if kind != "DEMO-ESSC" or not (made.isascii() and made.isdigit() and number and name):
            return "unknown"
        if not self._is_first(code) or not 0 <= time.time() - int(made) < LIFETIME_S:
            return "expired"
        known = registry().find(person_hash(number))
        if known is None or known.name != name:
            return "unknown"
        lost = (CardState.LOST, CardState.LOST_TEMPORARILY)
        return "stopped" if known.card_state in lost else ShownBy(name, number)

    def _is_first(self, code: str) -> bool:
        digest = sha256_hex(code)
        with self._lock:
            if digest in self._spent:
                return False
            self._spent.append(digest)
            return True


@cache
def _demo() -> DemoPlatform:
    return DemoPlatform()


def is_connected() -> bool:
    """Whether terminals may offer it (`sync.wire.desired.DesiredState.electronic_cards`)."""
    return bool(settings.DEMO)


def electronic_cards() -> ElectronicCards:
    """The one that is set up."""
    return _demo() if is_connected() else NoPlatform()
