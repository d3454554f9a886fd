"""密码 at the card: verify, change, and the centre's scripts that reset or unblock.

Each of these is done once. A card that is pulled before the command went out is waited for ten
seconds, and then it is done. If it went away afterwards, nobody knows whether the command took
effect; it is never sent again. The card that is put back is asked how it stands instead: a changed
PIN by the new one, which is presented once and only where the card says that it would take at least
three wrong ones; a reset or an unblocking by the number of tries, which was 0 before. Whatever
cannot be told is `PinSaid.UNKNOWN`, and a person's matter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hardware.faults import DeviceFault, FaultCode
from kiosk.operations.cards import tries_of, with_put_back
from kiosk.records.pins import PinSaid, PinUsed

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard
    from hardware.card.pin import Pin, PinOutcome
    from hardware.card.reader import CardReader
    from hardware.card.session import CardSession
    from kiosk.operations.work import Work
    from kiosk.visit import prompts

#: What the card itself answers to a command: then it is known that nothing was changed.
_REFUSALS = frozenset({FaultCode.CARD_REFUSED, FaultCode.CARD_BLOCKED, FaultCode.HSM_REFUSED})

#: A new PIN is presented as a question only to a card that would take so many wrong ones.
_ENOUGH_TRIES = 3


def use_pin(prompt: prompts.UsePin, reader: CardReader, work: Work) -> PinUsed:
    """Verify the PIN that was entered, or change it. See the module's docstring for faults."""
    from hardware.card.pin import INITIAL_PINS, change, verify

    pins = work.pins
    new: list[Pin] = []
    needed = False

    def do(card: CardSession, sending: Callable[[], None]) -> PinUsed:
        nonlocal needed
        old = pins.take(new=False)
        sending()
        if not prompt.change:
            initial = old.is_one_of(INITIAL_PINS)
            pins.keep(old.copy(), new=False)
            used = _said(verify(card, old))
            done = used.said is PinSaid.DONE
            needed = done and (prompt.keep or initial)
            return replace(used, initial=initial and done)
        chosen = pins.take(new=True)
        new.append(chosen.copy())
        return _said(change(card, old, chosen))

    def ask(card: CardSession) -> PinSaid:
        if not new or (tries_of(card) or 0) < _ENOUGH_TRIES:
            return PinSaid.UNKNOWN
        return PinSaid.DONE if verify(card, new.pop()).verified else PinSaid.KEPT

    try:
        return _Once(prompt.card, reader, do, ask).run(work)
    finally:
        for pin in new:
            pin.wipe()
        if not needed:
            pins.wipe()


def run_script(prompt: prompts.RunScript, reader: CardReader, work: Work) -> PinUsed:
    """Fetch the centre's script for this card and carry it out. Raises `DeviceFault` also for what
    the centre says: HSM_UNREACHABLE, HSM_REFUSED."""
    from hardware.card.pin import Pin
    from hardware.card.script import relay
    from kiosk.operations.card_centre import CentralScripts

    central = work.parts.central
    if central is None:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE, "no way to one is set up")
    scripts = CentralScripts(central, prompt.purpose, prompt.request)

    def do(card: CardSession, sending: Callable[[], None]) -> PinUsed:
        relay(card, _Marked(scripts, sending))
        if prompt.purpose == "reset":
            # Known, not guessed: the centre has just set it, and the citizen changes it at once.
            work.pins.keep(Pin(work.parts.settings.devices.card_initial_pin), new=False)
        return PinUsed(PinSaid.DONE, tries_of(card))

    def ask(card: CardSession) -> PinSaid:
        was_blocked = prompt.card.pin_tries == 0
        return PinSaid.DONE if was_blocked and tries_of(card) else PinSaid.UNKNOWN

    return _Once(prompt.card, reader, do, ask).run(work)


@dataclass(frozen=True)
class _Marked:
    """A `ScriptSource` that says when it hands out a script: from then on the card may have it."""

    scripts: Any
    sending: Callable[[], None]

    def script(self, card: SocialCard, challenge: bytes, patience_s: float) -> object:
        script = self.scripts.script(card, challenge, patience_s)
        self.sending()
        return script


class _Once:
    """One command to the card of this visit, at most once."""

    def __init__(
        self,
        card: SocialCard,
        reader: CardReader,
        do: Callable[[CardSession, Callable[[], None]], PinUsed],
        ask: Callable[[CardSession], PinSaid],
    ) -> None:
        """`do(card, sending)` calls `sending` just before the command goes out; `ask` finds out how
        a card stands that went away after that."""
        self._card, self._reader, self._do, self._ask = card, reader, do, ask
        self._sent = threading.Event()
        self._away = False

    def run(self, work: Work) -> PinUsed:
        try:
            return with_put_back(self._use, work)
        except DeviceFault as fault:
            if self._sent.is_set() and fault.code not in _REFUSALS:
                return PinUsed(PinSaid.UNKNOWN)
            raise

    def _use(self, cancelled: Callable[[], bool], report: Callable[[Any], None]) -> PinUsed:
        insertion = None if self._away else self._card.insertion
        try:
            return self._reader.use(cancelled, report, self._work, insertion=insertion)
        finally:
            self._away = True

    def _work(self, card: CardSession) -> PinUsed:
        from hardware.card.files import CardFiles, read_social_card

        if self._away and read_social_card(card).card_id != self._card.card_id:
            raise DeviceFault(FaultCode.CARD_MUTE, "another card was put in")
        CardFiles(card.transmit).enter()
        if not self._sent.is_set():
            used = self._do(card, self._sent.set)
            return replace(used, insertion=card.insertion)
        said = self._ask(card)
        return PinUsed(said, tries_of(card), insertion=card.insertion)


def _said(outcome: PinOutcome) -> PinUsed:
    return PinUsed(PinSaid.DONE if outcome.verified else PinSaid.WRONG, outcome.tries_left)
