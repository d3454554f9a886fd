"""Who this terminal is to the central server: the outcome of enrolment, on disk.

`identity.json` is public (terminal number, the server's address and public key); the Ed25519
private key stands alone in `device.key` (`sync.signing`), readable by its owner only. Standard
library only.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

IDENTITY_FILE = "identity.json"
DEVICE_KEY_FILE = "device.key"
#: The next key, until the centre has it, and the public halves of former ones, one a line in
#: hexadecimal: checkpoints of the journal were signed with them.
NEXT_KEY_FILE, FORMER_KEYS_FILE = "device.key.next", "device.key.former"

#: Fields that are base64 in the file.
_BYTES = ("central_public_key", "central_signing_key")


class NotEnrolled(Exception):
    """This terminal has no identity yet, or what is on disk cannot be used."""


@dataclass(frozen=True)
class Identity:
    """What enrolment gave this terminal."""

    #: Six digits.
    terminal: str
    #: "https://host[:port]", without a slash at the end.
    central_url: str
    #: Name of this terminal's key in request signatures.
    device_key_id: str
    #: The server's key that envelopes are sealed to (`sync.envelope`).
    central_public_key: bytes
    central_key_id: str
    algorithm: str
    #: Grows with each key.
    central_key_number: int
    #: What the centre signs its answers and its later keys with (Ed25519, 32 bytes).
    central_signing_key: bytes

    def save(self, state_dir: Path) -> None:
        """Write `identity.json`, whole or not at all."""
        written = vars(self) | {
            name: base64.b64encode(getattr(self, name)).decode("ascii") for name in _BYTES
        }
        text = json.dumps(written, indent=2, sort_keys=True) + "\n"
        write_whole(state_dir / IDENTITY_FILE, text.encode("utf-8"))


def load_identity(state_dir: Path) -> Identity:
    """The identity in a state directory. Raises `NotEnrolled`."""
    try:
        found = json.loads((state_dir / IDENTITY_FILE).read_text(encoding="utf-8"))
        # A newer release may have written more, and been rolled back.
        known = {field.name: found[field.name] for field in fields(Identity) if field.name in found}
        known |= {name: base64.b64decode(known[name]) for name in _BYTES}
        return Identity(**known)
    except FileNotFoundError:
        raise NotEnrolled("this terminal has not been enrolled") from None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise NotEnrolled(f"{IDENTITY_FILE} cannot be used: {type(error).__name__}") from error


def newest(identity: Identity, state_dir: Path) -> Identity:
    """As it is on disk now: the agent follows a change of the centre's key. What was read before
    goes on being good where there is nothing to read, or something about another terminal."""
    try:
        found = load_identity(state_dir)
    except NotEnrolled:
        return identity
    return found if found.terminal == identity.terminal else identity


def renamed(state_dir: Path, terminal: str) -> bool:
    """Whether this terminal was enrolled under another number, while a program ran that knows it as
    `terminal`: what that one filed now would be nobody's."""
    try:
        return load_identity(state_dir).terminal != terminal
    except NotEnrolled:
        return False


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file so that a reader, or a power cut, sees the old or the new one, never a part.

    Raises `OSError`; the old file is then as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
