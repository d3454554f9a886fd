"""Enrolment: a new terminal becomes known to the centre, once, with a code a technician was given.

The terminal makes its own key and signs the request with it, which proves that it holds it. The
code is worth one terminal. The answer is signed with the key that the code's sheet names
(`sync.sheet`), over the terminal's key: nobody else can give a terminal its centre. Enrolling again
with the same key after a lost answer is harmless: the centre gives the same terminal number back.

A state directory in which something of another terminal waits is not taken over: it would be sent
by nobody. It is delivered, or exported (`kioskctl outbox export`), first.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from sync import sheet
from sync.address import trouble_with
from sync.canonical import sha256_hex
from sync.envelope import Sealer
from sync.faults import CentralUnreachable
from sync.identity import NEXT_KEY_FILE, Identity, NotEnrolled, load_identity
from sync.marks import RETIRED_FILE
from sync.sealing import TpmFault
from sync.signing import DeviceKey, centre_signed, use_next_key
from sync.transport import Transport
from sync.wire.doors import ENROL
from sync.wire.enrolment import EnrolAnswer, EnrolRequest

if TYPE_CHECKING:
    from pathlib import Path

#: What the former centre, or the former number, wanted.
_OF_BEFORE = ("desired.json", "commands.json", "policy.json", NEXT_KEY_FILE)


class NotEnrolledHere(NotEnrolled):
    """This terminal does not enrol. `reason`: an id of words below `enrol`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason, self.detail = reason, detail


def enrol(
    central_url: str,
    code: str,
    state_dir: Path,
    *,
    hall: str = "",
    tpm: str = "",
    new_key: bool = False,
) -> Identity:
    """Enrol this terminal and save its identity. `code`: as typed or scanned; `tpm`: what a new key
    is sealed to (`sync.sealing`), "" for nothing; `new_key`: whether it gets one although it has
    one, which then may be out of reach. The old one goes once the centre has the new one.

    Raises `CentralRefused` ("code_unknown", "code_used", "code_expired", "terminal_disabled" …),
    `CentralUnreachable`, `NotEnrolledHere`, `sync.sheet.NotASheet`, `NotEnrolled` if the device key
    on disk or the centre's key cannot be used, or `OSError`.
    """
    said = sheet.read(code)
    central_url = (said.url or central_url).rstrip("/")
    _must_be_safe(central_url, said.pin)
    state_dir.mkdir(parents=True, exist_ok=True)
    key = _key(state_dir, tpm, new_key)
    transport = Transport(central_url, key)
    try:
        request = EnrolRequest(code=said.code, device_public_key=key.public, hall=hall)
        answer = transport.post(ENROL.path, request, EnrolAnswer, timeout_s=15.0)
    finally:
        transport.close()
    _must_be_the_centre(answer, said.pin, key)
    identity = Identity(
        terminal=answer.terminal,
        central_url=central_url,
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
    _must_leave_nobody_behind(state_dir / "outbox.db", identity.terminal)
    _forget_what_was_wanted_before(state_dir, identity, but=NEXT_KEY_FILE if new_key else "")
    identity.save(state_dir)
    if new_key:
        # Last: until then the same command with the same code finds the key that waits.
        with suppress(FileNotFoundError):  # an agent that runs may be before us
            use_next_key(state_dir, key.id)
    (state_dir / RETIRED_FILE).unlink(missing_ok=True)
    return identity


def _key(state_dir: Path, tpm: str, new_key: bool) -> DeviceKey:
    """A new one waits as the next key: a power cut leaves the old one, or both."""
    try:
        if new_key:
            return DeviceKey.following(state_dir, tpm)
        return DeviceKey.load_or_create(state_dir, tpm=tpm)
    except TpmFault as fault:
        raise NotEnrolledHere(fault.reason) from fault


def _must_be_safe(central_url: str, pin: str) -> None:
    """The code and the centre's keys come over this line: only by TLS and with the key of the
    sheet, or on this machine."""
    if trouble := trouble_with(central_url):
        raise NotEnrolledHere(trouble, central_url)
    if not pin and not central_url.lower().startswith("http:"):
        raise NotEnrolledHere("no_pin")


def _must_be_the_centre(answer: EnrolAnswer, pin: str, key: DeviceKey) -> None:
    """Who answers has the key of the sheet, and answers this terminal."""
    signing_key = answer.central_signing_key
    if pin and sheet.pin_of(signing_key) != pin:
        raise NotEnrolledHere("wrong_centre")
    if not centre_signed(answer, signing_key, device_key_sha256=sha256_hex(key.public)):
        raise NotEnrolledHere("wrong_centre")


def _must_leave_nobody_behind(outbox: Path, terminal: str) -> None:
    """What another terminal than this still has to deliver, or would have to deliver again to a
    centre that was put back, stays where it is."""
    if not outbox.exists():
        return
    try:
        with closing(sqlite3.connect(f"{outbox.absolute().as_uri()}?mode=ro", uri=True)) as rows:
            found = rows.execute("SELECT header FROM item WHERE state <> 'acknowledged'").fetchall()
        others = [json.loads(header)["terminal"] for (header,) in found]
    except (sqlite3.Error, ValueError, LookupError, TypeError) as error:
        raise NotEnrolledHere("outbox_unreadable", type(error).__name__) from error
    waiting = [other for other in others if other != terminal]
    if waiting:
        raise NotEnrolledHere("outbox_of_another", f"{waiting[0]}: {len(waiting)}")


def _forget_what_was_wanted_before(state_dir: Path, identity: Identity, but: str) -> None:
    try:
        before = load_identity(state_dir)
    except NotEnrolled:
        before = None
    if before is None or (before.terminal, before.central_signing_key) != (
        identity.terminal,
        identity.central_signing_key,
    ):
        for name in (name for name in _OF_BEFORE if name != but):
            (state_dir / name).unlink(missing_ok=True)


def why_not(error: CentralUnreachable | NotEnrolled) -> str:
    """Id of the words, below `enrol`, for what prevented it."""
    reason = error.reason if isinstance(error, CentralUnreachable | NotEnrolledHere) else "unusable"
    return _SAME.get(reason, reason) if _SAME.get(reason, reason) in WORDS else "other"


_SAME = {"clock_skew": "clock_wrong", "timeout": "connection", "busy": "server_error"}

#: Reasons that have words of their own.
WORDS = frozenset(
    {
        *("code_unknown", "code_used", "code_expired", "terminal_disabled"),
        *("no_address", "not_encrypted", "bad_address", "no_pin", "wrong_centre", "connection"),
        *("clock_wrong", "certificate"),
        *("certificate_expired", "not_the_centre", "server_error", "terminal_too_old"),
        *("terminal_too_new", "outbox_of_another", "outbox_unreadable", "unusable", "other"),
        *("tpm_away", "tpm_other"),
    }
)
