"""A card through its reader's own library, where the reader is none of PC/SC.

What a family of libraries is asked is a `CardFamily`; this is the same for all: which card is in,
since when, and what a card that does not answer means. A thread looks after the slots, because a
library does not tell: who puts another card in between two looks is known by its answer to reset.
While a card is worked with, its own commands tell whether it is there.

What a citizen's card said is in the library's memory too. So the library's process ends with the
visit (`visit_over`), and another begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from hardware.card.apdu import over_t0
from hardware.card.atr import speaks_t1
from hardware.card.session import Interface
from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode
from hardware.vendor.family import CardFamily, Place
from hardware.vendor.library import Library

T = TypeVar("T")

#: Seconds between two looks into the slots.
LOOK_S = 0.2

#: A reader may take so long to miss a card, seconds, and is asked so often meanwhile.
_MISSED_S, _MISSED_POLL_S = 0.6, 0.05


_INTERFACES = {
    Place.CONTACT: Interface.CONTACT,
    Place.NEAR: Interface.CONTACTLESS,
    Place.PSAM: Interface.CONTACT,
}


@dataclass(frozen=True)
class VendorSlot:
    """See `hardware.card.transport.Slot`."""

    transport: VendorTransport
    place: Place
    reader: str
    insertion: int

    @property
    def interface(self) -> Interface:
        return _INTERFACES[self.place]

    def connect(self) -> VendorConnection:
        return VendorConnection(self.transport, self)


class VendorTransport:
    """See `hardware.card.transport.CardTransport`."""

    def __init__(self, library: Library, family: CardFamily, near: bool, psam: bool) -> None:
        self.family = family
        self._library = library
        #: Contact first, as in `hardware.card.pcsc`.
        self._places = (Place.CONTACT, Place.NEAR) if near else (Place.CONTACT,)
        self._psam = psam
        self._told: Callable[[], None] = lambda: None
        self._about = Readers("")
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        #: The reader does one thing at a time.
        self.line = threading.RLock()
        self._news = threading.Condition()
        #: Place -> the number of the insertion of the card that is there; and its answer to reset.
        self._in: dict[Place, int] = {}
        self._atrs: dict[int, bytes] = {}
        self._insertions = 0
        self._fault: DeviceFault | None = None
        #: How often it was opened: a card left behind in an earlier process is none of the next's.
        self.opened = 0
        #: Whether a card is under power, and whether one was since the process began.
        self.held = self._used = False

    def watch(self, told: Callable[[], None]) -> None:
        self._told = told

    def unwatch(self) -> None:
        self._told = lambda: None
        self.close()

    def open(self) -> None:
        self.close()
        self._library.start()
        try:
            self.family.open()
            self._about = self.family.about()
            self._fault, self.held, self._used = None, False, False
            self.opened += 1
            self._look()
        except DeviceFault:
            self._library.stop()
            raise
        self._ending = threading.Event()
        ending = self._ending
        self._thread = threading.Thread(
            target=self._watch, args=(ending,), name="vendor card", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ending.set()
        if self._fault is None and not self.held and self.line.acquire(timeout=1.0):
            with suppress(DeviceFault):
                self.family.close()
            self.line.release()
        self._library.stop()
        thread.join(2.0)
        with self._news:
            # What comes to be seen later was put in meanwhile, for all anybody knows.
            self._in.clear()
            self._atrs.clear()

    def check(self) -> Readers:
        with self._news:
            self._must_work()
        return self._about

    def card_in(self, timeout_s: float) -> VendorSlot | None:
        with self._news:
            self._news.wait_for(lambda: self._fault is not None or bool(self._in), timeout_s)
            self._must_work()
            for place in self._places:
                if place in self._in:
                    return VendorSlot(self, place, self._about.names, self._in[place])
        return None

    def abandon(self) -> None:
        """Only its process's end makes the library return."""
        self._library.stop()

    def psam_slot(self) -> VendorSlot:
        if not self._psam:
            raise DeviceFault(FaultCode.PSAM_ABSENT, "none is set")
        return VendorSlot(self, Place.PSAM, f"{self._about.names} SAM", 0)

    def visit_over(self) -> None:
        """See the module's docstring. Raises as `open`."""
        if self._used and not self.held:
            self.open()

    # -- what a connection tells -------------------------------------------------------------

    def powered(self, slot: VendorSlot, atr: bytes) -> None:
        """Raises `DeviceFault(CARD_PULLED)` if this is another card than was there."""
        self._used = True
        if slot.place is Place.PSAM:
            return
        with self._news:
            if self._atrs.setdefault(slot.insertion, atr) == atr:
                return
        self._moved(slot.place)
        raise DeviceFault(FaultCode.CARD_PULLED, "another card")

    def silent(self, slot: VendorSlot, doing: str) -> DeviceFault:
        """What it means that there was no answer; raises what is worse than that."""
        until = time.monotonic() + _MISSED_S
        while self.family.present(slot.place):
            if time.monotonic() > until:
                return DeviceFault(FaultCode.CARD_MUTE, doing)
            time.sleep(_MISSED_POLL_S)
        self._moved(slot.place)
        return DeviceFault(FaultCode.CARD_PULLED, doing)

    def failed(self, fault: DeviceFault) -> None:
        """The library or the reader has failed: nobody is to wait for it."""
        with self._news:
            self._fault = self._fault or fault.bare()
            self._news.notify_all()

    def _moved(self, place: Place) -> None:
        with self._news:
            self._in.pop(place, None)

    # -- looking -----------------------------------------------------------------------------

    def _watch(self, ending: threading.Event) -> None:
        while not ending.wait(LOOK_S):
            try:
                changed = self._look()
            except DeviceFault as fault:
                if not ending.is_set():
                    self.failed(fault)
                    self._told()
                return
            if changed:
                self._told()

    def _look(self) -> bool:
        """Whether a card came or went."""
        with self.line:
            if self.held:
                return False
            there = {place for place in self._places if self.family.present(place)}
        with self._news:
            gone, come = self._in.keys() - there, there - self._in.keys()
            for place in gone:
                self._atrs.pop(self._in.pop(place), None)
            for place in come:
                self._insertions += 1
                self._in[place] = self._insertions
            self._news.notify_all()
        return bool(gone or come)

    def _must_work(self) -> None:
        if self._thread is None:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "not open")
        if self._fault is not None:
            raise self._fault.bare()


class VendorConnection:
    """A card under power; see `hardware.card.transport.Connection`."""

    def __init__(self, transport: VendorTransport, slot: VendorSlot) -> None:
        self._transport, self._slot = transport, slot
        self._opened = transport.opened
        if slot.place is not Place.PSAM:
            transport.held = True
        try:
            self.atr = self._of_the_library(lambda: transport.family.power(slot.place))
            if not self.atr:
                raise self._silent("power")
            transport.powered(slot, self.atr)
            self._t1 = slot.place is Place.NEAR or speaks_t1(self.atr)
        except DeviceFault:
            self.close()
            raise

    def transmit(self, command: bytes) -> bytes:
        family, place = self._transport.family, self._slot.place
        sent = command if self._t1 else over_t0(command)
        answer = self._of_the_library(lambda: family.transmit(place, sent))
        if len(answer) < 2:
            raise self._silent("transmit")
        return answer

    def close(self) -> None:
        transport, slot = self._transport, self._slot
        with suppress(DeviceFault):
            self._of_the_library(lambda: transport.family.release(slot.place))
        if slot.place is not Place.PSAM and self._opened == transport.opened:
            transport.held = False

    def _silent(self, doing: str) -> DeviceFault:
        return self._of_the_library(lambda: self._transport.silent(self._slot, doing))

    def _of_the_library(self, ask: Callable[[], T]) -> T:
        """Ask alone; what the library fails at is everybody's to know."""
        with self._transport.line:
            if self._opened != self._transport.opened:
                raise DeviceFault(FaultCode.CARD_PULLED, "opened anew")
            try:
                return ask()
            except DeviceFault as fault:
                if self._opened == self._transport.opened:
                    self._transport.failed(fault)
                raise
