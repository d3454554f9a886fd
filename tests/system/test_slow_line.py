"""The whole of the desired state and a command over 64 kbit/s of which every twentieth packet is
lost.

The kernel's own netem needs a module that not every machine has, so the line is a proxy of this
file: it lets so many bytes through in a second, holds a packet that is "lost" for as long as TCP
would take to send it again, and breaks a connection off in the middle.
"""

from __future__ import annotations

import gzip
import os
import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sync.agent import Hands, run_agent

if TYPE_CHECKING:
    from tests.system.conftest import CentralServer, EnrolledTerminal

#: Bytes a second, of a packet, and how many of them are lost.
RATE, PACKET, LOST = 8_000, 1_400, 0.05
#: TCP sends a lost packet again after so long, seconds; twice as long when that is lost, too.
AGAIN_S = 0.2
#: Which connection breaks off, and after how many packets.
BREAKS, AFTER = 2, 9


class SlowLine:
    """A proxy to a port of this machine."""

    def __init__(self, port: int, seed: int) -> None:
        self._to, self._chance = port, random.Random(seed)
        self._turn, self._free_at = threading.Lock(), 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.bytes = self.lost = self.broken = self._connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._connections += 1
                left = [AFTER if self._connections == BREAKS else 10**9]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(*ends, left), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, left: list[int]) -> None:
        with suppress(OSError):
            while data := source.recv(PACKET):
                self._wait(len(data))
                left[0] -= 1
                if left[0] <= 0:
                    self.broken += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _wait(self, size: int) -> None:
        """Until the packet is through: both ways share the line."""
        with self._turn:
            self._free_at = max(self._free_at, time.monotonic()) + size / RATE
            through = self._free_at
            self.bytes += size
            again = AGAIN_S
            while self._chance.random() < LOST:
                self.lost += 1
                through += again
                again *= 2
        time.sleep(max(0.0, through - time.monotonic()))


def test_everything_arrives_over_a_bad_line(
    central: CentralServer, terminal: EnrolledTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.commands._AGAIN_S", 0.5)
    line = SlowLine(central.port, seed=15)
    number = terminal.identity.terminal
    replace(terminal.identity, central_url=f"http://127.0.0.1:{line.port}").save(terminal.state)
    (terminal.state / "logs").mkdir()
    lines = (f"2026-11-28 13:20:44,123 INFO a.b {os.urandom(12).hex()} n{n}" for n in range(1200))
    (terminal.state / "logs" / "run.log").write_text("\n".join(lines) + "\n")
    fleet = ("--terminal", number)
    central.command("fleet", "set", "hall.name", "慢线路", *fleet)
    central.command("fleet", "announce", "slow", "照常办理" * 10, *fleet)
    ordered = [
        central.command("fleet", "command", *words, *fleet).split()[0]
        for words in (("collect_logs",), ("self_test",))
    ]
    stop, begun = threading.Event(), time.monotonic()
    agent = threading.Thread(
        target=run_agent,
        args=(terminal.state, stop),
        kwargs={"heartbeat_s": 1.0, "hands": Hands(self_test=lambda: "printer_paper_out")},
    )
    agent.start()

    def outcomes() -> dict[str, str]:
        rows = central.sql("SELECT id, outcome FROM central_command WHERE terminal_id = ?", number)
        return {str(id_).replace("-", ""): outcome for id_, outcome in rows}

    try:
        while sorted(outcomes().values()) != ["done", "failed"]:
            assert time.monotonic() - begun < 50, (outcomes(), line.bytes, line.broken)
            assert agent.is_alive() or (terminal.state / "desired.json").exists()
            if not agent.is_alive():  # it ends to take up other settings, and is started anew
                agent = threading.Thread(
                    target=run_agent,
                    args=(terminal.state, stop := threading.Event()),
                    kwargs={
                        "heartbeat_s": 1.0,
                        "hands": Hands(self_test=lambda: "printer_paper_out"),
                    },
                )
                agent.start()
            time.sleep(0.2)
    finally:
        stop.set()
        agent.join(30)
        line.close()
    took = time.monotonic() - begun
    print(f"{line.bytes} bytes, {line.lost} lost, {line.broken} broken off, {took:.1f} s")
    assert "慢线路" in (terminal.state / "desired.json").read_text()
    assert outcomes() == {
        ordered[0].replace("-", ""): "done",
        ordered[1].replace("-", ""): "failed",
    }
    ((packed,),) = central.sql(
        "SELECT attachment FROM central_command WHERE kind = ? AND terminal_id = ?",
        "collect_logs",
        number,
    )
    assert gzip.decompress(bytes(packed)).decode().count("\n") == 1201
    assert line.bytes > 20_000
    assert line.broken >= 1
