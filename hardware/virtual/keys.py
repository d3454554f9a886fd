"""Keys of the virtual card, its PSAM and its HSM (`hardware.virtual.hsm`). For demo and tests.

How real keys are made from a card's number is not public. These are made by the rules below, which
only have to agree with one another: no key of the card management can be derived from them, and the
terminal's own code never sees them.

    key of a card  = SM4(master of the use, last eight bytes of 卡识别码, twice)
    cryptogram     = SM4(key of the card, process factor and source factor)
    MAC            = first four bytes of SM4(key of the card, SHA-256 of challenge, header and data)
"""

from __future__ import annotations

import hashlib

#: Use of a key -> its master key, 16 bytes.
READ, INTERNAL, UNBLOCK = "RKSSSE", "IRKSSSE", "PUK"


def sm4(key: bytes, block: bytes) -> bytes:
    """One block of SM4 (GB/T 32907)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.SM4(key), modes.ECB()).encryptor().update(block)


def card_key(use: str, card_id: bytes) -> bytes:
    """The key that one card has for a use. `card_id`: 卡识别码, or the last eight bytes of it."""
    master = hashlib.sha256(f"virtual {use}".encode()).digest()[:16]
    return sm4(master, card_id[-8:] * 2)


def cryptogram(use: str, card_id: bytes, factors: bytes) -> bytes:
    """16 bytes that prove the knowledge of a card's key. `factors`: process, then source."""
    return sm4(card_key(use, card_id), factors)


def issuer_mac(card_id: bytes, challenge: bytes, command: bytes) -> bytes:
    """What the virtual card wants to see at the end of a command of the issuer.

    `challenge`: the card's last one. `command`: CLA INS P1 P2, and data without the MAC."""
    digest = hashlib.sha256(challenge + command).digest()[:16]
    return sm4(card_key(UNBLOCK, card_id), digest)[:4]


def unblocking(card_id: bytes, challenge: bytes) -> bytes:
    """PIN UNBLOCK for one card and one challenge."""
    head = bytes.fromhex("84240000")
    return head + b"\x04" + issuer_mac(card_id, challenge, head)


def reloading(card_id: bytes, challenge: bytes, pin: str) -> bytes:
    """RELOAD PIN: the new PIN of six digits, and the MAC."""
    head, new = bytes.fromhex("805E0000"), bytes.fromhex(pin)
    return head + b"\x07" + new + issuer_mac(card_id, challenge, head + new)
