"""A fleet under the real centre: who gets what, what halts it, and what people decide.

The centre runs in this process. Terminals are the real update code of the agent (`Updates`) over
the real files, with slots that a test can make fail; they speak the real messages.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.utils import timezone

from sync.identity import Identity
from sync.slots import Slot, Trial
from sync.updates.bringing import Way
from sync.updates.worker import Updates
from sync.wire.fleet import Heartbeat, QueueReport
from sync.wire.release import Tally
from tests.fleet.far_end import serve
from tests.fleet.office import Office, bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.bundle import Source
    from sync.wire.release import DesiredRelease
    from tests.fleet.far_end import Site
    from tests.system.in_process import Centre

#: `TERMINALS=5000` for more; a good release goes to fewer, because each of them fetches it.
TERMINALS = int(os.environ.get("TERMINALS", "1000"))
FETCHING = int(os.environ.get("TERMINALS", "40"))
PER_VISIT_MIN = 5

LINKS = re.compile(r'<a href="([^"]+)"[^>]*>\s*([^<]+?)\s*</a>')


class MemorySlots:
    """Slots without a disk: the test decides what a start of a version comes to."""

    def __init__(self, version: str) -> None:
        self._now, self._other, self._trial = version, "", ""
        self._failed: list[str] = []

    def running(self) -> Slot:
        return Slot(Path("/nowhere/a"), self._now)

    def idle(self) -> Slot:
        return Slot(Path("/nowhere/b"), self._other)

    def trial(self) -> Trial | None:
        return Trial(self._trial, 0) if self._trial else None

    def failed(self) -> tuple[str, ...]:
        return tuple(self._failed)

    def put(self, tar: Source, version: str) -> None:
        assert tar.read(100)
        self._other = version

    def try_next(self, version: str) -> None:
        assert self._other == version
        self._trial = version

    def call_off(self) -> bool:
        called, self._trial = bool(self._trial), ""
        return called

    def restart(self, *, healthy: bool) -> None:
        """Between two visits the screen starts what is to be tried."""
        if not self._trial:
            return
        if healthy:
            self._now, self._other = self._trial, self._now
        else:
            self._failed.append(self._trial)
        self._trial = ""


class Machine:
    """A terminal of the fleet."""

    def __init__(self, folder: Path, row: Any, site: Site, key: bytes, version: str) -> None:
        self.row, self.slots = row, MemorySlots(version)
        self.tallies: Counter[tuple[str, str]] = Counter()
        folder.mkdir()
        identity = Identity(row.number, "", "k" * 16, b"", "c" * 16, "", 1, key)
        self.updates = Updates(folder, identity, self.slots, Way(site.url))

    def beat(self, *, of_a_round: bool = False) -> DesiredRelease | None:
        """`of_a_round`: what the centre knows briefly, it has not to ask again."""
        from central.fleet import heard
        from central.releases import rollout

        if not of_a_round:
            rollout._decided._found = None
        report = self.updates.report().model_copy(update={"tallies": self.said()})
        answer = heard(
            self.row,
            Heartbeat(
                terminal=self.row.number,
                at=timezone.localtime().isoformat(),
                queue=QueueReport(queued=0, sending=0, dead=0, oldest_s=0),
                envelope_key_id="0" * 16,
                release=report,
            ),
        )
        self.updates.follow(answer.release)
        return answer.release

    def said(self) -> dict[str, Tally]:
        versions = {version for version, _ in self.tallies}
        return {
            one: Tally(**{name: n for (version, name), n in self.tallies.items() if version == one})
            for one in versions
        }

    def serves(self, visits: int, unfinished: int = 0, crashes: int = 0, faults: int = 0) -> None:
        """What citizens do and meet while the version runs that runs."""
        for name, count in (
            ("visits", visits),
            ("unfinished", unfinished),
            ("crashes", crashes),
            ("faults", faults),
            ("minutes", visits * PER_VISIT_MIN),
        ):
            self.tallies[self.slots.running().version, name] += count

    @property
    def version(self) -> str:
        return self.slots.running().version


class World:
    """Centre, office and fleet."""

    def __init__(self, centre: Centre, folder: Path, site: Site) -> None:
        from central.keys import keyring

        self.centre, self.folder, self.site = centre, folder, site
        self.key = keyring().signing_key()
        self.machines: list[Machine] = []

    def enrol(self, count: int, version: str) -> None:
        from central.models import Terminal, TerminalReport

        TerminalReport.objects.all().delete()
        Terminal.objects.filter(key_id__startswith="5e5e5e5e5e").delete()
        numbers = [f"{30000 + n:06d}" for n in range(count)]
        rows = [Terminal(number=one, key_id=f"5e5e5e5e5e{one}", public_key=b"") for one in numbers]
        Terminal.objects.exclude(number__startswith="03").update(enabled=False)
        Terminal.objects.bulk_create(rows, batch_size=500)
        self.machines = [
            Machine(self.folder / row.number, row, self.site, self.key, version) for row in rows
        ]

    def round(self, *, healthy: bool = True) -> Counter[str]:
        """One polling period: all beat, do what they can, are restarted; returns what runs."""
        for number, machine in enumerate(self.machines):
            machine.beat(of_a_round=number > 0)
            if machine.updates.report().wanted not in ("", machine.version):
                machine.updates._not_until = 0.0
                machine.updates.step()
                machine.slots.restart(healthy=healthy)
        return Counter(machine.version for machine in self.machines)

    def beat(self) -> None:
        for number, machine in enumerate(self.machines):
            machine.beat(of_a_round=number > 0)

    def look(self, *, hours: float = 0.0) -> Any:
        """The centre's look, some hours later; returns the newest rollout."""
        from central.releases import watch
        from central.releases.models import Rollout

        moment = timezone.now() + timedelta(hours=hours)
        with time_machine.travel(moment, tick=False):
            if hours:
                from central.models import TerminalReport

                TerminalReport.objects.update(received_at=moment)
            watch.look()
        return Rollout.objects.first()


@pytest.fixture(scope="module")
def site(centre: Centre) -> Iterator[Site]:
    """The releases of the centre in this process."""
    from django.conf import settings

    folder = Path(settings.STATE)
    office = Office.__new__(Office)
    office.folder, office.roots, office.targets = folder, ["r1", "r2"], ["t1"]
    from central.releases.rollout import repository

    office.repository = repository()
    office.new_root()
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        office.release(bundle(folder, version, library=b"library"), version)
    with serve(office.site) as site:
        yield site


@pytest.fixture
def world(centre: Centre, site: Site, tmp_path: Path) -> World:
    from central.models import Alarm
    from central.releases.models import ReleasePin, ReleaseTally, Rollout

    for kind in (Rollout, ReleasePin, ReleaseTally, Alarm):
        kind.objects.all().delete()
    Rollout.objects.create(version="1.0.0", state="done", share_since=timezone.now(), share=2)
    return World(centre, tmp_path, site)


def small(world: World, count: int = 3) -> list[Machine]:
    world.enrol(count, "1.0.0")
    for machine in world.machines:
        machine.serves(400, unfinished=40)
    return world.machines


@pytest.mark.timeout(300)
def test_a_bad_release_stops_at_the_first_cohort_of_a_thousand(world: World) -> None:
    from central.models import Alarm
    from central.releases import rollout

    world.enrol(TERMINALS, "1.0.0")
    rollout.start("1.1.0", "tester")
    assert world.round(healthy=False) == {"1.0.0": TERMINALS}
    tried = sum("1.1.0" in machine.slots.failed() for machine in world.machines)
    share = [machine for machine in world.machines if machine.slots.failed()]
    for machine in share:
        machine.beat()
    halted = world.look()
    print(f"{TERMINALS} terminals, a version that does not start: tried at {tried}, then halted")
    assert 1 <= tried <= TERMINALS * 0.02
    assert halted.state == "halted"
    assert halted.reason.startswith("returned")
    assert Alarm.objects.filter(kind="release_halted").exists()
    assert all(machine.beat().version == "1.0.0" for machine in share)  # type: ignore[union-attr]
    assert sum(machine.beat().version == "1.1.0" for machine in world.machines[:50]) == 0  # type: ignore[union-attr]


@pytest.mark.timeout(300 + 3 * FETCHING)
def test_a_good_release_reaches_everybody_by_itself(world: World) -> None:
    """1 %, 10 %, all; not before its hours are over and enough visits ended."""
    from central.releases import rollout
    from central.releases.models import Rollout

    machines = small(world, FETCHING)
    rollout.start("1.1.0", "tester", soak_hours=24, least_visits=5)
    reached = []
    for _ in range(4):
        now = world.round()
        for machine in machines:
            machine.serves(10, unfinished=1)
        world.beat()
        reached.append(now["1.1.0"])
        Rollout.objects.update(share_since=timezone.now())
        assert world.look(hours=23).state == "running"
        assert world.round() == now, "the hours are not over"
        newest = world.look(hours=25)
        if newest.state == "done":
            break
    print(f"of {FETCHING} terminals: {reached}")
    assert newest.state == "done"
    assert 1 <= reached[0] <= 1 + FETCHING // 40
    assert reached[0] < reached[1] < FETCHING * 3 // 8
    assert reached[-1] == FETCHING


def test_a_version_that_only_makes_visits_fail_is_halted_and_taken_back(world: World) -> None:
    from central.releases import rollout

    machines = small(world)
    rollout.start("1.1.0", "tester", soak_hours=0, least_visits=1000)
    assert world.round() == {"1.0.0": 2, "1.1.0": 1}
    for machine in machines:
        machine.serves(40, unfinished=38 if machine.version == "1.1.0" else 4)
    world.beat()
    halted = world.look()
    assert (halted.state, halted.changed_by) == ("halted", "centre")
    assert halted.reason.startswith("unfinished 38/40")
    assert world.round() == {"1.0.0": 3}


@pytest.mark.parametrize("what", ["crashes", "faults"])
def test_a_version_that_crashes_or_breaks_devices_is_halted_before_many_visits(
    world: World, what: str
) -> None:
    from central.releases import rollout

    machines = small(world)
    rollout.start("1.1.0", "tester")
    world.round()
    for machine in machines:
        machine.serves(12, **{what: 4 if machine.version == "1.1.0" else 0})
    world.beat()
    halted = world.look()
    assert (halted.state, halted.reason.split("/")[0]) == ("halted", f"{what} 4")


def test_whoever_lets_a_halted_version_go_on_has_excused_what_was_seen(world: World) -> None:
    """One terminal with a broken disk is no reason for ever."""
    from central.releases import rollout

    small(world, 20)
    rollout.start("1.1.0", "tester", soak_hours=0, least_visits=0)
    world.round(healthy=False)
    world.beat()
    assert world.look().state == "halted"
    rollout.resume("tester")
    assert world.look().state == "running"
    rollout.advance()
    world.round(healthy=False)
    world.beat()
    assert world.look().state == "halted", "others came back as well"


def test_who_cannot_take_it_or_has_its_own_is_not_waited_for(world: World) -> None:
    """A checkout without slots, and a pinned terminal."""
    from central.releases import rollout

    machines = small(world, 3)
    machines[0].slots._now = ""
    world.beat()
    rollout.pin(machines[1].row, "1.2.0", "tester")
    started = rollout.start("1.1.0", "tester", soak_hours=0, least_visits=0)
    assert started.first != machines[0].row.number
    for _ in range(2):
        rollout.advance()
    world.round()
    world.beat()
    assert machines[2].version == "1.1.0"
    assert world.look().state == "done"


def test_silence_moves_nothing_on(world: World) -> None:
    """Who has it and is not heard of any more is no reason to go on."""
    from central.models import TerminalReport
    from central.releases import rollout

    machines = small(world, 20)
    rollout.start("1.1.0", "tester", soak_hours=1, least_visits=0)
    world.round()
    world.beat()
    (on_it,) = [machine for machine in machines if machine.version == "1.1.0"]
    TerminalReport.objects.filter(pk=on_it.row.number).delete()
    newest = world.look(hours=30)
    assert (newest.state, newest.share) == ("running", 0)


def test_what_people_decide(world: World) -> None:
    from central.releases import rollout
    from central.releases.repository import NotReleased

    machines = small(world)
    with pytest.raises(NotReleased):
        rollout.start("9.9.9", "tester")
    with pytest.raises(NotReleased):
        rollout.start("1.0.0", "tester")
    rollout.start("1.1.0", "tester")
    with pytest.raises(NotReleased):
        rollout.start("1.2.0", "tester")
    rollout.pin(machines[0].row, "1.2.0", "tester")
    assert world.round()["1.2.0"] == 1
    rollout.pause("tester")
    kept = world.round()
    assert world.look(hours=100).state == "paused"
    assert world.round() == kept, "who has it keeps it"
    rollout.resume("tester")
    rollout.advance()
    rollout.advance()
    assert world.round() == {"1.2.0": 1, "1.1.0": 2}
    rollout.advance()
    rollout.roll_back("tester", "not liked")
    assert world.round() == {"1.2.0": 1, "1.0.0": 2}
    assert rollout.unpin(machines[0].row)
    assert world.round() == {"1.0.0": 3}
    rollout.start("1.2.0", "tester")
    with pytest.raises(NotReleased):
        rollout.pin(machines[0].row, "9.9.9", "tester")


def test_a_first_release_that_is_halted_is_called_off_where_it_was_chosen(world: World) -> None:
    from central.releases import rollout
    from central.releases.models import Rollout

    machine = small(world)[0]
    Rollout.objects.all().delete()  # as at a centre that never released before
    rollout.pin(machine.row, "1.1.0", "tester")
    machine.beat()
    machine.updates.step()
    assert machine.slots.trial() is not None
    rollout.unpin(machine.row)
    said = machine.beat()
    assert said is not None
    assert said.version == ""
    machine.updates.step()
    assert machine.slots.trial() is None


def test_what_is_said_to_one_terminal_is_not_for_another(world: World) -> None:
    from central.releases import rollout

    first, second, _ = small(world)
    rollout.pin(first.row, "1.3.0", "tester")
    said = first.beat()
    second.updates.follow(said)
    second.updates.step()
    assert second.updates.report().wanted != "1.3.0"


def test_a_cohort_is_stable_and_another_with_each_version(world: World) -> None:
    from central.releases.models import Rollout
    from central.releases.rollout import belongs

    numbers = [f"{n:06d}" for n in range(20_000, 24_000)]
    shares = []
    for version in ("1.1.0", "1.2.0"):
        for share in (0, 1, 2):
            of = Rollout(version=version, share=share, first=numbers[0])
            shares.append({number for number in numbers if belongs(of, number)})
    one, ten, everybody, other_one, *_ = shares
    assert one < ten < everybody
    assert 20 < len(one) < 60
    assert 340 < len(ten) < 460
    assert len(everybody) == 4000
    assert len(one & other_one) < len(one) / 2


def test_the_page_says_how_it_stands_and_asks_before_anything_changes(world: World) -> None:
    from central.releases import rollout
    from central.releases.models import Rollout
    from tests.system.test_desk_pages import signed_in

    machines = small(world)
    rollout.start("1.1.0", "tester")
    world.round()
    for machine in machines:
        machine.serves(20, unfinished=3)
    world.beat()
    world.look()
    admin, viewer = signed_in("desk-zhou", "admin"), signed_in("desk-wu", "viewer")
    page = admin.get("/admin/releases/").content.decode()
    assert "发布中" in page
    assert "3 / 20 次办理" in page
    assert "1.0.0：2 台" in page
    assert ("/admin/releases/", "版本发布") in [
        (to, word.strip()) for to, word in LINKS.findall(admin.get("/admin/").content.decode())
    ]
    seen = viewer.get("/admin/releases/").content.decode()
    assert "全部退回" not in seen
    assert viewer.post("/admin/releases/decide", {"act": "roll_back"}).status_code == 403
    asked = admin.post("/admin/releases/decide", {"act": "roll_back"}).content.decode()
    assert "退回上一版本" in asked
    assert Rollout.objects.get(version="1.1.0").state == "running"
    admin.post("/admin/releases/decide", {"act": "roll_back", "confirmed": "1"})
    rolled = Rollout.objects.get(version="1.1.0")
    assert (rolled.state, rolled.changed_by) == ("halted", "desk-zhou")
    number = machines[0].row.number
    for act, version in (("pin", "1.2.0"), ("pin", "9.9.9"), ("nonsense", ""), ("start", "9.9.9")):
        form = {"act": act, "version": version, "terminal": number, "confirmed": "1"}
        assert admin.post("/admin/releases/decide", form).status_code == 302
    assert world.round() == {"1.0.0": 2, "1.2.0": 1}
    assert f"{number}：1.2.0" in admin.get("/admin/releases/").content.decode()
    form = {"act": "unpin", "terminal": number, "confirmed": "1"}
    admin.post("/admin/releases/decide", form)
    assert world.round() == {"1.0.0": 3}


def test_every_word_of_a_terminal_has_words_for_the_operator() -> None:
    from central.desk.releases import _MEASURES, _STAGES, _WHY
    from central.releases.evidence import MEASURES
    from sync.updates.stages import Stage, Why

    assert set(_STAGES) == set(Stage)
    assert set(_WHY) == set(Why) - {Why.NOTHING}
    assert set(_MEASURES) == set(MEASURES)
