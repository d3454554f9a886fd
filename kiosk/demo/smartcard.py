"""The way a virtual card takes to the card reader: PC/SC where we may have it, else in process.

With PC/SC the card answers behind `pcscd` and the virtual reader of the package vsmartcard-vpcd,
as a real card would. There is only one pcscd per machine, and every program on the machine sees
its readers, so it is started by us alone (as root, when none runs, under a machine-wide lock) or
not used at all. Without it the same card speaks the same protocol straight to the driver.
"""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from random import randrange

from sync.alone import alone

#: Held by whoever runs pcscd for a demo or a test.
LOCK = Path("/tmp/kiosk-pcscd.lock")
READER_CONFIG = Path("/etc/reader.conf.d/vpcd")
SOCKET = Path("/run/pcscd/pcscd.comm")

#: TCP port on which vpcd waits for a card (`READER_CONFIG`, channel 0x8C7B).
VPCD_PORT = 35963
#: Its second reader is for cards held near, and what the settings call it.
NEAR_PORT, NEAR_NAME = 35964, "00 01"


@dataclass
class CardRoute:
    """How the card reaches the driver. `why` says it to whoever watches."""

    #: Value of [devices] card in settings.toml.
    setting: str
    #: Where the virtual card connects to.
    port: int
    why: str
    #: Likewise for a card held near, and value of [devices] card_contactless; 0 and "": no reader.
    near_port: int = 0
    near_setting: str = ""
    #: Command of the daemon to start, None without PC/SC.
    daemon: list[str] | None = None
    lock: int | None = None

    def release(self) -> None:
        """Let others have the machine's PC/SC."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def find_route(pcsc: bool) -> CardRoute:
    """The best route there is; `pcsc` False: not the machine's PC/SC."""
    daemon = shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not pcsc:
        return _direct("as asked")
    if os.geteuid() != 0:
        return _direct("pcscd needs root")
    if daemon is None or not READER_CONFIG.exists():
        return _direct("pcscd and vpcd are not installed")
    lock = _take_lock()
    if lock is None:
        return _direct("another demo or test has pcscd")
    if answers():
        os.close(lock)
        return _direct("a pcscd that is not ours is running")
    if not all(port_is_free(port, "") for port in (VPCD_PORT, NEAR_PORT)):
        # They lie in the range from which the kernel takes ports for outgoing connections, and such
        # a port stays taken for a minute after its connection. A vpcd that cannot listen gives
        # pcscd no reader, for as long as pcscd runs.
        os.close(lock)
        return _direct("a connection of this machine has the port of vpcd")
    return CardRoute(
        "pcsc",
        VPCD_PORT,
        "pcscd and vpcd",
        NEAR_PORT,
        NEAR_NAME,
        [daemon, "--foreground"],
        lock,
    )


def _take_lock() -> int | None:
    """The machine's PC/SC for us alone, None if somebody else has it."""
    try:
        return alone(LOCK)
    except OSError:  # another user's file; the kernel protects it in /tmp, even against root
        return None


def _direct(why: str) -> CardRoute:
    port = free_port()
    return CardRoute(f"direct:{port}", port, f"in process, without pcscd: {why}")


def answers() -> bool:
    """Whether a pcscd takes connections."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(SOCKET))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A TCP port of the loopback that nobody uses just now.

    Below those that Linux gives to outgoing connections (32768 and up): one of theirs may be taken
    by any program before we listen there.
    """
    while not port_is_free(port := randrange(20_000, 32_768)):
        pass
    return port


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether we could listen there, also right after an earlier listener has gone. `host` "":
    on all addresses."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
        return True
