"""The ICC_Reader_* family: 华大 (HD-100, SSSE32) and 明华, as LD/T 33 asks of a reader's library.

Prototypes and values from the headers that these makers hand out (SSSE32.h); no such reader was
here. Slots: 01 the user's card, 0x11 and up the SAMs, 00 a card held near (明华). 华大's libraries
have functions of their own for a card held near, PICC_Reader_*.

A function that gives bytes returns how many, or less than zero: -2 no card, -3 a card without
power, -4 a card that does not answer, -11 and -12 no reader.
"""

from __future__ import annotations

from collections.abc import Mapping

from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode
from hardware.vendor.family import Place
from hardware.vendor.library import Library, Returned

FUNCTIONS: Mapping[str, str] = {
    "ICC_Reader_Open": "handle(bytes)",
    "ICC_Reader_Close": "int(int)",
    "ICC_Reader_Libinfo": "int(out 64)",
    "ICC_Reader_GetStatus": "int(int, int)",
    "ICC_Reader_PowerOn": "int(int, int, out 128)",
    "ICC_Reader_PowerOff": "int(int, int)",
    "ICC_Reader_Application": "int(int, int, int, bytes, out 1024)",
    "PICC_Reader_SetTypeA": "int(int)",
    "PICC_Reader_Request": "int(int)",
    "PICC_Reader_anticoll": "int(int, out 32)",
    "PICC_Reader_Select": "int(int, int)",
    "PICC_Reader_PowerOnTypeA": "int(int, out 128)",
    "PICC_Reader_Application": "int(int, int, bytes, out 1024)",
    "PICC_Reader_RFControl": "int(int)",
}

PORT = "AUTO"

_NO_CARD, _NO_POWER, _MUTE = -2, -3, -4
_WITH_CARD = (0, _NO_POWER, _MUTE, -1)
_TYPE_A = 0x41

#: Beyond what the card reader's own watch allows: that one knows how long a card may take.
_COMMAND_S = 60.0


class IccReader:
    """See `hardware.vendor.family.CardFamily`."""

    def __init__(self, library: Library, port: str, psam: int) -> None:
        self._library = library
        self._port = port or PORT
        self._slots = {Place.CONTACT: 0x01, Place.NEAR: 0x00, Place.PSAM: 0x10 + psam}
        self._handle = -1

    def open(self) -> None:
        self._handle = self._library.call("ICC_Reader_Open", self._port.encode("ascii")).value
        if self._handle < 0:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, f"ICC_Reader_Open {self._handle}")

    def close(self) -> None:
        self._library.call("ICC_Reader_Close", self._handle, within_s=1.0)

    def about(self) -> Readers:
        if not self._library.has("ICC_Reader_Libinfo"):
            return Readers(f"ICC_Reader {self._port}")
        info = self._library.call("ICC_Reader_Libinfo").out[0].decode("gb18030", "replace")
        maker, model, version = info[:16].strip(" \0"), info[16:30].strip(" \0"), info[30:32]
        return Readers(f"{maker} {model} {self._port}".strip(), firmware=version.strip(" \0"))

    def present(self, place: Place) -> bool:
        if place is Place.NEAR and self._library.has("PICC_Reader_Request"):
            # A card that has answered once does not answer the next time.
            asked = (self._library.call("PICC_Reader_Request", self._handle) for _ in range(2))
            return any(answer.value == 0 for answer in asked)
        status = self._library.call("ICC_Reader_GetStatus", self._handle, self._slots[place]).value
        if status != _NO_CARD and status not in _WITH_CARD:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, f"ICC_Reader_GetStatus {status}")
        return status != _NO_CARD

    def power(self, place: Place) -> bytes:
        if place is not Place.NEAR or not self._library.has("PICC_Reader_Request"):
            return self._given("ICC_Reader_PowerOn", self._handle, self._slots[place])
        call, handle = self._library.call, self._handle
        if self._library.has("PICC_Reader_SetTypeA"):
            call("PICC_Reader_SetTypeA", handle)
        self.present(place)
        call("PICC_Reader_anticoll", handle)
        call("PICC_Reader_Select", handle, _TYPE_A)
        return self._given("PICC_Reader_PowerOnTypeA", handle)

    def transmit(self, place: Place, command: bytes) -> bytes:
        if place is Place.NEAR and self._library.has("PICC_Reader_Application"):
            return self._given("PICC_Reader_Application", self._handle, len(command), command)
        slot = self._slots[place]
        return self._given("ICC_Reader_Application", self._handle, slot, len(command), command)

    def release(self, place: Place) -> None:
        if place is Place.NEAR and self._library.has("PICC_Reader_Request"):
            if self._library.has("PICC_Reader_RFControl"):
                self._library.call("PICC_Reader_RFControl", self._handle)
            return
        self._library.call("ICC_Reader_PowerOff", self._handle, self._slots[place])

    def _given(self, function: str, *given: int | bytes) -> bytes:
        """The bytes that a function gave, b"" for none."""
        answer: Returned = self._library.call(function, *given, within_s=_COMMAND_S)
        if answer.value > len(answer.out[0]):
            self._library.fail(f"{function}: {answer.value} bytes")
        return answer.out[0][: max(0, answer.value)]
