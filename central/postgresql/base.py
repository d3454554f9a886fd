"""Django's PostgreSQL that looks whether its connection still stands without asking the server.

Django asks with a `SELECT 1` at the beginning of each request, which is a quarter of what the
database does for a heartbeat. A server that has ended, or ended this connection, has closed the
line, and that can be seen from here.

What Django inserts at once goes in arrays: as text, each document and each quotation mark in it
would be escaped by a regular expression, which was a tenth of taking in an application. In binary
nothing is escaped.
"""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg.types.array import ListBinaryDumper


class DatabaseWrapper(base.DatabaseWrapper):
    """A new connection after a restart of the server, and no statement to find that out."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_dumper(list, ListBinaryDumper)
        return connection

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred or self._server_has_spoken():
            return bool(super().is_usable())
        return True

    def _server_has_spoken(self) -> bool:
        """It says nothing unasked but that it ends, and a closed line is one to be read, too."""
        line = select.poll()  # not select(): there may be thousands of open files
        line.register(self.connection.fileno(), select.POLLIN)
        return bool(line.poll(0))
