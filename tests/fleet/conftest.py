"""The centre in this process, as the tests of the system have it."""

from tests.system.conftest import centre

__all__ = ["centre"]
