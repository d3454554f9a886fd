"""Sealing: who holds the right key and the right header can read, nobody else."""

from __future__ import annotations

import pytest

from sync.envelope import Opener, ReplyOpener, Sealer, Unreadable, seal_reply
from sync.header import EnvelopeHeader
from sync.schemes import PROFILES, scheme_of


@pytest.fixture(scope="module", params=PROFILES)
def opener(request: pytest.FixtureRequest) -> Opener:
    return Opener.generate(PROFILES[request.param])


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


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_a_changed_byte_does_not_open(opener: Opener, share: float) -> None:
    header, data = sealed(opener)
    changed = bytearray(data)
    changed[round(share * (len(data) - 1))] ^= 1
    with pytest.raises(Unreadable):
        opener.open(header.as_wire(), bytes(changed))


@pytest.mark.parametrize("data", [b"", b"short", bytes(144), bytes(145), bytes(1120), bytes(5000)])
def test_garbage_does_not_open(opener: Opener, data: bytes) -> None:
    header, _ = sealed(opener)
    with pytest.raises(Unreadable):
        opener.open(header.as_wire(), data)


def test_what_is_nested_without_end_does_not_open(opener: Opener) -> None:
    """Not "later" for ever: no other try opens it."""
    header, _ = sealed(opener)
    scheme, info = scheme_of(opener.algorithm), b"kiosk-envelope-v1\0" + header.canonical()
    data = scheme.seal(opener.sealer().public_key, info, b'{"a":' + b"[" * 99_999)
    with pytest.raises(Unreadable):
        opener.open(header.as_wire(), data)


def test_another_key_does_not_open(opener: Opener) -> None:
    header, data = sealed(opener)
    with pytest.raises(Unreadable):
        Opener.generate(opener.algorithm).open(header.as_wire(), data)


def test_a_key_of_the_other_kind_does_not_open(opener: Opener) -> None:
    header, data = sealed(opener)
    (other,) = set(PROFILES.values()) - {opener.algorithm}
    with pytest.raises(Unreadable):
        Opener.generate(other).open(header.as_wire(), data)


def test_a_header_that_names_another_key_is_not_sealed(opener: Opener) -> None:
    header, _ = sealed(Opener.generate(opener.algorithm))
    with pytest.raises(ValueError, match="another key"):
        opener.sealer().seal(header, {})


def test_a_key_that_is_not_what_its_id_says_is_refused(opener: Opener) -> None:
    right = opener.sealer()
    with pytest.raises(ValueError, match="id names"):
        Sealer("0" * 16, right.public_key, right.algorithm)
    with pytest.raises(ValueError, match="not known"):
        Sealer(right.key_id, right.public_key, right.algorithm + "x")
    (other,) = set(PROFILES.values()) - {right.algorithm}
    with pytest.raises(ValueError, match="not a public key"):
        Sealer(right.key_id, right.public_key, other)
    for broken in (b"", right.public_key[1:], right.public_key + b"x"):
        with pytest.raises(ValueError, match="not a public key"):
            Sealer(right.key_id, broken, right.algorithm)


def test_the_private_key_does_not_show_in_its_repr(opener: Opener) -> None:
    assert opener.private_key.hex() not in repr(opener)
    assert repr(opener.private_key) not in repr(opener)


# -- answers to questions --------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", PROFILES.values())
def test_an_answer_is_read_by_who_asked_and_for_that_question_only(algorithm: str) -> None:
    asker, other = ReplyOpener(algorithm), ReplyOpener(algorithm)
    said = {"cases": [{"receipt_no": "02000126112400017", "name": "张建国"}]}
    sealed = seal_reply(algorithm, asker.public_key, "question-1", said)
    assert asker.open("question-1", sealed) == said
    assert "张建国".encode() not in sealed and b"02000126112400017" not in sealed
    assert sealed != seal_reply(algorithm, asker.public_key, "question-1", said)
    changed = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for opener, question, data in (
        (other, "question-1", sealed),
        (asker, "question-2", sealed),
        (asker, "question-1", changed),
        (asker, "question-1", b""),
    ):
        with pytest.raises(Unreadable):
            opener.open(question, data)
    with pytest.raises(ValueError):
        seal_reply(algorithm, b"no key", "question-1", said)
