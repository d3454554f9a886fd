"""From the touch that asks for a page to the page in use, in seconds.

A stage without devices in a window of its own (`python -m tests.bench.page_change RUNS`). Each
change is measured from the finger's lifting until the new page was drawn and takes a touch. The
peer is one more picture of a page that is there already.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median
from typing import Any

from tests.bench.numbers import Number, at_most

LIMIT_S = 0.15
#: Tags touched one after the other: from home through two pages and back.
_WAY = ("service:card_check", "primary", "back", "leave")


def numbers(runs: int) -> dict[str, Number]:
    """The slowest of the changes, each the median of `runs` measurements."""
    from tests.system.conftest import environment

    words = [sys.executable, "-m", "tests.bench.page_change", str(runs)]
    done = subprocess.run(words, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    slowest = max(told["changes"], key=lambda tag: told["changes"][tag])
    number = at_most(told["changes"][slowest], LIMIT_S, told["frame"])
    return {"page_change_s": number | {"slowest": slowest}}


def main(runs: int) -> None:
    # Opens the window when imported.
    from kivy.base import runTouchApp
    from kivy.uix.floatlayout import FloatLayout

    from screens import fonts, scale
    from screens.stage import Stage
    from tests.screens.conftest import SIZE, EventLoop, Finger, Hand, Window
    from tests.screens.samples import StubTerminal
    from tests.screens.test_stage import Sample

    fonts.register()
    scale.fit(*SIZE)
    root = FloatLayout(size=Window.size)
    runTouchApp(root, embedded=True)
    stage = Stage(StubTerminal((Sample,)))  # type: ignore[arg-type]
    hand = Hand(root)
    hand.show(stage)

    def change(tag: str) -> float:
        hand.pump(seconds=0.5)
        widget, before = hand.find(tag), stage.page
        x, y = widget.to_window(*widget.center)
        finger = Finger(x / Window.width, y / Window.height)
        EventLoop.post_dispatch_input("begin", finger)
        hand.pump()
        began = time.monotonic()
        EventLoop.post_dispatch_input("end", finger)
        assert stage.page is not before, tag
        while True:
            EventLoop.idle()  # lays out and draws
            if stage.takes(Window.width / 2, Window.height / 3):
                return time.monotonic() - began

    def frame() -> float:
        began = time.monotonic()
        stage.canvas.ask_update()
        EventLoop.idle()
        return time.monotonic() - began

    taken: dict[str, list[float]] = {tag: [] for tag in _WAY}
    for _ in range(runs):
        for tag in _WAY:
            taken[tag].append(change(tag))
    frames = [frame() for _ in range(20)]
    changes = {tag: median(seconds) for tag, seconds in taken.items()}
    print(json.dumps({"changes": changes, "frame": median(frames)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
