"""What the centre keeps of releases: who gets which, and what happened at whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Rollout(models.Model):
    """One version on its way into the fleet. The newest of them says what terminals should have."""

    class State(models.TextChoices):
        RUNNING = "running", "发布中"
        #: It reaches nobody more; who has it keeps it.
        PAUSED = "paused", "已暂停"
        #: Who has it goes back to the version before.
        HALTED = "halted", "已停止并退回"
        DONE = "done", "全部终端"

    version = models.CharField("版本", max_length=40)
    #: What the fleet had before; "": nothing that was released.
    previous = models.CharField("上一版本", max_length=40, blank=True)
    state = models.CharField("状态", max_length=10, choices=State, default=State.RUNNING)
    #: Index in `central.releases.rollout.SHARES`, and since when.
    share = models.PositiveSmallIntegerField(default=0)
    share_since = models.DateTimeField("本阶段开始")
    #: It stays at a share so long at least, and until so many visits ended.
    soak_hours = models.PositiveIntegerField("每阶段小时数", default=24)
    least_visits = models.PositiveIntegerField("每阶段最少办理次数", default=20)
    #: Belongs to every share, so that a small fleet has a first cohort, too.
    first = models.CharField("首台终端", max_length=6, blank=True)
    #: Measure -> how often it was looked at (`central.releases.evidence`).
    looks = models.JSONField(default=dict)
    reason = models.CharField("原因", max_length=200, blank=True)
    started_at = models.DateTimeField("开始时间", auto_now_add=True)
    changed_at = models.DateTimeField("变更时间", auto_now=True)
    changed_by = models.CharField("操作人", max_length=150, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "版本发布"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.version


class ReleasePin(models.Model):
    """One terminal has a version of its own, whatever the fleet has."""

    terminal = models.OneToOneField(
        "central.Terminal", models.CASCADE, primary_key=True, verbose_name="终端"
    )
    version = models.CharField("版本", max_length=40)
    by = models.CharField("操作人", max_length=150, blank=True)
    at = models.DateTimeField("时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "指定版本"

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.version}"


class ReleaseTally(models.Model):
    """What happened at one terminal while it ran one version, as it last said
    (`sync.wire.release.Tally`)."""

    terminal = models.ForeignKey("central.Terminal", models.CASCADE, verbose_name="终端")
    version = models.CharField("版本", max_length=40)
    minutes = models.PositiveIntegerField(default=0)
    visits = models.PositiveIntegerField(default=0)
    unfinished = models.PositiveIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terminal", "version"], name="tally_once")
        ]
        indexes: ClassVar = [models.Index(fields=["version"], name="tally_version")]

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.version}"
