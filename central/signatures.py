"""Who sent this request? Checks request signatures (RFC 9421) of enrolled terminals.

A wrong clock, a wrong key and a repeated request are told apart, because what the technician has
to do about each differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.utils import timezone
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from central.database import unhurried
from central.models import SeenNonce, Terminal
from sync.wire.base import ENCODING_COMPONENT, SIGNATURE_TAG, SIGNED_COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest

#: A terminal's clock may be wrong by this much.
CLOCK_SKEW = timedelta(minutes=5)


#: In SQL, because every request asks it: the ORM would put it together anew each time, which is a
#: tenth of a heartbeat.
_BY_KEY = """
SELECT * FROM central_terminal WHERE key_id = %s OR (former_key_id = %s AND former_good)
"""

_TAKE = """
INSERT INTO central_seennonce (terminal_id, nonce, seen_at) VALUES (%s, %s, %s)
ON CONFLICT (terminal_id, nonce) DO NOTHING
"""


class BadRequest(Exception):
    """The request is not taken. `error` is a code of `sync.wire.base.Refusal`."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class Signed:
    """What a valid signature says."""

    key_id: str
    nonce: str


def sender(request: HttpRequest) -> Terminal:
    """The enrolled terminal that signed this request, now and not before.

    Raises `BadRequest`: "unknown_key", "bad_signature", "clock_skew", "expired", "replayed",
    "terminal_disabled".
    """
    found: list[Terminal] = []

    def public_key(key_id: str) -> bytes | None:
        found.extend(Terminal.objects.raw(_BY_KEY, [key_id, key_id]))
        return found[0].key_named(key_id) if found else None

    signed = check(request, public_key)
    (terminal,) = found
    if terminal.former_good and signed.key_id == terminal.key_id:
        # It has its new key, so the one before is good no more.
        Terminal.objects.filter(pk=terminal.pk, key_id=signed.key_id).update(former_good=False)
        terminal.former_good = False
    if not terminal.enabled:
        raise BadRequest("terminal_disabled")
    _take_once(terminal, signed.nonce)
    return terminal


def check(request: HttpRequest, public_key: Callable[[str], bytes | None]) -> Signed:
    """Check the signature with the key its key id names. Raises `BadRequest`."""
    resolver = _Resolver(public_key)
    verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
    try:
        message = _Message.of(request)
        results = verifier.verify(message, max_age=None, expect_tag=SIGNATURE_TAG)
        for one in results:
            _must_cover(one.covered_components, packed=ENCODING_COMPONENT in request.headers)
        # Only now: nobody unknown makes the centre read a body.
        (result,) = verifier.verify_body(message, results, request.body)
    except (InvalidSignature, ValueError) as error:
        raise BadRequest("unknown_key" if resolver.unknown else "bad_signature") from error
    now = datetime.now(UTC)
    created = datetime.fromtimestamp(int(result.parameters["created"]), UTC)
    if abs(now - created) > CLOCK_SKEW:
        raise BadRequest("clock_skew")
    expires = result.parameters.get("expires")
    if expires is not None and datetime.fromtimestamp(int(expires), UTC) < now:
        raise BadRequest("expired")
    return Signed(str(result.parameters["keyid"]), str(result.nonce or ""))


#: As they are written under a signature (RFC 9421 §2.5).
_COVERED = frozenset(f'"{name}"' for name in SIGNED_COMPONENTS)
_COVERED_PACKED = _COVERED | {f'"{ENCODING_COMPONENT}"'}


def _must_cover(covered: Mapping[str, str], *, packed: bool) -> None:
    """Not by the library's `require_components`, which reads the same names anew for each request:
    a twentieth of a heartbeat. Raises `InvalidSignature`."""
    if not (_COVERED_PACKED if packed else _COVERED) <= covered.keys():
        raise InvalidSignature("something that must be signed is not")


def _take_once(terminal: Terminal, nonce: str) -> None:
    """Nonces are kept while the time of their request would still be valid.

    Nobody waits for the disk: what a request brings about is committed after its nonce, so a power
    cut does not keep the one without the other.
    """
    if not 16 <= len(nonce) <= 64:
        raise BadRequest("bad_signature")
    with connection.cursor() as cursor:
        # One statement, and no transaction around it.
        cursor.execute(
            unhurried(_TAKE, connection.vendor), [terminal.number, nonce, timezone.now()]
        )
        taken = cursor.fetchone()
    if not taken:
        raise BadRequest("replayed")


def forget_old_nonces() -> None:
    SeenNonce.objects.filter(seen_at__lt=datetime.now(UTC) - 3 * CLOCK_SKEW).delete()


class _Verifier(HTTPMessageVerifier):
    """Leaves the clock to `check`, which tells it apart from a bad signature."""

    max_clock_skew = timedelta(days=36500)


class _Resolver(HTTPSignatureKeyResolver):
    def __init__(self, public_key: Callable[[str], bytes | None]) -> None:
        self._public_key = public_key
        self.unknown = False

    def resolve_public_key(self, key_id: str) -> Any:
        raw = self._public_key(key_id)
        if raw is None:
            self.unknown = True
            return None
        return Ed25519PublicKey.from_public_bytes(raw)

    def resolve_private_key(self, key_id: str) -> Any:
        raise NotImplementedError("the server checks signatures, it makes none")


@dataclass(frozen=True)
class _Message:
    """A Django request as the library wants to see one."""

    method: str
    url: str
    headers: dict[str, str]

    @classmethod
    def of(cls, request: HttpRequest) -> _Message:
        return cls(request.method or "", request.build_absolute_uri(), dict(request.headers))
