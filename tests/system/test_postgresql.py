"""The connection to PostgreSQL is looked at before each request, without a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.in_process import Centre
    from tests.system.postgres import Cluster


def test_a_connection_that_the_server_ended_is_made_anew_and_a_good_one_not_asked(
    centre: Centre, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db.backends.postgresql import base
    from django.db.utils import ConnectionHandler

    from central.database import described

    url = cluster.url("postgres")
    ours, other = (ConnectionHandler({"default": described(url, tmp_path)}) for _ in range(2))

    def pid() -> int:
        """As with the first statement of a request."""
        ours["default"].close_if_unusable_or_obsolete()
        with ours["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    with monkeypatch.context() as patch:
        patch.setattr(base.DatabaseWrapper, "is_usable", lambda _: pytest.fail("it was asked"))
        first = pid()
        assert pid() == first
    with other["default"].cursor() as cursor:
        # Returns once it has ended, or after these milliseconds.
        cursor.execute("SELECT pg_terminate_backend(%s, 15000)", [first])
        assert cursor.fetchone()[0]
    second = pid()
    assert second != first
    # Closed on this side, which the next request must survive as well.
    ours["default"].connection.close()
    assert pid() != second
    for handler in (ours, other):
        handler.close_all()
