"""Where the window goes: the display of whoever started the demo, or one of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.demo.processes import GRACE_S, leash

#: The layout's reference, width and height in pixels; a citizen's terminal has this screen.
REFERENCE = (1080, 1920)

#: Share of a monitor's height that the window may take, so that its lower edge can be reached.
_SHARE = 0.88


class NoDisplay(Exception):
    """A virtual display could not be started."""


@dataclass(frozen=True)
class VirtualDisplay:
    """An X server without a monitor; `name` is what DISPLAY must be."""

    name: str
    process: subprocess.Popen[bytes]

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def open_virtual(size: tuple[int, int]) -> VirtualDisplay:
    """Start Xvfb with a screen of `size` pixels on a free display number. Raises `NoDisplay`."""
    if shutil.which("Xvfb") is None:
        raise NoDisplay("Xvfb is not installed")
    reading, writing = os.pipe()
    screen = f"{size[0]}x{size[1]}x24"
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp"]
    try:
        process = subprocess.Popen(
            [*leash(), *command],
            pass_fds=(writing,),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(writing)
    # Answers with the number once the display can be used; with nothing if Xvfb ended.
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    if not number:
        raise NoDisplay(f"Xvfb ended with exit code {process.wait()}")
    return VirtualDisplay(f":{number}", process)


def there_is_one(environment: Mapping[str, str]) -> bool:
    """Whether windows can be opened where we were started."""
    if not environment.get("DISPLAY"):
        return False
    try:
        return _geometry() is not None
    except FileNotFoundError:
        return True  # without xdotool nothing can be asked; the window will tell


def fitting(reference: tuple[int, int] = REFERENCE) -> tuple[int, int]:
    """The largest window in the proportions of the terminal that fits the monitor."""
    try:
        monitor = _geometry()
    except FileNotFoundError:
        monitor = None
    if monitor is None:
        return reference
    scale = min(1.0, monitor[0] / reference[0], monitor[1] * _SHARE / reference[1])
    return round(reference[0] * scale), round(reference[1] * scale)


def _geometry() -> tuple[int, int] | None:
    """The display in pixels, None if it does not answer. `FileNotFoundError`: no xdotool."""
    try:
        answer = subprocess.run(
            ["xdotool", "getdisplaygeometry"], capture_output=True, text=True, timeout=10
        )
    except subprocess.TimeoutExpired:
        return None
    words = answer.stdout.split()
    return (int(words[0]), int(words[1])) if answer.returncode == 0 and len(words) == 2 else None
