"""What a terminal seals is what the wire contract says, and the signature binds it."""

from __future__ import annotations

import base64
import dataclasses
import io
from typing import Any

import pytest

from kiosk.records.signature import signature_png
from kiosk.records.transaction import Prepared, Transaction
from kiosk.services.first_application import ApplyFirst
from kiosk.visit.flow import Unacceptable
from kiosk.visit.prompts import Form
from kiosk.words import LANGUAGES, Words
from sync.canonical import canonical, sha256_hex
from sync.header import EnvelopeHeader
from sync.kinds.first_application import KIND
from sync.wire.contents import Contents
from tests.flows.counter import KNOWN, PHOTO, SIGNATURE, Walk

HEADER = EnvelopeHeader(
    id="01890000-0000-7000-8000-000000000000",
    terminal="130299",
    seq=1,
    receipt_no="13029926112400015",
    kind="first_application",
    created="2026-11-24T09:30:00.000+08:00",
    urgent=False,
    key_id="0" * 16,
    algorithm="test",
)


def signed() -> Transaction:
    transaction = Walk(ApplyFirst).until("filing.submit").prompt.transaction
    assert isinstance(transaction, Transaction)
    return transaction


def contents(transaction: Transaction | None = None) -> dict[str, Any]:
    return Prepared.of(transaction or signed()).contents(HEADER)


def test_every_hash_agrees() -> None:
    sealed = contents()
    document = sealed["document"]
    assert sealed["document_sha256"] == sha256_hex(canonical(document))
    signature = sealed["signature"]
    png = base64.b64decode(sealed["attachments"]["signature"])
    assert signature["png_sha256"] == sha256_hex(png)
    assert signature["document_sha256"] == sealed["document_sha256"]
    bound = {
        "document": signature["document_sha256"],
        "signature": signature["png_sha256"],
        "signed_at": signature["signed_at"],
    }
    assert signature["binding_sha256"] == sha256_hex(canonical(bound))
    assert base64.b64decode(sealed["attachments"]["photo"]) == PHOTO.jpeg
    assert document["photo_sha256"] == PHOTO.sha256
    assert (sealed["request_id"], sealed["receipt_no"]) == (HEADER.id, HEADER.receipt_no)


def test_the_contents_are_what_the_wire_contract_says() -> None:
    prepared = Prepared.of(signed())
    received = Contents.model_validate(prepared.contents(HEADER))
    form = KIND.document.model_validate(received.document)
    assert form.model_dump(mode="json", exclude_unset=True) == received.document
    assert set(received.document) == set(KIND.document.model_fields)
    assert set(received.attachments) <= set(KIND.attachments)
    claimed = KIND.evidence.model_validate(received.evidence).model_dump(mode="json")
    assert claimed == received.evidence, "no claim is lost on the way"


def test_a_document_with_the_number_that_the_centre_has_fits_the_contract() -> None:
    """It was no telephone number of the contract, so the centre called the envelope unusable."""
    visit = Walk(ApplyFirst).until("eligibility.ask").say("eligibility.ask", KNOWN)
    visit.say("telephone.known", "known").until("filing.submit")
    document = visit.prompt.transaction.document
    assert document["phone"] == ""
    KIND.document.model_validate(document)


def test_another_signature_breaks_the_binding() -> None:
    record = contents()["signature"]
    other = dataclasses.replace(SIGNATURE, lines=(((0, 0), (999, 999)),))
    forged = contents(dataclasses.replace(signed(), signature=other))["signature"]
    assert forged["png_sha256"] != record["png_sha256"]
    assert forged["binding_sha256"] != record["binding_sha256"]


def test_each_consent_carries_the_hash_of_the_words_that_were_shown() -> None:
    """Counted here as the centre can: over the words in both languages, in canonical JSON."""
    spoken = {language: Words(language) for language in LANGUAGES}
    for consent in contents()["consents"]:
        shown = {
            language: {
                key: words.text(key)
                for key in words.ids()
                if key.startswith(f"{consent['text_id']}.")
            }
            for language, words in spoken.items()
        }
        assert len(shown["en"]) > 5
        assert consent["text_sha256"] == sha256_hex(canonical(shown))


def test_what_is_not_signed_has_no_signature() -> None:
    sealed = contents(dataclasses.replace(signed(), signature=None))
    assert sealed["signature"] is None
    assert "signature" not in sealed["attachments"]


def test_the_signature_is_a_picture_with_ink() -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(signature_png(SIGNATURE)))
    assert image.size == (900, 360)
    assert image.convert("L").getextrema() == (0, 255)


def test_the_contents_are_plain_json() -> None:
    canonical(contents())


def test_a_form_cannot_be_answered_with_a_box_missing() -> None:
    visit = Walk(ApplyFirst).until("telephone.number")
    assert isinstance(visit.prompt, Form)
    with pytest.raises(Unacceptable):
        visit.visit.answer({})
