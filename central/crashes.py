"""Crashes of terminals' programs, grouped by where they broke (`sync.wire.crash`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from central.fleet_models import Command, Crash, CrashGroup
from sync.canonical import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central.models import Terminal
    from sync.wire.crash import CrashReport

#: So long single crashes are kept; their groups stay.
KEPT = timedelta(days=180)


def take(terminal: Terminal, reports: Iterable[CrashReport]) -> None:
    """Keep each once; one that comes again is known by its id."""
    for report in reports:
        group, _ = CrashGroup.objects.get_or_create(
            fingerprint=fingerprint(report),
            defaults={
                "program": report.program,
                "error": report.error,
                "stack": report.stack,
            },
        )
        crash = Crash(
            id=report.id,
            group=group,
            terminal=terminal,
            version=report.version[:60],
            at=datetime.fromisoformat(report.at),
        )
        Crash.objects.bulk_create([crash], ignore_conflicts=True)


def fingerprint(report: CrashReport) -> str:
    """The same for one fault in all versions: lines move, files and functions do not."""
    places = []
    for line in report.stack:
        file, _, rest = line.rpartition(":")
        places.append(f"{file} {rest.partition(' ')[2]}")
    return sha256_hex([report.program, report.error, places])


def forget_old() -> None:
    """Old crashes, and the logs that commands brought."""
    cut = timezone.now() - KEPT
    Crash.objects.filter(at__lt=cut).delete()
    old = Command.objects.filter(ended_at__lt=cut).exclude(attachment=None)
    old.update(attachment=None)
