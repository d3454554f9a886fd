"""A person's keyed hash: finds what somebody filed at this terminal without keeping their number.

HMAC-SHA-256 of the ID number under a key that is made on the terminal and never leaves it, so that
the hash is of no use anywhere else. Eighteen digits could be tried out by whoever has both file and
key; the key therefore lies in a file of its own, readable by this program only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from sync.identity import write_whole

KEY_FILE = "person.key"
_KEY_BYTES = 32


def person_hash(state: Path, id_number: str) -> bytes:
    """32 bytes; b"" for nobody. Makes the key when there is none. Raises `OSError`."""
    if not id_number:
        return b""
    return hmac.digest(_key(state / KEY_FILE), id_number.encode("ascii"), hashlib.sha256)


def _key(file: Path) -> bytes:
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == _KEY_BYTES:
        return key
    # Lost or torn: what was filed before is no longer found here, but at the centre.
    key = secrets.token_bytes(_KEY_BYTES)
    write_whole(file, key, 0o600)
    return key
