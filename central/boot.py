"""Starts Django on a state directory; every command begins here.

Everything the server keeps lies in `DIR/central/`: the database (unless it is PostgreSQL), the
files of the cases, the private keys and Django's own secret; all but the first are readable by
their owner only.
"""

from __future__ import annotations

import gc
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STATE_VARIABLE = "KIOSK_CENTRAL_STATE"
HSM_VARIABLE, DEMO_VARIABLE = "KIOSK_CENTRAL_HSM", "KIOSK_CENTRAL_DEMO"
MESSAGES_VARIABLE = "KIOSK_CENTRAL_MESSAGES"
DATABASE_VARIABLE = "KIOSK_CENTRAL_DATABASE"


def boot(state: Path) -> Path:
    """Set Django up for `state`, bring its database up to date; returns `state/central`."""
    import django
    from django.core.management import call_command

    folder = state.resolve() / "central"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[STATE_VARIABLE] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "central.settings"
    # What is loaded now stays: to look through it again and again takes a tenth of a start.
    gc.disable()
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    gc.enable()
    return folder


def write_secret(path: Path, data: bytes) -> None:
    """Write a file only its owner may read. Raises `FileExistsError` rather than replace one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def secret(path: Path) -> str:
    """The text secret in a file, made on first use."""
    with suppress(FileExistsError):  # made at an earlier start
        write_secret(path, secrets.token_urlsafe(48).encode("ascii"))
    return path.read_text(encoding="ascii")
