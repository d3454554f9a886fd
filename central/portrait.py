"""The portrait of an ID card's chip goes as soon as nobody has to compare with it any more.

A citizen agrees that it is compared, and not that it is kept. It goes once the centre has compared
and nobody must look because of the face, or once a person who had to look has decided. Row and file
go in one transaction, as work after a commit (`central.work`); that it went is in the history.
"""

from __future__ import annotations

from django.db import transaction

from central import storage
from central.cases import TO_REVIEW, Attachment, Case, add_tasks, record
from central.locks import lock_person

#: Name of the attachment, and of the task.
PORTRAIT, TASK = storage.PORTRAIT, "portrait"

#: Reasons for which somebody compares by eye.
_OF_THE_FACE = {
    "face_not_compared",
    "face_declined",
    "face_unsure",
    "face_mismatch",
    "comparison_disagrees",
}


def add_task(case: Case) -> None:
    """Have it looked at after the commit whether the portrait of this case may go."""
    if _is_measured(case) and case.attachments.filter(name=PORTRAIT).exists():
        add_tasks([(case, TASK)])


def forget(position: int) -> None:
    """Let the portrait go, if it may; may be called again. Raises `OSError`."""
    with transaction.atomic():
        # Who sends the same portrait again has the same lock (`central.intake`).
        lock_person(Case.objects.values_list("person", flat=True).get(pk=position))
        case = Case.objects.select_for_update().get(pk=position)
        found = case.attachments.filter(name=PORTRAIT).first()
        if found is None or not _may_go(case):
            return
        found.delete()
        record(case, "centre", "forgotten", "身份证芯片相片")
        if not Attachment.objects.filter(sha256=found.sha256).exists():
            storage.remove(found.sha256)


def _may_go(case: Case) -> bool:
    """Whether the centre has looked, and nobody who has to compare still waits."""
    if not _is_measured(case):
        return False
    return case.state != TO_REVIEW or not _OF_THE_FACE & set(case.review)


def _is_measured(case: Case) -> bool:
    return "photo" in case.findings
