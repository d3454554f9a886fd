"""The national algorithms (国密) against the published examples, and against OpenSSL.

What the libraries compute is compared with the standards' own numbers, because an envelope that
only we can open would prove nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from gmalg import SM2

from sync.envelope import Opener, Unreadable
from sync.national import National
from sync.schemes import PROFILES

# -- GB/T 32918.5-2017, annex C: the recommended curve, encryption of "encryption standard" --------

PRIVATE = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
RANDOM = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
C1 = bytes.fromhex(
    "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
)
C3 = bytes.fromhex("59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766")
C2 = bytes.fromhex("21886CA989CA9C7D58087307CA93092D651EFA")
SHARED = bytes.fromhex(
    "335E18D751E51F040E27D468138B7AB1DC86AD7F981D7D416222FD6AB3ED230D"
    "AB743EBCFB22D64F7B6AB791F70658F25B48FA93E54064FDBFBED3F0BD847AC9"
)
DERIVED = bytes.fromhex("44E60FDBF0BAE81437665374BEF26749046C9E")


def test_sm2_encrypts_and_decrypts_the_example_of_the_standard() -> None:
    example = SM2(PRIVATE, rnd_fn=lambda _: RANDOM)
    assert example.encrypt(b"encryption standard") == C1 + C3 + C2
    assert SM2(PRIVATE).decrypt(C1 + C3 + C2) == b"encryption standard"


def test_the_public_half_is_that_of_the_standard() -> None:
    assert National().public_of(PRIVATE) == PUBLIC


def test_the_key_derivation_is_that_of_the_standard() -> None:
    assert X963KDF(SM3(), len(DERIVED), sharedinfo=None).derive(SHARED) == DERIVED


@pytest.mark.parametrize(
    ("message", "digest"),
    [  # GB/T 32905-2016, annex A
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_of_the_examples_of_the_standard(message: bytes, digest: str) -> None:
    sm3 = Hash(SM3())
    sm3.update(message)
    assert sm3.finalize().hex() == digest


SM4_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


@pytest.mark.parametrize(
    ("times", "encrypted"),
    [  # GB/T 32907-2016, annex A
        (1, "681edf34d206965e86b3e94f536e4246"),
        pytest.param(1_000_000, "595298c7c6fd271f0402f804c33d3f66", id="a million times"),
    ],
)
def test_sm4_of_the_examples_of_the_standard(times: int, encrypted: str) -> None:
    encryptor = Cipher(algorithms.SM4(SM4_KEY), modes.ECB()).encryptor()
    block = SM4_KEY
    for _ in range(times):
        block = encryptor.update(block)
    assert block.hex() == encrypted


def test_sm4_gcm_of_the_example_of_rfc_8998() -> None:
    nonce = bytes.fromhex("00001234567800000000ABCD")
    encryptor = Cipher(algorithms.SM4(SM4_KEY), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(
        bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    )
    plain = b"".join(bytes([byte]) * 8 for byte in bytes.fromhex("AABBCCDDEEFFEEAA"))
    assert encryptor.update(plain) + encryptor.finalize() == bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    )
    assert encryptor.tag == bytes.fromhex("83DE3541E4C2B58177E065A9BF7B62EC")


# -- what is ours --------------------------------------------------------------------------------

#: Sealed once and never again: later releases must open what earlier ones stored.
STORED = bytes.fromhex(
    "047351dd422466190591a3265f9a08ef337219f2b867094eea9734d166bb05f0"
    "bfe6d9ca65713cbbe6228c813824c16f56715ebb1a65a20e00a0cf16f6017e9e"
    "e5e3663e98641bff0a551a2407238d0816570d16076b37e48c3f187541e02b85"
    "f0d604fbd0416207f9b1dffab6ef30dd8f44a1f78de68d20fb4c41806f69edde"
    "7c98f65c5dd29a23fb9dcaa72647804e0ba789e0dedbbc552deefe05fd5f54ae"
    "3a904b2bcd"
)


def test_an_envelope_that_was_stored_long_ago_opens() -> None:
    opener = Opener(PRIVATE, PROFILES["national"])
    assert opener.open({"id": "stored"}, STORED) == {"name": "测试甲"}
    with pytest.raises(Unreadable):
        opener.open({"id": "other"}, STORED)


def test_a_point_off_the_curve_is_refused() -> None:
    """Else each answer to one would tell something of the private key."""
    off = bytearray(PUBLIC)
    off[-1] ^= 1
    with pytest.raises(ValueError, match="not a public key"):
        National().check(bytes(off))
    with pytest.raises(ValueError, match="does not open"):
        National().open(PRIVATE, b"", bytes(off) + STORED[65:])


@pytest.mark.optional
def test_openssl_opens_the_secret_that_we_wrapped(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    secret = b"\0" * 3 + bytes(range(29))
    wrapped = SM2(pk=PUBLIC).encrypt(secret)
    (tmp_path / "key.der").write_bytes(_sec1(PRIVATE, PUBLIC))
    (tmp_path / "wrapped.der").write_bytes(_as_der(wrapped))
    words = [openssl, "pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", tmp_path / "key.der"]
    done = subprocess.run(
        [*words, "-in", tmp_path / "wrapped.der"], capture_output=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, secret), done.stderr.decode()


def _as_der(wrapped: bytes) -> bytes:
    """C1 C3 C2 as GM/T 0009 writes them: SEQUENCE of x, y, hash and contents."""
    x, y, rest = wrapped[1:33], wrapped[33:65], wrapped[65:]
    parts = (_der(2, _integer(x)), _der(2, _integer(y)), _der(4, rest[:32]), _der(4, rest[32:]))
    return _der(0x30, b"".join(parts))


def _sec1(private: bytes, public: bytes) -> bytes:
    """ECPrivateKey (RFC 5915) on the curve 1.2.156.10197.1.301."""
    curve = _der(0xA0, bytes.fromhex("06082A811CCF5501822D"))
    bits = _der(0xA1, _der(3, b"\0" + public))
    return _der(0x30, _der(2, b"\1") + _der(4, private) + curve + bits)


def _integer(number: bytes) -> bytes:
    stripped = number.lstrip(b"\0") or b"\0"
    return b"\0" + stripped if stripped[0] & 0x80 else stripped


def _der(tag: int, contents: bytes) -> bytes:
    length = len(contents)
    head = bytes([length]) if length < 128 else bytes([0x81, length])
    return bytes([tag]) + head + contents
