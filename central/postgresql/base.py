"""Django's PostgreSQL that looks whether its connection still stands without asking the server.

Django asks with a `SELECT 1` at the beginning of each request, which is a quarter of what the
database does for a heartbeat. A server that has ended, or ended this connection, has closed the
line, and that can be seen from here.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A new connection after a restart of the server, and no statement to find that out."""

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
