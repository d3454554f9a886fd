"""Crashes, logs and self-tests: kept within limits, told to the centre, and nothing personal."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kiosk.upkeep.tidying import LOGS_BYTES, tidy
from sync.collecting import blotted, collect
from sync.crashes import Crashes
from sync.header import BEIJING
from sync.self_test import SelfTest
from sync.untold import Untold
from tests.system.conftest import environment
from tests.system.fleet_rig import Rig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.in_process import Centre

#: What must never leave a terminal outside of a sealed envelope. Nobody's.
MARKERS = (
    *("张招娣", "130203199001011237", "13803150001", "6212261234567890123", "A12345678"),
    *("河北省唐山市路北区", "654321", "zhang@example"),
)

#: A program that meets a citizen's data and breaks, in each way that a program can.
PROGRAM = """
import sys, threading
from pathlib import Path
from sync.crashes import Crashes
name, number = "张招娣", "130203199001011237"
Crashes(Path(sys.argv[1]), "run", "1.2.3").install()
def serve(person, card="A12345678"):
    try:
        int(person)
    except ValueError as error:
        raise RuntimeError(f"{person} {number} 13803150001 6212261234567890123") from error
how = sys.argv[2]
if how == "main":
    serve(name)
elif how == "thread":
    thread = threading.Thread(target=serve, args=(name,)); thread.start(); thread.join()
elif how == "deletion":
    class Closes:
        def __del__(self): serve(name)
    Closes()
elif how == "class":
    raise type(f"{name} {number}", (Exception,), {})(name)
elif how == "fault":
    import ctypes
    def reads(person): ctypes.string_at(0)
    reads(name)
"""


def crashed(state: Path, how: str) -> subprocess.CompletedProcess[bytes]:
    state.mkdir(exist_ok=True)
    command = [sys.executable, "-c", PROGRAM, str(state), how]
    return subprocess.run(command, env=environment(), capture_output=True, check=False)


def must_hold_none(text: str) -> None:
    assert [marker for marker in MARKERS if marker in text] == []


@pytest.mark.parametrize("how", ["main", "thread", "deletion", "class", "fault"])
def test_a_crash_is_told_by_its_lines_of_code_and_by_no_value(tmp_path: Path, how: str) -> None:
    ended = crashed(tmp_path, how)
    if how == "fault":
        assert ended.returncode < 0
        Crashes(tmp_path, "run", "1.2.3")._read_fault(tmp_path / "crashes" / "run.fault")
    (report,) = Untold(tmp_path).some()
    expected = {"class": "Unknown", "fault": "SegmentationFault"}
    assert report.error == expected.get(how, "RuntimeError")
    assert (report.program, report.version) == ("run", "1.2.3")
    function = {"class": "<module>", "fault": "string_at"}.get(how, "serve")
    assert report.stack[-1].endswith(f" {function}")
    must_hold_none(report.model_dump_json())
    # What was written by faulthandler and what was printed hold lines of code, too.
    must_hold_none(ended.stdout.decode() + ended.stderr.decode())
    for file in (tmp_path / "crashes").iterdir():
        must_hold_none(file.read_text())
        assert str(tmp_path) not in report.model_dump_json()


def test_a_program_that_crashes_all_the_time_fills_no_disk(tmp_path: Path) -> None:
    crashes = Crashes(tmp_path, "run", "1")
    for _ in range(100):
        crashes.record(ValueError("张招娣"))
    assert len(list((tmp_path / "crashes").glob("*.json"))) == 40


def test_crashes_are_told_once_and_grouped_by_stack_over_versions(
    centre: Centre, tmp_path: Path
) -> None:
    from central.fleet_models import Crash, CrashGroup

    rig = Rig(tmp_path / "terminal")
    (rig.state / "crashes").mkdir()
    (rig.state / "crashes" / "half.json").write_text("{")

    def record(version: str, where: str, line: int) -> None:
        code = compile(
            "\n" * line + f"def {where}(): raise OSError('张招娣')\n{where}()", "x.py", "exec"
        )
        try:
            exec(code, {})
        except OSError as error:
            Crashes(rig.state, "run", version).record(error)

    for version, where, line in (
        ("1.0", "a", 1),
        ("1.0", "a", 1),
        ("1.1", "a", 9),
        ("1.1", "b", 1),
    ):
        record(version, where, line)
    rig.line.fate = "lost"
    rig.beat()  # the centre has them, and the terminal does not know it
    rig.beat()
    assert Crash.objects.filter(terminal=rig.number).count() == 4
    groups = CrashGroup.objects.filter(crashes__terminal=rig.number).distinct()
    counted = sorted(sorted(group.crashes.values_list("version", flat=True)) for group in groups)
    assert counted == [["1.0", "1.0", "1.1"], ["1.1"]]
    assert not list((rig.state / "crashes").iterdir())


# -- logs ----------------------------------------------------------------------------------------


def planted(folder: Path) -> None:
    """Logs as they should be, and as a mistake would make them."""
    folder.mkdir(parents=True)
    head = "2026-11-28 13:20:44,123 INFO kiosk.terminal "
    lines = [f"{head}operation photo answered in 1.25 s, item {ITEM}"]
    lines += [f"{head}oops {marker} and more" for marker in MARKERS if "@" not in marker]
    lines += [f"{head}oops 1302 0319 9001 0112 37", f"{head}oops 138-0315-0001"]
    lines += ["Traceback (most recent call last):", *MARKERS, f"ValueError: {MARKERS[-1]}"]
    (folder / "run.log").write_text("\n".join(lines) + "\n", encoding="utf-8")


ITEM = "0192f0a1-1234-7abc-8def-123456789012"


def test_nothing_personal_is_in_a_collected_log(tmp_path: Path) -> None:
    planted(tmp_path / "logs")
    text = gzip.decompress(collect(tmp_path)).decode("utf-8")
    must_hold_none(text.replace(ITEM, ""))
    assert f"operation photo answered in 1.25 s, item {ITEM}" in text
    assert "1302 0319" not in text
    assert "138-0315" not in text


def test_nothing_of_the_other_files_of_a_terminal_is_in_a_collected_log(
    centre: Centre, tmp_path: Path
) -> None:
    """From end to end, with markers in every file that a terminal keeps."""
    from central.fleet_models import Command

    rig = Rig(tmp_path / "terminal")
    planted(rig.state / "logs")
    for name in ("roster.json", "settings.toml", "health.json.bak", "outbox.db.damaged.1"):
        (rig.state / name).write_text("\n".join(MARKERS), encoding="utf-8")
    id_ = rig.order("collect_logs")
    rig.settle()
    text = gzip.decompress(bytes(Command.objects.get(pk=id_).attachment)).decode("utf-8")
    must_hold_none(text.replace(ITEM, ""))
    assert "operation photo answered" in text


@pytest.mark.parametrize(
    "line", ["no head at all", "2026-11-28 13:20:44,123 info lower case", "", "  File x"]
)
def test_what_is_no_line_of_ours_does_not_go(line: str) -> None:
    assert blotted(line) == ""


def test_of_logs_that_are_too_long_the_newest_lines_go(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    noise = os.urandom(40).hex
    lines = "".join(
        f"2026-11-28 13:20:44,123 INFO a.b {noise()} n{number:05d}\n" for number in range(40_000)
    )
    for name in ("run", "agent"):
        (tmp_path / "logs" / f"{name}.log").write_text(lines.replace("a.b", os.urandom(4).hex()))
    packed = collect(tmp_path)
    assert len(packed) <= 400_000
    text = gzip.decompress(packed).decode()
    assert "n39999" in text
    assert "n00000" not in text


def test_old_logs_and_half_written_files_are_put_away_and_nothing_else(tmp_path: Path) -> None:
    now = datetime(2026, 11, 28, tzinfo=BEIJING).timestamp()
    keep = [
        "outbox.db",
        "outbox.db.damaged.1",
        "logs/run.log",
        "logs/run.log.1",
        ".desired.json.a1",
    ]
    gone = ["logs/run.log.9", ".desired.json.k3j_x9a1"]
    (tmp_path / "logs").mkdir()
    for name in (*keep, *gone):
        (tmp_path / name).write_bytes(b"x")
        age = 86_400 * (1 if name.endswith(".log.1") else 45)
        os.utime(tmp_path / name, (now - age, now - age))
    assert tidy(tmp_path, now) == 2
    assert all((tmp_path / name).exists() for name in keep)
    assert not any((tmp_path / name).exists() for name in gone)
    for number in range(3):
        with (tmp_path / "logs" / f"run.log.{number + 2}").open("wb") as big:
            big.truncate(LOGS_BYTES // 2)
        os.utime(tmp_path / "logs" / f"run.log.{number + 2}", (now - number, now - number))
    tidy(tmp_path, now)
    left = {file.name for file in (tmp_path / "logs").iterdir()}
    assert "run.log" in left
    assert "run.log.2" in left
    assert "run.log.4" not in left, "the oldest goes first"


# -- the self-test -------------------------------------------------------------------------------


class Night:
    """A clock that a test sets, and an examination that it counts."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, 1, 0, tzinfo=BEIJING)
        self.times: list[datetime] = []

    def examine(self) -> str:
        self.times.append(self.now)
        return "printer_paper_out"


def test_it_is_made_once_a_night_when_nobody_is_there(tmp_path: Path) -> None:
    night = Night()
    test = SelfTest(tmp_path, "020001", night.examine, lambda: night.now)
    for minute in range(0, 3 * 24 * 60, 5):
        night.now = datetime(2026, 11, 28, tzinfo=BEIJING) + timedelta(minutes=minute)
        served = night.now.day == 29 and night.now.hour < 4
        test.tick(lambda served=served: not served)  # type: ignore[misc]
        test.wait()
    days = [at.day for at in night.times]
    assert days == [28, 29, 30]
    assert all(2 <= at.hour < 6 for at in night.times)
    assert night.times[1].hour == 4, "when the visit was over"
    assert SelfTest(tmp_path, "020001", night.examine).last["wrong"] == "printer_paper_out"


def test_a_fleet_does_not_examine_itself_in_step(tmp_path: Path) -> None:
    begins = {SelfTest(tmp_path, f"02{n:04d}", str)._begins for n in range(100)}
    assert len(begins) > 40


def test_its_result_is_at_the_centre(centre: Centre, tmp_path: Path) -> None:
    from central.models import TerminalReport

    rig = Rig(tmp_path / "terminal")
    night = Night()
    rig.fleet._self_test = SelfTest(rig.state, rig.number, night.examine)
    rig.fleet._self_test.now()
    rig.beat()
    kept = TerminalReport.objects.get(pk=rig.number)
    assert kept.self_test_wrong == "printer_paper_out"
    assert kept.self_test_at.startswith("20")


def test_the_doctor_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    """A terminal that was never set up has everything wrong with it."""
    from kiosk.upkeep.self_test import examined

    (tmp_path / "settings.toml").write_text('mode = "test"\n')
    before = threading.active_count()
    found = examined(tmp_path).split()
    assert {"not_enrolled", "screen_stopped", "agent_stopped"} <= set(found)
    assert threading.active_count() == before


def test_a_test_that_cannot_be_made_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    from kiosk.upkeep import self_test

    for command in (["/no/such/program"], ["false"], ["echo", "half {"], ["echo", json.dumps({})]):
        monkeypatch.setattr(self_test, "ourselves", lambda command=command: command)
        assert self_test.examined(tmp_path) == "self_test_not_made"


def test_a_device_that_the_screen_holds_is_judged_by_the_screen_alone(tmp_path: Path) -> None:
    """The unit of the agent shows it no devices: each would be reported missing, every night."""
    from kiosk.upkeep.self_test import examined

    ports = 'printer = "/dev/no-such-port"\nid_reader = "/dev/no-such-port"\n'
    (tmp_path / "settings.toml").write_text(f'mode = "test"\n[devices]\n{ports}')
    row = {"since": "2026-11-28T03:00:00+08:00", "detail": "", "fault": ""}
    rows = [
        {**row, "device": "id_reader", "state": "ready"},
        {**row, "device": "printer", "state": "fault", "fault": "printer_paper_out"},
    ]
    (tmp_path / "health.json").write_text(json.dumps({"health": rows}))
    found = examined(tmp_path).split()
    assert {"printer_paper_out", "not_enrolled"} <= set(found)
    assert not {"printer_offline", "id_reader_offline", "screen_stopped"} & set(found)
