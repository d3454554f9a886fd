"""The far end of a headset jack: a pipe with what a Linux input device says, its structs written
literally: 16 bytes of time, then type, code and value."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_TIME = bytes.fromhex("00f2556500000000 3f0d030000000000")
_SYN = _TIME + bytes.fromhex("0000 0000 00000000")


class VirtualHeadset:
    """A jack with nothing in it."""

    def __init__(self) -> None:
        self.port = str(Path(tempfile.mkdtemp(prefix="kiosk-jack-")) / "event")
        os.mkfifo(self.port)
        # Open on both sides: a pipe that nobody writes to looks as if it were gone.
        self._pipe = os.open(self.port, os.O_RDWR)

    def switch(self, plugged: bool) -> None:
        """SW_HEADPHONE_INSERT, and SW_MICROPHONE_INSERT of a headset with one."""
        on = bytes([plugged, 0, 0, 0])
        headphone = _TIME + bytes.fromhex("0500 0200") + on
        microphone = _TIME + bytes.fromhex("0500 0400") + on
        self.say(microphone + headphone + _SYN)

    def key(self, code: int) -> None:
        """A key that is pressed, repeats, and is let go of."""
        pressed = _TIME + bytes.fromhex("0100") + code.to_bytes(2, "little")
        for value in (1, 2, 0):
            self.say(pressed + bytes([value, 0, 0, 0]) + _SYN)

    def lost(self) -> None:
        """SYN_DROPPED: events were lost."""
        self.say(_TIME + bytes.fromhex("0000 0300 00000000"))

    def say(self, events: bytes) -> None:
        os.write(self._pipe, events)

    def close(self) -> None:
        os.close(self._pipe)
        os.unlink(self.port)
        os.rmdir(Path(self.port).parent)
