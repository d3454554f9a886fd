"""Policy packs for tests: the built-in one, altered in one place, and the centre that signs."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.policy import BUILT_IN, Policy, read_pack
from kiosk.policy.shelf import install_pack

PACK = BUILT_IN.read_text(encoding="utf-8")


def altered(*changes: tuple[str, str]) -> bytes:
    """The built-in pack with each text put in the place of another, which must be in it."""
    text = PACK
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode("utf-8")


def policy_with(*changes: tuple[str, str]) -> Policy:
    """A pack altered as above, read. Raises `BadPolicy`."""
    return read_pack(altered(*changes), "pack.toml")


#: A change for `policy_with`: the first card costs 20 yuan.
CHARGED = ("first = { yuan = 0 }", 'first = { yuan = 20, approval = "示例批文" }')
#: The same for a lost card.
CHARGED_LOST = ("lost = { yuan = 0 }", 'lost = { yuan = 15, approval = "示例批文" }')
#: Benefits are paid on the days of the tests.
PAY_DAYS = ("first = 30", "first = 20")

#: Likewise: the card may come by mail; no electronic card is made with it.
MAILED = ("by_mail = false", "by_mail = true")
PLASTIC_ONLY = ("electronic = true", "electronic = false")

CENTRE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = CENTRE.public_key().public_bytes_raw()


def sign(data: bytes, key: Ed25519PrivateKey = CENTRE) -> bytes:
    """What the centre does, written out: purpose and pack, signed as they are."""
    return key.sign(b"kiosk-policy-v1\n" + data)


def dated(version: str, effective: str, *changes: tuple[str, str]) -> bytes:
    return altered(
        ('version = "2026-11-29"', f'version = "{version}"'),
        ("effective = 2026-11-01", f"effective = {effective}"),
        ("demo = true", "demo = false"),
        *changes,
    )


def install(folder: Path, data: bytes) -> Policy:
    return install_pack(data, sign(data), KEY, folder, "130200")
