"""How another process moves the virtual devices: one line of JSON each way, over a unix socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

#: Longest wait for the bench, seconds: a scene is drawn when it is first asked for.
_PATIENCE_S = 30.0


class BenchError(Exception):
    """The bench is not there, or would not do what it was asked; the text says which."""


class BenchClient:
    """Talks to the bench behind a socket; each request is a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def do(self, verb: str, *args: str) -> dict[str, Any]:
        """Carry out one verb, e.g. `do("id", "put", "zhang")`. Raises `BenchError`."""
        request = json.dumps({"verb": verb, "args": args}) + "\n"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_PATIENCE_S)
                connection.connect(str(self._path))
                connection.sendall(request.encode("utf-8"))
                with connection.makefile("r", encoding="utf-8") as answers:
                    answer: dict[str, Any] = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise BenchError(f"the bench does not answer: {error}") from None
        if not answer.get("ok"):
            raise BenchError(str(answer.get("error")))
        return answer
