"""The operators' pages. The terminals' doors come before them: `central.api.at_the_doors`."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from central.desk import cards_read, releases, unit_lists, views

admin.site.site_header = admin.site.site_title = "社会保障卡自助服务 · 管理中心"
admin.site.index_title = "业务与终端"

_desk = admin.site.admin_view

urlpatterns = [
    path("admin/cases/", _desk(views.case_list), name="cases"),
    path("admin/cases/find", _desk(views.find), name="find-cases"),
    path("admin/cases/<int:position>/", _desk(views.case_page), name="case"),
    path("admin/cases/<int:position>/form", _desk(views.case_form), name="case-form"),
    path("admin/cases/<int:position>/move", _desk(views.move_case), name="move-case"),
    path("admin/unit-lists/", _desk(unit_lists.page), name="unit-lists"),
    path("admin/unit-lists/<int:number>/", _desk(unit_lists.printed), name="print-unit-list"),
    path("admin/releases/", _desk(releases.page), name="releases"),
    path("admin/releases/decide", _desk(releases.decide), name="decide-release"),
    path("admin/cards-read/", _desk(cards_read.page), name="cards-read"),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
