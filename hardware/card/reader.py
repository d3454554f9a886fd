"""社会保障卡读写器: waits for a card, works with it, and lets it forget.

How a card is reached is behind `hardware.card.transport`.

A command to a card has no time-out: a reader may keep the caller for ever. So whatever is done with
a card runs on a thread of its own. When one command takes longer than any card may, that thread is
left behind with its connection, and the reader counts as stuck until that command has returned, as
it does when the service is started again or the reader is unplugged. So at most one thread is left
behind. What it still hears is heard by nobody: it ends at its next command.

After each use the card is powered down on purpose: whatever was unlocked on it is locked again
before anybody else stands here.

A card that is in the slot when a reading begins may be anybody's: the citizen before has forgotten
it, perhaps. So a reading wants a card that is put in while it waits. Two kinds of use take the card
that is there: one more command to the card of this visit, which has not moved since (`insertion`),
and a reading that begins again because the card was pulled in the middle.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from hardware.card.authenticator import Gate
from hardware.card.contents import SocialCard
from hardware.card.files import read_social_card
from hardware.card.session import CardSession
from hardware.card.tally import Tally
from hardware.card.transport import CardTransport, Slot
from hardware.card.use import Use
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import Condition, DeviceState

T = TypeVar("T")

#: Seconds between two looks for a card; a PC/SC reader tells of one at once.
POLL_S = 0.25

#: Seconds between two looks whether a card is still there.
STAY_POLL_S = 0.1

#: Longest a card may take over one command, seconds. Slow ones take a fifth of a second; making a
#: key on the chip takes some.
ANSWER_S = 10.0


class CardStep(StrEnum):
    """What the citizen should know meanwhile."""

    #: A card lies here from before: it is read only when it was taken out and put in anew.
    REMOVE = "remove"
    WAITING = "waiting"
    SEEN = "seen"


class CardReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, transport: CardTransport, answer_s: float = ANSWER_S) -> None:
        self._transport = transport
        self._answer_s = answer_s
        self.gate = Gate()
        self._tally = Tally()
        self._left_behind: Use[Any] | None = None
        #: The insertion that was pulled in this visit: another may be there by the next use. The
        #: reader may go on calling the old one present for a while.
        self._pulled: int | None = None
        self._told: Callable[[], None] = lambda: None

    def open(self) -> None:
        self._transport.open()

    def close(self) -> None:
        self._transport.close()

    def watch(self, told: Callable[[], None]) -> None:
        """Call `told` on every change at the readers, so that nobody has to ask. Before `open`."""
        self._told = told
        self._transport.watch(told)

    def unwatch(self) -> None:
        self._transport.unwatch()

    def poll(self) -> Condition:
        self._must_not_be_stuck()
        readers = self._transport.check()
        closed = self.gate.closed
        return Condition(
            DeviceState.WARNING if closed else DeviceState.READY,
            FaultCode.CARD_KEY_CLOSED if closed else None,
            detail=readers.names,
            serial=readers.serial,
            firmware=readers.firmware,
            counters=self._tally.counters,
        )

    def present(self) -> bool:
        """Whether a card is in any of the citizen's readers. Raises as `poll`."""
        return self._transport.card_in(0.0) is not None

    def visit_over(self) -> None:
        """A card that lies here from now on is nobody's. Raises as `open`."""
        self._pulled = None
        if self._left_behind is None:
            self._transport.visit_over()

    def read(
        self,
        cancelled: Callable[[], bool],
        report: Callable[[CardStep], None],
        *,
        fresh: bool = True,
    ) -> SocialCard:
        """Wait for a card and read what it gives without a PIN. Raises as `use`."""
        return self.use(cancelled, report, read_social_card, fresh=fresh)

    def use(
        self,
        cancelled: Callable[[], bool],
        report: Callable[[CardStep], None],
        work: Callable[[CardSession], T],
        *,
        fresh: bool = True,
        insertion: int | None = None,
    ) -> T:
        """Wait for a card in any of the citizen's readers, and do something with it.

        `work` runs on another thread, and on this card alone. `fresh`: a card that is in already is
        reported (REMOVE) and waited for until it is out. `insertion`: only the card that
        `CardSession.insertion` named so, which has not moved since, and at once.

        Raises `NotWanted` when cancelled, what `work` raises, and `DeviceFault`: CARD_PULLED,
        CARD_MUTE, CARD_READER_BUSY for the card, CARD_READER_OFFLINE, CARD_SERVICE_DOWN,
        CARD_READER_STUCK for the reader. After CARD_PULLED it may be tried again at once.
        """
        self._must_not_be_stuck()
        if insertion is not None:
            slot = self._still_in(insertion)
        else:
            if fresh and self._pulled is None:
                self._until_removed(cancelled, report)
            slot = self._wait_for_card(cancelled, report)
        self._pulled = None
        report(CardStep.SEEN)
        self._tally.used(slot.insertion)
        use = Use(self._transport, slot, cancelled, work, self._told)
        try:
            result = self._watched(use)
        except DeviceFault as fault:
            if fault.code is FaultCode.CARD_PULLED:
                self._pulled = slot.insertion
            self._tally.failed(fault, use.atr)
            raise
        if isinstance(result, SocialCard):
            self._tally.read(result, use.atr)
        return result

    def stay(self, insertion: int, cancelled: Callable[[], bool]) -> None:
        """Watch over a card while somebody types its PIN, say: returns when cancelled. Raises
        `DeviceFault(CARD_PULLED)` as soon as it has moved, and as `poll`."""
        while not cancelled():
            self._still_in(insertion)
            time.sleep(STAY_POLL_S)

    def _still_in(self, insertion: int) -> Slot:
        slot = self._transport.card_in(0.0)
        if slot is None or slot.insertion != insertion:
            self._pulled = insertion
            raise DeviceFault(FaultCode.CARD_PULLED, "another card" if slot else "")
        return slot

    def _until_removed(
        self, cancelled: Callable[[], bool], report: Callable[[CardStep], None]
    ) -> None:
        """A card that was in before the reading began has to go, also to come back at once."""
        old = self._transport.card_in(0.0)
        if old is None:
            return
        report(CardStep.REMOVE)
        while (now := self._transport.card_in(0.0)) and now.insertion == old.insertion:
            if cancelled():
                raise NotWanted
            time.sleep(STAY_POLL_S)

    def _wait_for_card(
        self, cancelled: Callable[[], bool], report: Callable[[CardStep], None]
    ) -> Slot:
        report(CardStep.WAITING)
        while True:
            slot = self._transport.card_in(POLL_S)
            if slot is not None and slot.insertion != self._pulled:
                return slot
            if cancelled():
                raise NotWanted
            if slot is not None:
                time.sleep(STAY_POLL_S)  # it is the one that was pulled, and was not missed yet

    def _watched(self, use: Use[T]) -> T:
        """Work with the card, and leave it behind if it never answers."""
        use.start()
        while not use.ended.wait(self._answer_s / 20):
            if use.silent_for() > self._answer_s:
                use.given_up.set()
                self._left_behind = use
                self._transport.abandon()
                raise DeviceFault(FaultCode.CARD_READER_STUCK, f"silent for {self._answer_s:g} s")
        return use.outcome()

    def _must_not_be_stuck(self) -> None:
        if self._left_behind is not None and not self._left_behind.ended.is_set():
            raise DeviceFault(FaultCode.CARD_READER_STUCK, "a command has not returned")
        self._left_behind = None
