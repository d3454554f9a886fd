"""Is what was opened what its kind says, and does it agree with itself?

Every hash is computed again from what it is a hash of (domain R-B9). What fails here is unusable:
no later try can make it right, so a technician must look.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from central import pictures
from central.business import Business, Opened
from sync.canonical import canonical, sha256_hex
from sync.kinds import kinds
from sync.wire.contents import SIGNATURE, Contents, binding_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sync.header import EnvelopeHeader
    from sync.wire.base import Document
    from sync.wire.kind import Kind


class Unusable(Exception):
    """It contradicts itself; the text is a word, or the place where it is wrong."""


def opened(
    business: Business,
    header: EnvelopeHeader,
    plain: dict[str, Any],
    person_of: Callable[[str], str],
) -> Opened:
    """The contents of one envelope, checked. Raises `Unusable`."""
    kind = kinds()[business.kind]
    _must_be_text(plain)
    contents = _valid(Contents, plain, "contents")
    document = _valid(kind.document, contents.document, "document")
    evidence = _valid(kind.evidence, contents.evidence, "evidence")
    hashes = {name: sha256_hex(data) for name, data in contents.attachments.items()}
    wrong = next(_faults(kind, header, contents, document, hashes), "")
    if wrong:
        raise Unusable(wrong)
    person = person_of(business.id_number(document))
    created = datetime.fromisoformat(header.created)
    files = dict(contents.attachments)
    found = Opened(contents, document, evidence, person, created, header.terminal, files, hashes)
    if wrong := business.faults(found):
        raise Unusable(wrong)
    return found


def _must_be_text(plain: dict[str, Any]) -> None:
    """Half of a surrogate pair is no character, and what is nested without end is no document."""
    said = {name: part for name, part in plain.items() if name != "attachments"}
    try:
        canonical(said)
        nul = has_nul(said)
    except (TypeError, UnicodeEncodeError, RecursionError):
        raise Unusable("not_text") from None
    if nul:
        raise Unusable("nul")


def has_nul(value: object) -> bool:
    """Whether a text in it has a NUL, which no database keeps. Looked for in what was decoded: in
    JSON, six characters that a person may type look the same."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(has_nul, (*value, *value.values())))
    return isinstance(value, (list, tuple)) and any(map(has_nul, value))


def _valid(model: type[Any], value: Any, place: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # Only where it is wrong: the error's own text repeats what the citizen entered.
        where = ".".join(str(part) for part in (place, *error.errors()[0]["loc"]))
        raise Unusable(where[:60]) from None


def _faults(
    kind: Kind,
    header: EnvelopeHeader,
    contents: Contents,
    document: Document,
    hashes: Mapping[str, str],
) -> Iterator[str]:
    """Words for what is wrong, in the order in which it is looked at. `hashes`: of attachments."""
    document_hash = sha256_hex(contents.document)
    checks = [
        ("kind", contents.kind == header.kind),
        ("request_id", contents.request_id == header.id),
        ("receipt_no", contents.receipt_no == header.receipt_no),
        ("document_hash", contents.document_sha256 == document_hash),
    ]
    yield from (name for name, right in checks if not right)
    yield from _attachment_faults(kind, contents, document, hashes)
    yield from _signature_faults(kind, contents, hashes)


def _attachment_faults(
    kind: Kind, contents: Contents, document: Document, hashes: Mapping[str, str]
) -> Iterator[str]:
    for name in contents.attachments:
        if name not in kind.attachments:
            yield f"attachment.{name}"
    for name, picture in kind.attachments.items():
        data = contents.attachments.get(name)
        if data is None:
            if picture.required:
                yield f"no_{name}"
        elif len(data) > picture.limit:
            yield f"{name}_too_large"
        elif picture.hash_field and getattr(document, picture.hash_field) != hashes[name]:
            yield f"{name}_hash"


def _signature_faults(kind: Kind, contents: Contents, hashes: Mapping[str, str]) -> Iterator[str]:
    signature = contents.signature
    if signature is None:
        if kind.signed:
            yield "no_signature"
        return
    png = contents.attachments.get(SIGNATURE, b"")
    bound = binding_sha256(signature.document_sha256, signature.png_sha256, signature.signed_at)
    checks = [
        ("signature_document", signature.document_sha256 == contents.document_sha256),
        ("signature_png", signature.png_sha256 == hashes.get(SIGNATURE, "")),
        ("signature_binding", signature.binding_sha256 == bound),
        ("signature_image", pictures.size_of(png, "PNG") is not None),
    ]
    yield from (name for name, right in checks if not right)


def checks_of(contents: dict[str, Any], files: dict[str, bytes]) -> dict[str, bool]:
    """Every hash of a stored case computed again: {"document", "attachments", "signature"}."""
    signature = contents["signature"] or {}
    document = contents["document"]
    document_hash = sha256_hex(document)
    hashes = {value for name, value in document.items() if name.endswith("_sha256") and value}
    bound = binding_sha256(
        document_hash,
        sha256_hex(files.get(SIGNATURE, b"")),
        signature.get("signed_at", ""),
    )
    return {
        "document": document_hash == contents["document_sha256"],
        "attachments": hashes <= {sha256_hex(data) for data in files.values()},
        "signature": not signature or bound == signature["binding_sha256"],
    }
