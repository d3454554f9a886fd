"""A policy pack on its way: issued at the centre, fetched by the agent, in force from its day."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from kiosk.clock import beijing_now
from kiosk.policy import BUILT_IN
from kiosk.policy.shelf import Shelf
from sync.agent import run_agent
from sync.faults import CentralRefused, CentralUnreachable
from sync.transport import Transport
from sync.wire.fleet import HeartbeatAnswer
from sync.wire.policy import Pack, PackQuestion
from tests.system.conftest import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.system.conftest import CentralServer, EnrolledTerminal

#: Long enough for a busy machine, seconds.
PATIENCE_S = 30.0

TODAY = beijing_now().date()
TOMORROW = TODAY + timedelta(days=1)
YESTERDAY = TODAY - timedelta(days=1)


def pack(region: str, version: str, effective: date, fee: int = 20) -> bytes:
    """What an authority sets, as the file of this project with other rules."""
    text = BUILT_IN.read_text(encoding="utf-8")
    for old, new in (
        ('version = "2026-11-29"', f'version = "{version}"'),
        ("effective = 2026-11-01", f"effective = {effective}"),
        ("demo = true", "demo = false"),
        ('code = "130200"', f'code = "{region}"'),
        ("first = { yuan = 0 }", f'first = {{ yuan = {fee}, approval = "示例批文" }}'),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode("utf-8")


class Office:
    """Who issues the packs of one region. Every test has a region of its own."""

    def __init__(self, central: CentralServer, folder: Path, region: str) -> None:
        self._central, self._folder, self.region = central, folder, region

    def issue(self, version: str, effective: date, *, fee: int = 20) -> str:
        return self.issue_file(pack(self.region, version, effective, fee), "--region", self.region)

    def issue_file(self, data: bytes, *options: str) -> str:
        file = self._folder / "issued.toml"
        file.write_bytes(data)
        return self.run("add", str(file), "--by", "operator", *options)

    def run(self, *words: str) -> str:
        return self._central.command("policy-pack", *words)

    def listed(self) -> dict[str, str]:
        """Version -> state, as printed."""
        rows = (line.split() for line in self.run("list").splitlines())
        return {row[1]: row[3] for row in rows if row[0] == self.region}


_regions = itertools.count(140001)


@pytest.fixture
def office(central: CentralServer, tmp_path: Path) -> Office:
    return Office(central, tmp_path, str(next(_regions)))


def shelf_of(terminal: EnrolledTerminal, region: str) -> Shelf:
    return Shelf(terminal.state / "policy", terminal.identity.central_signing_key, region)


@contextmanager
def agent(terminal: EnrolledTerminal, region: str) -> Iterator[Shelf]:
    """The agent runs; gives what the screen process reads meanwhile."""
    stop = threading.Event()
    thread = threading.Thread(
        target=run_agent,
        args=(terminal.state, stop),
        kwargs={
            "heartbeat_s": 0.3,
            "shelf": lambda key: Shelf(terminal.state / "policy", key, region),
        },
    )
    thread.start()
    try:
        yield shelf_of(terminal, region)
    finally:
        stop.set()
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive()


def until(condition: Callable[[], bool], what: str) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < PATIENCE_S, f"not in time: {what}"
        time.sleep(0.02)


def said(terminal: EnrolledTerminal) -> dict[str, Any]:
    """What the agent says of itself."""
    try:
        found: dict[str, Any] = json.loads((terminal.state / "agent.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def beats(terminal: EnrolledTerminal, count: int = 2) -> None:
    """Wait for heartbeats that were answered."""
    desired = terminal.state / "desired.json"
    until(desired.exists, "heartbeat")
    for _ in range(count):
        before = desired.stat().st_mtime_ns
        until(lambda before=before: desired.stat().st_mtime_ns > before, "heartbeat")  # type: ignore[misc]


def test_a_pack_dated_tomorrow_lies_ready_and_rules_from_its_day(
    office: Office, terminal: EnrolledTerminal
) -> None:
    with agent(terminal, office.region) as shelf:
        beats(terminal)
        assert shelf.held() == {}
        assert "待执行" in office.issue("2027-01-01", TOMORROW)
        until(lambda: "2027-01-01" in shelf.held(), "the pack")
        assert shelf.on(TODAY).demo, "nothing changes before its day"
        assert shelf.on(TOMORROW).fee("first").yuan == 20
        standing = shelf.rules_on(TODAY)
        assert (standing.next_version, standing.next_effective) == ("2027-01-01", TOMORROW)
        assert said(terminal)["policy"] == ""
    journal = "".join(file.read_text() for file in (terminal.state / "journal").glob("*.jsonl"))
    assert journal.count("policy_installed") == 1
    assert office.listed() == {"2027-01-01": "待执行"}


def test_without_the_centre_nothing_changes(
    office: Office, terminal: EnrolledTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.issue("2027-01-01", YESTERDAY)
    with agent(terminal, office.region) as shelf:
        until(lambda: shelf.on(TODAY).version == "2027-01-01", "the pack")

    def nobody(*_: Any) -> Any:
        raise CentralUnreachable("connection")

    monkeypatch.setattr(Transport, "post", nobody)
    with agent(terminal, office.region) as shelf:
        until(lambda: said(terminal)["central"] == "connection", "noticing that it is away")
        assert shelf.on(TODAY).version == "2027-01-01"
        assert shelf.rules_on(TODAY).origin == "centre"
        assert said(terminal)["policy"] == ""


def test_a_pack_that_was_altered_on_its_way_is_refused_and_told_of(
    office: Office, terminal: EnrolledTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    post = Transport.post

    def on_its_way(line: Transport, path: str, *rest: Any) -> Any:
        answer = post(line, path, *rest)
        if isinstance(answer, Pack):
            asked.append(path)
            return answer.model_copy(update={"data": answer.data.replace(b"= 20", b"= 90")})
        return answer

    monkeypatch.setattr(Transport, "post", on_its_way)
    office.issue("2027-01-01", YESTERDAY)
    with agent(terminal, office.region) as shelf:
        until(lambda: bool(said(terminal).get("policy")), "the word of it")
        assert said(terminal)["policy"] == "2027-01-01: is not the one that was asked for"
        beats(terminal)
        assert shelf.held() == {}
        assert shelf.on(TODAY).demo
        assert said(terminal)["central"] == "ok", "heartbeats go on"
        assert asked == ["policy-pack"], "it is not fetched again and again"
        # What is right comes all the same.
        monkeypatch.undo()
        office.issue("2027-01-02", YESTERDAY)
        until(lambda: shelf.on(TODAY).version == "2027-01-02", "the next pack")
        until(lambda: said(terminal)["policy"] == "", "that all is well again")


def test_who_can_write_the_centres_database_cannot_set_rules(
    central: CentralServer, office: Office, terminal: EnrolledTerminal
) -> None:
    office.issue("2027-01-01", YESTERDAY)
    forged = pack(office.region, "2027-01-01", YESTERDAY, fee=90)
    digest, text = hashlib.sha256(forged).hexdigest(), forged.decode("utf-8")
    central.sql(
        "UPDATE central_policypack SET text = ?, sha256 = ?, size = ? WHERE region = ?",
        *(text, digest, len(forged), office.region),
    )
    with agent(terminal, office.region) as shelf:
        until(lambda: bool(said(terminal).get("policy")), "the word of it")
        assert said(terminal)["policy"].endswith("the centre has not signed it")
        assert shelf.held() == {}
        assert shelf.on(TODAY).demo


def test_an_older_pack_does_not_replace_a_newer_one(
    office: Office, terminal: EnrolledTerminal
) -> None:
    office.issue("2026-12-02", YESTERDAY)
    with agent(terminal, office.region) as shelf:
        until(lambda: shelf.on(TODAY).version == "2026-12-02", "the pack")
        assert "已被替代" in office.issue("2026-12-01", YESTERDAY)
        beats(terminal)
        assert shelf.held().keys() == {"2026-12-02"}, "it is not even fetched"
    assert office.listed() == {"2026-12-02": "正在执行", "2026-12-01": "已被替代"}


def test_several_packs_come_one_with_each_heartbeat(
    office: Office, terminal: EnrolledTerminal
) -> None:
    for day in (1, 2, 3):
        office.issue(f"2027-01-0{day}", TODAY + timedelta(days=day))
    with agent(terminal, office.region) as shelf:
        until(lambda: len(shelf.held()) == 1, "the first")
        assert shelf.held().keys() == {"2027-01-01"}, "what begins first comes first"
        until(lambda: len(shelf.held()) == 3, "all of them")


def test_a_withdrawn_pack_is_put_away_and_the_one_before_rules_again(
    office: Office, terminal: EnrolledTerminal
) -> None:
    office.issue("2027-01-01", YESTERDAY, fee=10)
    office.issue("2027-01-02", TODAY, fee=90)
    with agent(terminal, office.region) as shelf:
        until(lambda: shelf.on(TODAY).fee("first").yuan == 90, "the pack")
        rules = office.run("withdraw", office.region, "2027-01-02", "--by", "operator")
        assert "2027-01-01" in rules
        until(lambda: shelf.on(TODAY).fee("first").yuan == 10, "the one before")
        assert not list((terminal.state / "policy").glob("2027-01-02*"))
        assert said(terminal)["policy"] == ""
        office.run("withdraw", office.region, "2027-01-01")
        until(lambda: shelf.on(TODAY).demo, "the built-in one")


def test_terminals_of_another_region_get_nothing_of_it(
    office: Office, terminal: EnrolledTerminal
) -> None:
    office.issue("2027-01-01", YESTERDAY)
    with agent(terminal, "150100") as shelf:
        beats(terminal)
        assert shelf.held() == {}
        assert said(terminal)["policy"] == ""


def test_the_agent_of_the_product_follows_the_centre_and_says_so_at_the_centre(
    central: CentralServer, terminal: EnrolledTerminal, tmp_path: Path
) -> None:
    """The process itself, put together by `kiosk.__main__`."""
    (terminal.state / "settings.toml").write_text('[hall]\nregion = "139900"\n')
    office = Office(central, tmp_path, "139900")
    office.issue("2027-01-01", YESTERDAY)
    # What the screen process would write (`kiosk.upkeep.housekeeping`).
    versions = {"policy": "2027-01-01", "policy_origin": "centre"}
    (terminal.state / "health.json").write_text(json.dumps({"versions": versions}))
    command = [sys.executable, "-m", "kiosk", "agent", "--state", str(terminal.state)]
    with subprocess.Popen(command, env=environment()) as process:
        try:
            shelf = shelf_of(terminal, "139900")
            until(lambda: shelf.on(TODAY).version == "2027-01-01", "the pack")
        finally:
            process.terminate()
    (row,) = (
        row for row in central.show()["terminals"] if row["number"] == terminal.identity.terminal
    )
    assert row["policy"] == "2027-01-01"
    page = operator(central).get(f"{central.url}/admin/central/policypack/?region=139900").text
    assert "正在执行" in page
    assert re.search(r'class="field-terminals">1<', page), "how many terminals go by it"
    assert 'name="action"' not in page, "it is only looked at"


def operator(central: CentralServer) -> requests.Session:
    session = requests.Session()
    name, password = (central.folder / "operator.txt").read_text(encoding="ascii").split()
    login = f"{central.url}/admin/login/"
    session.get(login, timeout=20)
    token = session.cookies["csrftoken"]
    form = {"username": name, "password": password, "csrfmiddlewaretoken": token}
    form["next"] = "/admin/"
    assert session.post(login, data=form, timeout=20).ok
    return session


# -- what is issued ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "2027-01-01"', 'version = "next"'),
        ('approval = "示例批文"', 'approval = ""'),
        ("[ages]", "[ages"),
        ("adult = 16", 'adult = "16"'),
        ("hotline", "hot_line"),
    ],
)
def test_a_pack_that_a_terminal_would_refuse_is_not_issued(
    office: Office, old: str, new: str
) -> None:
    text = pack(office.region, "2027-01-01", TOMORROW).decode("utf-8")
    assert old in text
    with pytest.raises(subprocess.CalledProcessError) as refused:
        office.issue_file(text.replace(old, new, 1).encode("utf-8"))
    assert refused.value.returncode == 2
    assert office.listed() == {}


def test_a_pack_is_issued_for_the_region_that_was_meant(office: Office) -> None:
    data = pack("130100", "2027-01-01", TOMORROW)
    with pytest.raises(subprocess.CalledProcessError):
        office.issue_file(data, "--region", office.region)
    with pytest.raises(subprocess.CalledProcessError):
        office.issue_file(pack(office.region, "2027-01-01", TOMORROW) + b"#" * 300_000)
    assert office.listed() == {}


def test_a_version_is_issued_once(office: Office) -> None:
    first = office.issue("2027-01-01", TOMORROW)
    assert office.issue("2027-01-01", TOMORROW) == first, "the same again is nothing new"
    with pytest.raises(subprocess.CalledProcessError):
        office.issue("2027-01-01", TOMORROW, fee=30)
    assert "程序自带" in office.run("withdraw", office.region, "2027-01-01")
    with pytest.raises(subprocess.CalledProcessError):
        office.issue("2027-01-01", TOMORROW)
    with pytest.raises(subprocess.CalledProcessError):
        office.run("withdraw", office.region, "2027-01-01")
    assert office.listed() == {"2027-01-01": "已撤回"}


def test_who_issues_is_told_of_rules_that_the_pack_lacks(office: Office) -> None:
    text = pack(office.region, "2027-01-01", TOMORROW).decode("utf-8")
    text = text.replace('temporary_lapse = { number = 15, unit = "calendar" }\n', "", 1)
    assert "service.loss_report.temporary_lapse" in office.issue_file(text.encode("utf-8"))
    assert "warning" not in office.issue("2027-01-02", TOMORROW)


def test_a_pack_that_nobody_issued_is_not_given(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    with pytest.raises(CentralRefused) as refused:
        terminal.transport.post("policy-pack", PackQuestion(sha256="0" * 64), Pack, 20)
    assert refused.value.reason == "unknown_pack"


def test_a_terminal_that_names_no_region_is_told_of_no_packs(terminal: EnrolledTerminal) -> None:
    from sync.fleet import Fleet

    fleet = Fleet(terminal.state, terminal.identity, terminal.outbox, terminal.transport, {})
    answer: HeartbeatAnswer = fleet.beat()
    assert answer.packs is None
