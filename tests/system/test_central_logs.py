"""An error that nobody expected does not carry what a citizen entered into the centre's log."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Raises in Django's own way of logging, with a text and a cause that quote somebody.
_PROGRAM = """
import logging, sys
from pathlib import Path
from central.boot import boot
boot(Path(sys.argv[1]))
try:
    try:
        raise KeyError("130299195703160011")
    except KeyError as cause:
        raise ValueError("张建国 130299195703160011") from cause
except ValueError:
    logging.getLogger("django.request").error("Internal Server Error: /api", exc_info=True)
"""


def test_the_place_of_an_error_is_logged_and_not_its_text(tmp_path: Path) -> None:
    environment = {**os.environ, "KIOSK_CENTRAL_DATABASE": ""}
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, timeout=50
    )
    said = done.stdout + done.stderr
    assert "Internal Server Error: /api" in said
    assert "ValueError" in said and "line 10" in said
    assert "张建国" not in said and "1302991957" not in said
