"""A virtual card without the PC/SC service, for machines where none can run.

Waits on a loopback port for a card and speaks the protocol of the virtual reader (a 2-byte
big-endian length before each message), so the same card answers the same APDUs.
"""

from __future__ import annotations

import errno
import socket
import time

from hardware.card.reader import POLL_S
from hardware.faults import DeviceFault, FaultCode

#: Longest silence of a virtual card, seconds.
_ANSWER_S = 3.0


class DirectLine:
    """Without PC/SC: a virtual card connects to a loopback port and is spoken to directly."""

    #: Messages of one byte: power off, power on.
    _OFF, _ON = b"\x00", b"\x01"

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener: socket.socket | None = None
        self._card: socket.socket | None = None

    @property
    def name(self) -> str:
        return f"direct {self._port}"

    def open(self) -> None:
        self.close()
        try:
            self._listener = socket.create_server(("127.0.0.1", self._port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            code = FaultCode.CARD_READER_BUSY if taken else FaultCode.CARD_READER_OFFLINE
            raise DeviceFault(code, type(error).__name__) from error
        self._listener.settimeout(POLL_S)

    def close(self) -> None:
        for connection in (self._card, self._listener):
            if connection is not None:
                connection.close()
        self._card = self._listener = None

    def there(self) -> bool:
        if self._card is not None and self._still_connected():
            # A card that stays is no news: do not let a waiting loop spin.
            time.sleep(0.02)
            return True
        if self._listener is None:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "not open")
        try:
            self._card, _ = self._listener.accept()
        except TimeoutError:
            return False
        except OSError as error:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, type(error).__name__) from error
        self._card.settimeout(_ANSWER_S)
        return True

    def _still_connected(self) -> bool:
        """A virtual card that was pulled has closed its connection."""
        card = self._card
        assert card is not None
        try:
            card.setblocking(False)
            gone = card.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            card.close()
            self._card = None
            return False
        card.settimeout(_ANSWER_S)
        return True

    def power(self) -> None:
        self._send(self._ON)

    def transmit(self, command: bytes) -> bytes:
        self._send(command)
        length = int.from_bytes(self._receive(2), "big")
        answer = self._receive(length)
        if len(answer) < 2:
            raise DeviceFault(FaultCode.CARD_PULLED, "no status word")
        return answer

    def power_down(self) -> None:
        if self._card is not None:
            try:
                self._send(self._OFF)
            except DeviceFault:
                return  # it was pulled: it has forgotten by itself

    def _send(self, message: bytes) -> None:
        if self._card is None:
            raise DeviceFault(FaultCode.CARD_PULLED, "not connected")
        try:
            self._card.sendall(len(message).to_bytes(2, "big") + message)
        except OSError as error:
            raise self._pulled(error) from error

    def _receive(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            assert self._card is not None
            try:
                part = self._card.recv(count - len(got))
            except TimeoutError:
                # Its late answer would be taken for that to the next command.
                self._pulled(None)
                raise DeviceFault(FaultCode.CARD_MUTE, "no answer") from None
            except OSError as error:
                raise self._pulled(error) from error
            if not part:
                raise self._pulled(None)
            got += part
        return got

    def _pulled(self, error: OSError | None) -> DeviceFault:
        if self._card is not None:
            self._card.close()
            self._card = None
        return DeviceFault(FaultCode.CARD_PULLED, type(error).__name__ if error else "closed")
