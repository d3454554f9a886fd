"""What is on the screen, for the tour and the system tests: a unix socket, one JSON object a line.

It reads the screen and presses nothing: the tour presses with real touches. It is there in demo and
test mode only; production refuses it, because it reads out what a citizen sees.

| verb    | answer                                                                            |
|---------|-----------------------------------------------------------------------------------|
| screen  | `screen` (prompt id, "home" …), `kind`, `settled`, `warned`, `targets`, `texts`   |
| targets | `targets`: tag, x, y, w, h (window pixels, origin top left), text, enabled        |
| idle    | `seconds`: how long the event loop took to come round, a measure of its load      |
| stats   | `first_frame_s` since the process began, `rss_kb`                                 |

Each question is answered in Kivy's thread, and only once what the answer says has been drawn: a
picture of the screen taken after the answer shows it.
"""

from __future__ import annotations

import json
import logging
import os
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kivy.clock import Clock

from screens.widgets.button import Press
from screens.widgets.text import Text

if TYPE_CHECKING:
    from screens.stage import Stage

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0


class NotInProduction(RuntimeError):
    """The inspector was asked for where citizens are served."""


def targets(stage: Stage) -> list[dict[str, Any]]:
    """Everything that can be touched now, in window pixels with the origin at the top left."""
    found = []
    # What is covered cannot be touched.
    above = None if stage.cover is None else set(stage.cover.walk(restrict=True))
    for widget in stage.walk(restrict=True):
        tag = getattr(widget, "tag", None)
        if not isinstance(tag, str):
            continue
        x, y = widget.to_window(widget.x, widget.y)
        text = " ".join(part.words for part in widget.walk(restrict=True) if isinstance(part, Text))
        covered = above is not None and widget not in above
        takes = stage.takes(x + widget.width / 2, y + widget.height / 2)
        found.append(
            {
                "tag": tag,
                "x": round(x),
                "y": round(stage.height - y - widget.height),
                "w": round(widget.width),
                "h": round(widget.height),
                "text": text,
                "enabled": not widget.disabled and takes and not covered,
                "button": isinstance(widget, Press),
            }
        )
    return found


def _screen(stage: Stage) -> dict[str, Any]:
    prompt = getattr(stage.page, "prompt", None)
    return {
        "screen": stage.shown,
        "kind": type(prompt).__name__ if prompt is not None else type(stage.page).__name__,
        "settled": stage.settled,
        "warned": stage.warned,
        "targets": targets(stage),
        "texts": [w.words for w in stage.walk(restrict=True) if isinstance(w, Text) and w.words],
    }


def resident_kb() -> int:
    """Resident memory of this process, kilobytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


class Inspector:
    """Listens on `path` until `close`."""

    def __init__(
        self, stage: Stage, path: Path, mode: str, first_frame_s: Callable[[], float | None]
    ) -> None:
        """`mode` is that of the settings. Raises `NotInProduction`."""
        if mode not in ("demo", "test"):
            raise NotInProduction(mode)
        self._stage = stage
        self._path = path
        self._first_frame_s = first_frame_s
        path.unlink(missing_ok=True)
        answer = self._answer

        class Line(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    self.wfile.write(json.dumps(answer(line), ensure_ascii=False).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Line)
        self._server.daemon_threads = True
        path.chmod(0o600)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="inspector").start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)

    def _answer(self, line: bytes) -> dict[str, Any]:
        """One question, on the connection's thread."""
        try:
            verb = str(json.loads(line)["verb"])
        except (ValueError, KeyError, TypeError):
            return {"ok": False, "error": "not a question"}
        look = self._looks().get(verb)
        if look is None:
            return {"ok": False, "error": f"no verb {verb}"}
        return self._in_kivy_thread(look)

    def _looks(self) -> dict[str, Callable[[], dict[str, Any]]]:
        asked = time.monotonic()
        return {
            "screen": lambda: _screen(self._stage),
            "targets": lambda: {"targets": targets(self._stage)},
            "idle": lambda: {"seconds": time.monotonic() - asked},
            "stats": lambda: {"first_frame_s": self._first_frame_s(), "rss_kb": resident_kb()},
        }

    @staticmethod
    def _in_kivy_thread(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        answered = threading.Event()
        answer: dict[str, Any] = {"ok": False, "error": "the screen does not answer"}

        def run(_: float) -> None:
            answer.clear()
            answer.update(look(), ok=True)
            # The frame between two ticks of the clock is drawn after the first.
            Clock.schedule_once(lambda _: answered.set(), 0)

        # A tick later, so that what has just changed is laid out.
        Clock.schedule_once(lambda _: Clock.schedule_once(run, 0), 0)
        if not answered.wait(ANSWER_WITHIN_S):
            return {"ok": False, "error": "the screen does not answer"}
        return answer
