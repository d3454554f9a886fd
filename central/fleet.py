"""The fleet: terminals enrol, report what they are and are told what they should be."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from central.codes import code_hash, fresh_code
from central.models import DesiredService, DeviceHealth, EnrolmentCode, Terminal, TerminalReport
from sync.messages import DesiredState, Heartbeat, sha256_hex

#: Tangshan is 02 in Hebei; four digits follow.
_FIRST_NUMBER, _LAST_NUMBER = 20001, 29999

CODE_VALID = timedelta(days=7)


class BadCode(Exception):
    """The enrolment code is wrong, used or expired, or there are no numbers left."""


def new_code() -> str:
    """A new enrolment code; it is not kept and cannot be shown again."""
    code = fresh_code()
    EnrolmentCode.objects.create(
        code_sha256=code_hash(code), expires_at=timezone.now() + CODE_VALID
    )
    return code


def enrol(code: str, key_id: str, public_key: bytes, hall: str) -> Terminal:
    """Make a terminal known. The same code with the same key gives the same terminal again.

    Raises `BadCode`.
    """
    with transaction.atomic():
        found = EnrolmentCode.objects.filter(code_sha256=code_hash(code)).first()
        if found is None:
            raise BadCode
        if found.used_by is not None:
            if found.used_by.key_id != key_id:
                raise BadCode
            return found.used_by
        taken = Terminal.objects.filter(key_id=key_id).exists()
        if taken or found.expires_at < timezone.now():
            raise BadCode
        last = Terminal.objects.order_by("-number").values_list("number", flat=True).first()
        number = int(last) + 1 if last else _FIRST_NUMBER
        if number > _LAST_NUMBER:
            raise BadCode
        found.used_by = Terminal.objects.create(
            number=f"{number:06d}", key_id=key_id, public_key=public_key, hall=hall
        )
        found.save()
        return found.used_by


def heard(terminal: Terminal, heartbeat: Heartbeat) -> DesiredState:
    """Keep what a terminal reports; returns what it should be."""
    queue = heartbeat.queue
    with transaction.atomic():
        TerminalReport.objects.update_or_create(
            terminal=terminal,
            defaults={
                "sent_at": datetime.fromisoformat(heartbeat.at),
                "received_at": timezone.now(),
                "versions": heartbeat.versions,
                "services": heartbeat.services,
                "queued": queue.queued + queue.sending,
                "dead": queue.dead,
                "oldest_s": queue.oldest_s,
                "damaged_files": queue.damaged_files,
                "health_age_s": heartbeat.health_age_s,
                "desired_version": heartbeat.desired_version,
            },
        )
        devices = {row.device: row for row in heartbeat.health}
        DeviceHealth.objects.filter(terminal=terminal).exclude(device__in=devices).delete()
        for row in devices.values():
            DeviceHealth.objects.update_or_create(
                terminal=terminal, device=row.device, defaults=row.model_dump(exclude={"device"})
            )
    return desired_of(terminal)


def desired_of(terminal: Terminal) -> DesiredState:
    """What this terminal should be: the rules for all terminals, then its own over them."""
    rules = DesiredService.objects.filter(terminal=None) | DesiredService.objects.filter(
        terminal=terminal
    )
    closed: dict[str, str] = {}
    for rule in sorted(rules, key=lambda rule: rule.terminal_id is not None):
        if rule.closed:
            closed[rule.service_id] = rule.reason
        else:
            closed.pop(rule.service_id, None)
    return DesiredState(version=sha256_hex(closed)[:12], closed_services=closed)


def close_service(service_id: str, reason: str) -> None:
    """Close a service on every terminal. `reason`: Chinese, shown on the home screen."""
    DesiredService.objects.update_or_create(
        service_id=service_id, terminal=None, defaults={"reason": reason, "closed": True}
    )


def open_service(service_id: str) -> None:
    """Open a service again wherever it was closed."""
    DesiredService.objects.filter(service_id=service_id).delete()
