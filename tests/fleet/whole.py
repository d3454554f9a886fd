"""The fleet end to end, with nothing simulated that a hall has: `python -m tests.fleet.whole`.

One centre and three terminals, of the built bundle (`--bundle FOLDER`; without it kiosk.spec is
built, some minutes). Keys are made and the ceremony is held, the package is laid out with its root,
every terminal is installed and enrolled by the programs in it. Then three releases:

| version | is                                                 | must come to                   |
|---------|----------------------------------------------------|--------------------------------|
| v2      | v1 with one line of words changed                  | first one terminal, then all   |
| v3      | v1 with a broken style sheet: crashes at its start | goes back by itself, is halted |
| v4      | v1 without one icon: visits that show it crash     | proves healthy, then is halted |

Before each, something is filed while the line is cut; at the end the centre has to hold each of
them once. Prints one JSON object, what goes on as it goes on to stderr; ends with 1 if anything was
not as it should be. Takes about half an hour and 15 GB, so it is no part of ./test.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debian.make_deb import LIBRARY, lay_out
from sync.bundle import pack
from tests.fleet.hall import Terminal
from tests.fleet.releasing import V1, V2, V3, V4, Centre, versions_of
from tests.fleet.standins import wait_for
from tests.system.test_bundle import build

if TYPE_CHECKING:
    from collections.abc import Callable

#: Visits of each terminal that go well before v4, and most that fail with it.
GOOD, BAD = 5, 30
#: Nothing here takes longer, seconds; most of it is the minute in which nobody touches home.
PATIENCE_S = 1800.0

_ABOUT = ("name", "insured", "card", "contact", "other")
_PEOPLE = ("zhang", "wang", "chen", "he", "zhao", "ma")
#: Whose card can be lost.
_HOLDER = "ma"

began = time.monotonic()


def say(what: str) -> None:
    print(f"[{time.monotonic() - began:6.1f} s] {what}", file=sys.stderr, flush=True)


class Whole:
    def __init__(self, folder: Path, bundle: Path) -> None:
        self.report: dict[str, Any] = {"ok": False, "times_s": {}, "releases": {}}
        self._folder, self._trees = folder, versions_of(bundle, folder / "versions")
        self.terminals: list[Terminal] = []
        self.centre = Centre(folder)
        self._matters = count()
        # Making the files of a version takes minutes, in which the one before is rolled out.
        self._office = ThreadPoolExecutor(1)
        self._published: dict[str, Future[dict[str, int]]] = {}

    def mark(self, what: str) -> None:
        self.report["times_s"][what] = round(time.monotonic() - began, 1)
        say(what)

    def go(self) -> None:
        root = self.centre.ceremony()
        self._install(root)
        self._release_the_first()
        self._release_by_delta()
        self._release_what_crashes()
        self._release_what_fails_visits()
        self._count()

    def _publish(self, version: str, base: str) -> dict[str, int]:
        tar = self._folder / f"kiosk-{version}.tar"
        with tar.open("wb") as out:
            pack(self._trees[version], out)
        sizes = self.centre.publish(version, tar, base)
        tar.unlink()
        self.mark(f"{version} is published")
        return sizes

    def _install(self, root: Path) -> None:
        package = self._folder / "package"
        lay_out(self._trees[V1], V1, package, root)
        self.report["bundle_bytes"] = (package / LIBRARY / "bundle.tar").stat().st_size
        self.mark("the package is laid out")
        for n in range(3):
            folder = self._folder / f"t{n}"
            terminal = Terminal(folder, package / LIBRARY, V1, self.centre.server.port)
            self.terminals.append(terminal)
            terminal.enrol(self.centre.server.code(), f"大厅{n}")
        self._at_all(Terminal.start)
        self.mark("three terminals are enrolled and show home")

    def _at_all(self, do: Callable[[Terminal], object]) -> None:
        failed: list[Exception] = []

        def safely(terminal: Terminal) -> None:
            try:
                do(terminal)
            except Exception as error:  # noqa: BLE001 - raised below
                failed.append(error)

        threads = [threading.Thread(target=safely, args=(one,)) for one in self.terminals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def _file(self, terminal: Terminal, page: str) -> None:
        """A matter that nobody has filed yet."""
        n = next(self._matters)
        person = _PEOPLE[n // len(_ABOUT) % len(_PEOPLE)]
        ended = terminal.visit("problem_report", person, _ABOUT[n % len(_ABOUT)])
        if ended not in (page, "problem_report.already"):
            raise AssertionError(f"{terminal.number}: ended on {ended}, not {page}")

    def _file_without_a_line(self, terminal: Terminal) -> None:
        """It stays in the outbox until the line is mended."""
        terminal.line.cut()
        self._file(terminal, "problem_report.queued")
        states = [item["state"] for item in terminal.outbox()]
        if "queued" not in states and "sending" not in states:
            raise AssertionError(f"{terminal.number}: nothing waits in the outbox: {states}")

    def _wait(self, what: str, condition: Callable[[], Any]) -> Any:
        found = wait_for(what, condition, PATIENCE_S)
        self.mark(what)
        return found

    def _chosen(self, terminal: Terminal, version: str) -> bool:
        """It lies in the idle slot and is tried once nobody touched home for a minute."""
        state = terminal.says
        return bool(state.trial) and state.versions.get(state.trial) == version

    def _runs(self, terminal: Terminal, version: str) -> bool:
        return terminal.version == version and terminal.page.is_home()

    def _on(self, terminal: Terminal, version: str) -> bool:
        """It runs and is good."""
        return not terminal.says.trial and self._runs(terminal, version)

    def _release(self, version: str) -> dict[str, Any]:
        sizes = self._published[version].result()
        entry = {"sizes": sizes, "bytes_over_the_line": {}, "outbox_before": {}, "outbox_after": {}}
        entry["from"] = {one.number: one.line.bytes for one in self.terminals}
        self.report["releases"][version] = entry
        return entry

    def _take(self, entry: dict[str, Any], terminals: list[Terminal], version: str) -> None:
        """Each of them has it chosen; then its line is cut, and something is filed."""

        def chosen(terminal: Terminal) -> None:
            if terminal not in terminals:
                return
            wait_for("a choice", lambda: self._chosen(terminal, version), PATIENCE_S)
            number = terminal.number
            entry["bytes_over_the_line"][number] = terminal.line.bytes - entry["from"][number]
            self._file_without_a_line(terminal)
            entry["outbox_before"][number] = terminal.outbox()

        self._at_all(chosen)
        self.mark(f"{version} is chosen at {len(terminals)}, with something filed and no line")

    def _back_on_the_line(self, entry: dict[str, Any], terminals: list[Terminal]) -> None:
        for terminal in terminals:
            entry["outbox_after"][terminal.number] = now = terminal.outbox()
            lost = {i["id"] for i in entry["outbox_before"][terminal.number]} - {
                item["id"] for item in now
            }
            if lost:
                raise AssertionError(f"{terminal.number}: lost {lost}")
            terminal.line.mend()

    def _release_the_first(self) -> None:
        """It is what all have; the centre gets to know it."""
        self._at_all(self._file_without_a_line)
        for terminal in self.terminals:
            terminal.line.mend()
        sizes = self.centre.publish(V1, self._folder / "package" / LIBRARY / "bundle.tar")
        self.report["releases"][V1] = {"sizes": sizes}
        for version, base in ((V2, V1), (V3, V2), (V4, V2)):
            self._published[version] = self._office.submit(self._publish, version, base)
        self.centre.start(V1, 1)
        self._wait(f"{V1} is what all have", lambda: self.centre.stands()[1] == "done")

    def _release_by_delta(self) -> None:
        entry = self._release(V2)
        self.centre.start(V2, 1)
        (first,) = self._wait(
            f"{V2} has come to the first",
            lambda: [one for one in self.terminals if self._chosen(one, V2)],
        )
        others = [one for one in self.terminals if one is not first]
        self._take(entry, [first], V2)
        entry["first"] = first.number
        # Without a line it would take six hours to prove itself.
        wait_for("the trial", partial(self._runs, first, V2), PATIENCE_S)
        self._back_on_the_line(entry, [first])
        self._wait(f"{V2} is good at the first", lambda: self._on(first, V2))
        entry["others_meanwhile"] = {one.number: one.version for one in others}
        self._file(first, "problem_report.accepted")
        self._take(entry, others, V2)
        for one in others:
            wait_for("the trial", partial(self._runs, one, V2), PATIENCE_S)
        self._back_on_the_line(entry, others)
        self._wait(f"{V2} is good at all", lambda: all(self._on(t, V2) for t in self.terminals))
        self._wait(f"{V2} is what all have", lambda: self.centre.stands()[1] == "done")

        def good_visits(terminal: Terminal) -> None:
            for _ in range(GOOD):
                self._file(terminal, "problem_report.accepted")

        self._at_all(good_visits)
        self.mark(f"{3 * GOOD} visits went well with {V2}")

    def _release_what_crashes(self) -> None:
        entry = self._release(V3)
        self.centre.start(V3, 1)
        (first,) = self._wait(
            f"{V3} has come to the first",
            lambda: [one for one in self.terminals if self._chosen(one, V3)],
        )
        starts = first.starts
        self._take(entry, [first], V3)
        wait_for("the return", lambda: V3 in first.says.failed, PATIENCE_S)
        self._wait(f"{V3} is given up, {V2} shows home", lambda: self._on(first, V2))
        entry |= {"first": first.number, "starts": first.starts - starts}
        self._back_on_the_line(entry, [first])
        self._halted(entry, V3)

    def _release_what_fails_visits(self) -> None:
        entry = self._release(V4)
        self.centre.start(V4, 1000)
        (first,) = self._wait(
            f"{V4} has come to the first",
            lambda: [one for one in self.terminals if self._chosen(one, V4)],
        )
        self._take(entry, [first], V4)
        wait_for("the trial", partial(self._runs, first, V4), PATIENCE_S)
        self._back_on_the_line(entry, [first])
        self._wait(f"{V4} is good at the first", lambda: self._on(first, V4))
        endings: list[str] = []
        while self.centre.stands()[1] == "running" and len(endings) < BAD:
            endings.append(first.visit("loss_report", _HOLDER))
        entry |= {"first": first.number, "visits": len(endings), "endings": sorted(set(endings))}
        self._halted(entry, V4)
        self._wait(f"{V2} is back", lambda: self._on(first, V2))

    def _halted(self, entry: dict[str, Any], version: str) -> None:
        def halted() -> bool:
            return self.centre.stands()[:2] == (version, "halted")

        self._wait(f"{version} is halted", halted)
        entry["halted_because"] = self.centre.stands()[3]
        entry["versions_then"] = {one.number: one.version for one in self.terminals}

    def _count(self) -> None:
        """What was filed, and what the centre holds of it."""

        def delivered() -> bool:
            waiting = ("queued", "sending")
            return not any(i["state"] in waiting for one in self.terminals for i in one.outbox())

        self._wait("the outboxes are delivered", delivered)
        cases = [case["id"] for case in self.centre.server.show()["cases"]]
        filed = [id_ for one in self.terminals for id_ in one.filed]
        self.report["filed"] = {one.number: len(one.filed) for one in self.terminals}
        self.report["at_the_centre"] = {
            "cases": len(cases),
            "once": sum(cases.count(id_) == 1 for id_ in filed),
            "missing": [id_ for id_ in filed if id_ not in cases],
            "twice": [id_ for id_ in filed if cases.count(id_) > 1],
            "of_nobody": len(set(cases) - set(filed)),
        }
        self.report["terminals"] = {one.number: self._end_of(one) for one in self.terminals}
        self.report["ok"] = (
            sorted(cases) == sorted(filed)
            and all(one.version == V2 for one in self.terminals)
            and all(one.says.failed in ((), (V3,)) for one in self.terminals)
        )

    def _end_of(self, terminal: Terminal) -> dict[str, Any]:
        state = terminal.says
        return {
            "runs": terminal.version,
            "versions": state.versions,
            "failed": list(state.failed),
            "screen_starts": terminal.starts,
            "dark_s": [{"then_ran": version, "s": s} for version, s in terminal.dark],
            "outbox": [item["state"] for item in terminal.outbox()],
        }

    def stop(self) -> None:
        """Whatever runs; the report is out by then."""
        self._office.shutdown(cancel_futures=True)
        for stop in (*(one.stop for one in self.terminals), self.centre.server.stop):
            with suppress(OSError, subprocess.SubprocessError):
                stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="the folder that PyInstaller made")
    parser.add_argument("--folder", type=Path, help="work there, and leave it there")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="kiosk-whole-"))
    folder.mkdir(parents=True, exist_ok=True)
    bundle = options.bundle or build(folder) / "dist/kiosk"
    whole = Whole(folder, bundle)
    try:
        whole.go()
    except (AssertionError, LookupError, TimeoutError, OSError, subprocess.SubprocessError) as bad:
        whole.report["failed"] = f"{type(bad).__name__}: {bad}"
        whole.report["stands"] = whole.centre.stands()
        whole.report["terminals"] = {one.number: whole._end_of(one) for one in whole.terminals}
    finally:
        print(json.dumps(whole.report, ensure_ascii=False, indent=1), flush=True)
        whole.stop()
    if options.folder is None:
        shutil.rmtree(folder)
    return 0 if whole.report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
