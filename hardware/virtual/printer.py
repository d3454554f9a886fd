"""The far end of the printer's line: ESC/POS bytes become paper that can be read and looked at.

It behaves like the real thing where that hurts: it keeps what it was sent while paper is out and
prints the rest when paper is back, unless it is told to forget; it answers status questions at once
even then, and those that stand in the middle of a picture as well; its buffer is finite, and when
it is full it stops reading. Printers differ in their `Manners`. Nothing here is shared with the
driver: bytes are written as the makers' manuals have them.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.virtual.wire import FarEnd

if TYPE_CHECKING:
    from PIL.Image import Image

#: Bytes the printer holds before it stops reading.
_BUFFER = 4096
#: A line takes about this long, seconds (150 mm/s, 30 dots of 0.125 mm).
_LINE_S = 0.025
#: So many receipts are kept in the folder.
_KEPT = 100

_CELL, _ROW = 12, 30


#: DLE DC4 fn 8 of the Epson reference: clear the buffers, whose answer is 37 25 00.
_CLEAR, _CLEARED = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", b"\x37\x25\x00"


@dataclass(frozen=True)
class Manners:
    """What one kind of printer does where others do otherwise."""

    #: How it is made to forget: "fn 8" and says so, "fn 8 mute", "esc @", or "never".
    forgets: str = "fn 8"
    #: When it answers GS r: "printed", "early" (as soon as it is read), or "never".
    queue: str = "printed"
    #: What it answers to GS I 67; "": nothing.
    name: str = ""
    #: Whether paper is held in a mouth until it is taken.
    presenter: bool = False
    #: Whether it knows more than text: cuts, codes, images, sizes.
    more_than_text: bool = True


@dataclass(frozen=True)
class Printed:
    """One piece of paper. `torn`: the paper ended before it was cut."""

    text: str
    png: Path
    at: float
    torn: bool = False


@dataclass
class _Paper:
    """What has come out since the last cut."""

    lines: list[str] = field(default_factory=list)
    #: (image maker's name, arguments) in order, drawn when the piece is cut off.
    marks: list[tuple[str, Any]] = field(default_factory=list)


@dataclass
class _Style:
    """What the picture shows of the printer's state; weight and alignment are not drawn."""

    size: int = 1
    qr_data: bytes = b""
    qr_module: int = 3


class VirtualPrinter(FarEnd):
    """A printer with paper. Pieces that were cut off lie in `receipts_dir` as text and picture."""

    def __init__(
        self,
        receipts_dir: Path,
        columns: int = 48,
        folder: Path | None = None,
        line_s: float = _LINE_S,
        manners: Manners | None = None,
    ) -> None:
        """`line_s`: seconds that it takes to print a line."""
        self._manners = manners or Manners()
        self._mouth = self._mouth_jammed = False
        self._dir = receipts_dir
        self._dir.mkdir(parents=True, exist_ok=True)
        self._columns = columns
        self._state = threading.RLock()
        self._input = b""
        self._queue: list[bytes] = []
        self._style = _Style()
        self._line = bytearray()
        self._paper = _Paper()
        #: Cut off, and whether torn; not yet drawn.
        self._cut_off: list[tuple[_Paper, bool]] = []
        self._pieces: list[Printed] = []
        self._line_s = line_s
        self._out = self._near = self._cover = self._cutter = False
        self._hot = self._broken = self._offline = False
        self._lines_left: int | None = None
        self._mute = False
        self._ended = threading.Event()
        self._engine = threading.Thread(target=self._print_all, name="virtual paper", daemon=True)
        self._engine.start()
        super().__init__("printer", folder)

    # -- what a person does to it ------------------------------------------------------------

    @property
    def paper(self) -> str:
        return "out" if self._out else "near-end" if self._near else "ok"

    def load(self) -> None:
        """Put in a new roll. What was begun before comes out torn."""
        with self._state:
            if self._out and self._paper.lines:
                self._cut(torn=True)
            self._out = self._near = False
            self._lines_left = None

    def near_end(self) -> None:
        with self._state:
            self._near = True

    def run_out(self, after_lines: int = 0) -> None:
        """Paper ends now, or after so many more lines."""
        with self._state:
            self._lines_left = after_lines
            self._out = after_lines == 0

    def open_cover(self) -> None:
        self._cover = True

    def close_cover(self) -> None:
        self._cover = False

    def jam_cutter(self, jammed: bool = True) -> None:
        self._cutter = jammed

    def get_hot(self, hot: bool = True) -> None:
        """Stop until the head has cooled."""
        self._hot = hot

    def break_down(self, broken: bool = True) -> None:
        """An error that does not go by itself."""
        self._broken = broken

    def go_offline(self, offline: bool = True) -> None:
        """Somebody pressed its button: it answers that it does not print, and no cause."""
        self._offline = offline

    def switch_off_and_on(self) -> None:
        """Its memory is empty afterwards. What hangs from it stays."""
        with self._state:
            self._input = b""
            self._queue.clear()
            self._line.clear()
            self._style = _Style()

    def take(self) -> None:
        """Somebody takes the paper from its mouth."""
        self._mouth = False

    def jam_mouth(self, jammed: bool = True) -> None:
        self._mouth_jammed = jammed

    def go_mute(self, mute: bool = True) -> None:
        """Answer nothing any more."""
        self._mute = mute

    def printed(self) -> list[Printed]:
        """Every piece cut or torn off so far."""
        with self._state:
            return list(self._pieces)

    def busy(self) -> bool:
        """Whether something is still to come out of it, as far as it prints at all."""
        with self._state:
            return bool(self._cut_off or (self._queue and self._able()))

    def close(self) -> None:
        self._ended.set()
        self._engine.join(2)
        super().close()

    # -- bytes in ----------------------------------------------------------------------------

    def reading(self) -> bool:
        with self._state:
            return sum(map(len, self._queue)) + len(self._input) < _BUFFER

    def disconnected(self) -> None:
        with self._state:
            self._input = b""

    def received(self, data: bytes) -> None:
        with self._state:
            self._input += data
            while command := _first_command(self._input):
                self._input = self._input[len(command) :]
                if command[:2] == b"\x10\x04":
                    self._answer(command[2])
                elif command[:2] == b"\x10\x14" or (command == b"\x1b@" and self._by_init()):
                    self._clear(command)
                elif command[:2] == b"\x1dr" and self._manners.queue == "early":
                    self._answer_queue()
                else:
                    self._answer_inside(command)
                    self._queue.append(command)

    def _by_init(self) -> bool:
        return self._manners.forgets == "esc @"

    def _clear(self, command: bytes) -> None:
        known = b"\x1b@" if self._by_init() else _CLEAR
        if command == known and self._manners.forgets != "never":
            self._queue.clear()
            self._line.clear()
            if self._manners.forgets == "fn 8" and not self._mute:
                self.send(_CLEARED)

    def _answer_inside(self, command: bytes) -> None:
        """Real-time questions count wherever they stand, also among the dots of a picture."""
        if command[:2] == b"\x1dv":
            for place in range(len(command) - 2):
                if command[place : place + 2] == b"\x10\x04" and command[place + 2] in range(1, 6):
                    self._answer(command[place + 2])

    def _answer_queue(self) -> None:
        if not self._mute and self._manners.queue != "never":
            self.send(bytes([0x03 if self._near else 0x00]))

    def _answer(self, kind: int) -> None:
        if self._mute:
            return
        offline = not self._able()
        answers = {
            1: 0x12 | (0x08 if offline else 0),
            2: 0x12
            | (0x04 if self._cover else 0)
            | (0x20 if self._out else 0)
            | (0x40 if self._cutter or self._hot or self._broken else 0),
            3: 0x12
            | (0x08 if self._cutter else 0)
            | (0x20 if self._broken else 0)
            | (0x40 if self._hot else 0),
            4: 0x12 | (0x6C if self._out else 0x0C if self._near else 0),
        }
        if self._manners.presenter:
            answers[5] = (0x04 if self._mouth else 0) | (0x08 if self._mouth_jammed else 0)
        self.send(bytes([answers.get(kind, 0x12)]))

    def _able(self) -> bool:
        """Whether it prints at all."""
        kept = (self._out, self._cover, self._cutter, self._hot, self._broken, self._offline)
        return not any(kept)

    # -- paper out ---------------------------------------------------------------------------

    def _print_all(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            with self._state:
                ready = self._queue and self._able()
                if ready:
                    self._do(self._queue.pop(0))
                cut_off = list(self._cut_off)
            for paper, torn in cut_off:
                # Without the lock: it answers questions meanwhile.
                self._lay_down(paper, torn)
                self._cut_off.pop(0)
            # By its own clock: a machine that is late for one line is not late for all after it.
            due = due + self._line_s / 5 if ready else time.monotonic() + self._line_s
            time.sleep(max(0.0, due - time.monotonic()))

    def tear_off(self) -> None:
        """A person tears off what hangs from one without a cutter."""
        with self._state:
            self._cut()

    def _do(self, command: bytes) -> None:
        """Carry out one command, with the lock held."""
        if not self._manners.more_than_text and command[:1] in b"\x1c\x1d":
            self._line += b"?" + command[1:]  # it prints what it does not know
        else:
            self._do_known(command)

    def _do_known(self, command: bytes) -> None:
        style = self._style
        match command[:2]:
            case b"\x1b@":
                self._style = _Style()
                self._line.clear()
            case b"\x1d!":
                style.size = (command[2] & 0x0F) + 1
            case b"\x1d(":
                self._qr(command)
            case b"\x1dv":
                self._raster(command)
            case b"\x1dV":
                self._cut()
            case b"\x1dr":
                self._answer_queue()
            case b"\x1dI":
                self._say_name()
            case b"\n":
                self._end_line()
            case head if head not in _FIXED:
                self._line += command

    def _say_name(self) -> None:
        if self._manners.name:
            self.send(b"_" + self._manners.name.encode("ascii") + b"\0")

    def _end_line(self) -> None:
        text = self._line.decode("gb18030", errors="replace")
        self._line.clear()
        self._paper.lines.append(text)
        self._paper.marks.append(("text", (text, self._style.size)))
        self._count_line()

    def _count_line(self) -> None:
        if self._lines_left is not None and not self._out:
            self._lines_left -= 1
            self._out = self._lines_left <= 0

    def _qr(self, command: bytes) -> None:
        function, data = command[6:7], command[7:]
        if function == b"C":
            self._style.qr_module = data[0]
        elif function == b"P":
            self._style.qr_data = data[1:]
        elif function == b"Q":
            text = self._style.qr_data.decode("ascii")
            self._paper.lines.append(f"[QR {text}]")
            self._paper.marks.append(("qr", (text, self._style.qr_module)))
            self._count_line()

    def _raster(self, command: bytes) -> None:
        self._paper.lines.append("[image]")
        self._paper.marks.append(("image", command))
        self._count_line()

    def _cut(self, torn: bool = False) -> None:
        paper, self._paper = self._paper, _Paper()
        if paper.lines:
            self._mouth = self._manners.presenter
            self._cut_off.append((paper, torn))

    def _lay_down(self, paper: _Paper, torn: bool) -> None:
        """A piece that was cut off, as text and picture in the folder."""
        name = f"{time.time_ns() // 1_000_000}{'-torn' if torn else ''}"
        png = self._dir / f"{name}.png"
        text = "\n".join(paper.lines).rstrip() + "\n"
        (self._dir / f"{name}.txt").write_text(text, encoding="utf-8")
        _picture(paper, self._columns).save(png)
        with self._state:
            self._pieces.append(Printed(text, png, time.time(), torn))
        for old in sorted(self._dir.glob("*.*"))[: -2 * _KEPT]:
            old.unlink()


#: Lengths of commands by their first two bytes; text is taken up to the next control byte.
_FIXED = {
    b"\x10\x04": 3,
    b"\x1b@": 2,
    b"\x1ba": 3,
    b"\x1bE": 3,
    b"\x1bd": 3,
    b"\x1d!": 3,
    b"\x1dr": 3,
    b"\x1dI": 3,
    b"\x1c&": 2,
    b"\x1c.": 2,
    b"\x1c!": 3,
    b"\x1dV": 4,
}
_CONTROL = b"\x10\x1b\x1c\x1d\n"


def _first_command(data: bytes) -> bytes:
    """The first whole command or run of text; b"" if more bytes are needed."""
    if not data:
        return b""
    if data[:1] == b"\n":
        return data[:1]
    if data[0] not in _CONTROL:
        end = next((i for i, byte in enumerate(data) if byte in _CONTROL), len(data))
        return data[:end]
    head = data[:2]
    if len(head) < 2:
        return b""
    if head == b"\x10\x14":
        length = len(_CLEAR)
    elif head == b"\x1d(":
        if len(data) < 5:
            return b""
        # Function byte and what follows it stand after "k" and the length.
        length = 5 + int.from_bytes(data[3:5], "little")
    elif head == b"\x1dv":
        if len(data) < 8:
            return b""
        wide, high = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
        length = 8 + wide * high
    else:
        length = _FIXED.get(head, 2)
    return data[:length] if len(data) >= length else b""


def _picture(paper: _Paper, columns: int) -> Image:
    """The piece of paper as it would lie in a hand."""
    from PIL import Image

    parts = list(_strips(paper, columns * _CELL))
    margin = 36
    height = sum(part.height for part in parts) + 2 * margin
    image = Image.new("L", (columns * _CELL + 2 * margin, height), 252)
    top = margin
    for part in parts:
        image.paste(part, (margin, top))
        top += part.height
    return image


def _strips(paper: _Paper, wide: int) -> Iterator[Image]:
    from PIL import Image, ImageDraw

    from hardware.fonts import receipt_font

    for kind, what in paper.marks:
        if kind == "text":
            text, size = what
            strip = Image.new("L", (wide, _ROW * size + 4), 252)
            draw = ImageDraw.Draw(strip)
            font = receipt_font(2 * _CELL * size)
            column = 0
            for character in text:
                # Each character has its cell, as in a printer's fixed font.
                draw.text((column * _CELL * size, -5 * size), character, font=font, fill=30)
                column += _cells(character)
        elif kind == "qr":
            strip = _qr_picture(what[0], what[1], wide)
        else:
            strip = _raster_picture(what, wide)
        yield strip


def _cells(character: str) -> int:
    """Of a printer's fixed font: two for a Han character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WFA" else 1


def _qr_picture(text: str, module: int, wide: int) -> Image:
    import qrcode
    from PIL import Image

    code = qrcode.QRCode(border=2, box_size=module)
    code.add_data(text)
    picture = code.make_image().get_image().convert("L")
    strip = Image.new("L", (wide, picture.height), 252)
    strip.paste(picture, ((wide - picture.width) // 2, 0))
    return strip


def _raster_picture(command: bytes, wide: int) -> Image:
    from PIL import Image

    row, high = int.from_bytes(command[4:6], "little"), int.from_bytes(command[6:8], "little")
    dots = bytes(byte ^ 0xFF for byte in command[8:])
    strip = Image.new("L", (wide, high), 252)
    strip.paste(Image.frombytes("1", (row * 8, high), dots).convert("L"), (0, 0))
    return strip
