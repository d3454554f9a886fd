"""What a screen may cause: the bridge from one page to the visit it belongs to."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from hardware.card.pin import Pin
from kiosk.visit.flow import Unacceptable, Visit
from kiosk.visit.prompts import EnterPin

if TYPE_CHECKING:
    from kiosk.records.staff import Staff
    from kiosk.terminal import Terminal
    from screens.base import Page
    from screens.voice import Mute, Voice


class Host(Protocol):
    """What shows the page and drives the visit: the stage."""

    page: Page | None
    voice: Voice | Mute
    clock: Callable[[], float]

    terminal: Terminal

    def follow(self) -> None: ...
    def cancel(self) -> None: ...
    def tell(self, word: str) -> None: ...


class VisitActions:
    """What one screen may do to its visit. Does nothing once another screen is shown."""

    def __init__(self, host: Host, visit: Visit) -> None:
        self._host = host
        self._visit = visit
        self._prompt = visit.prompt
        self.can_go_back = visit.can_go_back

    @property
    def _live(self) -> bool:
        return self._visit.prompt is self._prompt and self._visit.outcome is None

    def answer(self, value: Any) -> None:
        if not self._live:
            return
        try:
            self._visit.answer(value)
        except Unacceptable as error:
            page = self._host.page
            if page is not None:
                page.show_error(error)
            return
        self._host.follow()

    def back(self) -> None:
        if self._live:
            self._visit.back()
            self._host.follow()

    def revise(self, step: str) -> None:
        if self._live:
            self._visit.revise(step)
            self._host.follow()

    def cancel(self) -> None:
        if self._live:
            self._host.cancel()

    def tell(self, word: str) -> None:
        if self._live:
            self._host.tell(word)

    def speak(self, message: str) -> None:
        if self._live:
            self._host.voice.say(message)

    def speaks(self, message: str) -> bool:
        return self._host.voice.speaks(message)

    def vouch(self, staff: str, pin: str, reason: str) -> Staff:
        """Have the roster check a member of staff. Blocks; raises `StaffRefused`."""
        return self._host.terminal.maintenance.vouch(staff, pin, reason)

    def enter_pin(self, digits: str) -> None:
        """What was typed goes to the terminal; the answer says that it is there."""
        pin, pins, prompt = Pin(digits), self._host.terminal.pins, self._visit.prompt
        if not self._live or not isinstance(prompt, EnterPin):
            pin.wipe()
            return
        try:
            pins.put(pin, new=prompt.new, owner=prompt.owner, phone=prompt.phone)
        except Unacceptable as error:
            page = self._host.page
            if page is not None:
                page.show_error(error)
            return
        self.answer(True)

    def has_pin_pad(self) -> bool:
        return self._host.terminal.has_pin_pad()

    def pin_keys(self) -> str:
        """The ten digits in the order of the keys."""
        keys = list("1234567890")
        if self._host.terminal.settings.screen.shuffled_pin:
            random.SystemRandom().shuffle(keys)
        return "".join(keys)

    def hush(self) -> None:
        self._host.voice.hush()

    def touched(self) -> None:
        self._visit.touched(self._host.clock())
