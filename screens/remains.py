"""What an earlier citizen left at the terminal, as far as a page has to say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.terminal import Terminal


def left_behind(terminal: Terminal) -> tuple[str, ...]:
    """Readers in which a card or document of the last visit still lies: names of devices."""
    return tuple(str(device) for device in getattr(terminal, "left_behind", tuple)())


def untold(terminal: Terminal) -> tuple[str, ...]:
    """Receipt numbers of applications saved before the program ended, which nobody was told."""
    return tuple(getattr(terminal, "untold", tuple)())
