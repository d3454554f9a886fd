"""A centre's database as a first start makes it, made once for all centres of a test run.

Most of what a first start takes is Django making tables, and the hash of the password of a demo's
operator. Nothing else is in these databases, so a centre that finds one does at its start all but
that. The first start itself is what makes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system.postgres import Cluster

_BOOT = """
import sys; from pathlib import Path; from central.boot import boot; boot(Path(sys.argv[1]))
from central.roles import Role, add_operator; add_operator("operator", Role.ADMIN, sys.argv[2])
"""

#: Of the operator, who is nobody.
_PASSWORD = "of-the-tests"

_TEMPLATE = "central_template"


def put(state: Path, database: str) -> None:
    """What belongs to such a database into the state directory of a centre that has none yet; and
    itself, unless it is at an address."""
    folder = state / "central"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, operator = folder / "central.db", folder / "operator.txt"
    if not database and not file.exists():
        file.write_bytes(_sqlite())
    if not operator.exists():
        operator.write_text(f"operator\n{_PASSWORD}\n", encoding="ascii")


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
    words = [sys.executable, "-c", _BOOT, str(state), _PASSWORD]
    subprocess.run(words, check=True, env=environment)
