"""The desired state: put together, signed, kept; and commands that take effect once."""

from __future__ import annotations

import errno
import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from sync.commands import Done
from sync.wire.desired import Desired, DesiredState
from tests.system.fleet_rig import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.in_process import Centre


@pytest.fixture
def rig(centre: Centre, tmp_path: Path) -> Rig:
    from central.fleet_models import Command, Wanted
    from central.models import DesiredService

    for model in (Command, Wanted, DesiredService):
        model.objects.all().delete()
    return Rig(tmp_path / "terminal")


def want(kind: str, key: str, value: Any, **scope: Any) -> None:
    from central import desired

    desired.want(kind, key, value, by="tester", **scope)


@pytest.mark.usefixtures("rig")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        *(
            ({"zh": "照常办理", "until": until}, "2026-12-31")
            for until in ("31.12.2026", "20261231", "2026-W53-4", "2026-02-30", "明天")
        ),
        ({"zh": "字" * 51}, "最长 50 个字，现在 51 个"),
        ({"zh": "照常办理", "en": "x" * 101}, "最长 100 个字，现在 101 个"),
        ({"zh": "照常办理", "id": "a b"}, "公告的名字"),
        ({"zh": 7}, "内容不合要求"),
    ],
)
def test_what_is_wrong_with_a_notice_is_said(value: dict[str, Any], said: str) -> None:
    from central import desired

    said_of = {name: one for name, one in value.items() if name != "id"}
    with pytest.raises(desired.NotWanted, match=said):
        want("announcement", value.get("id", "holiday"), said_of)


# -- what is wanted ------------------------------------------------------------------------------


def test_the_narrowest_rule_counts_and_the_wider_one_again_when_it_goes(rig: Rig) -> None:
    from central import desired

    name = "central.heartbeat_s"
    want("setting", name, "60")
    want("setting", name, "30", hall="测试厅")
    want("setting", name, "90", hall="别的厅")
    assert rig.beat().settings == {name: 30}  # type: ignore[union-attr]
    want("setting", name, "15", terminal=rig.row())
    assert rig.beat().settings == {name: 15}  # type: ignore[union-attr]
    assert desired.want_no_more("setting", name, terminal=rig.row())
    assert rig.beat().settings == {name: 30}  # type: ignore[union-attr]
    assert desired.want_no_more("setting", name, hall="测试厅")
    assert not desired.want_no_more("setting", name, hall="测试厅")
    assert rig.beat().settings == {name: 60}  # type: ignore[union-attr]


def test_one_hall_is_closed_whole_and_one_terminal_in_it_is_not(rig: Rig, tmp_path: Path) -> None:
    from central import desired

    other = Rig(tmp_path / "other")
    far = Rig(tmp_path / "far", hall="别的厅")
    desired.close_service("*", "停电检修", hall="测试厅")
    assert rig.beat().closed_services == {"*": "停电检修"}  # type: ignore[union-attr]
    assert far.beat().closed_services == {}  # type: ignore[union-attr]
    assert desired.open_service("*", terminal=other.row())
    assert other.beat().closed_services == {}  # type: ignore[union-attr]
    assert rig.beat().closed_services == {"*": "停电检修"}  # type: ignore[union-attr]
    assert desired.open_service("*")
    assert rig.beat().closed_services == {}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("setting", "central.url", "https://elsewhere"),
        ("setting", "devices.printer", "/dev/null"),
        ("setting", "central.heartbeat_s", "1"),
        ("setting", "central.heartbeat_s", "1.5"),
        ("setting", "central.heartbeat_s", True),
        ("setting", "photo.comparison", "nowhere"),
        ("setting", "screen.shuffled_pin", "yes"),
        ("setting", "hall.name", "两\n行"),
        ("setting", "hall.name", ""),
        ("announcement", "a", {"zh": ""}),
        ("announcement", "a", {"zh": "字" * 51}),
        ("announcement", "a", {"zh": "节日", "until": "2026-13-01"}),
        ("announcement", "a b", {"zh": "节日"}),
        ("person", "t001", {"roles": "technician"}),
        ("person", "clerk", {"roles": ["staff"]}),
        ("person", "s1234567", {"roles": ["staff"]}),
    ],
)
def test_what_does_not_fit_is_not_sent(rig: Rig, kind: str, key: str, value: Any) -> None:
    from central.desired import NotWanted

    with pytest.raises(NotWanted):
        want(kind, key, value)
    before = rig.beat()
    assert before is not None
    assert (before.settings, before.announcements, before.roster) == ({}, [], {})


def test_the_contents_come_once_and_later_answers_are_short(rig: Rig) -> None:
    for number in range(20):
        want("announcement", f"n{number}", {"zh": "通知" * 20, "en": "notice " * 14})
    rig.beat()
    first = rig.line.bytes
    assert len(rig.fleet.desired.announcements) == 20  # type: ignore[union-attr]
    rig.beat()
    assert rig.line.bytes - first < 3000 < first
    assert len(rig.fleet.desired.announcements) == 20  # type: ignore[union-attr]
    kept = rig.state / "desired.json"
    assert kept.stat().st_mode & 0o077 == 0, "it has the hashes of PINs"
    rig.restart()
    assert rig.beat().version == json.loads(kept.read_text())["version"]  # type: ignore[union-attr]


def altered(answer: Any, **fields: Any) -> Any:
    said: Desired = answer.desired
    state = (said.state or DesiredState(version=said.version)).model_copy(update=fields)
    return answer.model_copy(update={"desired": said.model_copy(update={"state": state})})


def test_nothing_that_the_centre_did_not_sign_to_this_terminal_changes_anything(
    rig: Rig, tmp_path: Path
) -> None:
    rig.beat()
    before = (rig.state / "desired.json").read_bytes()
    want("setting", "hall.name", "新名称")
    rig.line.alter = lambda answer: altered(answer, closed_services={"*": "坏人"})
    rig.beat()
    other, kept = Rig(tmp_path / "other"), []

    def keep(answer: Any) -> Any:
        kept.append(answer)
        return answer

    other.line.alter = keep
    other.beat()
    rig.line.alter = lambda _: kept[0]
    rig.beat()
    assert (rig.state / "desired.json").read_bytes() == before
    rig.line.alter = lambda answer: answer
    assert rig.beat().settings == {"hall.name": "新名称"}  # type: ignore[union-attr]


def test_an_older_state_that_somebody_kept_brings_nothing_back(rig: Rig) -> None:
    from central import desired

    kept = []
    rig.line.alter = lambda answer: (kept.append(answer), answer)[1]  # type: ignore[func-returns-value]
    desired.close_service("*", "旧的")
    rig.beat()
    desired.open_service("*")
    rig.beat()
    rig.line.alter = lambda _: kept[0]
    assert rig.beat().closed_services == {}  # type: ignore[union-attr]
    rig.line.alter = lambda answer: answer
    assert rig.beat().closed_services == {}  # type: ignore[union-attr]


def test_fields_of_a_newer_centre_stay_under_the_signature(rig: Rig) -> None:
    from central.keys import keyring

    def newer(answer: Any) -> Any:
        state = {"version": "v2", "peers": ["10.0.0.1"], "commands": []}
        said = {"version": "v2", "issued": answer.desired.issued, "device_key_id": rig.key.id}
        unsigned = Desired.model_validate({**said, "state": state, "mirror": 1})
        return answer.model_copy(
            update={"desired": keyring().signed(unsigned, terminal=rig.number)}
        )

    rig.line.alter = newer
    assert rig.beat().version == "v2"  # type: ignore[union-attr]


# -- commands ------------------------------------------------------------------------------------


def test_a_command_is_done_once_and_its_result_is_signed(rig: Rig) -> None:
    from central.fleet_models import Command

    id_ = rig.order("self_test")
    rig.settle()
    kept = Command.objects.get(pk=id_)
    assert (kept.outcome, kept.detail, rig.tests) == ("done", "", 1)
    assert kept.result["signature"]
    rig.settle()
    assert rig.tests == 1
    rig.wrong = "printer_paper_out"
    again = rig.order("self_test")
    rig.settle()
    assert (rig.outcome(again), rig.tests) == ("failed", 2)
    assert Command.objects.get(pk=again).detail == "printer_paper_out"


def test_a_command_waits_for_the_end_of_a_visit(rig: Rig) -> None:
    id_ = rig.order("self_test")
    rig.idle = False
    rig.settle()
    assert (rig.outcome(id_), rig.tests) == ("", 0)
    rig.idle = True
    rig.settle()
    assert (rig.outcome(id_), rig.tests) == ("done", 1)


def test_a_command_whose_time_is_over_is_not_carried_out(rig: Rig) -> None:
    seen, unseen = rig.order("self_test"), ""
    rig.idle = False
    rig.settle()
    rig.stop.clear()
    with time_machine.travel(_in(hours=2), tick=True):
        rig.idle = True
        rig.settle()
        assert (rig.outcome(seen), rig.tests) == ("expired", 0)
        unseen = rig.order("self_test")
        with time_machine.travel(_in(hours=5), tick=True):
            rig.settle()
            assert (rig.outcome(unseen), rig.tests) == ("expired", 0)


def _in(hours: float) -> Any:
    from django.utils import timezone

    return timezone.now() + timedelta(hours=hours)


def test_answers_that_are_lost_or_come_twice_change_nothing(rig: Rig) -> None:
    id_ = rig.order("self_test")
    for fate in ("lost", "", "lost", "lost", "", "lost", ""):
        rig.line.fate = fate
        rig.beat()
        rig.work()
    assert (rig.outcome(id_), rig.tests) == ("done", 1)
    kept: list[Any] = []
    rig.line.alter = lambda answer: (kept.append(answer), answer)[1]  # type: ignore[func-returns-value]
    second = rig.order("self_test")
    rig.settle()
    assert (rig.outcome(second), rig.tests) == ("done", 2)
    named = next(one for one in kept if one.desired.state and one.desired.state.commands)
    rig.line.alter = lambda _: named
    rig.settle()
    assert rig.tests == 2


@pytest.mark.parametrize("kind", ["resend", "self_test", "rotate_key", "retire", "collect_logs"])
def test_a_kill_between_the_effect_and_its_result_has_one_effect(rig: Rig, kind: str) -> None:
    """The effect takes place and the agent dies before it can say so; then it does it "again"."""
    (rig.state / "logs").mkdir()
    (rig.state / "logs" / "run.log").write_text(
        "2026-11-28 13:20:44,123 INFO kiosk.terminal operation photo answered in 1.25 s\n"
    )
    id_ = rig.order(kind)
    rig.beat()
    rig.beat()
    assert rig.commands is not None
    command = rig.commands._named[id_]
    first = rig.effects[kind](command)
    rig.restart()
    rig.settle()
    assert rig.outcome(id_) == "done"
    if kind == "rotate_key":
        assert rig.key.public == first.new_public_key, "one new key, not two"
    if kind == "collect_logs":
        import gzip

        from central.fleet_models import Command

        packed = bytes(Command.objects.get(pk=id_).attachment)
        assert b"operation photo answered in 1.25 s" in gzip.decompress(packed)


def test_the_screen_is_restarted_once_whoever_dies_meanwhile(rig: Rig) -> None:
    from kiosk.upkeep.restarting import Restarting

    id_ = rig.order("restart", what="screen")
    rig.beat()
    rig.beat()
    assert rig.commands is not None
    rig.commands.tick()
    screen = Restarting(rig.state)
    _until(lambda: (screen.look(), screen.due)[1])  # type: ignore[func-returns-value]
    rig.restart()  # the agent dies while the screen has not ended yet
    rig.beat()
    rig.commands.tick()
    Restarting(rig.state).begun()  # the screen ends and is started
    after = Restarting(rig.state)
    rig.restart()  # and the agent dies before it saw that
    rig.settle()
    after.look()
    assert (rig.outcome(id_), after.due) == ("done", False)
    assert not list((rig.state / "wanted").glob("*.restart"))


def test_a_command_that_waits_holds_up_no_other(rig: Rig) -> None:
    """The screen does not come to rest; its log is wanted all the more."""
    waits, test = rig.order("restart", what="screen"), rig.order("self_test")
    rig.settle()
    assert (rig.outcome(waits), rig.outcome(test), rig.tests) == ("", "done", 1)
    again = rig.order("restart", what="agent")
    rig.settle(2)
    assert rig.outcome(waits) == ""
    assert len(list((rig.state / "wanted").glob("*.restart"))) == 1, "it is still asked for"
    assert again


def test_the_agent_is_restarted_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = rig.order("restart", what="agent")
    rig.beat()
    rig.beat()
    rig.work()
    assert rig.stop.is_set(), "it ends itself"
    monkeypatch.setattr("sync.effects.os.getpid", lambda: 1)
    rig.restart()
    rig.settle()
    assert (rig.outcome(id_), rig.stop.is_set()) == ("done", False)


def test_a_terminal_put_back_to_before_a_command_does_not_do_it_again(rig: Rig) -> None:
    """It was carried out, and then the folder came back from an image: nobody knows any more."""
    copy = rig.state.with_name("image")
    shutil.copytree(rig.state, copy)
    id_ = rig.order("self_test")
    rig.beat()
    rig.beat()
    rig.work()
    assert rig.tests == 1
    rig.outbox.close()
    assert rig.commands is not None
    rig.commands.close()
    shutil.rmtree(rig.state)
    shutil.copytree(copy, rig.state)
    rig.start()
    rig.settle()
    assert (rig.outcome(id_), rig.tests) == ("lost", 1)


def test_a_copy_of_a_terminal_carries_out_nothing(rig: Rig, tmp_path: Path) -> None:
    from sync.agent import Hands
    from sync.outbox import Outbox

    assert Hands().may_act(rig.outbox)()
    shutil.copytree(rig.state, tmp_path / "copy")
    copied = Outbox(tmp_path / "copy" / "outbox.db", rig.number)
    assert not Hands().may_act(copied)()
    assert not Hands(idle=lambda: False).may_act(rig.outbox)()
    copied.close()


def test_of_two_agents_one_alone_carries_out(rig: Rig) -> None:
    from sync.commands import Commands
    from sync.journal import Unrecorded

    id_ = rig.order("self_test")
    second = Commands(
        *(rig.state, rig.number, rig.key, rig.effects, lambda: True),
        Unrecorded(),  # type: ignore[arg-type]
    )
    rig.settle()
    second.tick()
    assert (rig.outcome(id_), rig.tests) == ("done", 1)


def test_what_a_terminal_does_not_know_it_refuses(rig: Rig) -> None:
    from central.fleet_models import Command

    made = [
        Command.objects.create(
            terminal=rig.row(), kind=kind, arguments=arguments, expires_at=_in(hours=1)
        )
        for kind, arguments in (("format_disk", {}), ("restart", {"what": "the city"}))
    ]
    rig.settle()
    said = [
        (one.outcome, one.detail) for one in Command.objects.filter(pk__in=[m.pk for m in made])
    ]
    assert sorted(said) == [("refused", "arguments"), ("refused", "unknown_kind")]


def test_an_effect_that_breaks_is_said_without_its_message(rig: Rig) -> None:
    from central.fleet_models import Command

    def breaks(_: Any) -> Done:
        raise ValueError("张三 130203199001011234")

    assert rig.commands is not None
    rig.effects["resend"] = breaks
    rig.commands._effects = rig.effects
    id_ = rig.order("resend")
    rig.settle()
    kept = Command.objects.get(pk=id_)
    assert (kept.outcome, kept.detail) == ("failed", "ValueError")


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The state folder takes nothing more, as a file system does after an error of its disk."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        for module in ("fleet", "commands", "effects"):
            patch.setattr(f"sync.{module}.write_whole", refuse)
        patch.setattr("sync.fleet.os.utime", refuse)
        yield


def test_a_command_to_a_disk_that_is_read_only_has_failed_at_once(
    rig: Rig, read_only: None
) -> None:
    from central.fleet_models import Command

    id_ = rig.order("restart", what="screen")
    rig.settle()
    assert rig.outcome(id_) == "failed"
    assert Command.objects.get(pk=id_).detail == "EROFS"
    assert not (rig.state / "wanted").exists()


def test_a_command_is_told_although_the_disk_became_read_only_under_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = rig.order("self_test")
    rig.beat()
    rig.beat()  # listed, and named again: it may be carried out

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sync.commands.write_whole", refuse)
        rig.settle()
    assert rig.outcome(id_) == "done"
    assert rig.tests == 1


def test_what_a_full_disk_did_not_take_is_brought_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    rig.beat()
    want("setting", "hall.name", "新大厅")
    with monkeypatch.context() as patch:
        patch.setattr("sync.fleet.write_whole", refuse)
        rig.beat()
    rig.beat()
    kept = json.loads((rig.state / "desired.json").read_text())
    assert kept["settings"] == {"hall.name": "新大厅"}


def test_a_result_that_another_key_signed_is_none(rig: Rig) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    id_ = rig.order("self_test")
    rig.beat()
    rig.beat()
    rig.work()
    assert rig.commands is not None
    noted = rig.commands._noted[id_]
    assert noted.result is not None
    forged = Ed25519PrivateKey.generate().sign(noted.result.signed_bytes(terminal=rig.number))
    right, noted.result = noted.result, noted.result.signed_with(forged)
    rig.beat()
    assert rig.outcome(id_) == ""
    noted.result = right
    rig.beat()
    assert rig.outcome(id_) == "done"


# -- keys and retirement -------------------------------------------------------------------------


def test_the_device_key_is_changed_and_the_old_one_is_good_no_more(rig: Rig) -> None:
    before = rig.key
    id_ = rig.order("rotate_key")
    rig.beat()
    rig.beat()
    rig.work()
    rig.line.fate = "lost"
    rig.beat()  # the centre has the new key, and the terminal does not know it
    assert rig.row().key_id != before.id == rig.key.id
    rig.settle()
    assert rig.outcome(id_) == "done"
    assert rig.row().key_id == rig.key.id != before.id
    assert rig.key.publics == (rig.key.public, before.public)
    assert before.id == rig.row().former_key_id


def test_a_key_that_was_spoilt_before_its_first_use_is_changed_once_more(rig: Rig) -> None:
    """The second change was called done, and the centre waited for the first key for ever."""
    before = rig.key
    rig.order("rotate_key")
    rig.beat()
    rig.beat()
    rig.work()
    rig.line.fate = "lost"
    rig.beat()
    spoilt = rig.row().key_id
    (rig.state / "device.key.next").write_bytes(b"")
    id_ = rig.order("rotate_key")
    rig.settle()
    assert rig.outcome(id_) == "done"
    assert rig.row().key_id == rig.key.id not in (before.id, spoilt)
    assert before.id == rig.row().former_key_id


def test_a_retired_terminal_sends_nothing_more_and_keeps_its_queue(rig: Rig) -> None:
    id_ = rig.order("retire")
    rig.settle()
    assert (rig.outcome(id_), rig.row().enabled) == ("done", False)
    assert (rig.state / "retired").exists()
    assert (rig.state / "outbox.db").exists()


def _until(condition: Any) -> None:
    import time

    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
