"""The address of a centre, as it is typed, set or printed on a sheet.

    https://centre.example    https://centre.example:8443    http://127.0.0.1:8700

Plain http is for the machine itself. Standard library only.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: This machine: no proxy, and no TLS needed.
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

#: What a name or a number of a host is made of; what a browser's address has besides is not.
_HOST = re.compile(r"\w+(-+\w+)*(\.\w+(-+\w+)*)*|[0-9a-f.]*:[0-9a-f:.]*")


def trouble_with(url: str) -> str:
    """What is wrong with an address, an id of words below `enrol`: "no_address", "not_encrypted"
    (no https://, and not this machine) or "bad_address"; "" if nothing is."""
    if not url:
        return "no_address"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # half a number in brackets, or a port that is none
        return "bad_address"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return "not_encrypted"
    # `urlsplit` passes over blanks and ends of lines; the terminal puts its own path behind.
    whole = f"{parts.scheme}://{parts.netloc}"
    fits = _HOST.fullmatch(host) and port != 0 and not re.search("@|:$", parts.netloc)
    return "" if fits and url.rstrip("/").lower() == whole.lower() else "bad_address"
