"""The one app of the server."""

from django.apps import AppConfig


class CentralConfig(AppConfig):
    name = "central"
    verbose_name = "社会保障卡自助服务管理"
