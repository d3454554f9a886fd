"""The dc_* family: 德卡 (Decard) D3, D8, T10 (libdcrf32.so).

Prototypes and values from Decard's header (dcrf32.h); no such reader was here. Ports: 0 to 99 a
serial one, 100 and up USB. Slots: 0C the user's card, 0D to 0F and 11 the SAMs; one is chosen, and
what follows goes to it. 0 is success, 1 no card, below zero is a failure.
"""

from __future__ import annotations

from collections.abc import Mapping

from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode
from hardware.vendor.family import Place
from hardware.vendor.library import Library, Returned

FUNCTIONS: Mapping[str, str] = {
    "dc_init": "int(int, int)",
    "dc_exit": "short(int)",
    "dc_getver": "short(int, out 256)",
    "dc_GetDeviceUid": "short(int, out 64)",
    "dc_setcpu": "short(int, int)",
    "dc_card_status": "short(int)",
    "dc_cpureset": "short(int, count, out 256)",
    "dc_cpuapduInt": "short(int, int, bytes, count, out 1024)",
    "dc_cpuapdu": "short(int, int, bytes, count, out 1024)",
    "dc_cpudown": "short(int)",
    "dc_reset": "short(int, int)",
    "dc_config_card": "short(int, int)",
    "dc_card_n": "short(int, int, count, out 64)",
    "dc_pro_resetInt": "short(int, count, out 256)",
    "dc_pro_commandlinkInt": "short(int, int, bytes, count, out 1024, int)",
}

PORT, _BAUD = "100", 115200

_USER = 0x0C
_SAMS = (0x0D, 0x0E, 0x0F, 0x11)
_NO_CARD = 1
_TYPE_A = ord("A")
#: Units of 10 ms that the field is off, and of 250 ms for a command, as the header advises.
_FIELD_OFF, _COMMAND_UNITS = 1, 7

#: As in `hardware.vendor.icc`.
_COMMAND_S = 60.0


class DcReader:
    """See `hardware.vendor.family.CardFamily`."""

    def __init__(self, library: Library, port: str, psam: int) -> None:
        self._library = library
        self._port = int(port or PORT)
        self._slots = {Place.CONTACT: _USER, Place.PSAM: _SAMS[max(0, psam - 1)]}
        self._handle = -1
        self._chosen: Place | None = None

    def open(self) -> None:
        self._chosen = None
        self._handle = self._library.call("dc_init", self._port, _BAUD).value
        if self._handle < 0:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, f"dc_init {self._handle}")

    def close(self) -> None:
        self._library.call("dc_exit", self._handle, within_s=1.0)

    def about(self) -> Readers:
        return Readers(f"dc {self._port}", self._text("dc_GetDeviceUid"), self._text("dc_getver"))

    def present(self, place: Place) -> bool:
        if place is Place.NEAR:
            # A card that was found once is found again only after the field was off.
            self._library.call("dc_reset", self._handle, _FIELD_OFF)
            return self._library.call("dc_card_n", self._handle, 0).value == 0
        self._choose(place)
        status = self._library.call("dc_card_status", self._handle).value
        if status not in (0, _NO_CARD):
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, f"dc_card_status {status}")
        return status == 0

    def power(self, place: Place) -> bytes:
        if place is not Place.NEAR:
            self._choose(place)
            return self._given("dc_cpureset", self._handle)
        self._library.call("dc_config_card", self._handle, _TYPE_A)
        if not self.present(place):
            return b""
        return self._given("dc_pro_resetInt", self._handle)

    def transmit(self, place: Place, command: bytes) -> bytes:
        sent = (self._handle, len(command), command)
        if place is Place.NEAR:
            return self._given("dc_pro_commandlinkInt", *sent, _COMMAND_UNITS)
        self._choose(place)
        newer = self._library.has("dc_cpuapduInt")
        if not newer and len(command) > 0xFF:
            # The older function takes a length of one byte: what it would send is another command.
            raise DeviceFault(FaultCode.LIBRARY_MISSING, "no dc_cpuapduInt", temporary=False)
        return self._given("dc_cpuapduInt" if newer else "dc_cpuapdu", *sent)

    def release(self, place: Place) -> None:
        if place is Place.NEAR:
            self._library.call("dc_reset", self._handle, _FIELD_OFF)
        elif self._library.has("dc_cpudown"):
            self._choose(place)
            self._library.call("dc_cpudown", self._handle)
        else:
            # A reset makes the card forget as well.
            self.power(place)

    def _choose(self, place: Place) -> None:
        if self._chosen is place:
            return
        self._chosen = None
        status = self._library.call("dc_setcpu", self._handle, self._slots[place]).value
        if status != 0:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, f"dc_setcpu {status}")
        self._chosen = place

    def _given(self, function: str, *given: int | bytes) -> bytes:
        """The bytes that a function gave, b"" for none."""
        answer: Returned = self._library.call(function, *given, within_s=_COMMAND_S)
        if answer.value != 0:
            return b""
        if answer.counts[0] > len(answer.out[0]):
            self._library.fail(f"{function}: {answer.counts[0]} bytes")
        return answer.out[0][: answer.counts[0]]

    def _text(self, function: str) -> str:
        """What the reader says of itself, "" if it does not tell."""
        if not self._library.has(function):
            return ""
        answer = self._library.call(function, self._handle)
        text = answer.out[0].partition(b"\0")[0] if answer.value == 0 else b""
        return "".join(chr(byte) for byte in text if 0x20 < byte < 0x7F)
