"""A terminal as the package installs it, on this machine: for `tests.fleet.whole`.

Its programs are those of the bundle, started from its slots by the package's launcher; its screen
is a real window on a display of its own, touched by real X events. In place of what a hall has
stand: for systemd a thread that starts again what ended (`Unit`), for the line one that counts and
can be cut (`Line`), for the ID card reader and the printer the virtual ones, behind a pty each.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

from hardware.virtual.client import BenchClient
from kiosk.demo.display import open_virtual
from kiosk.demo.hand import Hand
from kiosk.demo.page import NotThere, Page
from kiosk.demo.processes import leash
from sync.launcher import State, load
from tests.fleet.standins import Line, Unit, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.demo.page import Look

SIZE = (540, 960)

#: Between two touches, and between two looks at the screen, seconds.
_PACE_S, _LOOK_S = 0.4, 0.1
_ID_CARD = "identity.id_card"
#: Pages on which no visit ends.
_BETWEEN = ("home", "left_behind")
#: What is touched on a page, where that is not what leads on.
_ANSWERS = {
    _ID_CARD: "",
    "problem_report.about": "option:{}",
    "loss_report.kind": "option:temporary",
}


class Terminal:
    """One of the hall. `library`: /usr/lib/sscard-kiosk of the package, wherever it lies."""

    def __init__(self, folder: Path, library: Path, version: str, port: int) -> None:
        self.state, self.slots = folder / "state", folder / "slots"
        self._folder, self._library = folder, library
        for made in (self.slots, self.state / "updates"):
            made.mkdir(parents=True)
        self.line = Line(port)
        self._display = open_virtual(SIZE)
        self.page, self._hand = Page(self.state / "stage.sock"), Hand(self._display.name)
        bench = folder / "bench"
        words = [sys.executable, "-m", "hardware.virtual", "--state", str(bench)]
        # Nobody listens there: this terminal has no card reader.
        self._bench = subprocess.Popen([*leash(), *words, "--card-port", "9"])
        self.bench = BenchClient(bench / "bench.sock")
        self._install(version)
        wait_for("the bench", (bench / "bench.json").exists)
        self._write_settings(json.loads((bench / "bench.json").read_bytes()))
        self.number = ""
        self._units: dict[str, Unit] = {}
        #: Times without a page, seconds, and the version that had the next one.
        self.dark: list[tuple[str, float]] = []
        #: Every transaction that was ever seen in the outbox: its id -> receipt number.
        self.filed: dict[str, str] = {}

    @property
    def says(self) -> State:
        """`slots.json`."""
        return load(self.slots)

    @property
    def version(self) -> str:
        state = self.says
        return state.versions.get(state.running, "")

    @property
    def _environment(self) -> dict[str, str]:
        """Nothing of the Python that runs this may help."""
        quiet = {"SDL_AUDIODRIVER": "dummy", "LIBGL_ALWAYS_SOFTWARE": "1"}
        own = {"PATH": os.defpath, "HOME": str(self.state), "DISPLAY": self._display.name}
        return own | quiet

    def _launcher(self, *words: str) -> list[str]:
        return [
            *("/usr/bin/python3", "-I", str(self._library / "launcher.py"), str(self.slots)),
            *words,
            *("--state", str(self.state)),
        ]

    def _install(self, version: str) -> None:
        """As debian/control/postinst does it."""
        bundle = str(self._library / "bundle.tar")
        subprocess.run(
            ["/usr/bin/python3", "-m", "sync.slots", str(self.slots), bundle, version],
            env={"PATH": os.defpath, "PYTHONPATH": str(self._library)},
            check=True,
        )
        shutil.copy(self._library / "root.json", self.state / "updates" / "root.json")

    def _write_settings(self, ports: dict[str, str]) -> None:
        tables = {
            "devices": {"id_reader": ports["id_reader"], "printer": ports["printer"]},
            "central": {"url": self.line.url, "heartbeat_s": 2.0},
            "screen": {"width": SIZE[0], "height": SIZE[1], "fullscreen": False},
            "updates": {"rate_kb": 0},
        }
        lines = ['mode = "test"']
        for name, values in tables.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(to)}" for key, to in values.items())]
        (self.state / "settings.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    # -- what a technician does ------------------------------------------------------------------

    def enrol(self, code: str, hall: str) -> None:
        words = self._launcher("ctl", "enrol", "--code", code, "--hall", hall)
        subprocess.run(words, env=self._environment, check=True, stdout=sys.stderr)
        self.number = json.loads((self.state / "identity.json").read_bytes())["terminal"]

    def start(self) -> None:
        for name in ("agent", "run"):
            log = self._folder / f"{name}.out"
            self._units[name] = Unit(self._launcher(name), self._environment, log)
        threading.Thread(target=self._watch, daemon=True).start()
        wait_for("home", self.page.is_home)

    def stop(self) -> None:
        for unit in self._units.values():
            unit.stop()
        self._bench.terminate()
        self._bench.wait()
        self._display.close()
        self.line.close()

    @property
    def starts(self) -> int:
        """How often the screen was started."""
        return len(self._units["run"].ended) + 1

    def _watch(self) -> None:
        """Measure how long there is no page."""
        since: float | None = None
        while True:
            try:
                self.page.look()
            except NotThere:
                since = since or time.monotonic()
            else:
                if since is not None:
                    self.dark.append((self.version, round(time.monotonic() - since, 1)))
                since = None
            time.sleep(_LOOK_S)

    # -- what a citizen does ---------------------------------------------------------------------

    def visit(self, service: str, person: str, option: str = "", seconds: float = 400.0) -> str:
        """One visit, from home until home; returns the page that it ended on. `option`: what is
        chosen where the service asks what it is about."""
        last, until = "home", time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(_PACE_S)
            try:
                look = self.page.look()
            except NotThere:
                continue
            if look.screen == "home" and last != "home":
                self.filed |= {item["id"]: item["receipt_no"] for item in self.outbox()}
                return last
            if not look.settled:
                continue
            if look.screen == _ID_CARD:
                if last != _ID_CARD:
                    self.bench.do("id", "put", person)
            elif look.screen != "home":
                self.bench.do("id", "lift")
            self._tap(look, self._tag(look, service, option))
            last = look.screen if look.screen not in _BETWEEN else last
        raise TimeoutError(f"{self.number}: {service} did not end; it stands at {last}")

    def _tag(self, look: Look, service: str, option: str) -> str:
        if look.screen == "home":
            ways = [f"service:{service}", "group:help", "group:more", "group:card"]
            there = {target.tag for target in look.targets if target.enabled}
            return next((way for way in ways if way in there), "")
        return _ANSWERS.get(look.screen, "primary").format(option)

    def _tap(self, look: Look, tag: str) -> None:
        target = look.target(tag)
        if target is not None and target.enabled:
            self._hand.tap(target.x, target.y)

    # -- what lies in the outbox -----------------------------------------------------------------

    def outbox(self) -> list[dict[str, str]]:
        """Every transaction that is there, by number."""
        file = self.state / "outbox.db"
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as rows:
            found = rows.execute("SELECT id, state, header FROM item ORDER BY seq").fetchall()
        return [
            {"id": id_, "state": state, "receipt_no": json.loads(header)["receipt_no"]}
            for id_, state, header in found
        ]
