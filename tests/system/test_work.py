"""Work after the commit: who takes a task, for how long, and when it comes again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from central.photos import Findings

if TYPE_CHECKING:
    import pytest

    from tests.system.in_process import Centre


def test_a_task_that_takes_long_is_done_by_one_server(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one measures a large photo on a slow machine, another looks for work."""
    from central import work
    from central.cases import Task

    measured: list[int] = []

    def slow(position: int) -> None:
        measured.append(position)
        # Five minutes go by.
        for task in Task.objects.filter(case_id=position):
            task.due_at -= timedelta(minutes=5)
            task.save()
        if len(measured) < 5:
            work.run_due()

    Task.objects.all().delete()  # of other tests in this database
    monkeypatch.setitem(work.PERFORMERS, "photo", slow)
    case = centre.applied(centre.holder(""), 0)
    work.run_due()
    assert measured == [case.position]
    assert not Task.objects.filter(case_id=case.position, name="photo").exists()


def test_what_a_backup_found_begun_is_begun_again_at_once_after_a_restore(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is at it any more: a photo waited ten minutes for that to be seen."""
    from central import standing, work
    from central.cases import Task

    Task.objects.all().delete()  # of other tests in this database
    done: list[int] = []
    monkeypatch.setitem(work.PERFORMERS, "photo", done.append)
    case = centre.applied(centre.holder(""), 0)
    Task.objects.update(due_at=timezone.now() + work._LEASE, tries=1)
    work.run_due()
    assert done == []
    standing.restored()
    work.run_due()
    assert done == [case.position]


def test_workers_that_look_at_once_share_the_tasks(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None waits for what another has taken, and nothing is done twice."""
    from django.db import connection, connections, transaction

    from central import work
    from central.cases import Task

    Task.objects.all().delete()
    done: list[int] = []
    monkeypatch.setitem(work.PERFORMERS, "photo", done.append)
    wanted = sorted(centre.applied(centre.holder(""), minute).position for minute in range(6))
    others: list[int] = []

    def look() -> None:
        try:
            others.append(work.run_due())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(2)]
    if connection.features.has_select_for_update_skip_locked:
        with transaction.atomic():
            # As one that has taken the first and is about to say so.
            held = Task.objects.select_for_update().order_by("due_at").first()
            assert held is not None
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(50)
            assert (sum(others), len(done)) == (5, 5)
        work.run_due()
    else:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
    assert sorted(done) == wanted


def test_a_task_that_failed_comes_again_after_its_pause(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import work
    from central.cases import Task

    def broken(_: int) -> None:
        raise OSError("disk")

    work.run_due()
    monkeypatch.setitem(work.PERFORMERS, "photo", broken)
    case = centre.applied(centre.holder(""), 0)
    Task.objects.exclude(name="photo").delete()
    pauses = []
    for _ in range(3):
        before = timezone.now()
        assert work.run_due() == 1
        task = Task.objects.get(case_id=case.position)
        pauses.append(round((task.due_at - before).total_seconds()))
        assert (task.error, task.tries) == ("OSError", len(pauses))
        Task.objects.filter(pk=task.pk).update(due_at=before)
    assert pauses == [10, 20, 40]
    Task.objects.all().delete()


def test_what_was_found_while_the_photo_was_measured_is_kept(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import photo_check
    from central.cases import Case

    case = centre.applied(centre.holder(""), 0)

    def meanwhile(*_: object) -> Findings:
        Case.objects.filter(pk=case.position).update(findings={"registry": "asked"})
        return Findings(review=[])

    monkeypatch.setattr("central.photos.examine", meanwhile)
    photo_check.check(case.position)
    found = Case.objects.get(pk=case.position).findings
    assert set(found) == {"registry", "photo"}
    assert found["registry"] == "asked"
