"""Answers of a centre, as tests make them: every field said, signed where a key is given."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.wire.envelopes import BatchAnswer, ItemAnswer, Rejection, Standing, Verdict

#: Of a centre that exists in tests only; its public half: `KEY.public_key().public_bytes_raw()`.
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def item(
    id: str,  # noqa: A002 - as the contract calls it
    verdict: Verdict | str,
    *,
    terminal: str = "130299",
    sealed_sha256: str = "0" * 64,
    rejection: Rejection | None = None,
    reason: str = "",
    position: int = 1,
    epoch: int = 1,
) -> ItemAnswer:
    """One answer, signed for `terminal`."""
    unsigned = ItemAnswer.unsigned(
        id=id,
        sealed_sha256=sealed_sha256,
        verdict=verdict,
        rejection=rejection,
        reason=reason,
        position=position,
        epoch=epoch,
    )
    return unsigned.signed_with(KEY.sign(unsigned.for_terminal(terminal)))


def standing(backed_up_to: int = 10**9, epoch: int = 1) -> Standing:
    at = "2026-11-24T09:30:00+08:00"
    unsigned = Standing.unsigned(epoch=epoch, backed_up_to=backed_up_to, at=at)
    return unsigned.signed_with(KEY.sign(unsigned.signed_bytes()))


def batch(answers: Iterable[ItemAnswer], **more: int) -> BatchAnswer:
    return BatchAnswer(answers=list(answers), standing=standing(**more))
