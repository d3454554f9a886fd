"""A backup of everything: rows, files, keys. When it is on the disk, terminals are told.

    FOLDER/central.db or central.dump    the database
    FOLDER/files/…                       the files of the cases
    FOLDER/releases/…                    what was released, as it was signed
    FOLDER/envelope-keys/…, secrets      readable by their owner only

It is for small centres and for tests. Who has tools of his own says `position` before and
`backed-up` after.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from django.db import connection

from central import standing
from central.keys import FOLDER
from central.releases.repository import FOLDER as RELEASES

if TYPE_CHECKING:
    from pathlib import Path


class NotWritten(Exception):
    """The folder is there already, or the database's own tool failed."""


def write(central_dir: Path, folder: Path) -> int:
    """Returns the position up to which all is in it. Raises `NotWritten` and `OSError`."""
    if folder.exists():
        raise NotWritten(f"{folder} is there already")
    folder.mkdir(mode=0o700, parents=True)
    position = standing.safe_position()
    # The rows first: every file that they name was there before them.
    if connection.vendor == "postgresql":
        _dump(folder / "central.dump")
    else:
        _copy(central_dir / "central.db", folder / "central.db")
    for name in ("files", RELEASES):
        if (central_dir / name).exists():
            shutil.copytree(central_dir / name, folder / name, copy_function=_copy_file)
    shutil.copytree(central_dir / FOLDER, folder / FOLDER)
    shutil.copy2(central_dir / "django.secret", folder / "django.secret")
    os.sync()
    standing.backed_up(position)
    return position


def _copy_file(source: str, target: str) -> None:
    with suppress(FileNotFoundError):  # a portrait that went meanwhile (`central.portrait`)
        shutil.copy2(source, target)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


def _dump(target: Path) -> None:
    settings = connection.settings_dict
    words = ["pg_dump", "--format=custom", f"--file={target}", f"--dbname={settings['NAME']}"]
    for option, name in (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER")):
        if settings[name]:
            words.append(f"{option}={settings[name]}")
    environment = {**os.environ, "PGPASSWORD": str(settings["PASSWORD"] or "")}
    done = subprocess.run(words, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise NotWritten(f"pg_dump ended with {done.returncode}")
