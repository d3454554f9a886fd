"""Is what was opened whole: each kind of contradiction has its word, and nothing else is one.

Without a server and without an envelope: what `central.whole` gets, and what it makes of it.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from sync.canonical import sha256_hex
from sync.header import EnvelopeHeader
from sync.ids import uuid7
from tests.system import people
from tests.system.people import FREE, contents_of, form_of, jpeg, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.business import Opened
    from tests.system.in_process import Centre

Change: TypeAlias = "Callable[[dict[str, Any]], object]"

PERSON = FREE[3]


def header_of(kind: str) -> EnvelopeHeader:
    return EnvelopeHeader(
        id=str(uuid7()),
        terminal="020001",
        seq=7,
        receipt_no="02000126112400007",
        kind=kind,
        created="2026-11-24T09:30:00.000+08:00",
        urgent=False,
        key_id="0" * 16,
        algorithm="test",
    )


def read(kind: str, plain: dict[str, Any], header: EnvelopeHeader) -> Opened:
    """What the intake gets. The person is the number here, with a mark."""
    from central.business import business_of
    from central.whole import opened

    return opened(business_of(kind), header, plain, lambda number: f"person {number}")


def word_for(kind: str, plain: dict[str, Any], header: EnvelopeHeader) -> str:
    """What is wrong with it, "" if nothing is."""
    from central.whole import Unusable

    try:
        read(kind, plain, header)
    except Unusable as error:
        return str(error)
    return ""


def application(
    change: Change = lambda payload: None, **more: bytes
) -> tuple[str, dict[str, Any], EnvelopeHeader]:
    """A first application, signed; then somebody changes it. `more`: pictures."""
    header = header_of("first_application")
    pictures = {"photo": jpeg(), "signature": png(), **more}
    plain = contents_of(header, form_of(PERSON, jpeg()), pictures)
    change(plain)
    return "first_application", plain, header


def loss(
    pictures: dict[str, bytes] | None = None, **fields: Any
) -> tuple[str, dict[str, Any], EnvelopeHeader]:
    """A report of a loss, which nobody signs."""
    header = header_of("loss_report")
    who = {"name": PERSON.name, "id_number": PERSON.number, "loss": "temporary", "card": ""}
    plain = contents_of(header, who | fields, pictures or {})
    return "loss_report", plain, header


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def signed_again(payload: dict[str, Any], **fields: Any) -> None:
    """A document that is wrong and whose hashes are right."""
    payload["document"].update(fields)
    document = sha256_hex(payload["document"])
    signature = payload["signature"]
    bound = {
        "document": document,
        "signature": signature["png_sha256"],
        "signed_at": signature["signed_at"],
    }
    payload["document_sha256"] = signature["document_sha256"] = document
    signature["binding_sha256"] = sha256_hex(bound)


TAMPERED: dict[str, tuple[Change, str]] = {
    "a field of the form": (lambda p: p["document"].update(phone="13900000001"), "document_hash"),
    "an address": (lambda p: p["document"]["address"].update(room="402"), "document_hash"),
    "a new field": (lambda p: p["document"].update(colour="red"), "document_hash"),
    "the signature": (
        lambda p: p["attachments"].update(signature=base64.b64encode(jpeg()).decode()),
        "signature_png",
    ),
    "the signature's hash": (
        lambda p: p["signature"].update(png_sha256="0" * 64),
        "signature_png",
    ),
    "the binding": (
        lambda p: p["signature"].update(binding_sha256="0" * 64),
        "signature_binding",
    ),
    "its time": (
        lambda p: p["signature"].update(signed_at="2026-11-24T09:31:00.000+08:00"),
        "signature_binding",
    ),
    "its form": (
        lambda p: p["signature"].update(document_sha256="0" * 64),
        "signature_document",
    ),
    "the photo": (
        lambda p: p["attachments"].update(photo=base64.b64encode(jpeg() + b"x").decode()),
        "photo_hash",
    ),
    "no photo": (lambda p: p["attachments"].pop("photo"), "no_photo"),
    "an attachment nobody asked for": (
        lambda p: p["attachments"].update(extra="AAAA"),
        "attachment.extra",
    ),
    "too large a picture": (
        lambda p: p["attachments"].update(portrait_wlt="A" * 8000),
        "portrait_wlt_too_large",
    ),
    "the kind": (lambda p: p.update(kind="loss_report"), "kind"),
    "the receipt number": (lambda p: p.update(receipt_no="0" * 17), "receipt_no"),
    "the id": (lambda p: p.update(request_id="0" * 36), "request_id"),
    "a wrong phone": (lambda p: signed_again(p, phone="110"), "document.phone"),
    "another's birthday": (lambda p: signed_again(p, birth="1999-01-01"), "birth"),
    "a NUL": (lambda p: signed_again(p, id_address="河北\0省"), "nul"),
    "a NUL in the evidence": (lambda p: p["evidence"].update(note="a\0b"), "nul"),
    "no signature": (lambda p: p.pop("signature"), "no_signature"),
    "no proof": (lambda p: p.pop("proof"), "contents.proof"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_altered_is_told_by_its_word(centre: Centre, what: str) -> None:
    change, word = TAMPERED[what]
    assert word_for(*application(change)) == word


def test_what_is_whole_is_handed_on_whole(centre: Centre) -> None:
    kind, plain, header = application(portrait_wlt=b"chip")
    plain["evidence"] = {"tries": 3}
    found = read(kind, plain, header)
    assert found.document.id_number == PERSON.number
    assert found.person == f"person {PERSON.number}"
    assert (found.terminal, found.evidence.tries) == ("020001", 3)
    assert found.created == datetime.fromisoformat(header.created)
    files = {"photo": jpeg(), "signature": png(), "portrait_wlt": b"chip"}
    assert found.attachments == files
    assert found.hashes == {name: sha256_hex(data) for name, data in files.items()}
    assert found.contents.receipt_no == header.receipt_no


def test_who_signs_nothing_needs_no_signature(centre: Centre) -> None:
    assert word_for(*loss()) == ""


def test_a_page_that_may_be_missing_must_be_the_right_one_where_it_is_there(
    centre: Centre,
) -> None:
    """A friend reports the loss; their paper is photographed."""
    friend = {
        "loss": "formal",
        "proxy_name": "亲友",
        "proxy_id_number": people.HOLDER.number,
        "authority": "paper",
    }
    page = {"page_1": jpeg()}
    assert word_for(*loss(page, page_1_sha256=sha256_hex(jpeg()), **friend)) == ""
    assert word_for(*loss(page, page_1_sha256="0" * 64, **friend)) == "page_1_hash"


def test_a_kind_has_no_picture_of_another(centre: Centre) -> None:
    assert word_for(*loss({"photo": jpeg()})) == "attachment.photo"


@pytest.mark.parametrize(("size", "word"), [(4096, ""), (4097, "portrait_wlt_too_large")])
def test_a_picture_may_be_as_large_as_its_kind_says(centre: Centre, size: int, word: str) -> None:
    assert word_for(*application(portrait_wlt=bytes(size))) == word


def test_a_signature_that_is_no_picture_is_none(centre: Centre) -> None:
    """Its hash and its binding are right."""
    for what in (b"", b"no picture", jpeg(), png()[:60]):
        assert word_for(*application(signature=what)) == "signature_image", what[:8]


def test_a_signature_without_its_picture_is_none(centre: Centre) -> None:
    assert word_for(*application(lambda p: p["attachments"].pop("signature"))) == "no_signature"


def test_a_signature_under_what_needs_none_is_checked_as_well(centre: Centre) -> None:
    kind, plain, header = loss()
    plain["signature"] = {
        "png_sha256": sha256_hex(png()),
        "document_sha256": plain["document_sha256"],
        "signed_at": people.SIGNED_AT,
        "binding_sha256": sha256_hex({
            "document": plain["document_sha256"],
            "signature": sha256_hex(png()),
            "signed_at": people.SIGNED_AT,
        }),
    }  # fmt: skip
    assert word_for(kind, plain, header) == "signature_png"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda p: p["evidence"].update(note="\ud800"), "not_text"),
        (lambda p: p["document"].update(name={1, 2}), "not_text"),
        (lambda p: p["evidence"].update(note=nested(2000)), "not_text"),
        (lambda p: p["evidence"].update({"a\0b": 1}), "nul"),
        (lambda p: p["evidence"].update(note=[{"deep": ["a", "b\0"]}]), "nul"),
        (lambda p: p["evidence"].update(tries="many"), "evidence.tries"),
        (lambda p: signed_again(p, name="x" * 500), "document.name"),
        (lambda p: p["proof"].update(level="P9"), "contents.proof.level"),
        (lambda p: p["consents"][0].update(text_sha256="x"), "contents.consents.0.text_sha256"),
        (lambda p: p["attachments"].update(photo="no base64!"), "contents.attachments.photo"),
    ],
)
def test_where_it_is_wrong_is_said_and_never_what_stands_there(
    centre: Centre, change: Change, word: str
) -> None:
    assert word_for(*application(change)) == word


def test_six_characters_that_only_look_like_a_nul_are_text(centre: Centre) -> None:
    """JSON has them as \\\\u0000: who looks at that takes them for what they spell."""
    for text in ("\\u0000", "河北省\\u00001号", "\\\\u0000"):
        kind, plain, header = application(lambda p, text=text: signed_again(p, id_address=text))
        assert read(kind, plain, header).document.id_address == text


def test_a_word_is_never_longer_than_its_field(centre: Centre) -> None:
    word = word_for(*application(lambda p: p["attachments"].update({"x" * 80: "AAAA"})))
    assert word.startswith("contents.attachments.x") and len(word) == 60


def test_what_is_wrong_first_is_what_is_said(centre: Centre) -> None:
    """The document before the pictures, the pictures before the signature."""

    def all_wrong(plain: dict[str, Any]) -> None:
        plain["document"].update(phone="13900000001")
        plain["attachments"].update(photo="AAAA")
        plain["signature"].update(binding_sha256="0" * 64)

    def two_wrong(plain: dict[str, Any]) -> None:
        plain["attachments"].update(photo="AAAA")
        plain["signature"].update(binding_sha256="0" * 64)

    assert word_for(*application(all_wrong)) == "document_hash"
    assert word_for(*application(two_wrong)) == "photo_hash"


# -- what is stored, looked at again -------------------------------------------------------------


def stored(
    change: Change = lambda contents: None, **files: bytes
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Contents as a case keeps them, and its files."""
    _, plain, _ = application(lambda p: signed_again(p, page_1_sha256=""))
    kept = {name: part for name, part in plain.items() if name != "attachments"}
    change(kept)
    return kept, {"photo": jpeg(), "signature": png(), **files}


@pytest.mark.parametrize(
    ("change", "files", "wrong"),
    [
        (lambda c: None, {}, set()),
        (lambda c: c.update(signature=None), {}, set()),
        (lambda c: None, {"frame": b"not signed"}, set()),
        (lambda c: c["document"].update(phone="110"), {}, {"document", "signature"}),
        (lambda c: c.update(document_sha256="0" * 64), {}, {"document"}),
        (lambda c: None, {"photo": b"another"}, {"attachments"}),
        (lambda c: c["document"].update(page_1_sha256="0" * 64), {},
         {"document", "attachments", "signature"}),
        (lambda c: None, {"signature": b"another"}, {"signature"}),
        (lambda c: c["signature"].update(signed_at="2026-11-25"), {}, {"signature"}),
        (lambda c: c["signature"].update(binding_sha256="0" * 64), {}, {"signature"}),
    ],
)  # fmt: skip
def test_what_is_stored_shows_where_it_was_changed(
    centre: Centre, change: Change, files: dict[str, bytes], wrong: set[str]
) -> None:
    from central.whole import checks_of

    checks = checks_of(*stored(change, **files))
    assert set(checks) == {"document", "attachments", "signature"}
    assert {name for name, right in checks.items() if not right} == wrong


def test_what_is_stored_without_the_picture_of_its_signature_is_not_signed(
    centre: Centre,
) -> None:
    from central.whole import checks_of

    contents, files = stored()
    del files["signature"]
    assert checks_of(contents, files)["signature"] is False


def test_what_is_stored_unsigned_with_nothing_but_its_page_is_right(centre: Centre) -> None:
    from central.whole import checks_of

    contents, files = stored(lambda c: c.update(signature=None))
    del files["signature"]
    assert all(checks_of(contents, files).values())
