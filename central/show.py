"""What the centre holds, for a report: masked, with every check done again."""

from __future__ import annotations

from typing import Any

from central import applications, photos, pictures
from central.masking import masked_name, masked_number
from central.models import Application, JournalCheckpoint, ReceivedEnvelope, Terminal


def overview() -> dict[str, Any]:
    """Applications, terminals and the number of envelopes, as plain JSON."""
    return {
        "envelopes": ReceivedEnvelope.objects.count(),
        "applications": [_application(item) for item in Application.objects.all()],
        "terminals": [_terminal(item) for item in Terminal.objects.all()],
    }


def _application(item: Application) -> dict[str, Any]:
    checks = applications.recheck(item)
    return {
        "id": str(item.envelope_id),
        "receipt_no": item.receipt_no,
        "state": item.state,
        "state_zh": item.get_state_display(),
        "name": masked_name(item.name),
        "id_number": masked_number(item.id_number),
        #: [width, height] of a photo that decodes to its last byte, else null.
        "photo": pictures.size_of(bytes(item.photo.jpeg), "JPEG", "RGB"),
        "signature": pictures.size_of(bytes(item.signature.png), "PNG"),
        "form_ok": checks["form"],
        "photo_ok": checks["photo"],
        "binding_ok": checks["binding"],
        **_photo(item),
        "consents": [consent["text_id"] for consent in item.consents],
    }


def _photo(item: Application) -> dict[str, Any]:
    """What is known of the photo: rules as claimed and as measured here, and why to look."""
    photo = item.photo
    return {
        "frame": pictures.size_of(bytes(photo.frame), "JPEG", "RGB") if photo.frame else None,
        "rules_claimed": len(photo.claimed.get("rules", ())),
        "rules_measured": len(photo.measured),
        "photo_disagrees": photos.disagreements(photo.claimed, photo.measured),
        "photo_review": item.review,
        "liveness": photo.claimed.get("liveness", {}),
        "comparison": photo.claimed.get("comparison", {}),
    }


def _terminal(item: Terminal) -> dict[str, Any]:
    report = getattr(item, "terminalreport", None)
    newest = item.checkpoints.first()
    return {
        "number": item.number,
        "last_heartbeat": report.received_at.isoformat() if report else None,
        "queued": report.queued if report else None,
        "dead": report.dead if report else None,
        "desired_version": report.desired_version if report else "",
        "journal": {
            "entries": newest.seq if newest else 0,
            "altered": JournalCheckpoint.open_contradictions().filter(terminal=item).exists(),
        },
        "devices": {row.device: row.state for row in item.devices.all()},
    }
