"""What somebody types wrong at the centre is said, and makes nothing."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from central.__main__ import app
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
