"""The one migration stands written by hand beside the models: what it makes is what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.in_process import Centre


def test_the_migration_makes_what_the_models_say(centre: Centre) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True)  # raises SystemExit where it does not
