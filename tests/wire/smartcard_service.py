"""pcscd for the tests of this folder: ours alone while they run, killed and started at will."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.demo.processes import leash
from kiosk.demo.smartcard import LOCK, READER_CONFIG, answers
from tests.patience import PATIENCE_S

#: vpcd's two slots, as Debian's configuration has them: reader -> the port it waits on.
PORTS = {"Virtual PCD 00 00": 35963, "Virtual PCD 00 01": 35964}
VPCD_PORT, SECOND_PORT = PORTS.values()


class Service:
    """The daemon. `name`: what its readers are called from the next start on."""

    def __init__(self, folder: Path) -> None:
        self._own = folder / "reader.conf"
        self.name = "Virtual PCD"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        if answers():
            cannot("a pcscd that is not ours is running")
        text = READER_CONFIG.read_text().replace("Virtual PCD", self.name)
        self._own.write_text(text)
        command = ["pcscd", "--foreground", "--config", str(self._own)]
        self._daemon = subprocess.Popen([*leash(), *command], stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        # At its own socket: vpcd would take a visitor at the reader's port for a card.
        while not answers():
            if self._daemon.poll() is not None:
                cannot("pcscd ended at once")
            assert time.monotonic() < until, "pcscd does not come up"
            time.sleep(0.02)

    def kill(self) -> None:
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait(PATIENCE_S)

    def stop(self) -> None:
        assert self._daemon is not None
        self._daemon.terminate()
        self._daemon.wait(PATIENCE_S)


@contextmanager
def service_of_ours(folder: Path) -> Iterator[Service]:
    """The PC/SC service of this machine; waits until nobody else has it."""
    if not (READER_CONFIG.exists() and shutil.which("pcscd")):
        cannot("pcscd or vsmartcard-vpcd is not installed")
    if os.geteuid() != 0:
        cannot("only root may start pcscd")
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        service = Service(folder)
        service.start()
        try:
            yield service
        finally:
            service.stop()


def cannot(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"in CI this must run: {why}")
    pytest.skip(why)
