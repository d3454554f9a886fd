"""A card slot over PC/SC, the service that knows the readers (pcscd).

Built on `smartcard.scard`, the plain functions: pyscard's own monitor ends silently for ever when
the service dies. Here a dead service is a result code like any other, and becomes a fault after
which the device's loop opens everything afresh.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hardware.faults import DeviceFault, FaultCode

_MILLISECONDS = 1000


class PcscTransport:
    """The first reader that the service lists; a `hardware.card_reader.Transport`."""

    def __init__(self) -> None:
        self._scard: Any = None
        self._context: Any = None
        self._reader = ""
        self._card: Any = None
        self._protocol: Any = None

    def open(self) -> None:
        from smartcard import scard  # a C library; on the device's own thread

        self._scard = scard
        self.close()
        result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self._must_work(result)
        self._context = context
        result, readers = scard.SCardListReaders(context, [])
        if result != scard.SCARD_S_SUCCESS or not readers:
            self.close()
            raise _offline("no reader", result)
        self._reader = readers[0]

    def close(self) -> None:
        self.disconnect()
        context, self._context = self._context, None
        if context is not None:
            with suppress(SystemError):  # what pyscard makes of a service that is gone
                self._scard.SCardReleaseContext(context)

    def check(self) -> str:
        self._state(0)
        return self._reader

    def wait_for_card(self, seconds: float) -> bool:
        """A card that gives no ATR counts as there: `connect` says that it is mute."""
        state = self._state(0)
        if not state & self._scard.SCARD_STATE_PRESENT:
            state = self._state(round(seconds * _MILLISECONDS), state)
        return bool(state & self._scard.SCARD_STATE_PRESENT)

    def connect(self) -> None:
        scard = self._scard
        # Exclusive: no other program may speak to the card in between.
        result, card, protocol = scard.SCardConnect(
            self._context,
            self._reader,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        self._must_work(result)
        self._card = card
        t0 = protocol == scard.SCARD_PROTOCOL_T0
        self._protocol = scard.SCARD_PCI_T0 if t0 else scard.SCARD_PCI_T1

    def transmit(self, command: bytes) -> bytes:
        result, answer = self._scard.SCardTransmit(self._card, self._protocol, list(command))
        self._must_work(result)
        try:
            return bytes(answer)
        except ValueError as error:
            raise DeviceFault(FaultCode.CARD_PULLED, "no valid answer") from error

    def disconnect(self) -> None:
        card, self._card = self._card, None
        if card is not None:
            with suppress(SystemError):  # the service is gone, and the card's power with it
                self._scard.SCardDisconnect(card, self._scard.SCARD_UNPOWER_CARD)

    def _state(self, patience_ms: int, known: int | None = None) -> int:
        """The reader's state flags, waiting so long for them to differ from the known ones."""
        scard = self._scard
        if self._context is None:
            raise _offline("not open")
        before = scard.SCARD_STATE_UNAWARE if known is None else known
        result, states = scard.SCardGetStatusChange(
            self._context, patience_ms, [(self._reader, before)]
        )
        if result == scard.SCARD_E_TIMEOUT:
            return int(before)
        self._must_work(result)
        state = int(states[0][1])
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise _offline("reader gone")
        return state & ~int(scard.SCARD_STATE_CHANGED)

    def _must_work(self, result: int) -> None:
        """Make a fault of a result code. What is no word about the card is one about the reader."""
        scard = self._scard
        if result == scard.SCARD_S_SUCCESS:
            return
        of_the_card = {
            scard.SCARD_W_REMOVED_CARD: FaultCode.CARD_PULLED,
            scard.SCARD_E_NO_SMARTCARD: FaultCode.CARD_PULLED,
            scard.SCARD_E_NOT_TRANSACTED: FaultCode.CARD_PULLED,
            scard.SCARD_F_COMM_ERROR: FaultCode.CARD_PULLED,
            scard.SCARD_W_RESET_CARD: FaultCode.CARD_PULLED,
            scard.SCARD_W_UNRESPONSIVE_CARD: FaultCode.CARD_MUTE,
            scard.SCARD_W_UNPOWERED_CARD: FaultCode.CARD_MUTE,
            scard.SCARD_W_UNSUPPORTED_CARD: FaultCode.CARD_MUTE,
            scard.SCARD_E_PROTO_MISMATCH: FaultCode.CARD_MUTE,
        }
        fault = of_the_card.get(result)
        if fault is None:
            raise _offline("service", result)
        raise DeviceFault(fault, _hexadecimal(result))


def _hexadecimal(result: int) -> str:
    return f"{result & 0xFFFFFFFF:08X}"


def _offline(what: str, result: int = 0) -> DeviceFault:
    detail = f"{what} {_hexadecimal(result)}" if result else what
    return DeviceFault(FaultCode.CARD_READER_OFFLINE, detail)
