"""How far what the centre keeps is safe, and which life of the centre this is.

Terminals keep what they sent until `backed_up_to` has reached its position. It moves

- with each backup: `python -m central backup`, or `backed-up` after an operator's own;
- with the commit, where nothing else is declared (`KIOSK_CENTRAL_BACKUP=commit`): in a
  demonstration, and where a synchronous standby has what is committed.

A position is safe only if every lower one is committed, too. Positions are given while a row is
inserted, so whoever has the table for a moment without an insertion going on knows that.

After a restore the centre has forgotten what came after the backup. `restored` begins a new epoch,
and terminals send again what they still keep. Epochs are times, so they grow even where the whole
machine was set back.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from central.cases import Case, Task
from central.keys import keyring
from central.models import Centre
from sync.wire.envelopes import Standing


def standing(at_least: int = 0) -> Standing:
    """Signed. `at_least`: a position that was committed just now."""
    centre = Centre.objects.get(pk=Centre.ONE)
    backed_up_to = centre.backed_up_to
    if settings.BACKUP == "commit":
        backed_up_to = max(backed_up_to, highest_position(), at_least)
    unsigned = Standing.unsigned(
        epoch=centre.epoch,
        backed_up_to=backed_up_to,
        at=timezone.localtime().isoformat(timespec="seconds"),
    )
    return keyring().signed(unsigned)


def highest_position() -> int:
    """Of the cases that are here; 0 without any."""
    return Case.objects.aggregate(newest=Max("position"))["newest"] or 0


def epoch() -> int:
    return Centre.objects.values_list("epoch", flat=True).get(pk=Centre.ONE)


def safe_position() -> int:
    """The highest position such that it and all below are committed: take it before a backup."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # Waits for those who insert, and keeps others out for the moment of the question.
                cursor.execute("LOCK TABLE central_case IN SHARE MODE")
        # SQLite has one writer, and this transaction is it (`transaction_mode`).
        return highest_position()


def backed_up(position: int) -> None:
    """Everything up to this position is kept elsewhere. Raises `ValueError` if it is not here."""
    if position > safe_position():
        raise ValueError("the centre has no such position")
    with transaction.atomic():
        centre = Centre.locked()
        centre.backed_up_to = max(centre.backed_up_to, position)
        centre.backed_up_at = timezone.now()
        centre.save()


def restored() -> int:
    """Begin a new epoch; returns it. To be called before the server runs again."""
    with transaction.atomic():
        # Nobody is at what the backup found begun.
        Task.objects.update(due_at=timezone.now())
        centre = Centre.locked()
        centre.epoch = max(centre.epoch + 1, int(time.time()))
        # What the backup holds was not lost: it is still kept there.
        centre.save()
    return centre.epoch
