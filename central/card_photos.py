"""The card photo that the centre has of a person, and for how long it may be used again.

Only one that was taken in counts: looked at, with the case it came with. The day is that on which
it was taken, however often it was used since.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.utils import timezone

from central.cases import Attachment
from central.packs import ruled
from kiosk.policy.table import months_after

if TYPE_CHECKING:
    from central.business import Opened
    from central.cases import Case

#: States in which a photo was looked at and taken in.
_TAKEN_IN = (
    "approved",
    *("in_production", "in_delivery", "delivered", "collected", "finished"),
)

#: Finding of a case whose photo is from an earlier one: the day on which it was taken.
_TAKEN = "photo_taken"


def photo_of(person: str) -> tuple[Attachment, date] | None:
    """The newest, and the day on which it was taken; None if there is none."""
    photos = Attachment.objects.filter(name="photo", case__person=person)
    taken_in = photos.filter(case__state__in=_TAKEN_IN).select_related("case")
    found = taken_in.order_by("-case__position").first()
    if found is None:
        return None
    taken = found.case.findings.get(_TAKEN)
    day = timezone.localdate(found.case.created) if taken is None else date.fromisoformat(taken)
    return found, day


def is_reusable(opened: Opened, sha256: str, today: date) -> bool:
    """Whether this is the photo that the centre has, and it is new enough (R-D10)."""
    found = photo_of(opened.person)
    if found is None or found[0].sha256 != sha256:
        return False
    months = ruled(opened.terminal, today, lambda policy: policy.photo.valid_months)
    return today <= months_after(found[1], months)


def take_over(case: Case) -> None:
    """The case is shown with the photo that it named."""
    found = photo_of(case.person)
    if found is None:
        return
    photo, day = found
    Attachment.objects.create(case=case, name="photo", sha256=photo.sha256, size=photo.size)
    case.findings = {**case.findings, _TAKEN: day.isoformat()}
    case.save(update_fields=["findings"])
