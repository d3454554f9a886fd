"""The operators' pages: cases are found at once, and speak in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre

#: Codes and English words that stood on the page of a case.
CODES = re.compile(
    r"\b(none|icbc[\w-]*|outlet|instant|match|P[0-3]|PG|degree|level|side|px|byte|centre"
    r"|apply\.notice|photo\.notice|loss_report\.\w+|face_not_compared|lost_already)\b"
)


def signed_in(name: str, role: str) -> Client:
    from django.contrib.auth.models import User
    from django.test import Client

    from central.roles import Role, add_operator

    User.objects.filter(username=name).delete()
    add_operator(name, Role(role))
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username=name))
    return client


@pytest.fixture
def operator(centre: Centre) -> Iterator[Client]:
    yield signed_in("desk-li", "admin")


def page_of(operator: Client, answer: ItemAnswer) -> str:
    page = operator.get(f"/admin/cases/{answer.position}/").content.decode()
    return page[page.index('id="content"') :]


def text_of(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", page)


@pytest.mark.parametrize("role", ["viewer", "decider", "admin"])
def test_the_cases_come_first_on_the_front_page_and_beside_every_page(
    centre: Centre, role: str
) -> None:
    from central.cases import Case

    centre.applied(centre.holder(""), 0, level="P1", reasons=("face_not_compared",))
    waiting = Case.objects.filter(state="to_review").count()
    client = signed_in("desk-sun", role)
    for address in ("/admin/", "/admin/central/alarm/", "/admin/cases/"):
        page = client.get(address).content.decode()
        links = re.findall(r'<a href="([^"]+)"[^>]*>\s*([^<]+?)\s*</a>', page)
        lists = [(to, word) for to, word in links if to.startswith(("/admin/cases/", "/admin/cen"))]
        assert ("/admin/cases/?state=to_review", f"待核实 {waiting} 件") in lists[:4], address
        assert ("/admin/cases/", "业务办件") in lists[:4], address
    assert waiting


def test_who_may_not_see_cases_is_shown_none(centre: Centre) -> None:
    from django.contrib.auth.models import User
    from django.test import Client

    User.objects.filter(username="desk-fang").delete()
    user = User.objects.create_user("desk-fang", is_staff=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    assert "待核实" not in client.get("/admin/").content.decode()


def test_the_page_of_an_application_speaks_in_words(centre: Centre, operator: Client) -> None:
    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=("face_not_compared",))
    text = text_of(page_of(operator, applied))
    assert CODES.findall(text) == []
    assert "未与身份证相片比对" in text
    assert "汉族" in text


def test_the_page_of_a_loss_shows_what_a_loss_has(centre: Centre, operator: Client) -> None:
    person = centre.holder()
    lost = centre.lost(person, 0)
    again = centre.lost(person, 1)
    text = text_of(page_of(operator, lost))
    assert CODES.findall(text) == []
    assert "未查到" not in text
    assert "签名绑定" not in text
    assert "照片" not in text
    assert "内容哈希" in text
    assert "原因 卡已经挂失" in text_of(page_of(operator, again))


def test_a_mark_for_a_person_goes_when_one_has_decided(centre: Centre, operator: Client) -> None:
    from central import machine

    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=("face_not_compared",))
    assert "⚠ 未与身份证相片比对" in page_of(operator, applied)
    machine.move(applied.position, "approved", by="desk-li", note="已到窗口核对", operator=True)
    page = page_of(operator, applied)
    assert "⚠ 未与身份证" not in page
    assert "未与身份证相片比对" in page
    # A reason that nobody has seen yet is marked, in a state that asks for no look.
    machine.move(applied.position, "in_production", by="desk-li")
    machine.put_to_review(applied.position, ["photo_broken"])
    assert "⚠" in page_of(operator, applied)


def test_a_look_is_written_down_once_a_day_and_after_every_new_reason(
    centre: Centre, operator: Client
) -> None:
    from datetime import timedelta

    from central import machine
    from central.cases import Case, Event

    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=("face_not_compared",))
    case = Case.objects.get(pk=applied.position)

    def looks() -> int:
        return case.events.filter(what="opened").count()

    for _ in range(3):
        page_of(operator, applied)
    assert looks() == 1
    other = signed_in("desk-zhou", "viewer")
    page_of(other, applied)
    assert looks() == 2, "each operator"
    machine.put_to_review(applied.position, ["photo_broken"])
    for _ in range(2):
        page_of(operator, applied)
    assert looks() == 3, "there is something new to see"
    for event in Event.objects.filter(case=case):
        Event.objects.filter(pk=event.pk).update(at=event.at - timedelta(days=1))
    case.since -= timedelta(days=2)
    case.save(update_fields=["since"])
    page_of(operator, applied)
    assert looks() == 4, "another day"


def test_a_service_is_closed_by_its_name(centre: Centre, operator: Client) -> None:
    page = operator.get("/admin/central/desiredservice/add/").content.decode()
    assert '<option value="card_check">检查我的社保卡 (card_check)</option>' in page
    form = {"service_id": "card_chek", "reason": "检修", "closed": "on"}
    refused = operator.post("/admin/central/desiredservice/add/", form).content.decode()
    assert "errorlist" in refused
    from central.models import DesiredService

    assert not DesiredService.objects.exists()
    operator.post("/admin/central/desiredservice/add/", {**form, "service_id": "card_check"})
    assert DesiredService.objects.get().service_id == "card_check"
    listed = operator.get("/admin/central/desiredservice/").content.decode()
    assert "检查我的社保卡" in listed
    DesiredService.objects.all().delete()
