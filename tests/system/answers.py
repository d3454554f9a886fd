"""Answers of a centre, as tests make them: every field said, signed where a key is given."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.canonical import sha256_hex
from sync.identity import Identity
from sync.wire.desired import Desired, DesiredState
from sync.wire.envelopes import BatchAnswer, Envelope, ItemAnswer, Standing, Verdict

#: Of a centre that exists in tests only; its public half: `KEY.public_key().public_bytes_raw()`.
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def item(
    id: str,  # noqa: A002 - as the contract calls it
    verdict: Verdict | str,
    *,
    sealed_sha256: str = "0" * 64,
    rejection: str | None = None,
    reason: str = "",
    position: int = 1,
    epoch: int = 1,
) -> ItemAnswer:
    """One answer."""
    return ItemAnswer(
        id=id,
        sealed_sha256=sealed_sha256,
        verdict=verdict,
        rejection=rejection,
        reason=reason,
        position=position,
        epoch=epoch,
    )


def identity(terminal: str = "130299") -> Identity:
    """Of a terminal that was enrolled at this centre."""
    return Identity(
        terminal=terminal,
        central_url="http://127.0.0.1:9",
        device_key_id="0" * 16,
        central_public_key=b"",
        central_key_id="0" * 16,
        algorithm="none",
        central_key_number=1,
        central_signing_key=KEY.public_key().public_bytes_raw(),
    )


def to_batch(
    sent: Iterable[Envelope], said: Iterable[ItemAnswer], terminal: str, **more: int
) -> BatchAnswer:
    """What is said, as the centre would sign it about the very bytes that were sent."""
    hashes = {str(one.header["id"]): sha256_hex(one.sealed) for one in sent}
    answers = (
        item(
            one.id,
            one.verdict,
            sealed_sha256=hashes.get(one.id, "0" * 64),
            rejection=one.rejection,
            reason=one.reason,
            position=one.position,
            epoch=one.epoch,
        )
        for one in said
    )
    return batch(answers, terminal, **more)


def standing(backed_up_to: int = 10**9, epoch: int = 1) -> Standing:
    at = "2026-11-24T09:30:00+08:00"
    unsigned = Standing.unsigned(epoch=epoch, backed_up_to=backed_up_to, at=at)
    return unsigned.signed_with(KEY.sign(unsigned.signed_bytes()))


def batch(answers: Iterable[ItemAnswer], terminal: str = "130299", **more: int) -> BatchAnswer:
    """Signed to `terminal`."""
    unsigned = BatchAnswer.unsigned(answers=list(answers), standing=standing(**more))
    return unsigned.signed_with(KEY.sign(unsigned.signed_bytes(terminal=terminal)))


def desired(
    terminal: str = "130299", state: DesiredState | None = None, issued: str = "", **more: str
) -> Desired:
    """The desired state as the centre would sign it to `terminal`."""
    state = state or DesiredState(version="0")
    unsigned = Desired.unsigned(
        version=state.version,
        issued=issued or "2026-11-24T09:30:00+08:00",
        device_key_id=more.get("device_key_id", "0" * 16),
        state=state.model_dump(mode="json"),
    )
    return unsigned.signed_with(KEY.sign(unsigned.signed_bytes(terminal=terminal)))
