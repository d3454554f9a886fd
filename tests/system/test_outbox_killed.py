"""kill -9 while citizens submit: what one was told is on disk, and nothing of it can be read."""

from __future__ import annotations

import base64
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sync.envelope import Opener
from sync.outbox import Outbox
from tests.system.conftest import environment
from tests.system.people import FREE, form_of, jpeg

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_time_keeps_what_was_promised_and_shows_nothing(
    tmp_path: Path, seed: int
) -> None:
    opener = Opener.generate()
    path = tmp_path / "outbox.db"
    told = submit_until_killed(path, opener, random.Random(seed).uniform(0.0, 0.15))

    box = Outbox(path, "020001")
    leased = {item.id: item for item in box.lease(100_000, 60, room=1 << 30)}
    assert set(told) <= set(leased), "promised to a citizen and lost"
    assert len(leased) - len(told) <= 1, "at most the one being put when it died"
    assert box.counts_and_ages().damaged_files == 0
    for item, receipt_no in told.items():
        payload = opener.open(leased[item].header, leased[item].sealed)
        assert payload["receipt_no"] == receipt_no
    box.close()
    assert_unreadable(tmp_path)


def submit_until_killed(path: Path, opener: Opener, after_s: float) -> dict[str, str]:
    """Returns {id: receipt number} of what the process told before it died."""
    public = base64.b64encode(opener.sealer().public_key).decode("ascii")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.system.putter", str(path), public],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(after_s)
    process.kill()
    lines = [first, *process.stdout.readlines()]
    process.wait()
    # The last line may be cut off: then nobody was told.
    words = [line.decode().split() for line in lines if line.endswith(b"\n")]
    assert words
    return {word[0]: word[1] for word in words}


def assert_unreadable(folder: Path) -> None:
    """No file in `folder` holds anything of the citizen who just left."""
    form = form_of(FREE[0], jpeg())
    secrets = [form["name"], form["id_number"], form["phone"], form["address"]["text"]]
    needles = [text.encode(code) for text in secrets for code in ("utf-8", "gb18030", "utf-16-le")]
    needles.append(jpeg()[200:260])
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    for file in files:
        data = file.read_bytes()
        assert not [needle for needle in needles if needle in data], file.name
