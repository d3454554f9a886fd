"""What is offered on the home page, and why not: everything that can be known before a citizen
enters anything is asked here, so that nobody fills in a form for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiosk.services import find_services

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.parts import Parts
    from kiosk.visit.service import Service
    from sync.database import Reason


@dataclass(frozen=True)
class Offer:
    """A service on the home screen. `reason` is words to show when it is not open."""

    service: type[Service]
    open: bool
    reason: str = ""


class Offers:
    """Every service, open or closed. `refresh` asks what takes time, off the screen's thread."""

    def __init__(self, parts: Parts, online: Callable[[], bool]) -> None:
        self._parts, self._online = parts, online
        self._services = find_services()
        #: Why the outbox takes nothing, an id of words; "" while it does.
        self._refusal = ""

    def refresh(self) -> Reason | None:
        """Ask the outbox whether it would take another transaction; returns why not."""
        refusal = self._parts.outbox.refusal()
        self._refusal = "" if refusal is None else f"home.outbox.{refusal}"
        return refusal

    def now(self) -> tuple[Offer, ...]:
        """Every service in the order of the menu."""
        return tuple(self._offer(service) for service in self._services)

    def _offer(self, service: type[Service]) -> Offer:
        reason = self._closed(service)
        return Offer(service, reason is None, reason or "")

    def _closed(self, service: type[Service]) -> str | None:
        """Why it is not open, in words; None if it is."""
        say = self._parts.words.say
        if (reason := self._parts.desired.closed(service.id)) is not None:
            return reason or say("home.closed")
        for device in sorted(service.needs):
            if not self._parts.health.usable(device):
                return say(f"home.needs.{device}")
        if service.needs_network and not self._online():
            return say("home.needs.network")
        if service.submits and self._refusal:
            return say(self._refusal)
        return None
