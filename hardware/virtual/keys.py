"""Keys of the virtual card, its PSAM and its HSM. For the demo and tests alone.

How real keys are made from a card's number is not public. These are made by the rules below, which
only have to agree with one another: no key of the card management can be derived from them, and the
terminal's own code never sees them.

    key of a card  = SM4(master of the use, last eight bytes of 卡识别码, twice)
    cryptogram     = SM4(key of the card, process factor and source factor)
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


def unblocking_mac(card_id: bytes) -> bytes:
    """What the virtual card wants to see in a command that unblocks its PIN."""
    return sm4(card_key(UNBLOCK, card_id), bytes(16))[:4]


def hsm(request: str) -> str:
    """The virtual 加密机: answers the text of a `hardware.card.authenticator.HsmRequest`."""
    fields = request.split("|")
    card_id = bytes.fromhex(fields[3])
    process, source, external_process, external_source = map(bytes.fromhex, fields[4:8])
    internal = cryptogram(INTERNAL, card_id, process + source)[:8]
    external = cryptogram(READ, card_id, external_process + external_source)
    return f"{internal.hex().upper()}|{external.hex().upper()}|"
