"""Releases through the real centre: made by its commands, fetched by an enrolled terminal only."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from sync.fleet import Fleet
from sync.identity import load_identity
from sync.launcher import load
from sync.signing import DeviceKey
from sync.slots import Slots
from sync.updates.bringing import Way
from sync.updates.names import whole_name
from sync.updates.plan import Plan
from sync.updates.stages import Stage, Why
from sync.updates.worker import Updates
from sync.wire.release import PART
from tests.fleet.office import MACHINE, bundle
from tests.patience import eventually
from tests.system.conftest import CentralServer, enrolled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.conftest import EnrolledTerminal

FILES = "/api/v1/release-files"

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def own_central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentralServer]:
    """A release is for the whole fleet, so this centre is nobody else's."""
    server = CentralServer(tmp_path_factory.mktemp("central"))
    server.start()
    yield server
    server.stop()


def offline(*words: str) -> str:
    """On a machine that has no centre."""
    done = subprocess.run(
        [sys.executable, "-m", "central", "release", *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "KIOSK_RELEASE_PASSPHRASE": PASSPHRASE, "PYTHONPATH": os.getcwd()},
    )
    return done.stdout


@pytest.fixture(scope="module")
def released(own_central: CentralServer, tmp_path_factory: pytest.TempPathFactory) -> CentralServer:
    """The ceremony, with two keys for each role, and two versions."""
    folder = tmp_path_factory.mktemp("stick")
    for name in ("r1", "r2", "t1"):
        offline("key", str(folder / name))
        assert b"ENCRYPTED" in (folder / name).read_bytes()

    def command(*words: str) -> str:
        return own_central.command("release", *words)

    keys = ["--root-key", f"{folder}/r1.pub", "--root-key", f"{folder}/r2.pub"]
    keys += ["--targets-key", f"{folder}/t1.pub", "--targets-threshold", "1"]
    draft = command("root", *keys).strip()
    for name in ("r1", "r2"):
        offline("sign", draft, "--key", str(folder / name))
    draft = command("add", "1.0.0", str(bundle(folder, "1.0.0"))).splitlines()[-1]
    command("add", "1.1.0", str(bundle(folder, "1.1.0")), "--base", "1.0.0")
    assert "kiosk-1.1.0" in offline("look", draft)
    assert "signed" in offline("sign", draft, "--key", str(folder / "t1"))
    assert command("publish").split() == ["1.root.json", "1.targets.json"]
    command("start", "1.1.0", "--by", "operator")
    assert "发布中" in command("list")
    own_central.state.joinpath("1.0.0.tar").write_bytes((folder / "1.0.0.tar").read_bytes())
    return own_central


@pytest.fixture
def terminal(released: CentralServer, tmp_path: Path) -> Iterator[EnrolledTerminal]:
    made = enrolled(released, tmp_path / "terminal")
    yield made
    made.transport.close()
    made.outbox.close()


def get(terminal: EnrolledTerminal, path: str, **headers: str) -> requests.Response:
    return requests.get(
        f"{terminal.identity.central_url}{FILES}/{path}",
        headers={"Content-Type": "application/octet-stream", **headers},
        auth=DeviceKey.load(terminal.state).auth(),
        timeout=20,
    )


def updates_of(terminal: EnrolledTerminal, slots: Slots | None) -> Updates:
    identity = load_identity(terminal.state)
    way = Way(f"{identity.central_url}{FILES}", DeviceKey.load(terminal.state).auth())
    return Updates(terminal.state, identity, slots, way)


def test_a_terminal_takes_what_was_released_to_it(
    released: CentralServer, terminal: EnrolledTerminal, tmp_path: Path
) -> None:
    """By the heartbeat of its agent, with the root that the centre's signature names."""
    root = tmp_path / "slots"
    root.mkdir()
    with (released.state / "1.0.0.tar").open("rb") as tar:
        Slots(root).put(tar, "1.0.0")
    Slots(root).begin("1.0.0")
    released.command("release", "pin", terminal.identity.terminal, "1.1.0")
    updates = updates_of(terminal, Slots(root, load(root).running))

    fleet = Fleet(
        terminal.state, terminal.identity, terminal.outbox, terminal.transport, {}, "", updates
    )
    fleet.beat()
    updates.step()
    said = updates.report()
    assert (said.stage, said.why, said.version) == (Stage.CHOSEN, Why.NOTHING, "1.0.0")
    fleet.beat()
    ((kept,),) = released.sql(
        "SELECT release FROM central_terminalreport WHERE terminal_id = ?",
        terminal.identity.terminal,
    )
    assert '"chosen"' in str(kept).replace("'", '"')


def test_files_come_in_short_ranges_and_no_name_leads_out(terminal: EnrolledTerminal) -> None:
    listed = get(terminal, "metadata/1.targets.json").json()["signed"]["targets"]
    name = whole_name("1.1.0", MACHINE)
    path = f"targets/{listed[name]['hashes']['sha256']}.{name}"
    part = get(terminal, path, Range="bytes=5-9")
    assert (part.status_code, len(part.content)) == (206, 5)
    size = listed[name]["length"]
    assert part.headers["Content-Range"] == f"bytes 5-9/{size}"
    whole = get(terminal, path, Range="bytes=0-")
    assert len(whole.content) == min(size, PART)
    assert whole.content[5:10] == part.content
    for header in ("", "bytes=9-5", f"bytes={size}-", "bytes=-5", "bytes=0-1,3-4", "items=0-1"):
        assert get(terminal, path, Range=header).status_code == 416, header
    for bad in (
        *("targets/../draft/targets.json", "targets/%2e%2e/draft/targets.json", "targets/.."),
        *("draft/targets.json", "bundles/x.tar", "metadata/", "targets/.hidden", "metadata/a/b"),
        "../../envelope-keys/release.key",
    ):
        assert get(terminal, bad).status_code in (400, 404), bad
    assert get(terminal, "metadata/99.root.json").status_code == 404


def test_who_is_not_enrolled_or_was_disabled_gets_nothing(
    released: CentralServer, terminal: EnrolledTerminal
) -> None:
    """A stolen key that was revoked: nothing more in or out."""
    address = f"{released.url}{FILES}/metadata/timestamp.json"
    assert requests.get(address, timeout=20).status_code == 401
    assert get(terminal, "metadata/timestamp.json").status_code == 200
    disabled = "UPDATE central_terminal SET enabled = ? WHERE number = ?"
    released.sql(disabled, False, terminal.identity.terminal)
    refused = get(terminal, "metadata/timestamp.json")
    assert (refused.status_code, refused.json()["error"]) == (403, "terminal_disabled")


def test_an_agent_without_slots_says_so_and_beats_on(
    released: CentralServer, terminal: EnrolledTerminal
) -> None:
    number = terminal.identity.terminal
    released.command("release", "pin", number, "1.1.0")
    updates = updates_of(terminal, None)
    fleet = Fleet(
        terminal.state, terminal.identity, terminal.outbox, terminal.transport, {}, "", updates
    )

    def heard() -> bool:
        # The centre looks up what it decided once a second, and this is another process.
        fleet.beat()
        updates.step()
        return (updates.report().stage, updates.report().why) == (Stage.IDLE, Why.NO_SLOTS)

    eventually(heard)
    fleet.beat()
    ((kept,),) = released.sql(
        "SELECT release FROM central_terminalreport WHERE terminal_id = ?", number
    )
    assert "no_slots" in str(kept)


def test_what_people_signed_is_in_a_backup(released: CentralServer, tmp_path: Path) -> None:
    released.command("backup", str(tmp_path / "backup"))
    assert (tmp_path / "backup/releases/metadata/1.root.json").exists()
    assert (tmp_path / "backup/envelope-keys/release.key").exists()


def test_what_looks_after_releases_ends_and_begins_anew(
    terminal: EnrolledTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the terminal's next key: never two at once."""
    monkeypatch.setattr("sync.updates.worker._TICK_S", 0.01)
    plan = Plan(share="127.0.0.1:0")
    key = DeviceKey.load(terminal.state)
    for _ in range(2):
        running = plan.start(terminal.state, terminal.identity, key, 0.0)
        names = [thread.name for thread in threading.enumerate()]
        assert (names.count("updates"), names.count("sharing")) == (1, 1)
        running.close()
    assert "updates" not in [thread.name for thread in threading.enumerate()]
    Plan(share="192.0.2.1:1").start(terminal.state, terminal.identity, key, 0.0).close()
