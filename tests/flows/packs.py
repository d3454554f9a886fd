"""Policy packs for tests: the built-in one, altered in one place."""

from __future__ import annotations

from kiosk.policy import BUILT_IN, Policy, read_pack

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
