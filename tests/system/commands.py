"""Management commands of the centre, as `python -m central` runs them, without its second of start.

Half of what a test of the centre takes would be Python loading Django once more. So a server loads
it once and forks a process for each command, which sets Django up for its state directory itself.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

#: What a command imports and what takes long, but for the models: they belong to one database.
_LOADED = [
    "typer.main",
    "typer._adapters",
    "central.__main__",
    "django.contrib.admin",
    "django.contrib.auth.hashers",
    "django.core.management.commands.migrate",
    "django.core.serializers.json",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.forms",
    "django.http",
    "django.template.defaulttags",
    "django.urls",
    "django.views.debug",
    "http_message_signatures",
    "kiosk.photo.review",
    "kiosk.policy.shelf",
    "kiosk.words.standing",
    "securesystemslib.signer",
    "sync.envelope",
    "sync.kinds",
    "sync.updates.delta",
    "sync.wire.contents",
    "sync.wire.doors",
    "sync.wire.settings",
    "tuf.api.metadata",
]

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(_LOADED)


def run(words: list[str], timeout_s: float, environment: Mapping[str, str]) -> str:
    """Run one; returns what it printed. Raises what `subprocess.run` would raise."""
    with TemporaryDirectory(prefix="central-command-") as folder:
        said = Path(folder) / "said"
        process = _forking.Process(target=_perform, args=(words, str(said), dict(environment)))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout_s)
        text, error = (
            file.read_text(encoding="utf-8") if file.exists() else ""
            for file in (said, said.with_suffix(".error"))
        )
        sys.stderr.write(error)
        if process.exitcode:
            raise subprocess.CalledProcessError(process.exitcode, words, text, error)
        return text


def _perform(words: list[str], said: str, environment: dict[str, str]) -> None:
    """In the process of the command: it ends with the command's exit code."""
    os.environ.update(environment)
    from central.__main__ import app

    for stream, path in ((1, said), (2, f"{said}.error")):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), stream)
    app(words)
