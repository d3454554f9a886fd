"""The program's front door: `kiosk run`, `kiosk agent`, `kiosk demo`.

The only module that knows all the layers: it puts screen, terminal, devices and outbox together.
Imports happen inside the commands, so that each process loads only what it needs.
"""

from __future__ import annotations

import argparse
import gc
import logging
import logging.handlers
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.darkroom import Studio
    from kiosk.settings import Settings
    from kiosk.terminal import Terminal
    from sync.envelope import Sealer

log = logging.getLogger("kiosk")

#: How a process ends: all right, the settings or the enrolment are wrong, could not go on.
OK, MISCONFIGURED, FAILED = 0, 2, 1

#: A log file may grow to this size, and so many old ones are kept (domain §2.5: 30 days).
_LOG_BYTES, _LOG_FILES = 2_000_000, 15


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["demo"]:
        try:
            from kiosk.demo.launcher import main as demo
        except ModuleNotFoundError:
            return _not_shipped("demo")
        return demo(given[1:])
    if given[:1] == ["wlt"]:
        from hardware.wlt import main as decode_portrait  # a process of its own, see there

        return decode_portrait(given[1:])
    if given[:1] == ["camera-proof"]:
        from hardware.camera_proof import main as take_a_frame  # likewise

        return take_a_frame()
    if given[:1] == ["vendor"]:
        from hardware.vendor.child import main as call_library  # likewise

        return call_library(given[1:])
    if given[:1] == ["darkroom"]:
        from kiosk.darkroom.inside import main as photograph  # likewise

        return photograph(given[1:])
    options = _parser().parse_args(given)
    options.state.mkdir(parents=True, exist_ok=True)
    _log_to(options.state / "logs" / f"{options.command}.log")
    commands = {
        "run": _run,
        "agent": _agent,
        "self-test": _self_test,
        "bench-window": _bench_window,
    }
    return commands[options.command](options.state)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kiosk", description="社会保障卡自助服务终端")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("run", "the screen and the devices"),
        ("agent", "the way to the central server: courier, heartbeat, desired settings"),
        ("self-test", "examine the terminal; prints the codes of the faults (for the agent)"),
        ("bench-window", "buttons for the virtual devices (demo only)"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("--state", type=Path, required=True, help="the state directory")
    commands.add_parser("demo", help="everything at once on virtual devices; see kiosk demo --help")
    return parser


def _log_to(file: Path) -> None:
    """Ids, counts and durations; never a name, a number or a face (DESIGN idea 6)."""
    file.parent.mkdir(exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        file, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _run(state: Path) -> int:
    """The screen process."""
    # Until the first frame, see `screens.app`: a start makes much and drops little.
    gc.disable()
    from kiosk.settings import BadSettings, load_settings, wanted_settings
    from kiosk.upkeep.forgetting import forbid_dumps
    from kiosk.version import VERSION
    from screens.app import run
    from sync.crashes import Crashes
    from sync.identity import NotEnrolled
    from sync.outbox import OutboxUnavailable

    forbid_dumps()
    crashes = Crashes(state, "run", VERSION)
    crashes.install()
    try:
        settings = load_settings(state / "settings.toml", wanted=wanted_settings(state))
        return run(lambda: assemble(state, settings), settings, state, crashed=crashes.record)
    except (BadSettings, NotEnrolled) as wrong:
        print(f"kiosk: {wrong}", file=sys.stderr)
        return MISCONFIGURED
    except OutboxUnavailable as broken:
        print(f"kiosk: the outbox cannot be opened: {broken.reason}", file=sys.stderr)
        return FAILED


def _agent(state: Path) -> int:
    """The courier and fleet process. Ends on SIGTERM."""
    from kiosk.policy.shelf import FOLDER as POLICY
    from kiosk.policy.shelf import Shelf
    from kiosk.settings import BadSettings, load_settings, wanted_settings
    from kiosk.upkeep.forgetting import prepare
    from kiosk.upkeep.self_test import examined
    from kiosk.upkeep.visit_lock import visit_runs
    from kiosk.version import VERSION
    from sync.agent import Hands, run_agent
    from sync.crashes import Crashes
    from sync.updates.plan import Plan

    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    prepare()
    Crashes(state, "agent", VERSION).install()
    try:
        settings = load_settings(state / "settings.toml", wanted=wanted_settings(state))
        run_agent(
            state,
            stop,
            heartbeat_s=settings.central.heartbeat_s,
            version=VERSION,
            shelf=lambda key: Shelf(state / POLICY, key, settings.hall.region),
            plan=Plan(
                settings.updates.hours,
                settings.updates.rate_kb * 1000,
                settings.updates.neighbour,
                settings.updates.share,
            ),
            hands=Hands(lambda: not visit_runs(state), lambda: examined(state)),
            tpm=settings.central.sealed_to,
        )
    except BadSettings as wrong:
        print(f"kiosk agent: {wrong}", file=sys.stderr)
        return MISCONFIGURED
    return OK


def _self_test(state: Path) -> int:
    from kiosk.upkeep.self_test import main as examine

    return examine(state)


def _bench_window(state: Path) -> int:
    """The buttons of the virtual devices."""
    try:
        from screens.bench_window import run
    except ModuleNotFoundError:
        return _not_shipped("bench-window")
    return run(state)


def _not_shipped(command: str) -> int:
    """A terminal in a hall has nothing in it that could pretend to be a device (kiosk.spec)."""
    print(f"kiosk: {command} is not part of this installation", file=sys.stderr)
    return MISCONFIGURED


def assemble(state: Path, settings: Settings) -> Terminal:
    """A terminal from its state directory; `Terminal.open` starts its devices.

    Raises `sync.identity.NotEnrolled` and `sync.outbox.OutboxUnavailable`: without an identity no
    receipt can be numbered, without an outbox nothing can be promised.
    """
    from hardware.devices import Devices
    from hardware.supervision import HealthTable
    from kiosk.operations.card_centre import CentralHsm
    from kiosk.parts import Parts
    from kiosk.policy.shelf import FOLDER as POLICY
    from kiosk.policy.shelf import Shelf
    from kiosk.terminal import Terminal
    from kiosk.upkeep.desired import Desired
    from kiosk.upkeep.housekeeping import load_counters
    from kiosk.upkeep.journaling import Scribe
    from kiosk.words import Words
    from kiosk.words.standing import standing_facts
    from sync.central import CentralClient
    from sync.identity import load_identity, newest
    from sync.journal import FOLDER, Journal, Recorder
    from sync.outbox import Limits, Outbox
    from sync.slots import Slots

    def sealer() -> Sealer:
        from sync.envelope import Sealer  # loads cryptography; called on a worker

        return Sealer.of(newest(identity, state))

    def studio() -> Studio:
        from kiosk.darkroom.process import ourselves  # home does without it
        from kiosk.darkroom.room import Darkroom

        return Darkroom(command=ourselves(settings.photo.antispoof))

    health = HealthTable(carried=load_counters(state))
    identity = load_identity(state)
    central = CentralClient(identity, state)
    limits = Limits(
        items=settings.outbox.max_items,
        days=settings.outbox.max_days,
        free_bytes=settings.outbox.min_free_mb * 1_000_000,
    )
    return Terminal(
        Parts(
            settings=settings,
            words=Words(settings.screen.language, standing=standing_facts(settings)),
            packs=Shelf(state / POLICY, identity.central_signing_key, settings.hall.region),
            state=state,
            terminal_id=identity.terminal,
            devices=Devices(health, settings.devices),
            health=health,
            outbox=Outbox(state / "outbox.db", identity.terminal, limits),
            desired=Desired(state / "desired.json", settings.central.heartbeat_s),
            central=central,
            card_centre=CentralHsm(central),
            sealer=sealer,
            studio=studio,
            journal=Scribe(Recorder(Journal(state / FOLDER, "screen"))),
            slots=Slots.ours(),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
