"""The centre's keys over its life: made once, then followed by newer ones, never made again."""

from __future__ import annotations

from django.db import transaction

from central.keys import keyring
from central.models import Centre, Terminal


class KeysMissing(Exception):
    """Terminals are enrolled, and their keys are not here. The text says which, and what to do."""


def ensure_keys(profile: str) -> None:
    """Make the first keys. Raises `KeysMissing` where terminals are enrolled already: what they
    seal could not be opened with new ones, and what they are answered would not be believed."""
    ring = keyring()
    missing = ring.missing()
    with transaction.atomic():
        centre = Centre.locked()
        if missing and Terminal.objects.exists():
            raise KeysMissing(
                f"{ring.folder}: {', '.join(missing)} missing, and terminals are enrolled. Restore"
                " the folder from the backup of the keys."
            )
        if missing:
            ring.ensure(profile, centre.key_number + 1)
        _keep_number(centre, ring.highest_number())


def new_key(profile: str | None) -> str:
    """Make a new envelope key current; returns its id. Its number was never given before."""
    with transaction.atomic():
        centre = Centre.locked()
        key_id, number = keyring().roll_over(profile, centre.key_number + 1)
        _keep_number(centre, number)
    return key_id


def _keep_number(centre: Centre, number: int) -> None:
    if number > centre.key_number:
        centre.key_number = number
        centre.save(update_fields=["key_number"])
