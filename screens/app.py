"""The screen process: a window with the stage in it, up fast, and never down because of a bug.

Order matters for the start: Kivy is configured, the window opens and home is drawn; only then do
the devices start (`Terminal.open`), so that the first page does not wait for a camera.
"""

from __future__ import annotations

import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens import visual
from screens.window import configure

if TYPE_CHECKING:
    from kiosk.settings import Settings
    from kiosk.terminal import Terminal
    from screens.stage import Stage

log = logging.getLogger(__name__)

#: After this many unforeseen exceptions within this many seconds the process ends, and its
#: supervisor starts a fresh one.
CRASHES, WITHIN_S = 5, 60.0


def process_age_s() -> float:
    """Seconds since this process was started by the system (Linux)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def run(
    make_terminal: Callable[[], Terminal],
    settings: Settings,
    state: Path | None = None,
    *,
    first_frame: Callable[[float], None] = lambda seconds: None,
    crashed: Callable[[BaseException], None] = lambda error: None,
) -> int:
    """Open the window and stay until it is closed. Returns the exit code.

    `make_terminal` must return quickly and start no device. `state` is where the inspector's
    socket goes in demo and test mode. `first_frame` is told, once, how many seconds after the
    start of the process home was on the screen; `crashed`, of each exception that nothing caught.
    """
    screen = settings.screen
    # On the bench a mouse is used, so its pointer must be seen.
    configure(screen.width, screen.height, fullscreen=screen.fullscreen, cursor=settings.virtual)
    from kivy.base import runTouchApp
    from kivy.clock import Clock
    from kivy.core.window import Window

    from kiosk.upkeep import forgetting
    from kiosk.words.voice import Clips
    from screens import fonts, scale, theme
    from screens.stage import Stage
    from screens.voice import Voice
    from sync.systemd import ALIVE, ALIVE_S, READY, notify

    visual.must_open(Window)
    # Cheaper than a widget the size of the window.
    Window.clearcolor = theme.GROUND
    fonts.register()
    scale.fit(*Window.size)
    terminal = make_terminal()
    voice = Voice(Clips(terminal.words), terminal.health, output=terminal.voice_output)
    stage = Stage(terminal, voice=voice)
    seen: list[float] = []
    guard = _guard(stage, crashed)
    inspector = _inspector(stage, settings, state, seen)

    def flipped(*_: object) -> None:
        # Kivy tells of a flip just before it does it; the next tick comes after.
        Window.unbind(on_flip=flipped)
        Clock.schedule_once(shown, 0)

    def shown(_: float) -> None:
        seen.append(process_age_s())
        # What a start makes stays: it need not be looked through again and again.
        gc.freeze()
        gc.enable()
        log.info("first frame after %.2f s", seen[0])
        visual.must_draw()
        first_frame(seen[0])
        notify(READY)
        Clock.schedule_interval(lambda _: notify(ALIVE), ALIVE_S)
        forgetting.overwrite_what_is_freed()
        terminal.open()

    Window.bind(on_flip=flipped)
    try:
        runTouchApp(stage)
    finally:
        if inspector is not None:
            inspector.close()
        stage.close()
        terminal.close()
    return 1 if guard.broken else 0


def _inspector(stage: Stage, settings: Settings, state: Path | None, seen: list[float]) -> Any:
    """The inspector in demo and test mode, else None."""
    if state is None or not settings.virtual:
        return None
    from screens.inspector import Inspector

    return Inspector(stage, state / "stage.sock", settings.mode, lambda: seen[0] if seen else None)


def _guard(stage: Stage, crashed: Callable[[BaseException], None]) -> Any:
    """Catch what escapes from a callback, so that a bug ends a visit and not the program."""
    from kivy.base import ExceptionHandler, ExceptionManager, stopTouchApp

    class Guard(ExceptionHandler):
        def __init__(self) -> None:
            super().__init__()
            self.broken = False
            self._times: deque[float] = deque(maxlen=CRASHES)

        def handle_exception(self, inst: BaseException) -> Any:
            if not isinstance(inst, Exception):
                return ExceptionManager.RAISE
            # Type and place only: the message may quote what a citizen entered.
            log.error("unforeseen %s at %s", type(inst).__name__, _place(inst))
            crashed(inst)
            self._times.append(time.monotonic())
            often = len(self._times) == CRASHES and self._times[-1] - self._times[0] < WITHIN_S
            if often or not stage.broke(inst):
                # Not raised: the traceback would print the message.
                self.broken = True
                stopTouchApp()
            return ExceptionManager.PASS

    guard = Guard()
    ExceptionManager.add_handler(guard)
    return guard


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
