"""Makers' libraries that stand in for those of real readers: tests/wire/vendor, compiled here.

They are written from the public prototypes and share nothing with the drivers. Cards connect to
them as to any virtual slot; the ID reader's module is a serial far end. Where there is no C
compiler the tests say so, and fail under CI.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "vendor"


def library(family: str) -> str:
    """The path of a library of a family: icc, dc or sdt."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    return _built(compiler, family)


@cache
def _built(compiler: str, family: str) -> str:
    made = Path(tempfile.mkdtemp(prefix="kiosk-makers-")) / f"lib{family}.so"
    command = [
        compiler,
        "-D_GNU_SOURCE",
        "-O1",
        "-shared",
        "-fPIC",
        "-o",
        made,
        SOURCES / f"{family}.c",
    ]
    subprocess.run(command, check=True)
    return str(made)
