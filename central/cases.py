"""Cases: what every business is at the centre (DESIGN.md idea 5).

A case is one envelope that was opened: who sent it, what was in it, what the terminal was told, and
where it stands. Its business (`central.business`) declares the states and what may follow what;
`central.machine.move` is the only way from one to another, and each move leaves an `Event`. Nothing
opened is ever thrown away: what is refused is a case too, so whoever holds a receipt can be found
and called.

The person is a keyed hash of the ID number. The number itself stands only inside the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The state in which a person must look, in every business: 待核实.
TO_REVIEW = "to_review"

#: The states of what the terminal was told is refused (不予受理) or there already (重复).
NOT_TAKEN_IN = ("refused", "duplicate")


class Case(models.Model):
    """One transaction of a citizen, and what becomes of it."""

    #: Grows with everything the centre keeps; terminals forget by it.
    position = models.BigAutoField(primary_key=True)
    #: Of the envelope: it takes effect once.
    id = models.UUIDField("编号", unique=True, editable=False)
    kind = models.CharField("业务", max_length=40)
    terminal = models.ForeignKey("central.Terminal", models.PROTECT, verbose_name="终端")
    hall = models.CharField("场所", max_length=100, blank=True)
    seq = models.BigIntegerField("序号")
    #: Two cases have the same one if a terminal was cloned; an alarm says so.
    receipt_no = models.CharField("回执号", max_length=17)
    #: Keyed hash of the ID number (`central.keys`).
    person = models.CharField(max_length=64)
    created = models.DateTimeField("提交时间")
    received_at = models.DateTimeField("收到时间", auto_now_add=True)

    state = models.CharField("状态", max_length=20)
    since = models.DateTimeField("状态起始")
    #: Why a person must look, as codes; their words are the business's and the photo's.
    review = models.JSONField("待核实原因", default=list)
    #: The open case of the same person that was there before.
    earlier = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    #: What the terminal was told, and is told again.
    sealed_sha256 = models.CharField(max_length=64)
    verdict = models.CharField(max_length=20)
    rejection = models.CharField("拒绝类别", max_length=40, blank=True)
    reason = models.CharField("原因", max_length=60, blank=True)

    #: `sync.wire.contents.Contents` as it was opened, without the attachments.
    contents = models.JSONField()
    #: What the centre found out about it later, e.g. the measured photo.
    findings = models.JSONField(default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "业务办件"
        ordering: ClassVar = ["-position"]
        permissions: ClassVar = [("decide_case", "可以处理业务办件")]
        indexes: ClassVar = [
            models.Index(fields=["receipt_no"], name="case_receipt"),
            models.Index(fields=["person", "kind", "-position"], name="case_person"),
            models.Index(fields=["kind", "state", "-position"], name="case_kind_state"),
            models.Index(fields=["state", "-position"], name="case_state"),
            models.Index(fields=["terminal", "seq"], name="case_terminal"),
        ]

    def __str__(self) -> str:
        return self.receipt_no


class Event(models.Model):
    """Something that happened to a case. Never changed."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="events")
    at = models.DateTimeField("时间", auto_now_add=True)
    #: Who: a user's name, or "centre".
    by = models.CharField("人员", max_length=150)
    #: "received", "moved", "opened", "forgotten", "noted" (another reason for review, without a
    #: move), "notified" (by 短信), or a word of the business.
    what = models.CharField("事项", max_length=40)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.what


class Attachment(models.Model):
    """A file of a case, by its hash (`central.storage`)."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "name"], name="attachment_once")
        ]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """Something to do after the commit (`central.work`)."""

    #: Name in `central.work.PERFORMERS`.
    name = models.CharField("任务", max_length=40)
    case = models.ForeignKey(Case, models.CASCADE, related_name="tasks")
    made_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    #: The class of the last error, never its text: that may be personal.
    error = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], name="task_due")]

    def __str__(self) -> str:
        return self.name


def record(case: Case, by: str, what: str, note: str = "", *, to: str = "") -> Event:
    """One line of a case's history."""
    return Event.objects.create(
        case=case,
        by=by,
        what=what,
        note=note[:200],
        from_state=case.state if to else "",
        to_state=to,
    )


def came_from(case: Case) -> str:
    """From which state it has just been moved; its own where it has just arrived."""
    return str(case.events.exclude(to_state="").latest("id").from_state)


def add_tasks(wanted: Iterable[tuple[Case, str]]) -> None:
    """Have these done, by case and name, once the transaction is committed (`central.work`)."""
    now = timezone.now()
    Task.objects.bulk_create(Task(name=name, case=case, due_at=now) for case, name in wanted)
