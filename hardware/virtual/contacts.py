"""The far end of an input/output board: eight inputs, eight relays, Modbus RTU. Its own CRC is the
table-free one of the Modbus guide; its bytes are written literally."""

from __future__ import annotations

from pathlib import Path

from hardware.virtual.wire import FarEnd


class VirtualBoard(FarEnd):
    """A board with address 255, all off."""

    def __init__(self, folder: Path | None = None) -> None:
        self.inputs = [False] * 8
        self.outputs = [False] * 8
        #: Every order to an output: (which, on).
        self.orders: list[tuple[int, bool]] = []
        self.heard = b""
        #: Says nothing; refuses; spoils its CRC; sends another address.
        self.mute = self.refuses = self.spoilt = self.other = False
        self._pending = b""
        super().__init__("contacts", folder)

    def disconnected(self) -> None:
        self._pending = b""

    def received(self, data: bytes) -> None:
        self.heard += data
        # The question whether a printer is here comes first, and is noise to it.
        self._pending += data.replace(b"\x10\x04\x01", b"")
        while len(self._pending) >= 8:
            frame, self._pending = self._pending[:8], self._pending[8:]
            self._do(frame)

    def _do(self, frame: bytes) -> None:
        if self.mute or frame[0] != 255 or _check(frame[:6]) != frame[6:]:
            return
        if self.refuses:
            self._say(bytes([255, frame[1] | 0x80, 0x02]))
        elif frame[1] == 2:
            bits = sum(on << place for place, on in enumerate(self.inputs))
            self._say(bytes([255, 2, 1, bits]))
        elif frame[1] == 5:
            which, on = frame[3], frame[4] == 0xFF
            self.outputs[which] = on
            self.orders.append((which, on))
            self._say(frame[:6])

    def _say(self, body: bytes) -> None:
        if self.other:
            body = b"\x07" + body[1:]
        check = _check(body)
        self.send(body + (bytes(2) if self.spoilt else check))


def _check(data: bytes) -> bytes:
    low, high = 0xFF, 0xFF
    for byte in data:
        low ^= byte
        for _ in range(8):
            carry = low & 1
            low = low >> 1 | (high & 1) << 7
            high >>= 1
            if carry:
                high ^= 0xA0
                low ^= 0x01
    return bytes([low, high])
