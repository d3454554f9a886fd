"""`kiosk demo`: the kiosk on virtual devices with a central server beside it, by one command.

With a display: two windows, the terminal and the bench that moves its devices, until one of them
is closed. Without one, or with `--tour`: see `kiosk.demo.tour`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from kiosk.demo.display import REFERENCE, fitting, there_is_one
from kiosk.demo.processes import Child, ChildFailed
from kiosk.demo.tour import run_tour
from kiosk.demo.world import TECHNICIAN, Occupied, Plan, World

#: Exit codes: all right, something went wrong, the command cannot be carried out.
OK, FAILED, REFUSED = 0, 1, 2

_WATCH_S = 0.2


def main(arguments: list[str]) -> int:
    """Carry the command out; returns the exit code."""
    options = _parser().parse_args(arguments)
    say = Speaker()
    # SIGTERM ends us as Ctrl-C does: through the blocks that stop what was started.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.tour is not None:
            return run_tour(options.tour, options.size or REFERENCE, say, pcsc=options.pcsc)
        if not there_is_one(os.environ):
            say("there is no display (没有显示器): making the tour into ./tour-out instead")
            out = Path("tour-out")
            return run_tour(out, options.size or REFERENCE, say, pcsc=options.pcsc)
        return _open(Plan(options.state, options.size or fitting(), options.pcsc, True), say)
    except KeyboardInterrupt:
        say("stopped (已停止)")
        return 128 + signal.SIGINT


class Speaker:
    """Says what goes on, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)


def _open(plan: Plan, say: Speaker) -> int:
    """The demo in windows, until one is closed."""
    world = World(plan, say)
    say(f"opening the kiosk (正在打开); everything it keeps is in {plan.state}")
    try:
        world.start()
        _tell(world, say)
        ended = _watch(world)
        if ended.code == 0:
            say("the window was closed: stopping (窗口已关闭)")
            return OK
        say(str(ended.failure()))
        return FAILED
    except Occupied as occupied:
        say(str(occupied))
        return REFUSED
    except (ChildFailed, TimeoutError) as wrong:
        say(str(wrong))
        return FAILED
    finally:
        world.stop()


def _tell(world: World, say: Speaker) -> None:
    """What one has to know to play with it."""
    say("home can be used (可以办理了)")
    operator = (world.state / "central" / "operator.txt").read_text(encoding="ascii").split()
    print(
        f"""
    identity card, social security card, paper, camera … : the bench's window, or
        kioskctl bench --state {world.state} id put zhang
    maintenance page (维护): touch the four corners of the first page, clockwise from the
        top left; technician {TECHNICIAN}, PIN {world.pin}
    printed receipts (回执): pictures in {world.state / "receipts"}
    central server (中心): {world.central_url}/admin/  {operator[0]} / {operator[1]}
    Ctrl-C stops everything
""",
        flush=True,
    )


def _watch(world: World) -> Child:
    """Keep the children alive; returns the one whose end ends the demo."""
    while (ended := world.settled()) is None:
        time.sleep(_WATCH_S)
    return ended


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kiosk demo", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--state",
        type=Path,
        default=_default_state(),
        help="where the demo keeps its terminal and its centre [%(default)s]",
    )
    parser.add_argument(
        "--tour", type=Path, metavar="DIR", help="one visit by itself on a virtual display"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="of the window, pixels")
    parser.add_argument(
        "--no-pcsc",
        dest="pcsc",
        action="store_false",
        help="do not start the machine's PC/SC daemon, even if that is possible",
    )
    return parser


def _default_state() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "kiosk-demo"


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 270 and int(height) >= 480):
        raise argparse.ArgumentTypeError(f"{text} is not a size like 540x960")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
