"""Work after the commit: the photo is measured, the portrait goes, the citizen is told, alarms are
looked for.

A task is a row that is committed together with its case. Several workers may run: on PostgreSQL
each takes rows that no other has (SKIP LOCKED); on SQLite there is one. A task that fails comes
again later, each time after a longer pause; after some tries an alarm says so, and it goes on.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from central import alarms, card_numbers, notices, portrait
from central.cases import Task

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: Pause after the first failure; doubled each time up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)

#: Whoever takes a task has it for so long: more than the largest photo needs on a slow machine.
_LEASE = timedelta(minutes=10)

#: After so many failures an alarm is raised.
_PATIENCE = 5

#: Priority of the worker's thread (nice).
_BEHIND = 10

#: A worker looks for work this often, seconds; and this often for what nobody reports.
_TICK_S, _SWEEP_S = 0.5, 60.0


def run_due(limit: int = 100) -> int:
    """Do what is due; returns how many tasks were tried."""
    for done in range(limit):
        if not _run_one():
            return done
    return limit


def _run_one() -> bool:
    with transaction.atomic():
        due = Task.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        task = due.first()
        if task is None:
            return False
        # Others leave it alone while it runs, and if this worker dies it comes again.
        task.tries += 1
        task.due_at = timezone.now() + _LEASE
        task.save(update_fields=["tries", "due_at"])
    try:
        PERFORMERS[task.name](task.case_id)
    except Exception as error:  # noqa: BLE001 - logged, and the task comes again
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("task %s of %s: %s\n%s", task.name, task.case_id, type(error).__name__, where)
        again = timezone.now() + _pause(task.tries)
        Task.objects.filter(pk=task.pk).update(error=type(error).__name__, due_at=again)
        if task.tries >= _PATIENCE:
            alarms.sound("task_failed", None, task.name)
    else:
        task.delete()
    return True


def _pause(tries: int) -> timedelta:
    longer: timedelta = _FIRST_PAUSE * 2 ** min(tries - 1, 20)
    return min(_LONGEST_PAUSE, longer)


def _photo(position: int) -> None:
    """Measure the card photo; what a person must look at brings the case to 待核实."""
    from central.photo_check import check  # brings numpy and more with it

    check(position)


def _portrait(position: int) -> None:
    """The ID card's portrait goes, if nobody has to compare with it any more."""
    portrait.forget(position)


def _notice(position: int) -> None:
    """The citizen is told by 短信 where the case stands."""
    notices.send(position)


def _notice_before(position: int) -> None:
    """The telephone number before it is told that there is another one."""
    notices.send_to_the_one_before(position)


def _card_number(position: int) -> None:
    """The number of a new card is asked of who made it."""
    card_numbers.fetch(position)


#: Name of a task -> what is done with the position of its case.
PERFORMERS: dict[str, Callable[[int], None]] = {
    "photo": _photo,
    "portrait": _portrait,
    notices.TASK: _notice,
    card_numbers.TASK: _card_number,
    notices.TASK_BEFORE: _notice_before,
}


class Worker(threading.Thread):
    """Does what is due beside the server, until it is stopped."""

    def __init__(self, sweep: Callable[[], None]) -> None:
        super().__init__(name="work", daemon=True)
        self._stop_now = threading.Event()
        self._sweep = sweep

    def run(self) -> None:
        # What measures photos goes behind what answers terminals: a thread has its own priority.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)
        waited = _SWEEP_S
        while not self._stop_now.wait(_TICK_S):
            try:
                close_old_connections()
                run_due()
                waited += _TICK_S
                if waited >= _SWEEP_S:
                    waited = 0.0
                    self._sweep()
            except Exception as error:  # noqa: BLE001 - logged; the database may be away
                log.error("work: %s", type(error).__name__)

    def stop(self) -> None:
        self._stop_now.set()
