"""Tells systemd that a process is up and lives (sd_notify(3)); says nothing where nobody asked.

A unit with `Type=notify` counts as started after `READY`. One with `WatchdogSec` is killed and
started again when it has not said `ALIVE` for that long, so that is said by the loop that must not
hang: the screen's drawing, the agent's ticks.
"""

from __future__ import annotations

import os
import socket

READY, ALIVE = "READY=1", "WATCHDOG=1"

#: Seconds between two signs of life; the units allow several times as long.
ALIVE_S = 5.0


def notify(state: str) -> None:
    """Never raises and never waits."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as way:
        try:
            way.sendto(state.encode("ascii"), address)
        except OSError:
            return  # the watchdog will tell
