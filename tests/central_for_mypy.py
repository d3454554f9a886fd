"""The settings mypy's Django plugin loads: central's own, on a directory that is thrown away.

The plugin reads the models at run time, and central's settings want a state directory. Named in
setup.cfg, used by nothing else.
"""

from __future__ import annotations

import os
import tempfile

from central.boot import STATE_VARIABLE

_scratch = tempfile.TemporaryDirectory(prefix="kiosk-mypy-")
os.environ[STATE_VARIABLE] = _scratch.name

from central.settings import *  # noqa: E402, F403 - after the variable they read
