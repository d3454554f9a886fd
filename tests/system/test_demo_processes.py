"""How the demo keeps its processes alive and stops them, and what its report would notice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.virtual.personas import ID_PERSONAS
from kiosk.demo import report
from kiosk.demo.processes import RESTARTS, Child, ChildFailed, Family, Fate, wait_for
from kiosk.records.masking import mask_name
from tests.system.conftest import environment

PERSON = ID_PERSONAS["zhang"]


@pytest.fixture
def family() -> Iterator[Family]:
    made = Family(print)
    yield made
    made.stop_all()


def child(
    folder: Path,
    program: str,
    fate: Fate = Fate.RESTART,
    hopeless: frozenset[int] = frozenset(),
) -> Child:
    command = [sys.executable, "-c", program]
    return Child("child", command, folder / "child.out", environment(), fate, hopeless)


def ended(one: Child) -> None:
    wait_for("the child's end", lambda: one.code is not None, 10, lambda: None)


def gone(pid: int) -> bool:
    """Whether a process is no more, or only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_child_that_dies_is_started_again_but_not_for_ever(
    family: Family, tmp_path: Path
) -> None:
    one = family.start(child(tmp_path, "raise SystemExit(1)"))
    for _ in range(RESTARTS - 1):
        ended(one)
        assert family.look_after() is None
    ended(one)
    assert family.look_after() is one


def test_a_child_whose_end_is_meant_ends_everything(family: Family, tmp_path: Path) -> None:
    one = family.start(child(tmp_path, "pass", hopeless=frozenset({0})))
    ended(one)
    assert family.look_after() is one


def test_the_last_words_of_a_child_are_told(family: Family, tmp_path: Path) -> None:
    one = family.start(child(tmp_path, "raise SystemExit('no settings')", Fate.END_ALL))
    ended(one)
    with pytest.raises(ChildFailed, match=r"exit code 1.*\n.*no settings"):
        family.must_run()


def test_stopping_takes_the_grandchildren_along(family: Family, tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time;"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid,"
        " flush=True); time.sleep(60)"
    )
    one = family.start(child(tmp_path, program))
    wait_for("the grandchild", lambda: bool(one.log.read_text().strip()), 10, lambda: None)
    grandchild = int(one.log.read_text())
    family.stop(one)
    wait_for("its end", lambda: gone(grandchild), 10, lambda: None)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv on this machine")
def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time, os; from pathlib import Path;"
        "from kiosk.demo.processes import Child, Family;"
        "c = Child('c', [sys.executable, '-c', 'import time; time.sleep(60)'],"
        f" Path({str(tmp_path / 'log')!r}), os.environ);"
        "c.start(); print(c.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    # Until setpriv has become the child, the leash is not on.
    wait_for("the child", lambda: b"sleep" in _words(pid), 10, lambda: None)
    time.sleep(0.2)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_for("the child's end", lambda: gone(pid), 10, lambda: None)


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le"])
def test_a_name_left_on_the_disk_would_be_found(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "run.log").write_bytes(b"\0\1" + PERSON.name.encode(encoding))
    (tmp_path / "outbox.db").write_bytes(os.urandom(4096))
    assert report.traces(tmp_path, (PERSON.name, PERSON.number)) == ["logs/run.log"]


def test_a_receipt_with_a_whole_number_would_fail(tmp_path: Path) -> None:
    text = f"已受理\n02000126112400019\n{PERSON.number}\n张*国"
    failed = [
        check.what
        for check in report.check_receipt(text, "02000126112400019", "已受理", PERSON)
        if not check.ok
    ]
    assert failed == [
        "the receipt has the masked identity number",
        "the receipt does not have all of it",
    ]


def test_two_applications_would_fail() -> None:
    one = {"kind": "first_application", "name": mask_name(PERSON.name)}
    other = {"kind": "loss_report", "name": mask_name(PERSON.name)}
    for cases in ([one, one], [other], []):
        (check,) = report.check_application({"cases": cases}, "1", PERSON)
        assert not check.ok
