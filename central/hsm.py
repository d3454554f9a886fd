"""The 加密机 (HSM) that holds the keys of the card management, as far as the centre uses it.

Here is the place for a vendor's protocol: whatever serves `Hsm` can stand in for `LineHsm`. The
protocol of `LineHsm` is ours, made to be small. The centre connects to `KIOSK_CENTRAL_HSM` (host
and port, in the machine room's own network), sends one line of JSON and gets one back:

| asked                                                             | answered              |
|-------------------------------------------------------------------|-----------------------|
| {"do": "internal", "card": {…}, "factors": hex of 16 bytes}       | {"result": hex of 8}  |
| {"do": "external", "card": {…}, "factors": hex of 16 bytes}       | {"result": hex of 16} |
| {"do": "script", "card": {…}, "purpose": …, "challenge": hex of 8} | {"steps": […]}        |
| any                                                               | {"refused": a word}   |

`card` is `sync.wire.cards.CardFacts`, `steps` are `ScriptStep`, factors are process and source. A
virtual HSM adds "virtual": true to all it says; only a centre that serves a demo believes it.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from sync.wire.cards import ScriptStep

if TYPE_CHECKING:
    from sync.wire.cards import CardFacts, ScriptPurpose

log = logging.getLogger(__name__)

#: Longest wait for an answer, seconds: a terminal waits eight for two of them.
PATIENCE_S = 3.0

#: Questions to it at once, of the threads of one process (`central.server.THREADS`).
AT_ONCE = 3
_asking = threading.BoundedSemaphore(AT_ONCE)

#: Longest answer, bytes.
_LONGEST = 64 * 1024

_INTERNAL_BYTES, _EXTERNAL_BYTES = 8, 16

_STEPS = TypeAdapter(list[ScriptStep])


class HsmUnreachable(Exception):
    """There is none, it did not answer in time, or what answered is not one that may."""


class HsmRefused(Exception):
    """It answered, and will not do it; the text is its word for why."""


class Hsm(Protocol):
    """What is asked of it. All raise `HsmUnreachable` and `HsmRefused`."""

    def internal(self, card: CardFacts, factors: bytes) -> bytes:
        """What this card must make of the factors (16 bytes), if it is genuine: 8 bytes."""

    def external(self, card: CardFacts, factors: bytes) -> bytes:
        """What opens this card's file of the holder, for its factors (16 bytes): 16 bytes."""

    def script(self, purpose: ScriptPurpose, card: CardFacts, challenge: bytes) -> list[ScriptStep]:
        """The commands, good for this card and its challenge (8 bytes)."""


class NoHsm:
    """None is set up."""

    def internal(self, card: CardFacts, factors: bytes) -> bytes:
        raise HsmUnreachable("none is set up")

    def external(self, card: CardFacts, factors: bytes) -> bytes:
        raise HsmUnreachable("none is set up")

    def script(self, purpose: ScriptPurpose, card: CardFacts, challenge: bytes) -> list[ScriptStep]:
        raise HsmUnreachable("none is set up")


@dataclass(frozen=True)
class LineHsm:
    """See the module's docstring; one connection for each question."""

    host: str
    port: int
    may_be_virtual: bool = False

    def internal(self, card: CardFacts, factors: bytes) -> bytes:
        asked = {"do": "internal", "card": card.model_dump(), "factors": factors.hex()}
        return _bytes(self._ask(asked), _INTERNAL_BYTES)

    def external(self, card: CardFacts, factors: bytes) -> bytes:
        asked = {"do": "external", "card": card.model_dump(), "factors": factors.hex()}
        return _bytes(self._ask(asked), _EXTERNAL_BYTES)

    def script(self, purpose: ScriptPurpose, card: CardFacts, challenge: bytes) -> list[ScriptStep]:
        asked = {
            "do": "script",
            "card": card.model_dump(),
            "purpose": str(purpose),
            "challenge": challenge.hex(),
        }
        try:
            steps = _STEPS.validate_python(self._ask(asked).get("steps"))
        except ValidationError:
            raise HsmRefused("no script") from None
        if not steps:
            raise HsmRefused("no script")
        return steps

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = json.loads(self._exchange(json.dumps(question).encode("ascii") + b"\n"))
        except (OSError, ValueError) as error:
            raise HsmUnreachable(type(error).__name__) from None
        if not isinstance(answer, dict):
            raise HsmUnreachable("no answer of an HSM")
        if answer.get("virtual") and not self.may_be_virtual:
            raise HsmUnreachable("it is a virtual one, and this is no demo")
        if "refused" in answer:
            raise HsmRefused(_word(answer["refused"]))
        return answer

    def _exchange(self, line: bytes) -> bytes:
        """One line there, one back, within `PATIENCE_S` for all of it.

        So many at once and no more: an HSM that says nothing must not hold every thread of this
        process, on which heartbeats and loss reports wait, too.
        """
        if not _asking.acquire(blocking=False):
            raise HsmUnreachable("busy")
        try:
            return self._talk(line)
        finally:
            _asking.release()

    def _talk(self, line: bytes) -> bytes:
        until = time.monotonic() + PATIENCE_S
        got = b""
        with socket.create_connection((self.host, self.port), PATIENCE_S) as connection:
            connection.sendall(line)
            while not got.endswith(b"\n") and len(got) <= _LONGEST:
                connection.settimeout(max(until - time.monotonic(), 0.001))
                part = connection.recv(4096)
                if not part:
                    raise ConnectionError
                got += part
        return got


def _bytes(answer: dict[str, Any], length: int) -> bytes:
    try:
        result = bytes.fromhex(answer["result"])
    except (KeyError, TypeError, ValueError):
        raise HsmRefused("no result") from None
    if len(result) != length:
        raise HsmRefused("length of the result")
    return result


def _word(said: object) -> str:
    """Its word, if it is one: what else it says may repeat what it was sent."""
    return said if isinstance(said, str) and re.fullmatch(r"[a-z_]{1,40}", said) else "refused"


def configured() -> Hsm:
    """The one that the settings name; `NoHsm` where they name none."""
    host, _, port = settings.HSM.rpartition(":")
    if not host or not port.isdigit():
        return NoHsm()
    return LineHsm(host, int(port), may_be_virtual=settings.DEMO)
