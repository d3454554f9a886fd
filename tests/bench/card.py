"""The card reader against a bare loop over the same PC/SC service, and against its own event.

Both numbers need pcscd, which is started here where no other is running. The card is the virtual
one, which answers at once, so that what is measured is ours: a real card takes a thousand times as
long over each command.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from hardware.card.pcsc import PcscTransport
from hardware.card.reader import CardReader, CardStep
from hardware.card.session import CardSession
from hardware.virtual.card import CardSlot, VirtualCard
from hardware.virtual.personas import CARD_PERSONAS
from kiosk.demo.processes import Child, Family, Fate, wait_for
from kiosk.demo.smartcard import answers, find_route
from tests.bench.numbers import Number, against_peer
from tests.system.conftest import environment
from tests.wire.cards import session

#: A whole reading, and how much later than the service's own event a card is seen, seconds.
READ_LIMIT, SEEN_LATER_S = 1.15, 0.020

_READINGS = 40
_INSERTIONS = 3
_CARD = CARD_PERSONAS["second"]


def numbers(runs: int) -> dict[str, Number]:
    """Medians of forty readings and three insertions for each run."""
    route, family = find_route(pcsc=True), Family(lambda words: None)
    if route.daemon is None:
        none = {"value": 0, "peer": 0, "ratio": None, "limit": "not measured", "holds": None}
        return {"card_read_s": none | {"why": route.why}}
    with tempfile.TemporaryDirectory() as folder:
        try:
            log = Path(folder) / "pcscd.out"
            child = Child("pcscd", route.daemon, log, environment(), Fate.RESTART, frozenset())
            family.start(child)
            wait_for("pcscd", answers, 20, family.must_run)
            return _measured(runs, CardSlot(route.port))
        finally:
            family.stop_all()
            route.release()


def _measured(runs: int, slot: CardSlot) -> dict[str, Number]:
    reader = CardReader(PcscTransport())
    reader.open()
    try:
        seen = [_insertion(reader, slot) for _ in range(_INSERTIONS * runs)]
        slot.insert(_CARD)
        reader.use(_never, _ignore, lambda card: None, fresh=False)
        commands = _commands()
        pairs = [
            (_timed(lambda: _ours(reader)), _timed(lambda: _bare(commands)))
            for _ in range(_READINGS * runs)
        ]
    finally:
        slot.close()
        reader.close()
    ours, bare = (median(side) for side in zip(*pairs, strict=True))
    # Both are told by the same service in no order: where ours was first it was not later.
    later = max(0.0, median(at - event for at, event in seen))
    return {
        "card_read_s": against_peer(ours, bare, READ_LIMIT) | {"commands": len(commands)},
        "card_seen_after_the_service_s": {
            "value": round(later, 4),
            "peer": 0.0,
            "ratio": None,
            "limit": f"value <= {SEEN_LATER_S}",
            "holds": later <= SEEN_LATER_S,
        },
    }


def _never() -> bool:
    return False


def _ignore(step: CardStep) -> None:
    """Nobody looks."""


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _commands() -> list[bytes]:
    """What a reading sends to this card."""
    from hardware.card.apdu import over_t0
    from hardware.card.files import read_social_card

    card, sent = VirtualCard(_CARD), []

    def transmit(command: bytes) -> bytes:
        sent.append(over_t0(command))
        return card.answer(sent[-1])

    read_social_card(session(transmit))
    return sent


def _ours(reader: CardReader) -> None:
    reader.read(_never, _ignore, fresh=False)


def _bare(commands: list[bytes]) -> None:
    """The same commands by pyscard, from connection to the card without power."""
    from smartcard.scard import SCARD_UNPOWER_CARD
    from smartcard.System import readers

    connection = readers()[0].createConnection()
    connection.connect(disposition=SCARD_UNPOWER_CARD)
    for command in commands:
        connection.transmit(list(command))
    connection.disconnect()


def _insertion(reader: CardReader, slot: CardSlot) -> tuple[float, float]:
    """When we saw a card, and when the service told a bare loop of it."""
    told: list[float] = []
    watching = threading.Event()
    bare = threading.Thread(target=_wait_for_card, args=(watching, told))
    bare.start()
    watching.wait(5)
    slot.insert(_CARD)

    def use(card: CardSession) -> float:
        return time.perf_counter()

    seen: list[float] = []

    def report(step: CardStep) -> None:
        if step is CardStep.SEEN:
            seen.append(time.perf_counter())

    reader.use(_never, report, use, fresh=False)
    bare.join(5)
    slot.pull()
    until = time.monotonic() + 5
    while reader.present() and time.monotonic() < until:
        pass
    return seen[0], told[0]


def _wait_for_card(watching: threading.Event, told: list[float]) -> None:
    """A loop that does nothing but ask the service."""
    from smartcard import scard

    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _, names = scard.SCardListReaders(context, [])
    _, states = scard.SCardGetStatusChange(context, 0, [(names[0], scard.SCARD_STATE_UNAWARE)])
    watching.set()
    while not states[0][1] & scard.SCARD_STATE_PRESENT:
        _, states = scard.SCardGetStatusChange(context, 5000, [(names[0], states[0][1])])
    told.append(time.perf_counter())
    scard.SCardReleaseContext(context)
