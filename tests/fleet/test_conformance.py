"""The public TUF conformance suite against the terminal's client.

`tuf-conformance-2.4.0.tar.xz` is `git archive v2.4.0 tuf_conformance LICENSE` of
github.com/theupdateframework/tuf-conformance (MIT), unchanged: it is on no package index. All of it
runs. The suite starts a process for every command of the client, some hundreds; `./test` has them
in the suite's own process instead (`conformance_inline.py`), `TUF_CONFORMANCE=processes` as it is
meant.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("tuf-conformance-2.4.0.tar.xz")

#: `faketime` of the suite's machine: a command that runs another at another time.
FAKETIME = '#!/bin/sh\nFAKED_NOW="$1"; export FAKED_NOW; shift; exec "$@"\n'


@pytest.mark.timeout(900)
def test_the_client_conforms(tmp_path: Path) -> None:
    with tarfile.open(SUITE) as tar:
        tar.extractall(tmp_path, filter="data")
    (tmp_path / "faketime").write_text(FAKETIME)
    (tmp_path / "client").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m tests.fleet.conformance_client "$@"\n'
    )
    for name in ("faketime", "client"):
        (tmp_path / name).chmod(0o755)
    processes = os.environ.get("TUF_CONFORMANCE") == "processes"
    inline = [] if processes else ["-p", "tests.fleet.conformance_inline"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"),
            *("--rootdir", str(tmp_path), f"--entrypoint={tmp_path / 'client'}"),
            *inline,
            str(tmp_path / "tuf_conformance"),
        ],
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": f"{tmp_path}:{os.getcwd()}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    closing = done.stdout.strip().splitlines()[-1]
    print(f"TUF conformance 2.4.0: {closing}")
    assert done.returncode == 0, done.stdout[-8000:]
    found = re.search(r"(\d+) passed", closing)
    assert found is not None and int(found[1]) >= 100, closing
    assert "skipped" not in closing and "xfailed" not in closing
