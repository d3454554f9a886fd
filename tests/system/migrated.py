"""A centre's database as a first start makes it, made once for all centres of a test run.

A third of what a first start takes is Django making tables. Nothing else is in these databases, so
a centre that finds one does at its start all but that. The first start itself is what makes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system.postgres import Cluster

_BOOT = (
    "import sys; from pathlib import Path; from central.boot import boot; boot(Path(sys.argv[1]))"
)

_TEMPLATE = "central_template"


def put_database(state: Path) -> None:
    """Into the state directory of a centre that has none yet."""
    file = state / "central" / "central.db"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(_sqlite())


@cache
def _sqlite() -> bytes:
    with TemporaryDirectory(prefix="central-template-") as folder:
        _boot(Path(folder), "")
        assert not (Path(folder) / "central" / "central.db-wal").exists()
        return (Path(folder) / "central" / "central.db").read_bytes()


def new_database(cluster: Cluster, name: str) -> str:
    """Make it in PostgreSQL; returns its address."""
    return cluster.database(name, _template(cluster))


@cache
def _template(cluster: Cluster) -> str:
    with TemporaryDirectory(prefix="central-template-") as folder:
        _boot(Path(folder), cluster.database(_TEMPLATE))
    return _TEMPLATE


def _boot(state: Path, database: str) -> None:
    environment = {**os.environ, "KIOSK_CENTRAL_DATABASE": database}
    subprocess.run([sys.executable, "-c", _BOOT, str(state)], check=True, env=environment)
