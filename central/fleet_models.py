"""What the centre wants of terminals, what it told them to do, and where their programs broke."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from sync.wire.desired import ABOUT


class Wanted(models.Model):
    """One thing that is wanted of all terminals, of a hall's, or of one; the narrowest counts.

    | kind         | key           | value                                                |
    |--------------|---------------|------------------------------------------------------|
    | setting      | "hall.name"   | as `sync.wire.settings` reads it                     |
    | announcement | a short name  | {"zh": …, "en": …, "until": …}, or null: none here |
    | person       | "t001"        | {"roles": […], "pin": hash}; no roles: nobody here   |
    """

    class Kind(models.TextChoices):
        SETTING = "setting", "设置"
        ANNOUNCEMENT = "announcement", "公告"
        PERSON = "person", "维护人员"

    kind = models.CharField("种类", max_length=20, choices=Kind)
    key = models.CharField("名称", max_length=60)
    hall = models.CharField("场所", max_length=100, blank=True)
    terminal = models.ForeignKey(
        "Terminal", models.CASCADE, null=True, blank=True, verbose_name="终端"
    )
    #: All four in one, because a database tells no two rows without a terminal alike.
    slot = models.CharField(max_length=200, unique=True, editable=False)
    value = models.JSONField("内容", null=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)
    changed_by = models.CharField("修改人", max_length=150, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "下发配置"
        ordering: ClassVar = ["kind", "key", "hall", "terminal"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"


class Command(models.Model):
    """Something that one terminal is to do once (`sync.wire.desired`)."""

    id = models.UUIDField("编号", primary_key=True, default=uuid.uuid4, editable=False)
    terminal = models.ForeignKey(
        "Terminal", models.CASCADE, related_name="commands", verbose_name="终端"
    )
    kind = models.CharField("命令", max_length=40)
    arguments = models.JSONField("参数", default=dict, blank=True)
    made_at = models.DateTimeField("下达时间", auto_now_add=True)
    made_by = models.CharField("下达人", max_length=150, blank=True)
    expires_at = models.DateTimeField("有效期至")
    #: When the terminal first listed it.
    seen_at = models.DateTimeField("终端收到", null=True)
    #: `Outcome`; "" until then.
    outcome = models.CharField("结果", max_length=20, blank=True)
    detail = models.CharField("说明", max_length=200, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True)
    #: What the terminal signed, as it came; null for what the centre says itself.
    result = models.JSONField(null=True)
    attachment = models.BinaryField("附件", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "终端命令"
        ordering: ClassVar = ["-made_at"]
        indexes: ClassVar = [models.Index(fields=["terminal", "outcome"], name="command_open")]

    def __str__(self) -> str:
        return f"{self.terminal_id} {ABOUT.get(self.kind, self.kind)}"


class CrashGroup(models.Model):
    """Where programs of terminals broke: one row for each stack (`sync.wire.crash`)."""

    fingerprint = models.CharField("指纹", max_length=64, primary_key=True, editable=False)
    program = models.CharField("程序", max_length=20)
    error = models.CharField("异常", max_length=80)
    #: "file.py:12 function", the outermost first.
    stack = models.JSONField("调用栈", default=list)
    first = models.DateTimeField("首次发生", auto_now_add=True)
    resolved = models.BooleanField("已处理", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "程序崩溃"
        ordering: ClassVar = ["-first"]

    def __str__(self) -> str:
        return f"{self.program} {self.error}"


class Crash(models.Model):
    """One of them."""

    id = models.UUIDField("编号", primary_key=True, editable=False)
    group = models.ForeignKey(CrashGroup, models.CASCADE, related_name="crashes")
    terminal = models.ForeignKey("Terminal", models.CASCADE, verbose_name="终端")
    version = models.CharField("版本", max_length=60)
    at = models.DateTimeField("发生时间")

    class Meta:
        verbose_name = verbose_name_plural = "崩溃记录"
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return str(self.id)
