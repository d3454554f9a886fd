"""The photo of a case, measured after the terminal has its answer.

What the terminal claims was kept as it came; here stands beside it what the centre finds in the
same bytes (`central.photos`). Whatever a person should look at brings the case to 待核实.
"""

from __future__ import annotations

from central import machine, photos, storage
from central.cases import Case


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
        files.get("portrait_wlt", b""),
    )
    case.findings = {
        **case.findings,
        "photo": {"claimed": found.claimed, "measured": found.measured},
    }
    case.save(update_fields=["findings"])
    machine.put_to_review(position, found.review)
