"""The centre in this process, as the tests of the system have it."""

from tests.system.conftest import centre, cluster, new_database, own_database

__all__ = ["centre", "cluster", "new_database", "own_database"]
