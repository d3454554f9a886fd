"""What is offered on the home page, and why not: everything that can be known before a citizen
enters anything is asked here, so that nobody fills in a form for nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiosk.policy import load_policy
from kiosk.services import find_services
from kiosk.upkeep.power import is_low

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.parts import Parts
    from kiosk.policy import Policy
    from kiosk.visit.service import Service
    from sync.database import Reason

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """A service on the home screen. `reason` is words to show when it is not open."""

    service: type[Service]
    open: bool
    reason: str = ""


class Offers:
    """Every service, open or closed. `refresh` asks what takes time, off the screen's thread."""

    def __init__(
        self, parts: Parts, online: Callable[[], bool], policy: Callable[[], Policy]
    ) -> None:
        """`policy`: the pack that rules now."""
        self._parts, self._online, self._policy = parts, online, policy
        session = parts.settings.hall.unit_session
        self._services = tuple(one for one in find_services() if session or not one.for_units)
        #: Why the outbox takes nothing, an id of words; "" while it does.
        self._refusal = ""
        #: Whether the terminal is retired, or the centre takes nothing from it any more.
        self.out_of_use = False
        #: Whether the date of this terminal cannot be right.
        self.clock_wrong = False
        #: The pack that was looked at last, and the services whose rules it has not got.
        self._seen: Policy | None = None
        self._without_rules: frozenset[str] = frozenset()

    def refresh(self) -> Reason | None:
        """Ask the outbox whether it would take another transaction; returns why not."""
        refusal = self._parts.outbox.refusal()
        self._refusal = "" if refusal is None else f"home.outbox.{refusal}"
        return refusal

    def now(self) -> tuple[Offer, ...]:
        """Every service in the order of the menu."""
        self._look_into(self._policy())
        return tuple(self._offer(service) for service in self._services)

    def _look_into(self, policy: Policy) -> None:
        """A pack that is older than this release may lack what a service asks for in the middle of
        a visit. The pack that comes with the release has all of it."""
        if policy is self._seen:
            return
        lacking = tuple(f"{key}." for key in policy.lacks(load_policy()))
        self._without_rules = frozenset(
            service.id
            for service in self._services
            if any(f"{rule}.".startswith(lacking) for rule in service.rules)
        )
        self._seen = policy
        for service_id in sorted(self._without_rules):
            log.error("policy %s lacks a rule of %s: it is closed", policy.version, service_id)

    def _offer(self, service: type[Service]) -> Offer:
        reason = self._closed(service)
        return Offer(service, reason is None, reason or "")

    def _closed(self, service: type[Service]) -> str | None:
        """Why it is not open, in words; None if it is."""
        say = self._parts.words.say
        if self.out_of_use:
            return say("home.out_of_use")
        if (reason := self._parts.desired.closed(service.id)) is not None:
            return reason or say("home.closed")
        if service.id in self._without_rules:
            return say("home.closed")
        if is_low(self._parts.health):
            return say("home.power")
        for device in sorted(service.needs):
            if not self._parts.health.usable(device):
                return say(f"home.needs.{device}")
        if service.needs_network and not self._online():
            return say("home.needs.network")
        if service.submits and self.clock_wrong:
            return say("home.clock")
        if service.submits and self._refusal:
            return say(self._refusal)
        return None
