"""What is sealed: a signed application as the wire contract has it (`sync.messages`).

Plain data built by hand, so that the terminal needs no model library to submit; the two are held
together by `tests/flows/test_application.py`.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kiosk.records.application import SignedApplication
from sync.canonical import Json, canonical, sha256_hex
from sync.header import SCHEMA_VERSION

if TYPE_CHECKING:
    from kiosk.visit.prompts import Strokes
    from sync.header import EnvelopeHeader

#: The signature as an image: pixels, and the width of the pen.
_WIDTH, _HEIGHT, _PEN = 900, 360, 6
#: Drawn larger and scaled down, for smooth lines.
_OVERSAMPLING = 3


def signature_png(strokes: Strokes) -> bytes:
    """The signature in black on white, 900x360, PNG."""
    from PIL import Image, ImageDraw  # slow to import; the screen has been up for minutes

    scale = _OVERSAMPLING
    image = Image.new("L", (_WIDTH * scale, _HEIGHT * scale), 255)
    draw = ImageDraw.Draw(image)
    pen = _PEN * scale
    for line in strokes.lines:
        points = [(x * _WIDTH * scale / 1000, y * _HEIGHT * scale / 1000) for x, y in line]
        if len(points) > 1:
            draw.line(points, fill=0, width=pen, joint="curve")
        for x, y in (points[0], points[-1]) if points else ():
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=0)
    out = io.BytesIO()
    image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


@dataclass(frozen=True)
class Prepared:
    """A transaction whose slow parts are done, waiting for its header."""

    signed: SignedApplication
    png: bytes

    @classmethod
    def of(cls, signed: SignedApplication) -> Prepared:
        return cls(signed, signature_png(signed.signature))

    def payload(self, header: EnvelopeHeader) -> dict[str, Json]:
        """The contents of the envelope with this header."""
        application = self.signed.application
        form = application.form()
        form_hash = sha256_hex(canonical(form))
        signed_at = _moment(self.signed.signature.signed_at)
        signature_hash = sha256_hex(self.png)
        bound = {"form": form_hash, "signature": signature_hash, "signed_at": signed_at}
        return {
            "schema_version": SCHEMA_VERSION,
            "request_id": header.id,
            "receipt_no": header.receipt_no,
            "policy_version": self.signed.policy_version,
            "form": form,
            "form_sha256": form_hash,
            "photo_jpeg": _base64(application.photo.jpeg),
            "signature": {
                "png": _base64(self.png),
                "form_sha256": form_hash,
                "signed_at": signed_at,
                "binding_sha256": sha256_hex(canonical(bound)),
            },
            "consents": [
                {
                    "text_id": consent.text_id,
                    "text_version": consent.text_version,
                    "agreed_at": _moment(consent.agreed_at),
                }
                for consent in self.signed.consents
            ],
            "photo_evidence": self.signed.evidence.document(),
        }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
