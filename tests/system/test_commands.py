"""What somebody types wrong at the centre is said, and makes nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from central.__main__ import app
from central.opening import say_all
from sync.wire.fleet import HeartbeatAnswer
from tests.system.test_central import beat

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.system.conftest import CentralServer, EnrolledTerminal

#: Each command but `serve`, with what it needs beside --state.
COMMANDS = {
    "adduser": ["李"],
    "enrolment-code": [],
    "authorise-card": ["0" * 32, "unblock", "--by", "李"],
    "close-service": ["card_check", "--reason", "设备检修"],
    "open-service": ["card_check"],
    "new-key": [],
    "position": [],
    "backed-up": ["0"],
    "backup": ["backup"],
    "restored": [],
    "alarms": ["--look"],
    "import": ["file"],
    "show": [],
    "policy-pack": ["list"],
    "unit-list": ["list"],
    "card-batch": ["list"],
    "fleet": ["list"],
    "release": ["pause"],
}


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_every_command_is_tried_here() -> None:
    named = {one.name or one.callback.__name__.replace("_", "-") for one in app.registered_commands}
    named |= {str(one.typer_instance.info.name or one.name) for one in app.registered_groups}
    assert named == {*COMMANDS, "serve"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("folder", ["mistyped", "elsewhere"])
def test_a_mistyped_state_is_no_new_centre(tmp_path: Path, command: str, folder: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    said = run(command, "--state", str(tmp_path / folder), *COMMANDS[command])
    assert (said.exit_code, "no centre here" in said.output) == (2, True)
    assert [one.name for one in tmp_path.rglob("*")] == ["elsewhere"]


def test_a_centre_whose_database_is_gone_is_none(tmp_path: Path) -> None:
    """Half of a backup was put back."""
    (tmp_path / "central").mkdir()
    (tmp_path / "central" / "django.secret").write_text("x")
    said = run("restored", "--state", str(tmp_path))
    assert (said.exit_code, "lacks central.db" in said.output) == (2, True)
    assert not (tmp_path / "central" / "central.db").exists()


def test_a_port_in_use_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    """The workers share a port: a second server would have taken a part of the first one's."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = run("serve", "--state", str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert (said.exit_code, "port in use" in said.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("database", "words", "said"),
    [
        ("mysql://x", ["alarms"], "must begin with postgresql://"),
        ("postgresql://x:secret@127.0.0.1:1/x", ["alarms"], "OperationalError"),
        ("", ["serve", "--port", "0", "--registry", "/no/such/file"], "--registry /no/such/file"),
    ],
)
def test_what_the_machine_refuses_is_a_line_and_no_traceback(
    tmp_path: Path, database: str, words: list[str], said: str
) -> None:
    """✗ Fifty lines of Django, with the operator's folder names in them."""
    (tmp_path / "central").mkdir()
    (tmp_path / "central" / "django.secret").write_text("x")
    (tmp_path / "central" / "central.db").touch()
    done = subprocess.run(
        [sys.executable, "-m", "central", *words, "--state", str(tmp_path)],
        env=os.environ | {"KIOSK_CENTRAL_DATABASE": database},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (1, 2)
    assert said in done.stderr and "Traceback" not in done.stderr and "secret" not in done.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "700000"])
def test_a_port_that_is_none_is_said_with_those_that_are(tmp_path: Path, port: str) -> None:
    """✗ A traceback."""
    said = run("serve", "--state", str(tmp_path), "--port", port)
    assert said.exit_code == 2 and "--port" in said.output and "or equal to" in said.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["add", "list", "withdraw"])
def test_help_needs_no_centre(command: str) -> None:
    said = run("policy-pack", command, "--help")
    assert (said.exit_code, "Usage" in said.output) == (0, True)
    missing = run("policy-pack", command, *["x"] * {"add": 1, "list": 0, "withdraw": 2}[command])
    assert (missing.exit_code, "--state" in missing.output) == (2, True)


def refused(central: CentralServer, *words: str) -> str:
    """What a command says that ends with 2."""
    with pytest.raises(subprocess.CalledProcessError) as found:
        central.command(*words)
    assert found.value.returncode == 2
    return str(found.value.stderr)


def test_a_service_that_nobody_has_is_not_closed(central: CentralServer) -> None:
    for words in (("close-service", "card_chek", "--reason", "检修"), ("open-service", "挂失")):
        said = refused(central, *words)
        assert "card_check  检查我的社保卡" in said
        assert "loss_report  " in said
    assert central.sql("SELECT count(*) FROM central_desiredservice") == [(0,)]
    assert "--reason" in refused(central, "close-service", "card_check", "--reason", "  ")
    closed = central.command("close-service", "card_check", "--reason", "检修")
    assert "检查我的社保卡" in closed
    assert "检修" in closed
    assert "open again" in central.command("open-service", "card_check")
    assert "was not closed" in central.command("open-service", "card_check")


def test_nobody_loses_their_password_by_a_second_adduser(central: CentralServer) -> None:
    first = central.command("adduser", "孙")
    before = central.sql("SELECT password FROM auth_user WHERE username = ?", "孙")
    assert "--reset-password" in refused(central, "adduser", "孙")
    assert central.sql("SELECT password FROM auth_user WHERE username = ?", "孙") == before
    assert central.command("adduser", "孙", "--reset-password") != first
    assert central.sql("SELECT password FROM auth_user WHERE username = ?", "孙") != before
    assert "no account" in refused(central, "adduser", "周", "--reset-password")


def test_a_name_that_no_account_may_have_is_said_with_the_rule(central: CentralServer) -> None:
    """✗ "" was a traceback, and 李 四 an account that the pages could never save again."""
    accounts = central.sql("SELECT count(*) FROM auth_user")
    for name in ("", "李 四"):
        assert "without blanks" in refused(central, "adduser", name)
    assert central.sql("SELECT count(*) FROM auth_user") == accounts


@pytest.mark.usefixtures("centre")
def test_an_account_may_be_called_what_the_pages_would_save() -> None:
    from central.roles import may_be_called

    for name in ("", "李 四", "李四!", "a/b", "字" * 151, "a\n"):
        assert not may_be_called(name), name
    for name in ("李四", "li.si@hall-1", "字" * 150):
        assert may_be_called(name), name


def test_one_name_is_one_account_however_its_letters_are_written(central: CentralServer) -> None:
    assert central.command("adduser", "wang8").strip()
    assert "--reset-password" in refused(central, "adduser", "ｗang8")


def test_a_day_that_is_none_is_said_with_the_form_it_has(central: CentralServer) -> None:
    """✗ "内容不合要求" was all that was said of it."""
    words = ("fleet", "announce", "holiday", "照常办理", "--until", "31.12.2026")
    said = refused(central, *words)
    assert "2026-12-31" in said and "ISO 8601" in said and "31.12.2026" in said


def test_no_sheet_is_printed_with_an_address_that_terminals_refuse(central: CentralServer) -> None:
    """✗ https://centre.example/admin/ was printed, and nobody could enrol with it."""
    codes = central.sql("SELECT count(*) FROM central_enrolmentcode")
    for url, said in (
        ("http://centre.example", "begins with https://"),
        ("https://centre.example/admin/", "nothing after it"),
    ):
        assert said in refused(central, "enrolment-code", "--url", url)
    assert central.sql("SELECT count(*) FROM central_enrolmentcode") == codes
    sheet = central.command("enrolment-code", "--url", "https://centre.example/")
    assert "中心地址 https://centre.example\n" in sheet


def test_a_list_says_that_it_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """That every list is said this way is seen to by tests/commands/test_speaking.py."""
    say_all(iter([]), none="no batches")
    assert capsys.readouterr().out == "no batches\n"
    say_all(iter(["one", "two"]), none="no batches")
    assert capsys.readouterr().out == "one\ntwo\n"


def test_what_was_changed_is_said(central: CentralServer, terminal: EnrolledTerminal) -> None:
    number = terminal.identity.terminal
    assert "no commands" in central.command("fleet", "commands", "--terminal", number)
    assert "no terminal 999999" in refused(central, "fleet", "commands", "--terminal", "999999")
    central.command("fleet", "announce", "holiday", "照常办理")
    assert "holiday" in central.command("fleet", "list")
    assert "announcement" in refused(central, "fleet", "unset", "notice", "holiday")
    assert "nothing is set for every terminal" in refused(
        central, "fleet", "unset", "announcement", "holidays"
    )
    assert "taken back" in central.command("fleet", "unset", "announcement", "holiday")
    assert f"{number}: " in central.command("fleet", "move", number, "分厅")
    assert "1 to 100" in refused(central, "fleet", "move", number, "  ")
    assert "is disabled" in central.command("fleet", "disable", number)
    assert "no terminal there is in use" in central.command(
        "fleet", "command", "self_test", "--terminal", number
    )
    assert "in use again" in central.command("fleet", "disable", number, "--enable")


def test_nobody_is_asked_for_a_pin_that_is_then_of_no_use(central: CentralServer) -> None:
    """✗ The PIN was asked for, and then the id refused."""
    admit = ("fleet", "person")
    assert "编号" in refused(central, *admit, "T1", "--role", "technician")
    assert "s012" in refused(central, *admit, "t001", "--role", "staff")
    assert "no terminal 999999" in refused(
        central, *admit, "t001", "--role", "technician", "--terminal", "999999"
    )
    assert "there is: technician, staff" in refused(central, *admit, "t001", "--role", "boss")


def test_an_unknown_terminal_is_named(central: CentralServer) -> None:
    assert "no terminal 999999" in refused(central, "enrolment-code", "--replaces", "999999")


def test_a_terminal_that_moves_follows_what_is_set_for_its_new_hall(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    announced = ("fleet", "announce", "new", "新大厅照常办理", "--hall", "新大厅")
    assert "no terminal stands in 新大厅" in refused(central, *announced)
    central.command("fleet", "move", terminal.identity.terminal, "新大厅")
    central.command(*announced)
    assert "新大厅照常办理" in desired(terminal)
    assert "no terminal 999999" in refused(central, "fleet", "move", "999999", "新大厅")


def desired(terminal: EnrolledTerminal) -> str:
    """What the centre wants of it."""
    return terminal.transport.post(
        "heartbeat", beat(terminal), HeartbeatAnswer, 20
    ).model_dump_json()
