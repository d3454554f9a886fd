"""What an operation may use besides its device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kiosk.late import dataclass
from kiosk.parts import no_studio
from kiosk.records.pins import Pins

if TYPE_CHECKING:
    from kiosk.darkroom import Studio
    from kiosk.parts import Parts
    from kiosk.receipts import Letterhead
    from kiosk.visit.flow import Prompt


@dataclass
class Operation:
    """A prompt being answered by a device. The driver may cancel it or tell it a word."""

    prompt: Prompt[Any]
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _told: list[str] = field(default_factory=list)

    def cancel(self) -> None:
        """Stop as soon as the device allows; nothing is reported any more. An effect goes on to
        its end, and its result is told."""
        if not self.prompt.effect:
            self._cancelled.set()

    def tell(self, word: str) -> None:
        """Say something to the operation, e.g. "now" to the camera."""
        self._told.append(word)

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def told(self) -> list[str]:
        """What was said since it was last asked, in order."""
        words = self._told[:]
        del self._told[: len(words)]
        return words


@dataclass(frozen=True)
class Work:
    """One operation's means. It polls `cancelled` wherever it waits."""

    parts: Parts
    report: Callable[[Any], None]
    cancelled: Callable[[], bool]
    #: What the screen said since it was last asked.
    told: Callable[[], list[str]]
    now: Callable[[], datetime]
    #: Whether the centre answered the agent lately.
    online: Callable[[], bool]
    letterhead: Callable[[], Letterhead]
    #: Looks at frames, makes photos and compares faces, for as long as the visit lasts.
    studio: Studio = field(default_factory=no_studio)
    #: What the citizen typed for the card, not yet used.
    pins: Pins = field(default_factory=Pins)
