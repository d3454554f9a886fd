"""The far end of a UPS: a little upsd on a loopback port that answers GET VAR and no more."""

from __future__ import annotations

import socketserver
import threading


class VirtualUps:
    """A UPS called "ups", on mains and full."""

    def __init__(self) -> None:
        self.variables = {"ups.status": "OL CHRG", "battery.charge": "100"}
        #: Said instead of every answer; b"" closes the connection without a word.
        self.instead: bytes | None = None
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.answer(self.rfile.readline().decode("ascii"), self.wfile.write)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.where = f"ups@127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def say(self, status: str, charge: str = "100") -> None:
        self.variables = {"ups.status": status, "battery.charge": charge}

    def answer(self, line: str, write: object) -> None:
        assert callable(write)
        words = line.split()
        if self.instead is not None:
            write(self.instead)
        elif words[:2] != ["GET", "VAR"] or len(words) != 4:
            write(b"ERR UNKNOWN-COMMAND\n")
        elif words[2] != "ups":
            write(b"ERR UNKNOWN-UPS\n")
        elif words[3] not in self.variables:
            write(b"ERR VAR-NOT-SUPPORTED\n")
        else:
            write(f'VAR ups {words[3]} "{self.variables[words[3]]}"\n'.encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
