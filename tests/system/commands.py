"""Commands of the centre, as `python -m central` runs them, without its second of start.

Half of what a test of the centre takes would be Python loading Django once more. So a server loads
it once and forks a process for each command, which sets Django up for its state directory itself.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
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
    "granian",
    "http_message_signatures",
    "kiosk.photo.review",
    "kiosk.policy.shelf",
    "kiosk.records.address",
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

#: prctl(2): what a process is sent when its parent dies.
_PR_SET_PDEATHSIG = 1

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(_LOADED)


def begin(words: list[str], said: Path, error: Path, environment: Mapping[str, str]) -> BaseProcess:
    """Begin one; what it says is added to `said`, and to `error`."""
    given = (words, said, error, {**os.environ, **environment})
    process = _forking.Process(target=_perform, args=given, daemon=True)
    process.start()
    return process


def run(words: list[str], timeout_s: float, environment: Mapping[str, str]) -> str:
    """Run one; returns what it printed. Raises what `subprocess.run` would raise."""
    with TemporaryDirectory(prefix="central-command-") as folder:
        said, error = Path(folder) / "said", Path(folder) / "error"
        process = begin(words, said, error, environment)
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout_s)
        text, trouble = (
            file.read_text(encoding="utf-8") if file.exists() else "" for file in (said, error)
        )
        sys.stderr.write(trouble)
        if process.exitcode:
            raise subprocess.CalledProcessError(process.exitcode, words, text, trouble)
        return text


def _perform(words: list[str], said: Path, error: Path, environment: dict[str, str]) -> None:
    """In the process of the command: it ends with the command's exit code, and when the tests do;
    unlike other processes of which that is true it may have some of its own."""
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.environ.clear()
    os.environ.update(environment)
    from central.__main__ import app

    for stream, path in ((1, said), (2, error)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    app(words)
