"""The far end of a PIN pad's line: keys that somebody presses. Its bytes are written literally."""

from __future__ import annotations

from pathlib import Path

from hardware.virtual.wire import FarEnd

#: The answer to "who are you": a sign, 50 of user data, 48 of keys, 20 of settings, 8 of functions,
#: model, two versions, date and serial number.
_NAME = b"0" + b" " * 50 + b"0" * 76 + b"ZT588 " + b"1.02.2" + b"2401" + b"0042"

_KEYS = {"enter": b"\r", "clear": b"\x1b", "delete": b"\x08"}


class VirtualPinPad(FarEnd):
    """A pad whose keys are off."""

    def __init__(self, folder: Path | None = None) -> None:
        self.on = False
        #: Says nothing; refuses everything; gives a mask for each digit; spoils its checksums.
        self.mute = self.refuses = self.masks = self.spoilt = False
        self.heard = b""
        self._pending = b""
        super().__init__("pin_pad", folder)

    def press(self, keys: str) -> None:
        """Digits, or one of "enter", "clear", "delete". Nothing is sent while the keys are off."""
        if not self.on:
            return
        if keys in _KEYS:
            self.send(_KEYS[keys])
        else:
            self.send(b"*" * len(keys) if self.masks else keys.encode("ascii"))

    def time_out(self) -> None:
        """Nobody has pressed a key for its half minute."""
        self.on = False
        self.send(b"\x80")

    def disconnected(self) -> None:
        self._pending, self.on = b"", False

    def received(self, data: bytes) -> None:
        self.heard += data
        self._pending += data
        while (start := self._pending.find(b"\x02")) >= 0:
            frame = self._pending[start:]
            if len(frame) < 4 or len(frame) < 7 + int(frame[1:4]):
                return
            end = 7 + int(frame[1:4])
            self._pending = frame[end:]
            self._answer(frame[4 : end - 3])

    def _answer(self, text: bytes) -> None:
        if self.mute:
            return
        if self.refuses:
            self._say(b"\xef")
        elif text == b"3":
            self._say(_NAME)
        else:
            # Its keys go on after it has said so: no key stands before the answer.
            if text == b"5032":
                self.on = False
            self._say(b"0")
            if text == b"5033":
                self.on = True

    def _say(self, text: bytes) -> None:
        body = f"{len(text):03d}".encode() + text + b"\x03"
        check = 0
        for byte in body:
            check ^= byte
        self.send(b"\x02" + body + f"{check ^ self.spoilt:02X}".encode())
