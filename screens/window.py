"""Kivy's environment and configuration: everything that must be set before Kivy is imported.

This module imports no Kivy. Why each setting is so:

| setting                 | because                                                            |
|-------------------------|--------------------------------------------------------------------|
| KIVY_NO_ARGS            | Kivy would eat our command line                                    |
| KIVY_NO_CONFIG          | a config.ini left on the disk must not change a terminal           |
| KIVY_LOG_MODE=PYTHON    | otherwise Kivy swallows stderr and a crash leaves no trace         |
| KIVY_IMAGE=sdl2         | it reads JPEG and PNG; asking for more loads Pillow before home      |
| metrics density, dpi    | otherwise the layout depends on what the monitor says of itself    |
| multisamples 0          | 80 MB less and four times the frame rate; we draw smooth edges     |
| no depth, no stencil    | where the processor draws, see `screens.visual`                    |
| maxfps 60               | 30 would double the touch latency and save 2 % of CPU              |
| one input provider      | a touch screen seen by two providers presses everything twice      |
| no exit_on_escape       | a keyboard plugged in must not end the program                     |
| own style sheet         | Kivy reads its own at every start: 50 ms for sixty kinds of widget |
| no asyncio              | Kivy loads it for a loop that we do not run: 30 modules and TLS    |
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

from screens import visual

_GRAPHICS = {
    "resizable": "0",
    "multisamples": "0",
    "maxfps": "60",
    "allow_screensaver": "0",
    "window_state": "visible",
    "position": "custom",
    "left": "0",
    "top": "0",
}
_KIVY = {
    "exit_on_escape": "0",
    "keyboard_mode": "",
    "desktop": "1",
    "log_level": "warning",
    "pause_on_minimize": "0",
}


#: Folder of our style sheet, which has Kivy's name for it: `style.kv`.
_STYLE = Path(__file__).parent


def configure(
    width: int,
    height: int,
    *,
    fullscreen: bool,
    cursor: bool = False,
    home: Path | None = None,
    lean: bool = True,
) -> None:
    """Prepare Kivy for a window of this size (pixels). Must be called before Kivy is imported.

    `home` is where Kivy may keep files of its own; None: a folder that is thrown away. Unless it is
    `lean`, Kivy loads all that it ever does, and widgets look as it has them.
    """
    if home is None:
        import tempfile

        home = Path(tempfile.gettempdir()) / f"kivy-{os.getuid()}"
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        KIVY_NO_ARGS="1",
        KIVY_NO_CONFIG="1",
        KIVY_NO_FILELOG="1",
        KIVY_LOG_MODE="PYTHON",
        KIVY_HOME=str(home),
        KIVY_WINDOW="sdl2",
        KIVY_TEXT="sdl2",
        KIVY_IMAGE="sdl2",
        KIVY_AUDIO="sdl2",
        KIVY_METRICS_DENSITY="1",
        KIVY_DPI="96",
    )
    visual.choose()
    from kivy.config import Config

    for name, value in _GRAPHICS.items():
        Config.set("graphics", name, value)
    Config.set("graphics", "width", str(width))
    Config.set("graphics", "height", str(height))
    Config.set("graphics", "fullscreen", "auto" if fullscreen else "0")
    Config.set("graphics", "borderless", "1")
    Config.set("graphics", "show_cursor", "1" if cursor else "0")
    for name, value in _KIVY.items():
        Config.set("kivy", name, value)
    for name, _ in Config.items("input"):
        Config.remove_option("input", name)
    Config.set("input", "mouse", "mouse,disable_multitouch")
    for name, _ in Config.items("modules"):
        Config.remove_option("modules", name)
    if lean:
        _load_without_asyncio()
        _use_own_style()


def _load_without_asyncio() -> None:
    """Kivy's clock takes one function from asyncio when it is imported, for a loop that we do not
    run. It is shown an empty module meanwhile; whoever imports asyncio later has the real one."""
    if "asyncio" in sys.modules:
        return
    empty = ModuleType("asyncio")
    empty.wait_for = None  # type: ignore[attr-defined]
    sys.modules["asyncio"] = empty
    try:
        import kivy.clock  # noqa: F401
    finally:
        del sys.modules["asyncio"]


def _use_own_style() -> None:
    """Kivy reads the style sheet of its folder of data when its language is first imported. It is
    shown another folder meanwhile; all else is taken from its own."""
    import kivy
    import kivy.resources

    folder = kivy.kivy_data_dir
    kivy.kivy_data_dir = str(_STYLE)
    try:
        import kivy.lang
    finally:
        kivy.kivy_data_dir = folder
