"""Who sits between centre and terminal, or has broken into the centre, makes it install nothing."""

from __future__ import annotations

import errno
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from tuf.api.metadata import MetaFile

from central.releases import repository as repository_of
from central.releases.repository import NotReleased
from sync.updates.fetching import Fetcher
from sync.updates.names import whole_name
from sync.updates.stages import Stopped, Why
from sync.updates.trusted import Trusted
from tests.fleet.far_end import Site, crumbs, endless, redirect, serve, trickle
from tests.fleet.office import MACHINE, Office, bundle, expire, signer

if TYPE_CHECKING:
    from collections.abc import Iterator

V1, V2 = whole_name("1.0.0", MACHINE), whole_name("1.1.0", MACHINE)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Terminal:
    """The client of one terminal; what it has seen outlives each look."""

    def __init__(self, folder: Path, site: Site, root: bytes) -> None:
        self.folder, self.site = folder, site
        folder.mkdir()
        (folder / "root.json").write_bytes(root)

    def look(self, **fetching: Any) -> Trusted:
        fetcher = Fetcher(self.folder, **fetching)
        trusted = Trusted(
            self.folder, f"{self.site.url}/metadata/", f"{self.site.url}/targets/", fetcher, 0.0
        )
        trusted.refresh()
        return trusted

    def fetch(self, name: str, **fetching: Any) -> bytes:
        trusted = self.look(**fetching)
        target = trusted.find(name)
        assert target is not None
        trusted.download(target, self.folder / "fetched")
        return (self.folder / "fetched").read_bytes()

    def why_not(self, name: str, **fetching: Any) -> Why:
        """Why it gets nothing; afterwards nothing is there."""
        (self.folder / "fetched").unlink(missing_ok=True)
        with pytest.raises(Stopped) as stopped:
            self.fetch(name, **fetching)
        assert not (self.folder / "fetched").exists()
        return stopped.value.why


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "office")
    office.release(bundle(tmp_path, "1.0.0"), "1.0.0")
    return office


@pytest.fixture
def site(office: Office) -> Iterator[Site]:
    with serve(office.site) as site:
        yield site


@pytest.fixture
def terminal(tmp_path: Path, site: Site, office: Office) -> Terminal:
    return Terminal(tmp_path / "terminal", site, office.first_root)


def path_of(office: Office, name: str) -> str:
    (file,) = (office.site / "targets").glob(f"*.{name}")
    return f"/targets/{file.name}"


def test_what_was_released_arrives(terminal: Terminal, office: Office, site: Site) -> None:
    path = path_of(office, V1)
    assert terminal.fetch(V1) == (office.site / path[1:]).read_bytes()
    site.no_ranges = True
    (terminal.folder / "fetched").unlink()
    assert terminal.fetch(V1) == (office.site / path[1:]).read_bytes()


def test_a_target_that_was_tampered_with_is_thrown_away(
    terminal: Terminal, office: Office, site: Site
) -> None:
    path = path_of(office, V1)
    right = (office.site / path[1:]).read_bytes()
    for wrong in (right[:-1] + b"x", right + b"x", right[:-1], b""):
        for site.no_ranges in (False, True):
            site.instead[path] = wrong
            assert terminal.why_not(V1) in (Why.UNTRUSTED, Why.UNREACHABLE)
    site.instead.clear()
    assert terminal.fetch(V1) == right, "what was wrong does not stay in its way"


def test_nothing_older_than_what_was_seen_counts(
    terminal: Terminal, office: Office, site: Site, tmp_path: Path
) -> None:
    """Rollback: yesterday's timestamp, and yesterday's targets under a new timestamp."""
    old = office.site.with_name("old")
    shutil.copytree(office.site, old)
    terminal.look()
    office.release(bundle(tmp_path, "1.1.0"), "1.1.0")
    terminal.look()
    site.instead["/metadata/timestamp.json"] = (old / "metadata/timestamp.json").read_bytes()
    assert terminal.why_not(V2) is Why.UNTRUSTED

    def older_targets(snapshot: Any) -> None:
        snapshot.version += 10
        snapshot.meta["targets.json"] = MetaFile(1)

    newest = sorted((office.site / "metadata").glob("*.snapshot.json"))[-1].name
    snapshot = office.altered(newest, older_targets, office.online())
    version = int(newest.split(".")[0]) + 10
    site.instead[f"/metadata/{version}.snapshot.json"] = snapshot

    def point(timestamp: Any) -> None:
        timestamp.version += 10
        timestamp.snapshot_meta = MetaFile.from_data(version, snapshot, ["sha256"])

    site.instead["/metadata/timestamp.json"] = office.altered(
        "timestamp.json", point, office.online()
    )
    assert terminal.why_not(V1) is Why.UNTRUSTED, "even with the online key"


def test_what_is_held_back_runs_out(terminal: Terminal, site: Site) -> None:
    """Freeze: somebody goes on serving what was true once."""
    terminal.look()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2), tick=True):
        assert terminal.why_not(V1) is Why.EXPIRED


@pytest.mark.parametrize(("file", "keys"), [("timestamp.json", "online"), ("1.root.json", "r1 r2")])
def test_what_has_run_out_is_not_believed(
    terminal: Terminal, office: Office, site: Site, tmp_path: Path, file: str, keys: str
) -> None:
    signers = [office.online() if key == "online" else signer(key) for key in keys.split()]
    data = office.altered(file, expire(LONG_AGO), *signers)
    site.instead[f"/metadata/{file}"] = data
    if "root" in file:
        terminal = Terminal(tmp_path / "another", site, data)
    assert terminal.why_not(V1) is Why.EXPIRED


def test_parts_of_two_states_do_not_go_together(
    terminal: Terminal, office: Office, site: Site, tmp_path: Path
) -> None:
    """Mix-and-match: the new timestamp with the old snapshot in the place of the new one."""
    folder = office.site / "metadata"
    before = sorted(folder.glob("*.snapshot.json"))[-1].read_bytes()
    office.release(bundle(tmp_path, "1.1.0"), "1.1.0")
    newest = sorted(folder.glob("*.snapshot.json"))[-1].name
    site.instead[f"/metadata/{newest}"] = before
    assert terminal.why_not(V2) is Why.UNTRUSTED
    site.instead.clear()
    site.instead["/metadata/2.targets.json"] = (folder / "1.targets.json").read_bytes()
    assert terminal.why_not(V1) is Why.UNTRUSTED


def test_another_root_is_another_world(terminal: Terminal, site: Site, tmp_path: Path) -> None:
    """A laptop on the LAN with releases of its own, whole and signed, by its own root."""
    stranger = Office(tmp_path / "stranger", "x1 x2 x3", "y1 y2")
    stranger.release(bundle(tmp_path, "9.9.9"), "9.9.9")
    with serve(stranger.site) as theirs:
        terminal.site = theirs
        assert terminal.why_not(whole_name("9.9.9", MACHINE)) is Why.UNTRUSTED
        theirs.instead["/metadata/2.root.json"] = stranger.altered(
            "1.root.json", lambda root: setattr(root, "version", 2), signer("x1"), signer("x2")
        )
        assert terminal.why_not(whole_name("9.9.9", MACHINE)) is Why.UNTRUSTED


def test_keys_are_rotated_and_revoked_without_a_visit(
    terminal: Terminal, office: Office, site: Site, tmp_path: Path
) -> None:
    terminal.look()
    with pytest.raises(NotReleased, match="targets lacks signatures"):
        office.new_root("r2 r3 r4", "t3 t4")  # r1, t1 and t2 were lost
    assert terminal.fetch(V1), "a root whose list nobody would believe is not in force"
    office.repository.draft_again()
    office.sign_targets()
    assert terminal.fetch(V1), "over two roots at once"
    before = office.site / "metadata" / "2.targets.json"
    forged = office.altered(before.name, lambda _: None, signer("t1"), signer("t2"))
    site.instead[f"/metadata/{before.name}"] = forged
    fresh = Terminal(tmp_path / "fresh", site, office.first_root)
    assert fresh.why_not(V1) is Why.UNTRUSTED, "keys that were revoked sign nothing"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_the_power_goes_while_keys_are_changed(
    terminal: Terminal, office: Office, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """A root that was in force with its draft still there kept every later one from being
    published."""

    class PowerCut(Exception):
        pass

    def write(path: Path, data: bytes) -> None:
        nonlocal cut
        cut -= 1
        if cut == 0:
            raise PowerCut
        real(path, data)

    real = repository_of._write
    with pytest.raises(NotReleased):
        office.new_root("r2 r3 r4", "t3 t4")
    office.repository.draft_again()
    for name in office.targets:
        repository_of.sign(office.site / "draft" / "targets.json", signer(name))
    monkeypatch.setattr(repository_of, "_write", write)
    with pytest.raises(PowerCut):
        office.repository.publish()
    monkeypatch.setattr(repository_of, "_write", real)
    assert office.repository.publish()
    assert terminal.fetch(V1)
    with pytest.raises(NotReleased, match="nothing"):
        office.repository.publish()


def test_fewer_signatures_than_the_threshold_release_nothing(
    terminal: Terminal, office: Office, site: Site, tmp_path: Path
) -> None:
    office.repository.add(bundle(tmp_path, "1.1.0"), "1.1.0", MACHINE)
    with pytest.raises(NotReleased):
        office.sign_targets("t1")
    with pytest.raises(NotReleased):
        office.new_root("r1 r2 r3", "t1", signed_by="r1")
    # Who has the centre, with its online key, and one of the two.
    alone = office.altered("1.targets.json", lambda signed: None, signer("t1"), signer("t1"))
    site.instead["/metadata/1.targets.json"] = alone
    assert terminal.why_not(V1) is Why.UNTRUSTED


def test_a_bundle_is_released_under_the_name_it_gives_itself(
    office: Office, tmp_path: Path
) -> None:
    with pytest.raises(NotReleased, match=r"says it is 1\.2\.0, not 1\.3\.0"):
        office.repository.add(bundle(tmp_path, "1.2.0"), "1.3.0", MACHINE)
    nothing = tmp_path / "none.tar"
    nothing.write_bytes(b"no tar at all")
    with pytest.raises(NotReleased, match="says it is none"):
        office.repository.add(nothing, "1.3.0", MACHINE)


def test_what_never_ends_and_what_trickles_is_left(
    terminal: Terminal, office: Office, site: Site
) -> None:
    for part in ("timestamp", "/targets/"):
        site.rude = {part: endless}
        assert terminal.why_not(V1) is Why.UNTRUSTED
        assert sum(file.stat().st_size for file in terminal.folder.rglob("*")) < 200_000
        site.rude = {part: trickle}
        assert terminal.why_not(V1, part_s=0.1) in (Why.SLOW, Why.UNTRUSTED)
    site.rude = {"timestamp": trickle}
    assert terminal.why_not(V1, part_s=0.1) is Why.SLOW
    site.rude = {"timestamp": redirect}
    assert terminal.why_not(V1) is Why.UNREACHABLE
    site.rude = {}
    assert terminal.fetch(V1)


def test_crumbs_do_not_keep_a_terminal_asking(
    terminal: Terminal, office: Office, site: Site
) -> None:
    """Each request is signed and answered at once; a bundle would take millions."""
    site.rude = {"/targets/": crumbs}
    assert terminal.why_not(V1) is Why.SLOW
    assert sum("/targets/" in path for path in site.asked) == 1


def test_garbage_is_no_metadata(terminal: Terminal, site: Site) -> None:
    for data in (b"", b"{}", b"[" * 10_000, b"\xff" * 100, json.dumps({"signed": {}}).encode()):
        site.instead["/metadata/timestamp.json"] = data
        assert terminal.why_not(V1) is Why.UNTRUSTED


def test_a_clock_in_the_past_makes_nothing_fresh(terminal: Terminal, site: Site) -> None:
    fetcher = Fetcher(terminal.folder)
    not_before = datetime.now(UTC).timestamp()
    with time_machine.travel(LONG_AGO), pytest.raises(Stopped) as stopped:
        Trusted(terminal.folder, f"{site.url}/metadata/", "", fetcher, not_before)
    assert stopped.value.why is Why.CLOCK


def test_a_full_disk_is_called_so_and_keeps_what_was_seen(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.look()

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tuf.ngclient.updater.shutil.copyfileobj", full)
        with pytest.raises(Stopped) as stopped:
            terminal.fetch(V1)
    assert stopped.value.why is Why.DISK_FULL
    (terminal.folder / "fetched").unlink(missing_ok=True)
    assert terminal.fetch(V1)


def test_metadata_that_a_power_cut_left_half_is_fetched_again(terminal: Terminal) -> None:
    terminal.look()
    for file in (terminal.folder / "metadata").rglob("*.json"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert terminal.fetch(V1)


def test_a_terminal_without_a_root_believes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Stopped) as stopped:
        Trusted(tmp_path, "http://127.0.0.1:9/", "", Fetcher(tmp_path), 0.0)
    assert stopped.value.why is Why.NO_ROOT
