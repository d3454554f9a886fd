"""The face in the photo against the ID card's portrait: a hint, whatever comes of it.

It is compared where the photo was made, in the darkroom's process (`kiosk.darkroom`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.visit.prompts import Compared

if TYPE_CHECKING:
    from kiosk.operations.work import Work
    from kiosk.visit import prompts


def compare_faces(prompt: prompts.CompareFaces, _: None, work: Work) -> Compared:
    """Nobody is refused because a comparison failed."""
    return Compared(work.studio.compare(prompt.photo.jpeg, prompt.portrait), work.now())
