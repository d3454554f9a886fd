"""From what the centre wants to a version that is tried: fetched, made, proven, put, chosen."""

from __future__ import annotations

import importlib
import io
import os
import random
import shutil
import threading
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.bundle import pack
from sync.header import BEIJING
from sync.identity import Identity
from sync.launcher import decide, load
from sync.slots import Slots
from sync.updates import bringing, delta
from sync.updates.bringing import Way
from sync.updates.names import delta_name, whole_name
from sync.updates.sharing import Sharer
from sync.updates.stages import Stage, Why
from sync.updates.worker import Updates, allowed
from sync.wire.release import PART, DesiredRelease
from tests.fleet.far_end import Site, serve
from tests.fleet.office import MACHINE, Office, bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = Ed25519PrivateKey.generate()
LIBRARY = random.Random(1).randbytes(1_200_000)


def running(root: Path) -> Slots:
    """As the process sees it that the launcher has started last."""
    return Slots(root, load(root).running)


class Kiosk:
    """A terminal with slots, its updates, and what the centre says to it."""

    def __init__(self, folder: Path, site: Site, first: Path, version: str = "1.0.0") -> None:
        self.state, self.site = folder / "state", site
        self.state.mkdir(parents=True)
        self.slots = Slots(folder / "slots")
        (folder / "slots").mkdir()
        with first.open("rb") as tar:
            self.slots.put(tar, version)
        self.slots.begin(version)
        self.number = 0
        self.restart()

    def restart(self, hours: str = "", **way: Any) -> None:
        """The agent is a new process."""
        self.slots = running(self.slots._root)
        identity = Identity(
            "020001",
            "http://x",
            "k" * 16,
            b"",
            "c" * 16,
            "",
            1,
            KEY.public_key().public_bytes_raw(),
        )
        self.updates = Updates(self.state, identity, self.slots, Way(self.site.url, **way), hours)

    def wants(
        self, version: str, root: bytes, *, number: int = 0, terminal: str = "020001"
    ) -> None:
        self.number = number or self.number + 1
        said = DesiredRelease.unsigned(
            epoch=1, number=self.number, version=version, root=bringing.sha256_hex(root)
        )
        said = said.signed_with(KEY.sign(said.signed_bytes(terminal=terminal)))
        self.updates.follow(said)

    def step(self) -> tuple[str, str]:
        self.updates._not_until = 0.0
        self.updates.step()
        said = self.updates.report()
        return said.stage, said.why


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "office")
    office.release(bundle(tmp_path, "1.0.0", library=LIBRARY), "1.0.0")
    office.release(bundle(tmp_path, "1.1.0", library=LIBRARY), "1.1.0", "1.0.0")
    return office


@pytest.fixture
def site(office: Office) -> Iterator[Site]:
    with serve(office.site) as site:
        yield site


@pytest.fixture
def kiosk(tmp_path: Path, site: Site) -> Kiosk:
    return Kiosk(tmp_path / "kiosk", site, tmp_path / "1.0.0.tar")


def sent(site: Site, name: str) -> int:
    return sum(count for path, count in site.sent.items() if path.endswith(name))


def test_a_disk_that_takes_no_folder_keeps_nobody_from_delivering(
    kiosk: Kiosk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made here is made in the agent's start; the courier would never come."""
    kiosk.updates.folder.rmdir()

    def full(folder: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("pathlib.Path.mkdir", full)
        kiosk.restart()
        kiosk.wants("1.1.0", office.first_root)
        assert kiosk.step() == (Stage.IDLE, Why.DISK)
    kiosk.step()
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)


def test_a_delta_is_fetched_made_and_chosen(kiosk: Kiosk, office: Office, site: Site) -> None:
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    assert kiosk.slots.idle().version == "1.1.0"
    assert "1.1.0" in (kiosk.slots.idle().path / "kiosk").read_text()
    assert sent(site, delta_name("1.1.0", "1.0.0", MACHINE)) > 0
    assert sent(site, whole_name("1.1.0", MACHINE)) == 0
    left = {file.name for file in kiosk.updates.folder.iterdir()}
    assert left == {"root.json", "metadata", "seen.json", "lock"}


def test_one_that_was_not_waited_for_ends_its_step_before_the_next_begins(
    kiosk: Kiosk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the terminal goes over to another key while a disk or a line is very slow."""
    begun, goes_on = threading.Event(), threading.Event()
    bring = bringing.Bringer.bring

    def slowly(*about: Any) -> None:
        begun.set()
        assert goes_on.wait(50)
        bring(*about)

    kiosk.wants("1.1.0", office.first_root)
    with monkeypatch.context() as patch:
        patch.setattr(bringing.Bringer, "bring", slowly)
        last = threading.Thread(target=kiosk.updates.step)
        last.start()
        assert begun.wait(50)
    kiosk.restart()
    assert kiosk.step() == (Stage.IDLE, Why.BUSY)
    goes_on.set()
    last.join(50)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    assert kiosk.slots.idle().version == "1.1.0"


def test_the_whole_bundle_comes_where_the_slot_is_not_as_it_was_released(
    kiosk: Kiosk, office: Office, site: Site
) -> None:
    (kiosk.slots.running().path / "kiosk").write_text("#!/bin/sh\n# by hand\n")
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    assert sent(site, whole_name("1.1.0", MACHINE)) > 0


def test_a_download_goes_on_where_it_was_cut_by_whatever(
    kiosk: Kiosk, office: Office, site: Site
) -> None:
    """A process of its own after each cut; not one percent comes twice."""
    (kiosk.slots.running().path / "kiosk").unlink()  # no delta
    (file,) = (office.site / "targets").glob(f"*.{whole_name('1.1.0', MACHINE)}")
    site.cut_after = PART // 3 * 2
    kiosk.wants("1.1.0", office.first_root)
    cuts = 0
    while kiosk.step()[0] != Stage.CHOSEN and cuts < 60:
        cuts += 1
        kiosk.restart()
    size, came = file.stat().st_size, sent(site, whole_name("1.1.0", MACHINE))
    print(f"whole bundle of {size:,} bytes over {cuts} cuts: {came / size - 1:.2%} fetched twice")
    assert cuts > 3
    assert kiosk.slots.idle().version == "1.1.0"
    assert came <= 1.01 * size


class Forgetful:
    """A disk that has after a power cut what was flushed, of what is being fetched and made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._kept: dict[str, int] = {}
        self._flush = os.fsync
        monkeypatch.setattr(os, "fsync", self._flushed)

    def _flushed(self, descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        self._kept[path] = os.fstat(descriptor).st_size
        self._flush(descriptor)

    def forget(self, folder: Path) -> None:
        for file in folder.iterdir():
            if file.suffix in (".part", ".tar") or file.name == "target":
                os.truncate(file, min(file.stat().st_size, self._kept.get(str(file), 0)))


def test_a_power_cut_does_not_cost_what_was_fetched_before(
    kiosk: Kiosk, office: Office, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each part of the file, and once more when all of it is there."""
    (kiosk.slots.running().path / "kiosk").unlink()  # no delta
    (file,) = (office.site / "targets").glob(f"*.{whole_name('1.1.0', MACHINE)}")
    kiosk.wants("1.1.0", office.first_root)
    disk, cuts = Forgetful(monkeypatch), 0
    while cuts < 60:
        with monkeypatch.context() as patch:
            left = [2]
            for name in ("sync.updates.fetching.Fetcher._append", "sync.updates.bringing._unpack"):
                patch.setattr(name, _cutting(name, left))
            try:
                kiosk.step()
                break
            except PowerCut:
                cuts += 1
        disk.forget(kiosk.updates.folder)
        kiosk.restart()
    size, came = file.stat().st_size, sent(site, whole_name("1.1.0", MACHINE))
    print(f"whole bundle of {size:,} bytes, {cuts} power cuts: {came / size - 1:.2%} fetched twice")
    assert cuts > 3
    assert kiosk.slots.idle().version == "1.1.0"
    assert came == size


def test_a_download_leaves_room_on_the_line(kiosk: Kiosk, office: Office, site: Site) -> None:
    slept: list[float] = []
    kiosk.restart(rate=100_000)
    kiosk.updates._wait = lambda seconds: bool(slept.append(seconds))
    (kiosk.slots.running().path / "kiosk").unlink()  # no delta
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    assert sum(slept) >= sent(site, whole_name("1.1.0", MACHINE)) / 100_000


def test_a_change_of_one_line_costs_three_percent_at_most(
    tmp_path: Path, kiosk: Kiosk, office: Office, site: Site
) -> None:
    tree = tmp_path / "tree-1.1.0"
    (tree / "kiosk").write_text((tree / "kiosk").read_text() + "echo one more\n")
    (tree / "_internal/kiosk/VERSION").write_text("1.1.1\n")
    tar = tmp_path / "1.1.1.tar"
    with tar.open("wb") as out:
        pack(tree, out)
    sizes = dict(office.release(tar, "1.1.1", "1.1.0", "1.0.0"))
    whole = sizes[whole_name("1.1.1", MACHINE)]
    share = sizes[delta_name("1.1.1", "1.1.0", MACHINE)] / whole
    print(f"delta of a changed line: {share:.3%} of the packed bundle of {whole:,} bytes")
    assert share <= 0.03


def test_what_is_not_the_centres_word_or_an_old_one_is_not_followed(
    kiosk: Kiosk, office: Office
) -> None:
    kiosk.wants("1.1.0", office.first_root, terminal="020002")
    assert kiosk.step() == (Stage.IDLE, "")
    kiosk.wants("1.0.0", office.first_root, number=9)
    kiosk.restart()
    kiosk.wants("1.1.0", office.first_root, number=8)
    assert kiosk.step() == (Stage.IDLE, "")
    assert kiosk.updates.report().wanted == "1.0.0"


def test_it_says_why_not_and_goes_on_by_itself(
    kiosk: Kiosk, office: Office, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk.wants("9.9.9", office.first_root)
    assert kiosk.step() == (Stage.IDLE, Why.NOT_OFFERED)
    kiosk.wants("1.1.0", office.first_root)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
        assert kiosk.step() == (Stage.IDLE, Why.DISK_FULL)
    address, site.url = site.url, "http://127.0.0.1:9"
    kiosk.restart()
    assert kiosk.step() == (Stage.IDLE, Why.UNREACHABLE)
    site.url = address
    kiosk.restart()
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)


def test_a_root_that_the_centre_did_not_sign_for_is_not_taken(
    kiosk: Kiosk, office: Office, tmp_path: Path
) -> None:
    stranger = Office(tmp_path / "stranger", "x1 x2", "y1")
    kiosk.wants("1.1.0", stranger.first_root)
    assert kiosk.step() == (Stage.IDLE, Why.UNTRUSTED)
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    kiosk.wants("1.0.0", stranger.first_root)
    assert (kiosk.updates.folder / "root.json").read_bytes() == office.first_root


def test_a_root_that_was_installed_is_the_only_one(
    kiosk: Kiosk, office: Office, site: Site, tmp_path: Path
) -> None:
    """Whoever has the centre and its signing key has releases and a root of their own."""
    root = kiosk.updates.folder / "root.json"
    root.write_bytes(office.first_root)  # as ./install --root and the package do
    stranger = Office(tmp_path / "stranger", "x1 x2", "y1")
    stranger.release(tmp_path / "1.1.0.tar", "1.1.0")
    with serve(stranger.site) as theirs:
        kiosk.site = theirs
        kiosk.restart()
        kiosk.wants("1.1.0", stranger.first_root)
        assert kiosk.step() == (Stage.IDLE, Why.UNTRUSTED)
    assert root.read_bytes() == office.first_root
    kiosk.site = site
    kiosk.restart()
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)


def test_a_root_that_is_installed_later_ends_what_was_believed_before(
    kiosk: Kiosk, office: Office, site: Site, tmp_path: Path
) -> None:
    """A terminal without a root took a stranger's, with all that they signed."""
    stranger = Office(tmp_path / "stranger", "x1 x2", "y1")
    stranger.release(tmp_path / "1.0.0.tar", "1.0.0")
    stranger.new_root("x3 x4", signed_by="x1 x2 x3 x4")
    with serve(stranger.site) as theirs:
        kiosk.site = theirs
        kiosk.restart()
        kiosk.wants("1.1.0", stranger.first_root)
        assert kiosk.step() == (Stage.IDLE, Why.NOT_OFFERED)
    (kiosk.updates.folder / "root.json").write_bytes(office.first_root)
    kiosk.site = site
    kiosk.restart()
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)


def test_a_version_that_was_given_up_is_not_fetched_again(
    kiosk: Kiosk, office: Office, site: Site
) -> None:
    kiosk.wants("1.1.0", office.first_root)
    kiosk.step()
    decide(kiosk.slots._root)
    assert running(kiosk.slots._root).give_up()
    decide(kiosk.slots._root)
    kiosk.restart()
    site.asked.clear()
    assert kiosk.step() == (Stage.IDLE, Why.GIVEN_UP)
    assert site.asked == []
    assert kiosk.updates.report().failed == ["1.1.0"]


def test_back_to_the_version_before_needs_no_wire(kiosk: Kiosk, office: Office, site: Site) -> None:
    kiosk.wants("1.1.0", office.first_root)
    kiosk.step()
    decide(kiosk.slots._root)
    kiosk.restart()
    assert kiosk.step() == (Stage.TRIAL, Why.NOTHING)
    kiosk.wants("1.0.0", office.first_root)
    assert kiosk.step() == (Stage.TRIAL, Why.BUSY)
    assert kiosk.slots.mark_good()
    site.asked.clear()
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    trial = kiosk.slots.trial()
    assert trial is not None
    assert trial.version == "1.0.0"
    assert site.asked == []


@pytest.mark.parametrize("version", ["1.0.0", ""])
def test_what_was_chosen_is_not_tried_once_nothing_else_is_wanted(
    kiosk: Kiosk, office: Office, version: str
) -> None:
    """The first release is halted, or a pin taken away, before the screen has taken it."""
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    kiosk.wants(version, office.first_root)
    assert kiosk.step() == (Stage.IDLE, Why.NOTHING)
    assert kiosk.slots.trial() is None
    kiosk.restart()
    assert kiosk.updates.report().wanted == version
    assert decide(kiosk.slots._root) == load(kiosk.slots._root).current
    assert kiosk.slots.failed() == ()


def test_after_a_delta_that_makes_nothing_the_whole_bundle_is_taken(
    kiosk: Kiosk, office: Office, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise delta.BadDelta("made by a bad tool")

    monkeypatch.setattr(delta, "apply", broken)
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step()[1] == Why.BAD_BUNDLE
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    assert sent(site, whole_name("1.1.0", MACHINE)) > 0


def test_nothing_unforeseen_ends_the_thread(
    kiosk: Kiosk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Twice(threading.Event):
        rounds = iter((False, False, True))

        def wait(self, timeout: float | None = None) -> bool:
            kiosk.updates._not_until = 0.0
            return next(self.rounds)

    found = iter((LookupError("x"), MemoryError()))

    def throws(*_: object) -> None:
        raise next(found)

    kiosk.wants("1.1.0", office.first_root)
    monkeypatch.setattr(kiosk.slots, "try_next", throws)
    kiosk.updates.run(Twice())
    assert next(found, None) is None
    assert kiosk.updates.report().why == Why.ERROR


def test_hours() -> None:
    night = datetime(2026, 11, 28, 2, 0, tzinfo=BEIJING)
    noon = night.replace(hour=12)
    assert allowed("", noon)
    assert allowed("23:00-05:30", night)
    assert not allowed("23:00-05:30", noon)
    assert allowed("11:30-13:00", noon)
    assert not allowed("11:30-13:00", night)


def test_outside_of_its_hours_it_lies_ready(kiosk: Kiosk, office: Office) -> None:
    kiosk.restart("00:00-00:00")
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.READY, Why.HOURS)
    assert kiosk.slots.trial() is None
    kiosk.restart()
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)


@pytest.mark.parametrize("seed", range(30))
def test_a_delta_that_is_broken_makes_nothing(tmp_path: Path, seed: int) -> None:
    """Whatever byte was changed, wherever it ends: no crash, and never more than it may make."""
    rng = random.Random(seed)
    old, new = bundle(tmp_path, "1", library=LIBRARY[:5000]), bundle(tmp_path, "2")
    right = io.BytesIO()
    delta.make(old, new, right)
    made = io.BytesIO()
    delta.apply(old, io.BytesIO(right.getvalue()), made, new.stat().st_size)
    assert made.getvalue() == new.read_bytes()
    wrong = bytearray(right.getvalue())
    if seed % 3 == 0:
        del wrong[rng.randrange(len(wrong)) :]
    else:
        for _ in range(1 + seed % 4):
            wrong[rng.randrange(len(wrong))] = rng.randrange(256)
    made = io.BytesIO()
    with suppress(delta.BadDelta):
        delta.apply(old, io.BytesIO(bytes(wrong)), made, new.stat().st_size)
    assert len(made.getvalue()) <= new.stat().st_size


@pytest.fixture
def sharing(kiosk: Kiosk, office: Office) -> Iterator[str]:
    """A terminal of the hall that has the version; gives its address."""
    kiosk.restart(shares=True)
    kiosk.wants("1.1.0", office.first_root)
    assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING)
    sharer = Sharer(kiosk.updates.folder, "127.0.0.1:0")
    yield f"http://127.0.0.1:{sharer.server_address[1]}"
    sharer.close()


def test_a_neighbour_gives_what_it_fetched_and_the_centre_is_not_asked_for_it(
    sharing: str, office: Office, site: Site, tmp_path: Path
) -> None:
    other = Kiosk(tmp_path / "other", site, tmp_path / "1.0.0.tar")
    site.sent.clear()
    other.restart(neighbour=sharing)
    other.wants("1.1.0", office.first_root)
    assert other.step() == (Stage.CHOSEN, Why.NOTHING)
    assert sent(site, delta_name("1.1.0", "1.0.0", MACHINE)) == 0


def test_a_neighbour_that_lies_or_is_away_is_left_for_the_centre(
    sharing: str, kiosk: Kiosk, office: Office, site: Site, tmp_path: Path
) -> None:
    """A laptop on the LAN in the neighbour's place."""
    (shared,) = (kiosk.updates.folder / "shared").iterdir()
    shared.write_bytes(bytes(shared.stat().st_size))
    for number, address in enumerate((sharing, "http://127.0.0.1:9")):
        other = Kiosk(tmp_path / f"other{number}", site, tmp_path / "1.0.0.tar")
        other.restart(neighbour=address)
        other.wants("1.1.0", office.first_root)
        if other.step()[0] != Stage.CHOSEN:
            assert other.updates.report().why == Why.UNTRUSTED
            assert other.step() == (Stage.CHOSEN, Why.NOTHING)
        assert "1.1.0" in (other.slots.idle().path / "kiosk").read_text()


def test_who_shares_gives_ranges_of_that_and_nothing_else(sharing: str, kiosk: Kiosk) -> None:
    (shared,) = (kiosk.updates.folder / "shared").iterdir()

    def asked(path: str, wanted: str = "bytes=0-9") -> tuple[int, int]:
        answer = requests.get(f"{sharing}{path}", headers={"Range": wanted}, timeout=5)
        return answer.status_code, len(answer.content) if answer.status_code == 206 else 0

    assert asked(f"/{shared.name}") == (206, 10)
    assert asked(f"/{shared.name}", "bytes=9999999-99999999") == (416, 0)
    assert asked(f"/{shared.name}", "") == (400, 0)
    for path in ("/../root.json", "/seen.json", "/", f"/{'0' * 64}.x"):
        assert asked(path)[0] in (400, 404), path
    assert requests.post(f"{sharing}/{shared.name}", data=b"x", timeout=5).status_code == 501


class PowerCut(BaseException):
    """The machine is off; nothing after this line runs."""


#: What a cut may come before: each names a file that is written or a step that changes something.
STEPS = (
    "sync.updates.bringing.write_whole",
    "sync.updates.worker.write_whole",
    "sync.updates.fetching.Fetcher._append",
    "tuf.ngclient.updater.shutil.copyfileobj",
    "tuf.ngclient.updater.os.replace",
    "sync.updates.bringing.pack",
    "sync.updates.delta.apply",
    "sync.updates.delta.digest",
    "sync.bundle.unpack",
    "sync.slots.save",
    "sync.updates.bringing.Bringer.tidy",
)


def test_the_power_may_go_at_any_step(
    tmp_path: Path, office: Office, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut before the n-th step, for every n there is: the good version stays, and it goes on."""
    disk, cuts = Forgetful(monkeypatch), 0
    for nth in range(1, 100):
        kiosk = Kiosk(tmp_path / f"cut{nth}", site, tmp_path / "1.0.0.tar")
        left = [nth]
        with monkeypatch.context() as patch:
            for name in STEPS:
                patch.setattr(name, _cutting(name, left))
            try:
                kiosk.wants("1.1.0", office.first_root)
                kiosk.step()
            except PowerCut:
                cuts += 1
        whole = left[0] > 0
        if not whole:
            assert (kiosk.slots.running().path / "kiosk").exists()
            disk.forget(kiosk.updates.folder)
            kiosk.restart()
            kiosk.wants("1.1.0", office.first_root)
            assert kiosk.step() == (Stage.CHOSEN, Why.NOTHING), nth
        assert "1.1.0" in (kiosk.slots.idle().path / "kiosk").read_text()
        if whole:
            break
    print(f"{cuts} cuts: each went on to the version that was wanted")
    assert cuts >= 15


def _cutting(name: str, left: list[int]) -> Any:
    """The function of this name, until so many of all were called."""
    *modules, attribute = name.split(".")
    found: Any = importlib.import_module(modules[0])
    for part in modules[1:]:
        found = getattr(found, part)
    real = getattr(found, attribute)

    def called(*arguments: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise PowerCut
        return real(*arguments, **more)

    return called
