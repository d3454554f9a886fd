"""The operators' pages: applications to read and decide, terminals to watch, services to close."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from central import applications, card_scripts, photos
from central.masking import masked_name, masked_number
from central.models import (
    Application,
    CardAuthorisation,
    DesiredService,
    DeviceHealth,
    EnrolmentCode,
    JournalCheckpoint,
    Person,
    ReceivedEnvelope,
    Terminal,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: A terminal not heard of for so long is shown as lost, seconds: three heartbeats.
LOST_AFTER_S = 200

_CHECKS = {"form": "登记表", "photo": "照片", "binding": "签名与登记表绑定"}


class ReadOnly:
    """What terminals and citizens said is not edited here."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Application)
class ApplicationAdmin(ReadOnly, admin.ModelAdmin):
    list_display = (
        *("receipt_no", "who", "number", "state", "to_review"),
        *("accepted_at", "terminal", "bank"),
    )
    list_filter = ("state", "accepted_at", "terminal")
    search_fields = ("receipt_no__exact", "id_number__exact", "name__exact")
    date_hierarchy = "accepted_at"
    fieldsets: ClassVar = [
        ("受理", {"fields": ("receipt_no", "state", "accepted_at", "terminal", "policy_version")}),
        (
            "申领人",
            {
                "fields": ("name", "sex", "birth", "ethnic", "id_number", "special_group"),
                "description": "以下内容由申领人本人核对并签字确认。",
            },
        ),
        ("联系方式", {"fields": ("phone", "address")}),
        ("领卡", {"fields": ("bank", "outlet", "pickup")}),
        ("照片", {"fields": ("review_reasons", "pictures", "photo_hints", "rules")}),
        ("签名", {"fields": ("signed", "checks", "consent_list")}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        """Everything but what an operator decides."""
        return [str(name) for name in flatten_fieldsets(self.fieldsets) if name != "state"]

    @admin.display(description="姓名")
    def who(self, application: Application) -> str:
        return masked_name(application.name)

    @admin.display(description="身份证号")
    def number(self, application: Application) -> str:
        return masked_number(application.id_number)

    @admin.display(description="照片 / 摄像头原始画面")
    def pictures(self, application: Application) -> SafeString:
        photo = application.photo
        shown = [_picture("image/jpeg", bytes(photo.jpeg), 220)]
        if photo.frame:
            shown.append(_picture("image/jpeg", bytes(photo.frame), 220))
        return format_html_join(" ", "{}", ((picture,) for picture in shown))

    @admin.display(description="需人工审核", ordering="review")
    def to_review(self, application: Application) -> str:
        return "⚠ 需审核" if application.review else ""

    @admin.display(description="需人工审核的原因")
    def review_reasons(self, application: Application) -> SafeString | str:
        lines = [(photos.REASONS.get(reason, reason),) for reason in application.review]
        return format_html_join("", "<div>⚠ {}</div>", lines) if lines else "无"

    @admin.display(description="提示(仅供参考)")
    def photo_hints(self, application: Application) -> SafeString:
        return format_html_join("", "<div>{}:{}</div>", photos.hints(application.photo.claimed))

    @admin.display(description="照片标准逐项核对")
    def rules(self, application: Application) -> SafeString | str:
        photo = application.photo
        rows = photos.rows(photo.claimed, photo.measured)
        if not rows:
            return "终端未附核对报告"
        head = format_html_join("", "<th>{}</th>", ((name,) for name in photos.COLUMNS))
        cells = (format_html_join("", "<td>{}</td>", ((cell,) for cell in row)) for row in rows)
        body = format_html_join("", "<tr>{}</tr>", ((row,) for row in cells))
        return format_html("<table><tr>{}</tr>{}</table>", head, body)

    @admin.display(description="签名")
    def signed(self, application: Application) -> SafeString:
        picture = _picture("image/png", bytes(application.signature.png), 110)
        return format_html("{}<br>{}", picture, application.signature.signed_at)

    @admin.display(description="哈希校验")
    def checks(self, application: Application) -> SafeString:
        results = applications.recheck(application).items()
        lines = ((_CHECKS[name], "✔ 一致" if right else "✘ 不一致") for name, right in results)
        return format_html_join("", "<div>{}:{}</div>", lines)

    @admin.display(description="知情同意")
    def consent_list(self, application: Application) -> SafeString:
        lines = (
            (consent["text_id"], consent["text_version"], consent["agreed_at"])
            for consent in application.consents
        )
        return format_html_join("", "<div>{} ({}) {}</div>", lines)


class DeviceInline(ReadOnly, admin.TabularInline):
    model = DeviceHealth
    fields = readonly_fields = ("device", "state", "since", "fault", "detail", "counters")
    can_delete = False
    extra = 0


@admin.register(Terminal)
class TerminalAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("number", "hall", "contact", "queue", "troubles", "journal", "enabled")
    list_filter = ("enabled",)
    search_fields = ("number", "hall")
    readonly_fields = ("number", "key_id", "enrolled_at", "contact", "queue", "report")
    fields = ("number", "hall", "enabled", "enrolled_at", "key_id", "contact", "queue", "report")
    inlines = (DeviceInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Terminal]:
        queryset: QuerySet[Terminal] = super().get_queryset(request)
        altered = JournalCheckpoint.open_contradictions().filter(terminal=OuterRef("pk"))
        newest = JournalCheckpoint.objects.filter(terminal=OuterRef("pk")).values("seq")[:1]
        return (
            queryset.select_related("terminalreport")
            .prefetch_related("devices")
            .annotate(journal_altered=Exists(altered), journal_seq=Subquery(newest))
        )

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
        faults = [f"{row.device}:{row.fault}" for row in terminal.devices.all() if row.fault]
        return "、".join(faults) or "无"

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
        return format_html_join("", "<div>{}:{}</div>", lines)


@admin.register(JournalCheckpoint)
class JournalCheckpointAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("terminal", "seq", "standing", "looked_into", "received_at", "made")
    list_filter = ("standing", "looked_into", "terminal")
    exclude = ("signature",)
    actions = ("mark_looked_into",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A checkpoint is evidence; only the action below says that somebody has seen it."""
        return obj is None and super().has_change_permission(request)

    @admin.action(description="已查明，从这里起重新比对")
    def mark_looked_into(self, request: HttpRequest, chosen: QuerySet[JournalCheckpoint]) -> None:
        altered = chosen.filter(standing=JournalCheckpoint.Standing.ALTERED)
        self.message_user(request, f"{altered.update(looked_into=True)} 条已标记")


@admin.register(DesiredService)
class DesiredServiceAdmin(admin.ModelAdmin):
    list_display = ("service_id", "terminal", "closed", "reason")
    list_editable = ("closed", "reason")


@admin.register(ReceivedEnvelope)
class ReceivedEnvelopeAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("receipt_no", "terminal", "kind", "verdict", "rejection", "reason", "created")
    list_filter = ("verdict", "rejection", "kind")
    exclude = ("sealed", "sealed_sha256")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin):
    list_display = ("who", "number", "insured", "card_state", "deceased", "open_elsewhere")
    search_fields = ("id_number__exact", "name__exact")

    @admin.display(description="姓名")
    def who(self, person: Person) -> str:
        return masked_name(person.name)

    @admin.display(description="身份证号")
    def number(self, person: Person) -> str:
        return masked_number(person.id_number)


class AuthorisationForm(forms.ModelForm):
    """What an operator enters; of the card's number only a hash and its ends are kept."""

    card_id = forms.CharField(label="卡识别码(32位)", max_length=48)

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
        self.message_user(request, f"授权码 {code},{minutes}分钟内一次有效,不再显示")


@admin.register(EnrolmentCode)
class EnrolmentCodeAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "created_at", "expires_at", "used_by")


def _picture(kind: str, data: bytes, height: int) -> SafeString:
    encoded = base64.b64encode(data).decode("ascii")
    return format_html('<img alt="" height="{}" src="data:{};base64,{}">', height, kind, encoded)
