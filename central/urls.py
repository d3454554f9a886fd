"""Two sides: the terminals' doors and the operators' pages."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from central.api import view_of
from central.desk import views
from sync.wire.base import API
from sync.wire.doors import DOORS

admin.site.site_header = admin.site.site_title = "社会保障卡自助服务 · 管理中心"
admin.site.index_title = "业务与终端"

_desk = admin.site.admin_view

urlpatterns = [
    *(path(f"{API.lstrip('/')}/{door.path}", view_of(door)) for door in DOORS.values()),
    path("admin/cases/", _desk(views.case_list), name="cases"),
    path("admin/cases/find", _desk(views.find), name="find-cases"),
    path("admin/cases/<int:position>/", _desk(views.case_page), name="case"),
    path("admin/cases/<int:position>/form", _desk(views.case_form), name="case-form"),
    path("admin/cases/<int:position>/move", _desk(views.move_case), name="move-case"),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
