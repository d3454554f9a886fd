"""What nobody reports and is looked for once a minute: gaps, what waits too long, what is old."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, Max, OuterRef
from django.utils import timezone

from central import alarms, card_batches, crashes, patterns
from central.business import businesses, sweeps
from central.cases import Case
from central.machine import NotPossible, move
from central.models import Centre, RegisteredPerson, TerminalReport
from central.ports import NotNow
from central.releases import watch
from central.signatures import forget_old_nonces

if TYPE_CHECKING:
    from central.models import Terminal

log = logging.getLogger(__name__)

#: What a terminal waits for because the centre put it off, or was not backed up, longer than this
#: is an alarm, seconds.
PUT_OFF_S = 3600

#: A report older than this says nothing about now.
_FRESH = timedelta(minutes=10)

#: An alarm has room for so many gaps.
_NAMED = 10


def sweep() -> None:
    """One look at everything, first at releases: a bad one must not go on. What fails keeps nothing
    else from being looked at, and is raised at the end."""
    looks = (watch.look, forget_old_nonces, crashes.forget_old, *sweeps(), patterns.look)
    failed: list[Exception] = []
    for look in (*looks, card_batches.look, _reports, _gaps, _lapses):
        try:
            look()
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
    if failed:
        raise failed[0]
    if RegisteredPerson.objects.exists():
        alarms.resolve("no_registry")


def _lapses() -> None:
    """Move on what ends by itself. One that cannot keeps no other from it, nor the rest of a look;
    it is tried again with the next."""
    now = timezone.now()
    for business in businesses().values():
        if not business.lapsing:
            continue
        old = Case.objects.filter(
            kind=business.kind, state__in=business.lapsing, since__lte=now - business.lapses_after()
        )
        for case in old.order_by("position").iterator():
            lapse = business.lapse(case)
            if lapse is None or now - case.since < lapse[0]:
                continue
            try:
                move(case.position, lapse[1], by="centre", note="lapsed")
            except (NotPossible, NotNow) as error:
                if not old.filter(pk=case.pk).exists():
                    continue  # somebody else moved it meanwhile
                log.warning("case %d does not lapse: %s", case.position, error)
                alarms.sound("not_lapsed", None, f"{case.receipt_no} {error}")


def _reports() -> None:
    highest = Centre.objects.values_list("key_number", flat=True).get(pk=Centre.ONE)
    fresh = TerminalReport.objects.filter(received_at__gte=timezone.now() - _FRESH)
    for report in fresh.select_related("terminal"):
        for reason, age_s in report.later.items():
            if isinstance(age_s, int) and age_s > PUT_OFF_S:
                alarms.sound("put_off", report.terminal, str(reason))
        if report.envelope_key_number > highest:
            # The centre's keys are from a backup: the next one must be newer than the lost one.
            Centre.objects.filter(pk=Centre.ONE, key_number__lt=report.envelope_key_number).update(
                key_number=report.envelope_key_number
            )
            alarms.sound("key_number", report.terminal, report.envelope_key_id)


def _gaps() -> None:
    """A terminal that has nothing left to send, and whose numbers are not all here."""
    idle = TerminalReport.objects.filter(
        received_at__gte=timezone.now() - _FRESH, queued=0, dead=0
    ).select_related("terminal")
    reports = {report.terminal_id: report for report in idle}
    counted = (
        Case.objects.filter(terminal__in=reports)
        .values("terminal")
        .annotate(last=Max("seq"), here=Count("seq", distinct=True), newest=Max("received_at"))
    )
    for row in counted:
        report = reports[row["terminal"]]
        missing = row["last"] - row["here"]
        if missing > 0 and report.received_at > row["newest"]:
            # The same gap has the same words, however many numbers come after it.
            about = f"{missing}: {', '.join(_missing(report.terminal))}"
            alarms.sound("sequence_gap", report.terminal, about, once=True)


def _missing(terminal: Terminal) -> list[str]:
    """The first numbers that are missing, as "7" or "2-5"."""
    cases = Case.objects.filter(terminal=terminal)
    neighbour = {step: cases.filter(seq=OuterRef("seq") + step) for step in (-1, 1)}

    def edges(step: int) -> list[int]:
        alone = cases.filter(~Exists(neighbour[step])).order_by("seq")
        return list(alone.values_list("seq", flat=True).distinct()[:_NAMED])

    found = []
    for before, after in zip([0, *edges(+1)], edges(-1), strict=False):
        if after - before == 2:
            found.append(str(after - 1))
        elif after - before > 2:
            found.append(f"{before + 1}-{after - 1}")
    return found
