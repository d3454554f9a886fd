"""The operators' pages of the fleet: what terminals should be, commands, crashes.

Commands are given on the list of terminals: choose one, or filter by hall and choose them all.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join

from central import commands, desired
from central.fleet_models import Command, CrashGroup, Wanted
from central.models import Terminal
from sync.pins import NotAPin, WeakPin, hash_pin, must_be_strong
from sync.wire.desired import ABOUT, KINDS
from sync.wire.settings import ADJUSTABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

_OUTCOMES = {
    "": "等待",
    "done": "完成",
    "failed": "失败",
    "expired": "过期未做",
    "refused": "终端不支持",
    "lost": "结果不明（终端被恢复到以前的状态）",
}

_SETTINGS = "；".join(f"{name} {rule.about}" for name, rule in ADJUSTABLE.items())


def hall_field() -> forms.ChoiceField:
    """A hall where a terminal stands: a mistyped one would be nobody's."""
    halls = Terminal.objects.order_by("hall").values_list("hall", flat=True).distinct()
    known = [(hall, hall) for hall in halls if hall]
    return forms.ChoiceField(label="场所", required=False, choices=[("", "全部"), *known])


class WantedForm(forms.ModelForm):
    """One thing that is wanted; the value is checked as it is for the command line."""

    text = forms.CharField(
        label="内容", required=False, max_length=60, help_text="设置的值，或公告的中文"
    )
    english = forms.CharField(label="公告的英文", required=False, max_length=100)
    until = forms.CharField(label="公告最后一天", required=False, help_text="2026-12-31，空为一直")
    roles = forms.MultipleChoiceField(
        label="维护人员的身份",
        required=False,
        choices=[("technician", "维护员"), ("staff", "工作人员")],
        help_text="都不选：不再准入",
    )
    pin = forms.CharField(
        label="维护人员的密码", required=False, widget=forms.PasswordInput, max_length=6
    )

    class Meta:
        model = Wanted
        fields = ("kind", "key", "hall", "terminal")
        help_texts = {"key": f"设置：{_SETTINGS}。公告：自定短名。维护人员：t001、s012"}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hall"] = hall_field()

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        try:
            given["checked"] = desired.checked(given["kind"], given["key"], self._value(given))
        except (desired.NotWanted, NotAPin, WeakPin) as bad:
            raise forms.ValidationError(str(bad)) from None
        except KeyError:
            return given
        if given["terminal"] is not None and given["hall"]:
            raise forms.ValidationError("场所和终端只填一项")
        return given

    def _value(self, given: dict[str, Any]) -> Any:
        if given["kind"] == Wanted.Kind.SETTING:
            return given["text"]
        if given["kind"] == Wanted.Kind.ANNOUNCEMENT:
            return {"zh": given["text"], "en": given["english"], "until": given["until"]}
        if not given["roles"]:
            return {"roles": [], "pin": ""}
        must_be_strong(given["pin"])
        return {"roles": given["roles"], "pin": hash_pin(given["pin"])}


@admin.register(Wanted)
class WantedAdmin(admin.ModelAdmin):
    form = WantedForm
    list_display = ("kind", "key", "where", "shown", "changed_at", "changed_by")
    list_filter = ("kind", "hall")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """One that is entered again takes the place of the one before."""
        return obj is None and super().has_change_permission(request)

    @admin.display(description="范围")
    def where(self, wanted: Wanted) -> str:
        return str(wanted.terminal or wanted.hall or "全部终端")

    @admin.display(description="内容")
    def shown(self, wanted: Wanted) -> str:
        if wanted.kind == Wanted.Kind.PERSON and wanted.value:
            return "、".join(wanted.value["roles"]) or "不再准入"
        if wanted.kind == Wanted.Kind.ANNOUNCEMENT and wanted.value:
            return f"{wanted.value['zh']} {wanted.value['until']}"
        return str(wanted.value)

    def save_model(self, request: HttpRequest, obj: Wanted, form: Any, change: bool) -> None:
        obj.value = form.cleaned_data["checked"]
        obj.slot = desired.slot_of(obj.kind, obj.key, obj.hall, obj.terminal)
        obj.changed_by = request.user.get_username()
        Wanted.objects.filter(slot=obj.slot).delete()
        super().save_model(request, obj, form, change)


def _give(
    kind: str,
    arguments: dict[str, str],
    page: admin.ModelAdmin,
    request: HttpRequest,
    chosen: QuerySet[Terminal],
) -> None:
    made = commands.make(chosen, kind, arguments, request.user.get_username())
    page.message_user(request, f"{ABOUT[kind]}：已向 {len(made)} 台终端下达，24 小时内有效")


def actions() -> dict[str, tuple[Callable[..., None], str, str]]:
    """One action on the list of terminals for each command and each of its arguments."""
    found: dict[str, tuple[Callable[..., None], str, str]] = {}
    for kind, takes in KINDS.items():
        if kind == "retire":
            continue  # a slip would put a whole hall out of use: by the command line only
        choices = [{}] if not takes else [{name: one} for name in takes for one in takes[name]]
        for arguments in choices:
            words = " ".join([ABOUT[kind], *arguments.values()])
            name = "_".join(["give", kind, *arguments.values()])
            found[name] = (partial(_give, kind, arguments), name, f"命令：{words}")
    return found


@admin.register(Command)
class CommandAdmin(admin.ModelAdmin):
    list_display = (
        *("terminal", "what", "made_at", "made_by", "expires_at"),
        *("seen_at", "said", "detail", "ended_at", "brought"),
    )
    list_filter = ("kind", "outcome", "terminal__hall")
    search_fields = ("terminal__number",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Command]:
        queryset: QuerySet[Command] = super().get_queryset(request)
        return queryset.select_related("terminal")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        log = self.admin_site.admin_view(self.log)
        return [path("<uuid:command>/log", log, name="command-log"), *super().get_urls()]

    def log(self, request: HttpRequest, command: Any) -> HttpResponse:
        """What a collect_logs brought."""
        found = Command.objects.filter(pk=command).exclude(attachment=None).first()
        if found is None or not self.has_view_permission(request):
            raise Http404
        response = HttpResponse(bytes(found.attachment or b""), content_type="application/gzip")
        name = f"{found.terminal_id}-{found.made_at:%Y%m%d-%H%M}.log.gz"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @admin.display(description="命令")
    def what(self, command: Command) -> str:
        return " ".join([ABOUT.get(command.kind, command.kind), *command.arguments.values()])

    @admin.display(description="结果")
    def said(self, command: Command) -> str:
        return _OUTCOMES.get(command.outcome, command.outcome)

    @admin.display(description="日志")
    def brought(self, command: Command) -> SafeString | str:
        if command.attachment is None:
            return "–"
        return format_html('<a href="{}">下载</a>', reverse("admin:command-log", args=[command.pk]))


@admin.register(CrashGroup)
class CrashGroupAdmin(admin.ModelAdmin):
    """Grouped by where it broke; how often with which version."""

    list_display = ("program", "error", "place", "versions", "terminals", "first", "resolved")
    list_filter = ("program", "resolved")
    list_editable = ("resolved",)
    fields = ("program", "error", "lines", "versions", "terminals", "first", "resolved")
    readonly_fields = ("program", "error", "lines", "versions", "terminals", "first")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="位置")
    def place(self, group: CrashGroup) -> str:
        return group.stack[-1] if group.stack else "–"

    @admin.display(description="调用栈")
    def lines(self, group: CrashGroup) -> SafeString:
        return format_html_join("", "<div>{}</div>", ((line,) for line in group.stack))

    @admin.display(description="各版本次数")
    def versions(self, group: CrashGroup) -> str:
        counted: dict[str, int] = {}
        for version in group.crashes.values_list("version", flat=True):
            counted[version] = counted.get(version, 0) + 1
        return "、".join(f"{version} × {count}" for version, count in sorted(counted.items()))

    @admin.display(description="终端数")
    def terminals(self, group: CrashGroup) -> int:
        return group.crashes.values("terminal").distinct().count()
