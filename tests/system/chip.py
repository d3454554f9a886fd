"""A TPM 2.0: IBM's, as the program swtpm, behind what the kernel puts before a chip.

`/dev/tpmrm0` is the kernel's resource manager: when a program closes it, the sessions and objects
that it left in the chip are flushed. A bare swtpm has three places for sessions and keeps them, so
a `Chip` does the kernel's part. It may also be mute, or talk nonsense.
"""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from kiosk.demo.processes import leash

#: Until swtpm listens, seconds.
_START_S = 20.0

#: TPM2_GetCapability(TPM_CAP_HANDLES), and the kinds of handle: objects, sessions loaded and saved.
_HANDLES = "8001 00000016 0000017a 00000001 {:08x} 000000fe"
_KINDS = (0x80000000, 0x02000000, 0x03000000)
#: TPM2_FlushContext
_FLUSH = "8001 0000000e 00000165 {:08x}"
#: TPM2_Clear, authorised by the lockout's empty password: what a firmware's setup does.
_CLEAR = "8002 0000001b 00000126 4000000a 00000009 40000009 0000 00 0000"


class Chip:
    """The chip of one machine, which keeps what it knows while it is off."""

    def __init__(self) -> None:
        # A socket's path has 107 bytes at most.
        self._folder = Path(tempfile.mkdtemp(prefix="tpm"))
        self.name = f"swtpm:path={self._folder}/rm"
        self.mute = self.nonsense = False
        #: Another board has another chip, at the same place.
        self.board = "board"
        self._process: subprocess.Popen[bytes] | None = None
        #: The resource manager finds the chip's other line beside its own.
        (self._folder / "rm.ctrl").symlink_to("chip.ctrl")
        self.power_on()

    def power_on(self) -> None:
        chip = self._folder / "chip"
        kept = self._folder / self.board
        kept.mkdir(exist_ok=True)
        command = ["swtpm", "socket", "--tpm2", "--flags", "not-need-init,startup-clear"]
        command += ["--tpmstate", f"dir={kept}", "--server", f"type=unixio,path={chip}"]
        command += ["--ctrl", f"type=unixio,path={chip}.ctrl"]
        self._process = subprocess.Popen(
            [*leash(), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _START_S
        while not chip.exists():
            assert self._process.poll() is None, "swtpm has ended"
            assert time.monotonic() < until, "swtpm did not start"
            time.sleep(0.01)
        self._line = socket.socket(socket.AF_UNIX)
        self._line.bind(str(self._folder / "rm"))
        self._line.listen(8)
        threading.Thread(target=self._serve, args=(self._line,), daemon=True).start()

    def power_off(self) -> None:
        """Also: it is not there."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None
        for name in ("rm", "chip", "chip.ctrl"):
            (self._folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """It forgets its owner, and everything that was sealed to it."""
        with self._connected() as chip:
            assert _asked(chip, bytes.fromhex(_CLEAR))[6:10] == bytes(4)

    def close(self) -> None:
        self.power_off()
        shutil.rmtree(self._folder)

    def _connected(self) -> socket.socket:
        chip = socket.socket(socket.AF_UNIX)
        chip.connect(str(self._folder / "chip"))
        return chip

    def _serve(self, line: socket.socket) -> None:
        """A program connects anew for many commands; the chip is one's after the other's."""
        owner = 0
        while True:
            try:
                client, _ = line.accept()
            except OSError:
                return
            with client, suppress(OSError):
                given = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                (program,) = struct.unpack_from("i", given)
                if program != owner:
                    _ended(owner)
                    owner = program
                    self._flush()
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        while command := _message(client):
            if self.mute:
                client.recv(1)  # until it is given up
                return
            answer = b"\xff" * 10
            if not self.nonsense:
                with self._connected() as chip:
                    answer = _asked(chip, command)
            client.sendall(answer)

    def _flush(self) -> None:
        with self._connected() as chip:
            for kind in _KINDS:
                said = _asked(chip, bytes.fromhex(_HANDLES.format(kind)))
                for (handle,) in struct.iter_unpack(">I", said[19:]):
                    _asked(chip, bytes.fromhex(_FLUSH.format(handle)))


def _ended(program: int) -> None:
    until = time.monotonic() + _START_S
    while program and Path(f"/proc/{program}").exists() and time.monotonic() < until:
        time.sleep(0.002)


def _asked(chip: socket.socket, command: bytes) -> bytes:
    chip.sendall(command)
    return _message(chip)


def _message(line: socket.socket) -> bytes:
    """A command or an answer: its second to fifth byte say how long it is. b"" at the end."""
    found = b""
    while len(found) < 10 or len(found) < int.from_bytes(found[2:6]):
        if not (piece := line.recv(4096)):
            return b""
        found += piece
    return found
