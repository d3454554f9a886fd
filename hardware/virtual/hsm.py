"""The virtual 加密机: the far end of the wire whose protocol stands in `central/hsm.py`.

It knows the cards of the personas' region and the keys of `hardware.virtual.keys`. Loopback only,
and all it says is marked as virtual, which a centre that serves no demo does not believe.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Mapping
from typing import Any

from hardware.virtual import keys
from hardware.virtual.personas import REGION

#: 03: SM4.
_ALGORITHM = "03"

#: What a PIN is after a reset: one that the citizen must change first.
_INITIAL_PIN = "123456"


class VirtualHsm:
    """Answers until it is closed. `asked` counts the questions."""

    def __init__(self, port: int = 0) -> None:
        """`port`: on the loopback interface; 0 takes a free one."""
        self.asked = 0
        self.port = port
        self._server: _Server | None = None
        self.come_back()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def come_back(self) -> None:
        """Answer, at the same port as before; does nothing if it does."""
        if self._server is not None:
            return
        hsm = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline(4096)
                hsm.asked += 1
                answer = {**answered(line), "virtual": True}
                self.wfile.write(json.dumps(answer).encode("ascii") + b"\n")

        self._server = server = _Server(("127.0.0.1", self.port), Talk)
        self.port = int(server.server_address[1])
        threading.Thread(
            target=server.serve_forever, args=(0.05,), name="virtual HSM", daemon=True
        ).start()

    def go_away(self) -> None:
        """Answer nobody; the port refuses connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    close = go_away


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def answered(line: bytes) -> dict[str, Any]:
    """The answer to one question; never raises."""
    try:
        question = json.loads(line)
        card = question["card"]
        if not card["card_id"].startswith(REGION):
            return {"refused": "unknown_card"}
        if card["algorithm"] != _ALGORITHM:
            return {"refused": "algorithm"}
        return _WORK[question["do"]](bytes.fromhex(card["card_id"]), question)
    except (KeyError, TypeError, ValueError, AttributeError):
        return {"refused": "not_understood"}


def _internal(card_id: bytes, question: Mapping[str, Any]) -> dict[str, Any]:
    factors = bytes.fromhex(question["factors"])
    return {"result": keys.cryptogram(keys.INTERNAL, card_id, factors)[:8].hex()}


def _external(card_id: bytes, question: Mapping[str, Any]) -> dict[str, Any]:
    factors = bytes.fromhex(question["factors"])
    return {"result": keys.cryptogram(keys.READ, card_id, factors).hex()}


def _script(card_id: bytes, question: Mapping[str, Any]) -> dict[str, Any]:
    challenge = bytes.fromhex(question["challenge"])
    commands = {
        "unblock": keys.unblocking(card_id, challenge),
        "reset": keys.reloading(card_id, challenge, _INITIAL_PIN),
    }
    command = commands[question["purpose"]]
    return {"steps": [{"command": command.hex().upper(), "expect": ["9000"]}]}


_WORK = {"internal": _internal, "external": _external, "script": _script}
