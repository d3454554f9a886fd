"""What the web server loads in each of its worker processes."""

from __future__ import annotations

import ctypes
import gc
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.staticfiles.handlers import StaticFilesHandler

#: prctl(2): what a process is sent when its parent dies.
_PR_SET_PDEATHSIG = 1

# Python loads this codec at the first name that is looked up, and two threads that are first at
# once may find half of it.
"localhost".encode("idna")

# A server that is killed leaves no worker behind that would go on answering on its port.
ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _loaded() -> StaticFilesHandler:
    """All of it stays: the collector does not look through it, now or while somebody waits."""
    gc.disable()
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    project = StaticFilesHandler(get_wsgi_application())
    # Now, and not while the first citizen waits.
    from kiosk.photo import inspect_jpeg  # noqa: F401

    gc.freeze()
    gc.enable()
    return project


application = _loaded()
