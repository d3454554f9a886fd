"""The terminal's form and the wire contract are the same thing, and the signature binds them."""

from __future__ import annotations

import base64
import dataclasses
import io

import pytest

from kiosk.records.application import SignedApplication
from kiosk.records.payload import Prepared, signature_png
from kiosk.services.first_application import ApplyFirst
from kiosk.visit.flow import Unacceptable
from kiosk.visit.prompts import Form
from sync import messages
from sync.header import EnvelopeHeader
from tests.flows.counter import PHOTO, SIGNATURE, Walk

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


def signed() -> SignedApplication:
    transaction = Walk(ApplyFirst).until("apply.submit").prompt.transaction
    assert isinstance(transaction, SignedApplication)
    return transaction


def test_the_form_is_what_the_wire_contract_says() -> None:
    application = signed().application
    form = messages.ApplicationForm.model_validate(application.form())
    assert messages.form_sha256(form) == application.sha256
    assert set(application.form()) == set(messages.ApplicationForm.model_fields)


def test_the_payload_is_understood_by_the_centre_and_every_hash_agrees() -> None:
    prepared = Prepared.of(signed())
    received = messages.FirstApplication.model_validate(prepared.payload(HEADER))
    assert received.form_sha256 == messages.form_sha256(received.form)
    assert received.signature.form_sha256 == received.form_sha256
    signature = received.signature
    bound = messages.binding_sha256(signature.form_sha256, signature.png, signature.signed_at)
    assert signature.binding_sha256 == bound
    assert received.photo_jpeg == PHOTO.jpeg
    assert received.request_id == HEADER.id


def test_another_signature_breaks_the_binding() -> None:
    payload = messages.FirstApplication.model_validate(Prepared.of(signed()).payload(HEADER))
    other = signature_png(dataclasses.replace(SIGNATURE, lines=(((0, 0), (999, 999)),)))
    assert other != payload.signature.png
    record = payload.signature
    forged = messages.binding_sha256(record.form_sha256, other, record.signed_at)
    assert forged != record.binding_sha256


def test_the_signature_is_a_picture_with_ink() -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(signature_png(SIGNATURE)))
    assert image.size == (900, 360)
    low, high = image.convert("L").getextrema()
    assert (low, high) == (0, 255)


def test_the_payload_is_plain_json_and_holds_no_bytes() -> None:
    payload = Prepared.of(signed()).payload(HEADER)
    assert isinstance(payload["photo_jpeg"], str)
    assert base64.b64decode(payload["photo_jpeg"]) == PHOTO.jpeg


def test_a_form_cannot_be_answered_with_a_box_missing() -> None:
    visit = Walk(ApplyFirst).until("apply.phone")
    assert isinstance(visit.prompt, Form)
    with pytest.raises(Unacceptable):
        visit.visit.answer({})
