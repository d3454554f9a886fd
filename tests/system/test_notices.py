"""通知: who filed something is told of each state once, in words that name nobody (R-B14, R-K6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


@pytest.fixture(autouse=True)
def sends(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The demonstration's port is set up, and nothing of other tests is to do."""
    from django.conf import settings

    from central import work
    from central.cases import Task

    monkeypatch.setattr(settings, "MESSAGES", "demo")
    monkeypatch.setitem(work.PERFORMERS, "photo", lambda _: None)
    monkeypatch.setitem(work.PERFORMERS, "portrait", lambda _: None)
    Task.objects.all().delete()
    yield
    Task.objects.all().delete()


def told(answer: ItemAnswer) -> list[tuple[str, str]]:
    """(telephone, text) of what was sent about a case, oldest first, once all work is done."""
    from central import work
    from central.cases import Case
    from central.models import SentMessage

    while work.run_due():
        pass
    case = Case.objects.get(pk=answer.position)
    sent = SentMessage.objects.filter(key__startswith=f"{case.id}:").order_by("id")
    return list(sent.values_list("phone", "text"))


def filed_now(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> ItemAnswer:
    """An application whose filer waits at the terminal."""
    from central import notices

    monkeypatch.setattr(notices, "_SAID_ON_THE_SPOT", timedelta(days=100_000))
    return centre.applied(centre.holder(""), 0)


def test_each_state_is_told_once_to_the_telephone_that_was_given(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.cases import Case

    answer = filed_now(centre, monkeypatch)
    assert told(answer) == [], "screen and paper have said it"
    for state in ("approved", "in_production", "delivered"):
        centre.move(answer, state)
        told(answer)
    case = Case.objects.get(pk=answer.position)
    document = case.contents["document"]
    sent = told(answer)
    assert [phone for phone, _ in sent] == [document["phone"]] * 3
    assert "审核通过" in sent[0][1] and "制卡中" in sent[1][1]
    assert sent[2][1] == (
        f"【社保卡】您11月24日办理的首次申领（回执尾号{case.receipt_no[-6:]}）：卡可以领了。"
        "请带身份证到回执上写的地方领卡。咨询电话12333。"
    )
    for _, text in sent:
        assert document["name"] not in text and document["id_number"] not in text
        assert case.receipt_no not in text and document["phone"] not in text
    notes = case.events.filter(what="notified").values_list("note", flat=True)
    assert list(notes) == ["审核通过", "制卡中", "网点待领"]


def test_a_message_that_cannot_be_sent_comes_again_and_then_raises_an_alarm(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved on meanwhile: only where it stands now is told."""
    from django.utils import timezone

    from central import alarms, notices, work
    from central.cases import Task
    from central.models import Alarm

    class Down:
        def send(self, key: str, phone: str, text: str) -> None:
            raise OSError("gateway")

    alarms.resolve("task_failed")
    answer = filed_now(centre, monkeypatch)
    told(answer)
    with monkeypatch.context() as broken:
        broken.setattr(notices, "messages", Down)
        centre.move(answer, "approved")
        for tries in range(1, 6):
            assert not Alarm.objects.filter(kind="task_failed", resolved_at=None).exists()
            Task.objects.update(due_at=timezone.now())
            work.run_due()
            assert Task.objects.get(name="notice").tries == tries
        assert Alarm.objects.get(kind="task_failed", resolved_at=None).about == "notice"
        centre.move(answer, "in_production")
    Task.objects.update(due_at=timezone.now())
    assert [text.split("：")[1][:3] for _, text in told(answer)] == ["制卡中"]


def test_a_message_whose_sending_was_not_written_down_is_not_sent_twice(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power went between the two."""
    from central import notices

    answer = filed_now(centre, monkeypatch)
    told(answer)

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(notices, "record", cut)
        centre.move(answer, "approved")
        with pytest.raises(KeyboardInterrupt):
            told(answer)
    notices.send(answer.position)
    notices.send(answer.position)
    assert len(told(answer)) == 1


def test_what_was_queued_is_told_when_it_arrives(centre: Centre) -> None:
    """Its paper says 待上传; nobody stands at the terminal any more."""
    person = centre.holder("")
    ((_, text),) = told(centre.applied(person, 0))
    assert "待核实" in text or "已受理" in text
    ((_, text),) = told(centre.applied(person, 1))
    assert "以前已经办理" in text


def test_a_state_that_came_while_another_was_told_is_told(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import notices
    from central.ports.messages import DemoMessages

    answer = filed_now(centre, monkeypatch)
    told(answer)

    class Slow(DemoMessages):
        def send(self, key: str, phone: str, text: str) -> None:
            super().send(key, phone, text)
            if "审核通过" in text:
                centre.move(answer, "in_production")

    centre.move(answer, "approved")
    monkeypatch.setattr(notices, "messages", Slow)
    assert [text.split("：")[1][:3] for _, text in told(answer)] == ["审核通", "制卡中"]


def test_who_gave_no_telephone_is_told_by_the_one_that_the_register_has(centre: Centre) -> None:
    from central.keys import person_hash
    from central.models import RegisteredPerson

    nobody, known = centre.holder(), centre.holder()
    known_row = RegisteredPerson.objects.filter(pk=person_hash(known.number))
    known_row.update(phone="13900000001")
    assert told(centre.lost(nobody, 0)) == []
    ((phone, text),) = told(centre.lost(known, 0))
    assert phone == "13900000001" and "已挂失" in text


def test_without_a_port_nothing_is_to_do(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    from central.cases import Task

    monkeypatch.setattr(settings, "MESSAGES", "")
    centre.move(filed_now(centre, monkeypatch), "approved")
    assert not Task.objects.filter(name="notice").exists()


@pytest.mark.parametrize("port", ["demo", ""])
def test_terminals_are_told_whether_anything_may_be_promised(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    from django.conf import settings

    from central import desired

    monkeypatch.setattr(settings, "MESSAGES", port)
    assert desired.state_of(centre.sender, []).notices is (port == "demo")


def test_every_state_of_every_business_can_be_told(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import notices
    from central.business import businesses
    from central.cases import Case

    case = Case.objects.get(pk=filed_now(centre, monkeypatch).position)
    for kind, business in businesses().items():
        case.kind = kind
        for state in business.states:
            text = notices.text_of(case, state)
            assert business.title in text and "{" not in text and len(text) <= 140


def test_who_waits_for_a_card_that_was_lost_at_its_outlet_is_told_once(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.machine import move

    answer = filed_now(centre, monkeypatch)
    for state in ("approved", "in_production", "delivered"):
        centre.move(answer, state)
    before = len(told(answer))
    move(answer.position, "in_production", by="王", note="网点没有这张卡", operator=True)
    sent = told(answer)[before:]
    assert len(sent) == 1 and "您的卡在网点找不到了，正在重新制作" in sent[0][1]
    assert len(told(answer)) == before + 1
