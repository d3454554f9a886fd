"""A PostgreSQL of the tests' own: Debian's programs, a cluster in a temporary folder, a socket.

Nothing of it is seen from outside the folder, and nothing is left. PostgreSQL refuses to run as
root, so root runs it as the user `postgres` that Debian's package makes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from kiosk.demo.processes import leash

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

_START_S = 120.0

_SETTINGS = [
    "listen_addresses=",
    "max_connections=200",
    # What fails is quoted in the log; tests look whether that gives anybody away.
    "log_min_error_statement=error",
    "logging_collector=off",
]


class Cluster:
    """One running server. `durable`: as in earnest; else nothing waits for the disk."""

    def __init__(self, durable: bool = False) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="kiosk-pg-", dir="/tmp"))
        self.log = self._root / "log"
        settings = [*_SETTINGS] + ([] if durable else ["fsync=off", "full_page_writes=off"])
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._root, self._user)
        self._root.chmod(0o755)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "kiosk", "-E", "UTF8")
        options = [
            f"-c{setting}" for setting in [*settings, f"unix_socket_directories={self._root}"]
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                # The user is changed before the leash is put on, which a change would take off.
                [*leash(), _PROGRAMS[-1] / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as_user(),
            )
        until = time.monotonic() + _START_S
        while not self._ready():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def _data(self) -> Path:
        return self._root / "data"

    def database(self, name: str, template: str = "template0") -> str:
        """Make a database, a copy of `template`; returns its address for
        `KIOSK_CENTRAL_DATABASE`."""
        self._run("createdb", "-h", str(self._root), "-U", "kiosk", "-T", template, name)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://kiosk@/{name}?host={self._root}"

    def restore(self, dump: Path, url: str) -> None:
        """What `pg_dump --format=custom` wrote, into an empty database."""
        words = [_PROGRAMS[-1] / "pg_restore", "--exit-on-error", f"--dbname={url}", str(dump)]
        subprocess.run(words, check=True, capture_output=True)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    def _ready(self) -> bool:
        words = [_PROGRAMS[-1] / "pg_isready", "-q", "-h", str(self._root)]
        return subprocess.run(words, check=False).returncode == 0

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [_PROGRAMS[-1] / program, *words],
            check=True,
            capture_output=True,
            cwd="/",
            **self._as_user(),
        )

    def _as_user(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user, "group": self._user, "extra_groups": []}


def is_installed() -> bool:
    return bool(_PROGRAMS)
