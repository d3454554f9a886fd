"""短信: messages to citizens' telephones.

Without a port that sends them none is promised: terminals are told with each heartbeat whether
there is one (`sync.wire.desired.DesiredState.notices`).
"""

from __future__ import annotations

from typing import Protocol

from django.conf import settings
from django.utils import timezone

from central.models import SentMessage


class Messages(Protocol):
    """What sends them."""

    def send(self, key: str, phone: str, text: str) -> None:
        """Send it, once for each `key` however often this is asked. What cannot be sent now raises;
        it is asked again (`central.work`)."""


class DemoMessages:
    """An outbox in the centre's own database, from which nothing goes anywhere."""

    def send(self, key: str, phone: str, text: str) -> None:
        message = SentMessage(key=key, phone=phone, text=text, at=timezone.now())
        SentMessage.objects.bulk_create([message], ignore_conflicts=True)


def messages() -> Messages | None:
    """The one that is set up; None: messages are not sent."""
    return DemoMessages() if settings.MESSAGES == "demo" else None
