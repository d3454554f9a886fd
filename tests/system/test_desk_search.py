"""A receipt number is looked for without standing in an address, as an ID number is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


@pytest.fixture
def operator(centre: Centre) -> Iterator[Client]:
    from django.contrib.auth.models import User
    from django.test import Client

    user = User.objects.create_superuser("李")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    yield client
    user.delete()


def receipt_of(answer: ItemAnswer) -> str:
    from central.cases import Case

    return str(Case.objects.get(pk=answer.position).receipt_no)


def look_for(operator: Client, what: str) -> tuple[str, str]:
    """Where the search leads to, and the page there."""
    answer = operator.post("/admin/cases/find", {"what": what})
    return answer["Location"], operator.get(answer["Location"]).content.decode()


def test_one_case_is_opened_by_its_position(centre: Centre, operator: Client) -> None:
    case = centre.lost(centre.holder(), 0)
    address, page = look_for(operator, f" {receipt_of(case)} ")
    assert address == f"/admin/cases/{case.position}/"
    assert receipt_of(case) in page


def test_two_cases_with_one_receipt_number_are_listed(centre: Centre, operator: Client) -> None:
    """A terminal was copied."""
    from central.cases import Case

    first, second, other = (centre.lost(centre.holder(), 0) for _ in range(3))
    receipt = receipt_of(first)
    Case.objects.filter(pk=second.position).update(receipt_no=receipt)
    address, page = look_for(operator, receipt)
    assert receipt not in address
    for case, listed in ((first, True), (second, True), (other, False)):
        assert (f"/admin/cases/{case.position}/" in page) is listed


def test_what_nobody_has_is_said(centre: Centre, operator: Client) -> None:
    address, page = look_for(operator, "99999926112499999")
    assert address == "/admin/cases/"
    assert "没有这个回执号的办件" in page
