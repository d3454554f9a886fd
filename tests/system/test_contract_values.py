"""Canonical JSON, ids, receipt numbers, headers: the small parts everything else stands on."""

from __future__ import annotations

import base64
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sync.canonical import canonical, sha256_hex
from sync.header import EnvelopeHeader
from sync.ids import uuid7
from sync.kinds import kinds
from sync.receipt_number import check_digit, grouped, receipt_number
from sync.values import Base64, IdNumber
from sync.wire.envelopes import SEALED_LIMIT
from tests.system import people


def test_canonical_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        canonical({"b": 1, "a": "张"})
        == canonical({"a": "张", "b": 1})
        == '{"a":"张","b":1}'.encode()
    )


@pytest.mark.parametrize("value", [1.5, float("nan"), b"x", {1: "a"}, {"a": [0.1]}, object()])
def test_canonical_refuses_what_has_no_one_form(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)  # type: ignore[arg-type]


def test_hash_of_json_is_the_hash_of_its_canonical_bytes() -> None:
    assert sha256_hex({"a": 1}) == sha256_hex(b'{"a":1}')


@given(st.binary(max_size=50))
def test_bytes_go_as_base64_and_come_back(data: bytes) -> None:
    known = TypeAdapter(Base64)
    text = base64.b64encode(data).decode()
    assert known.dump_python(data) == text
    assert known.validate_python(text) == known.validate_python(data) == data


@pytest.mark.parametrize(
    "text", ["-_-_", "QQ", "QQ=", "QR==", "Q Q=", "QQ=\n", "QQ==QQ==", "====", "AAAA=", "一一一一"]
)
def test_what_is_no_standard_base64_is_refused_and_not_repeated(text: str) -> None:
    """Each value has one spelling, and the error shows none of it."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Base64).validate_python(text)
    assert [error["msg"] for error in caught.value.errors()] == ["Value error, not base64"]


def test_ids_are_uuid_version_7_and_sort_by_time() -> None:
    ids = [uuid7(ms) for ms in (1, 2, 1_700_000_000_000)]
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in ids)
    assert sorted(map(str, ids)) == list(map(str, ids))
    assert ids[2].int >> 80 == 1_700_000_000_000


def test_check_digit_of_the_standard() -> None:
    """The worked example of ISO/IEC 7064 for MOD 11,10: 0794 gives 5."""
    assert check_digit("0794") == "5"


def test_receipt_number_is_built_as_documented() -> None:
    number = receipt_number("020001", date(2026, 11, 24), 17)
    assert number[:16] == "0200012611240017"
    assert number[16:] == check_digit(number[:16])
    assert grouped(number).split() == ["020001", "261124", number[12:]]


@given(place=st.integers(0, 16), digit=st.integers(0, 9), number=st.integers(1, 9999))
def test_every_single_wrong_digit_is_found(place: int, digit: int, number: int) -> None:
    right = receipt_number("020001", date(2026, 11, 24), number)
    wrong = right[:place] + str(digit) + right[place + 1 :]
    assert (check_digit(wrong[:-1]) == wrong[-1]) == (wrong == right)


@pytest.mark.parametrize("number", [0, 10_000, -1])
def test_no_receipt_number_outside_the_day(number: int) -> None:
    with pytest.raises(ValueError, match="used up"):
        receipt_number("020001", date(2026, 11, 24), number)


HEADER = EnvelopeHeader(
    id=str(uuid7()),
    terminal="020001",
    seq=1,
    receipt_no=receipt_number("020001", date(2026, 11, 24), 1),
    kind="first_application",
    created="2026-11-24T09:30:00.123+08:00",
    urgent=False,
    key_id="0" * 16,
    algorithm="HPKE/X",
)


def test_header_survives_the_wire_and_passes_over_new_fields() -> None:
    assert EnvelopeHeader.from_wire({**HEADER.as_wire(), "colour": "red"}) == HEADER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "00000000-0000-4000-8000-000000000000"),
        ("terminal", "2001"),
        ("seq", "1"),
        ("seq", True),
        ("urgent", 0),
        ("created", "2026-11-24"),
        ("kind", "DROP TABLE"),
        ("key_id", None),
    ],
)
def test_wrong_header_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        EnvelopeHeader.from_wire({**HEADER.as_wire(), field: value})


@pytest.mark.parametrize(
    "number",
    [
        people.id_number("19570101", 1)[:-1] + "?",
        people.id_number("19570101", 1)[:17],
        people.id_number("19570230", 1),
        "1302991957010100" + "00",
    ],
)
def test_id_number_with_wrong_check_digit_or_impossible_date_is_refused(number: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(IdNumber).validate_python(number)


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_largest_attachments_of_a_kind_fit_into_an_envelope_together(kind: str) -> None:
    """In base64, and with room for all that is not a picture. Those of a first application came to
    603 KB: what was within every limit became a dead letter."""
    pictures = sum(4 * -(-picture.limit // 3) for picture in kinds()[kind].attachments.values())
    assert pictures + 32 * 1024 <= SEALED_LIMIT
