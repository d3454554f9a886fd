"""How fast an outbox drains, against one `requests.post` for each item, at the same server.

The server answers after twenty milliseconds, as one across a province does. Both sides send the
same sealed bytes of a usual application; the outbox is on disk and takes in every answer.
"""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import requests

from sync.agent import Agent, Rhythm, Status
from sync.canonical import sha256_hex
from sync.courier import Backoff, Courier
from sync.outbox import Outbox
from sync.signing import DeviceKey
from sync.transport import Transport
from sync.wire.envelopes import Verdict
from tests.bench.numbers import Number
from tests.system.answers import batch, identity, item

#: Ours against the peer, items a second.
LIMIT = 8.0

LATENCY_S = 0.020
ITEMS = 100

#: An urgent item beside so many that the centre puts off, against none.
PUT_OFF, PUT_OFF_KIND, URGENT_LIMIT = 20, "not_yet", 1.2
_LARGE = bytes(250 * 1024)
NOBODY = "00000000-0000-7000-8000-000000000000"
_SEALED = bytes(30 * 1024)


def numbers(runs: int) -> dict[str, Number]:
    """Medians of `runs` drains each, in turns."""
    with _server() as url:
        pairs = [(_ours(url), _peer(url)) for _ in range(runs)]
        beside, alone = _urgent(url, PUT_OFF, runs), _urgent(url, 0, runs)
    ours, peer = (median(side) for side in zip(*pairs, strict=True))
    ratio = ours / peer
    return {
        "courier_items_per_s": {
            "value": round(ours),
            "peer": round(peer),
            "ratio": round(ratio, 1),
            "limit": f"ratio >= {LIMIT}",
            "holds": ratio >= LIMIT,
        },
        "urgent_beside_put_off_s": _no_slower(beside, alone),
    }


def _no_slower(beside: list[float], alone: list[float]) -> Number:
    """From the commit of an urgent item to the centre's word on it, seconds: beside items that the
    centre puts off, and without them."""
    tails = [quantiles(times, n=10)[8] for times in (beside, alone)]
    ratio = median(beside) / median(alone)
    return {
        "value": round(median(beside), 4),
        "peer": round(median(alone), 4),
        "ratio": round(ratio, 2),
        "p90": round(tails[0], 4),
        "p90_without": round(tails[1], 4),
        "limit": f"ratio <= {URGENT_LIMIT}",
        "holds": ratio <= URGENT_LIMIT,
    }


class _Quiet:
    """Stands for what the agent does beside delivering."""

    more_to_say = False

    def tick(self) -> None: ...
    def answered(self, answers: object) -> None: ...
    def show(self, transport: object) -> None: ...
    def beat(self) -> None: ...


def _urgent(url: str, put_off: int, runs: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        outbox = Outbox(state / "outbox.db", "130299")
        for _ in range(put_off):
            outbox.put(PUT_OFF_KIND, lambda _: _LARGE, key_id="0" * 16, algorithm="none")
        with closing(Transport(url, DeviceKey.load_or_create(state))) as transport:
            quiet: Any = _Quiet()
            courier = Courier(outbox, transport, identity("130299"))
            rhythm = Rhythm(3600.0, Backoff())
            agent = Agent(outbox, courier, transport, quiet, quiet, Status(state), rhythm)
            agent.tick()
            with closing(Outbox(state / "outbox.db", "130299")) as screen:
                times = [_delivered(screen, agent) for _ in range(5 * runs)]
        outbox.close()
    return times


def _delivered(screen: Outbox, agent: Agent) -> float:
    stored = screen.put(
        "loss_report", lambda _: _SEALED, key_id="0" * 16, algorithm="none", urgent=True
    )
    began = time.perf_counter()
    while screen.verdict(stored.id) is None:
        agent.tick()
    return time.perf_counter() - began


def _ours(url: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder) / "outbox.db", "130299")
        for _ in range(ITEMS):
            outbox.put("first_application", lambda _: _SEALED, key_id="0" * 16, algorithm="none")
        with closing(Transport(url, DeviceKey.load_or_create(Path(folder)))) as transport:
            courier = Courier(outbox, transport, identity("130299"))
            began = time.perf_counter()
            while courier.deliver().sent:
                pass
            taken = time.perf_counter() - began
        assert outbox.counts_and_ages().queued == 0
        outbox.close()
    return ITEMS / taken


def _peer(url: str) -> float:
    body = json.dumps({"envelopes": [{"header": {"id": "x"}, "sealed": "A" * 40 * 1024}]})
    began = time.perf_counter()
    for _ in range(ITEMS):
        requests.post(f"{url}/api/v1/envelopes", data=body, timeout=10).raise_for_status()
    return ITEMS / (time.perf_counter() - began)


def _said(items: list[dict[str, Any]]) -> bytes:
    """Signed, as a centre says it; the peer's items have no id and get an answer all the same."""
    answers = [
        item(
            one["header"]["id"] if len(one["header"]["id"]) == 36 else NOBODY,
            Verdict.LATER if one["header"].get("kind") == PUT_OFF_KIND else Verdict.ACCEPTED,
            sealed_sha256=sha256_hex(base64.b64decode(one["sealed"])),
        )
        for one in items
    ]
    return batch(answers).model_dump_json().encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATENCY_S)
        items = json.loads(body)["envelopes"]
        said = _said(items)
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _server() -> Iterator[str]:
    """In a process of its own, as a centre is: it answers neither side faster than the other."""
    words = [sys.executable, "-m", "tests.bench.courier"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _serve() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve()
