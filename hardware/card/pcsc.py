"""A card through the PC/SC service, as every real reader is reached.

`smartcard.scard` underneath and nothing of pyscard's own monitoring, whose thread ends for ever,
silently, when the service does.
"""

from __future__ import annotations

from typing import Any

from hardware.card.reader import POLL_S
from hardware.faults import DeviceFault, FaultCode


class PcscLine:
    """Through the PC/SC service; the first reader it lists."""

    #: Answers of the service that concern the card, not the reader.
    _PULLED = ("SCARD_E_NO_SMARTCARD", "SCARD_W_REMOVED_CARD", "SCARD_W_RESET_CARD")
    _MUTE = ("SCARD_W_UNRESPONSIVE_CARD", "SCARD_W_UNPOWERED_CARD", "SCARD_E_PROTO_MISMATCH")
    #: The service is gone, or the reader: nothing that was opened through it works any more.
    _OFFLINE = (
        "SCARD_E_NO_SERVICE",
        "SCARD_E_SERVICE_STOPPED",
        "SCARD_E_INVALID_HANDLE",
        "SCARD_E_READER_UNAVAILABLE",
        "SCARD_E_UNKNOWN_READER",
        "SCARD_E_NO_READERS_AVAILABLE",
        "SCARD_F_COMM_ERROR",
    )

    def __init__(self) -> None:
        self._scard: Any = None
        self._context: Any = None
        self._card: Any = None
        self._protocol: Any = None
        self._reader = ""

    @property
    def name(self) -> str:
        return self._reader

    def open(self) -> None:
        from smartcard import scard  # on the reader's thread, after the screen is up

        self.close()
        self._scard = scard
        code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self._check(code, "establish")
        self._context = context
        code, readers = scard.SCardListReaders(context, [])
        if code != scard.SCARD_S_SUCCESS or not readers:
            self.close()
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "no reader")
        self._reader = str(readers[0])

    def close(self) -> None:
        self.power_down()
        context, self._context = self._context, None
        if context is not None:
            self._scard.SCardReleaseContext(context)

    def there(self) -> bool:
        scard = self._scard
        unknown = [(self._reader, scard.SCARD_STATE_UNAWARE)]
        state = self._state(unknown, 0)
        if not state & scard.SCARD_STATE_PRESENT:
            # Ask to be told of a change from the state just seen; its count is in the upper half.
            state = self._state([(self._reader, state)], int(POLL_S * 1000))
        return bool(state & scard.SCARD_STATE_PRESENT)

    def _state(self, known: list[tuple[str, int]], timeout_ms: int) -> int:
        scard = self._scard
        code, states = scard.SCardGetStatusChange(self._context, timeout_ms, known)
        if code == scard.SCARD_E_TIMEOUT:
            return int(known[0][1])
        self._check(code, "status")
        state = int(states[0][1])
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "reader gone")
        return state

    def power(self) -> None:
        scard = self._scard
        code, card, protocol = scard.SCardConnect(
            self._context,
            self._reader,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        self._check(code, "connect")
        self._card = card
        t0 = protocol == scard.SCARD_PROTOCOL_T0
        self._protocol = scard.SCARD_PCI_T0 if t0 else scard.SCARD_PCI_T1

    def transmit(self, command: bytes) -> bytes:
        code, answer = self._scard.SCardTransmit(self._card, self._protocol, list(command))
        self._check(code, "transmit")
        if len(answer) < 2:
            raise DeviceFault(FaultCode.CARD_PULLED, "no status word")
        # pyscard gives signed bytes on some platforms.
        return bytes(byte & 0xFF for byte in answer)

    def power_down(self) -> None:
        card, self._card = self._card, None
        if card is not None:
            self._scard.SCardDisconnect(card, self._scard.SCARD_UNPOWER_CARD)

    def _check(self, code: int, doing: str) -> None:
        """Turn an answer of the service into the fault it means."""
        scard = self._scard
        if code == scard.SCARD_S_SUCCESS:
            return
        detail = f"{doing} {code & 0xFFFFFFFF:08X}"
        names = {getattr(scard, name, None): fault for name, fault in self._faults().items()}
        # A card pulled in the middle of a command has no code of its own.
        otherwise = FaultCode.CARD_PULLED if doing == "transmit" else FaultCode.CARD_READER_OFFLINE
        raise DeviceFault(names.get(code, otherwise), detail)

    @classmethod
    def _faults(cls) -> dict[str, FaultCode]:
        return {
            **dict.fromkeys(cls._PULLED, FaultCode.CARD_PULLED),
            **dict.fromkeys(cls._MUTE, FaultCode.CARD_MUTE),
            **dict.fromkeys(cls._OFFLINE, FaultCode.CARD_READER_OFFLINE),
        }
