"""The SDT_* family: USB readers of the ID card (神思, 新中新 and others; sdtapi, termb).

Prototypes from the headers of several makers; no such reader was here. A function returns the SW3
that the module gave, so `hardware.id_reader` reads as over a serial line; below 10 hex it is the
library's own: 1 port, 2 no answer, 3 transmission. Ports: 1 to 16 serial ones, 1001 to 1016 USB.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from hardware.faults import DeviceFault, FaultCode
from hardware.sam import (
    FIND,
    READ_ADDRESS,
    READ_TEXT,
    SAM_ID,
    SAM_STATUS,
    SELECT,
    SW_NO_CONTENTS,
    SW_OK,
    Answer,
)
from hardware.vendor.library import Library, Returned

FUNCTIONS: Mapping[str, str] = {
    "SDT_OpenPort": "int(int)",
    "SDT_ClosePort": "int(int)",
    "SDT_GetSAMStatus": "int(int, int)",
    "SDT_GetSAMID": "int(int, out 64, int)",
    "SDT_StartFindIDCard": "int(int, out 64, int)",
    "SDT_SelectIDCard": "int(int, out 64, int)",
    "SDT_ReadBaseMsg": "int(int, out 512, count 256, out 2048, count 1024, int)",
    "SDT_ReadNewAppMsg": "int(int, out 512, count 70, int)",
}

PORT = "1001"

_ASKED = {
    SAM_STATUS: "SDT_GetSAMStatus",
    SAM_ID: "SDT_GetSAMID",
    FIND: "SDT_StartFindIDCard",
    SELECT: "SDT_SelectIDCard",
    READ_TEXT: "SDT_ReadBaseMsg",
    READ_ADDRESS: "SDT_ReadNewAppMsg",
}

#: The port was opened before, and stays open.
_STAYS_OPEN = 0

_SAM_ID_BYTES = 16

#: What a function returns below this is the library's own.
_OF_THE_MODULE = 0x10

#: An answer came and was spoilt on the way: transmission; of a reading also checksum and length,
#: which the module says of no reading.
_SPOILT = ((0x03,), (0x03, 0x10, 0x11))


class SdtSam:
    """See `hardware.sam.Sam`."""

    def __init__(self, library: str, port: str = "") -> None:
        self._library = Library(library, FUNCTIONS)
        self._port = int(port or PORT)
        self._read = False

    def open(self) -> None:
        self._read = False
        self._library.start()
        status = self._library.call("SDT_OpenPort", self._port).value
        if status != SW_OK:
            self._library.stop()
            raise DeviceFault(FaultCode.ID_READER_OFFLINE, f"SDT_OpenPort {status}")

    def close(self) -> None:
        with suppress(DeviceFault):
            self._library.call("SDT_ClosePort", self._port, within_s=1.0)
        self._library.stop()

    def visit_over(self) -> None:
        """The library's memory goes with its process."""
        if self._read:
            self.close()
            self.open()

    def ask(self, command: bytes) -> Answer:
        function = _ASKED[command]
        if command == READ_ADDRESS and not self._library.has(function):
            return Answer(SW_NO_CONTENTS)
        answer = self._library.call(function, self._port, _STAYS_OPEN)
        if not 0 <= answer.value <= 0xFF:
            self._library.fail(f"{function}: {answer.value}")
        if answer.value in _SPOILT[command == READ_TEXT]:
            raise DeviceFault(FaultCode.ID_READER_PROTOCOL, f"{function} {answer.value:02X}")
        if answer.value < _OF_THE_MODULE:
            raise DeviceFault(FaultCode.ID_READER_OFFLINE, f"{function} {answer.value}")
        if answer.value != SW_OK:
            return Answer(answer.value)
        return Answer(SW_OK, self._data(command, answer))

    def _data(self, command: bytes, answer: Returned) -> bytes:
        """What the serial answer would hold."""
        if command == SAM_ID:
            return answer.out[0][:_SAM_ID_BYTES]
        if command not in (READ_TEXT, READ_ADDRESS):
            return b""
        self._read = True
        for content, length in zip(answer.out, answer.counts, strict=True):
            if length > len(content):
                self._library.fail(f"{_ASKED[command]}: {length} bytes")
        parts = [part[:length] for part, length in zip(answer.out, answer.counts, strict=True)]
        if command == READ_ADDRESS:
            return parts[0]
        lengths = b"".join(length.to_bytes(2, "big") for length in answer.counts)
        return lengths + b"".join(parts)
