"""`kiosk run` with a home that holds twenty services, as it will one day.

Usage: python -m tests.bench.crowded run --state FOLDER. What is added cannot be begun; it is there
to be drawn.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

#: Group -> icon, name and explanation of what is added to the services that there are.
ADDED = {
    "card": (
        ("card-multiple-outline", "补换社会保障卡", "丢了、坏了、照片旧了"),
        ("card-bulleted-outline", "社保功能启用", "新卡第一次使用前"),
        ("form-textbox-password", "修改密码", "知道旧密码"),
        ("lock-reset", "重置密码", "忘记密码或被锁住"),
    ),
    "enquiry": (
        ("file-search-outline", "参保与缴费查询", "缴了几年、缴了多少"),
        ("certificate-outline", "打印参保证明", "盖章的证明"),
        ("cash-multiple", "待遇发放查询", "养老金到账没有"),
        ("medical-bag", "医保账户查询", "余额和明细"),
        ("account-hard-hat", "农民工工资权益信息", "查工资保证金和公示"),
    ),
    "payment": (
        ("cash-plus", "城乡居民养老保险缴费", "一年一次，可选档次"),
        ("cash-check", "灵活就业人员缴费", "自己缴社保的人"),
        ("face-recognition", "养老待遇资格认证", "每年一次，证明本人健在"),
        ("bank-outline", "待遇发放账户变更", "换银行卡领待遇"),
    ),
    "help": (
        ("book-open-outline", "办事指南与网点", "要带什么、到哪里办"),
        ("bullhorn-outline", "欠薪线索反映", "被拖欠工资，在这里说"),
        ("comment-text-outline", "投诉建议", "对我们的服务说两句"),
    ),
}


def crowd() -> None:
    """Let the terminal find the added services, and their words."""
    import kiosk.services
    from kiosk.visit.service import Service
    from kiosk.words import Words

    made: list[type[Service]] = []
    words: dict[str, str] = {}
    for group, entries in ADDED.items():
        for number, (icon, name, detail) in enumerate(entries):
            id_ = f"{group}_{number}"
            made.append(type(id_, (Service,), {"id": id_, "icon": icon, "group": group}))
            words |= {f"service.{id_}.name": name, f"service.{id_}.detail": detail}
    there, use = kiosk.services.find_services, Words.use

    def find_services() -> tuple[type[Service], ...]:
        return (*there(), *made)

    def use_with_added(self: Words, policy: Any) -> None:
        use(self, policy)
        self._words |= words

    kiosk.services.find_services = find_services
    Words.use = use_with_added  # type: ignore[method-assign]


if __name__ == "__main__":
    gc.disable()  # as `kiosk run` begins; what is imported here it would import then
    from kiosk.__main__ import main

    crowd()
    sys.exit(main())
