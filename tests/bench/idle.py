"""What all device loops together cost while nobody is there, in shares of a core.

The four devices are the virtual ones, behind their real drivers; the card reader is behind pcscd
where this machine lets us run it. The floor is as many threads that wake up as often and do
nothing. Both are measured in one process (`python -m tests.bench.idle STATE SECONDS`), which has
no screen, so that nothing else is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from hardware.devices import Devices
from hardware.supervision import DeviceState, HealthTable
from kiosk.demo.processes import Child, Family, Fate, wait_for
from kiosk.demo.smartcard import answers, find_route
from kiosk.settings import Devices as DeviceSettings
from tests.bench.numbers import Number, at_most
from tests.system.conftest import environment

#: All loops together, shares of one core.
LIMIT = 0.01

_START_S = 60.0


def numbers(runs: int) -> dict[str, Number]:
    """One measurement of three seconds for each run: at seven, ten looks at each device."""
    with tempfile.TemporaryDirectory() as folder:
        shares, reader = _measured(Path(folder), 3.0 * runs)
    number = at_most(shares["devices"], LIMIT, shares["floor"])
    return {"idle_cpu_of_all_devices": number | {"card_reader": reader}}


def _measured(state: Path, seconds: float) -> tuple[dict[str, float], str]:
    family, route = Family(lambda words: None), find_route(pcsc=True)
    here = environment()
    try:
        if route.daemon is not None:
            family.start(
                Child("pcscd", route.daemon, state / "pcscd.out", here, Fate.RESTART, frozenset())
            )
            wait_for("pcscd", answers, _START_S, family.must_run)
        far_ends = [sys.executable, "-m", "hardware.virtual", "--state", str(state)]
        command = [*far_ends, "--card-port", str(route.port)]
        family.start(Child("bench", command, state / "bench.out", here, Fate.END_ALL, frozenset()))
        places = state / "bench.json"
        wait_for("the far ends", places.exists, _START_S, family.must_run)
        (state / "devices.json").write_text(
            json.dumps(json.loads(places.read_text()) | {"card": route.setting})
        )
        command = [sys.executable, "-m", "tests.bench.idle", str(state), str(seconds)]
        done = subprocess.run(command, env=here, stdout=subprocess.PIPE, text=True)
        # What a far end died of says more than what then went wrong here.
        family.must_run()
        done.check_returncode()
        shares: dict[str, float] = json.loads(done.stdout)
    finally:
        family.stop_all()
        route.release()
    return shares, route.setting.partition(":")[0]


def _of_a_core(seconds: float) -> float:
    """Processor time of this process while it is left alone for a while."""
    began, used = time.monotonic(), time.process_time()
    time.sleep(seconds)
    return (time.process_time() - used) / (time.monotonic() - began)


def _floor(seconds: float, threads: int) -> float:
    done = threading.Event()

    def wake_up_now_and_then() -> None:
        while not done.wait(2.0):
            pass

    sleepers = [threading.Thread(target=wake_up_now_and_then) for _ in range(threads)]
    for sleeper in sleepers:
        sleeper.start()
    share = _of_a_core(seconds)
    done.set()
    for sleeper in sleepers:
        sleeper.join()
    return share


def wait_for_devices(health: HealthTable) -> None:
    """Raises `TimeoutError`, which says of each device what keeps it."""

    def ready() -> bool:
        return {row.state for row in health.snapshot()} == {DeviceState.READY}

    try:
        wait_for("the devices", ready, _START_S, lambda: None)
    except TimeoutError as late:
        rows = "\n".join(f"    {row}" for row in health.snapshot())
        raise TimeoutError(f"{late}:\n{rows}") from None


def main(state: Path, seconds: float) -> int:
    places = json.loads((state / "devices.json").read_text())
    settings = DeviceSettings(
        **{name: places[name] for name in ("id_reader", "printer", "camera", "card")}
    )
    health = HealthTable()
    devices = Devices(health, settings)
    floor = _floor(seconds, len(devices.loops))
    devices.start()
    wait_for_devices(health)
    time.sleep(3.0)
    share = _of_a_core(seconds)
    devices.stop()
    print(json.dumps({"devices": share, "floor": floor}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
