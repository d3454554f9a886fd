"""Two doors: the terminals' contract and the operators' pages."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from central.api import api

admin.site.site_header = admin.site.site_title = "社会保障卡自助服务 · 管理中心"
admin.site.index_title = "业务与终端"

urlpatterns = [
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
