"""A kiosk with everything around it, as processes on this machine.

| process        | is                                            | if it ends by itself      |
|----------------|-----------------------------------------------|---------------------------|
| pcscd          | the machine's PC/SC with a virtual reader     | started again             |
| bench          | the far ends of all wires                     | everything ends           |
| central        | the reference central server (SQLite)         | started again             |
| agent          | `kiosk agent`                                 | started again             |
| screen         | `kiosk run`                                   | again; closed: all ends   |
| bench window   | buttons that move the virtual devices         | started again             |

All that is kept lies in one state directory, which belongs to one world at a time. The second
start finds the terminal enrolled and waits only for the bench.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.virtual.client import BenchClient
from kiosk.demo.page import Page
from kiosk.demo.processes import Child, ChildFailed, Family, Fate, wait_for
from kiosk.demo.smartcard import CardRoute, answers, find_route, free_port, port_is_free
from kiosk.maintenance.roster import ROSTER_FILE, Person, Role, write_roster
from sync.alone import alone
from sync.identity import NotEnrolled, load_identity
from sync.pins import DIGITS as PIN_DIGITS
from sync.pins import hash_pin

#: Folder that holds the packages; children import from it whatever their own folder is.
ROOT = Path(__file__).resolve().parents[2]

HEARTBEAT_S = 2.0
TECHNICIAN, STAFF = "t001", "s001"
HALL = "唐山市社会保障卡自助服务（演示）"

#: Longest start of anything on a busy machine, seconds.
START_S = 60.0

#: Exit codes of `kiosk run` after which another start would end the same way: its window was
#: closed, or its settings are wrong.
_NO_RESTART = frozenset({0, 2})


class Occupied(Exception):
    """The state directory belongs to a world that is running."""


@dataclass(frozen=True)
class Plan:
    """What kind of world."""

    state: Path
    #: Width and height of the window, pixels.
    size: tuple[int, int]
    #: Whether the machine's PC/SC may be used.
    pcsc: bool = True
    #: Whether there is somebody to press the buttons of the bench.
    bench_window: bool = False
    #: Variables of the screen's processes, over those of this one: DISPLAY and the like.
    display: Mapping[str, str] = dataclasses.field(default_factory=dict)


class World:
    """Started whole by `start`, stopped whole by `stop`; in between its parts can be tried."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        """`say` is told, in plain words, what is going on."""
        self.plan = plan
        self.state = plan.state
        #: The PIN of this run's technician and staff.
        self.pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        self.bench = BenchClient(plan.state / "bench.sock")
        self.page = Page(plan.state / "stage.sock")
        self.family = Family(say)
        self.began = time.monotonic()
        self._say = say
        self._lock: int | None = None
        self._route: CardRoute | None = None
        #: Where the bench plays the 加密机 behind the centre.
        self._hsm_port = free_port()
        #: The processes by name, once they were started.
        self.child: dict[str, Child] = {}

    # -- all of it -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and return when home can be used.

        Raises `Occupied`, `ChildFailed` or `TimeoutError`; what was started must still be stopped.
        """
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._occupy()
        for leftover in ("bench.json", "stage.sock", "bench.sock", "central/url"):
            (self.state / leftover).unlink(missing_ok=True)
        self._start_surroundings()
        if not self.enrolled():
            self._enrol()
        self._wait("the virtual devices", (self.state / "bench.json").exists)
        self._write_settings()
        self.start_agent()
        self.start_screen()
        if self.plan.bench_window:
            self._start_kiosk("bench-window", Fate.RESTART)
        self._wait("the first page", self.page.is_home)

    def stop(self) -> None:
        """Stop everything that runs, in whatever state it is."""
        self.family.stop_all()
        self.child.clear()
        if self._route is not None:
            self._route.release()
        if self._lock is not None:
            os.close(self._lock)

    def _occupy(self) -> None:
        self._lock = alone(self.state / "demo.lock")
        if self._lock is None:
            raise Occupied(f"a demo is already running on {self.state}")

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        wait_for(what, condition, START_S, self.family.must_run)

    # -- its parts -----------------------------------------------------------------------------

    def _run(self, name: str, words: list[str], fate: Fate, *, on_display: bool = False) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        if on_display:
            environment |= self.plan.display
        log = self.state / "logs" / f"{name}.out"
        child = Child(name, words, log, environment, fate, _NO_RESTART)
        self.child[name] = self.family.start(child)

    def _start_surroundings(self) -> None:
        """Bench, centre and PC/SC; they start side by side."""
        self._route = find_route(self.plan.pcsc)
        if self._route.daemon is not None:
            self._run("pcscd", self._route.daemon, Fate.RESTART)
            self._wait("pcscd", answers)
        self._say(f"card reader: {self._route.why}")
        bench = [sys.executable, "-m", "hardware.virtual", "--state", str(self.state)]
        ports = ["--card-port", self._route.port, "--near-port", self._route.near_port]
        ports += ["--hsm-port", self._hsm_port]
        self._run("bench", [*bench, *map(str, ports)], Fate.END_ALL)
        self.start_central()

    def start_central(self) -> None:
        """The central server, at the address where this terminal was enrolled."""
        from hardware.virtual.personas import registry

        people = self.state / "registry.json"
        people.write_text(json.dumps(registry(), ensure_ascii=False), encoding="utf-8")
        port = self._central_port()
        words = [*self._central("serve"), "--port", str(port), "--demo", "--registry", str(people)]
        words += ["--hsm", f"127.0.0.1:{self._hsm_port}"]
        self._run("central", words, Fate.RESTART)
        self.central_url = f"http://127.0.0.1:{port}"

    def take_away(self, name: str) -> None:
        """End one process: "central", as a broken line would, "agent" or "run", the screen."""
        self.family.stop(self.child.pop(name))

    def start_agent(self) -> None:
        self._start_kiosk("agent", Fate.RESTART)

    def start_screen(self) -> None:
        self._start_kiosk("run", Fate.RESTART)

    def hold_unit_session(self) -> None:
        """The screen begins anew, with 单位统一采集 as its first tile."""
        self.take_away("run")
        settings = self.state / "settings.toml"
        held = settings.read_text(encoding="utf-8").replace("[hall]", "[hall]\nunit_session = true")
        settings.write_text(held, encoding="utf-8")
        self.start_screen()
        self._wait("the first page", self.page.is_home)

    def _start_kiosk(self, command: str, fate: Fate) -> None:
        words = [sys.executable, "-m", "kiosk", command, "--state", str(self.state)]
        self._run(command, words, fate, on_display=True)

    def settled(self) -> Child | None:
        """Look after the children once; returns the one whose end ends the world."""
        return self.family.look_after()

    # -- the centre ----------------------------------------------------------------------------

    def central(self, *words: str) -> str:
        """Run one of the centre's management commands; returns what it printed."""
        done = subprocess.run(
            [*self._central(words[0]), *words[1:]],
            capture_output=True,
            text=True,
            timeout=START_S,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        if done.returncode:
            raise ChildFailed(f"central {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def centre_holds(self) -> dict[str, Any]:
        """What the centre holds, masked (`central show`)."""
        found: dict[str, Any] = json.loads(self.central("show", "--json", "--wait", "30"))
        return found

    def _central(self, command: str) -> list[str]:
        return [sys.executable, "-m", "central", command, "--state", str(self.state)]

    def _central_port(self) -> int:
        """The port of the terminal's identity; another if somebody has taken that."""
        try:
            identity = load_identity(self.state)
        except NotEnrolled:
            return free_port()
        port = int(identity.central_url.rpartition(":")[2])
        if port_is_free(port):
            return port
        port = free_port()
        dataclasses.replace(identity, central_url=f"http://127.0.0.1:{port}").save(self.state)
        return port

    # -- the terminal --------------------------------------------------------------------------

    def enrolled(self) -> bool:
        try:
            load_identity(self.state)
        except NotEnrolled:
            return False
        return True

    def _enrol(self) -> None:
        from sync.enrolment import enrol  # loads cryptography; needed once in a terminal's life

        folder = self.state / "central"
        self._wait("the central server", (folder / "url").exists)
        code = (folder / "enrolment-code").read_text(encoding="ascii")
        identity = enrol(self.central_url, code, self.state, hall=HALL)
        self._say(f"enrolled as terminal {identity.terminal}")

    def _write_settings(self) -> None:
        ports = json.loads((self.state / "bench.json").read_text(encoding="utf-8"))
        assert self._route is not None
        tables: dict[str, dict[str, Any]] = {
            "hall": {"name": HALL},
            "devices": {
                "id_reader": ports["id_reader"],
                "printer": ports["printer"],
                "camera": ports["camera"],
                "scanner": ports["scanner"],
                "card": self._route.setting,
                "card_contactless": self._route.near_setting,
                "card_authenticator": "hsm",
                "wlt_library": "demo",
            },
            "central": {"url": self.central_url, "heartbeat_s": HEARTBEAT_S},
            "screen": {
                "width": self.plan.size[0],
                "height": self.plan.size[1],
                "fullscreen": False,
            },
        }
        people = {TECHNICIAN: Role.TECHNICIAN, STAFF: Role.STAFF}
        write_roster(
            self.state / ROSTER_FILE,
            [Person(who, frozenset({role}), hash_pin(self.pin)) for who, role in people.items()],
        )
        # JSON's strings, numbers and booleans are TOML's too.
        lines = ['mode = "demo"']
        for name, values in tables.items():
            lines.append(f"\n[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        text = "\n".join(lines) + "\n"
        (self.state / "settings.toml").write_text(text, encoding="utf-8")
