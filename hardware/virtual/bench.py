"""The bench: the far ends of all wires in one process, moved by verbs while the program runs.

| verb                          | what happens                                            |
|-------------------------------|---------------------------------------------------------|
| id put PERSONA                | a resident ID card lies on the reader                   |
| id put-other                  | something lies there that is no identity card           |
| id lift                       | it is taken away                                        |
| id lift-at-read               | the next card is lifted in the middle of its reading    |
| id sw3 HEX                    | what the reader says to the next selection or reading   |
| id unauthorised, authorised   | its security module has lost its authority; has it back |
| id mute, unmute               | it answers nothing; it does again                       |
| card insert CARD              | a social security card is in the slot                   |
| card pull                     | it is pulled out                                        |
| card pull-after N             | it is pulled out after so many more commands            |
| card tap CARD, untap          | a card is held near the contactless reader; taken away  |
| psam insert, pull             | the module in the reader's second slot                  |
| hsm away, back                | the 加密机 behind the centre                            |
| paper out, out-after N        | the printer is out of paper, now or after N lines       |
| paper near-end, load          | it is near its end; a new roll is put in                |
| cover open, close             | the printer's cover                                     |
| cutter jam, clear             | its knife                                               |
| printer hot, cool             | its head is too hot; has cooled                         |
| printer break, mend           | an error that does not go by itself                     |
| printer offline, online       | it says that it does not print; it does again           |
| printer mute, unmute          | it answers nothing; it does again                       |
| camera scene NAME             | what stands before the lens                             |
| camera play FILM              | scenes one after the other: blink, turn-left, sit-down  |
| camera grey, colour           | a camera without colour; with it                        |
| camera size WxH               | a camera of this resolution, e.g. 640x480 or 3840x2160  |
| camera code TEXT              | a phone is held there that shows a QR code of the text  |
| camera freeze, thaw           | the camera sends no new pictures; it does again         |
| camera stick, unstick         | it sends the same picture again and again; no more      |
| camera cover, uncover         | the cap is on the lens; it is off                       |
| scanner show PERSONA          | the code of an electronic card is held to the scanner   |
| scanner show-old PERSONA      | likewise, one that is two minutes old                   |
| scanner scan TEXT             | a code of this text                                     |
| DEVICE unplug, plug           | the cable of id, printer, camera or scanner             |
| printed                       | what came out of the printer                            |
| state                         | what lies where                                         |

Only where the terminal's mode allows virtual devices does anything start this.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hardware.virtual.camera import VirtualCamera
from hardware.virtual.card import CardSlot
from hardware.virtual.hsm import VirtualHsm
from hardware.virtual.id_reader import VirtualIdReader
from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
from hardware.virtual.portrait import CHIPS, FILMS, SCENES
from hardware.virtual.printer import VirtualPrinter
from hardware.virtual.scanner import VirtualScanner

T = TypeVar("T")

#: Bytes of text in a QR code that the camera can still tell apart at arm's length.
_LONGEST_CODE = 300

#: A code of an electronic card is of no use any more after so long, seconds.
_OLD_CODE_S = 120.0

#: Pixels along a side of the largest camera.
_LARGEST_SIDE = 4096


class Refused(Exception):
    """A verb that cannot be carried out; the text says why and what would do."""


class Bench:
    """All virtual devices of one terminal."""

    def __init__(
        self,
        state: Path,
        card_port: int,
        columns: int = 48,
        near_port: int = 0,
        psam_port: int = 0,
        hsm_port: int = 0,
    ) -> None:
        """`card_port`: the loopback port at which the card's reader waits for a card; likewise of
        the contactless reader and of the module's slot, 0 where there is none. `hsm_port`: where
        the centre finds its HSM, 0 for none."""
        wires = state / "wires"
        wires.mkdir(parents=True, exist_ok=True)
        self.id_reader = VirtualIdReader(wires, portraits=True)
        self.printer = VirtualPrinter(state / "receipts", columns, wires)
        self.camera = VirtualCamera()
        self.scanner = VirtualScanner(wires)
        self.slot = CardSlot(card_port)
        self.field = CardSlot(near_port) if near_port else None
        self.module = CardSlot(psam_port) if psam_port else None
        self.hsm = VirtualHsm(hsm_port) if hsm_port else None
        self._on_reader = ""
        self._in_slot = ""
        self._verbs: dict[tuple[str, str], Callable[..., Any]] = {
            ("id", "put"): self._put_id,
            ("id", "put-other"): self._put_other,
            ("id", "portrait"): self._portrait,
            ("id", "lift"): self._lift_id,
            ("id", "lift-at-read"): self._lift_at_read,
            ("id", "sw3"): self._next_status,
            ("id", "unauthorised"): lambda: setattr(self.id_reader, "unauthorised", True),
            ("id", "authorised"): lambda: setattr(self.id_reader, "unauthorised", False),
            ("id", "mute"): lambda: setattr(self.id_reader, "mute", True),
            ("id", "unmute"): lambda: setattr(self.id_reader, "mute", False),
            ("id", "unplug"): self.id_reader.unplug,
            ("id", "plug"): self.id_reader.plug,
            ("card", "insert"): self._insert_card,
            ("card", "pull"): self._pull_card,
            ("card", "pull-after"): self._pull_after,
            ("card", "tap"): self._tap_card,
            ("card", "untap"): lambda: _there(self.field, "contactless reader").pull(),
            ("psam", "insert"): self._insert_psam,
            ("psam", "pull"): lambda: _there(self.module, "slot for a PSAM").pull(),
            ("hsm", "away"): lambda: _there(self.hsm, "HSM").go_away(),
            ("hsm", "back"): lambda: _there(self.hsm, "HSM").come_back(),
            ("paper", "out"): self.printer.run_out,
            ("paper", "out-after"): self._out_after,
            ("paper", "near-end"): self.printer.near_end,
            ("paper", "load"): self.printer.load,
            ("cover", "open"): self.printer.open_cover,
            ("cover", "close"): self.printer.close_cover,
            ("cutter", "jam"): self.printer.jam_cutter,
            ("cutter", "clear"): lambda: self.printer.jam_cutter(False),
            ("printer", "hot"): self.printer.get_hot,
            ("printer", "cool"): lambda: self.printer.get_hot(False),
            ("printer", "break"): self.printer.break_down,
            ("printer", "mend"): lambda: self.printer.break_down(False),
            ("printer", "offline"): self.printer.go_offline,
            ("printer", "online"): lambda: self.printer.go_offline(False),
            ("printer", "mute"): self.printer.go_mute,
            ("printer", "unmute"): lambda: self.printer.go_mute(False),
            ("printer", "unplug"): self.printer.unplug,
            ("printer", "plug"): self.printer.plug,
            ("camera", "scene"): self._scene,
            ("camera", "play"): self._play,
            ("camera", "grey"): lambda: self.camera.lens(grey=True),
            ("camera", "colour"): lambda: self.camera.lens(grey=False),
            ("camera", "size"): self._size,
            ("camera", "code"): self._code,
            ("camera", "freeze"): self.camera.freeze,
            ("camera", "thaw"): self._thaw,
            ("camera", "stick"): self.camera.stick,
            ("camera", "unstick"): self._unstick,
            ("camera", "cover"): self.camera.cover,
            ("camera", "uncover"): self._uncover,
            ("camera", "unplug"): self.camera.unplug,
            ("camera", "plug"): self.camera.plug,
            ("scanner", "show"): self._show_code,
            ("scanner", "show-old"): lambda persona: self._show_code(persona, _OLD_CODE_S),
            ("scanner", "scan"): self.scanner.scan,
            ("scanner", "unplug"): self.scanner.unplug,
            ("scanner", "plug"): self.scanner.plug,
            ("printed", ""): self._printed,
            ("state", ""): self._state,
        }

    def do(self, verb: str, *args: str) -> dict[str, Any]:
        """Carry out one verb; returns what it has to say. Raises `Refused`."""
        action = self._verbs.get((verb, args[0] if args else ""))
        if action is None:
            words = [words for words in self._verbs if words[0] == verb] or self._verbs
            known = ", ".join(sorted(" ".join(pair).strip() for pair in words))
            raise Refused(f"unknown: {' '.join((verb, *args))}; there is: {known}")
        try:
            said = action(*args[1:])
        except TypeError:
            raise Refused(f"wrong number of words after {verb} {args[0] if args else ''}") from None
        return said if isinstance(said, dict) else {}

    def close(self) -> None:
        for device in (self.id_reader, self.printer, self.camera, self.scanner, self.slot):
            device.close()
        for maybe in (self.field, self.module, self.hsm):
            if maybe is not None:
                maybe.close()

    # -- verbs with a word or two to them ----------------------------------------------------

    def _put_id(self, persona: str) -> None:
        self.id_reader.put(_known(ID_PERSONAS, persona, "persona"))
        self._on_reader = persona

    def _portrait(self, name: str) -> None:
        """Whose portrait the cards hold: one of `CHIPS`, or "own" for that of each persona."""
        known = {"own": "", **{chip: chip for chip in CHIPS}}
        self.id_reader.show_portrait(_known(known, name, "portrait"))

    def _put_other(self) -> None:
        self.id_reader.put_other_card()
        self._on_reader = "other"

    def _lift_id(self) -> None:
        self.id_reader.lift()
        self._on_reader = ""

    def _lift_at_read(self) -> None:
        self.id_reader.lift_during_read = True

    def _next_status(self, status: str) -> None:
        try:
            self.id_reader.next_statuses.append(bytes.fromhex(status)[0])
        except (ValueError, IndexError):
            raise Refused(f"{status} is not a status in hexadecimal") from None

    def _insert_card(self, card: str) -> None:
        self.slot.insert(_known(CARD_PERSONAS, card, "card"))
        self._in_slot = card

    def _pull_card(self) -> None:
        self.slot.pull()
        self._in_slot = ""

    def _pull_after(self, commands: str) -> None:
        self.slot.pull_after = _number(commands, "commands")

    def _tap_card(self, card: str) -> None:
        field = _there(self.field, "contactless reader")
        field.insert(_known(CARD_PERSONAS, card, "card"))

    def _insert_psam(self) -> None:
        _there(self.module, "slot for a PSAM").insert(CARD_PERSONAS["psam"])

    def _out_after(self, lines: str) -> None:
        self.printer.run_out(_number(lines, "lines"))

    def _scene(self, name: str) -> None:
        if name not in SCENES:
            raise Refused(f"no scene {name}; there is: {', '.join(SCENES)}")
        self.camera.show(name)

    def _play(self, name: str) -> None:
        if name not in FILMS:
            raise Refused(f"no film {name}; there is: {', '.join(FILMS)}")
        self.camera.play(name)

    def _size(self, size: str) -> None:
        width, _, height = size.partition("x")
        wanted = (_number(width, "pixels"), _number(height, "pixels"))
        if not all(0 < side <= _LARGEST_SIDE for side in wanted):
            raise Refused(f"no camera has {size} pixels")
        self.camera.lens(size=wanted)

    def _code(self, text: str) -> None:
        if not 0 < len(text.encode("utf-8", "replace")) <= _LONGEST_CODE:
            raise Refused(f"a code of the camera's sharpness holds 1 to {_LONGEST_CODE} bytes")
        self.camera.show_code(text)

    def _show_code(self, persona: str, age_s: float = 0.0) -> None:
        self.scanner.show(_known(ID_PERSONAS, persona, "persona"), age_s)

    def _thaw(self) -> None:
        self.camera.freeze(False)

    def _unstick(self) -> None:
        self.camera.stick(False)

    def _uncover(self) -> None:
        self.camera.cover(False)

    def _printed(self) -> dict[str, Any]:
        pieces = [
            {"text": piece.text, "png": str(piece.png), "at": piece.at, "torn": piece.torn}
            for piece in self.printer.printed()
        ]
        return {"printed": pieces}

    def _state(self) -> dict[str, Any]:
        return {
            "id": self._on_reader,
            "card": self._in_slot,
            "paper": self.printer.paper,
            "scene": self.camera.scene,
        }


def _number(text: str, of_what: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused(f"{text} is not a number of {of_what}")
    return int(text)


def _there(device: T | None, what: str) -> T:
    if device is None:
        raise Refused(f"this bench has no {what}")
    return device


def _known(table: Any, name: str, what: str) -> Any:
    if name not in table:
        raise Refused(f"no {what} {name}; there is: {', '.join(table)}")
    return table[name]


class BenchServer:
    """Takes verbs on a unix socket, one line of JSON each, and answers each with one line."""

    def __init__(self, bench: Bench, path: Path) -> None:
        path.unlink(missing_ok=True)
        one_at_a_time = threading.Lock()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    with one_at_a_time:
                        answer = _answer(bench, line)
                    self.wfile.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        os.chmod(path, 0o600)
        self._path = path

    def serve(self) -> None:
        """Answer until `stop` is called from another thread."""
        self._server.serve_forever(0.1)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def _answer(bench: Bench, line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        said = bench.do(request["verb"], *request.get("args", []))
    except Refused as refused:
        return {"ok": False, "error": str(refused)}
    except (ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": f"not a request: {type(error).__name__}"}
    return {"ok": True, **said}
