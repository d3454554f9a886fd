"""What the centre keeps.

An application holds what was signed, as it was signed (domain R-B9); photo and signature are kept
apart from it so that lists stay light. Card states are those of the card management (domain §2.3).
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q


class Terminal(models.Model):
    """One enrolled terminal and the public half of its key."""

    number = models.CharField("终端编号", max_length=6, primary_key=True)
    hall = models.CharField("所在场所", max_length=100, blank=True)
    key_id = models.CharField("密钥标识", max_length=16, unique=True, editable=False)
    public_key = models.BinaryField("公钥")
    enrolled_at = models.DateTimeField("登记时间", auto_now_add=True)
    enabled = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "终端"
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.hall}".strip()


class EnrolmentCode(models.Model):
    """A code worth one terminal. Only its hash is kept."""

    code_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField("生成时间", auto_now_add=True)
    expires_at = models.DateTimeField("有效期至")
    used_by = models.OneToOneField(
        Terminal, models.PROTECT, null=True, blank=True, verbose_name="已登记终端"
    )

    class Meta:
        verbose_name = verbose_name_plural = "登记码"

    def __str__(self) -> str:
        return f"登记码 {self.pk}"


class SeenNonce(models.Model):
    """A request that was seen, so that it is not taken twice. Kept as long as its time is valid."""

    terminal = models.ForeignKey(Terminal, models.CASCADE)
    nonce = models.CharField(max_length=64)
    seen_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terminal", "nonce"], name="nonce_once")
        ]


class CardExchange(models.Model):
    """A card that has proven itself at a terminal, which may open it once (`central.cards`)."""

    id = models.UUIDField("编号", primary_key=True, default=uuid.uuid4, editable=False)
    terminal = models.ForeignKey(Terminal, models.CASCADE, verbose_name="终端")
    #: Keyed hash of the 卡识别码.
    card = models.CharField(max_length=64)
    #: Keyed hash of its proof, which is good for one exchange.
    proof = models.CharField(max_length=64, unique=True, null=True)
    made_at = models.DateTimeField("认证时间", auto_now_add=True, db_index=True)
    used_at = models.DateTimeField("使用时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "卡片认证"

    def __str__(self) -> str:
        return str(self.id)


class CardAuthorisation(models.Model):
    """What an operator has allowed to be done to one card, once (`central.card_scripts`)."""

    class Purpose(models.TextChoices):
        RESET = "reset", "重置密码"
        UNBLOCK = "unblock", "解锁密码"

    code_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    #: Keyed hash of the 卡识别码, and what of it an operator recognises.
    card = models.CharField(max_length=64, editable=False)
    card_shown = models.CharField("卡识别码", max_length=20, editable=False)
    purpose = models.CharField("用途", max_length=10, choices=Purpose)
    made_at = models.DateTimeField("授权时间", auto_now_add=True)
    made_by = models.CharField("授权人", max_length=150, editable=False)
    expires_at = models.DateTimeField("有效期至", editable=False)
    used_at = models.DateTimeField("下发时间", null=True, editable=False)
    used_by = models.ForeignKey(
        Terminal, models.PROTECT, null=True, editable=False, verbose_name="下发终端"
    )
    #: Id of the script that was given out.
    script = models.UUIDField("脚本编号", null=True, unique=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "卡片密码授权"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.card_shown} {self.get_purpose_display()}"


class TerminalReport(models.Model):
    """The last heartbeat of a terminal."""

    terminal = models.OneToOneField(Terminal, models.CASCADE, primary_key=True, verbose_name="终端")
    sent_at = models.DateTimeField("终端时间")
    received_at = models.DateTimeField("收到时间")
    versions = models.JSONField("版本", default=dict)
    services = models.JSONField("业务状态", default=dict)
    queued = models.PositiveIntegerField("待上传", default=0)
    dead = models.PositiveIntegerField("无法上传", default=0)
    oldest_s = models.PositiveIntegerField("最久等待(秒)", default=0)
    damaged_files = models.PositiveIntegerField("损坏文件", default=0)
    health_age_s = models.PositiveIntegerField("设备状态时效(秒)", null=True)
    desired_version = models.CharField("已执行配置", max_length=40, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "终端心跳"

    def __str__(self) -> str:
        return str(self.terminal_id)


class DeviceHealth(models.Model):
    """One device of a terminal, as last reported."""

    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="devices")
    device = models.CharField("设备", max_length=200)
    state = models.CharField("状态", max_length=200)
    since = models.CharField("自", max_length=200, blank=True)
    fault = models.CharField("故障", max_length=200, blank=True)
    detail = models.CharField("说明", max_length=200, blank=True)
    serial = models.CharField("序列号", max_length=200, blank=True)
    firmware = models.CharField("固件", max_length=200, blank=True)
    counters = models.JSONField("计数", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "设备状态"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terminal", "device"], name="device_once")
        ]

    def __str__(self) -> str:
        return self.device


class JournalCheckpoint(models.Model):
    """The signed end of a terminal's journal, and how it compared with the one before."""

    class Standing(models.TextChoices):
        TAKEN = "taken", "一致"
        #: What was held before was dropped with age at the terminal; nothing could be compared.
        GAP = "gap", "无法比对(旧记录已到期)"
        ALTERED = "altered", "被改动"

    terminal = models.ForeignKey(
        Terminal, models.CASCADE, related_name="checkpoints", verbose_name="终端"
    )
    seq = models.BigIntegerField("日志条数")
    hash = models.CharField("末条哈希", max_length=64)
    made = models.DateTimeField("终端时间")
    received_at = models.DateTimeField("收到时间", auto_now_add=True)
    since_seq = models.BigIntegerField("对照条数")
    since_hash = models.CharField("对照哈希", max_length=64, blank=True)
    altered_seq = models.BigIntegerField("终端自查被改动的条目", default=0)
    signature = models.BinaryField()
    standing = models.CharField("比对结果", max_length=10, choices=Standing)
    looked_into = models.BooleanField("已查明", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "终端日志"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["terminal", "-id"], name="newest_first")]

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.seq}"

    @classmethod
    def open_contradictions(cls) -> models.QuerySet[JournalCheckpoint]:
        """Altered journals that nobody has looked into yet."""
        return cls.objects.filter(standing=cls.Standing.ALTERED, looked_into=False)

    @classmethod
    def looked_into_to(cls, terminal: Terminal) -> int:
        """The entry up to which an operator knows what is wrong with a journal; 0: none."""
        looked = cls.objects.filter(terminal=terminal, looked_into=True).first()
        return looked.seq if looked else 0

    @classmethod
    def held(cls, terminal: Terminal) -> JournalCheckpoint | None:
        """What the next checkpoint of a terminal is compared with."""
        agreed = Q(standing__in=(cls.Standing.TAKEN, cls.Standing.GAP)) | Q(looked_into=True)
        return cls.objects.filter(agreed, terminal=terminal).first()


class DesiredService(models.Model):
    """A service closed by the centre, on all terminals or on one."""

    service_id = models.CharField("业务", max_length=60)
    terminal = models.ForeignKey(
        Terminal, models.CASCADE, null=True, blank=True, verbose_name="终端(空为全部)"
    )
    reason = models.CharField("暂停原因(显示给群众)", max_length=60)
    closed = models.BooleanField("暂停办理", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "业务开关"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service_id", "terminal"], name="service_once"),
            models.UniqueConstraint(
                fields=["service_id"], condition=Q(terminal=None), name="service_once_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.service_id


class Person(models.Model):
    """参保人员库, as far as deciding an application needs it."""

    class Card(models.TextChoices):
        NONE = "", "无卡"
        ISSUED = "0", "放号"
        NORMAL = "1", "正常"
        LOST = "2", "挂失"
        LOST_TEMPORARILY = "B", "临时挂失"
        CANCELLED_AFTER_LOSS = "3", "挂失后注销"
        CANCELLED = "4", "注销"
        NOT_ACTIVE = "A", "未启用"

    id_number = models.CharField("身份证号", max_length=18, primary_key=True)
    name = models.CharField("姓名", max_length=50)
    insured = models.BooleanField("参保", default=True)
    deceased = models.BooleanField("已故", default=False)
    card_state = models.CharField(
        "卡状态", max_length=1, choices=Card, default=Card.NONE, blank=True
    )
    #: At a window or by the employer; applications of terminals are found in `Application`.
    open_elsewhere = models.BooleanField("其他渠道已有申请", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "参保人员"

    def __str__(self) -> str:
        return self.name


class ReceivedEnvelope(models.Model):
    """Every envelope that was ever decided, by its id: what makes each take effect once."""

    id = models.UUIDField("编号", primary_key=True, editable=False)
    terminal = models.ForeignKey(Terminal, models.PROTECT, verbose_name="终端")
    seq = models.BigIntegerField("序号")
    receipt_no = models.CharField("回执号", max_length=17, db_index=True)
    kind = models.CharField("种类", max_length=40)
    created = models.DateTimeField("提交时间")
    received_at = models.DateTimeField("收到时间", auto_now_add=True)
    sealed_sha256 = models.CharField(max_length=64)
    #: Kept only of an envelope that could not be used, for whoever looks into it.
    sealed = models.BinaryField(null=True)
    verdict = models.CharField("结果", max_length=20)
    rejection = models.CharField("拒绝类别", max_length=40, blank=True)
    reason = models.CharField("原因", max_length=60, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "收到的信封"

    def __str__(self) -> str:
        return self.receipt_no


class PartialEnvelope(models.Model):
    """A sealed envelope of which only the beginning has come."""

    id = models.UUIDField("编号", primary_key=True, editable=False)
    terminal = models.ForeignKey(Terminal, models.CASCADE, verbose_name="终端")
    total = models.PositiveIntegerField("总字节数")
    sealed = models.BinaryField()
    changed_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "未收完的信封"

    def __str__(self) -> str:
        return str(self.id)


class Application(models.Model):
    """首次申领 as it was signed."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "已受理"
        APPROVED = "approved", "审核通过"
        NEEDS_MORE = "needs_more", "需补件"
        RETURNED = "returned", "退回"
        WITHDRAWN = "withdrawn", "已撤回"
        FINISHED = "finished", "办结"

    #: While one of these, the person may not apply again.
    OPEN: ClassVar = [State.ACCEPTED, State.APPROVED, State.NEEDS_MORE]

    envelope = models.OneToOneField(
        ReceivedEnvelope, models.PROTECT, primary_key=True, verbose_name="信封"
    )
    receipt_no = models.CharField("受理号", max_length=17, unique=True)
    terminal = models.ForeignKey(Terminal, models.PROTECT, verbose_name="终端")
    state = models.CharField("状态", max_length=20, choices=State, default=State.ACCEPTED)
    accepted_at = models.DateTimeField("受理时间", auto_now_add=True)
    policy_version = models.CharField("政策版本", max_length=40)

    name = models.CharField("姓名", max_length=50)
    id_number = models.CharField("身份证号", max_length=18, db_index=True)
    sex = models.CharField("性别", max_length=1, choices={"1": "男", "2": "女"})
    birth = models.DateField("出生日期")
    ethnic = models.CharField("民族代码", max_length=2)
    special_group = models.CharField("特殊人群标志", max_length=40)
    phone = models.CharField("联系电话", max_length=11)
    address = models.CharField("通讯地址", max_length=100)
    bank = models.CharField("合作银行", max_length=40)
    outlet = models.CharField("领卡网点", max_length=40)
    pickup = models.CharField("领取方式", max_length=40)
    #: Every field as it was signed; the columns above are drawn from it.
    form = models.JSONField("登记表原文")
    form_sha256 = models.CharField("登记表哈希", max_length=64)
    consents = models.JSONField("知情同意")
    #: Words of `central.photos.REASONS`: why a person should look at the photo.
    review = models.JSONField("照片需人工审核", default=list)

    class Meta:
        verbose_name = verbose_name_plural = "首次申领"
        ordering: ClassVar = ["-accepted_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["id_number"],
                condition=Q(state__in=["accepted", "approved", "needs_more"]),
                name="one_open_application",
            )
        ]

    def __str__(self) -> str:
        return self.receipt_no


class Photo(models.Model):
    """The card photo, the very bytes the signed hash is of, and what is known about it."""

    application = models.OneToOneField(Application, models.CASCADE, primary_key=True)
    jpeg = models.BinaryField()
    #: The camera frame it was cut from, JPEG; None from a terminal that sent none.
    frame = models.BinaryField(null=True)
    #: `sync.messages.PhotoEvidence` as the terminal claims it, without pictures.
    claimed = models.JSONField(default=dict)
    #: Rule id -> {"value", "verdict"} as the centre measured the bytes itself; empty if it did not.
    measured = models.JSONField(default=dict)


class Signature(models.Model):
    """The signature and what it is bound to."""

    application = models.OneToOneField(Application, models.CASCADE, primary_key=True)
    png = models.BinaryField()
    signed_at = models.CharField(max_length=40)
    strokes_sha256 = models.CharField(max_length=64, blank=True)
    binding_sha256 = models.CharField(max_length=64)
