"""Once a minute: what terminals report of their release, and what follows from it.

A version goes on to the next share when it has been there for its hours, nine in ten terminals of
the share that were heard of run it and no longer on trial, and enough visits have ended
with it. It is halted when `central.releases.evidence` says so. Silence never moves it on.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.utils import timezone

from central import alarms
from central.models import TerminalReport
from central.releases import evidence, rollout
from central.releases.evidence import Rate
from central.releases.models import ReleasePin, ReleaseTally, Rollout
from central.releases.repository import NotReleased

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

log = logging.getLogger(__name__)

#: A report older than this says nothing about now.
_FRESH = timedelta(minutes=10)

#: This part of a share has to run a version before it goes on.
_MOST = 0.9

#: What people have to sign is an alarm so long before it runs out.
_SOON = timedelta(days=30)

COUNTS = ("minutes", "visits", "unfinished", "faults", "crashes")


class Standing(NamedTuple):
    """How a version stands in its share."""

    #: Terminals of the share that were heard of.
    reached: int
    #: Of those: run it and have proved it; gave it up.
    on_it: int
    returned: int
    new: Counter[str]
    old: Counter[str]


def look() -> None:
    """One look."""
    reports, newest = fresh(), Rollout.objects.first()
    if newest is not None:
        keep_tallies(reports, {newest.version, newest.previous})
    if newest is not None and newest.state == Rollout.State.RUNNING:
        _judge(newest, reports)
    releases = rollout.repository()
    try:
        releases.renew()
    except (NotReleased, OSError) as error:
        log.error("releases: %s: %s", type(error).__name__, error)
    runs_out = releases.runs_out()
    if runs_out is not None and runs_out - datetime.now(UTC) < _SOON:
        alarms.sound("release_keys", None, f"{runs_out:%Y-%m-%d}", once=True)


def fresh() -> list[TerminalReport]:
    """What the terminals that are there say of their release."""
    found = TerminalReport.objects.filter(received_at__gte=timezone.now() - _FRESH)
    return list(found.only("terminal_id", "release").order_by("terminal_id"))


def keep_tallies(reports: Iterable[TerminalReport], versions: set[str]) -> None:
    """Keep what changed of the versions that are compared."""
    rows = ReleaseTally.objects.filter(version__in=versions)
    kept = {(row.terminal_id, row.version): row for row in rows}
    changed = []
    for report in reports:
        for version, tally in report.release.get("tallies", {}).items():
            if version not in versions:
                continue
            new = ReleaseTally(
                terminal_id=report.terminal_id,
                version=version,
                **{name: tally.get(name, 0) for name in COUNTS},
            )
            old = kept.get((report.terminal_id, version))
            if old is None or any(getattr(old, name) != getattr(new, name) for name in COUNTS):
                changed.append(new)
    ReleaseTally.objects.bulk_create(
        changed,
        batch_size=100,
        update_conflicts=True,
        unique_fields=["terminal", "version"],
        update_fields=COUNTS,
    )


def standing(of: Rollout, reports: Sequence[TerminalReport]) -> Standing:
    pinned = set(ReleasePin.objects.values_list("terminal_id", flat=True))
    share = [report.release for report in reports if _counts(of, report, pinned)]
    on_it = sum(said.get("version") == of.version and not said.get("trial") for said in share)
    returned = sum(of.version in said.get("failed", ()) for said in share)
    mine = ReleaseTally.objects.filter(version=of.version)
    terminals = set(mine.values_list("terminal_id", flat=True))
    before = list(ReleaseTally.objects.filter(version=of.previous))
    own = _sum(row for row in before if row.terminal_id in terminals)
    everybody = _sum(before)
    old: Counter[str] = Counter()
    for counted, per, _ in evidence.MEASURES.values():
        best = own if own[per] >= evidence.ENOUGH[per] else everybody
        # Of each measure the events and their exposure, from the same terminals.
        old[counted], old[f"{counted} {per}"] = best[counted], best[per]
    return Standing(len(share), on_it, returned, _sum(mine), old)


def _counts(of: Rollout, report: TerminalReport, pinned: set[str]) -> bool:
    """Whether a terminal is to have this version, and can: not one that runs from a checkout, or
    has a version of its own."""
    can = report.release.get("version") and report.terminal_id not in pinned
    return bool(can) and rollout.belongs(of, report.terminal_id)


def rates(found: Standing, counted: str, per: str) -> tuple[Rate, Rate]:
    """The new version's, and the old one's."""
    new, old = found.new, found.old
    return Rate(new[counted], new[per]), Rate(old[counted], old[f"{counted} {per}"])


def _sum(rows: Iterable[ReleaseTally]) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update({name: getattr(row, name) for name in COUNTS})
    return total


def _judge(of: Rollout, reports: Sequence[TerminalReport]) -> None:
    found = standing(of, reports)
    reason = _worse(of, found)
    if reason:
        rollout.roll_back("centre", reason)
        alarms.sound("release_halted", None, f"{of.version}: {reason}")
        return
    soaked = timezone.now() - of.share_since >= timedelta(hours=of.soak_hours)
    spread = found.reached > 0 and found.on_it >= _MOST * found.reached
    if soaked and spread and found.new["visits"] >= of.least_visits:
        rollout.advance()


def _worse(of: Rollout, found: Standing) -> str:
    """Why a version is halted; "" if it is not. Notes what was looked at."""
    tried, excused = found.on_it + found.returned, of.looks.get("returned", 0)
    if (found.returned - excused) * evidence.RETURNED_OF > tried:
        # Whoever lets it go on has looked into these.
        of.looks["returned"] = found.returned
        of.save(update_fields=["looks"])
        return f"returned {found.returned}/{tried}"
    for name, (counted, per, first) in evidence.MEASURES.items():
        new, old = rates(found, counted, per)
        look = evidence.look_at(new.exposure, first)
        if look <= of.looks.get(name, 0):
            continue
        of.looks[name] = look
        of.save(update_fields=["looks"])
        if evidence.is_worse(new, old, look):
            return f"{name} {new.events}/{new.exposure} {per}, was {old.events}/{old.exposure}"
    return ""
