"""Enrolment: a new terminal becomes known to the centre, once, with a code a technician was given.

The terminal makes its own key and signs the request with it, which proves that it holds it. The
code is worth one terminal. Enrolling again with the same key after a lost answer is harmless: the
centre gives the same terminal number back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sync.envelope import Sealer
from sync.identity import Identity, NotEnrolled
from sync.signing import DeviceKey
from sync.transport import LOOPBACK, Transport
from sync.wire.doors import ENROL
from sync.wire.enrolment import EnrolAnswer, EnrolRequest

if TYPE_CHECKING:
    from pathlib import Path


def enrol(central_url: str, code: str, state_dir: Path, *, hall: str = "") -> Identity:
    """Enrol this terminal and save its identity.

    Raises `CentralRefused` ("bad_code": wrong, used or expired), `CentralUnreachable`,
    `NotEnrolled` if the address is not safe, or the device key on disk or the centre's key cannot
    be used, or `OSError`.
    """
    _must_be_safe(central_url)
    state_dir.mkdir(parents=True, exist_ok=True)
    key = DeviceKey.load_or_create(state_dir)
    transport = Transport(central_url, key)
    try:
        request = EnrolRequest(code=code.strip(), device_public_key=key.public, hall=hall)
        answer = transport.post(ENROL.path, request, EnrolAnswer, timeout_s=15.0)
    finally:
        transport.close()
    identity = Identity(
        terminal=answer.terminal,
        central_url=central_url.rstrip("/"),
        device_key_id=key.id,
        central_public_key=answer.central_public_key,
        central_key_id=answer.central_key_id,
        algorithm=answer.algorithm,
        central_key_number=answer.central_key_number,
        central_signing_key=answer.central_signing_key,
    )
    try:
        Sealer.of(identity)
    except ValueError as error:
        raise NotEnrolled(f"the centre's key cannot be used: {error}") from error
    identity.save(state_dir)
    return identity


def _must_be_safe(central_url: str) -> None:
    """The code and the centre's keys come over this line: only by TLS, or on this machine."""
    parts = urlsplit(central_url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return
    raise NotEnrolled("the centre's address must begin with https://")
