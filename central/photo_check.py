"""The photo of a case, measured after the terminal has its answer.

What the terminal claims was kept as it came; here stands beside it what the centre finds in the
same bytes (`central.photos`). Whatever a person should look at brings the case to 待核实.
"""

from __future__ import annotations

from django.db import transaction

from central import machine, photos, portrait, storage
from central.cases import Case
from central.ports.portrait_decoder import portrait_decoder


def check(position: int) -> None:
    """Raises `OSError` where the files are gone."""
    case = Case.objects.get(pk=position)
    files = storage.pictures_of(case)
    if "photo" not in files:
        return
    found = photos.examine(
        files["photo"],
        case.contents["evidence"],
        case.contents["proof"].get("comparison") or {},
        portrait_decoder().decode(files["portrait_wlt"]) if "portrait_wlt" in files else None,
        files.get("frame", b""),
    )
    own = found.compared
    photo = {
        "claimed": found.claimed,
        "measured": found.measured,
        "compared": None
        if own is None
        else {
            "band": own.band.value,
            "score": "" if own.score is None else f"{own.score:.3f}",
            "method": own.method,
            "why": own.why.value if own.why else "",
        },
    }
    with transaction.atomic():
        # Together: what was looked at is in review already, if somebody must compare.
        machine.put_to_review(position, found.review)
        # Read again: measuring takes its time, and others may have found something meanwhile.
        case = Case.objects.select_for_update().get(pk=position)
        case.findings = {**case.findings, "photo": photo}
        case.save(update_fields=["findings"])
        portrait.add_task(case)
