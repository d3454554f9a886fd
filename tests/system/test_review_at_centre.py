"""待核实 at the centre: what a person must have seen before they decide, and who comes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre

NEEDS_A_LOOK = ("face_not_compared",)


@pytest.fixture
def operator(centre: Centre) -> Iterator[Client]:
    from django.contrib.auth.models import User
    from django.test import Client

    user = User.objects.create_superuser("王")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    yield client
    user.delete()


def decide(operator: Client, answer: ItemAnswer, to: str) -> str:
    """What the operator reads after the click."""
    form = {"to": to, "note": "与本人一致"}
    address = f"/admin/cases/{answer.position}/move"
    return operator.post(address, form, follow=True).content.decode()


def look_at(operator: Client, answer: ItemAnswer) -> str:
    return operator.get(f"/admin/cases/{answer.position}/").content.decode()


def test_a_reason_that_comes_later_must_have_been_seen_as_well(
    centre: Centre, operator: Client
) -> None:
    """The page was opened before the photo was measured: it did not say that a rule is broken."""
    from central import machine
    from central.cases import Case

    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=NEEDS_A_LOOK)
    look_at(operator, applied)
    before = Case.objects.get(pk=applied.position).since
    machine.put_to_review(applied.position, ["photo_broken"])
    assert "请先打开办件" in decide(operator, applied, "approved")
    case = Case.objects.get(pk=applied.position)
    assert (case.state, case.since) == ("to_review", before)
    event = case.events.filter(what="noted").get()
    assert (event.by, event.note, event.to_state) == ("centre", "photo_broken", "")
    # The answer was the page, with the new reason.
    assert "已处理" in decide(operator, applied, "approved")
    assert centre.state(applied) == "approved"


def test_a_reason_that_is_known_already_asks_for_no_other_look(
    centre: Centre, operator: Client
) -> None:
    from central import machine

    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=NEEDS_A_LOOK)
    look_at(operator, applied)
    machine.put_to_review(applied.position, NEEDS_A_LOOK)
    assert "已处理" in decide(operator, applied, "approved")
