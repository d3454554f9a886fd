"""pcscd for the tests of this folder: ours alone while they run, killed and started at will."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: vpcd's two slots, as Debian's configuration has them: reader -> the port it waits on.
PORTS = {"Virtual PCD 00 00": 35963, "Virtual PCD 00 01": 35964}
VPCD_PORT, SECOND_PORT = PORTS.values()

_CONFIGURATION = Path("/etc/reader.conf.d/vpcd")
_LOCK = Path("/tmp/kiosk-pcscd.lock")


class Service:
    """The daemon. `name`: what its readers are called from the next start on."""

    def __init__(self, folder: Path) -> None:
        self._own = folder / "reader.conf"
        self.name = "Virtual PCD"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        text = _CONFIGURATION.read_text().replace("Virtual PCD", self.name)
        self._own.write_text(text)
        command = ["pcscd", "--foreground", "--config", str(self._own)]
        self._daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", VPCD_PORT), timeout=1).close()
                return
            except OSError:
                if self._daemon.poll() is not None:
                    cannot("pcscd ended at once: another is running")
                assert time.monotonic() < until, "pcscd does not come up"
                time.sleep(0.02)

    def kill(self) -> None:
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait(5)

    def stop(self) -> None:
        assert self._daemon is not None
        self._daemon.terminate()
        self._daemon.wait(5)


@contextmanager
def service_of_ours(folder: Path) -> Iterator[Service]:
    """The PC/SC service of this machine; waits until nobody else has it."""
    if not (_CONFIGURATION.exists() and shutil.which("pcscd")):
        cannot("pcscd or vsmartcard-vpcd is not installed")
    if os.geteuid() != 0:
        cannot("only root may start pcscd")
    with _LOCK.open("w") as lock:
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
