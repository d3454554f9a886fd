"""A card through the PC/SC service, as most readers are reached.

`smartcard.scard` underneath, with `hardware.card.monitor` to tell what is there. A terminal has up
to three readers: the slot for the card's contacts, the field for cards held near, and the slot of
the PSAM. They are told apart by parts of their names, because a reader that does both shows as two.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hardware.card.apdu import over_t0
from hardware.card.monitor import PcscMonitor, ReaderState, Seen, as_bytes, events_of
from hardware.card.session import Interface
from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode

#: Answer of the service -> fault. What stands nowhere is a reader that does not work.
_FAULTS = {
    FaultCode.CARD_PULLED: (
        "SCARD_E_NO_SMARTCARD",
        "SCARD_W_REMOVED_CARD",
        "SCARD_W_RESET_CARD",
    ),
    FaultCode.CARD_MUTE: (
        "SCARD_W_UNRESPONSIVE_CARD",
        "SCARD_W_UNPOWERED_CARD",
        "SCARD_W_UNSUPPORTED_CARD",
        "SCARD_E_PROTO_MISMATCH",
    ),
    FaultCode.CARD_READER_BUSY: ("SCARD_E_SHARING_VIOLATION",),
    FaultCode.CARD_READER_OFFLINE: ("SCARD_E_READER_UNAVAILABLE", "SCARD_E_UNKNOWN_READER"),
    # The machine's polkit rules do not let this program use the service, or a card.
    FaultCode.CARD_SERVICE_FORBIDDEN: ("SCARD_W_SECURITY_VIOLATION",),
    FaultCode.CARD_SERVICE_DOWN: (
        "SCARD_E_NO_SERVICE",
        "SCARD_E_SERVICE_STOPPED",
        "SCARD_E_INVALID_HANDLE",
        "SCARD_F_COMM_ERROR",
    ),
}


#: Pauses before a card is asked for power again, seconds; after them it is mute.
_POWERING_S = (0.05, 0.1, 0.2, 0.4)

#: What may be over after such a pause: a card that is still being powered, a way to the service
#: that was kept and has died since, one odd answer of the service.
_PASSING = (
    FaultCode.CARD_MUTE,
    FaultCode.CARD_SERVICE_DOWN,
    FaultCode.CARD_READER_OFFLINE,
)

#: A reader may take so long to miss a card, seconds, and is asked so often meanwhile.
_MISSED_S, _MISSED_POLL_S = 0.6, 0.05


@dataclass(frozen=True)
class ReaderNames:
    """Parts of the names of this terminal's readers.

    "" for `contact`: the first reader that is neither of the other two; for the others: none.
    """

    contact: str = ""
    contactless: str = ""
    psam: str = ""


@dataclass(frozen=True)
class Identity:
    """Serial number and firmware version of a reader, "" where it does not tell."""

    serial: str
    firmware: str


class Contexts:
    """Ways to the service. Making one costs as much as two commands, so one that served a card well
    is kept for the next; one whose command never returned, or that failed, never comes back."""

    def __init__(self, scard: Any) -> None:
        self.scard = scard
        self._spare: deque[Any] = deque()

    def take(self) -> tuple[int, Any]:
        """The service's answer, and a context if that is success."""
        with suppress(IndexError):
            return self.scard.SCARD_S_SUCCESS, self._spare.pop()
        code, context = self.scard.SCardEstablishContext(self.scard.SCARD_SCOPE_USER)
        return code, context

    def give_back(self, context: Any) -> None:
        self._spare.append(context)

    def release(self, context: Any) -> None:
        # pyscard raises SystemError for a handle that died with the service.
        with suppress(SystemError):
            self.scard.SCardReleaseContext(context)

    def forget(self) -> None:
        """The service has gone, or nobody uses it any more."""
        with suppress(IndexError):
            while True:
                self.release(self._spare.pop())


@dataclass(frozen=True)
class PcscSlot:
    """A reader by its whole name, and what is in it."""

    contexts: Contexts
    reader: str
    interface: Interface
    state: ReaderState
    #: What readers have said of themselves; they are asked when they first have a card.
    identities: dict[str, Identity]

    @property
    def insertion(self) -> int:
        return self.state.insertion

    def connect(self) -> PcscConnection:
        if self.state.mute:
            raise DeviceFault(FaultCode.CARD_MUTE, "no answer to reset")
        connection = self._powered()
        if self.reader not in self.identities:
            self.identities[self.reader] = connection.identity()
        return connection

    def _powered(self) -> PcscConnection:
        """A card is told of as soon as it is in; the service may still be powering it then."""
        for pause_s in _POWERING_S:
            try:
                return PcscConnection(self)
            except DeviceFault as fault:
                if fault.code not in _PASSING:
                    raise
                self.contexts.forget()
                time.sleep(pause_s)
        return PcscConnection(self)


class PcscTransport:
    """The readers of one terminal; see `hardware.card.transport.CardTransport`."""

    def __init__(self, names: ReaderNames = ReaderNames()) -> None:
        self._names = names
        self._contexts: Contexts | None = None
        self._monitor: PcscMonitor | None = None
        self._told: Callable[[], None] | None = None
        self._identities: dict[str, Identity] = {}

    def watch(self, told: Callable[[], None]) -> None:
        self._told = told

    def unwatch(self) -> None:
        self._told = None
        self._end()

    def open(self) -> None:
        if self._monitor is None:
            from smartcard import scard  # on the reader's thread, after the screen is up

            self._contexts, self._monitor = Contexts(scard), PcscMonitor(scard, self._news)
            self._monitor.start()
        self.check()

    def close(self) -> None:
        if self._told is None:
            self._end()

    def check(self) -> Readers:
        names = [slot.reader for slot in self._citizens(self._must_see())]
        known = [self._identities[name] for name in names if name in self._identities]
        return Readers(
            names=", ".join(names),
            serial=", ".join(one.serial for one in known if one.serial),
            firmware=", ".join(one.firmware for one in known if one.firmware),
        )

    def card_in(self, timeout_s: float) -> PcscSlot | None:
        assert self._monitor is not None
        self._must_see()
        seen = self._monitor.wait_for(self._has_card, timeout_s)
        for slot in self._citizens(self._must_be_there(seen)):
            if slot.state.card:
                return slot
        return None

    def abandon(self) -> None:
        """Each card has a context of its own, which was left behind with it."""

    def visit_over(self) -> None:
        """Nothing is kept here: cards are powered down."""

    def psam_slot(self) -> PcscSlot:
        assert self._monitor is not None
        wanted = self._names.psam
        for name, state in self._monitor.seen().readers.items():
            if wanted and wanted in name and state.card:
                return self._slot(name, Interface.CONTACT, state)
        raise DeviceFault(FaultCode.PSAM_ABSENT, wanted or "none is set")

    # -- what the monitor sees ---------------------------------------------------------------

    def _news(self) -> None:
        monitor, contexts = self._monitor, self._contexts
        if contexts is not None and monitor is not None and not monitor.seen().service:
            contexts.forget()
        told = self._told
        if told is not None:
            told()

    def _end(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.stop()
        if self._contexts is not None:
            self._contexts.forget()

    def _must_see(self) -> Seen:
        if self._monitor is None:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "not open")
        return self._must_be_there(self._monitor.seen())

    def _must_be_there(self, seen: Seen) -> Seen:
        if seen.forbidden:
            raise DeviceFault(FaultCode.CARD_SERVICE_FORBIDDEN)
        if not seen.service:
            raise DeviceFault(FaultCode.CARD_SERVICE_DOWN)
        if not self._citizens(seen):
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "no such reader")
        return seen

    def _has_card(self, seen: Seen) -> bool:
        """Whether waiting is over: a card is there, or the reader is not."""
        citizens = self._citizens(seen)
        return not citizens or any(slot.state.card for slot in citizens)

    def _slot(self, name: str, interface: Interface, state: ReaderState) -> PcscSlot:
        assert self._contexts is not None
        return PcscSlot(self._contexts, name, interface, state, self._identities)

    def _citizens(self, seen: Seen) -> list[PcscSlot]:
        """The readers for a citizen's card. Contact first: a card with both in the slot is put
        there to be worked with (domain R-E3: contact for PIN and write)."""
        names = self._names
        others = [part for part in (names.contactless, names.psam) if part]
        contact = [
            name
            for name in seen.readers
            if (names.contact in name and not any(part in name for part in others))
        ]
        near = [name for name in seen.readers if names.contactless and names.contactless in name]
        return [
            self._slot(name, interface, seen.readers[name])
            for interface, found in ((Interface.CONTACT, contact), (Interface.CONTACTLESS, near))
            for name in found[:1]
        ]


class PcscConnection:
    """One card, held exclusively, on a context that nobody else uses meanwhile: if a command never
    returns, this is left behind whole and the next card gets another."""

    def __init__(self, slot: PcscSlot) -> None:
        self._contexts = slot.contexts
        self._scard = scard = slot.contexts.scard
        self._slot = slot
        self._card: Any = None
        self._healthy = True
        self.atr = slot.state.atr
        code, self._context = self._contexts.take()
        self._check(code, "establish")
        try:
            code, card, protocol = scard.SCardConnect(
                self._context,
                slot.reader,
                scard.SCARD_SHARE_EXCLUSIVE,
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            )
            self._check(code, "connect")
        except DeviceFault:
            self.close()
            raise
        self._card = card
        self._t0 = protocol == scard.SCARD_PROTOCOL_T0
        self._protocol = scard.SCARD_PCI_T0 if self._t0 else scard.SCARD_PCI_T1

    def transmit(self, command: bytes) -> bytes:
        sent = over_t0(command) if self._t0 else command
        code, answer = self._scard.SCardTransmit(self._card, self._protocol, list(sent))
        if code:
            self._check(code, "transmit")
        if len(answer) < 2:
            self._healthy = False
            raise DeviceFault(self._gone_or_mute(), "no status word")
        return as_bytes(answer)

    def _gone_or_mute(self) -> FaultCode:
        """A card pulled in the middle of a command has no code of its own, and neither has a card
        or a reader that failed in it: the service is asked whether the card is still there."""
        scard = self._scard
        until = time.monotonic() + _MISSED_S
        while time.monotonic() < until:
            code, rows = scard.SCardGetStatusChange(
                self._context, 0, [(self._slot.reader, scard.SCARD_STATE_UNAWARE)]
            )
            if code != scard.SCARD_S_SUCCESS:
                break
            state = rows[0][1]
            moved = events_of(state) != self._slot.state.events
            if moved or not state & scard.SCARD_STATE_PRESENT:
                return FaultCode.CARD_PULLED
            time.sleep(_MISSED_POLL_S)
        return FaultCode.CARD_MUTE

    def identity(self) -> Identity:
        serial = self._attribute("SCARD_ATTR_VENDOR_IFD_SERIAL_NO")
        version = self._attribute("SCARD_ATTR_VENDOR_IFD_VERSION")
        # 0xMMmmbbbb, a number of the host: major and minor are BCD, as in a USB descriptor.
        number = int.from_bytes(version, sys.byteorder)
        return Identity(
            serial="".join(chr(byte) for byte in serial if 0x20 < byte < 0x7F),
            firmware=f"{number >> 24:x}.{number >> 16 & 0xFF:02x}" if len(version) == 4 else "",
        )

    def _attribute(self, name: str) -> bytes:
        """What the reader says of itself, b"" if it does not tell."""
        code, value = self._scard.SCardGetAttrib(self._card, getattr(self._scard, name))
        return as_bytes(value) if code == self._scard.SCARD_S_SUCCESS else b""

    def close(self) -> None:
        card, self._card = self._card, None
        if card is not None:
            with suppress(SystemError):  # as in `Contexts.release`
                self._scard.SCardDisconnect(card, self._scard.SCARD_UNPOWER_CARD)
        if self._healthy:
            self._contexts.give_back(self._context)
        else:
            self._contexts.release(self._context)

    def _check(self, code: int, doing: str) -> None:
        """Turn an answer of the service into the fault it means."""
        scard = self._scard
        if code == scard.SCARD_S_SUCCESS:
            return
        self._healthy = False
        detail = f"{doing} {code & 0xFFFFFFFF:08X}"
        for fault, names in _FAULTS.items():
            if code in [getattr(scard, name, None) for name in names]:
                raise DeviceFault(fault, detail)
        otherwise = FaultCode.CARD_READER_OFFLINE
        raise DeviceFault(self._gone_or_mute() if doing == "transmit" else otherwise, detail)


def watch_service(told: Callable[[Seen], None]) -> PcscMonitor:
    """Tell of everything the service sees, on another thread, until what is returned is stopped."""
    from smartcard import scard

    def news() -> None:
        told(monitor.seen())

    monitor = PcscMonitor(scard, news)
    monitor.start()
    return monitor
