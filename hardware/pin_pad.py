"""密码键盘: a metal PIN pad on a serial line, of the SZZT ZT588 kind.

Frame: 02 | three digits of length | text | 03 | XOR of all between as two hexadecimal digits
Keys:  one byte each, outside of any frame

Frames and commands are those of a public driver of such pads (github smartkiosk/smartware). The
pad is silent until its keys are switched on, and is switched off as soon as nobody types.

A pad that has working keys gives a key block and only a mask for each key. The card's own PIN
cannot be had from that: VERIFY of LD/T 32.5 takes the digits, and no part of this system may open
such a block. So a pad that masks is called unfit, its masks are never taken for digits, and the
PIN is typed on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.port_proof import PortProof
from hardware.serial_port import SerialPort
from hardware.supervision import Condition

_BEGIN, _END = b"\x02", b"\x03"

#: Commands: who are you; 5 0 2 keys off, 5 0 3 keys on; 4 and what each of its 24 keys says, in the
#: order in which they stand: digits, ESC 取消, BS 清除, CR 确认, and keys that mean nothing here.
_WHO, _OFF, _ON = b"3", b"5032", b"5033"
_KEYS = b"123\x1b456\x08789\x07.0#\rACEGBDFH"
_NAME_KEYS = b"4" + _KEYS.hex().upper().encode()

#: First byte of an answer that is a refusal.
_REFUSED = range(0xE0, 0xF0)

#: What its answer to "who are you" holds: model, then versions and number behind the settings.
_MODEL, _SERIAL = slice(127, 133), slice(143, 147)

#: Key -> its meaning. Another byte is a key without one.
_MEANINGS: Mapping[int, str] = {
    **{digit: chr(digit) for digit in b"0123456789"},
    0x1B: "clear",
    0x08: "delete",
    0x0D: "enter",
}
#: Its own time limit has switched the keys off; and what stands for a digit that it keeps.
_OVER, _MASKS = 0x80, b"*\xff"

#: Longest wait for an answer and for the rest of one, and between two looks, seconds.
_ANSWER_S, _REST_S, _LOOK_S = 1.0, 0.5, 0.2


#: An answer is no longer than this, bytes.
_LONGEST = 400


class PinPad:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, port: str, baud: int = 9600) -> None:
        offline, busy = FaultCode.PIN_PAD_OFFLINE, FaultCode.PIN_PAD_BUSY
        self._line = SerialPort(port, offline, busy, baud)
        self._proof = PortProof(self._line)
        self._model = self._serial = ""
        #: The pad that has said a mask; one that is plugged in anew may have been set right.
        self._masks: tuple[int, int, int] | None = None

    def open(self) -> None:
        self._line.open()
        try:
            self._proof.may_ask()
            said = self._ask(_WHO).decode("ascii", "replace")
            self._model, self._serial = said[_MODEL].strip(), said[_SERIAL].strip()
            self._ask(_OFF)
            self._ask(_NAME_KEYS)
        except DeviceFault:
            self._line.close()
            raise

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        """Keys that were pressed while nobody was asked are forgotten."""
        self._ask(_WHO)
        if self._masks == self._line.plugged():
            raise DeviceFault(FaultCode.PIN_PAD_UNFIT, "it sends masks")
        return Condition(serial=self._serial, firmware=self._model)

    def keys(self, cancelled: Callable[[], bool], pressed: Callable[[str], None]) -> None:
        """Tell of each key, a digit or "clear", "delete", "enter", until `cancelled`. Raises
        `NotWanted` then, `DeviceFault` if it cannot be used any more."""
        self._ask(_ON)
        try:
            while True:
                if cancelled():
                    raise NotWanted
                self._pass_on(self._line.read(1, _LOOK_S), pressed)
        except NotWanted:
            self._ask(_OFF)
            raise

    def _pass_on(self, said: bytes, pressed: Callable[[str], None]) -> None:
        if said == _BEGIN:
            self._frame()  # an answer that came late
        elif said and said[0] == _OVER:
            self._ask(_ON)
        elif said and said in _MASKS:
            self._masks = self._line.plugged()
            raise DeviceFault(FaultCode.PIN_PAD_UNFIT, "it sends masks")
        elif said and (meaning := _MEANINGS.get(said[0])):
            pressed(meaning)

    def _ask(self, text: bytes) -> bytes:
        """One command and the text of its answer. Keys that were pressed meanwhile are lost."""
        self._line.drop_input()
        body = b"%03d" % len(text) + text + _END
        self._line.write(_BEGIN + body + b"%02X" % reduce(xor, body, 0))
        for _ in range(_LONGEST):
            byte = self._line.read(1, _ANSWER_S)
            if not byte:
                raise self._line.fault("no answer")
            if byte == _BEGIN:
                break
        answer = self._frame()
        self._proof.answered()
        if answer and answer[0] in _REFUSED:
            raise self._line.fault(f"refused {answer[0]:02X}")
        return answer

    def _frame(self) -> bytes:
        """The text of a frame that has begun."""
        head = self._line.read(3, _REST_S)
        if not head.isdigit() or int(head) > _LONGEST:
            raise self._line.fault("bad length")
        rest = self._line.read(int(head) + 3, _REST_S)
        body, check = rest[:-2], rest[-2:]
        if len(rest) < int(head) + 3 or body[-1:] != _END:
            raise self._line.fault("cut off")
        if check != b"%02X" % reduce(xor, head + body, 0):
            raise self._line.fault("checksum")
        return body[:-1]
