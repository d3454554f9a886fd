"""Review and signature: everything that will be sent on one page, then the signature under it.

The signature page is given the hash of the document, so what is signed is what was shown (R-B9).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kiosk.visit.prompts import Review, Row, Sign
from sync.canonical import Json, canonical, sha256_hex

if TYPE_CHECKING:
    from kiosk.photo import CardPhoto
    from kiosk.records.signature import Strokes


async def review_and_sign(
    document: Mapping[str, Json],
    rows: tuple[Row, ...],
    name: str,
    photo: CardPhoto | None = None,
) -> Strokes:
    """Show the rows until the citizen finds them right, and have the document signed. `name`:
    whose signature it is."""
    await Review("review", rows, photo)
    return await Sign("signature", sha256_hex(canonical(dict(document))), name)
