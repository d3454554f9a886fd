"""首次申领 arriving at the centre: is it what the citizen signed, and may it take effect?

First the document is checked against itself: every hash is computed again from what it is a hash
of (domain R-B9). Then the person is checked against the registry.
"""

from __future__ import annotations

from pydantic import ValidationError

from central import photos, pictures
from central.eligibility import refusal
from central.models import Application, Photo, ReceivedEnvelope, Signature
from sync.messages import (
    ApplicationForm,
    FirstApplication,
    ItemAnswer,
    Rejection,
    Verdict,
    binding_sha256,
    form_sha256,
    sha256_hex,
)


def accept(envelope: ReceivedEnvelope, payload: dict[str, object]) -> ItemAnswer:
    """Decide one application; if it is accepted, it is stored with `envelope`, which is saved.

    Runs inside the transaction that makes the envelope's id known.
    """
    try:
        application = FirstApplication.model_validate(payload)
    except ValidationError as error:
        # Only where it is wrong: the error's own text repeats what the citizen entered.
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        return _unusable(envelope, f"contents.{place}"[:60])
    if fault := fault_in(application, envelope):
        return _unusable(envelope, fault)
    form = application.form
    if refused := refusal(form.id_number, form.name):
        kind, reason = refused
        again = kind is Rejection.DUPLICATE_APPLICATION
        return ItemAnswer(
            id=str(envelope.id),
            verdict=Verdict.DUPLICATE if again else Verdict.REJECTED,
            rejection=kind,
            reason=reason,
        )
    _store(envelope, application)
    return ItemAnswer(id=str(envelope.id), verdict=Verdict.ACCEPTED)


def fault_in(application: FirstApplication, envelope: ReceivedEnvelope) -> str:
    """What does not fit together in this document, in a word; "" if all does."""
    form, signature = application.form, application.signature
    form_hash = form_sha256(form)
    checks = [
        ("request_id", application.request_id == str(envelope.id)),
        ("receipt_no", application.receipt_no == envelope.receipt_no),
        ("form_hash", application.form_sha256 == form_hash),
        ("signature_form", signature.form_sha256 == form_hash),
        (
            "signature_binding",
            signature.binding_sha256
            == binding_sha256(form_hash, signature.png, signature.signed_at),
        ),
        ("photo_hash", sha256_hex(application.photo_jpeg) == form.photo_sha256),
        ("birth", form.birth.replace("-", "") == form.id_number[6:14]),
        ("sex", (form.sex == "1") == (int(form.id_number[16]) % 2 == 1)),
        ("signature_image", pictures.size_of(signature.png, "PNG") is not None),
    ]
    if wrong := next((name for name, right in checks if not right), ""):
        return wrong
    photo_fault = pictures.card_photo_fault(application.photo_jpeg)
    return f"photo.{photo_fault}" if photo_fault else ""


def _unusable(envelope: ReceivedEnvelope, reason: str) -> ItemAnswer:
    return ItemAnswer(id=str(envelope.id), verdict=Verdict.REJECTED, reason=reason)


def _store(envelope: ReceivedEnvelope, application: FirstApplication) -> None:
    envelope.verdict = Verdict.ACCEPTED
    envelope.save(force_insert=True)
    form, signature = application.form, application.signature
    stored = Application.objects.create(
        envelope=envelope,
        receipt_no=envelope.receipt_no,
        terminal_id=envelope.terminal_id,
        policy_version=application.policy_version,
        address=form.address.text,
        form=form.model_dump(mode="json", exclude_unset=True),
        form_sha256=application.form_sha256,
        consents=[consent.model_dump(mode="json") for consent in application.consents],
        **{name: getattr(form, name) for name in _COLUMNS},
    )
    _store_photo(stored, application)
    Signature.objects.create(
        application=stored,
        png=signature.png,
        signed_at=signature.signed_at,
        strokes_sha256=signature.strokes_sha256 or "",
        binding_sha256=signature.binding_sha256,
    )


def _store_photo(stored: Application, application: FirstApplication) -> None:
    """The photo, what the terminal says of it, and what the centre finds when it measures it."""
    findings = photos.examine(application.photo_jpeg, application.photo_evidence)
    frame = application.photo_evidence.frame.jpeg if application.photo_evidence else b""
    Photo.objects.create(
        application=stored,
        jpeg=application.photo_jpeg,
        frame=frame or None,
        claimed=findings.claimed,
        measured=findings.measured,
    )
    if findings.review:
        stored.review = findings.review
        stored.save(update_fields=["review"])


#: Fields of the form that are columns of the same name.
_COLUMNS = [
    name
    for name in ApplicationForm.model_fields
    if name not in ("address", "photo_sha256") and not name.startswith("id_")
] + ["id_number"]


def recheck(application: Application) -> dict[str, bool]:
    """Compute every hash of a stored application again: {"form": …, "photo": …, "binding": …}."""
    form = ApplicationForm.model_validate(application.form)
    form_hash = form_sha256(form)
    signature: Signature = application.signature
    bound = binding_sha256(form_hash, bytes(signature.png), signature.signed_at)
    return {
        "form": form_hash == application.form_sha256,
        "photo": sha256_hex(bytes(application.photo.jpeg)) == form.photo_sha256,
        "binding": bound == signature.binding_sha256,
    }
