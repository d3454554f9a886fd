"""What the centre holds, for a report: masked, with every check done again."""

from __future__ import annotations

import time
from typing import Any

from central import photos, pictures, storage
from central.business import business_of
from central.cases import Case, Task
from central.masking import masked_name, masked_number
from central.models import Alarm, Centre, JournalCheckpoint, Terminal
from central.whole import checks_of


def settled(seconds: float) -> bool:
    """Wait until no work after a commit is due; False if some still is."""
    until = time.monotonic() + seconds
    while Task.objects.filter(tries__lte=1).exists():
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
    return True


def overview() -> dict[str, Any]:
    """Cases, terminals, alarms and the standing, as plain JSON."""
    centre = Centre.objects.get(pk=Centre.ONE)
    return {
        "cases": [_case(item) for item in Case.objects.order_by("position")],
        "terminals": [_terminal(item) for item in Terminal.objects.all()],
        "alarms": [
            {"kind": item.kind, "terminal": item.terminal_id, "about": item.about}
            for item in Alarm.objects.filter(resolved_at=None)
        ],
        "tasks": Task.objects.count(),
        "epoch": centre.epoch,
        "backed_up_to": centre.backed_up_to,
    }


def _case(item: Case) -> dict[str, Any]:
    business = business_of(item.kind)
    document, files = item.contents["document"], storage.pictures_of(item)
    checks = checks_of(item.contents, files)
    return {
        "position": item.position,
        "id": str(item.id),
        "kind": item.kind,
        "terminal": item.terminal_id,
        "seq": item.seq,
        "receipt_no": item.receipt_no,
        "state": item.state,
        "state_zh": business.states.get(item.state, item.state),
        "verdict": item.verdict,
        "rejection": item.rejection,
        "reason": item.reason,
        "review": item.review,
        "earlier": item.earlier_id,
        "name": masked_name(business.name(document)),
        "id_number": masked_number(document["id_number"]) if "id_number" in document else "",
        #: [width, height] of a picture that decodes to its last byte, else null.
        "pictures": {
            name: pictures.size_of(data, "PNG" if data.startswith(b"\x89PNG") else "JPEG")
            for name, data in files.items()
        },
        "document_ok": checks["document"],
        "attachments_ok": checks["attachments"],
        "signature_ok": checks["signature"],
        "consents": [consent["text_id"] for consent in item.contents["consents"]],
        "proof": item.contents["proof"]["level"],
        **_photo(item),
    }


def _photo(item: Case) -> dict[str, Any]:
    """What is known of the photo: rules as claimed and as measured here."""
    claimed = item.contents["evidence"]
    measured = item.findings.get("photo", {}).get("measured", {})
    return {
        "rules_claimed": len(claimed.get("rules", ())),
        "rules_measured": len(measured),
        "photo_disagrees": photos.disagreements(claimed, measured),
        "liveness": claimed.get("liveness", {}),
        "comparison": item.contents["proof"].get("comparison") or {},
    }


def _terminal(item: Terminal) -> dict[str, Any]:
    report = getattr(item, "terminalreport", None)
    newest = item.checkpoints.first()
    return {
        "number": item.number,
        "last_heartbeat": report.received_at.isoformat() if report else None,
        "queued": report.queued if report else None,
        "held": report.held if report else None,
        "dead": report.dead if report else None,
        "desired_version": report.desired_version if report else "",
        "policy": report.versions.get("policy", "") if report else "",
        "journal": {
            "entries": newest.seq if newest else 0,
            "altered": JournalCheckpoint.open_contradictions().filter(terminal=item).exists(),
        },
        "devices": {row["device"]: row["state"] for row in (report.health if report else ())},
    }
