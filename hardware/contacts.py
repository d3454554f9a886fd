"""Contacts and relays: whatever is only on or off, on one input/output board.

| name     | is   | means                                                                      |
|----------|------|----------------------------------------------------------------------------|
| door     | in   | on while the door of the cabinet is shut; open it is told at once and kept |
| presence | in   | on while somebody stands before the terminal                               |
| lamp     | out  | on while somebody stands there or a visit runs                             |
| watchdog | out  | changes as long as the screen lives; a relay without change cuts the power |

The board speaks Modbus RTU, as most do: function 2 reads the inputs, function 5 sets an output.
Which line is what, the settings say (`devices.contacts_lines`), e.g. `door = "in0"`,
`presence = "!in1"` for one that works the other way round, `lamp = "out0"`.

None of them serves a citizen: a board that does not answer is a warning.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hardware.faults import DeviceFault, FaultCode
from hardware.port_proof import PortProof
from hardware.serial_port import SerialPort
from hardware.supervision import Condition, DeviceState

#: Name -> which kind of line it takes.
NAMES: Mapping[str, str] = {"door": "in", "presence": "in", "lamp": "out", "watchdog": "out"}

_READ_INPUTS, _SET_OUTPUT = 0x02, 0x05
_ON, _OFF = b"\xff\x00", b"\x00\x00"

#: Most lines of a kind on one board.
_MOST_LINES = 32

#: Longest wait for an answer, seconds.
_ANSWER_S = 0.5

#: A door that was opened is told for so long, seconds: the centre hears of it with a heartbeat, of
#: which there is one a minute.
DOOR_TOLD_S = 150.0


@dataclass(frozen=True)
class BoardLine:
    """One line of the board. `inverted`: off means on."""

    number: int
    inverted: bool = False


def parse_lines(given: Mapping[str, str]) -> dict[str, BoardLine]:
    """The lines as the settings name them. Raises `ValueError`."""
    lines = {}
    for name, text in given.items():
        found = re.fullmatch(r"(!?)(in|out)(\d{1,2})", str(text))
        if found is None or found[2] != NAMES.get(name) or int(found[3]) >= _MOST_LINES:
            raise ValueError(f"contacts_lines: {name} = {text!r}; there is {', '.join(NAMES)}")
        lines[name] = BoardLine(int(found[3]), bool(found[1]))
    return lines


def crc(data: bytes) -> bytes:
    """CRC-16 of Modbus, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


class ContactBoard:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, port: str, baud: int, address: int, lines: Mapping[str, BoardLine]) -> None:
        offline, busy = FaultCode.CONTACTS_OFFLINE, FaultCode.CONTACTS_BUSY
        self._line = SerialPort(port, offline, busy, baud)
        self._proof = PortProof(self._line)
        self._address, self._lines = address, dict(lines)
        self._visit = self._present = self._beat = False
        #: What the lamp was last told; None: nothing since the board was opened.
        self._lit: bool | None = None
        self._door_open_at: float | None = None
        self._approaches = 0

    def open(self) -> None:
        self._line.open()
        try:
            self._proof.may_ask()
            self._lit = None
            self._look()
        except DeviceFault:
            self._line.close()
            raise

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        door_open = self._look()
        counters = {"approaches": self._approaches} if "presence" in self._lines else {}
        opened = self._door_open_at
        if opened is None or time.monotonic() - opened >= DOOR_TOLD_S:
            return Condition(counters=counters)
        detail = "" if door_open else "shut again"
        return Condition(DeviceState.WARNING, FaultCode.DOOR_OPEN, detail=detail, counters=counters)

    def visit(self, runs: bool) -> None:
        """A visit has begun, or ended: the lamp goes with it."""
        self._visit = runs
        self._light()

    def alive(self) -> None:
        """The screen lives: the watchdog hears of it."""
        if (line := self._lines.get("watchdog")) is not None:
            self._beat = not self._beat
            self._set(line, self._beat)

    # -- lines ---------------------------------------------------------------------------------

    def _look(self) -> bool:
        """Read the inputs; returns whether the door is open."""
        on = self._inputs()
        present = on.get("presence", False)
        self._approaches += present and not self._present
        self._present = present
        self._light()
        door_open = not on.get("door", True)
        if door_open:
            self._door_open_at = time.monotonic()
        return door_open

    def _light(self) -> None:
        line, wanted = self._lines.get("lamp"), self._visit or self._present
        if line is not None and self._lit is not wanted:
            self._set(line, wanted)
            self._lit = wanted

    def _inputs(self) -> dict[str, bool]:
        """Name -> whether it is on, of every input there is; the watchdog alone has none."""
        lines = {name: line for name, line in self._lines.items() if NAMES[name] == "in"}
        count = 1 + max((line.number for line in lines.values()), default=0)
        size = (count + 7) // 8
        answer = self._ask(_READ_INPUTS, b"\x00\x00" + count.to_bytes(2, "big"), 1 + size)
        if answer[0] != size:
            raise self._line.fault("bad length")
        bits = int.from_bytes(answer[1:], "little")
        return {
            name: bool(bits >> line.number & 1) is not line.inverted for name, line in lines.items()
        }

    def _set(self, line: BoardLine, on: bool) -> None:
        wanted = line.number.to_bytes(2, "big") + (_ON if on is not line.inverted else _OFF)
        if self._ask(_SET_OUTPUT, wanted, 4) != wanted:
            raise self._line.fault("another output was set")

    def _ask(self, function: int, data: bytes, length: int) -> bytes:
        """One question and what follows the function in its answer, `length` bytes."""
        self._line.drop_input()
        asked = bytes([self._address, function]) + data
        self._line.write(asked + crc(asked))
        head = self._line.read(2, _ANSWER_S)
        if not head:
            raise self._line.fault("no answer")
        refused = head == bytes([self._address, function | 0x80])
        rest = self._line.read((1 if refused else length) + 2, _ANSWER_S)
        if crc(head + rest[:-2]) != rest[-2:]:
            raise self._line.fault("checksum")
        self._proof.answered()
        if refused:
            raise self._line.fault(f"refused {rest[0]:02X}")
        if head != asked[:2]:
            raise self._line.fault("answer of another")
        return rest[:-2]
