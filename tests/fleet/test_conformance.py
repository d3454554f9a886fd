"""The public TUF conformance suite against the terminal's client.

The suite is github.com/theupdateframework/tuf-conformance, which is on no package index, so it is
not installed with the tests: TUF_CONFORMANCE names a checkout of it (v2.4.0 was tried), and all of
it runs. It starts a process for every command of the client, some hundreds; TUF_CONFORMANCE_INLINE
has them in the suite's own process instead (`conformance_inline.py`). What it attacks is attacked
in every run by `test_attacks.py`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = os.environ.get("TUF_CONFORMANCE", "")

#: `faketime` of the suite's machine: a command that runs another at another time.
FAKETIME = '#!/bin/sh\nFAKED_NOW="$1"; export FAKED_NOW; shift; exec "$@"\n'


@pytest.mark.optional
@pytest.mark.skipif(not SUITE, reason="TUF_CONFORMANCE names no checkout of the suite")
@pytest.mark.timeout(900)
def test_the_client_conforms(tmp_path: Path) -> None:
    (tmp_path / "faketime").write_text(FAKETIME)
    (tmp_path / "client").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m tests.fleet.conformance_client "$@"\n'
    )
    for name in ("faketime", "client"):
        (tmp_path / name).chmod(0o755)
    in_process = "TUF_CONFORMANCE_INLINE" in os.environ
    inline = ["-p", "tests.fleet.conformance_inline"] if in_process else []
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"),
            *("--rootdir", str(tmp_path), f"--entrypoint={tmp_path / 'client'}"),
            *inline,
            str(Path(SUITE, "tuf_conformance")),
        ],
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": f"{SUITE}:{os.getcwd()}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    closing = done.stdout.strip().splitlines()[-1]
    print(f"TUF conformance: {closing}")
    assert done.returncode == 0, done.stdout[-8000:]
    found = re.search(r"(\d+) passed", closing)
    assert found is not None and int(found[1]) >= 100, closing
    assert "skipped" not in closing and "xfailed" not in closing
