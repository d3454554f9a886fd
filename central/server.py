"""Serves the project with waitress: the terminals' contract, the operators' pages, their styles."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from waitress.server import create_server

from central.encoding import BODY_LIMIT

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

log = logging.getLogger(__name__)


def serve(folder: Path, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. `port` 0 takes a free one.

    The address is written to `folder/url` once requests are answered, and taken away at the end.
    """
    server = create_server(
        StaticFilesHandler(get_wsgi_application()),
        host=host,
        port=port,
        threads=4,
        max_request_body_size=BODY_LIMIT,
        ident="",
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    url = folder / "url"
    beside = folder / "url.new"
    beside.write_text(f"http://{host}:{server.effective_port}\n", encoding="ascii")
    beside.replace(url)
    log.info("serving on port %s", server.effective_port)
    try:
        server.run()  # returns on SystemExit and KeyboardInterrupt
    finally:
        server.close()
        url.unlink(missing_ok=True)
