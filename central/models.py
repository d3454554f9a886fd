"""What the centre keeps of terminals, cards and itself. What citizens submit: `central.cases`."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q


class Centre(models.Model):
    """The one row about the centre itself. Whoever locks it is alone with what it counts."""

    ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONE)
    #: Grows when the centre was restored from a backup (`central.standing`).
    epoch = models.BigIntegerField(default=1)
    #: Cases up to this position are kept elsewhere, too.
    backed_up_to = models.BigIntegerField(default=0)
    backed_up_at = models.DateTimeField(null=True)
    #: The highest number that any envelope key ever had.
    key_number = models.BigIntegerField(default=0)
    #: Up to this position `central.patterns` has looked.
    seen_to = models.BigIntegerField(default=0)
    #: Of the last terminal; Tangshan is 02 in Hebei, four digits follow.
    last_terminal = models.PositiveIntegerField(default=20000)
    #: Grows with everything that is decided about releases (`central.releases`).
    release_number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = "中心"

    def __str__(self) -> str:
        return "中心"

    @classmethod
    def locked(cls) -> Centre:
        """The row, locked until the end of the transaction that this runs in."""
        return cls.objects.select_for_update().get(pk=cls.ONE)


class Alarm(models.Model):
    """Something that a person must look into. One is open for each (kind, terminal, about)."""

    kind = models.CharField("种类", max_length=40)
    terminal = models.ForeignKey(
        "Terminal", models.CASCADE, null=True, blank=True, verbose_name="终端"
    )
    #: All three in one, because a database tells no two rows without a terminal alike.
    key = models.CharField(max_length=120, editable=False)
    #: What exactly, in a word or number: a key id, a receipt number. Nothing personal.
    about = models.CharField("涉及", max_length=60, blank=True)
    since = models.DateTimeField("首次发生", auto_now_add=True)
    last = models.DateTimeField("最近发生")
    times = models.PositiveIntegerField("次数", default=1)
    resolved_at = models.DateTimeField("处理时间", null=True, blank=True)
    resolved_by = models.CharField("处理人", max_length=150, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "告警"
        ordering: ClassVar = ["-last"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(resolved_at=None), name="alarm_open_once"
            )
        ]

    def __str__(self) -> str:
        return self.kind


class Terminal(models.Model):
    """One enrolled terminal and the public half of its key."""

    number = models.CharField("终端编号", max_length=6, primary_key=True)
    hall = models.CharField("所在场所", max_length=100, blank=True)
    key_id = models.CharField("密钥标识", max_length=16, unique=True, editable=False)
    public_key = models.BinaryField("公钥")
    enrolled_at = models.DateTimeField("登记时间", auto_now_add=True)
    enabled = models.BooleanField("启用", default=True)
    retired_at = models.DateTimeField("退役时间", null=True, editable=False)
    #: The key before this one, which is good until the terminal has used its new one; what it
    #: exported before is still taken.
    former_key_id = models.CharField(max_length=16, blank=True, editable=False, db_index=True)
    former_public_key = models.BinaryField(default=b"")
    former_good = models.BooleanField(default=False, editable=False)
    #: How many questions it has asked since when (`central.questions`).
    questions = models.PositiveIntegerField(default=0, editable=False)
    questions_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "终端"
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.hall}".strip()

    def key_named(self, key_id: str) -> bytes:
        """The public key with this id, now or before; b"" if it never had it."""
        of = {self.former_key_id: self.former_public_key, self.key_id: self.public_key}
        return bytes(of.get(key_id, b""))


class EnrolmentCode(models.Model):
    """A code worth one terminal. Only its hash is kept."""

    code_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField("生成时间", auto_now_add=True)
    expires_at = models.DateTimeField("有效期至")
    used_by = models.ForeignKey(
        Terminal, models.PROTECT, null=True, blank=True, verbose_name="已登记终端", related_name="+"
    )
    #: The terminal whose place the new one takes: it keeps the number, and with it its queue.
    replaces = models.ForeignKey(
        Terminal, models.PROTECT, null=True, blank=True, verbose_name="接替终端", related_name="+"
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
    oldest_s = models.PositiveIntegerField("最久等待（秒）", default=0)
    damaged_files = models.PositiveIntegerField("损坏文件", default=0)
    held = models.PositiveIntegerField("待备份", default=0)
    held_oldest_s = models.PositiveIntegerField("待备份最久（秒）", default=0)
    held_gone = models.PositiveIntegerField("未经确认备份已删除", default=0)
    copied = models.BooleanField("数据目录为复制品", default=False)
    known_epoch = models.BigIntegerField("所知中心纪元", default=0)
    known_position = models.BigIntegerField("所知中心最高序号", default=0)
    last_seq = models.BigIntegerField("最后发出的序号", default=0)
    set_back = models.PositiveIntegerField("数据目录被退回次数", default=0)
    later = models.JSONField("中心暂缓的原因", default=dict)
    health = models.JSONField("设备状态", default=list)
    health_age_s = models.PositiveIntegerField("设备状态时效（秒）", null=True)
    desired_version = models.CharField("已执行配置", max_length=40, blank=True)
    #: Whose policy packs it goes by; "" if it goes by the example of its program.
    region = models.CharField("地区", max_length=6, blank=True)
    #: `sync.wire.release.ReleaseReport`.
    release = models.JSONField("版本更新", default=dict)
    self_test_at = models.CharField("最近自检", max_length=40, blank=True)
    self_test_wrong = models.CharField("自检发现", max_length=200, blank=True)
    envelope_key_id = models.CharField("信封密钥", max_length=16)
    envelope_key_number = models.BigIntegerField("信封密钥编号", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "终端心跳"

    def __str__(self) -> str:
        return str(self.terminal_id)


class JournalCheckpoint(models.Model):
    """The signed end of a terminal's journal, and how it compared with the one before."""

    class Result(models.TextChoices):
        TAKEN = "taken", "一致"
        #: What was held before was dropped with age at the terminal; nothing could be compared.
        GAP = "gap", "无法比对（旧记录已到期）"
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
    result = models.CharField("比对结果", max_length=10, choices=Result)
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
        return cls.objects.filter(result=cls.Result.ALTERED, looked_into=False)

    @classmethod
    def looked_into_to(cls, terminal: Terminal) -> int:
        """The entry up to which an operator knows what is wrong with a journal; 0: none."""
        looked = cls.objects.filter(terminal=terminal, looked_into=True).first()
        return looked.seq if looked else 0

    @classmethod
    def held(cls, terminal: Terminal) -> JournalCheckpoint | None:
        """What the next checkpoint of a terminal is compared with."""
        agreed = Q(result__in=(cls.Result.TAKEN, cls.Result.GAP)) | Q(looked_into=True)
        return cls.objects.filter(agreed, terminal=terminal).first()


class DesiredService(models.Model):
    """A service closed by the centre, on all terminals or on one."""

    service_id = models.CharField("业务", max_length=60)
    terminal = models.ForeignKey(
        Terminal, models.CASCADE, null=True, blank=True, verbose_name="终端（空为全部）"
    )
    hall = models.CharField("场所（空为全部）", max_length=100, blank=True)
    reason = models.CharField("暂停原因（显示给群众）", max_length=60)
    closed = models.BooleanField("暂停办理", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "业务开关"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service_id", "terminal"], name="service_once"),
            models.UniqueConstraint(
                fields=["service_id", "hall"], condition=Q(terminal=None), name="service_once_in"
            ),
        ]

    def __str__(self) -> str:
        return self.service_id


class PolicyPack(models.Model):
    """One pack of rules as an authority set it and this centre signed it (`central.packs`).

    A row is never deleted, and its text never changes: receipts name its version.
    """

    region = models.CharField("地区", max_length=6)
    version = models.CharField("版本", max_length=40)
    effective = models.DateField("执行日期")
    source = models.TextField("依据")
    demo = models.BooleanField("演示数据")
    text = models.TextField("内容")
    #: Of `text` in UTF-8, and the signature that terminals check.
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    size = models.PositiveIntegerField("字节数")
    signature = models.BinaryField()
    issued_at = models.DateTimeField("下发时间", auto_now_add=True)
    issued_by = models.CharField("下发人", max_length=150, blank=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)
    withdrawn_by = models.CharField("撤回人", max_length=150, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "政策包"
        ordering: ClassVar = ["region", "-effective", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["region", "version"], name="pack_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.region} {self.version}"


class PartialEnvelope(models.Model):
    """A sealed envelope of which only the beginning has come."""

    #: Of the envelope, as this terminal says: another one may say the same.
    item = models.UUIDField("编号", editable=False)
    terminal = models.ForeignKey(Terminal, models.CASCADE, verbose_name="终端")
    total = models.PositiveIntegerField("总字节数")
    sealed = models.BinaryField()
    changed_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "未收完的信封"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terminal", "item"], name="partial_once")
        ]

    def __str__(self) -> str:
        return str(self.item)


class Unfinished(models.Model):
    """Answers that a citizen left for another day; see `central.business.unfinished`."""

    person = models.CharField(max_length=64)
    service = models.CharField(max_length=40)
    kept_at = models.DateTimeField(db_index=True)
    #: What the seal binds in.
    header = models.JSONField()
    sealed = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "service"], name="unfinished_one")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class PhoneUse(models.Model):
    """A telephone number that a case gives, as a keyed hash (`central.patterns`)."""

    phone = models.CharField(max_length=64)
    person = models.CharField(max_length=64)
    case = models.OneToOneField("Case", models.CASCADE, related_name="phone_use")
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["phone", "at"], name="phone_use")]

    def __str__(self) -> str:
        return str(self.pk)


class UnitList(models.Model):
    """附件2 of a unit (`central.unit_lists`): its people may apply from it until it is old."""

    unit = models.CharField("单位", max_length=100)
    made_at = models.DateTimeField("收到时间", auto_now_add=True)
    made_by = models.CharField("经办人", max_length=150, blank=True)
    until = models.DateField("保留至")

    class Meta:
        verbose_name = verbose_name_plural = "单位名册"
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.unit


class UnitRow(models.Model):
    """One person of a unit's list; sealed (`central.sealed`)."""

    of = models.ForeignKey(UnitList, models.CASCADE, related_name="rows")
    #: Keyed hash of the ID number. Nobody is on two lists.
    person = models.CharField(max_length=64, unique=True)
    header = models.JSONField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.pk)


class UnitListPrint(models.Model):
    """Somebody had a unit's list for print, whole names and ID numbers. It outlives the list."""

    number = models.BigIntegerField("名册")
    unit = models.CharField("单位", max_length=100)
    people = models.PositiveIntegerField("人数")
    by = models.CharField("打印人", max_length=150)
    at = models.DateTimeField("打印时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "名册打印记录"
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return str(self.pk)


class CardState(models.TextChoices):
    """Of a person's card, in the letters of the card management (domain §2.3). What leads from one
    to another: `central.card_states`."""

    NONE = "", "无卡"
    ISSUED = "0", "放号"
    NORMAL = "1", "正常"
    LOST = "2", "挂失"
    LOST_TEMPORARILY = "B", "临时挂失"
    CANCELLED_AFTER_LOSS = "3", "挂失后注销"
    CANCELLED = "4", "注销"
    NOT_ACTIVE = "A", "未启用"


class RegisteredPerson(models.Model):
    """参保人员库 of the demonstration (`central.ports.registry`): keyed hashes, no ID numbers."""

    person = models.CharField(max_length=64, primary_key=True, editable=False)
    name = models.CharField("姓名", max_length=50)
    insured = models.BooleanField("参保", default=True)
    deceased = models.BooleanField("已故", default=False)
    card_state = models.CharField(
        "卡状态", max_length=1, choices=CardState, default=CardState.NONE, blank=True
    )
    #: 9 characters, and the bank; "" without a card.
    card_no = models.CharField("卡号", max_length=9, blank=True)
    bank = models.CharField("合作银行", max_length=40, blank=True)
    card_made = models.DateField("制卡日期", null=True, blank=True)
    #: 2 or 3; 0 where it is not known.
    generation = models.PositiveSmallIntegerField("第几代卡", default=0)
    card_expires = models.DateField("有效期（二代卡）", null=True, blank=True)
    #: What is paid to the card's account, as codes of the policy pack.
    benefits = models.JSONField("发到卡上的待遇", default=list, blank=True)
    phone = models.CharField("联系电话", max_length=11, blank=True)
    address = models.CharField("通讯地址", max_length=100, blank=True)
    #: At a window or by the employer; what came from terminals is found in the cases.
    open_elsewhere = models.BooleanField("其他渠道已有申请", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "参保人员（演示）"

    def __str__(self) -> str:
        return self.name[:1] + "*" * (len(self.name) - 1)


class SentMessage(models.Model):
    """短信 of the demonstration (`central.ports.messages`): sent to nobody."""

    key = models.CharField(max_length=60, unique=True, editable=False)
    phone = models.CharField("手机号码", max_length=20)
    text = models.CharField("内容", max_length=200)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "短信（演示）"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.key


class CardBatch(models.Model):
    """Cards that are ordered of the 制卡公司 together (`central.card_batches`)."""

    id = models.UUIDField("批次", primary_key=True, default=uuid.uuid4, editable=False)
    made_at = models.DateTimeField("组批时间", auto_now_add=True)
    made_by = models.CharField("经办人", max_length=150, blank=True)
    #: None: the maker may not have it yet.
    handed_at = models.DateTimeField("交出时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "制卡批次"
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return str(self.pk)


class CardOrder(models.Model):
    """One card that is to be made."""

    #: None: it waits for the next batch.
    batch = models.ForeignKey(CardBatch, models.CASCADE, null=True, related_name="orders")
    case = models.ForeignKey("central.Case", models.PROTECT, related_name="card_orders")
    made_at = models.DateTimeField(auto_now_add=True)
    #: From then on the maker may have it, whether or not it was heard to say so.
    offered_at = models.DateTimeField(null=True)
    #: The words of the maker since then, and whether one of them was that it makes no card.
    heard = models.JSONField(default=list)
    back = models.BooleanField(default=False)
    #: Who wants it back of the maker, and why; "" once the maker has answered.
    recalled_by = models.CharField(max_length=150, blank=True)
    recalled_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "case"], name="card_order_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["recalled_by"], condition=~Q(recalled_by=""), name="card_order_recalled"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class DemoCardOrder(models.Model):
    """制卡公司 of the demonstration (`central.ports.card_maker`): makes nothing."""

    order = models.CharField("制卡单", max_length=40, unique=True, editable=False)
    batch = models.CharField("批次", max_length=36, editable=False)
    said = models.CharField(
        "回盘",
        max_length=20,
        blank=True,
        choices=[
            ("sent", "已寄出"),
            ("at_outlet", "已到网点"),
            ("incomplete", "需补件"),
            ("refused", "退回"),
            ("lost", "寄送途中遗失"),
            ("recalled", "已撤单"),
        ],
    )
    reason = models.CharField("原因", max_length=100, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "制卡公司（演示）"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.order


# Django finds the models of an app here.
from central.cases import Attachment, Case, Event, Task  # noqa: E402, F401
from central.fleet_models import Command, Crash, CrashGroup, Wanted  # noqa: E402, F401
from central.releases.models import ReleasePin, ReleaseTally, Rollout  # noqa: E402, F401
