"""The operators' pages that Django makes: terminals to watch, alarms, services to close. Cases have
pages of their own (`central.desk`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.html import format_html_join

from central import card_scripts, fleet_admin, packs
from central.alarms import WORDS
from central.masking import masked_name, masked_phone
from central.models import (
    Alarm,
    CardAuthorisation,
    DemoCardOrder,
    DesiredService,
    EnrolmentCode,
    JournalCheckpoint,
    PolicyPack,
    RegisteredPerson,
    SentMessage,
    Terminal,
    TerminalReport,
)
from central.services import services
from sync.marks import EVERYTHING

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: A terminal not heard of for so long is shown as lost, seconds: three heartbeats.
LOST_AFTER_S = 200


class ReadOnly:
    """What terminals and citizens said is not edited here."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Terminal)
class TerminalAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("number", "hall", "contact", "queue", "troubles", "journal", "enabled")
    list_filter = ("enabled", "hall")
    search_fields = ("number", "hall")
    readonly_fields = ("number", "key_id", "enrolled_at", "contact", "queue", "report")
    fields = ("number", "hall", "enabled", "enrolled_at", "key_id", "contact", "queue", "report")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Terminal]:
        queryset: QuerySet[Terminal] = super().get_queryset(request)
        altered = JournalCheckpoint.open_contradictions().filter(terminal=OuterRef("pk"))
        newest = JournalCheckpoint.objects.filter(terminal=OuterRef("pk")).values("seq")[:1]
        return queryset.select_related("terminalreport").annotate(
            journal_altered=Exists(altered), journal_seq=Subquery(newest)
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Commands, for who may change a terminal."""
        found: dict[str, Any] = super().get_actions(request)
        return found | fleet_admin.actions() if self.has_change_permission(request) else found

    @admin.display(description="最近心跳")
    def contact(self, terminal: Terminal) -> str:
        report = getattr(terminal, "terminalreport", None)
        if report is None:
            return "从未联系"
        age_s = int((timezone.now() - report.received_at).total_seconds())
        return f"{age_s} 秒前" + (" · 失联" if age_s > LOST_AFTER_S else "")

    @admin.display(description="待上传 / 无法上传")
    def queue(self, terminal: Terminal) -> str:
        report = getattr(terminal, "terminalreport", None)
        return f"{report.queued} / {report.dead}" if report else "–"

    @admin.display(description="设备故障")
    def troubles(self, terminal: Terminal) -> str:
        report = getattr(terminal, "terminalreport", None)
        rows = report.health if report else []
        return "、".join(f"{row['device']}:{row['fault']}" for row in rows if row["fault"]) or "无"

    @admin.display(description="日志")
    def journal(self, terminal: Any) -> str:
        if terminal.journal_altered:
            return "被改动"
        return f"{terminal.journal_seq} 条" if terminal.journal_seq else "–"

    @admin.display(description="上报内容")
    def report(self, terminal: Terminal) -> SafeString | str:
        report = getattr(terminal, "terminalreport", None)
        if report is None:
            return "–"
        lines = [*report.versions.items(), *report.services.items()]
        lines += [
            ("中心暂缓", f"{WORDS.get(reason, reason)}，最久 {age_s // 60} 分钟")
            for reason, age_s in report.later.items()
        ]
        if report.self_test_at:
            lines += [("最近自检", f"{report.self_test_at} {report.self_test_wrong or '正常'}")]
        lines += [(row["device"], " ".join(filter(None, _device(row)))) for row in report.health]
        return format_html_join("", "<div>{}：{}</div>", lines)


def _device(row: dict[str, Any]) -> tuple[str, ...]:
    counters = ", ".join(f"{name} {count}" for name, count in row["counters"].items())
    return row["state"], row["since"], row["fault"], row["detail"], counters


@admin.register(JournalCheckpoint)
class JournalCheckpointAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("terminal", "seq", "result", "looked_into", "received_at", "made")
    list_filter = ("result", "looked_into", "terminal")
    exclude = ("signature",)
    actions = ("mark_looked_into",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A checkpoint is evidence; only the action below says that somebody has seen it."""
        return obj is None and super().has_change_permission(request)

    @admin.action(description="已查明，从这里起重新比对")
    def mark_looked_into(self, request: HttpRequest, chosen: QuerySet[JournalCheckpoint]) -> None:
        altered = chosen.filter(result=JournalCheckpoint.Result.ALTERED)
        self.message_user(request, f"{altered.update(looked_into=True)} 条已标记")


class ServiceForm(forms.ModelForm):
    """A service is chosen by its name: a mistyped id would close nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "service_id" in self.fields:  # not in the list, which is edited as well
            known = {self.instance.service_id: self.instance.service_id} | services()
            known |= {EVERYTHING: "全部业务"}
            words = [(id_, f"{name} ({id_})") for id_, name in known.items() if id_]
            self.fields["service_id"] = forms.ChoiceField(
                label="业务", choices=[("", "请选择"), *words]
            )
            self.fields["hall"] = fleet_admin.hall_field()


@admin.register(DesiredService)
class DesiredServiceAdmin(admin.ModelAdmin):
    form = ServiceForm
    list_display = ("service_id", "name", "hall", "terminal", "closed", "reason")
    list_editable = ("closed", "reason")

    @admin.display(description="名称")
    def name(self, rule: DesiredService) -> str:
        known = services() | {EVERYTHING: "全部业务"}
        return known.get(rule.service_id, "没有这项业务")


@admin.register(PolicyPack)
class PolicyPackAdmin(ReadOnly, admin.ModelAdmin):
    """Issued and withdrawn by `python -m central policy-pack`; here they are looked at."""

    list_display = (
        *("version", "region", "effective", "state", "terminals", "demo"),
        *("issued_at", "issued_by", "withdrawn_at", "withdrawn_by"),
    )
    list_filter = ("region",)
    exclude = ("signature",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="状态")
    def state(self, pack: PolicyPack) -> str:
        return packs.STATES[packs.state_of(pack)]

    @admin.display(description="正在执行的终端")
    def terminals(self, pack: PolicyPack) -> int:
        """By their last heartbeat; what is in force is chosen at the terminal."""
        reports = TerminalReport.objects.filter(versions__policy=pack.version)
        return reports.filter(versions__policy_origin="centre").count()


@admin.register(Alarm)
class AlarmAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("word", "terminal", "about", "since", "last", "times", "resolved_at")
    list_filter = ("kind", ("resolved_at", admin.EmptyFieldListFilter))
    actions = ("mark_resolved",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Only the action below changes one."""
        return obj is None and super().has_change_permission(request)

    @admin.display(description="告警", ordering="kind")
    def word(self, alarm: Alarm) -> str:
        return WORDS.get(alarm.kind, alarm.kind)

    @admin.action(description="已处理", permissions=["change"])
    def mark_resolved(self, request: HttpRequest, chosen: QuerySet[Alarm]) -> None:
        open_ones = chosen.filter(resolved_at=None)
        by = request.user.get_username()
        count = open_ones.update(resolved_at=timezone.now(), resolved_by=by)
        self.message_user(request, f"{count} 条已处理")


@admin.register(RegisteredPerson)
class RegisteredPersonAdmin(admin.ModelAdmin):
    """The register of the demonstration. Its addresses name a keyed hash."""

    list_display = ("who", "insured", "card_state", "deceased", "open_elsewhere")
    readonly_fields = ("person",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="姓名")
    def who(self, person: RegisteredPerson) -> str:
        return masked_name(person.name)


@admin.register(SentMessage)
class SentMessageAdmin(ReadOnly, admin.ModelAdmin):
    """What the demonstration would have sent."""

    list_display = ("at", "to", "text")
    fields = ("at", "to", "text")
    readonly_fields = fields

    @admin.display(description="手机号码")
    def to(self, message: SentMessage) -> str:
        return masked_phone(message.phone)


@admin.register(DemoCardOrder)
class DemoCardOrderAdmin(admin.ModelAdmin):
    """How far the demonstration's maker is: followed with the next look, once a minute."""

    list_display = ("order", "batch", "said", "reason")
    readonly_fields = ("order", "batch")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class AuthorisationForm(forms.ModelForm):
    """What an operator enters; of the card's number only a hash and its ends are kept."""

    card_id = forms.CharField(label="卡识别码（32位）", max_length=48)

    def clean_card_id(self) -> str:
        try:
            return card_scripts.read_card_id(self.cleaned_data["card_id"])
        except card_scripts.BadCard as bad:
            raise forms.ValidationError(str(bad)) from None


@admin.register(CardAuthorisation)
class CardAuthorisationAdmin(admin.ModelAdmin):
    form = AuthorisationForm
    fields = ("card_id", "purpose")
    list_display = (
        *("id", "card_shown", "purpose", "made_by", "made_at"),
        *("expires_at", "used_at", "used_by", "script"),
    )
    list_filter = ("purpose", "used_at")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What was allowed, to whom, is to be found again."""
        return False

    def save_model(
        self, request: HttpRequest, obj: CardAuthorisation, form: forms.ModelForm, change: bool
    ) -> None:
        obj.made_by = request.user.get_username()
        code = card_scripts.authorise(obj, form.cleaned_data["card_id"])
        minutes = int(card_scripts.VALID.total_seconds() // 60)
        self.message_user(request, f"授权码 {code}，{minutes}分钟内一次有效，不再显示")


@admin.register(EnrolmentCode)
class EnrolmentCodeAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "created_at", "expires_at", "used_by")
