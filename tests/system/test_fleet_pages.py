"""The operators' pages of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.fleet_rig import Rig
from tests.system.test_reports import beat

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from tests.system.in_process import Centre


@pytest.fixture
def operator(centre: Centre) -> Client:
    from django.test import Client

    from central.roles import Role, add_operator

    password = add_operator("fleet", Role.ADMIN)
    client = Client(SERVER_NAME="localhost")
    assert client.login(username="fleet", password=password)
    return client


def test_what_is_wanted_is_set_for_a_hall_and_checked(
    operator: Client, centre: Centre, tmp_path: Path
) -> None:
    from central.fleet_models import Wanted

    rig = Rig(tmp_path / "terminal", hall="路北大厅")
    add = "/admin/central/wanted/add/"
    form = {"kind": "setting", "key": "central.heartbeat_s", "hall": "路北大厅", "terminal": ""}
    refused = operator.post(add, {**form, "text": "1"}).content.decode()
    assert "a whole number from 10 to 900" in refused
    assert (
        "errorlist" in operator.post(add, {**form, "hall": "没有的", "text": "20"}).content.decode()
    )
    assert operator.post(add, {**form, "text": "20"}).status_code == 302
    assert operator.post(add, {**form, "text": "30"}).status_code == 302, "it takes its place"
    assert [one.value for one in Wanted.objects.all()] == [30]
    assert rig.beat().settings == {"central.heartbeat_s": 30}  # type: ignore[union-attr]
    person = {"kind": "person", "key": "t007", "hall": "", "terminal": rig.number}
    weak = operator.post(add, {**person, "roles": ["technician"], "pin": "123456"})
    assert weak.status_code == 200
    right = operator.post(add, {**person, "roles": ["technician"], "pin": "739105"})
    assert right.status_code == 302
    listed = operator.get("/admin/central/wanted/").content.decode()
    assert "739105" not in listed
    assert "$" not in listed.split("<tbody>")[1], "nor its hash"
    assert list(rig.beat().roster) == ["t007"]  # type: ignore[union-attr]
    Wanted.objects.all().delete()


def test_what_waits_for_the_centre_s_word_is_told_with_its_reason_and_age(
    operator: Client, centre: Centre
) -> None:
    from central import fleet

    terminal = centre.terminal()
    fleet.heard(terminal, beat(terminal, queued=2, later={"no_registry": 7260}))
    page = operator.get(f"/admin/central/terminal/{terminal.number}/change/").content.decode()
    assert "中心暂缓：参保人员库" in page and "最久 121 分钟" in page


def test_a_command_is_given_to_the_terminals_that_are_chosen_and_its_log_comes(
    operator: Client, centre: Centre, tmp_path: Path
) -> None:
    from central.fleet_models import Command

    rigs = [Rig(tmp_path / name, hall="丰南大厅") for name in ("one", "two")]
    (rigs[0].state / "logs").mkdir()
    page = operator.get("/admin/central/terminal/?hall=丰南大厅").content.decode()
    assert "命令：重启程序（空闲时） screen" in page
    assert "退役" not in page
    form = {"action": "give_collect_logs", "_selected_action": [one.number for one in rigs]}
    operator.post("/admin/central/terminal/", form)
    assert Command.objects.filter(kind="collect_logs", outcome="").count() == 2
    rigs[0].settle()
    kept = Command.objects.get(terminal=rigs[0].number)
    assert (kept.outcome, kept.made_by) == ("done", "fleet")
    listed = operator.get("/admin/central/command/").content.decode()
    assert f"/admin/central/command/{kept.pk}/log" in listed
    log = operator.get(f"/admin/central/command/{kept.pk}/log")
    assert log.content[:2] == b"\x1f\x8b"
    waiting = Command.objects.get(terminal=rigs[1].number)
    assert operator.get(f"/admin/central/command/{waiting.pk}/log").status_code == 404


def test_who_may_only_look_gives_no_command(operator: Client, centre: Centre) -> None:
    from django.test import Client

    from central.fleet_models import Command
    from central.roles import Role, add_operator

    before = Command.objects.count()
    password = add_operator("looker", Role.VIEWER)
    client = Client(SERVER_NAME="localhost")
    client.login(username="looker", password=password)
    form = {"action": "give_self_test", "_selected_action": [centre.sender.number]}
    client.post("/admin/central/terminal/", form)
    assert Command.objects.count() == before
    assert client.get("/admin/central/wanted/add/").status_code == 403
    assert client.get("/admin/central/wanted/").status_code == 200
