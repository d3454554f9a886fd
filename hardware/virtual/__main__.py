"""`python -m hardware.virtual --state DIR`: the bench as a process, until it is told to end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from hardware.virtual.bench import Bench, BenchServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hardware.virtual")
    parser.add_argument("--state", type=Path, required=True, help="the state directory")
    parser.add_argument("--card-port", type=int, default=35963, help="where the card connects to")
    parser.add_argument("--near-port", type=int, default=0, help="likewise, contactless [none]")
    parser.add_argument("--psam-port", type=int, default=0, help="likewise, the PSAM [none]")
    parser.add_argument("--hsm-port", type=int, default=0, help="the centre's HSM [none]")
    parser.add_argument("--columns", type=int, default=48, help="of the printer's line: 32 or 48")
    options = parser.parse_args()
    state: Path = options.state
    state.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        state,
        options.card_port,
        options.columns,
        near_port=options.near_port,
        psam_port=options.psam_port,
        hsm_port=options.hsm_port,
    )
    server = BenchServer(bench, state / "bench.sock")

    def end(number: int, frame: object) -> None:
        # `shutdown` waits for the serving loop, which is this thread's.
        threading.Thread(target=server.stop).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    _announce(bench, state, options.card_port)
    server.serve()
    bench.close()
    return 0


def _announce(bench: Bench, state: Path, card_port: int) -> None:
    """Write where the wires are; whoever waits for the bench waits for this file."""
    where = {
        "id_reader": bench.id_reader.port,
        "printer": bench.printer.port,
        "camera": bench.camera.url,
        "scanner": bench.scanner.port,
        "card": f"127.0.0.1:{card_port}",
        "socket": str(state / "bench.sock"),
    }
    new = state / "bench.json.new"
    new.write_text(json.dumps(where), encoding="utf-8")
    os.replace(new, state / "bench.json")


if __name__ == "__main__":
    sys.exit(main())
