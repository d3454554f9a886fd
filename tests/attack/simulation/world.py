"""Who uses the fleet and what happens to it, drawn from a seed; and what must hold all the same."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sync import ids, witness
from sync.header import BEIJING
from sync.identity import load_identity
from sync.outbox import OutboxUnavailable, Reason
from sync.removable import export
from sync.signing import DeviceKey
from tests.attack.simulation.centre import Centre
from tests.attack.simulation.terminal import Machine
from tests.attack.simulation.virtual import DAY_S, Clock
from tests.system.people import Person
from tests.system.postgres import Cluster

HOUR_S = 3600.0

#: What may happen to a terminal in a day, and how likely it is.
TO_A_TERMINAL = {
    "line down": 0.20,
    "answers lost": 0.10,
    "answers forged": 0.05,
    "answers halved": 0.05,
    "somebody else answers": 0.05,
    "agent killed before a request": 0.08,
    "agent killed after a request": 0.08,
    "power cut": 0.10,
    "disk full": 0.05,
    "clock off": 0.04,
    "old copy of the file": 0.02,
    "file lost": 0.01,
    "file damaged": 0.02,
    "copy of the folder": 0.01,
    "folder written back in place": 0.05,
    "device key lost": 0.01,
    "export carried": 0.03,
    "export stolen": 0.02,
}

#: What may happen to the centre in a day, where it has as many terminals as are usual here.
TO_THE_CENTRE = {
    "centre down": 0.20,
    "centre restored": 0.20,
    "registry late": 0.16,
    "old keys lost": 0.12,
    "new key": 0.10,
}

#: Citizens a day at each terminal, on average.
CITIZENS = 2

#: The centre sweeps rarer than it does in earnest, for sweeps take much of the time: a minute after
#: a heartbeat, whose report is fresh then, but not within so many hours of the last sweep; and once
#: a day whatever comes.
SWEPT_EVERY = 5

#: How many citizens give the telephone number of somebody who "helps" them.
SHARED_PHONE = 0.1

#: Days between two looks at every receipt.
CHECKED_EVERY = 2


@dataclass
class Told:
    """What a citizen holds in hand."""

    id: str
    receipt_no: str
    seq: int
    machine: str
    person: Person
    #: The disk that held it was lost or set back before the centre had it for good, and that was
    #: reported.
    lost: bool = False


class Broken(AssertionError):
    """A promise was not kept."""


class World:
    """`terminals` of them, for as many days as it is run. `cluster`: what the centre is on, if not
    on SQLite."""

    def __init__(
        self, root: Path, seed: int, terminals: int, clock: Clock, cluster: Cluster | None = None
    ) -> None:
        self.random = random.Random(seed)
        random.seed(seed)  # jitter of the product's own code
        ids.secrets = self  # type: ignore[attr-defined]
        self._root, self._clock = root, clock
        self._places: dict[str, str] = {}
        witness.place = self._place
        self.centre = Centre(root / "centre", clock, cluster)
        self.faults: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._turn: dict[str, float] = {}
        self._sweep_due = 0.0
        self._people = itertools.count(1)
        self.registered: list[Person] = []
        self.told: dict[str, Told] = {}
        self.stolen: set[str] = set()
        self.terminal_days = self.days = 0
        self.machines = [self._machine(f"t{number}") for number in range(terminals)]
        for machine in self.machines:
            machine.enrol()
            machine.start()
            self._soon(machine, 0.0)

    # -- chance ----------------------------------------------------------------------------------

    def randbits(self, bits: int) -> int:
        """Stands for `secrets.randbits` where ids are made, so that a seed repeats exactly."""
        return self.random.getrandbits(bits)

    def _place(self, descriptor: int) -> tuple[int, list[str], str]:
        """Stands for `sync.witness.place`: the machine whose folder the file is in."""
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        root = next(root for root in self._places if path.startswith(f"{root}/"))
        return 1, [self._places[root]], "image"

    def _machine(self, name: str) -> Machine:
        return Machine(self._root / name, name, self.centre, self._clock, self._places)

    # -- time ------------------------------------------------------------------------------------

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), what))

    def _soon(self, machine: Machine, seconds: float) -> None:
        """The agent's next turn, unless it has one sooner."""
        when = self._clock.now + seconds
        if when < self._turn.get(machine.name, when + 1):
            self._turn[machine.name] = when
            self.at(when, lambda: self._tick(machine, when))

    def _tick(self, machine: Machine, when: float) -> None:
        if self._turn.get(machine.name) != when:
            return  # it had one sooner
        del self._turn[machine.name]
        heard = self.centre.heard
        if machine.tick():
            self._soon(machine, machine.wakes_in())
        else:
            machine.fate = lambda: "fine"
            machine.restart_agent()
            self._soon(machine, 60.0)
        if self.centre.heard > heard and when >= self._sweep_due:
            self._sweep_due = when + SWEPT_EVERY * HOUR_S
            self.at(when + 60.0, self.centre.sweep)

    def _run_to(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            when, _, what = heapq.heappop(self._events)
            self._clock.to(max(when, self._clock.now))
            what()
        self._clock.to(until)

    def note(self, *words: object) -> None:
        """Part of the digest; nothing random that a seed does not repeat."""
        line = " ".join(map(str, (round(self._clock.now), *words)))
        self._digest.update(line.encode() + b"\n")

    def digest(self) -> str:
        return self._digest.hexdigest()[:16]

    # -- days ------------------------------------------------------------------------------------

    def day(self) -> None:
        begun = self._clock.now
        for machine in self.machines:
            for _ in range(self.random.randint(0, 2 * CITIZENS)):
                self.at(begun + self.random.uniform(0, 10 * HOUR_S), self._citizen(machine))
        for machine in list(self.machines):
            for fault, chance in TO_A_TERMINAL.items():
                if self.random.random() < chance:
                    when = begun + self.random.uniform(0, 14 * HOUR_S)
                    self.at(when, self._fault(fault, machine))
        for fault, chance in TO_THE_CENTRE.items():
            if self.random.random() < chance:
                self.at(begun + self.random.uniform(0, 14 * HOUR_S), self._fault(fault, None))
        self.at(begun + 18 * HOUR_S, self.centre.back_up)
        self.at(begun, self.centre.sweep)
        self.at(begun + 16 * HOUR_S, self.centre.answer_alarms)
        self._run_to(begun + DAY_S)
        self.terminal_days += len(self.machines)
        self.days += 1
        if self.days % CHECKED_EVERY == 0:
            self.check()

    def calm(self) -> None:
        """Everything is repaired, and enough time goes by; then all must be where it belongs."""
        self.centre.down = False
        self.centre.keys_come_back()
        self.centre.register(self.registered)
        for machine in self.machines:
            machine.fate, machine.offset_s = (lambda: "fine"), 0.0
        for _ in range(3):
            self.at(self._clock.now, self.centre.sweep)
            self._run_to(self._clock.now + DAY_S / 2)
            self.centre.answer_alarms()
            self.centre.back_up()
        self._run_to(self._clock.now + DAY_S / 2)
        self.check()
        self.check_that_all_is_delivered()

    # -- citizens --------------------------------------------------------------------------------

    def _citizen(self, machine: Machine) -> Callable[[], None]:
        number = next(self._people)
        # A man in a region that was never assigned; some are not in the registry.
        birth = f"{1940 + number % 60}{1 + number % 12:02d}{1 + number % 28:02d}"
        person = Person(f"模拟{number}", birth, 1 + 2 * (number // 60 % 500))
        registered, urgent = self.random.random() < 0.9, self.random.random() < 0.1

        def comes() -> None:
            if registered:
                self.registered.append(person)
                if not self._registry_is_late:
                    self.centre.register([person])
            self._submit(machine, person, urgent=urgent)

        return comes

    _registry_is_late = False

    def _submit(self, machine: Machine, person: Person, *, urgent: bool) -> None:
        try:
            helped = self.random.random() < SHARED_PHONE
            phone = "13900000000" if helped else person.phone
            stored = machine.put(person, phone, urgent=urgent)
        except OutboxUnavailable as refused:
            self.note(machine.name, "refused", refused.reason)
            if refused.reason is not Reason.COPIED:
                raise Broken(f"{machine.name} refused: {refused.reason}") from refused
            return
        self.note(machine.name, "put", stored.seq, stored.receipt_no)
        numbers = {one.receipt_no for one in self.told.values()}
        self._hold("no receipt number twice", stored.receipt_no not in numbers)
        self.told[stored.id] = Told(stored.id, stored.receipt_no, stored.seq, machine.name, person)
        self._soon(machine, 0.2)

    # -- faults ----------------------------------------------------------------------------------

    def _fault(self, fault: str, machine: Machine | None) -> Callable[[], None]:
        does = getattr(self, "_" + fault.replace(" ", "_"))

        def happens() -> None:
            self.faults[fault] += 1
            self.note(machine.name if machine else "centre", fault)
            does(machine) if machine else does()

        return happens

    def _fate(self, machine: Machine, fate: Callable[[], str], hours: float) -> None:
        machine.fate = fate
        until = self._clock.now + self.random.uniform(0.2, 1.0) * hours * HOUR_S

        def over() -> None:
            if machine.fate is fate:
                machine.fate = lambda: "fine"

        self.at(until, over)

    def _line_down(self, machine: Machine) -> None:
        why = self.random.choice(("connection", "timeout", "server_error"))
        self._fate(machine, lambda: why, 20)

    def _somebody_else_answers(self, machine: Machine) -> None:
        self._fate(machine, lambda: "not_the_centre", 5)

    def _answers_lost(self, machine: Machine) -> None:
        self._fate(machine, lambda: self.random.choice(("fine", "answer lost", "timeout")), 8)

    def _answers_forged(self, machine: Machine) -> None:
        self._fate(machine, lambda: "forged", 3)

    def _answers_halved(self, machine: Machine) -> None:
        self._fate(machine, lambda: "half the answers", 6)

    def _agent_killed_before_a_request(self, machine: Machine) -> None:
        machine.fate = lambda: "killed before"

    def _agent_killed_after_a_request(self, machine: Machine) -> None:
        machine.fate = lambda: "killed after"

    def _power_cut(self, machine: Machine) -> None:
        machine.power_cut()
        self._soon(machine, 60.0)

    def _disk_full(self, machine: Machine) -> None:
        if machine.screen.refusal() is None:
            machine.put_on_a_full_disk()

    def _clock_off(self, machine: Machine) -> None:
        machine.offset_s = self.random.choice((-400, -30, -1, 1, 30, 400)) * DAY_S
        self.at(self._clock.now + 5 * HOUR_S, lambda: setattr(machine, "offset_s", 0.0))

    def _old_copy_of_the_file(self, machine: Machine) -> None:
        copy = machine.copy_of_file()
        taken = set(self.told)

        def put_back() -> None:
            self._disk_lost(machine, lambda: machine.file_from(copy), since=taken)

        self.at(self._clock.now + self.random.uniform(0.1, 30) * HOUR_S, put_back)

    def _file_lost(self, machine: Machine) -> None:
        self._disk_lost(machine, machine.lose_file, since=set())

    def _disk_lost(self, machine: Machine, how: Callable[[], None], since: set[str]) -> None:
        """What was on this disk alone is gone, and that must be known."""
        before = machine.screen.counts_and_ages().damaged_files
        mine = [
            one for one in self.told.values() if one.machine == machine.name and one.id not in since
        ]
        given = max((one.seq for one in mine), default=0)
        how()
        self._mark_lost(machine)
        known = machine.screen.counts_and_ages().damaged_files > before
        self._hold("a lost or old file is reported", known or not given)
        self._soon(machine, 1.0)

    def _mark_lost(self, machine: Machine) -> None:
        """What is not on its disk any more. It may be at the centre, but nobody sends it again if
        the centre loses it too."""
        here = {past.id for past in machine.screen.history()}
        for one in self.told.values():
            one.lost = one.lost or (one.machine == machine.name and one.id not in here)

    def _file_damaged(self, machine: Machine) -> None:
        machine.damage_file()
        self._soon(machine, 1.0)

    def _copy_of_the_folder(self, machine: Machine) -> None:
        """A clone stands beside the original for a while, then it is enrolled anew."""
        clone = self._machine(f"{machine.name}c{len(self._places)}")
        machine.copy_of_folder(clone.state)
        clone.start()
        self._hold("a copy gives no numbers", clone.screen.refusal() is Reason.COPIED)
        person = Person("模拟复制", "19500101", 1)
        self._submit(clone, person, urgent=False)
        for _ in range(3):
            clone.tick()
        clone.stop()
        (clone.state / "device.key").unlink()
        clone.enrol()
        clone.start()
        self._hold("a copy enrolled anew gives numbers", clone.screen.refusal() is None)
        # It goes on as a terminal of its own; the old queue in it is the original's affair.
        number = next(self._people)
        another = Person(f"模拟{number}", "19500101", 1 + 2 * (number % 500))
        self.registered.append(another)
        self.centre.register([another])
        self._submit(clone, another, urgent=False)
        self.clones.append(clone)
        self._soon(clone, 1.0)

    @property
    def clones(self) -> list[Machine]:
        return self.__dict__.setdefault("_clones", [])

    def _folder_written_back_in_place(self, machine: Machine) -> None:
        """Nobody can tell that on the spot. The centre can, where it has all that was given since
        and the day is still the same."""
        old = machine.contents_of_folder()
        then = machine.screen.counts_and_ages()

        def put_back() -> None:
            same_key = (machine.state / "device.key").read_bytes() == old["device.key"]
            mine = [one for one in self.told.values() if one.machine == machine.name]
            given = {one.seq: one.receipt_no[6:12] for one in mine if one.seq > then.last_seq}
            today = f"{datetime.fromtimestamp(self._clock.now, BEIJING):%y%m%d}"
            same_day = machine.offset_s == 0.0 and set(given.values()) == {today}
            if not (same_key and same_day and machine.everything_is_there()):
                return
            machine.write_contents_back(old)
            self._mark_lost(machine)
            machine.everything_is_there()
            after = machine.screen.counts_and_ages()
            known = (after.last_seq, after.set_back) == (max(given), then.set_back + 1)
            self._hold("a folder written back in place is reported", known, machine.name)
            self._soon(machine, 1.0)

        self.at(self._clock.now + self.random.uniform(1, 12) * HOUR_S, put_back)

    def _device_key_lost(self, machine: Machine) -> None:
        machine.lose_key()
        self._soon(machine, 1.0)

    def _export(self, machine: Machine) -> list[Path]:
        folder = self._root / "media"
        folder.mkdir(exist_ok=True)
        key = DeviceKey.load(machine.state)
        with self._clock.off_by(machine.offset_s):
            return export(machine.screen, machine.identity.terminal, key, folder)

    def _export_carried(self, machine: Machine) -> None:
        for file in self._export(machine):
            if not self.centre.down:
                self.centre.import_export(file)

    def _export_stolen(self, machine: Machine) -> None:
        """Another terminal sends what was on the media first; it leaves no trace."""
        from sync.wire.envelopes import Batch, Export

        thief = next((one for one in self.machines if one is not machine), None)
        files = self._export(machine)
        if thief is None or not files or self.centre.down:
            return
        taken = Export.model_validate_json(files[0].read_bytes()).envelopes[:20]
        before = set(self.centre.cases())
        key = DeviceKey.load(thief.state)
        body = Batch(envelopes=taken).model_dump_json()
        self.centre.ask(key.id, "envelopes", body)
        self._hold("a stolen export leaves no trace", set(self.centre.cases()) == before)

    # -- faults of the centre --------------------------------------------------------------------

    def _centre_down(self) -> None:
        self.centre.down = True
        self.at(
            self._clock.now + self.random.uniform(0.2, 6) * HOUR_S,
            lambda: setattr(self.centre, "down", False),
        )

    def _centre_restored(self) -> None:
        self.centre.restore()
        self.at(self._clock.now + self.random.uniform(1, 30) * HOUR_S, self.centre.keys_come_back)
        # Those who enrolled since the backup are not known there: they are enrolled again.
        for machine in (*self.machines, *self.clones):
            self._enrolled_again(machine)
        self.centre.register(self.registered)

    def _enrolled_again(self, machine: Machine) -> None:
        from central.models import Terminal

        key = DeviceKey.load(machine.state)
        if Terminal.objects.filter(key_id=key.id).exists():
            return
        number = machine.identity.terminal
        known = Terminal.objects.filter(number=number).exists()
        machine.stop()
        machine.enrol(replaces=number if known else None)
        machine.start()
        if machine.identity.terminal != number:
            # Its number is not known any more: what it has queued under it is put off, and seen.
            for one in self.told.values():
                one.lost = one.lost or one.machine == machine.name
        self._soon(machine, 1.0)

    def _registry_late(self) -> None:
        self._registry_is_late = True
        self.centre.lose_registry()

        def comes() -> None:
            self._registry_is_late = False
            self.centre.register(self.registered)

        self.at(self._clock.now + self.random.uniform(1, 12) * HOUR_S, comes)

    def _old_keys_lost(self) -> None:
        self.centre.hide_keys()
        self.at(self._clock.now + self.random.uniform(1, 30) * HOUR_S, self.centre.keys_come_back)

    def _new_key(self) -> None:
        self.centre.new_key()

    # -- promises --------------------------------------------------------------------------------

    def _hold(self, promise: str, kept: bool, about: str = "") -> None:
        self.checked[promise] += 1
        if not kept:
            raise Broken(f"{promise}: {about}")

    def check(self) -> None:
        """What must hold at every moment."""
        cases = self.centre.cases()
        boxes = {machine.name: machine for machine in (*self.machines, *self.clones)}
        here = {
            name: {past.id: past for past in machine.screen.history()}
            for name, machine in boxes.items()
        }
        for one in self.told.values():
            past, case = here[one.machine].get(one.id), cases.get(one.id)
            kept = (
                one.lost or case is not None or (past is not None and past.state != "acknowledged")
            )
            self._hold("a receipt is in the outbox or a case", kept, one.receipt_no)
            if case is not None:
                self._hold("a case is what was sealed", self._is_the_same(one, case))
        effects = Counter(
            case["id_number"]
            for case in cases.values()
            if case["state"] in ("accepted", "to_review")
        )
        self._hold("nobody has two open cases", max(effects.values(), default=0) <= 1)
        decided = Counter(case["verdict"] for case in cases.values())
        self.note("day", sorted(decided.items()), sorted(self.faults.items()))
        for name, machine in boxes.items():
            counts = machine.screen.counts_and_ages()
            self.note(name, counts.queued, counts.held, counts.later, counts.damaged_files)

    @staticmethod
    def _is_the_same(one: Told, case: dict[str, object]) -> bool:
        found = (case["receipt_no"], case["seq"], case["id_number"])
        return found == (one.receipt_no, one.seq, one.person.number)

    def check_that_all_is_delivered(self) -> None:
        cases = self.centre.cases()
        for machine in (*self.machines, *self.clones):
            counts = machine.screen.counts_and_ages()
            waiting = [one for one in machine.screen.waiting() if one.reason != "other_terminal"]
            seals_to = load_identity(machine.state).central_key_id
            in_use = seals_to == self.centre.key_in_use()
            self._hold("a terminal seals to the key in use", in_use, machine.name)
            self._hold("nothing waits for ever", not waiting, f"{machine.name}: {waiting[:2]}")
            self._hold("nothing is held for ever", counts.held == 0, machine.name)
            self._hold("nothing becomes a dead letter", counts.dead == 0, machine.name)
            self._hold("no held item went unseen", counts.held_gone == 0, machine.name)
        verdicts = {machine.name: machine.screen for machine in (*self.machines, *self.clones)}
        for one in self.told.values():
            case = cases.get(one.id)
            self._hold("every receipt is a case", one.lost or case is not None, one.receipt_no)
            said = verdicts[one.machine].verdict(one.id)
            if said is not None and case is not None:
                same = said.verdict == case["verdict"]
                self._hold("the terminal was told what the centre decided", one.lost or same)

    def close(self) -> None:
        for machine in (*self.machines, *self.clones):
            machine.stop()
