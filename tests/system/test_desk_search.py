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


#: Columns of a case that are its own; what else it has is another's.
_OWN = {
    "id": "gen_random_uuid()",
    "seq": "1000 + n",
    "receipt_no": "lpad(n::text, 17, '0')",
    "person": "md5(n::text) || md5(n::text)",
}
_MANY = 20_000


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)  # SQLite plans once
def test_a_short_list_is_not_looked_for_in_all_cases(centre: Centre, operator: Client) -> None:
    """PostgreSQL plans a statement anew for the first five times only; after them it read every
    case there is, where nothing waits for a person."""
    from django.db import connection, transaction

    from central.cases import Case

    case = centre.lost(centre.holder(), 0)
    copied = [str(field.column) for field in Case._meta.fields if field.column != "position"]
    values = ", ".join(_OWN.get(column, column) for column in copied)
    read = (
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0)"
        " FROM pg_stat_xact_user_tables WHERE relname = 'central_case'"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO central_case ({', '.join(copied)}) SELECT {values}"
            " FROM central_case, generate_series(1, %s) n WHERE position = %s",
            [_MANY, case.position],
        )
        cursor.execute("ANALYZE central_case")
        for _ in range(8):
            cursor.execute(read)
            (before,) = cursor.fetchone()
            page = operator.get("/admin/cases/?state=to_review").content.decode()
            assert receipt_of(case) not in page
            cursor.execute(read)
            assert cursor.fetchone()[0] - before < _MANY // 10
        transaction.set_rollback(True)
