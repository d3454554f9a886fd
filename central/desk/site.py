"""The operators' front page and side bar: the cases first, with how many wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.urls import reverse

if TYPE_CHECKING:
    from django.http import HttpRequest


#: Pages about the terminals: id, name, view, and who may see it.
_FLEET = (
    ("CardsRead", "读卡统计", "cards-read", "central.view_terminalreport"),
    ("Rollout", "版本发布", "releases", "central.view_rollout"),
)


class DeskConfig(AdminConfig):
    """`django.contrib.admin` with the site below."""

    default_site = "central.desk.site.Desk"


class Desk(admin.AdminSite):
    """Cases have pages of their own, which the site would not list by itself."""

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        fleet = [
            (id_, name, reverse(view))
            for id_, name, view, permission in _FLEET
            if request.user.has_perm(permission)
        ]
        if app_label is None and fleet:
            apps.insert(0, _section("终端群", "releases", fleet))
        if app_label is not None or not request.user.has_perm("central.view_case"):
            return apps
        from central.cases import TO_REVIEW, Case

        waiting = Case.objects.filter(state=TO_REVIEW).count()
        address = reverse("cases")
        entries = [
            ("ToReview", f"待核实 {waiting} 件", f"{address}?state={TO_REVIEW}"),
            ("UnitLists", "单位名册", reverse("unit-lists")),
            ("Case", "全部办件", address),
        ]
        return [_section("业务办件", "cases", entries), *apps]


def _section(name: str, label: str, entries: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Part of the side bar; its name leads where its last entry does."""
    models = [
        {"name": name, "object_name": id_, "admin_url": url, "add_url": None, "view_only": True}
        for id_, name, url in entries
    ]
    return {
        "name": name,
        "app_label": label,
        "app_url": entries[-1][2],
        "models": models,
        "has_module_perms": True,
    }
