"""The far end of a serial line: a pseudo-terminal that can be unplugged.

The driver opens `port`, a link with a lasting name; behind it is a pty whose other side is served
by a thread here. Unplugging closes the pty, so that the driver sees what it sees when a cable is
pulled; plugging in makes a new one behind the same name.
"""

from __future__ import annotations

import os
import pty
import select
import tempfile
import threading
import tty
from pathlib import Path


class FarEnd:
    """Serves one pty. Subclasses implement `received`, and call `send`."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        """`port` is the link `folder/name`; without a folder a temporary one is made."""
        self._link = (folder or Path(tempfile.mkdtemp(prefix="kiosk-wire-"))) / name
        self._lock = threading.RLock()
        self._master = self._slave = -1
        self._wake_read, self._wake_write = os.pipe()
        self._closing = False
        self.plug()
        self._thread = threading.Thread(target=self._serve, name=f"virtual {name}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> str:
        return str(self._link)

    def plug(self) -> None:
        """Connect the device; does nothing if it is connected."""
        with self._lock:
            if self._master >= 0:
                return
            # The far side of the pty stays open here too: otherwise every program that closes the
            # port would look like a hang-up to this side.
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            new = self._link.with_name(self._link.name + ".new")
            new.unlink(missing_ok=True)
            new.symlink_to(os.ttyname(self._slave))
            new.replace(self._link)
        os.write(self._wake_write, b"x")

    def unplug(self) -> None:
        """Pull the cable."""
        with self._lock:
            self._link.unlink(missing_ok=True)
            for descriptor in (self._master, self._slave):
                if descriptor >= 0:
                    os.close(descriptor)
            self._master = self._slave = -1
        self.disconnected()

    def close(self) -> None:
        """End the thread and remove the port."""
        self._closing = True
        os.write(self._wake_write, b"x")
        self._thread.join(2)
        self.unplug()
        if not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    def send(self, data: bytes) -> None:
        """Bytes to the driver; lost if nobody is connected."""
        with self._lock:
            if self._master >= 0:
                try:
                    os.write(self._master, data)
                except OSError:
                    return  # the cable was pulled meanwhile

    def received(self, data: bytes) -> None:
        """Bytes from the driver; called on the serving thread."""
        raise NotImplementedError

    def disconnected(self) -> None:
        """The cable was pulled: forget half a command."""

    def reading(self) -> bool:
        """Whether the device takes bytes now; a full one lets its line fill up."""
        return True

    def _serve(self) -> None:
        while not self._closing:
            # Asked without the lock: who answers may wait for one who sends.
            reading = self.reading()
            with self._lock:
                master = self._master if reading else -1
                full = self._master >= 0 > master
            wanted = [self._wake_read] + ([master] if master >= 0 else [])
            ready, _, _ = select.select(wanted, [], [], 0.01 if full else 0.5)
            if self._wake_read in ready:
                os.read(self._wake_read, 100)
            if master in ready:
                try:
                    data = os.read(master, 4096)
                except OSError:
                    continue  # unplugged between select and read
                self.received(data)
