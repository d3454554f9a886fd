"""Sealing: who holds the right key and the right header can read, nobody else."""

from __future__ import annotations

import pytest

from sync.envelope import ALGORITHM, Opener, Sealer, Unreadable
from sync.header import EnvelopeHeader


@pytest.fixture(scope="module")
def opener() -> Opener:
    return Opener.generate()


def sealed(opener: Opener) -> tuple[EnvelopeHeader, bytes]:
    sealer = opener.sealer()
    header = sealer.question_header("020001", "eligibility_question")
    return header, sealer.seal(header, {"name": "测试甲", "n": 1})


def test_the_centre_reads_what_was_sealed(opener: Opener) -> None:
    header, data = sealed(opener)
    assert opener.open(header.as_wire(), data) == {"name": "测试甲", "n": 1}


def test_nothing_of_the_contents_shows(opener: Opener) -> None:
    _, data = sealed(opener)
    assert "测试甲".encode() not in data


def test_the_same_contents_never_seal_to_the_same_bytes(opener: Opener) -> None:
    assert sealed(opener)[1] != sealed(opener)[1]


@pytest.mark.parametrize("field", ["seq", "terminal", "receipt_no", "created"])
def test_a_changed_header_does_not_open(opener: Opener, field: str) -> None:
    header, data = sealed(opener)
    with pytest.raises(Unreadable):
        opener.open({**header.as_wire(), field: "other"}, data)


def test_an_added_header_field_does_not_open(opener: Opener) -> None:
    header, data = sealed(opener)
    with pytest.raises(Unreadable):
        opener.open({**header.as_wire(), "colour": "red"}, data)


@pytest.mark.parametrize("place", [0, 1183, 1184, 1500, -1])
def test_a_changed_byte_does_not_open(opener: Opener, place: int) -> None:
    header, data = sealed(opener)
    changed = bytearray(data)
    changed[place % len(data)] ^= 1
    with pytest.raises(Unreadable):
        opener.open(header.as_wire(), bytes(changed))


@pytest.mark.parametrize("data", [b"", b"short", bytes(1120), bytes(5000)])
def test_garbage_does_not_open(opener: Opener, data: bytes) -> None:
    header, _ = sealed(opener)
    with pytest.raises(Unreadable):
        opener.open(header.as_wire(), data)


def test_another_key_does_not_open(opener: Opener) -> None:
    header, data = sealed(opener)
    with pytest.raises(Unreadable):
        Opener.generate().open(header.as_wire(), data)


def test_a_header_that_names_another_key_is_not_sealed(opener: Opener) -> None:
    header, _ = sealed(Opener.generate())
    with pytest.raises(ValueError, match="another key"):
        opener.sealer().seal(header, {})


def test_a_key_that_is_not_what_its_id_says_is_refused(opener: Opener) -> None:
    right = opener.sealer()
    with pytest.raises(ValueError, match="id names"):
        Sealer("0" * 16, right.public_key)
    with pytest.raises(ValueError, match="algorithm"):
        Sealer(right.key_id, right.public_key, ALGORITHM + "x")


def test_the_private_key_does_not_show_in_its_repr(opener: Opener) -> None:
    assert opener.private_key.hex() not in repr(opener)
    assert repr(opener.private_key) not in repr(opener)
